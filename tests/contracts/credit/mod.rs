//! Credit: what each step moves and counts, what is refused, and that a refusal changes nothing.
mod arrears;
mod calling;
mod committing;
mod events;
mod limits;
mod paying;
mod pool;
mod raises;
mod receipts;
mod repaying;
mod reserving;
mod tokens;

use protocol::{
    credit::{DebtState, Error, Used},
    settlement::Asset,
    Member, RequestId,
};
use quittance_tests::{
    contract_chain::Fault,
    credit::{Side, PAYEE, PAYER},
};
use scale::Encode;

/// Sends what must be refused and leave the chain's state as it was.
#[track_caller]
fn refused(side: &mut Side, by: Member, message: &str, args: impl Encode, value: u128, expected: Error) {
    let before = side.chain.state_root();
    // A refusal looks the same whatever the message would have answered.
    let answer: Result<(), Error> = side.send(by, message, args, value);
    assert_eq!(answer, Err(expected));
    assert_eq!(side.chain.state_root(), before, "a refusal must change nothing");
}

/// Sends what must be done.
#[track_caller]
fn done(side: &mut Side, by: Member, message: &str, args: impl Encode) {
    let answer: Result<(), Error> = side.send(by, message, args, 0);
    assert_eq!(answer, Ok(()));
}

/// Sends what doesn't even get to the contract's own checks.
#[track_caller]
fn unanswered(side: &mut Side, by: Member, message: &str, args: impl Encode, value: u128) -> Fault {
    let before = side.chain.state_root();
    let fault = match side.try_send::<Result<(), Error>>(by, message, args, value) {
        Ok(called) => panic!("answered {:?}", called.output),
        Err(fault) => fault,
    };
    assert_eq!(side.chain.state_root(), before, "a refusal must change nothing");
    fault
}

/// The debt is like this now.
#[track_caller]
fn is(side: &mut Side, id: RequestId, state: DebtState) {
    assert_eq!(side.debt(id).state, state);
}

/// What counts against both limits of payer and payee, which must agree where there is one payee.
#[track_caller]
fn used(side: &mut Side, asset: Asset) -> Used {
    let limits = side.limits(PAYER, PAYEE, asset);
    assert_eq!(limits.payee.used, limits.node.used);
    limits.payee.used
}
