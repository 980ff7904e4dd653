//! Reconciliation: each message.
use protocol::{
    reconciliation::{
        BatchId, Book, BookId, Closed, Constants, DayRecord, EntryRecord, Error, SignedCorrection, MAX_CORRECTIONS,
        MAX_ENTRIES, MAX_LISTED,
    },
    Member,
};
use quittance_tests::reconciliation::{
    entries, entry, terms, trade, Office, AMOUNT, BOOK, CLIENT, CREDIT, DEBIT, PATIENCE, STRANGER, TODAY, YESTERDAY,
};
use scale::{Decode, Encode};

use super::row;

/// The rows of all messages.
pub fn messages() {
    let mut office = Office::default();
    let args = office.signed_terms(&terms(1));
    told::<BookId>(&mut office, "`open_book`", STRANGER, "open_book", args);
    let one = vec![entry(1_000, AMOUNT)];
    let args = (BOOK, YESTERDAY, None::<BatchId>, one);
    told::<()>(&mut office, "`record` of 1", CLIENT, "record", args);
    let args = (BOOK, YESTERDAY, Some(BatchId([1; 32])), entries(MAX_ENTRIES));
    let what = format!("`record` of {MAX_ENTRIES}");
    told::<()>(&mut office, &what, CLIENT, "record", args);

    let corrections: Vec<SignedCorrection> = (0..=u32::try_from(MAX_CORRECTIONS).unwrap())
        .map(|number| {
            let correction = office.correction(trade(number), AMOUNT - 1);
            office.signed(correction)
        })
        .collect();
    let (one, others) = corrections.split_at(1);
    told::<()>(&mut office, "`correct` of 1", STRANGER, "correct", (BOOK, one));
    let what = format!("`correct` of {MAX_CORRECTIONS}");
    told::<()>(&mut office, &what, STRANGER, "correct", (BOOK, others));

    let closing = office.closing(YESTERDAY);
    let args = office.signed_closing(closing, &[DEBIT, CREDIT]);
    told::<Closed>(&mut office, "`close_day`", STRANGER, "close_day", args);
    office.record(TODAY, &[entry(2_000, AMOUNT)]).unwrap();
    office.chain.set_time(TODAY.ends_everywhere() + PATIENCE);
    let closing = office.closing(TODAY);
    let args = office.signed_closing(closing, &[CREDIT]);
    told::<Closed>(&mut office, "`close_day` by one side", CREDIT, "close_day", args);
    queries(&mut office);
}

fn queries(office: &mut Office) {
    let most = MAX_LISTED;
    asked::<Answers<Book>>(office, &format!("`books` of {most}"), "books", vec![BOOK; most]);
    asked::<Answers<EntryRecord>>(office, "`entries` of 1", "entries", (BOOK, vec![trade(1)]));
    let many = (BOOK, vec![trade(1); most]);
    asked::<Answers<EntryRecord>>(office, &format!("`entries` of {most}"), "entries", many);
    let many = (BOOK, vec![TODAY; most]);
    asked::<Answers<DayRecord>>(office, &format!("`days` of {most}"), "days", many);
    asked::<Option<BookId>>(office, "`book_of`", "book_of", terms(0).id());
    asked::<u32>(office, "`count`", "count", ());
    asked::<Constants>(office, "`constants`", "constants", ());
}

type Answers<T> = Result<Vec<Option<T>>, Error>;

fn told<T: Decode>(office: &mut Office, what: &str, by: Member, message: &str, args: impl Encode) {
    let called = office.try_send::<Result<T, Error>>(by, message, args, 0).unwrap();
    assert!(called.output.is_ok(), "{what} was refused");
    row("reconciliation", what, &called);
}

fn asked<T: Decode>(office: &mut Office, what: &str, message: &str, args: impl Encode) {
    let called = office.try_send::<T>(STRANGER, message, args, 0).unwrap();
    row("reconciliation", what, &called);
}
