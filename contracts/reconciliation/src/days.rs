//! Days are closed, in their order, each once (S3.5).
use ink::env::DefaultEnvironment;
use protocol::{
    reconciliation::{Book, Closed, Closing, DayRecord, Error},
    Signature,
};

use crate::{
    clock,
    reconciliation::{DayClosed, Reconciliation},
    Result,
};

impl Reconciliation {
    pub(crate) fn close(
        &mut self,
        closing: &Closing,
        epoch: u32,
        debit: Option<&Signature>,
        credit: Option<&Signature>,
    ) -> Result<Closed> {
        let (id, day) = (closing.book, closing.day);
        let mut book = self.book(id)?;
        match book.open.first() {
            Some(oldest) if *oldest == day => {}
            Some(oldest) if *oldest < day => return Err(Error::EarlierDayOpen { day: *oldest }),
            _ => return Err(Error::NotOpen),
        }
        clock::ensure_from(day.ends_somewhere())?;
        clock::ensure_before(closing.expires_at)?;
        let is_default = self.ensure_agreed(&book, closing, epoch, debit, credit)?;

        let mut record = self.days.get((id, day)).unwrap_or_default();
        ensure_same(closing, &record)?;
        let (payable, carried) = DayRecord::settle(record.total, book.carried)?;
        let closed = Closed {
            id: closing.id(),
            payable,
            carried,
            at: clock::now(),
            is_default,
        };
        record.closed = Some(closed);
        self.days.insert((id, day), &record);
        book.open.remove(0);
        book.closed_through = Some(day);
        book.carried = carried;
        self.books.insert(id, &book);
        ink::env::emit_event::<DefaultEnvironment, _>(DayClosed {
            book: id,
            closing: *closing,
            closed,
        });
        Ok(closed)
    }

    /// Both sides signed; or one did, and the other had its time. Returns whether it was one.
    fn ensure_agreed(
        &self,
        book: &Book,
        closing: &Closing,
        epoch: u32,
        debit: Option<&Signature>,
        credit: Option<&Signature>,
    ) -> Result<bool> {
        let terms = &book.terms;
        let sides = self.sides(terms.debit, terms.credit, epoch)?;
        let payload = closing.payload(sides.domain());
        let (member, signature) = match (debit, credit) {
            (Some(debit), Some(credit)) => return sides.ensure_both(&payload, debit, credit).map(|()| false),
            (Some(debit), None) => (terms.debit, debit),
            (None, Some(credit)) => (terms.credit, credit),
            (None, None) => return Err(Error::NotASide),
        };
        let patience = closing.day.ends_everywhere().checked_add(terms.patience);
        clock::ensure_from(patience.ok_or(Error::Overflow)?)?;
        sides.ensure_alone(member, &payload, signature)?;
        Ok(true)
    }
}

/// What is signed is what the chain has.
fn ensure_same(closing: &Closing, record: &DayRecord) -> Result<()> {
    let DayRecord {
        entries,
        corrections,
        total,
        ..
    } = *record;
    if (closing.matched, closing.breaks, closing.total) == (entries, corrections, total) {
        Ok(())
    } else {
        Err(Error::NotAllMatched {
            entries,
            corrections,
            total,
        })
    }
}
