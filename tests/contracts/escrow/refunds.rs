//! What follows on a missed deadline without a dispute.
use protocol::{
    escrow::{DealState, Error, Terms},
    settlement::Asset,
    DealId,
};
use quittance_runtime::UNIT;
use quittance_tests::{
    institutions::account,
    market::{secret, terms, Market, BOND, BUYER, DEADLINES, PRICE, SELLER, STRANGER},
};

use super::{done, ended, purse, refused};

/// A refund a millisecond early is refused; at the deadline a stranger's gives each what it paid in, once.
fn refund_holds_from(deadline: u64, asset: usize, make: fn(&mut Market, &Terms) -> DealId) {
    let mut market = Market::default();
    let asset = market.assets()[asset];
    let before = purse(&mut market, asset);
    let id = make(&mut market, &terms(asset, 1));
    let early = Error::TooEarly { not_before: deadline };
    refused(&mut market, BUYER, "refund", id, 0, early);
    market.chain.set_time(deadline - 1);
    refused(&mut market, BUYER, "refund", id, 0, early);

    market.chain.set_time(deadline);
    done(&mut market, STRANGER, "refund", id);
    ended(&mut market, id, DealState::Refunded);
    assert_eq!(purse(&mut market, asset), before);
    let refunded = Error::WrongState(DealState::Refunded);
    refused(&mut market, BUYER, "refund", id, 0, refunded);
    refused(&mut market, SELLER, "claim", (id, secret(1)), 0, refunded);
}

#[test]
fn a_buyer_that_nobody_sold_to_gets_everything_back() {
    for asset in 0..2 {
        refund_holds_from(DEADLINES.accept_by, asset, |market, terms| market.lock(terms).unwrap());
    }
}

#[test]
fn without_reveal_and_dispute_each_gets_back_what_it_paid_in() {
    for asset in 0..2 {
        refund_holds_from(DEADLINES.dispute_by, asset, Market::accepted);
    }
}

#[test]
fn a_refund_is_never_paid_from_anothers_deal() {
    let mut market = Market::default();
    let id = market.lock(&terms(Asset::Native, 1)).unwrap();
    let other = market.lock(&terms(Asset::Native, 2)).unwrap();
    market.chain.set_time(DEADLINES.accept_by);
    done(&mut market, BUYER, "refund", id);
    refused(
        &mut market,
        BUYER,
        "refund",
        id,
        0,
        Error::WrongState(DealState::Refunded),
    );
    assert_eq!(market.held(Asset::Native), PRICE + BOND);
    done(&mut market, BUYER, "refund", other);
    assert_eq!(market.held(Asset::Native), 0);
}

#[test]
fn a_refund_to_an_account_that_is_gone_waits_until_it_is_back() {
    let mut market = Market::default();
    let tiny = Terms {
        price: UNIT / 10_000,
        bond: UNIT / 10_000,
        seller_bond: 0,
        default_award: 0,
        ..terms(Asset::Native, 1)
    };
    let id = market.lock(&tiny).unwrap();
    market.chain.close(account(BUYER));
    market.chain.set_time(DEADLINES.accept_by);
    done(&mut market, STRANGER, "refund", id);
    ended(&mut market, id, DealState::Refunded);
    let stake = tiny.price + tiny.bond;
    assert_eq!(market.due(BUYER, Asset::Native), stake);
    assert_eq!(market.held(Asset::Native), stake);

    let withdraw = (account(BUYER), Asset::Native);
    refused(&mut market, STRANGER, "withdraw", withdraw, 0, Error::TransferFailed);
    market.chain.pay(account(BUYER), UNIT);
    done(&mut market, STRANGER, "withdraw", withdraw);
    assert_eq!(market.chain.native_balance(account(BUYER)), UNIT + stake);
    assert_eq!(market.held(Asset::Native), 0);
    refused(&mut market, STRANGER, "withdraw", withdraw, 0, Error::NothingDue);
}
