//! Every code that a payment is declined with, and which comes first.
use protocol::{
    prepaid::{CardNumber, CardPayment, DeclineCode, MerchantNumber, Programme, SignedPayment},
    AccountId, Signature,
};
use quittance_runtime::UNIT;
use quittance_tests::{
    institutions::{account, key, sign},
    prepaid::{
        Cards, AMOUNT, CARD, CARD_EXPIRY, CHIP, NEW_CHIP, OTHER_CARD, OTHER_CHIP, OTHER_SHOP, OTHER_TERMINAL,
        PROGRAMME, SECOND_TERMINAL, SHOP, SPARE_TERMINAL, TERMINAL,
    },
};

use super::{approved, declined, declined_as_signed};

#[test]
fn an_amount_of_nothing_or_a_least_above_it_is_declined() {
    let mut cards = Cards::default();
    for (amount, least) in [(0, 0), (AMOUNT, 0), (AMOUNT, AMOUNT + 1), (0, 1)] {
        let payment = CardPayment {
            amount,
            least,
            ..cards.payment(1)
        };
        declined(&mut cards, payment, DeclineCode::BadAmount);
    }
}

#[test]
fn a_terminal_that_nobody_added_is_declined() {
    let mut cards = Cards::default();
    let payment = CardPayment {
        terminal: account(SPARE_TERMINAL),
        ..cards.payment(1)
    };
    declined(&mut cards, payment, DeclineCode::UnknownTerminal);
}

#[test]
fn a_terminal_takes_nothing_for_another_merchant_known_or_not() {
    let mut cards = Cards::default();
    for merchant in [OTHER_SHOP, MerchantNumber(99)] {
        let payment = CardPayment {
            merchant,
            ..cards.payment(1)
        };
        declined(&mut cards, payment, DeclineCode::ForeignMerchant);
    }
    let payment = CardPayment {
        terminal: account(OTHER_TERMINAL),
        ..cards.payment(1)
    };
    declined(&mut cards, payment, DeclineCode::ForeignMerchant);
}

#[test]
fn a_revoked_terminal_takes_nothing_and_the_merchants_other_one_does() {
    let mut cards = Cards::default();
    cards.order("revoke_terminal", account(TERMINAL)).unwrap();
    let payment = cards.payment(1);
    declined(&mut cards, payment, DeclineCode::TerminalRevoked);
    let payment = CardPayment {
        terminal: account(SECOND_TERMINAL),
        ..payment
    };
    approved(&mut cards, payment, AMOUNT);
}

#[test]
fn a_suspended_merchant_takes_nothing_until_it_is_let_go_on() {
    let mut cards = Cards::default();
    cards.order("switch_merchant", (SHOP, false)).unwrap();
    let payment = cards.payment(1);
    declined(&mut cards, payment, DeclineCode::MerchantSuspended);
    cards.order("switch_merchant", (SHOP, true)).unwrap();
    approved(&mut cards, payment, AMOUNT);
}

#[test]
fn a_card_that_nobody_issued_is_declined() {
    let mut cards = Cards::default();
    let payment = CardPayment {
        card: CardNumber(99),
        ..cards.payment(1)
    };
    declined(&mut cards, payment, DeclineCode::UnknownCard);
}

#[test]
fn card_and_terminal_must_both_sign() {
    let mut cards = Cards::default();
    let good = cards.signed(cards.payment(1));
    let none = Signature([0; 64]);
    let forged = sign(&key(SPARE_TERMINAL), &good.payment.payload(&cards.domain()));
    for (card, terminal, expected) in [
        (forged, good.terminal, DeclineCode::BadCardSignature),
        (none, good.terminal, DeclineCode::BadCardSignature),
        (good.terminal, good.terminal, DeclineCode::BadCardSignature),
        (good.card, forged, DeclineCode::BadTerminalSignature),
        (good.card, none, DeclineCode::BadTerminalSignature),
        (good.terminal, good.card, DeclineCode::BadTerminalSignature),
        (good.card, good.card, DeclineCode::BadTerminalSignature),
        (none, none, DeclineCode::BadTerminalSignature),
    ] {
        let signed = SignedPayment { card, terminal, ..good };
        declined_as_signed(&mut cards, signed, expected);
    }
    let payment = good.payment;
    let of_others = cards.signed_by(payment, OTHER_CHIP, TERMINAL);
    declined_as_signed(&mut cards, of_others, DeclineCode::BadCardSignature);
    let of_others = cards.signed_by(payment, CHIP, SECOND_TERMINAL);
    declined_as_signed(&mut cards, of_others, DeclineCode::BadTerminalSignature);
}

#[test]
fn what_was_altered_after_it_was_signed_is_declined() {
    let mut cards = Cards::default();
    let good = cards.signed(cards.payment(1));
    let changes: [fn(&mut CardPayment); 5] = [
        |payment| payment.amount -= 1,
        |payment| payment.amount += 1,
        |payment| payment.least -= 1,
        |payment| payment.counter += 1,
        |payment| payment.expires_at += 1,
    ];
    for change in changes {
        let mut altered = good;
        change(&mut altered.payment);
        altered.payment.least = altered.payment.least.min(altered.payment.amount);
        declined_as_signed(&mut cards, altered, DeclineCode::BadTerminalSignature);
        // By the merchant, whose terminal signs it once more.
        altered.terminal = cards.signed(altered.payment).terminal;
        declined_as_signed(&mut cards, altered, DeclineCode::BadCardSignature);
        // By the card.
        let card = cards.signed(altered.payment).card;
        let altered = SignedPayment {
            card,
            terminal: good.terminal,
            ..altered
        };
        declined_as_signed(&mut cards, altered, DeclineCode::BadTerminalSignature);
    }
    // Another merchant's, with a terminal of that merchant.
    let mut stolen = good;
    (stolen.payment.merchant, stolen.payment.terminal) = (OTHER_SHOP, account(OTHER_TERMINAL));
    stolen.terminal = cards.signed(stolen.payment).terminal;
    declined_as_signed(&mut cards, stolen, DeclineCode::BadCardSignature);
    // Another card's.
    let mut others = good;
    others.payment.card = OTHER_CARD;
    others.terminal = cards.signed(others.payment).terminal;
    declined_as_signed(&mut cards, others, DeclineCode::BadCardSignature);
}

#[test]
fn what_was_signed_for_another_contract_chain_or_purpose_is_declined() {
    let mut cards = Cards::default();
    let payment = cards.payment(1);
    let elsewhere = [
        protocol::prepaid::domain(quittance_tests::contract_chain::GENESIS, AccountId([9; 32])),
        protocol::prepaid::domain([9; 32], cards.prepaid),
    ];
    let void = cards.void_order((CARD, 1)).payload(&cards.domain());
    let payloads = elsewhere
        .map(|domain| payment.payload(&domain))
        .into_iter()
        .chain([void]);
    for payload in payloads {
        let mut signed = cards.signed(payment);
        signed.card = sign(&key(CHIP), &payload);
        declined_as_signed(&mut cards, signed, DeclineCode::BadCardSignature);
        signed.terminal = sign(&key(TERMINAL), &payload);
        declined_as_signed(&mut cards, signed, DeclineCode::BadTerminalSignature);
    }
}

#[test]
fn a_counter_is_used_once_by_whichever_payment_comes_first() {
    let mut cards = Cards::default();
    let first = cards.payment(1);
    approved(&mut cards, first, AMOUNT);
    declined(&mut cards, first, DeclineCode::CounterUsed);
    // Presented at another merchant.
    let again = CardPayment {
        merchant: OTHER_SHOP,
        terminal: account(OTHER_TERMINAL),
        ..first
    };
    declined(&mut cards, again, DeclineCode::CounterUsed);
    // Whatever became of the first.
    cards.void(first.key()).unwrap();
    declined(&mut cards, first, DeclineCode::CounterUsed);
    let others = CardPayment {
        card: OTHER_CARD,
        ..first
    };
    approved(&mut cards, others, AMOUNT);
}

#[test]
fn a_frozen_closed_or_expired_card_pays_nothing() {
    let mut cards = Cards::default();
    let payment = CardPayment {
        expires_at: CARD_EXPIRY + 1,
        ..cards.payment(1)
    };
    cards.order("freeze", CARD).unwrap();
    declined(&mut cards, payment, DeclineCode::CardFrozen);
    cards.chain.set_time(CARD_EXPIRY);
    declined(&mut cards, payment, DeclineCode::CardFrozen);
    cards.order("unfreeze", CARD).unwrap();
    declined(&mut cards, payment, DeclineCode::CardExpired);
    cards.chain.set_time(CARD_EXPIRY - 1);
    approved(&mut cards, payment, AMOUNT);
    cards.order("close_card", CARD).unwrap();
    let payment = CardPayment { counter: 2, ..payment };
    declined(&mut cards, payment, DeclineCode::CardClosed);
}

#[test]
fn a_replaced_cards_payments_are_declined_and_its_successors_are_not() {
    let mut cards = Cards::default();
    cards.paid(1, AMOUNT);
    cards.order("replace_card", (CARD, account(NEW_CHIP))).unwrap();
    let payment = cards.payment(2);
    declined(&mut cards, payment, DeclineCode::BadCardSignature);
    let signed = cards.signed_by(payment, NEW_CHIP, TERMINAL);
    let used = cards.signed_by(cards.payment(1), NEW_CHIP, TERMINAL);
    declined_as_signed(&mut cards, used, DeclineCode::CounterUsed);
    cards.bring(&[signed]);
    assert_eq!(cards.record((CARD, 2)).taken, AMOUNT);
}

#[test]
fn more_than_a_card_may_pay_at_once_or_on_one_day_is_declined() {
    let mut cards = Cards::default();
    let payment = |cards: &Cards, counter, amount| CardPayment {
        amount,
        least: amount,
        ..cards.payment(counter)
    };
    let above = payment(&cards, 1, 100 * UNIT + 1);
    declined(&mut cards, above, DeclineCode::AbovePaymentLimit);
    cards.paid(1, 100 * UNIT);
    cards.paid(2, 100 * UNIT);
    let above = payment(&cards, 3, 50 * UNIT + 1);
    declined(&mut cards, above, DeclineCode::AboveDayLimit);
    cards.paid(3, 50 * UNIT);
}

#[test]
fn more_than_a_card_holds_is_declined() {
    let mut cards = Cards::default();
    let limits = PROGRAMME.limits;
    cards.order("set_limits", (CARD, limits)).unwrap();
    for counter in 1..=2 {
        cards.paid(counter, 200 * UNIT);
    }
    let day = quittance_tests::prepaid::MIDNIGHT;
    cards.chain.set_time(day);
    let payment = |cards: &Cards, amount| CardPayment {
        amount,
        least: amount,
        expires_at: day + 1,
        ..cards.payment(3)
    };
    let above = payment(&cards, 100 * UNIT + 1);
    declined(&mut cards, above, DeclineCode::InsufficientFunds);
    let all = payment(&cards, 100 * UNIT);
    approved(&mut cards, all, 100 * UNIT);
    let more = CardPayment {
        counter: 4,
        ..payment(&cards, 1)
    };
    declined(&mut cards, more, DeclineCode::InsufficientFunds);
}

/// A payment that breaks every rule, and is put right one rule after the other.
#[test]
fn the_first_rule_that_is_broken_names_the_code() {
    let mut cards = Cards::default();
    let programme = Programme {
        allows_partial: false,
        ..PROGRAMME
    };
    cards.order("set_programme", programme).unwrap();
    cards.order("revoke_terminal", account(TERMINAL)).unwrap();
    cards.order("switch_merchant", (SHOP, false)).unwrap();
    cards.order("freeze", CARD).unwrap();
    let now = quittance_tests::contract_chain::START;
    let mut signed = SignedPayment {
        payment: CardPayment {
            card: CardNumber(99),
            counter: 1,
            merchant: OTHER_SHOP,
            terminal: account(SPARE_TERMINAL),
            amount: 1_000 * UNIT,
            least: 0,
            expires_at: now,
        },
        card: Signature([0; 64]),
        terminal: Signature([0; 64]),
    };
    declined_as_signed(&mut cards, signed, DeclineCode::BadAmount);
    signed.payment.least = 1;
    declined_as_signed(&mut cards, signed, DeclineCode::PartialNotAllowed);
    signed.payment.least = signed.payment.amount;
    declined_as_signed(&mut cards, signed, DeclineCode::PaymentExpired);
    signed.payment.expires_at = CARD_EXPIRY + 1;
    declined_as_signed(&mut cards, signed, DeclineCode::UnknownTerminal);
    signed.payment.terminal = account(TERMINAL);
    declined_as_signed(&mut cards, signed, DeclineCode::ForeignMerchant);
    signed.payment.merchant = SHOP;
    declined_as_signed(&mut cards, signed, DeclineCode::TerminalRevoked);
    signed.payment.terminal = account(SECOND_TERMINAL);
    declined_as_signed(&mut cards, signed, DeclineCode::MerchantSuspended);
    cards.order("switch_merchant", (SHOP, true)).unwrap();
    declined_as_signed(&mut cards, signed, DeclineCode::BadTerminalSignature);
    signed.terminal = cards.signed(signed.payment).terminal;
    declined_as_signed(&mut cards, signed, DeclineCode::UnknownCard);
    signed.payment.card = CARD;
    signed.terminal = cards.signed(signed.payment).terminal;
    declined_as_signed(&mut cards, signed, DeclineCode::BadCardSignature);
    signed.card = cards.signed(signed.payment).card;
    declined_as_signed(&mut cards, signed, DeclineCode::CardFrozen);
    cards.order("unfreeze", CARD).unwrap();
    cards.chain.set_time(CARD_EXPIRY);
    declined_as_signed(&mut cards, signed, DeclineCode::CardExpired);
    cards.chain.set_time(CARD_EXPIRY - 1);
    declined_as_signed(&mut cards, signed, DeclineCode::AbovePaymentLimit);
}

#[test]
fn sums_beyond_what_an_amount_holds_are_no_way_around_limits() {
    let mut cards = Cards::default();
    let payment = CardPayment {
        amount: u128::MAX,
        least: u128::MAX,
        ..cards.payment(1)
    };
    declined(&mut cards, payment, DeclineCode::AbovePaymentLimit);
    let payment = CardPayment { least: 1, ..payment };
    approved(&mut cards, payment, 100 * UNIT);
}
