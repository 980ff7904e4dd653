//! Escrow: what each step moves, what is refused, and that a refusal changes nothing.
mod cancelling;
mod disputes;
mod locking;
mod refunds;
mod settling;
mod tokens;

use protocol::{
    escrow::{Deal, DealState, Error},
    settlement::Asset,
    DealId, Member,
};
use quittance_tests::{
    contract_chain::Fault,
    market::{Market, BUYER, SELLER},
};
use scale::Encode;

/// Sends what must be refused and leave the chain's state as it was.
#[track_caller]
fn refused(market: &mut Market, by: Member, message: &str, args: impl Encode, value: u128, expected: Error) {
    let before = market.chain.state_root();
    let answer: Result<(), Error> = market.send(by, message, args, value);
    assert_eq!(answer, Err(expected));
    assert_eq!(market.chain.state_root(), before, "a refusal must change nothing");
}

/// Sends what must be done.
#[track_caller]
fn done(market: &mut Market, by: Member, message: &str, args: impl Encode) {
    let answer: Result<(), Error> = market.send(by, message, args, 0);
    assert_eq!(answer, Ok(()));
}

/// Sends what doesn't even get to the contract's own checks.
#[track_caller]
fn unanswered(market: &mut Market, by: Member, message: &str, args: impl Encode, value: u128) -> Fault {
    let before = market.chain.state_root();
    let fault = match market.try_send::<Result<(), Error>>(by, message, args, value) {
        Ok(called) => panic!("answered {:?}", called.output),
        Err(fault) => fault,
    };
    assert_eq!(market.chain.state_root(), before, "a refusal must change nothing");
    fault
}

/// Everybody's money in one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Purse {
    buyer: u128,
    seller: u128,
    held: u128,
}

fn purse(market: &mut Market, asset: Asset) -> Purse {
    Purse {
        buyer: market.balance(BUYER, asset),
        seller: market.balance(SELLER, asset),
        held: market.held(asset),
    }
}

/// The deal is over like this, and nothing of it can be moved any more.
#[track_caller]
fn ended(market: &mut Market, id: DealId, state: DealState) -> Deal {
    let deal = market.deal(id);
    assert_eq!(deal.state, state);
    assert!(state.is_final());
    assert_eq!(deal.held(), Ok(0));
    deal
}
