//! Cards: issued, limited, stopped, replaced, closed.
use protocol::prepaid::{CardLimits, CardNumber, CardState, DeclineCode, Error};
use quittance_tests::{
    contract_chain::START,
    institutions::account,
    prepaid::{
        Cards, AMOUNT, BALANCE, CARD, CARD_EXPIRY, CHIP, HOLDER, HOSTILE, ISSUER, LIMITS, NATIVE, NEW_CHIP, OTHER_CARD,
        POOR, STRANGER, TERMINAL, TOKEN,
    },
};

use super::{backed, declined, done, refused};

const NEW_CARD: CardNumber = CardNumber(3);
const UNKNOWN: CardNumber = CardNumber(99);

#[test]
fn a_card_is_issued_with_nothing_on_it() {
    let mut cards = Cards::default();
    let args = (NEW_CARD, account(NEW_CHIP), account(HOLDER), LIMITS, CARD_EXPIRY);
    done(&mut cards, ISSUER, "issue_card", args);
    let card = cards.card(NEW_CARD);
    assert_eq!((card.key, card.holder), (account(NEW_CHIP), account(HOLDER)));
    assert_eq!((card.limits, card.expires_at), (LIMITS, CARD_EXPIRY));
    assert_eq!((card.state, card.balance, card.counter), (CardState::Active, 0, 0));
}

#[test]
fn a_number_is_one_cards_for_good() {
    let mut cards = Cards::default();
    let args = (CARD, account(NEW_CHIP), account(STRANGER), LIMITS, CARD_EXPIRY);
    refused(&mut cards, ISSUER, "issue_card", args, 0, Error::CardExists);
    cards.order("close_card", CARD).unwrap();
    refused(&mut cards, ISSUER, "issue_card", args, 0, Error::CardExists);
}

#[test]
fn a_card_that_would_have_expired_already_is_not_issued() {
    let mut cards = Cards::default();
    let card = |expires_at: u64| (NEW_CARD, account(NEW_CHIP), account(HOLDER), LIMITS, expires_at);
    let expired = Error::CardExpired { expires_at: START };
    refused(&mut cards, ISSUER, "issue_card", card(START), 0, expired);
    done(&mut cards, ISSUER, "issue_card", card(START + 1));
}

#[test]
fn a_cards_limits_can_be_changed_while_it_is_open() {
    let mut cards = Cards::default();
    let limits = CardLimits {
        per_payment: AMOUNT - 1,
        ..LIMITS
    };
    done(&mut cards, ISSUER, "set_limits", (CARD, limits));
    let payment = cards.payment(1);
    declined(&mut cards, payment, DeclineCode::AbovePaymentLimit);
    cards.order("freeze", CARD).unwrap();
    done(&mut cards, ISSUER, "set_limits", (CARD, LIMITS));
    assert_eq!(cards.card(CARD).state, CardState::Frozen, "it stays what it is");
    cards.order("close_card", CARD).unwrap();
    let closed = Error::WrongCardState(CardState::Closed);
    refused(&mut cards, ISSUER, "set_limits", (CARD, limits), 0, closed);
    refused(
        &mut cards,
        ISSUER,
        "set_limits",
        (UNKNOWN, limits),
        0,
        Error::UnknownCard,
    );
}

#[test]
fn only_an_active_card_is_frozen_and_only_a_frozen_one_let_go_on() {
    let mut cards = Cards::default();
    let wrong = Error::WrongCardState;
    refused(&mut cards, ISSUER, "unfreeze", CARD, 0, wrong(CardState::Active));
    done(&mut cards, ISSUER, "freeze", CARD);
    refused(&mut cards, ISSUER, "freeze", CARD, 0, wrong(CardState::Frozen));
    done(&mut cards, ISSUER, "unfreeze", CARD);
    assert_eq!(cards.card(CARD).state, CardState::Active);
    cards.order("close_card", CARD).unwrap();
    for message in ["freeze", "unfreeze"] {
        refused(&mut cards, ISSUER, message, CARD, 0, wrong(CardState::Closed));
        refused(&mut cards, ISSUER, message, UNKNOWN, 0, Error::UnknownCard);
    }
}

#[test]
fn a_replaced_card_keeps_its_number_balance_limits_and_counters_and_goes_on() {
    let mut cards = Cards::default();
    cards.paid(7, AMOUNT);
    cards.order("freeze", CARD).unwrap();
    let before = cards.card(CARD);
    done(&mut cards, ISSUER, "replace_card", (CARD, account(NEW_CHIP)));
    let expected = protocol::prepaid::Card {
        key: account(NEW_CHIP),
        state: CardState::Active,
        ..before
    };
    assert_eq!(cards.card(CARD), expected);
    assert_eq!(expected.balance, BALANCE - AMOUNT);
}

#[test]
fn a_card_is_replaced_by_one_with_another_key_and_a_closed_one_by_none() {
    let mut cards = Cards::default();
    refused(
        &mut cards,
        ISSUER,
        "replace_card",
        (CARD, account(CHIP)),
        0,
        Error::SameKey,
    );
    let args = (UNKNOWN, account(NEW_CHIP));
    refused(&mut cards, ISSUER, "replace_card", args, 0, Error::UnknownCard);
    cards.order("close_card", CARD).unwrap();
    let args = (CARD, account(NEW_CHIP));
    let closed = Error::WrongCardState(CardState::Closed);
    refused(&mut cards, ISSUER, "replace_card", args, 0, closed);
}

#[test]
fn a_closed_cards_balance_is_paid_to_its_holder_in_every_asset() {
    for asset in [NATIVE, TOKEN, HOSTILE] {
        let mut cards = Cards::with(asset);
        cards.paid(1, AMOUNT);
        let before = cards.balance(HOLDER);
        done(&mut cards, ISSUER, "close_card", CARD);
        assert_eq!(cards.balance(HOLDER), before + BALANCE - AMOUNT);
        let card = cards.card(CARD);
        assert_eq!((card.state, card.balance), (CardState::Closed, 0));
        assert_eq!(cards.float().cards, BALANCE, "the other card's");
        let closed = Error::WrongCardState(CardState::Closed);
        refused(&mut cards, ISSUER, "close_card", CARD, 0, closed);
    }
    refused(
        &mut Cards::default(),
        ISSUER,
        "close_card",
        UNKNOWN,
        0,
        Error::UnknownCard,
    );
}

#[test]
fn anyone_closes_an_expired_card_for_its_holder_unless_it_is_frozen() {
    let mut cards = Cards::default();
    cards.order("freeze", OTHER_CARD).unwrap();
    cards.chain.set_time(CARD_EXPIRY - 1);
    refused(&mut cards, STRANGER, "close_card", CARD, 0, Error::NotTheIssuer);
    cards.chain.set_time(CARD_EXPIRY);
    let before = cards.balance(HOLDER);
    done(&mut cards, STRANGER, "close_card", CARD);
    assert_eq!(cards.balance(HOLDER), before + BALANCE);
    refused(&mut cards, STRANGER, "close_card", OTHER_CARD, 0, Error::NotTheIssuer);
    done(&mut cards, ISSUER, "close_card", OTHER_CARD);
}

#[test]
fn an_empty_card_is_closed_without_paying_anybody() {
    let mut cards = Cards::with(HOSTILE);
    let args = (NEW_CARD, account(NEW_CHIP), account(POOR), LIMITS, CARD_EXPIRY);
    cards.order("issue_card", args).unwrap();
    cards.turn("refuse_out", ());
    done(&mut cards, ISSUER, "close_card", NEW_CARD);
}

#[test]
fn a_holder_that_cannot_be_paid_keeps_its_card() {
    let mut cards = Cards::default();
    let args = (NEW_CARD, account(NEW_CHIP), account(POOR), LIMITS, CARD_EXPIRY);
    cards.order("issue_card", args).unwrap();
    // Too little for an account to exist.
    cards.top_up(NEW_CARD, 1, [9; 32]).unwrap();
    refused(&mut cards, ISSUER, "close_card", NEW_CARD, 0, Error::TransferFailed);
    cards
        .top_up(NEW_CARD, quittance_runtime::EXISTENTIAL_DEPOSIT, [10; 32])
        .unwrap();
    done(&mut cards, ISSUER, "close_card", NEW_CARD);
    backed(&mut cards);
}

#[test]
fn two_cards_with_one_key_are_two_cards() {
    let mut cards = Cards::default();
    let args = (NEW_CARD, account(CHIP), account(HOLDER), LIMITS, CARD_EXPIRY);
    cards.order("issue_card", args).unwrap();
    cards.top_up(NEW_CARD, BALANCE, [9; 32]).unwrap();
    let payment = protocol::prepaid::CardPayment {
        card: NEW_CARD,
        ..cards.payment(1)
    };
    let signed = cards.signed_by(payment, CHIP, TERMINAL);
    let mut moved = signed;
    moved.payment.card = CARD;
    super::declined_as_signed(&mut cards, moved, DeclineCode::BadTerminalSignature);
    cards.bring(&[signed]);
    assert_eq!(
        (cards.card(CARD).balance, cards.card(NEW_CARD).balance),
        (BALANCE, BALANCE - AMOUNT)
    );
}
