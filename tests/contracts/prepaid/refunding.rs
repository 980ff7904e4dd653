//! What merchants give back.
use protocol::prepaid::{DeclineCode, Error, RefundOrder};
use quittance_tests::{
    institutions::{account, key, sign},
    prepaid::{
        Cards, AMOUNT, BALANCE, CARD, CHIP, HOLDER, HOSTILE, ISSUER, NATIVE, ORDER_EXPIRY, OTHER_TERMINAL,
        SECOND_TERMINAL, SHOP, SPARE_TERMINAL, TERMINAL, TOKEN,
    },
};

use super::{backed, declined, done, refused};

#[test]
fn a_refund_moves_from_the_merchant_to_the_card_in_every_asset() {
    for asset in [NATIVE, TOKEN, HOSTILE] {
        let mut cards = Cards::with(asset);
        let key = cards.paid(1, AMOUNT);
        cards.refund(key, AMOUNT / 2).unwrap();
        assert_eq!(cards.card(CARD).balance, BALANCE - AMOUNT / 2);
        let merchant = cards.merchant(SHOP);
        assert_eq!(
            (merchant.cycle.refunded_count, merchant.cycle.refunded),
            (1, AMOUNT / 2)
        );
        assert_eq!(merchant.unpaid, AMOUNT / 2);
        assert_eq!(cards.record(key).returned, AMOUNT / 2);
        backed(&mut cards);
    }
}

#[test]
fn refunds_add_up_to_what_was_taken_and_no_further() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.paid(2, AMOUNT);
    let above = |cards: &mut Cards, amount, left| {
        let order = cards.refund_order(key, amount);
        let args = cards.signed_refund(order);
        refused(cards, ISSUER, "refund", args, 0, Error::AboveReturnable { left });
    };
    above(&mut cards, AMOUNT + 1, AMOUNT);
    cards.refund(key, AMOUNT - 1).unwrap();
    above(&mut cards, 2, 1);
    cards.refund(key, 1).unwrap();
    above(&mut cards, 1, 0);
    above(&mut cards, u128::MAX, 0);
    assert_eq!(cards.card(CARD).balance, BALANCE - AMOUNT);
}

#[test]
fn a_refund_order_is_good_once() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    let order = cards.refund_order(key, 10);
    let args = cards.signed_refund(order);
    done(&mut cards, ISSUER, "refund", args);
    refused(
        &mut cards,
        ISSUER,
        "refund",
        args,
        0,
        Error::StaleOrder { returned: 10 },
    );
    // One that was signed for after another that never came.
    let early = cards.signed_refund(RefundOrder { returned: 20, ..order });
    refused(
        &mut cards,
        ISSUER,
        "refund",
        early,
        0,
        Error::StaleOrder { returned: 10 },
    );
}

#[test]
fn a_refund_of_nothing_or_of_nothing_that_was_paid_is_refused() {
    let mut cards = Cards::default();
    let order = cards.refund_order((CARD, 1), AMOUNT);
    let unknown = cards.signed_refund(order);
    refused(&mut cards, ISSUER, "refund", unknown, 0, Error::UnknownPayment);
    let key = cards.paid(1, AMOUNT);
    let order = cards.refund_order(key, 0);
    let zero = cards.signed_refund(order);
    refused(&mut cards, ISSUER, "refund", zero, 0, Error::ZeroAmount);
}

#[test]
fn a_voided_payment_is_not_refunded_too() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.paid(2, AMOUNT);
    cards.void(key).unwrap();
    let order = cards.refund_order(key, 1);
    let args = cards.signed_refund(order);
    refused(
        &mut cards,
        ISSUER,
        "refund",
        args,
        0,
        Error::AboveReturnable { left: 0 },
    );
}

#[test]
fn a_payment_of_an_earlier_cycle_is_refunded_from_what_the_merchant_is_not_paid_yet() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    let reserve = cards.close(SHOP).reserve;
    let order = cards.refund_order(key, reserve + 1);
    let args = cards.signed_refund(order);
    let short = Error::MerchantShort {
        available: reserve,
        needed: reserve + 1,
    };
    refused(&mut cards, ISSUER, "refund", args, 0, short);
    cards.fund(SHOP, 1, [1; 32]).unwrap();
    done(&mut cards, ISSUER, "refund", args);
    let statement = cards.close(SHOP);
    assert_eq!((statement.cycle.opening, statement.cycle.funded), (reserve, 1));
    assert_eq!((statement.cycle.refunded, statement.net), (reserve + 1, 0));
}

#[test]
fn any_good_terminal_of_the_merchant_can_refund_and_no_other() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    let order = cards.refund_order(key, 10);
    let by = |terminal| RefundOrder {
        terminal: account(terminal),
        ..order
    };
    let orders = [SPARE_TERMINAL, OTHER_TERMINAL, TERMINAL, SECOND_TERMINAL].map(by);
    let [unknown, foreign, revoked, second] = orders.map(|order| cards.signed_refund(order));
    cards.order("revoke_terminal", account(TERMINAL)).unwrap();
    refused(&mut cards, ISSUER, "refund", unknown, 0, Error::UnknownTerminal);
    refused(&mut cards, ISSUER, "refund", foreign, 0, Error::ForeignMerchant);
    refused(&mut cards, ISSUER, "refund", revoked, 0, Error::TerminalRevoked);
    done(&mut cards, ISSUER, "refund", second);
}

#[test]
fn a_refund_must_be_signed_by_its_terminal_under_exactly_this() {
    let mut cards = Cards::default();
    let paid = cards.paid(1, AMOUNT);
    let order = cards.refund_order(paid, 10);
    let others = [
        RefundOrder { amount: 11, ..order },
        RefundOrder { returned: 1, ..order },
        RefundOrder {
            expires_at: order.expires_at + 1,
            ..order
        },
    ];
    let domain = cards.domain();
    let of_others = others.map(|other| sign(&key(TERMINAL), &other.payload(&domain)));
    let forged = sign(&key(CHIP), &order.payload(&domain));
    for signature in of_others.into_iter().chain([forged]) {
        let args = (order, signature);
        refused(&mut cards, ISSUER, "refund", args, 0, Error::BadTerminalSignature);
    }
}

#[test]
fn a_refund_is_taken_strictly_before_it_expires() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.chain.set_time(ORDER_EXPIRY - 1);
    cards.refund(key, 1).unwrap();
    cards.chain.set_time(ORDER_EXPIRY);
    let order = cards.refund_order(key, 1);
    let args = cards.signed_refund(order);
    let passed = Error::DeadlinePassed { deadline: ORDER_EXPIRY };
    refused(&mut cards, ISSUER, "refund", args, 0, passed);
}

#[test]
fn a_suspended_merchant_can_still_refund() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.order("switch_merchant", (SHOP, false)).unwrap();
    cards.refund(key, AMOUNT).unwrap();
    backed(&mut cards);
}

#[test]
fn a_refund_makes_no_room_for_another_payment_that_day() {
    let mut cards = Cards::default();
    let keys = [1, 2, 3, 4, 5].map(|counter| cards.paid(counter, AMOUNT));
    cards.refund(keys[0], AMOUNT).unwrap();
    let more = cards.payment(6);
    declined(&mut cards, more, DeclineCode::AboveDayLimit);
}

#[test]
fn a_closed_cards_refund_goes_to_its_holder() {
    for asset in [NATIVE, TOKEN, HOSTILE] {
        let mut cards = Cards::with(asset);
        let key = cards.paid(1, AMOUNT);
        cards.order("close_card", CARD).unwrap();
        let before = cards.balance(HOLDER);
        cards.refund(key, AMOUNT).unwrap();
        assert_eq!(cards.balance(HOLDER), before + AMOUNT);
        assert_eq!(cards.card(CARD).balance, 0);
        backed(&mut cards);
    }
}

#[test]
fn a_refund_may_bring_a_card_above_the_most_it_may_hold() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    let limits = protocol::prepaid::CardLimits {
        balance: 0,
        ..quittance_tests::prepaid::LIMITS
    };
    cards.order("set_limits", (CARD, limits)).unwrap();
    cards.refund(key, AMOUNT).unwrap();
    assert_eq!(cards.card(CARD).balance, BALANCE);
}
