//! Prepaid: what each step moves and counts, what is refused or declined, and that neither changes anything.
mod batches;
mod calling;
mod cards;
mod cycles;
mod declining;
mod disputing;
mod events;
mod merchants;
mod paying;
mod refunding;
mod tokens;
mod topping_up;
mod voiding;

use protocol::{
    prepaid::{CardPayment, DeclineCode, Error, SignedPayment, Verdict},
    Member,
};
use quittance_tests::{contract_chain::Fault, prepaid::Cards};
use scale::Encode;

/// Sends what must be refused and leave the chain's state as it was.
#[track_caller]
fn refused(cards: &mut Cards, by: Member, message: &str, args: impl Encode, value: u128, expected: Error) {
    let before = cards.chain.state_root();
    // A refusal looks the same whatever the message would have answered.
    let answer: Result<(), Error> = cards.send(by, message, args, value);
    assert_eq!(answer, Err(expected));
    assert_eq!(cards.chain.state_root(), before, "a refusal must change nothing");
}

/// Sends what must be done.
#[track_caller]
fn done(cards: &mut Cards, by: Member, message: &str, args: impl Encode) {
    let answer: Result<(), Error> = cards.send(by, message, args, 0);
    assert_eq!(answer, Ok(()));
    backed(cards);
}

/// What the contract holds is what it says that it holds for others.
#[track_caller]
fn backed(cards: &mut Cards) {
    let float = cards.float();
    assert_eq!(cards.held(), float.cards + float.merchants);
}

/// Sends what doesn't even get to the contract's own checks.
#[track_caller]
fn unanswered(cards: &mut Cards, by: Member, message: &str, args: impl Encode, value: u128) -> Fault {
    let before = cards.chain.state_root();
    let fault = match cards.try_send::<Result<(), Error>>(by, message, args, value) {
        Ok(called) => panic!("answered {:?}", called.output),
        Err(fault) => fault,
    };
    assert_eq!(cards.chain.state_root(), before, "a refusal must change nothing");
    fault
}

/// Brings a payment that must be declined and leave the chain's state as it was.
#[track_caller]
fn declined(cards: &mut Cards, payment: CardPayment, expected: DeclineCode) {
    let signed = cards.signed(payment);
    declined_as_signed(cards, signed, expected);
}

#[track_caller]
fn declined_as_signed(cards: &mut Cards, signed: SignedPayment, expected: DeclineCode) {
    let before = cards.chain.state_root();
    assert_eq!(cards.bring(&[signed]), [Verdict::Declined(expected)]);
    assert_eq!(cards.chain.state_root(), before, "a decline must change nothing");
}

/// Brings a payment of which so much must be taken.
#[track_caller]
fn approved(cards: &mut Cards, payment: CardPayment, expected: u128) {
    match cards.pay(payment) {
        Verdict::Approved { taken, .. } => assert_eq!(taken, expected),
        Verdict::Declined(code) => panic!("declined: {code:?}"),
    }
    backed(cards);
}
