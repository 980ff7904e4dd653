//! Bad input: each gets its reason, and changes nothing.
use protocol::{
    reconciliation::{BatchId, BookId, Closing, Correction, Day, Entry, Error},
    registry::Status,
};
use quittance_tests::{
    contract_chain::{Fault, GENESIS},
    institutions::{key, sign},
    reconciliation::{
        entries, entry, terms, trade, Office, AMOUNT, BOOK, CLIENT, CREDIT, DEBIT, EXPIRY, STRANGER, TODAY, TOMORROW,
        YESTERDAY,
    },
};

use super::{refused, unanswered};

const NO_BOOK: BookId = BookId(1);
const NO_BATCH: Option<BatchId> = None;

/// Three entries of yesterday.
fn office() -> Office {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(3)).unwrap();
    office
}

#[test]
fn a_book_that_nobody_opened_takes_no_entry() {
    let args = (NO_BOOK, YESTERDAY, NO_BATCH, entries(1));
    refused(&mut office(), CLIENT, "record", args, Error::UnknownBook);
}

#[test]
fn a_book_that_nobody_opened_takes_no_correction() {
    let mut office = office();
    let correction = Correction {
        book: NO_BOOK,
        ..office.correction(trade(1), 5)
    };
    let args = (NO_BOOK, vec![office.signed(correction)]);
    refused(&mut office, STRANGER, "correct", args, Error::UnknownBook);
}

#[test]
fn a_book_that_nobody_opened_has_no_day_to_close() {
    let mut office = office();
    let closing = Closing {
        book: NO_BOOK,
        ..office.closing(YESTERDAY)
    };
    let args = office.signed_closing(closing, &[DEBIT, CREDIT]);
    refused(&mut office, STRANGER, "close_day", args, Error::UnknownBook);
}

#[test]
fn a_correction_of_another_book_is_named() {
    let mut office = office();
    let other = office.open(&terms(1)).unwrap();
    let correction = Correction {
        book: other,
        ..office.correction(trade(1), 5)
    };
    let args = (BOOK, vec![office.signed(correction)]);
    refused(&mut office, STRANGER, "correct", args, Error::OtherBook(trade(1)));
}

#[test]
fn an_amount_of_nothing_is_refused() {
    let args = (BOOK, YESTERDAY, NO_BATCH, vec![entry(7, AMOUNT), entry(8, 0)]);
    refused(&mut office(), CLIENT, "record", args, Error::ZeroAmount);
}

#[test]
fn an_id_that_is_taken_is_refused_on_any_day() {
    for day in [YESTERDAY, TODAY] {
        let args = (BOOK, day, NO_BATCH, vec![entry(1, 7)]);
        refused(&mut office(), CLIENT, "record", args, Error::TradeExists(trade(1)));
    }
}

#[test]
fn an_id_that_comes_twice_in_one_call_is_refused() {
    let args = (BOOK, TODAY, NO_BATCH, vec![entry(7, 1), entry(8, 1), entry(7, 2)]);
    refused(&mut office(), CLIENT, "record", args, Error::TradeExists(trade(7)));
}

#[test]
fn a_day_that_has_not_begun_anywhere_takes_no_entry() {
    let mut office = office();
    let args = (BOOK, TOMORROW, NO_BATCH, vec![entry(7, 1)]);
    office.chain.set_time(TOMORROW.begins_somewhere() - 1);
    refused(&mut office, CLIENT, "record", &args, Error::DayInFuture);
    office.chain.set_time(TOMORROW.begins_somewhere());
    let recorded: Result<(), Error> = office.send(CLIENT, "record", args);
    assert_eq!(recorded, Ok(()));
}

#[test]
fn the_last_of_all_days_takes_no_entry() {
    let args = (BOOK, Day(u32::MAX), NO_BATCH, vec![entry(7, 1)]);
    refused(&mut office(), CLIENT, "record", args, Error::DayInFuture);
}

#[test]
fn an_amount_that_could_not_be_taken_back_is_refused() {
    let mut office = office();
    for amount in [u128::MAX, 1 << 127] {
        let args = (BOOK, TODAY, NO_BATCH, vec![entry(7, amount)]);
        refused(&mut office, CLIENT, "record", args, Error::Overflow);
    }
    let correction = office.correction(trade(1), 1 << 127);
    let args = (BOOK, vec![office.signed(correction)]);
    refused(&mut office, STRANGER, "correct", args, Error::Overflow);
}

#[test]
fn a_day_whose_sum_no_amount_can_hold_takes_no_more() {
    let mut office = Office::default();
    let most = (1 << 127) - 1;
    office.record(YESTERDAY, &[entry(1, most)]).unwrap();
    let args = (BOOK, YESTERDAY, NO_BATCH, vec![entry(2, 1)]);
    refused(&mut office, CLIENT, "record", &args, Error::Overflow);
    // What was a mistake is taken back, and the day goes on.
    office.correct(trade(1), 0).unwrap();
    let recorded: Result<(), Error> = office.send(CLIENT, "record", args);
    assert_eq!(recorded, Ok(()));
}

#[test]
fn corrections_that_take_back_more_than_can_be_counted_are_refused() {
    let mut office = Office::default();
    let most = (1 << 127) - 1;
    for (number, day) in (0..).zip([Day(YESTERDAY.0 - 2), Day(YESTERDAY.0 - 1), YESTERDAY]) {
        office.record(day, &[entry(number, most)]).unwrap();
        office.close(day).unwrap();
    }
    office.correct(trade(0), 0).unwrap();
    let correction = office.correction(trade(1), 0);
    let args = (BOOK, vec![office.signed(correction)]);
    refused(&mut office, STRANGER, "correct", args, Error::Overflow);
}

#[test]
fn a_correction_of_an_entry_that_was_never_corrected_says_so() {
    let mut office = office();
    for (trade, number) in [(trade(1), 1), (trade(7), 1)] {
        let correction = Correction {
            number,
            ..office.correction(trade, 5)
        };
        let args = (BOOK, vec![office.signed(correction)]);
        let stale = Error::StaleCorrection { trade, corrections: 0 };
        refused(&mut office, STRANGER, "correct", args, stale);
    }
}

#[test]
fn what_was_signed_with_keys_that_may_have_changed_is_refused() {
    let mut office = office();
    let correction = office.correction(trade(1), 5);
    let correction = (BOOK, vec![office.signed(correction)]);
    let closing = office.closing(YESTERDAY);
    let closing = office.signed_closing(closing, &[DEBIT, CREDIT]);
    office.set_status(CLIENT, Status::Suspended);
    let stale = Error::StaleEpoch { current: office.epoch };
    refused(&mut office, STRANGER, "correct", correction, stale);
    refused(&mut office, STRANGER, "close_day", closing, stale);
}

#[test]
fn an_epoch_that_is_not_the_signed_one_is_refused() {
    let mut office = office();
    let correction = office.correction(trade(1), 5);
    let mut signed = office.signed(correction);
    signed.epoch += 1;
    let stale = Error::StaleEpoch { current: office.epoch };
    refused(&mut office, STRANGER, "correct", (BOOK, vec![signed]), stale);
}

#[test]
fn corrections_of_two_epochs_in_one_call_are_refused() {
    let mut office = office();
    let [first, second] = [0, 1].map(|number| {
        let correction = office.correction(trade(number), 5);
        office.signed(correction)
    });
    office.set_status(STRANGER, Status::Suspended);
    let fresh = office.signed(second.correction);
    let stale = Error::StaleEpoch { current: office.epoch };
    refused(&mut office, CLIENT, "correct", (BOOK, vec![fresh, first]), stale);
}

#[test]
fn a_signature_for_another_purpose_is_none() {
    let mut office = office();
    let closing = office.closing(YESTERDAY);
    let correction = office.correction(trade(1), 5);
    // Signed as a correction: what is signed says what it is for.
    let payload = protocol::signing::payload(
        &office.domain(),
        protocol::signing::Purpose::Correction,
        &closing.id(),
        EXPIRY,
        &(),
    );
    let [debit, credit] = [DEBIT, CREDIT].map(|side| Some(sign(&key(side), &payload)));
    let args = (closing, office.epoch, debit, credit);
    refused(&mut office, STRANGER, "close_day", args, Error::BadSignature(DEBIT));
    let domain = protocol::reconciliation::domain([9; 32], office.reconciliation, office.epoch);
    assert_ne!(GENESIS, [9; 32]);
    let payload = correction.payload(&domain);
    let mut signed = office.signed(correction);
    (signed.debit, signed.credit) = (sign(&key(DEBIT), &payload), sign(&key(CREDIT), &payload));
    let args = (BOOK, vec![signed]);
    refused(&mut office, STRANGER, "correct", args, Error::BadSignature(DEBIT));
}

#[test]
fn a_call_that_cannot_be_read_is_refused() {
    let mut office = office();
    for (message, args) in [
        ("record", vec![0u8; 3]),
        ("correct", vec![0, 0, 0, 0, 4, 1]),
        ("close_day", vec![0; 40]),
        ("open_book", vec![0; 10]),
    ] {
        assert_eq!(unanswered(&mut office, CLIENT, message, Raw(&args), 0), Fault::Input);
    }
}

#[test]
fn money_sent_along_is_refused() {
    let mut office = office();
    let args = (BOOK, TODAY, NO_BATCH, vec![entry(7, 1)]);
    unanswered(&mut office, CLIENT, "record", args, 1);
    let closing = office.closing(YESTERDAY);
    let args = office.signed_closing(closing, &[DEBIT, CREDIT]);
    unanswered(&mut office, CLIENT, "close_day", args, 1);
}

#[test]
fn a_list_that_claims_to_be_longer_than_it_is_is_refused() {
    let mut office = office();
    let entries: Vec<Entry> = vec![entry(7, 1)];
    let mut args = scale::Encode::encode(&(BOOK, TODAY, NO_BATCH, &entries));
    // Four bytes of book, four of day, one for no batch: then the length.
    args[9] = 8;
    assert_eq!(unanswered(&mut office, CLIENT, "record", Raw(&args), 0), Fault::Input);
}

/// Bytes as they are, without their length.
struct Raw<'a>(&'a [u8]);

impl scale::Encode for Raw<'_> {
    fn encode_to<O: scale::Output + ?Sized>(&self, to: &mut O) {
        to.write(self.0);
    }
}
