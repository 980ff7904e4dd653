//! Clearing vouchers: who discharges what, once, from what.
use protocol::{
    clearing::Error,
    settlement::{Source, TransactionKind, Voucher, MAX_SOURCES},
};
use quittance_tests::institutions::{purchase, Network, DEPOSIT, HOME, ORIGINATOR, STRANGER};

use super::{clearing_refused, free, AMOUNT, FIRST_DEPOSIT};

#[test]
fn an_obligation_is_discharged_once() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    network.retain(&[voucher.clone()]).unwrap();
    let first = network.sign_clearing(&voucher, network.clearing_voucher(&voucher, FIRST_DEPOSIT), HOME);
    let already = Error::AlreadyCleared(voucher.id(), HOME);
    clearing_refused(&mut network, vec![first.clone(), first.clone()], already.clone());
    network.clear(vec![first.clone()]).unwrap();
    clearing_refused(&mut network, vec![first], already.clone());

    let mut rewritten = network.clearing_voucher(&voucher, FIRST_DEPOSIT);
    rewritten.issued_at += 1;
    let rewritten = network.sign_clearing(&voucher, rewritten, HOME);
    clearing_refused(&mut network, vec![rewritten], already);
}

#[test]
fn only_the_debtor_can_discharge_what_it_owes() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    network.retain(&[voucher.clone()]).unwrap();
    let genuine = network.clearing_voucher(&voucher, FIRST_DEPOSIT);

    let forged = network.sign_clearing(&voucher, genuine.clone(), ORIGINATOR);
    clearing_refused(&mut network, vec![forged], Error::BadSignature(HOME));

    let mut by_creditor = genuine.clone();
    by_creditor.issuer = ORIGINATOR;
    let by_creditor = network.sign_clearing(&voucher, by_creditor, ORIGINATOR);
    clearing_refused(&mut network, vec![by_creditor], Error::DischargeMismatch(voucher.id()));

    let mut less = genuine.clone();
    less.discharged[0].amount -= 1;
    let less = network.sign_clearing(&voucher, less, HOME);
    clearing_refused(&mut network, vec![less], Error::DischargeMismatch(voucher.id()));

    let mut to_another = genuine.clone();
    to_another.discharged[0].creditor = STRANGER;
    let to_another = network.sign_clearing(&voucher, to_another, HOME);
    clearing_refused(&mut network, vec![to_another], Error::DischargeMismatch(voucher.id()));

    let mut other_relation = genuine.clone();
    other_relation.relation = protocol::RelationId([1; 32]);
    let other_relation = network.sign_clearing(&voucher, other_relation, HOME);
    clearing_refused(&mut network, vec![other_relation], Error::WrongRelation(voucher.id()));

    let unknown = network.sign_clearing(
        &purchase(9, AMOUNT),
        network.clearing_voucher(&purchase(9, AMOUNT), FIRST_DEPOSIT),
        HOME,
    );
    clearing_refused(
        &mut network,
        vec![unknown],
        Error::UnknownVoucher(purchase(9, AMOUNT).id()),
    );

    let mut stale = network.sign_clearing(&voucher, genuine, HOME);
    stale.epoch -= 1;
    let current = network.epoch;
    clearing_refused(&mut network, vec![stale], Error::StaleEpoch { current });
}

#[test]
fn a_source_must_have_credited_the_issuer() {
    let mut network = Network::funded();
    network.deposit(STRANGER, AMOUNT).unwrap();
    let voucher = purchase(1, AMOUNT);
    network.retain(&[voucher.clone()]).unwrap();
    for source in [
        Source::Deposit(1),
        Source::Deposit(77),
        Source::Clearing(voucher.id(), HOME),
    ] {
        let signed = network.sign_clearing(&voucher, network.clearing_voucher(&voucher, source), HOME);
        clearing_refused(&mut network, vec![signed], Error::BadSource(source));
    }
    for sources in [Vec::new(), vec![FIRST_DEPOSIT; MAX_SOURCES + 1]] {
        let mut clearing_voucher = network.clearing_voucher(&voucher, FIRST_DEPOSIT);
        clearing_voucher.sources = sources;
        let signed = network.sign_clearing(&voucher, clearing_voucher, HOME);
        clearing_refused(&mut network, vec![signed], Error::SourceCount);
    }
}

#[test]
fn money_received_through_clearing_is_a_source_for_the_next_payment() {
    let mut network = Network::funded();
    let first = purchase(1, AMOUNT);
    network.retain(&[first.clone()]).unwrap();
    network
        .clear(vec![network.sign_clearing(
            &first,
            network.clearing_voucher(&first, FIRST_DEPOSIT),
            HOME,
        )])
        .unwrap();
    let credit = network.balance(ORIGINATOR).last_credit.unwrap();
    assert_eq!(credit, Source::Clearing(first.id(), HOME));

    let back = Voucher {
        kind: TransactionKind::CashDeposit,
        ..purchase(2, AMOUNT)
    };
    network.retain(&[back.clone()]).unwrap();
    network
        .clear(vec![network.sign_clearing(
            &back,
            network.clearing_voucher(&back, credit),
            ORIGINATOR,
        )])
        .unwrap();
    assert_eq!(free(&network.balance(HOME)), (DEPOSIT, 0));
}
