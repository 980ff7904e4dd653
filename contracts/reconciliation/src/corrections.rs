//! What was wrong, and is right now (S3.4).
use ink::{env::DefaultEnvironment, prelude::vec::Vec};
use protocol::reconciliation::{
    Book, BookId, Correction, DayRecord, EntryRecord, Error, SignedCorrection, MAX_CORRECTIONS,
};

use crate::{
    books::signed,
    clock,
    members::Sides,
    reconciliation::{Corrected, Reconciliation},
    Result,
};

impl Reconciliation {
    pub(crate) fn carry_out(&mut self, id: BookId, corrections: Vec<SignedCorrection>) -> Result<()> {
        let mut book = self.book(id)?;
        if !(1..=MAX_CORRECTIONS).contains(&corrections.len()) {
            return Err(Error::CorrectionCount);
        }
        let epoch = corrections.first().map_or(0, |first| first.epoch);
        let sides = self.sides(book.terms.debit, book.terms.credit, epoch)?;
        for signed in &corrections {
            if signed.epoch != epoch {
                return Err(Error::StaleEpoch { current: epoch });
            }
            self.correct_one(id, &mut book, &sides, signed)?;
        }
        self.books.insert(id, &book);
        Ok(())
    }

    fn correct_one(&mut self, id: BookId, book: &mut Book, sides: &Sides, signed: &SignedCorrection) -> Result<()> {
        let correction = &signed.correction;
        if correction.book != id {
            return Err(Error::OtherBook(correction.trade));
        }
        correction.check()?;
        clock::ensure_before(correction.expires_at)?;
        sides.ensure_both(&correction.payload(sides.domain()), &signed.debit, &signed.credit)?;

        let (trade, day) = (correction.trade, correction.day);
        let before = self.entries.get((id, trade));
        let corrections = before.map_or(0, |before| before.corrections);
        if correction.number != corrections {
            return Err(Error::StaleCorrection { trade, corrections });
        }
        // While its own day is open, that is the one that changes.
        if let Some(own) = before
            .map(|before| before.day)
            .filter(|own| *own != day && !book.is_closed(*own))
        {
            return Err(Error::OtherDay { trade, day: own });
        }
        let mut record = self.open_day(id, book, day)?;
        change(&mut record, before.as_ref(), correction)?;

        let after = EntryRecord {
            payer: correction.payer,
            amount: correction.amount,
            time: correction.time,
            day: before.map_or(day, |before| before.day),
            batch: before.and_then(|before| before.batch),
            corrections: corrections.checked_add(1).ok_or(Error::Overflow)?,
        };
        self.entries.insert((id, trade), &after);
        self.days.insert((id, day), &record);
        ink::env::emit_event::<DefaultEnvironment, _>(Corrected {
            book: id,
            before: before.map(|before| before.amount),
            correction: correction.clone(),
        });
        Ok(())
    }
}

/// What a correction changes of the day that it counts on.
fn change(record: &mut DayRecord, before: Option<&EntryRecord>, correction: &Correction) -> Result<()> {
    let had = before.map_or(0, |before| before.amount);
    let difference = signed(correction.amount)?
        .checked_sub(signed(had)?)
        .ok_or(Error::Overflow)?;
    record.total = record.total.checked_add(difference).ok_or(Error::Overflow)?;
    record.corrections = record.corrections.checked_add(1).ok_or(Error::Overflow)?;
    // An entry of a closed day stays among those of its day.
    if before.is_none_or(|before| before.day == correction.day) {
        record.entries = match (had, correction.amount) {
            (0, 1..) => record.entries.checked_add(1),
            (1.., 0) => record.entries.checked_sub(1),
            _ => Some(record.entries),
        }
        .ok_or(Error::Overflow)?;
    }
    Ok(())
}
