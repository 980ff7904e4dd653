//! Gross payments: what moves when, and who can take money out.
use protocol::{
    clearing::{Discharge, Error},
    registry::Status,
    settlement::{Asset, Source, TransactionKind, Voucher},
};
use quittance_tests::institutions::{account, purchase, Network, DEPOSIT, HOME, NOBODY, NOTARY, ORIGINATOR, STRANGER};

use super::{free, set_status, AMOUNT, FIRST_DEPOSIT};

#[test]
fn a_payment_moves_exactly_its_amount_from_debtor_to_creditor() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);

    network.retain(&[voucher.clone()]).unwrap();
    assert_eq!(
        free(&network.balance(HOME)),
        (DEPOSIT - AMOUNT, AMOUNT),
        "set aside at retention"
    );
    assert_eq!(
        free(&network.balance(ORIGINATOR)),
        (0, 0),
        "not spendable before clearing"
    );

    let clearing_voucher = network.clearing_voucher(&voucher, FIRST_DEPOSIT);
    network
        .clear(vec![network.sign_clearing(&voucher, clearing_voucher.clone(), HOME)])
        .unwrap();
    assert_eq!(free(&network.balance(HOME)), (DEPOSIT - AMOUNT, 0));
    assert_eq!(free(&network.balance(ORIGINATOR)), (AMOUNT, 0));

    let kept = network.relation(&voucher).unwrap();
    assert!(kept.is_cleared());
    assert_eq!(kept.relation.obligations, [voucher.principal()]);
    let stored: Option<Discharge> = network
        .chain
        .call(
            account(STRANGER),
            network.clearing,
            "clearing_voucher",
            (voucher.id(), HOME),
            0,
        )
        .output;
    assert_eq!(stored.unwrap().clearing_voucher, clearing_voucher);
}

#[test]
fn a_cash_deposit_is_owed_by_the_originator() {
    let mut network = Network::funded();
    network.deposit(ORIGINATOR, AMOUNT).unwrap();
    let voucher = Voucher {
        kind: TransactionKind::CashDeposit,
        ..purchase(1, AMOUNT)
    };
    network.retain(&[voucher.clone()]).unwrap();
    let clearing_voucher = network.clearing_voucher(&voucher, Source::Deposit(1));
    assert_eq!(clearing_voucher.issuer, ORIGINATOR);
    network
        .clear(vec![network.sign_clearing(&voucher, clearing_voucher, ORIGINATOR)])
        .unwrap();
    assert_eq!(free(&network.balance(ORIGINATOR)), (0, 0));
    assert_eq!(free(&network.balance(HOME)), (DEPOSIT + AMOUNT, 0));
}

#[test]
fn what_goes_in_equals_what_is_held_whatever_happens_in_between() {
    let mut network = Network::funded();
    let held_by_contract = network.chain.native_balance(network.clearing);
    let vouchers: Vec<Voucher> = (1..=5)
        .map(|nonce| purchase(nonce, AMOUNT * u128::from(nonce)))
        .collect();
    network.retain(&vouchers).unwrap();
    let discharges = vouchers[..3]
        .iter()
        .map(|voucher| network.sign_clearing(voucher, network.clearing_voucher(voucher, FIRST_DEPOSIT), HOME))
        .collect();
    network.clear(discharges).unwrap();
    network.withdraw(ORIGINATOR, AMOUNT).unwrap();

    let (home, originator) = (network.balance(HOME), network.balance(ORIGINATOR));
    assert_eq!(
        home.available + home.reserved + originator.available + originator.reserved,
        DEPOSIT - AMOUNT
    );
    assert_eq!(home.reserved, AMOUNT * (4 + 5), "what is not cleared stays set aside");
    assert_eq!(
        network.chain.native_balance(network.clearing),
        held_by_contract - AMOUNT
    );
}

#[test]
fn cleared_funds_can_be_withdrawn_to_the_members_account_only() {
    let mut network = Network::funded();
    let voucher = purchase(1, AMOUNT);
    network.retain(&[voucher.clone()]).unwrap();
    assert_eq!(
        network.withdraw(ORIGINATOR, 1),
        Err(Error::InsufficientBalance {
            member: ORIGINATOR,
            available: 0,
            needed: 1
        }),
        "unsettled funds are not spendable"
    );
    assert_eq!(
        network.withdraw(HOME, DEPOSIT),
        Err(Error::InsufficientBalance {
            member: HOME,
            available: DEPOSIT - AMOUNT,
            needed: DEPOSIT
        }),
        "what is set aside can't be withdrawn"
    );
    network
        .clear(vec![network.sign_clearing(
            &voucher,
            network.clearing_voucher(&voucher, FIRST_DEPOSIT),
            HOME,
        )])
        .unwrap();

    let before = network.chain.native_balance(account(ORIGINATOR));
    network.withdraw(ORIGINATOR, AMOUNT).unwrap();
    assert_eq!(network.chain.native_balance(account(ORIGINATOR)), before + AMOUNT);

    let args = (HOME, Asset::Native, 1u128);
    let other: Result<(), Error> = network
        .chain
        .call(account(STRANGER), network.clearing, "withdraw", args, 0)
        .output;
    assert_eq!(other, Err(Error::NotYourAccount(HOME)));
}

#[test]
fn deposits_are_refused_by_name() {
    let mut network = Network::funded();
    assert_eq!(network.deposit(HOME, 0), Err(Error::ZeroAmount));
    assert_eq!(network.withdraw(HOME, 0), Err(Error::ZeroAmount));
    assert_eq!(network.deposit(NOTARY, 1), Err(Error::MissingRole(NOTARY)));
    let foreign: Result<u64, Error> = network
        .chain
        .call(account(STRANGER), network.clearing, "deposit", HOME, 5)
        .output;
    assert_eq!(foreign, Err(Error::NotYourAccount(HOME)));
    let nobody: Result<u64, Error> = network
        .chain
        .call(account(STRANGER), network.clearing, "deposit", NOBODY, 5)
        .output;
    assert_eq!(nobody, Err(Error::UnknownMember(NOBODY)));
    network.govern(set_status(HOME, Status::Suspended)).unwrap();
    assert_eq!(network.deposit(HOME, 5), Err(Error::NotActive(HOME)));
}
