//! Tokens are others' contracts. What they do wrong is refused or waits, and no other deal suffers.
use protocol::{
    escrow::{DealState, Error},
    settlement::Asset,
    DealId,
};
use quittance_tests::{
    contract_chain::selector,
    institutions::account,
    market::{secret, terms, Market, BOND, BUYER, DEADLINES, POT, PRICE, SELLER, SELLER_BOND, STRANGER},
};
use scale::Encode;

use super::{done, ended, purse, refused, unanswered, Purse};

const STAKE: u128 = PRICE + BOND;

fn hostile(market: &Market) -> Asset {
    Asset::Psp22(market.hostile)
}

/// Makes the hostile token do what its message says from now on.
fn turn(market: &mut Market, message: &str) {
    market.tell(market.hostile, message, ());
}

#[test]
fn a_token_that_refuses_or_moves_another_amount_locks_nothing() {
    for (message, expected) in [
        ("refuse_in", Error::TokenRefused),
        ("keep_fee", Error::TokenShort),
        ("lie", Error::TokenShort),
    ] {
        let mut market = Market::default();
        let asset = hostile(&market);
        market.approve(BUYER, asset, STAKE);
        market.approve(SELLER, asset, SELLER_BOND);
        turn(&mut market, message);
        refused(&mut market, BUYER, "lock", terms(asset, 1), 0, expected);

        turn(&mut market, "be_honest");
        let id = market.lock(&terms(asset, 1)).unwrap();
        turn(&mut market, message);
        refused(&mut market, SELLER, "accept", id, 0, expected);
        assert_eq!(market.deal(id).state, DealState::Locked);
    }
}

#[test]
fn without_allowance_or_tokens_nothing_is_locked() {
    let mut market = Market::default();
    let asset = Asset::Psp22(market.token);
    refused(&mut market, BUYER, "lock", terms(asset, 1), 0, Error::TokenRefused);
    market.approve(BUYER, asset, STAKE - 1);
    refused(&mut market, BUYER, "lock", terms(asset, 1), 0, Error::TokenRefused);

    let mut beyond = terms(asset, 1);
    beyond.price = market.balance(BUYER, asset);
    market.approve(BUYER, asset, u128::MAX);
    refused(&mut market, BUYER, "lock", beyond, 0, Error::TokenRefused);
}

#[test]
fn what_is_no_token_is_refused() {
    let mut market = Market::default();
    let nobody = Asset::Psp22(account(STRANGER));
    refused(&mut market, BUYER, "lock", terms(nobody, 1), 0, Error::TokenRefused);
    let other = market.chain.instantiate::<()>("hashlock", ()).unwrap();
    refused(
        &mut market,
        BUYER,
        "lock",
        terms(Asset::Psp22(other), 1),
        0,
        Error::TokenRefused,
    );
    let escrow = Asset::Psp22(market.escrow);
    unanswered(&mut market, BUYER, "lock", terms(escrow, 1), 0);
}

#[test]
fn a_payout_that_a_token_refuses_or_traps_on_waits_and_is_made_once() {
    for message in ["refuse_out", "trap_out"] {
        let mut market = Market::default();
        let asset = hostile(&market);
        let before = purse(&mut market, asset);
        let id = market.accepted(&terms(asset, 1));
        turn(&mut market, message);
        done(&mut market, BUYER, "reveal", (id, secret(1)));
        done(&mut market, SELLER, "claim", (id, secret(1)));
        ended(&mut market, id, DealState::Settled);
        let dues = (market.due(BUYER, asset), market.due(SELLER, asset));
        assert_eq!(dues, (BOND, PRICE + SELLER_BOND));
        assert_eq!(market.held(asset), POT);
        let sellers = (account(SELLER), asset);
        refused(&mut market, STRANGER, "withdraw", sellers, 0, Error::TransferFailed);

        turn(&mut market, "be_honest");
        done(&mut market, STRANGER, "withdraw", sellers);
        refused(&mut market, SELLER, "withdraw", sellers, 0, Error::NothingDue);
        done(&mut market, STRANGER, "withdraw", (account(BUYER), asset));
        let after = Purse {
            buyer: before.buyer - PRICE,
            seller: before.seller + PRICE,
            held: 0,
        };
        assert_eq!(purse(&mut market, asset), after);
    }
}

#[test]
fn what_waits_in_one_asset_is_not_paid_in_another() {
    let mut market = Market::default();
    let asset = hostile(&market);
    market.accepted(&terms(Asset::Native, 2));
    let id = market.lock(&terms(asset, 1)).unwrap();
    turn(&mut market, "refuse_out");
    market.chain.set_time(DEADLINES.accept_by);
    done(&mut market, BUYER, "refund", id);
    assert_eq!(market.due(BUYER, asset), STAKE);
    for other in [Asset::Native, Asset::Psp22(market.token)] {
        let withdraw = (account(BUYER), other);
        refused(&mut market, BUYER, "withdraw", withdraw, 0, Error::NothingDue);
    }
    let strangers = (account(STRANGER), asset);
    refused(&mut market, STRANGER, "withdraw", strangers, 0, Error::NothingDue);
}

/// A deal in the hostile token, and one in native tokens that it would like to have: refundable, and its secret known.
fn prey(market: &mut Market) -> (DealId, DealId) {
    let asset = hostile(market);
    let bait = market.accepted(&terms(asset, 1));
    let native = market.accepted(&terms(Asset::Native, 2));
    (bait, native)
}

/// What a token may want to call the escrow contract for while it is asked to move tokens.
fn attacks(market: &Market, bait: DealId, native: DealId) -> Vec<Vec<u8>> {
    let input = |message: &str, args: Vec<u8>| [selector(message).as_slice(), &args].concat();
    vec![
        input("refund", bait.encode()),
        input("refund", native.encode()),
        input("claim", (native, secret(2)).encode()),
        input("claim", (bait, secret(1)).encode()),
        input("withdraw", (account(BUYER), hostile(market)).encode()),
    ]
}

#[test]
fn a_token_that_calls_back_while_it_pays_out_changes_no_deal() {
    let mut market = Market::default();
    let asset = hostile(&market);
    let (bait, native) = prey(&mut market);
    let untouched = market.deal(native);
    market.chain.set_time(DEADLINES.dispute_by);
    market.commit();
    for attack in attacks(&market, bait, native) {
        market.roll_back();
        market.tell(market.hostile, "call_back", (market.escrow, attack));
        done(&mut market, BUYER, "refund", bait);
        ended(&mut market, bait, DealState::Refunded);
        let dues = (market.due(BUYER, asset), market.due(SELLER, asset));
        assert_eq!(dues, (STAKE, SELLER_BOND), "calling back is a failed payout");
        assert_eq!(market.deal(native), untouched);
        assert_eq!(market.held(Asset::Native), POT);
        let withdraw = (account(BUYER), asset);
        refused(&mut market, BUYER, "withdraw", withdraw, 0, Error::TransferFailed);

        turn(&mut market, "be_honest");
        done(&mut market, BUYER, "withdraw", withdraw);
        assert_eq!(market.held(asset), SELLER_BOND);
    }
}

#[test]
fn a_token_that_calls_back_while_it_is_paid_in_locks_nothing() {
    let mut market = Market::default();
    let asset = hostile(&market);
    let (bait, native) = prey(&mut market);
    market.approve(BUYER, asset, STAKE);
    for attack in attacks(&market, bait, native) {
        market.tell(market.hostile, "call_back", (market.escrow, attack));
        refused(&mut market, BUYER, "lock", terms(asset, 3), 0, Error::TokenRefused);
    }
    assert_eq!(market.held(Asset::Native), POT);
}
