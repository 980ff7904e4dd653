//! A side that doesn't sign in time can't keep a day open.
use protocol::{
    reconciliation::{Closed, Error},
    registry::Status,
};
use quittance_tests::reconciliation::{
    entries, Office, BOOK, CLIENT, CREDIT, DEBIT, EXPIRY, PATIENCE, STRANGER, YESTERDAY,
};

use super::refused;

/// From when on one side alone may close yesterday.
const ALONE: u64 = YESTERDAY_ENDS + PATIENCE;
const YESTERDAY_ENDS: u64 = (YESTERDAY.0 as u64 + 1) * protocol::reconciliation::DAY + 12 * 3_600_000;

fn office() -> Office {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(3)).unwrap();
    office
}

#[test]
fn each_side_alone_closes_a_day_once_the_patience_with_the_other_is_over() {
    for side in [DEBIT, CREDIT] {
        let mut office = office();
        let closing = office.closing(YESTERDAY);
        let args = office.signed_closing(closing, &[side]);
        office.chain.set_time(ALONE - 1);
        let early = Error::TooEarly { not_before: ALONE };
        refused(&mut office, side, "close_day", args, early);
        office.chain.set_time(ALONE);
        let closed: Result<Closed, Error> = office.send(side, "close_day", args);
        let expected = Closed {
            id: closing.id(),
            payable: 3_000,
            carried: 0,
            at: ALONE,
            is_default: true,
        };
        assert_eq!(closed, Ok(expected));
        assert_eq!(office.day(BOOK, YESTERDAY).closed, Some(expected));
    }
}

#[test]
fn nobody_else_sends_what_one_side_signed() {
    let mut office = office();
    office.chain.set_time(ALONE);
    let closing = office.closing(YESTERDAY);
    for (side, others) in [(DEBIT, [CREDIT, CLIENT, STRANGER]), (CREDIT, [DEBIT, CLIENT, STRANGER])] {
        let args = office.signed_closing(closing, &[side]);
        for other in others {
            refused(&mut office, other, "close_day", args, Error::NotASide);
        }
    }
}

#[test]
fn a_side_alone_must_have_signed_itself() {
    let mut office = office();
    office.chain.set_time(ALONE);
    let closing = office.closing(YESTERDAY);
    let (_, epoch, debit, _) = office.signed_closing(closing, &[DEBIT]);
    let args = (closing, epoch, None::<protocol::Signature>, debit);
    refused(&mut office, CREDIT, "close_day", args, Error::BadSignature(CREDIT));
}

#[test]
fn without_any_signature_nothing_is_closed() {
    let mut office = office();
    office.chain.set_time(ALONE);
    let closing = office.closing(YESTERDAY);
    let args = office.signed_closing(closing, &[]);
    for by in [DEBIT, STRANGER] {
        refused(&mut office, by, "close_day", args, Error::NotASide);
    }
}

#[test]
fn one_side_alone_closes_what_the_chain_has_and_nothing_else() {
    let mut office = office();
    office.chain.set_time(ALONE);
    let closing = protocol::reconciliation::Closing {
        total: 1,
        ..office.closing(YESTERDAY)
    };
    let args = office.signed_closing(closing, &[DEBIT]);
    let expected = Error::NotAllMatched {
        entries: 3,
        corrections: 0,
        total: 3_000,
    };
    refused(&mut office, DEBIT, "close_day", args, expected);
}

#[test]
fn a_suspended_side_closes_nothing_alone_and_the_other_is_not_stuck() {
    let mut office = office();
    office.set_status(DEBIT, Status::Revoked);
    office.chain.set_time(ALONE);
    let closing = office.closing(YESTERDAY);
    let args = office.signed_closing(closing, &[DEBIT]);
    refused(&mut office, DEBIT, "close_day", args, Error::NotActive(DEBIT));
    let args = office.signed_closing(closing, &[CREDIT]);
    let closed: Result<Closed, Error> = office.send(CREDIT, "close_day", args);
    assert!(closed.unwrap().is_default);
}

#[test]
fn both_signatures_make_no_default_however_late() {
    let mut office = office();
    office.chain.set_time(EXPIRY - 1);
    assert!(!office.close(YESTERDAY).unwrap().is_default);
}

#[test]
fn a_signature_that_does_not_hold_is_not_taken_for_none() {
    let mut office = office();
    office.chain.set_time(ALONE);
    let closing = office.closing(YESTERDAY);
    let (_, epoch, debit, _) = office.signed_closing(closing, &[DEBIT]);
    let args = (closing, epoch, debit, debit);
    refused(&mut office, DEBIT, "close_day", args, Error::BadSignature(CREDIT));
}
