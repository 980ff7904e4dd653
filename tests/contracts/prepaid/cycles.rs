//! What merchants are paid by cycle, and told.
use protocol::{
    prepaid::{Cycle, Error, Programme, Rules, Statement},
    registry::{Change, Status},
};
use quittance_runtime::UNIT;
use quittance_tests::{
    contract_chain::START,
    institutions::{account, key},
    prepaid::{
        Cards, AMOUNT, HOSTILE, ISSUER, NATIVE, OTHER_SHOP, POOR, PROGRAMME, RULES, SHOP, STRANGER, TILL, TOKEN,
    },
};
use sp_core::Pair as _;

use super::{backed, done, refused};

const DUE: u64 = START + PROGRAMME.cycle;

/// Three payments of which one was voided and one half refunded, closed a second later.
fn statement(cards: &mut Cards) -> Statement {
    let [_, voided, refunded] = [1, 2, 3].map(|counter| cards.paid(counter, AMOUNT));
    cards.void(voided).unwrap();
    cards.refund(refunded, AMOUNT / 2).unwrap();
    cards.chain.set_time(START + 1_000);
    cards.close(SHOP)
}

#[test]
fn a_statement_tells_all_that_happened_and_how_it_was_reckoned() {
    for asset in [NATIVE, TOKEN, HOSTILE] {
        let mut cards = Cards::with(asset);
        let (till, issuer) = (cards.balance(TILL), cards.balance(ISSUER));
        let told = statement(&mut cards);
        let sales = 2 * AMOUNT;
        let fee = sales / 100 + 2 * RULES.flat;
        let net = sales - AMOUNT / 2 - fee;
        let reserve = sales / 10;
        let expected = Statement {
            merchant: SHOP,
            account: account(TILL),
            cycle: Cycle {
                number: 0,
                opened_at: START,
                opening: 0,
                count: 3,
                gross: 3 * AMOUNT,
                voided_count: 1,
                voided: AMOUNT,
                refunded_count: 1,
                refunded: AMOUNT / 2,
                awarded_count: 0,
                awarded: 0,
                funded: 0,
            },
            closed_at: START + 1_000,
            rules: RULES,
            fee_before: 0,
            fee,
            fee_due: 0,
            net,
            held: 0,
            reserve,
            paid: net - reserve,
            closing: reserve,
        };
        assert_eq!(told, expected);
        assert_eq!(cards.statement(SHOP, 0), Some(expected));
        let asked: Option<Statement> = cards.send(STRANGER, "statement", (SHOP, 0u32), 0);
        assert_eq!(asked, Some(expected));
        assert_eq!(cards.balance(TILL), till + told.paid);
        assert_eq!(cards.balance(ISSUER), issuer + fee);
        backed(&mut cards);
    }
}

#[test]
fn the_next_cycle_begins_with_what_is_left_and_pays_the_reserve_out() {
    let mut cards = Cards::default();
    let first = statement(&mut cards);
    let merchant = cards.merchant(SHOP);
    let expected = Cycle {
        number: 1,
        opened_at: START + 1_000,
        opening: first.closing,
        ..Cycle::default()
    };
    assert_eq!(merchant.cycle, expected);
    assert_eq!(merchant.unpaid, first.closing);
    let next = cards.close(SHOP);
    assert_eq!((next.paid, next.closing, next.fee), (first.reserve, 0, 0));
    let last = cards.close(SHOP);
    assert_eq!((last.cycle.number, last.paid, last.closing), (2, 0, 0));
    for cycle in 0..3 {
        assert_eq!(cards.statement(SHOP, cycle).unwrap().cycle.number, cycle);
    }
    assert_eq!(cards.statement(SHOP, 3), None);
}

#[test]
fn each_payment_is_in_one_cycle_of_its_own_merchant() {
    let mut cards = Cards::default();
    let first = cards.paid(1, AMOUNT);
    let closed = cards.close(SHOP);
    let second = cards.paid(2, AMOUNT);
    let next = cards.close(SHOP);
    let elsewhere = cards.close(OTHER_SHOP);
    assert_eq!((cards.record(first).cycle, cards.record(second).cycle), (0, 1));
    assert_eq!((closed.cycle.count, next.cycle.count, elsewhere.cycle.count), (1, 1, 0));
}

#[test]
fn the_issuer_closes_a_cycle_when_it_likes_and_anyone_once_it_is_due() {
    let mut cards = Cards::default();
    cards.paid(1, AMOUNT);
    cards.chain.set_time(DUE - 1);
    refused(&mut cards, STRANGER, "close_cycle", SHOP, 0, Error::NotTheIssuer);
    cards.chain.set_time(DUE);
    done(&mut cards, STRANGER, "close_cycle", SHOP);
    assert_eq!(cards.statement(SHOP, 0).unwrap().account, account(TILL));
    refused(&mut cards, STRANGER, "close_cycle", SHOP, 0, Error::NotTheIssuer);
    done(&mut cards, ISSUER, "close_cycle", SHOP);
}

#[test]
fn a_due_cycle_is_closed_though_the_issuer_is_suspended() {
    let mut cards = Cards::default();
    cards.paid(1, AMOUNT);
    cards.govern(Change::SetStatus {
        member: ISSUER,
        status: Status::Suspended,
    });
    refused(&mut cards, ISSUER, "close_cycle", SHOP, 0, Error::IssuerNotActive);
    cards.chain.set_time(DUE);
    let before = cards.balance(ISSUER);
    done(&mut cards, STRANGER, "close_cycle", SHOP);
    assert!(cards.balance(ISSUER) > before, "the fee is its own all the same");
}

#[test]
fn the_fee_goes_to_the_issuers_account_of_the_time() {
    let mut cards = Cards::default();
    cards.paid(1, AMOUNT);
    cards.govern(Change::SetKeys {
        member: ISSUER,
        account: account(STRANGER),
        signing_key: key(ISSUER).public().0,
        certificate: [9; 32],
    });
    let before = cards.balance(STRANGER);
    done(&mut cards, STRANGER, "close_cycle", SHOP);
    let fee = cards.statement(SHOP, 0).unwrap().fee;
    assert_eq!(cards.balance(STRANGER), before + fee);
}

#[test]
fn less_than_the_least_payout_is_carried_to_the_next_cycle() {
    let mut cards = Cards::default();
    cards.paid(1, 11 * UNIT);
    let statement = cards.close(SHOP);
    assert_eq!((statement.paid, statement.closing), (0, statement.net));
    cards.paid(2, AMOUNT);
    let next = cards.close(SHOP);
    assert_eq!(next.cycle.opening, statement.closing);
    assert_eq!(next.paid, next.net - AMOUNT / 10);
    backed(&mut cards);
}

#[test]
fn new_rules_hold_from_the_next_cycle_on() {
    let mut cards = Cards::default();
    let rules = Rules {
        flat: UNIT,
        parts_per_million: 0,
        least_payout: 0,
        reserve_parts_per_million: 0,
    };
    cards.paid(1, AMOUNT);
    done(&mut cards, ISSUER, "set_rules", (SHOP, rules));
    assert_eq!(cards.close(SHOP).rules, RULES);
    cards.paid(2, AMOUNT);
    let next = cards.close(SHOP);
    assert_eq!((next.rules, next.fee, next.closing), (rules, UNIT, 0));
}

#[test]
fn rates_are_rounded_down() {
    let mut cards = Cards::default();
    let rules = Rules {
        flat: 0,
        parts_per_million: 999_999,
        least_payout: 0,
        reserve_parts_per_million: 999_999,
    };
    cards.order("set_rules", (SHOP, rules)).unwrap();
    cards.close(SHOP);
    cards.paid(1, 1);
    let statement = cards.close(SHOP);
    assert_eq!((statement.fee, statement.reserve, statement.paid), (0, 0, 1));
}

#[test]
fn a_fee_above_what_was_earned_takes_all_and_leaves_the_rest_due() {
    let mut cards = Cards::default();
    let rules = Rules {
        flat: 2 * UNIT,
        parts_per_million: 0,
        least_payout: 0,
        reserve_parts_per_million: 0,
    };
    cards.order("set_rules", (SHOP, rules)).unwrap();
    cards.close(SHOP);
    cards.paid(1, UNIT);
    let statement = cards.close(SHOP);
    assert_eq!((statement.fee, statement.fee_due, statement.paid), (UNIT, UNIT, 0));
    cards.paid(2, 4 * UNIT);
    let next = cards.close(SHOP);
    assert_eq!((next.fee_before, next.fee, next.fee_due), (UNIT, 3 * UNIT, 0));
    assert_eq!(next.paid, UNIT);
    backed(&mut cards);
}

#[test]
fn a_fee_beyond_what_an_amount_holds_closes_nothing() {
    let mut cards = Cards::default();
    let rules = Rules {
        flat: u128::MAX,
        ..RULES
    };
    cards.order("set_rules", (SHOP, rules)).unwrap();
    cards.close(SHOP);
    for counter in 1..=2 {
        cards.paid(counter, UNIT);
    }
    refused(&mut cards, ISSUER, "close_cycle", SHOP, 0, Error::Overflow);
}

#[test]
fn refunds_of_earlier_cycles_come_off_this_one() {
    let mut cards = Cards::default();
    let old = cards.paid(1, AMOUNT);
    let opening = cards.close(SHOP).closing;
    cards.paid(2, AMOUNT);
    cards.refund(old, AMOUNT).unwrap();
    let statement = cards.close(SHOP);
    assert_eq!((statement.cycle.gross, statement.cycle.refunded), (AMOUNT, AMOUNT));
    // The fee is of what was sold in this cycle, whatever went back.
    assert_eq!(statement.fee, AMOUNT / 100 + RULES.flat);
    assert_eq!(statement.net, opening - statement.fee);
}

#[test]
fn the_programmes_cycle_says_when_it_is_due() {
    let mut cards = Cards::default();
    let programme = Programme { cycle: 1, ..PROGRAMME };
    cards.order("set_programme", programme).unwrap();
    refused(&mut cards, STRANGER, "close_cycle", SHOP, 0, Error::NotTheIssuer);
    cards.chain.set_time(START + 1);
    done(&mut cards, STRANGER, "close_cycle", SHOP);
}

#[test]
fn a_merchant_that_cannot_be_paid_keeps_its_cycle_open() {
    let mut cards = Cards::default();
    let number = protocol::prepaid::MerchantNumber(3);
    let rules = Rules {
        least_payout: 0,
        ..RULES
    };
    let args = (number, quittance_tests::prepaid::ACQUIRER, account(POOR), rules);
    cards.order("register_merchant", args).unwrap();
    // Too little for an account to exist.
    cards.fund(number, 1, [9; 32]).unwrap();
    refused(&mut cards, ISSUER, "close_cycle", number, 0, Error::TransferFailed);
    cards.fund(number, UNIT, [10; 32]).unwrap();
    assert_eq!(cards.close(number).paid, UNIT + 1);
    assert_eq!(cards.balance(POOR), UNIT + 1);
}
