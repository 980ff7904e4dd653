//! What is put on cards, and in for merchants.
use protocol::prepaid::{CardLimits, CardNumber, CardState, Error, MerchantNumber, Programme};
use quittance_runtime::UNIT;
use quittance_tests::{
    institutions::account,
    prepaid::{
        Cards, ACQUIRER, AMOUNT, BALANCE, CARD, CARD_EXPIRY, HOLDER, HOSTILE, ISSUER, LIMITS, NATIVE, OTHER_CARD,
        PROGRAMME, SHOP, STRANGER, TOKEN,
    },
};

use super::{backed, refused};

#[test]
fn anyone_tops_a_card_up_with_its_own_money_in_every_asset() {
    for asset in [NATIVE, TOKEN, HOSTILE] {
        let mut cards = Cards::with(asset);
        let before = cards.balance(STRANGER);
        cards.approve(STRANGER, AMOUNT);
        let value = cards.value(AMOUNT);
        let topped: Result<(), Error> = cards.send(STRANGER, "top_up", (CARD, AMOUNT, [9u8; 32]), value);
        topped.unwrap();
        assert_eq!(cards.balance(STRANGER), before - AMOUNT);
        assert_eq!(cards.card(CARD).balance, BALANCE + AMOUNT);
        assert_eq!(cards.float().cards, 2 * BALANCE + AMOUNT);
        backed(&mut cards);
    }
}

#[test]
fn a_reference_is_each_callers_own_and_good_once() {
    let mut cards = Cards::default();
    let reference = [9u8; 32];
    cards.top_up(CARD, 1, reference).unwrap();
    let used = Error::ReferenceUsed;
    refused(&mut cards, ISSUER, "top_up", (CARD, 1u128, reference), 1, used);
    refused(&mut cards, ISSUER, "top_up", (OTHER_CARD, 2u128, reference), 2, used);
    refused(&mut cards, ISSUER, "fund_merchant", (SHOP, 1u128, reference), 1, used);
    // Nobody can use up what another is about to pay under.
    cards.fund(SHOP, 1, reference).unwrap();
    refused(&mut cards, ACQUIRER, "top_up", (CARD, 1u128, reference), 1, used);
    for (by, expected) in [(ISSUER, true), (ACQUIRER, true), (STRANGER, false)] {
        let is_used: bool = cards.send(STRANGER, "is_used", (account(by), reference), 0);
        assert_eq!(is_used, expected);
        assert_eq!(cards.is_used(by, reference), expected);
    }
}

#[test]
fn a_refused_top_up_leaves_its_reference_unused() {
    let mut cards = Cards::default();
    let args = (CARD, 1u128, [9u8; 32]);
    refused(&mut cards, ISSUER, "top_up", args, 0, Error::WrongValue { due: 1 });
    refused(&mut cards, ISSUER, "top_up", args, 2, Error::WrongValue { due: 1 });
    cards.top_up(CARD, 1, [9; 32]).unwrap();
}

#[test]
fn nothing_is_no_top_up() {
    let mut cards = Cards::default();
    refused(
        &mut cards,
        ISSUER,
        "top_up",
        (CARD, 0u128, [9u8; 32]),
        0,
        Error::ZeroAmount,
    );
    let args = (SHOP, 0u128, [9u8; 32]);
    refused(&mut cards, ISSUER, "fund_merchant", args, 0, Error::ZeroAmount);
}

#[test]
fn a_card_that_is_unknown_frozen_closed_or_expired_is_not_topped_up() {
    let mut cards = Cards::default();
    let args = |card: CardNumber| (card, 1u128, [9u8; 32]);
    let message = "top_up";
    refused(&mut cards, ISSUER, message, args(CardNumber(99)), 1, Error::UnknownCard);
    cards.order("freeze", CARD).unwrap();
    let frozen = Error::WrongCardState(CardState::Frozen);
    refused(&mut cards, ISSUER, message, args(CARD), 1, frozen);
    cards.order("unfreeze", CARD).unwrap();
    cards.chain.set_time(CARD_EXPIRY);
    let expired = Error::CardExpired {
        expires_at: CARD_EXPIRY,
    };
    refused(&mut cards, ISSUER, message, args(CARD), 1, expired);
    cards.order("close_card", CARD).unwrap();
    let closed = Error::WrongCardState(CardState::Closed);
    refused(&mut cards, ISSUER, message, args(CARD), 1, closed);
}

#[test]
fn a_card_is_topped_up_to_the_lower_of_both_limits() {
    let mut cards = Cards::default();
    let room = LIMITS.balance - BALANCE;
    let above = |limit, balance| Error::AboveBalanceLimit { limit, balance };
    let args = (CARD, room + 1, [9u8; 32]);
    let expected = above(LIMITS.balance, BALANCE);
    refused(&mut cards, ISSUER, "top_up", args, room + 1, expected);
    cards.top_up(CARD, room, [9; 32]).unwrap();
    let full = (CARD, 1u128, [10u8; 32]);
    refused(
        &mut cards,
        ISSUER,
        "top_up",
        full,
        1,
        above(LIMITS.balance, LIMITS.balance),
    );

    let limits = CardLimits {
        balance: BALANCE,
        ..PROGRAMME.limits
    };
    let programme = Programme { limits, ..PROGRAMME };
    cards.order("set_programme", programme).unwrap();
    let args = (OTHER_CARD, 1u128, [10u8; 32]);
    refused(&mut cards, ISSUER, "top_up", args, 1, above(BALANCE, BALANCE));
}

#[test]
fn a_sum_beyond_what_an_amount_holds_is_refused() {
    let mut cards = Cards::with(TOKEN);
    let args = (CARD, u128::MAX, [9u8; 32]);
    refused(&mut cards, ISSUER, "top_up", args, 0, Error::Overflow);
    cards.paid(1, AMOUNT);
    let args = (SHOP, u128::MAX, [9u8; 32]);
    refused(&mut cards, ISSUER, "fund_merchant", args, 0, Error::Overflow);
}

#[test]
fn what_is_put_in_for_a_merchant_is_paid_out_to_it_if_nothing_goes_back() {
    for asset in [NATIVE, TOKEN, HOSTILE] {
        let mut cards = Cards::with(asset);
        cards.fund(SHOP, 20 * UNIT, [9; 32]).unwrap();
        let merchant = cards.merchant(SHOP);
        assert_eq!((merchant.unpaid, merchant.cycle.funded), (20 * UNIT, 20 * UNIT));
        backed(&mut cards);
        let statement = cards.close(SHOP);
        assert_eq!((statement.fee, statement.reserve, statement.paid), (0, 0, 20 * UNIT));
        backed(&mut cards);
    }
    let args = (MerchantNumber(99), 1u128, [9u8; 32]);
    let unknown = Error::UnknownMerchant;
    refused(&mut Cards::default(), ISSUER, "fund_merchant", args, 1, unknown);
}

#[test]
fn nobodys_money_moves_when_somebody_else_tops_up() {
    let mut cards = Cards::with(TOKEN);
    cards.approve(HOLDER, AMOUNT);
    let args = (CARD, AMOUNT, [9u8; 32]);
    refused(&mut cards, STRANGER, "top_up", args, 0, Error::TokenRefused);
}
