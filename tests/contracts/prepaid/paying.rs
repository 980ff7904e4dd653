//! What an approved payment moves, and how much of it is taken.
use protocol::prepaid::{CardLimits, CardPayment, DeclineCode, Float, Programme, Verdict, DAY};
use quittance_runtime::UNIT;
use quittance_tests::{
    contract_chain::START,
    prepaid::{Cards, AMOUNT, BALANCE, CARD, HOSTILE, LIMITS, MIDNIGHT, NATIVE, ORDER_EXPIRY, PROGRAMME, SHOP, TOKEN},
};

use super::{approved, declined, done};

#[test]
fn a_payment_moves_from_the_card_to_the_merchants_open_cycle_in_every_asset() {
    for asset in [NATIVE, TOKEN, HOSTILE] {
        let mut cards = Cards::with(asset);
        let payment = cards.payment(1);
        let verdict = cards.pay(payment);
        let approved = Verdict::Approved {
            taken: AMOUNT,
            balance: BALANCE - AMOUNT,
            cycle: 0,
        };
        assert_eq!(verdict, approved);
        let card = cards.card(CARD);
        assert_eq!(
            (card.balance, card.paid_that_day, card.counter),
            (BALANCE - AMOUNT, AMOUNT, 1)
        );
        assert_eq!(card.day, START / DAY);
        let merchant = cards.merchant(SHOP);
        assert_eq!(
            (merchant.unpaid, merchant.cycle.count, merchant.cycle.gross),
            (AMOUNT, 1, AMOUNT)
        );
        let float = Float {
            cards: 2 * BALANCE - AMOUNT,
            merchants: AMOUNT,
        };
        assert_eq!((cards.float(), cards.held()), (float, 2 * BALANCE));
    }
}

#[test]
fn a_payment_is_kept_with_its_reference_and_the_cycle_that_it_is_in() {
    let mut cards = Cards::default();
    cards.close(SHOP);
    let payment = cards.payment(7);
    approved(&mut cards, payment, AMOUNT);
    let record = cards.record((CARD, 7));
    assert_eq!(record.reference, payment.reference());
    assert_eq!((record.merchant, record.cycle, record.taken), (SHOP, 1, AMOUNT));
    assert_eq!((record.returned, record.is_voided, record.paid_at), (0, false, START));
}

#[test]
fn payments_are_taken_whatever_order_their_counters_come_in() {
    let mut cards = Cards::default();
    for counter in [5, 2, u64::MAX, 3] {
        cards.paid(counter, UNIT);
    }
    assert_eq!(cards.card(CARD).counter, u64::MAX, "the highest so far");
    declined_again(&mut cards, 2);
}

#[track_caller]
fn declined_again(cards: &mut Cards, counter: u64) {
    let payment = CardPayment {
        amount: 2 * UNIT,
        least: 2 * UNIT,
        ..cards.payment(counter)
    };
    declined(cards, payment, DeclineCode::CounterUsed);
}

#[test]
fn what_a_card_cant_cover_is_taken_in_part_where_card_and_merchant_agreed_to_that() {
    let mut cards = Cards::default();
    let in_part = |cards: &Cards, counter, amount, least| CardPayment {
        amount,
        least,
        ..cards.payment(counter)
    };
    // Above what it may pay at once.
    let payment = in_part(&cards, 1, 150 * UNIT, 100 * UNIT);
    approved(&mut cards, payment, LIMITS.per_payment);
    let payment = in_part(&cards, 2, 100 * UNIT, 1);
    approved(&mut cards, payment, 100 * UNIT);
    // Above what it may still pay today.
    let payment = in_part(&cards, 3, 60 * UNIT, 50 * UNIT + 1);
    declined(&mut cards, payment, DeclineCode::AboveDayLimit);
    let payment = in_part(&cards, 3, 60 * UNIT, 50 * UNIT);
    approved(&mut cards, payment, 50 * UNIT);
    // Above what it holds.
    let expires_at = MIDNIGHT + 1;
    cards.chain.set_time(MIDNIGHT);
    for counter in 4..=5 {
        let payment = CardPayment {
            expires_at,
            ..in_part(&cards, counter, 100 * UNIT, 100 * UNIT)
        };
        approved(&mut cards, payment, 100 * UNIT);
    }
    let payment = CardPayment {
        expires_at,
        ..in_part(&cards, 6, 50 * UNIT + 1, 1)
    };
    approved(&mut cards, payment, 50 * UNIT);
    assert_eq!(cards.card(CARD).balance, 0);
    let payment = CardPayment {
        expires_at,
        ..in_part(&cards, 7, 1, 1)
    };
    declined(&mut cards, payment, DeclineCode::AboveDayLimit);
}

#[test]
fn without_leave_of_the_programme_nothing_is_taken_in_part() {
    let mut cards = Cards::default();
    let programme = Programme {
        allows_partial: false,
        ..PROGRAMME
    };
    cards.order("set_programme", programme).unwrap();
    let payment = CardPayment {
        least: AMOUNT - 1,
        ..cards.payment(1)
    };
    declined(&mut cards, payment, DeclineCode::PartialNotAllowed);
    let payment = cards.payment(1);
    approved(&mut cards, payment, AMOUNT);
}

#[test]
fn a_day_ends_at_midnight_utc() {
    let mut cards = Cards::default();
    cards.chain.set_time(MIDNIGHT - 1);
    let late = |cards: &Cards, counter, amount| CardPayment {
        amount,
        least: amount,
        expires_at: MIDNIGHT + DAY,
        ..cards.payment(counter)
    };
    for counter in 1..=5 {
        let payment = late(&cards, counter, 50 * UNIT);
        approved(&mut cards, payment, 50 * UNIT);
    }
    let payment = late(&cards, 6, 1);
    declined(&mut cards, payment, DeclineCode::AboveDayLimit);
    cards.chain.set_time(MIDNIGHT);
    approved(&mut cards, payment, 1);
    assert_eq!(cards.card(CARD).paid_that_day, 1);
}

#[test]
fn the_lower_of_the_cards_and_the_programmes_limits_holds() {
    let mut cards = Cards::default();
    let limits = CardLimits {
        per_payment: 40 * UNIT,
        per_day: 60 * UNIT,
        ..PROGRAMME.limits
    };
    let programme = Programme { limits, ..PROGRAMME };
    cards.order("set_programme", programme).unwrap();
    let payment = cards.payment(1);
    declined(&mut cards, payment, DeclineCode::AbovePaymentLimit);
    cards.paid(1, 40 * UNIT);
    let payment = CardPayment {
        amount: 21 * UNIT,
        least: 21 * UNIT,
        ..cards.payment(2)
    };
    declined(&mut cards, payment, DeclineCode::AboveDayLimit);
    cards.order("set_programme", PROGRAMME).unwrap();
    done_with_limits(&mut cards);
}

#[track_caller]
fn done_with_limits(cards: &mut Cards) {
    let own = CardLimits {
        per_payment: 20 * UNIT,
        ..LIMITS
    };
    done(cards, quittance_tests::prepaid::ISSUER, "set_limits", (CARD, own));
    let payment = CardPayment {
        amount: 21 * UNIT,
        least: 21 * UNIT,
        ..cards.payment(2)
    };
    declined(cards, payment, DeclineCode::AbovePaymentLimit);
    cards.paid(2, 20 * UNIT);
}

#[test]
fn a_payment_is_taken_strictly_before_it_expires() {
    let mut cards = Cards::default();
    let (last, late) = (cards.payment(1), cards.payment(2));
    cards.chain.set_time(ORDER_EXPIRY - 1);
    approved(&mut cards, last, AMOUNT);
    cards.chain.set_time(ORDER_EXPIRY);
    declined(&mut cards, late, DeclineCode::PaymentExpired);
}

#[test]
fn a_declined_payment_does_not_use_its_counter_up() {
    let mut cards = Cards::default();
    cards.order("freeze", CARD).unwrap();
    let payment = cards.payment(1);
    declined(&mut cards, payment, DeclineCode::CardFrozen);
    cards.order("unfreeze", CARD).unwrap();
    approved(&mut cards, payment, AMOUNT);
}
