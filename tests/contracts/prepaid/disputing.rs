//! Holders' objections to payments, and that nothing goes back twice.
use protocol::{
    prepaid::{DisputeOrder, Error, PaymentKey, Programme},
    registry::{Change, Status},
};
use quittance_tests::{
    contract_chain::START,
    institutions::{key, sign},
    prepaid::{
        Cards, ACQUIRER, AMOUNT, ANSWER, BALANCE, CARD, CHIP, EVIDENCE, HOLDER, ISSUER, OTHER_ACQUIRER, OTHER_HOLDER,
        PROGRAMME, RULES, SHOP, STRANGER,
    },
};

use super::{backed, done, refused};

const DISPUTE_BY: u64 = START + PROGRAMME.dispute_period;
const RULE_BY: u64 = START + PROGRAMME.ruling_period;

/// A payment that is disputed in full.
fn disputed(cards: &mut Cards) -> PaymentKey {
    let key = cards.paid(1, AMOUNT);
    cards.dispute(key, AMOUNT).unwrap();
    key
}

#[test]
fn a_dispute_holds_its_amount_and_is_kept_with_its_evidence() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.dispute(key, AMOUNT / 2).unwrap();
    let dispute = cards.try_dispute(key).unwrap();
    assert_eq!((dispute.amount, dispute.evidence), (AMOUNT / 2, EVIDENCE));
    assert_eq!((dispute.opened_at, dispute.rule_by), (START, RULE_BY));
    assert_eq!((dispute.answer, dispute.awarded), (None, None));
    let merchant = cards.merchant(SHOP);
    assert_eq!((merchant.held, merchant.unpaid), (AMOUNT / 2, AMOUNT));
    backed(&mut cards);
}

#[test]
fn only_the_holder_disputes_and_only_under_exactly_this() {
    let mut cards = Cards::default();
    let paid = cards.paid(1, AMOUNT);
    let (order, _) = cards.signed_dispute(cards.dispute_order(paid, AMOUNT));
    let domain = cards.domain();
    let others = [
        DisputeOrder { amount: 1, ..order },
        DisputeOrder {
            evidence: [9; 32],
            ..order
        },
        DisputeOrder {
            expires_at: order.expires_at + 1,
            ..order
        },
    ];
    let of_others = others.map(|other| sign(&key(HOLDER), &other.payload(&domain)));
    let forged = [CHIP, OTHER_HOLDER].map(|by| sign(&key(by), &order.payload(&domain)));
    for signature in of_others.into_iter().chain(forged) {
        let args = (order, signature);
        refused(&mut cards, STRANGER, "open_dispute", args, 0, Error::BadHolderSignature);
    }
}

#[test]
fn a_dispute_is_of_something_that_was_paid_and_did_not_go_back() {
    let mut cards = Cards::default();
    let unknown = cards.signed_dispute(cards.dispute_order((CARD, 1), 1));
    refused(&mut cards, STRANGER, "open_dispute", unknown, 0, Error::UnknownPayment);
    let key = cards.paid(1, AMOUNT);
    let zero = cards.signed_dispute(cards.dispute_order(key, 0));
    refused(&mut cards, STRANGER, "open_dispute", zero, 0, Error::ZeroAmount);
    cards.refund(key, 10).unwrap();
    let above = cards.signed_dispute(cards.dispute_order(key, AMOUNT - 9));
    let left = AMOUNT - 10;
    refused(
        &mut cards,
        STRANGER,
        "open_dispute",
        above,
        0,
        Error::AboveReturnable { left },
    );
    cards.dispute(key, left).unwrap();
    let voided = cards.paid(2, AMOUNT);
    cards.void(voided).unwrap();
    let args = cards.signed_dispute(cards.dispute_order(voided, 1));
    refused(
        &mut cards,
        STRANGER,
        "open_dispute",
        args,
        0,
        Error::AboveReturnable { left: 0 },
    );
}

#[test]
fn a_payment_is_disputed_once_whatever_came_of_it() {
    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    let again = cards.signed_dispute(cards.dispute_order(key, 1));
    refused(&mut cards, STRANGER, "open_dispute", again, 0, Error::AlreadyDisputed);
    cards.order("decide_dispute", (key, 0u128)).unwrap();
    refused(&mut cards, STRANGER, "open_dispute", again, 0, Error::AlreadyDisputed);
}

#[test]
fn a_payment_is_disputed_strictly_before_the_period_is_over() {
    let mut cards = Cards::default();
    let [first, second] = [1, 2].map(|counter| cards.paid(counter, AMOUNT));
    let args = cards.signed_dispute(cards.dispute_order(second, AMOUNT));
    cards.chain.set_time(DISPUTE_BY - 1);
    cards.dispute(first, AMOUNT).unwrap();
    cards.chain.set_time(DISPUTE_BY);
    let passed = Error::DeadlinePassed { deadline: DISPUTE_BY };
    refused(&mut cards, STRANGER, "open_dispute", args, 0, passed);
    let order = DisputeOrder {
        expires_at: DISPUTE_BY,
        ..cards.dispute_order(second, AMOUNT)
    };
    let programme = Programme {
        dispute_period: 2 * PROGRAMME.dispute_period,
        ..PROGRAMME
    };
    cards.order("set_programme", programme).unwrap();
    let expired = cards.signed_dispute(order);
    refused(&mut cards, STRANGER, "open_dispute", expired, 0, passed);
    done(&mut cards, STRANGER, "open_dispute", args);
}

#[test]
fn the_issuer_awards_all_a_part_or_nothing_and_the_rest_is_the_merchants() {
    for awarded in [AMOUNT, AMOUNT / 2, 0] {
        let mut cards = Cards::default();
        let key = disputed(&mut cards);
        done(&mut cards, ISSUER, "decide_dispute", (key, awarded));
        assert_eq!(cards.card(CARD).balance, BALANCE - AMOUNT + awarded);
        let merchant = cards.merchant(SHOP);
        assert_eq!((merchant.held, merchant.unpaid), (0, AMOUNT - awarded));
        assert_eq!(merchant.cycle.awarded, awarded);
        assert_eq!(merchant.cycle.awarded_count, u32::from(awarded > 0));
        assert_eq!(cards.try_dispute(key).unwrap().awarded, Some(awarded));
        assert_eq!(cards.record(key).returned, awarded);
    }
}

#[test]
fn no_more_is_awarded_than_the_holder_wants() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.dispute(key, 10).unwrap();
    let above = Error::AboveClaim { claim: 10 };
    refused(&mut cards, ISSUER, "decide_dispute", (key, 11u128), 0, above);
}

#[test]
fn the_issuer_decides_strictly_before_its_time_is_over_and_the_default_holds_from_then_on() {
    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    let early = Error::TooEarly { not_before: RULE_BY };
    cards.chain.set_time(RULE_BY - 1);
    refused(&mut cards, STRANGER, "default_dispute", key, 0, early);
    cards.chain.set_time(RULE_BY);
    let passed = Error::DeadlinePassed { deadline: RULE_BY };
    refused(&mut cards, ISSUER, "decide_dispute", (key, AMOUNT), 0, passed);
    done(&mut cards, STRANGER, "default_dispute", key);
    assert_eq!(cards.card(CARD).balance, BALANCE, "nobody spoke for the merchant");

    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    cards.chain.set_time(RULE_BY - 1);
    done(&mut cards, ISSUER, "decide_dispute", (key, 1u128));
}

#[test]
fn who_answers_is_not_lost_for_want_of_a_decision() {
    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    done(&mut cards, ACQUIRER, "answer_dispute", (key, ANSWER));
    assert_eq!(cards.try_dispute(key).unwrap().answer, Some(ANSWER));
    cards.chain.set_time(RULE_BY);
    done(&mut cards, STRANGER, "default_dispute", key);
    assert_eq!(cards.card(CARD).balance, BALANCE - AMOUNT);
    assert_eq!(cards.merchant(SHOP).held, 0);
}

#[test]
fn an_answer_at_the_last_moment_leaves_the_issuer_its_time() {
    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    let answered_at = RULE_BY - 1;
    cards.chain.set_time(answered_at);
    done(&mut cards, ACQUIRER, "answer_dispute", (key, ANSWER));
    let rule_by = answered_at + PROGRAMME.ruling_period;
    assert_eq!(cards.try_dispute(key).unwrap().rule_by, rule_by);
    cards.chain.set_time(rule_by - 1);
    let early = Error::TooEarly { not_before: rule_by };
    refused(&mut cards, STRANGER, "default_dispute", key, 0, early);
    done(&mut cards, ISSUER, "decide_dispute", (key, AMOUNT));
}

#[test]
fn the_merchants_acquirer_answers_once_in_time_and_nobody_else_does() {
    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    let other = cards.paid(2, AMOUNT);
    let args = (key, ANSWER);
    for by in [ISSUER, OTHER_ACQUIRER, STRANGER, HOLDER] {
        refused(&mut cards, by, "answer_dispute", args, 0, Error::NotTheAcquirer);
    }
    refused(
        &mut cards,
        ACQUIRER,
        "answer_dispute",
        (other, ANSWER),
        0,
        Error::NotDisputed,
    );
    cards.dispute(other, AMOUNT).unwrap();
    done(&mut cards, ACQUIRER, "answer_dispute", args);
    refused(&mut cards, ACQUIRER, "answer_dispute", args, 0, Error::AlreadyAnswered);
    cards.chain.set_time(RULE_BY);
    let passed = Error::DeadlinePassed { deadline: RULE_BY };
    refused(&mut cards, ACQUIRER, "answer_dispute", (other, ANSWER), 0, passed);
    done(&mut cards, STRANGER, "default_dispute", other);
    refused(
        &mut cards,
        ACQUIRER,
        "answer_dispute",
        (other, ANSWER),
        0,
        Error::AlreadyDecided,
    );
}

#[test]
fn a_suspended_acquirer_still_speaks_for_its_merchants() {
    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    cards.govern(Change::SetStatus {
        member: ACQUIRER,
        status: Status::Suspended,
    });
    done(&mut cards, ACQUIRER, "answer_dispute", (key, ANSWER));
}

#[test]
fn a_dispute_is_decided_once() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    refused(
        &mut cards,
        ISSUER,
        "decide_dispute",
        (key, 0u128),
        0,
        Error::NotDisputed,
    );
    refused(&mut cards, STRANGER, "default_dispute", key, 0, Error::NotDisputed);
    cards.dispute(key, AMOUNT).unwrap();
    done(&mut cards, ISSUER, "decide_dispute", (key, AMOUNT / 2));
    refused(
        &mut cards,
        ISSUER,
        "decide_dispute",
        (key, 1u128),
        0,
        Error::AlreadyDecided,
    );
    cards.chain.set_time(RULE_BY);
    refused(&mut cards, STRANGER, "default_dispute", key, 0, Error::AlreadyDecided);
}

#[test]
fn while_a_payment_is_disputed_it_is_not_refunded() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    let order = cards.refund_order(key, AMOUNT / 2);
    let signed_before = cards.signed_refund(order);
    cards.dispute(key, AMOUNT / 2).unwrap();
    refused(&mut cards, ISSUER, "refund", signed_before, 0, Error::Disputed);
    cards.order("decide_dispute", (key, AMOUNT / 2)).unwrap();
    // What was signed before the award is no longer good: it would pay for the same goods again.
    let stale = Error::StaleOrder { returned: AMOUNT / 2 };
    refused(&mut cards, ISSUER, "refund", signed_before, 0, stale);
    cards.refund(key, AMOUNT / 2).unwrap();
    let order = cards.refund_order(key, 1);
    let above = cards.signed_refund(order);
    refused(
        &mut cards,
        ISSUER,
        "refund",
        above,
        0,
        Error::AboveReturnable { left: 0 },
    );
    assert_eq!(cards.card(CARD).balance, BALANCE);
    backed(&mut cards);
}

#[test]
fn a_dispute_that_was_lost_stands_in_the_way_of_no_refund() {
    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    cards.order("decide_dispute", (key, 0u128)).unwrap();
    cards.refund(key, AMOUNT).unwrap();
    backed(&mut cards);
}

#[test]
fn what_is_disputed_is_not_used_to_refund_another_payment() {
    let mut cards = Cards::default();
    let old = cards.paid(2, AMOUNT);
    let available = cards.close(SHOP).closing;
    disputed(&mut cards);
    let order = cards.refund_order(old, available + 1);
    let args = cards.signed_refund(order);
    let short = Error::MerchantShort {
        available,
        needed: available + 1,
    };
    refused(&mut cards, ISSUER, "refund", args, 0, short);
    cards.refund(old, available).unwrap();
    backed(&mut cards);
}

#[test]
fn what_is_disputed_is_not_paid_out_until_it_is_decided() {
    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    let statement = cards.close(SHOP);
    assert_eq!((statement.held, statement.fee, statement.paid), (AMOUNT, 0, 0));
    assert_eq!(statement.fee_due, AMOUNT / 100 + RULES.flat);
    cards.order("decide_dispute", (key, 0u128)).unwrap();
    let next = cards.close(SHOP);
    assert_eq!(next.fee, AMOUNT / 100 + RULES.flat);
    assert_eq!(next.paid, AMOUNT - next.fee);
    backed(&mut cards);
}

#[test]
fn a_payment_that_was_paid_out_can_be_disputed_and_awarded_from_what_the_merchant_earns_next() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    let reserve = cards.close(SHOP).closing;
    cards.dispute(key, AMOUNT).unwrap();
    assert_eq!(cards.merchant(SHOP).held, AMOUNT, "more than there is");
    let short = Error::MerchantShort {
        available: reserve,
        needed: AMOUNT,
    };
    refused(&mut cards, ISSUER, "decide_dispute", (key, AMOUNT), 0, short);
    cards.chain.set_time(RULE_BY);
    refused(&mut cards, STRANGER, "default_dispute", key, 0, short);
    cards.paid(2, AMOUNT);
    done(&mut cards, STRANGER, "default_dispute", key);
    assert_eq!(cards.merchant(SHOP).unpaid, reserve);
}

#[test]
fn two_disputes_of_more_than_there_is_do_not_stand_in_each_others_way() {
    let mut cards = Cards::default();
    let keys = [1, 2].map(|counter| cards.paid(counter, AMOUNT));
    let reserve = cards.close(SHOP).closing;
    for key in keys {
        cards.dispute(key, AMOUNT).unwrap();
    }
    cards.fund(SHOP, AMOUNT - reserve, [1; 32]).unwrap();
    done(&mut cards, ISSUER, "decide_dispute", (keys[0], AMOUNT));
    let short = Error::MerchantShort {
        available: 0,
        needed: 1,
    };
    refused(&mut cards, ISSUER, "decide_dispute", (keys[1], 1u128), 0, short);
    done(&mut cards, ISSUER, "decide_dispute", (keys[1], 0u128));
}

#[test]
fn a_closed_cards_award_goes_to_its_holder() {
    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    cards.order("close_card", CARD).unwrap();
    let before = cards.balance(HOLDER);
    done(&mut cards, ISSUER, "decide_dispute", (key, AMOUNT));
    assert_eq!(cards.balance(HOLDER), before + AMOUNT);
}

#[test]
fn an_open_dispute_keeps_its_deadline_when_the_programme_changes() {
    let mut cards = Cards::default();
    let key = disputed(&mut cards);
    let programme = Programme {
        ruling_period: 1,
        ..PROGRAMME
    };
    cards.order("set_programme", programme).unwrap();
    cards.chain.set_time(RULE_BY - 1);
    let early = Error::TooEarly { not_before: RULE_BY };
    refused(&mut cards, STRANGER, "default_dispute", key, 0, early);
}
