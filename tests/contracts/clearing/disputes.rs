//! Disputes: who contests, who rules, and what goes back from where.
use protocol::{
    clearing::{Balance, Error},
    decisions::Decision,
    disputes::Ruling,
    registry::{Change, Roles},
    settlement::{RetentionBatch, Settlement, TransactionKind, Voucher},
    windows::Closing,
    Member,
};
use quittance_tests::{
    contract_chain::START,
    institutions::{purchase, Network, DEPOSIT, DISPUTE_PERIOD, HOME, NOTARY, ORIGINATOR, RULING_PERIOD, STRANGER},
};

use super::{AMOUNT, FIRST_DEPOSIT};

/// A network with a cap for the home institution, and money of its own for the originator.
fn network() -> Network {
    let mut network = Network::funded();
    network.deposit(ORIGINATOR, DEPOSIT).unwrap();
    network.set_cap(HOME, DEPOSIT).unwrap();
    network
}

fn net(sequence: u64) -> Voucher {
    Voucher {
        settlement: Settlement::Net,
        ..purchase(sequence, AMOUNT)
    }
}

fn retained(network: &mut Network, voucher: Voucher) -> Voucher {
    network.retain(&[voucher.clone()]).unwrap();
    voucher
}

fn discharge(network: &mut Network, voucher: &Voucher) {
    let clearing_voucher = network.clearing_voucher(voucher, FIRST_DEPOSIT);
    let signed = network.sign_clearing(voucher, clearing_voucher, HOME);
    network.clear(vec![signed]).unwrap();
}

/// A purchase that was paid.
fn paid(network: &mut Network) -> Voucher {
    let voucher = retained(network, purchase(1, AMOUNT));
    discharge(network, &voucher);
    voucher
}

/// What each of the two holds.
fn held(network: &mut Network) -> [u128; 2] {
    let sum = |balance: Balance| balance.available + balance.reserved;
    [sum(network.balance(HOME)), sum(network.balance(ORIGINATOR))]
}

#[track_caller]
fn nothing_goes_back(network: &mut Network, voucher: &Voucher, why: Error) {
    let before = network.chain.state_root();
    assert_eq!(network.pay_award(voucher.id()), Err(why));
    assert_eq!(network.chain.state_root(), before, "a refusal must change nothing");
}

#[test]
fn what_was_paid_goes_back_as_the_notaries_rule() {
    for (ruling, back) in [(Ruling::Uphold, 0), (Ruling::Partial(7), 7), (Ruling::Reverse, AMOUNT)] {
        let mut network = network();
        let voucher = paid(&mut network);
        network.open_dispute(HOME, &voucher, AMOUNT).unwrap();
        network.rule(voucher.id(), ruling).unwrap();
        assert_eq!(held(&mut network), [DEPOSIT - AMOUNT + back, DEPOSIT + AMOUNT - back]);
        assert_eq!(network.balance(ORIGINATOR).owed, 0);
        nothing_goes_back(&mut network, &voucher, Error::ZeroAmount);
        assert_eq!(network.rule(voucher.id(), Ruling::Reverse), Err(Error::AlreadyRuled));
    }
}

#[test]
fn a_ruling_is_not_partial_if_it_gives_back_nothing_or_everything() {
    let mut network = network();
    let voucher = paid(&mut network);
    network.open_dispute(HOME, &voucher, AMOUNT).unwrap();
    for amount in [0, AMOUNT, u128::MAX] {
        let ruled = network.rule(voucher.id(), Ruling::Partial(amount));
        assert_eq!(ruled, Err(Error::BadRuling));
    }
}

#[test]
fn nobody_rules_on_its_own_claim_debt_or_credit() {
    let mut network = network();
    let voucher = retained(
        &mut network,
        Voucher {
            others: vec![STRANGER],
            ..purchase(1, AMOUNT)
        },
    );
    discharge(&mut network, &voucher);
    network.open_dispute(STRANGER, &voucher, AMOUNT).unwrap();
    for member in [ORIGINATOR, HOME, STRANGER] {
        let roles = Roles::PARTICIPANT.with(Roles::NOTARY);
        network.govern(Change::SetRoles { member, roles }).unwrap();
    }
    let decision = Decision::Rule {
        voucher: voucher.id(),
        obligation: 0,
        ruling: Ruling::Reverse,
    };
    for member in [ORIGINATOR, HOME, STRANGER] {
        let mut both = [member, NOTARY];
        both.sort_unstable();
        // Alone, and where enough others sign too.
        for signers in [&[member][..], &both] {
            let number = network.current().decisions;
            let approval = network.approval_in(&network.domain(), &decision, number, signers);
            let args = (voucher.id(), 0u8, Ruling::Reverse, approval);
            let before = network.chain.state_root();
            assert_eq!(network.tell::<()>("rule", args), Err(Error::NotImpartial(member)));
            assert_eq!(network.chain.state_root(), before, "a refusal must change nothing");
        }
    }
    network.rule(voucher.id(), Ruling::Reverse).unwrap();
    assert_eq!(held(&mut network), [DEPOSIT, DEPOSIT]);
}

#[test]
fn what_was_never_paid_does_not_go_back() {
    let mut network = network();
    let voucher = retained(&mut network, purchase(1, AMOUNT));
    network.open_dispute(HOME, &voucher, AMOUNT).unwrap();
    let before = network.balance(ORIGINATOR);
    network.rule(voucher.id(), Ruling::Reverse).unwrap();
    assert_eq!(network.balance(ORIGINATOR), before, "its other money is untouched");
    nothing_goes_back(&mut network, &voucher, Error::ObligationUnpaid);

    discharge(&mut network, &voucher);
    assert_eq!(held(&mut network), [DEPOSIT - AMOUNT, DEPOSIT + AMOUNT]);
    assert_eq!(network.pay_award(voucher.id()), Ok(AMOUNT));
    assert_eq!(held(&mut network), [DEPOSIT, DEPOSIT]);
    nothing_goes_back(&mut network, &voucher, Error::ZeroAmount);
}

#[test]
fn what_a_window_has_not_paid_goes_back_once_it_has() {
    let mut network = network();
    let voucher = retained(&mut network, net(1));
    network.open_dispute(HOME, &voucher, AMOUNT).unwrap();
    network.rule(voucher.id(), Ruling::Partial(7)).unwrap();
    nothing_goes_back(&mut network, &voucher, Error::ObligationUnpaid);
    network.withdraw(HOME, DEPOSIT).unwrap();
    assert!(matches!(network.close_window(0), Ok(Closing::Short(_))));
    nothing_goes_back(&mut network, &voucher, Error::ObligationUnpaid);

    network.deposit(HOME, AMOUNT).unwrap();
    assert!(matches!(network.settle_window(0), Ok(Closing::Settled(_))));
    assert_eq!(network.pay_award(voucher.id()), Ok(7));
    assert_eq!(held(&mut network), [7, DEPOSIT + AMOUNT - 7]);
}

#[test]
fn what_was_taken_out_of_a_window_goes_back_once_its_debtor_has_paid_it() {
    let mut network = network();
    let voucher = retained(&mut network, net(1));
    network.open_dispute(HOME, &voucher, AMOUNT).unwrap();
    network.withdraw(HOME, DEPOSIT).unwrap();
    assert!(matches!(network.close_window(0), Ok(Closing::Short(_))));
    network.take_out(0, &[voucher.clone()]).unwrap();
    assert!(matches!(network.settle_window(0), Ok(Closing::Settled(_))));
    network.rule(voucher.id(), Ruling::Reverse).unwrap();
    nothing_goes_back(&mut network, &voucher, Error::ObligationUnpaid);

    network.deposit(HOME, AMOUNT).unwrap();
    discharge(&mut network, &voucher);
    assert_eq!(network.pay_award(voucher.id()), Ok(AMOUNT));
    assert_eq!(held(&mut network), [AMOUNT, DEPOSIT]);
}

#[test]
fn an_award_beyond_the_creditors_balance_stays_owed_and_comes_before_its_own_wishes() {
    let mut network = network();
    let voucher = paid(&mut network);
    network.open_dispute(HOME, &voucher, AMOUNT).unwrap();
    network.withdraw(ORIGINATOR, DEPOSIT + AMOUNT - 3).unwrap();
    network.rule(voucher.id(), Ruling::Reverse).unwrap();
    let owing = network.balance(ORIGINATOR);
    assert_eq!((owing.available, owing.owed), (0, AMOUNT - 3));
    nothing_goes_back(&mut network, &voucher, Error::ZeroAmount);

    network.deposit(ORIGINATOR, 10).unwrap();
    let short = Error::InsufficientBalance {
        member: ORIGINATOR,
        available: 0,
        needed: 1,
    };
    assert_eq!(network.withdraw(ORIGINATOR, 1), Err(short));
    assert_eq!(network.pay_award(voucher.id()), Ok(10));
    assert_eq!(network.dispute(voucher.id()).unwrap().paid, 13);
    assert_eq!(held(&mut network), [DEPOSIT - AMOUNT + 13, 0]);
}

#[test]
fn an_award_that_falls_due_without_money_is_owed_from_then_on() {
    let mut network = network();
    let voucher = retained(&mut network, purchase(1, AMOUNT));
    network.open_dispute(HOME, &voucher, AMOUNT).unwrap();
    network.rule(voucher.id(), Ruling::Reverse).unwrap();
    discharge(&mut network, &voucher);
    network.withdraw(ORIGINATOR, DEPOSIT + AMOUNT).unwrap();
    assert_eq!(network.pay_award(voucher.id()), Ok(0));
    assert_eq!(network.balance(ORIGINATOR).owed, AMOUNT);
    nothing_goes_back(&mut network, &voucher, Error::ZeroAmount);
}

#[test]
fn refunds_and_rulings_together_give_back_no_more_than_was_paid() {
    let mut network = network();
    let voucher = paid(&mut network);
    let id = voucher.id();
    let refund = |sequence, amount| Voucher {
        kind: TransactionKind::Refund(id),
        ..purchase(sequence, amount)
    };
    let give_back = |network: &mut Network, voucher: &Voucher, refund: Voucher| {
        let batch = RetentionBatch {
            refunded: vec![voucher.clone()],
            ..network.batch(&[refund])
        };
        network.retain_measured(batch).output
    };
    network.open_dispute(HOME, &voucher, AMOUNT).unwrap();
    give_back(&mut network, &voucher, refund(2, AMOUNT - 10)).unwrap();
    let above = |left| Error::AbovePaid { voucher: id, left };
    assert_eq!(network.rule(id, Ruling::Reverse), Err(above(10)));
    assert_eq!(network.rule(id, Ruling::Partial(11)), Err(above(10)));
    network.rule(id, Ruling::Partial(9)).unwrap();
    let beyond = give_back(&mut network, &voucher, refund(3, 2));
    assert_eq!(beyond, Err(above(1)));
    give_back(&mut network, &voucher, refund(3, 1)).unwrap();
    let returned: u128 = network
        .chain
        .call(protocol::AccountId([1; 32]), network.clearing, "returned", (id, 0u8), 0)
        .output;
    assert_eq!(returned, AMOUNT);
}

#[test]
fn a_claim_is_the_debtors_or_all_of_it_and_never_the_creditors() {
    let mut network = network();
    let voucher = retained(
        &mut network,
        Voucher {
            others: vec![STRANGER],
            ..purchase(1, AMOUNT)
        },
    );
    let refused = |network: &mut Network, member: Member, amount, expected| {
        assert_eq!(network.open_dispute(member, &voucher, amount), Err(expected));
    };
    refused(&mut network, ORIGINATOR, AMOUNT, Error::BadClaim);
    refused(&mut network, STRANGER, AMOUNT - 1, Error::BadClaim);
    refused(&mut network, HOME, 0, Error::BadClaim);
    refused(&mut network, HOME, AMOUNT + 1, Error::BadClaim);
    network.open_dispute(STRANGER, &voucher, AMOUNT).unwrap();
    refused(&mut network, HOME, AMOUNT, Error::AlreadyDisputed);
}

#[test]
fn disputes_keep_their_deadlines_to_the_millisecond() {
    let mut network = network();
    let [early, late] = [1, 2].map(|sequence| retained(&mut network, purchase(sequence, AMOUNT)));
    let until = START + DISPUTE_PERIOD;
    network.chain.set_time(until - 1);
    network.open_dispute(HOME, &early, AMOUNT).unwrap();
    network.chain.set_time(until);
    let too_late = network.open_dispute(HOME, &late, AMOUNT);
    assert_eq!(too_late, Err(Error::DisputeTooLate { until }));

    let rule_by = until - 1 + RULING_PERIOD;
    network.chain.set_time(rule_by - 1);
    let by_default = |network: &mut Network| network.tell::<()>("rule_by_default", (early.id(), 0u8));
    assert_eq!(by_default(&mut network), Err(Error::RulingTooEarly { until: rule_by }));
    network.chain.set_time(rule_by);
    let ruled = network.rule(early.id(), Ruling::Reverse);
    assert_eq!(ruled, Err(Error::RulingTooLate { until: rule_by }));
    by_default(&mut network).unwrap();
    assert_eq!(network.dispute(early.id()).unwrap().ruling, Some(Ruling::Uphold));
}
