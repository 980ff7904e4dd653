//! Reconciliation: what is recorded, corrected and closed, what is refused, and that a refusal changes nothing.
mod batches;
mod closing;
mod correcting;
mod defaults;
mod events;
mod ledger;
mod opening;
mod proving;
mod recording;
mod refusing;

use protocol::{reconciliation::Error, Member};
use quittance_tests::{contract_chain::Fault, reconciliation::Office};
use scale::Encode;

/// Sends what must be refused and leave the chain's state as it was.
#[track_caller]
fn refused(office: &mut Office, by: Member, message: &str, args: impl Encode, expected: Error) {
    let before = office.chain.state_root();
    // A refusal looks the same whatever the message would have answered.
    let answer: Result<(), Error> = office.send(by, message, args);
    assert_eq!(answer, Err(expected));
    assert_eq!(office.chain.state_root(), before, "a refusal must change nothing");
}

/// Sends what doesn't even get to the contract's own checks.
#[track_caller]
fn unanswered(office: &mut Office, by: Member, message: &str, args: impl Encode, value: u128) -> Fault {
    let before = office.chain.state_root();
    let fault = match office.try_send::<Result<(), Error>>(by, message, args, value) {
        Ok(called) => panic!("answered {:?}", called.output),
        Err(fault) => fault,
    };
    assert_eq!(office.chain.state_root(), before, "a refusal must change nothing");
    fault
}
