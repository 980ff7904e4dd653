//! Payments that come together.
use protocol::prepaid::{CardPayment, DeclineCode, Error, Verdict, MAX_PAYMENTS};
use quittance_runtime::UNIT;
use quittance_tests::{
    institutions::account,
    prepaid::{
        Cards, AMOUNT, BALANCE, CARD, ISSUER, LIMITS, OTHER_CARD, OTHER_SHOP, OTHER_TERMINAL, PROGRAMME,
        SECOND_TERMINAL, SHOP,
    },
};

use super::{backed, refused};

#[test]
fn each_payment_of_a_batch_is_decided_for_itself_in_the_order_they_come() {
    let mut cards = Cards::default();
    let first = cards.payment(1);
    let others = CardPayment {
        card: OTHER_CARD,
        merchant: OTHER_SHOP,
        terminal: account(OTHER_TERMINAL),
        ..first
    };
    let second = CardPayment {
        counter: 2,
        terminal: account(SECOND_TERMINAL),
        ..first
    };
    let foreign = CardPayment {
        counter: 3,
        merchant: OTHER_SHOP,
        ..first
    };
    let last = CardPayment { counter: 4, ..first };
    let batch = [first, first, others, second, foreign, last].map(|payment| cards.signed(payment));
    let approved = |balance| Verdict::Approved {
        taken: AMOUNT,
        balance,
        cycle: 0,
    };
    let expected = [
        approved(BALANCE - AMOUNT),
        Verdict::Declined(DeclineCode::CounterUsed),
        approved(BALANCE - AMOUNT),
        approved(BALANCE - 2 * AMOUNT),
        Verdict::Declined(DeclineCode::ForeignMerchant),
        approved(BALANCE - 3 * AMOUNT),
    ];
    assert_eq!(cards.bring(&batch), expected);
    let merchant = cards.merchant(SHOP);
    assert_eq!((merchant.cycle.count, merchant.unpaid), (3, 3 * AMOUNT));
    assert_eq!(cards.merchant(OTHER_SHOP).unpaid, AMOUNT);
    backed(&mut cards);
}

#[test]
fn the_limits_of_a_day_hold_within_a_batch_too() {
    let mut cards = Cards::default();
    let batch: Vec<_> = (1..=6).map(|counter| cards.signed(cards.payment(counter))).collect();
    let verdicts = cards.bring(&batch);
    let (paid, declined) = verdicts.split_at(5);
    assert!(paid.iter().all(|verdict| matches!(verdict, Verdict::Approved { .. })));
    assert_eq!(declined, [Verdict::Declined(DeclineCode::AboveDayLimit)]);
    assert_eq!(cards.card(CARD).paid_that_day, LIMITS.per_day);
}

#[test]
fn sixty_four_payments_are_taken_in_one_call_and_one_more_or_none_is_refused() {
    let mut cards = Cards::default();
    let payment = |cards: &Cards, counter| {
        cards.signed(CardPayment {
            amount: UNIT,
            least: UNIT,
            ..cards.payment(counter)
        })
    };
    let mut batch: Vec<_> = (1..=MAX_PAYMENTS as u64)
        .map(|counter| payment(&cards, counter))
        .collect();
    let verdicts = cards.bring(&batch);
    assert_eq!(verdicts.len(), MAX_PAYMENTS);
    assert_eq!(cards.merchant(SHOP).unpaid, 64 * UNIT);
    backed(&mut cards);
    batch.push(payment(&cards, 65));
    refused(&mut cards, ISSUER, "pay_batch", &batch, 0, Error::PaymentCount);
    batch.clear();
    refused(&mut cards, ISSUER, "pay_batch", &batch, 0, Error::PaymentCount);
}

#[test]
fn sixty_four_payments_that_are_all_declined_change_nothing() {
    let mut cards = Cards::default();
    let programme = protocol::prepaid::Programme {
        limits: protocol::prepaid::CardLimits {
            per_day: 0,
            ..PROGRAMME.limits
        },
        ..PROGRAMME
    };
    cards.order("set_programme", programme).unwrap();
    let batch: Vec<_> = (1..=64).map(|counter| cards.signed(cards.payment(counter))).collect();
    let before = cards.chain.state_root();
    let verdicts = cards.bring(&batch);
    assert_eq!(verdicts, [Verdict::Declined(DeclineCode::AboveDayLimit); 64]);
    assert_eq!(cards.chain.state_root(), before);
}
