//! Tokens are others' contracts. What they do wrong is refused, and what cards and merchants have doesn't suffer.
use protocol::{
    prepaid::{Error, PaymentKey},
    settlement::Asset,
};
use quittance_tests::{
    contract_chain::{selector, GENESIS},
    institutions::account,
    prepaid::{
        Cards, ACQUIRER, AMOUNT, BALANCE, CARD, CARD_EXPIRY, HOLDER, HOSTILE, ISSUER, LIMITS, OTHER_CARD, PROGRAMME,
        SHOP, TOKEN,
    },
};
use scale::Encode;

use super::{backed, done, refused};

#[test]
fn a_token_that_refuses_or_moves_another_amount_tops_nothing_up() {
    for (message, expected) in [
        ("refuse_in", Error::TokenRefused),
        ("keep_fee", Error::TokenShort),
        ("lie", Error::TokenShort),
    ] {
        let mut cards = Cards::with(HOSTILE);
        cards.approve(ISSUER, AMOUNT);
        cards.turn(message, ());
        let args = (CARD, AMOUNT, [9u8; 32]);
        refused(&mut cards, ISSUER, "top_up", args, 0, expected);
        let args = (SHOP, AMOUNT, [9u8; 32]);
        refused(&mut cards, ISSUER, "fund_merchant", args, 0, expected);
        cards.turn("be_honest", ());
        cards.top_up(CARD, AMOUNT, [9; 32]).unwrap();
        backed(&mut cards);
    }
}

#[test]
fn without_allowance_or_tokens_nothing_is_put_in() {
    let mut cards = Cards::with(TOKEN);
    for allowance in [0, AMOUNT - 1] {
        cards.approve(ISSUER, allowance);
        let args = (CARD, AMOUNT, [9u8; 32]);
        refused(&mut cards, ISSUER, "top_up", args, 0, Error::TokenRefused);
        let args = (SHOP, AMOUNT, [9u8; 32]);
        refused(&mut cards, ISSUER, "fund_merchant", args, 0, Error::TokenRefused);
    }
    let beyond = cards.balance(ISSUER) + 1;
    cards.approve(ISSUER, beyond);
    let args = (SHOP, beyond, [9u8; 32]);
    refused(&mut cards, ISSUER, "fund_merchant", args, 0, Error::TokenRefused);
}

#[test]
fn native_tokens_are_not_taken_where_cards_hold_another_asset() {
    let mut cards = Cards::with(TOKEN);
    cards.approve(ISSUER, AMOUNT);
    for (message, args) in [
        ("top_up", (CARD, AMOUNT, [9u8; 32]).encode()),
        ("fund_merchant", (SHOP, AMOUNT, [9u8; 32]).encode()),
    ] {
        let args = Raw(&args);
        refused(&mut cards, ISSUER, message, args, AMOUNT, Error::WrongValue { due: 0 });
    }
}

/// Bytes as they are, without their length.
struct Raw<'a>(&'a [u8]);

impl Encode for Raw<'_> {
    fn encode_to<O: scale::Output + ?Sized>(&self, to: &mut O) {
        to.write(self.0);
    }
}

#[test]
fn a_payout_that_a_token_refuses_or_traps_on_did_not_happen_and_can_be_made_later() {
    for message in ["refuse_out", "trap_out"] {
        let mut cards = Cards::with(HOSTILE);
        let key = cards.paid(1, AMOUNT);
        cards.turn(message, ());
        refused(&mut cards, ISSUER, "close_card", CARD, 0, Error::TransferFailed);
        refused(&mut cards, ISSUER, "close_cycle", SHOP, 0, Error::TransferFailed);
        cards.turn("be_honest", ());
        cards.order("close_card", CARD).unwrap();
        cards.turn(message, ());
        // To a closed card's holder.
        let order = cards.refund_order(key, AMOUNT);
        let refund = cards.signed_refund(order);
        refused(&mut cards, ISSUER, "refund", refund, 0, Error::TransferFailed);
        let void = cards.signed_void(cards.void_order(key));
        refused(&mut cards, ISSUER, "void", void, 0, Error::TransferFailed);
        cards.dispute(key, AMOUNT).unwrap();
        let failed = Error::TransferFailed;
        refused(&mut cards, ISSUER, "decide_dispute", (key, AMOUNT), 0, failed);

        cards.turn("be_honest", ());
        let before = cards.balance(HOLDER);
        done(&mut cards, ISSUER, "decide_dispute", (key, AMOUNT));
        assert_eq!(cards.balance(HOLDER), before + AMOUNT);
    }
}

#[test]
fn payments_and_refunds_move_no_tokens() {
    let mut cards = Cards::with(HOSTILE);
    cards.turn("trap_out", ());
    let key = cards.paid(1, AMOUNT);
    cards.refund(key, 1).unwrap();
    cards.dispute(key, 1).unwrap();
    cards.order("decide_dispute", (key, 1u128)).unwrap();
    let other = cards.paid(2, AMOUNT);
    cards.void(other).unwrap();
    backed(&mut cards);
}

/// What a token may want to call the contract for while it is asked to move tokens.
fn attacks(cards: &mut Cards, key: PaymentKey) -> Vec<Vec<u8>> {
    let input = |message: &str, args: Vec<u8>| [selector(message).as_slice(), &args].concat();
    let order = cards.refund_order(key, AMOUNT);
    vec![
        input("close_card", CARD.encode()),
        input("close_card", OTHER_CARD.encode()),
        input("close_cycle", SHOP.encode()),
        input("top_up", (CARD, AMOUNT, [8u8; 32]).encode()),
        input("fund_merchant", (SHOP, AMOUNT, [8u8; 32]).encode()),
        input("refund", cards.signed_refund(order).encode()),
        input("default_dispute", key.encode()),
        input(
            "open_dispute",
            cards.signed_dispute(cards.dispute_order(key, 1)).encode(),
        ),
        input("float", Vec::new()),
    ]
}

#[test]
fn a_token_that_calls_back_while_it_pays_out_fails_the_payout() {
    let mut cards = Cards::with(HOSTILE);
    let key = cards.paid(1, AMOUNT);
    for attack in attacks(&mut cards, key) {
        let prepaid = cards.prepaid;
        cards.turn("call_back", (prepaid, attack));
        refused(&mut cards, ISSUER, "close_card", CARD, 0, Error::TransferFailed);
        refused(&mut cards, ISSUER, "close_cycle", SHOP, 0, Error::TransferFailed);
    }
    assert_eq!(cards.card(CARD).balance, BALANCE - AMOUNT);
    assert_eq!(cards.statement(SHOP, 0), None);
}

#[test]
fn a_token_that_calls_back_while_it_is_paid_in_tops_nothing_up() {
    let mut cards = Cards::with(HOSTILE);
    let key = cards.paid(1, AMOUNT);
    for by in [ISSUER, ACQUIRER] {
        cards.approve(by, AMOUNT);
    }
    for attack in attacks(&mut cards, key) {
        let prepaid = cards.prepaid;
        cards.turn("call_back", (prepaid, attack));
        let args = (CARD, AMOUNT, [9u8; 32]);
        refused(&mut cards, ISSUER, "top_up", args, 0, Error::TokenRefused);
        let args = (SHOP, AMOUNT, [9u8; 32]);
        refused(&mut cards, ACQUIRER, "fund_merchant", args, 0, Error::TokenRefused);
    }
    assert_eq!(cards.float().cards, 2 * BALANCE - AMOUNT);
}

#[test]
fn a_token_that_is_no_contract_tops_nothing_up() {
    let mut cards = Cards::with(TOKEN);
    let nowhere = Asset::Psp22(account(HOLDER));
    cards.prepaid = cards
        .chain
        .instantiate::<Error>("prepaid", (GENESIS, cards.registry, ISSUER, nowhere, PROGRAMME))
        .unwrap();
    let args = (CARD, account(HOLDER), account(HOLDER), LIMITS, CARD_EXPIRY);
    cards.order("issue_card", args).unwrap();
    let args = (CARD, AMOUNT, [9u8; 32]);
    refused(&mut cards, ISSUER, "top_up", args, 0, Error::TokenRefused);
}
