//! Payments that are undone inside their cycle.
use protocol::prepaid::{CardPayment, DeclineCode, Error, VoidOrder};
use quittance_tests::{
    institutions::{account, key, sign},
    prepaid::{
        Cards, AMOUNT, BALANCE, CARD, CARD_EXPIRY, CHIP, HOLDER, HOSTILE, ISSUER, NATIVE, ORDER_EXPIRY, OTHER_TERMINAL,
        SECOND_TERMINAL, SHOP, SPARE_TERMINAL, TERMINAL, TOKEN,
    },
};

use super::{approved, backed, declined, done, refused};

#[test]
fn a_void_gives_all_of_it_back_and_costs_no_fee() {
    for asset in [NATIVE, TOKEN, HOSTILE] {
        let mut cards = Cards::with(asset);
        let key = cards.paid(1, AMOUNT);
        let void = cards.signed_void(cards.void_order(key));
        done(&mut cards, ISSUER, "void", void);
        let card = cards.card(CARD);
        assert_eq!((card.balance, card.paid_that_day), (BALANCE, 0));
        let record = cards.record(key);
        assert_eq!((record.returned, record.is_voided), (AMOUNT, true));
        let statement = cards.close(SHOP);
        assert_eq!((statement.cycle.gross, statement.cycle.voided), (AMOUNT, AMOUNT));
        assert_eq!((statement.cycle.count, statement.cycle.voided_count), (1, 1));
        assert_eq!((statement.fee, statement.net, statement.paid), (0, 0, 0));
    }
}

#[test]
fn a_voided_payment_no_longer_counts_against_the_days_limit() {
    let mut cards = Cards::default();
    let keys = [1, 2, 3, 4, 5].map(|counter| cards.paid(counter, AMOUNT));
    let more = cards.payment(6);
    declined(&mut cards, more, DeclineCode::AboveDayLimit);
    cards.void(keys[2]).unwrap();
    approved(&mut cards, more, AMOUNT);
}

#[test]
fn what_was_paid_yesterday_and_is_voided_today_makes_no_room_today() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    let today = quittance_tests::prepaid::MIDNIGHT;
    cards.chain.set_time(today);
    let payment = CardPayment {
        expires_at: today + 1,
        ..cards.payment(2)
    };
    approved(&mut cards, payment, AMOUNT);
    let order = VoidOrder {
        expires_at: today + 1,
        ..cards.void_order(key)
    };
    let void = cards.signed_void(order);
    done(&mut cards, ISSUER, "void", void);
    assert_eq!(cards.card(CARD).paid_that_day, AMOUNT);
}

#[test]
fn any_terminal_of_the_merchant_can_void_and_no_other() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    let by = |terminal| VoidOrder {
        terminal: account(terminal),
        ..cards.void_order(key)
    };
    let orders = [SPARE_TERMINAL, OTHER_TERMINAL, TERMINAL, SECOND_TERMINAL].map(by);
    let [unknown, foreign, revoked, second] = orders.map(|order| cards.signed_void(order));
    cards.order("revoke_terminal", account(TERMINAL)).unwrap();
    refused(&mut cards, ISSUER, "void", unknown, 0, Error::UnknownTerminal);
    refused(&mut cards, ISSUER, "void", foreign, 0, Error::ForeignMerchant);
    refused(&mut cards, ISSUER, "void", revoked, 0, Error::TerminalRevoked);
    done(&mut cards, ISSUER, "void", second);
}

#[test]
fn a_void_must_be_signed_by_its_terminal_under_exactly_this() {
    let mut cards = Cards::default();
    let paid = cards.paid(1, AMOUNT);
    let (order, _) = cards.signed_void(cards.void_order(paid));
    let later = VoidOrder {
        expires_at: order.expires_at + 1,
        ..order
    };
    let refund = cards.refund_order(paid, AMOUNT);
    let domain = cards.domain();
    for signature in [
        sign(&key(CHIP), &order.payload(&domain)),
        sign(&key(TERMINAL), &later.payload(&domain)),
        sign(&key(TERMINAL), &refund.payload(&domain)),
        sign(&key(TERMINAL), &cards.payment(1).payload(&domain)),
    ] {
        let args = (order, signature);
        refused(&mut cards, ISSUER, "void", args, 0, Error::BadTerminalSignature);
    }
}

#[test]
fn a_void_is_taken_strictly_before_it_expires() {
    let mut cards = Cards::default();
    let [first, second] = [1, 2].map(|counter| cards.paid(counter, AMOUNT));
    cards.chain.set_time(ORDER_EXPIRY - 1);
    cards.void(first).unwrap();
    cards.chain.set_time(ORDER_EXPIRY);
    let void = cards.signed_void(cards.void_order(second));
    let passed = Error::DeadlinePassed { deadline: ORDER_EXPIRY };
    refused(&mut cards, ISSUER, "void", void, 0, passed);
}

#[test]
fn only_a_payment_that_was_taken_is_voided_and_only_once() {
    let mut cards = Cards::default();
    let unknown = cards.signed_void(cards.void_order((CARD, 1)));
    refused(&mut cards, ISSUER, "void", unknown, 0, Error::UnknownPayment);
    let key = cards.paid(1, AMOUNT);
    cards.void(key).unwrap();
    refused(&mut cards, ISSUER, "void", unknown, 0, Error::AlreadyVoided);
}

#[test]
fn after_its_cycle_a_payment_is_refunded_and_not_voided() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.close(SHOP);
    cards.paid(2, AMOUNT);
    let void = cards.signed_void(cards.void_order(key));
    refused(&mut cards, ISSUER, "void", void, 0, Error::CycleClosed);
    cards.refund(key, AMOUNT).unwrap();
    backed(&mut cards);
}

#[test]
fn a_payment_of_which_a_part_went_back_or_is_disputed_is_not_voided() {
    let mut cards = Cards::default();
    let [refunded, disputed, decided] = [1, 2, 3].map(|counter| cards.paid(counter, AMOUNT));
    cards.refund(refunded, 1).unwrap();
    cards.dispute(disputed, 1).unwrap();
    cards.dispute(decided, 1).unwrap();
    cards.order("decide_dispute", (decided, 0u128)).unwrap();
    for key in [refunded, disputed, decided] {
        let void = cards.signed_void(cards.void_order(key));
        refused(&mut cards, ISSUER, "void", void, 0, Error::NotWhole);
    }
}

#[test]
fn what_is_held_for_a_dispute_is_not_used_to_void_another_payment() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.close(SHOP);
    cards.dispute(key, AMOUNT).unwrap();
    let fresh = cards.paid(2, AMOUNT);
    // The reserve of the first cycle is there too.
    let reserve = AMOUNT / 10;
    let void = cards.signed_void(cards.void_order(fresh));
    let short = Error::MerchantShort {
        available: reserve,
        needed: AMOUNT,
    };
    refused(&mut cards, ISSUER, "void", void, 0, short);
    cards.fund(SHOP, AMOUNT - reserve, [1; 32]).unwrap();
    done(&mut cards, ISSUER, "void", void);
}

#[test]
fn a_void_of_a_closed_cards_payment_goes_to_its_holder() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.order("close_card", CARD).unwrap();
    let before = cards.balance(HOLDER);
    cards.void(key).unwrap();
    assert_eq!(cards.balance(HOLDER), before + AMOUNT);
    assert_eq!((cards.card(CARD).balance, cards.merchant(SHOP).unpaid), (0, 0));
    backed(&mut cards);
}

#[test]
fn frozen_and_expired_cards_get_back_what_is_voided() {
    let mut cards = Cards::default();
    let key = cards.paid(1, AMOUNT);
    cards.order("freeze", CARD).unwrap();
    cards.chain.set_time(CARD_EXPIRY);
    let order = VoidOrder {
        expires_at: CARD_EXPIRY + 1,
        ..cards.void_order(key)
    };
    let void = cards.signed_void(order);
    done(&mut cards, ISSUER, "void", void);
    assert_eq!(cards.card(CARD).balance, BALANCE);
}
