//! Days are closed in their order, each once, as both sides signed them (S3.5).
use protocol::{
    reconciliation::{Closed, Closing, Day, DayRecord, Error, DAY},
    registry::Status,
};
use quittance_tests::{
    contract_chain::START,
    reconciliation::{
        entries, entry, terms, trade, Office, AMOUNT, BOOK, CLIENT, CREDIT, DAY_BEFORE, DEBIT, EXPIRY, STRANGER, TODAY,
        TOMORROW, YESTERDAY,
    },
};

use super::refused;

const BOTH: [protocol::Member; 2] = [DEBIT, CREDIT];

/// Three entries of yesterday, one of them corrected.
fn office() -> Office {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(3)).unwrap();
    office.correct(trade(1), 500).unwrap();
    office
}

#[test]
fn a_closed_day_is_final_and_says_what_is_paid() {
    let mut office = office();
    let closing = office.closing(YESTERDAY);
    let closed = office.close(YESTERDAY).unwrap();
    let expected = Closed {
        id: closing.id(),
        payable: 2_500,
        carried: 0,
        at: START,
        is_default: false,
    };
    assert_eq!(closed, expected);
    let record = DayRecord {
        entries: 3,
        corrections: 1,
        total: 2_500,
        closed: Some(expected),
    };
    assert_eq!(office.day(BOOK, YESTERDAY), record);
    let book = office.book(BOOK);
    assert_eq!((book.open, book.closed_through), (vec![], Some(YESTERDAY)));

    let args = office.signed_closing(closing, &BOTH);
    refused(&mut office, STRANGER, "close_day", args, Error::NotOpen);
    let final_day = Error::DayClosed { through: YESTERDAY };
    for day in [YESTERDAY, DAY_BEFORE, Day(0)] {
        let args = (
            BOOK,
            day,
            None::<protocol::reconciliation::BatchId>,
            vec![entry(9, AMOUNT)],
        );
        refused(&mut office, CLIENT, "record", args, final_day);
    }
}

#[test]
fn the_oldest_open_day_comes_first() {
    let mut office = office();
    office.record(DAY_BEFORE, &[entry(8, 8)]).unwrap();
    let closing = office.closing(YESTERDAY);
    let args = office.signed_closing(closing, &BOTH);
    let earlier = Error::EarlierDayOpen { day: DAY_BEFORE };
    refused(&mut office, STRANGER, "close_day", args, earlier);
    assert_eq!(office.close(DAY_BEFORE).unwrap().payable, 8);
    let closed: Result<Closed, Error> = office.send(STRANGER, "close_day", args);
    assert_eq!(closed.unwrap().payable, 2_500);
}

#[test]
fn a_day_on_which_nothing_stands_needs_no_closing() {
    let mut office = office();
    for day in [DAY_BEFORE, TODAY] {
        let closing = Closing {
            day,
            matched: 0,
            breaks: 0,
            total: 0,
            ..office.closing(YESTERDAY)
        };
        let expected = if day < YESTERDAY {
            Error::NotOpen
        } else {
            Error::EarlierDayOpen { day: YESTERDAY }
        };
        let args = office.signed_closing(closing, &BOTH);
        refused(&mut office, STRANGER, "close_day", args, expected);
    }
    office.close(YESTERDAY).unwrap();
    assert!(office.book(BOOK).is_closed(DAY_BEFORE));
}

#[test]
fn a_day_is_closed_once_it_has_ended_somewhere_and_not_a_millisecond_earlier() {
    let mut office = Office::default();
    office.record(TODAY, &entries(1)).unwrap();
    let closing = office.closing(TODAY);
    let args = office.signed_closing(closing, &BOTH);
    let not_before = TODAY.ends_somewhere();
    office.chain.set_time(not_before - 1);
    refused(&mut office, STRANGER, "close_day", args, Error::TooEarly { not_before });
    office.chain.set_time(not_before);
    let closed: Result<Closed, Error> = office.send(STRANGER, "close_day", args);
    assert_eq!(closed.unwrap().at, not_before);
}

#[test]
fn what_is_signed_is_what_the_chain_has() {
    let mut office = office();
    let right = office.closing(YESTERDAY);
    let expected = Error::NotAllMatched {
        entries: 3,
        corrections: 1,
        total: 2_500,
    };
    for wrong in [
        Closing { matched: 2, ..right },
        Closing { breaks: 0, ..right },
        Closing { total: 3_000, ..right },
    ] {
        let args = office.signed_closing(wrong, &BOTH);
        refused(&mut office, STRANGER, "close_day", args, expected);
    }
}

#[test]
fn what_is_recorded_or_corrected_after_the_signatures_closes_nothing() {
    let mut office = office();
    let closing = office.closing(YESTERDAY);
    let args = office.signed_closing(closing, &BOTH);
    office.record(YESTERDAY, &[entry(8, AMOUNT)]).unwrap();
    let more = Error::NotAllMatched {
        entries: 4,
        corrections: 1,
        total: 3_500,
    };
    refused(&mut office, STRANGER, "close_day", args, more);
    // It comes to the same again, and still isn't what was signed.
    office.correct(trade(8), 0).unwrap();
    let other = Error::NotAllMatched {
        entries: 3,
        corrections: 2,
        total: 2_500,
    };
    refused(&mut office, STRANGER, "close_day", args, other);
}

#[test]
fn both_sides_must_have_signed_this_closing() {
    let mut office = office();
    let closing = office.closing(YESTERDAY);
    let (_, epoch, debit, credit) = office.signed_closing(closing, &BOTH);
    for (debit, credit, culprit) in [(credit, credit, DEBIT), (debit, debit, CREDIT)] {
        let args = (closing, epoch, debit, credit);
        refused(&mut office, STRANGER, "close_day", args, Error::BadSignature(culprit));
    }
    for other in [
        Closing {
            debit_book: [1; 32],
            ..closing
        },
        Closing {
            credit_book: [1; 32],
            ..closing
        },
        Closing {
            expires_at: EXPIRY + 1,
            ..closing
        },
    ] {
        let args = (other, epoch, debit, credit);
        refused(&mut office, STRANGER, "close_day", args, Error::BadSignature(DEBIT));
    }
}

#[test]
fn a_closing_of_another_book_closes_nothing() {
    let mut office = office();
    let other = office.open(&terms(1)).unwrap();
    let args = (
        other,
        YESTERDAY,
        None::<protocol::reconciliation::BatchId>,
        vec![entry(1, 2_500)],
    );
    let recorded: Result<(), Error> = office.send(CLIENT, "record", args);
    recorded.unwrap();
    let closing = office.closing(YESTERDAY);
    let (_, epoch, debit, credit) = office.signed_closing(closing, &BOTH);
    let moved = Closing { book: other, ..closing };
    let args = (moved, epoch, debit, credit);
    refused(&mut office, STRANGER, "close_day", args, Error::BadSignature(DEBIT));
}

#[test]
fn a_closing_is_good_strictly_before_it_expires() {
    let mut office = office();
    let closing = Closing {
        expires_at: START + 10,
        ..office.closing(YESTERDAY)
    };
    let args = office.signed_closing(closing, &BOTH);
    office.chain.set_time(START + 10);
    let passed = Error::DeadlinePassed { deadline: START + 10 };
    refused(&mut office, STRANGER, "close_day", args, passed);
    office.chain.set_time(START + 9);
    let closed: Result<Closed, Error> = office.send(STRANGER, "close_day", args);
    assert!(closed.is_ok());
}

#[test]
fn a_suspended_side_closes_nothing_together_with_the_other() {
    for side in BOTH {
        let mut office = office();
        office.set_status(side, Status::Suspended);
        let closing = office.closing(YESTERDAY);
        let args = office.signed_closing(closing, &BOTH);
        refused(&mut office, STRANGER, "close_day", args, Error::NotActive(side));
    }
}

#[test]
fn what_corrections_took_back_is_carried_until_days_bring_enough() {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(3)).unwrap();
    assert_eq!(office.close(YESTERDAY).unwrap().payable, 3_000);
    // Two of them never were: today's 500 don't make up for that, and tomorrow's 700 neither.
    office.record(TODAY, &[entry(8, 500)]).unwrap();
    office.correct(trade(0), 0).unwrap();
    office.correct(trade(1), 0).unwrap();
    let mut paid = 3_000;
    let mut total = 3_000;
    for (number, amount, payable, carried) in [(9, 700, 0, -800), (10, 900, 100, 0), (11, 5, 5, 0)] {
        let day = Day(TODAY.0 + number - 8);
        office.chain.set_time(day.ends_somewhere());
        if number == 9 {
            let closed = office.close(TODAY).unwrap();
            assert_eq!((closed.payable, closed.carried), (0, -1_500));
            total -= 1_500;
        }
        office.record(day, &[entry(number, amount)]).unwrap();
        let closed = office.close(day).unwrap();
        assert_eq!((closed.payable, closed.carried), (payable, carried));
        assert_eq!(office.book(BOOK).carried, carried);
        paid += i128::try_from(closed.payable).unwrap();
        total += i128::try_from(amount).unwrap();
        assert_eq!(
            paid + carried,
            total,
            "what was paid and is carried is what days came to"
        );
    }
}

#[test]
fn days_of_one_book_say_nothing_of_anothers() {
    let mut office = office();
    let other = office.open(&terms(1)).unwrap();
    office.close(YESTERDAY).unwrap();
    let args = (
        other,
        YESTERDAY,
        None::<protocol::reconciliation::BatchId>,
        vec![entry(1, 7)],
    );
    let recorded: Result<(), Error> = office.send(CLIENT, "record", args);
    assert_eq!(recorded, Ok(()));
    assert_eq!(office.book(other).open, [YESTERDAY]);
}

#[test]
fn after_a_gap_only_the_days_on_which_something_stands_are_closed() {
    let mut office = office();
    let later = Day(TOMORROW.0 + 6);
    office.chain.set_time(START + 8 * DAY);
    office.record(later, &[entry(8, 8)]).unwrap();
    office.close(YESTERDAY).unwrap();
    assert_eq!(office.book(BOOK).open, [later]);
    office.chain.set_time(later.ends_somewhere());
    office.close(later).unwrap();
    assert!(office.book(BOOK).is_closed(TOMORROW));
}
