//! How much one call does, at most, and how much one answer holds.
use protocol::{
    reconciliation::{
        BatchId, Book, BookId, Cause, Correction, Day, DayRecord, EntryRecord, Error, Kind, Side, SignedCorrection,
        DAY, MAX_CAUSES, MAX_CORRECTIONS, MAX_ENTRIES, MAX_LISTED, MAX_OPEN_DAYS,
    },
    TradeId,
};
use quittance_tests::{
    contract_chain::START,
    reconciliation::{
        cause, entries, entry, trade, Office, AMOUNT, BOOK, CLIENT, CREDIT, DEBIT, STRANGER, TODAY, YESTERDAY,
    },
};

use super::refused;

#[test]
fn so_many_entries_are_recorded_in_one_call_and_one_more_or_none_is_refused() {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(MAX_ENTRIES)).unwrap();
    assert_eq!(office.day(BOOK, YESTERDAY).total, 128_000);
    let mut office = Office::default();
    for count in [MAX_ENTRIES + 1, 0] {
        let args = (BOOK, YESTERDAY, None::<BatchId>, entries(count));
        refused(&mut office, CLIENT, "record", args, Error::EntryCount);
    }
}

#[test]
fn entries_of_one_call_are_all_recorded_or_none() {
    let mut office = Office::default();
    office.record(YESTERDAY, &[entry(5, AMOUNT)]).unwrap();
    let args = (BOOK, YESTERDAY, None::<BatchId>, entries(10));
    refused(&mut office, CLIENT, "record", args, Error::TradeExists(trade(5)));
    assert_eq!(office.try_entry(BOOK, trade(0)), None);
}

#[test]
fn so_many_corrections_are_made_in_one_call_and_one_more_or_none_is_refused() {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(MAX_CORRECTIONS + 1)).unwrap();
    let signed: Vec<SignedCorrection> = (0..=u32::try_from(MAX_CORRECTIONS).unwrap())
        .map(|number| {
            let correction = office.correction(trade(number), 10);
            office.signed(correction)
        })
        .collect();
    for count in [MAX_CORRECTIONS + 1, 0] {
        let args = (BOOK, &signed[..count]);
        refused(&mut office, STRANGER, "correct", args, Error::CorrectionCount);
    }
    let done: Result<(), Error> = office.send(STRANGER, "correct", (BOOK, &signed[..MAX_CORRECTIONS]));
    assert_eq!(done, Ok(()));
    let day = office.day(BOOK, YESTERDAY);
    assert_eq!((day.entries, day.corrections, day.total), (17, 16, 1_160));
}

#[test]
fn corrections_of_one_call_are_all_made_or_none_in_the_order_they_come() {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(2)).unwrap();
    let first = office.correction(trade(0), 10);
    let second = Correction {
        number: 1,
        amount: 20,
        ..first.clone()
    };
    let [first, second] = [first, second].map(|correction| office.signed(correction));
    let stale = Error::StaleCorrection {
        trade: trade(0),
        corrections: 0,
    };
    let args = (BOOK, vec![second.clone(), first.clone()]);
    refused(&mut office, STRANGER, "correct", args, stale);
    let done: Result<(), Error> = office.send(STRANGER, "correct", (BOOK, vec![first, second]));
    assert_eq!(done, Ok(()));
    let entry = office.entry(BOOK, trade(0));
    assert_eq!((entry.amount, entry.corrections), (20, 2));
}

#[test]
fn a_correction_has_so_many_causes_at_most_each_once_in_their_order() {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(1)).unwrap();
    let all: Vec<Cause> = [
        Kind::Missing,
        Kind::Amount,
        Kind::Asset,
        Kind::Payer,
        Kind::Duplicate,
        Kind::WrongDay,
        Kind::AlteredId,
    ]
    .into_iter()
    .flat_map(|kind| [Side::Debit, Side::Credit].map(|side| cause(kind, side)))
    .collect();
    let amount = cause(Kind::Amount, Side::Debit);
    let payer = cause(Kind::Payer, Side::Debit);
    for causes in [
        Vec::new(),
        all[..=MAX_CAUSES].to_vec(),
        vec![amount, amount],
        vec![payer, amount],
    ] {
        let correction = Correction {
            causes,
            ..office.correction(trade(0), 10)
        };
        let args = (BOOK, vec![office.signed(correction)]);
        refused(&mut office, STRANGER, "correct", args, Error::BadCauses);
    }
    let correction = Correction {
        causes: all[..MAX_CAUSES].to_vec(),
        ..office.correction(trade(0), 10)
    };
    let args = (BOOK, vec![office.signed(correction)]);
    let done: Result<(), Error> = office.send(STRANGER, "correct", args);
    assert_eq!(done, Ok(()));
}

#[test]
fn so_many_days_are_open_at_once_and_one_more_waits_for_the_oldest_to_be_closed() {
    let mut office = Office::default();
    let most = u32::try_from(MAX_OPEN_DAYS).unwrap();
    let first = YESTERDAY.0 - most + 1;
    for number in 0..most {
        office.record(Day(first + number), &[entry(number, AMOUNT)]).unwrap();
    }
    assert_eq!(office.book(BOOK).open.len(), MAX_OPEN_DAYS);
    let args = (BOOK, TODAY, None::<BatchId>, vec![entry(99, AMOUNT)]);
    refused(&mut office, CLIENT, "record", &args, Error::TooManyOpenDays);
    let correction = office.correction(trade(98), 10);
    let signed = office.signed(correction);
    let late = (BOOK, vec![signed]);
    refused(&mut office, STRANGER, "correct", late, Error::TooManyOpenDays);
    // On a day that is open, more can be recorded.
    office.record(YESTERDAY, &[entry(98, AMOUNT)]).unwrap();
    office.close(Day(first)).unwrap();
    let recorded: Result<(), Error> = office.send(CLIENT, "record", args);
    assert_eq!(recorded, Ok(()));
}

#[test]
fn all_of_the_most_days_can_be_closed_one_after_the_other() {
    let mut office = Office::default();
    let first = YESTERDAY.0 - 63;
    for number in 0..64 {
        office.record(Day(first + number), &[entry(number, 1)]).unwrap();
    }
    for number in 0..64 {
        assert_eq!(office.close(Day(first + number)).unwrap().payable, 1);
    }
    assert_eq!(office.book(BOOK).open, []);
    office.chain.set_time(START + DAY);
    office.record(TODAY, &[entry(64, 1)]).unwrap();
}

#[test]
fn so_many_are_answered_at_once_and_one_more_is_refused() {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(1)).unwrap();
    let most = MAX_LISTED;
    let books: Result<Vec<Option<Book>>, Error> = office.send(STRANGER, "books", vec![BOOK; most]);
    assert!(books.unwrap().iter().all(Option::is_some));
    let found: Result<Vec<Option<EntryRecord>>, Error> = office.send(STRANGER, "entries", (BOOK, vec![trade(0); most]));
    assert!(found.unwrap().iter().all(Option::is_some));
    let days: Result<Vec<Option<DayRecord>>, Error> = office.send(STRANGER, "days", (BOOK, vec![YESTERDAY; most]));
    assert!(days.unwrap().iter().all(Option::is_some));

    let more = most + 1;
    refused(
        &mut office,
        STRANGER,
        "books",
        vec![BookId(0); more],
        Error::TooManyAsked,
    );
    let asked: (BookId, Vec<TradeId>) = (BOOK, vec![trade(0); more]);
    refused(&mut office, STRANGER, "entries", asked, Error::TooManyAsked);
    refused(
        &mut office,
        STRANGER,
        "days",
        (BOOK, vec![TODAY; more]),
        Error::TooManyAsked,
    );
}

#[test]
fn the_largest_calls_fit_into_a_block() {
    // What one call may take of a block of the runtime, in picoseconds.
    let most = 1_300_000_000_000;
    let mut office = Office::default();
    let args = (BOOK, YESTERDAY, Some(BatchId([9; 32])), entries(MAX_ENTRIES));
    let recorded = office.try_send::<Result<(), Error>>(CLIENT, "record", args, 0).unwrap();
    assert_eq!(recorded.output, Ok(()));
    assert!(recorded.weight.ref_time() < most, "{:?}", recorded.weight);
    let signed: Vec<SignedCorrection> = (0..16)
        .map(|number| {
            let correction = office.correction(trade(number), 10);
            office.signed_by(correction, DEBIT, CREDIT)
        })
        .collect();
    let corrected = office
        .try_send::<Result<(), Error>>(STRANGER, "correct", (BOOK, signed), 0)
        .unwrap();
    assert_eq!(corrected.output, Ok(()));
    assert!(corrected.weight.ref_time() < most, "{:?}", corrected.weight);
}
