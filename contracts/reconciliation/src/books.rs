//! Books, and what is recorded in them (S3.1).
use ink::{env::DefaultEnvironment, prelude::vec::Vec};
use protocol::{
    reconciliation::{
        BatchId, Book, BookId, Day, DayRecord, Entry, EntryRecord, Error, Terms, MAX_ENTRIES, MAX_OPEN_DAYS,
    },
    Amount, Signature,
};

use crate::{
    clock,
    reconciliation::{BookOpened, Reconciliation, Recorded},
    Result,
};

impl Reconciliation {
    pub(crate) fn add_book(
        &mut self,
        terms: Terms,
        epoch: u32,
        expires_at: u64,
        debit: &Signature,
        credit: &Signature,
    ) -> Result<BookId> {
        terms.check()?;
        clock::ensure_before(expires_at)?;
        let id = terms.id();
        if self.terms.contains(id) {
            return Err(Error::BookExists);
        }
        let sides = self.sides(terms.debit, terms.credit, epoch)?;
        sides.ensure_both(&terms.payload(sides.domain(), expires_at), debit, credit)?;

        let book = BookId(self.count);
        self.count = self.count.checked_add(1).ok_or(Error::Overflow)?;
        self.terms.insert(id, &book);
        let opened = Book {
            terms: terms.clone(),
            open: Vec::new(),
            closed_through: None,
            carried: 0,
        };
        self.books.insert(book, &opened);
        ink::env::emit_event::<DefaultEnvironment, _>(BookOpened { book, terms });
        Ok(book)
    }

    pub(crate) fn add_entries(
        &mut self,
        id: BookId,
        day: Day,
        batch: Option<BatchId>,
        entries: Vec<Entry>,
    ) -> Result<()> {
        let mut book = self.book(id)?;
        self.ensure_client(book.terms.client)?;
        if !(1..=MAX_ENTRIES).contains(&entries.len()) {
            return Err(Error::EntryCount);
        }
        let mut record = self.open_day(id, &mut book, day)?;
        for entry in &entries {
            if entry.amount == 0 {
                return Err(Error::ZeroAmount);
            }
            let kept = EntryRecord {
                payer: entry.payer,
                amount: entry.amount,
                time: entry.time,
                day,
                batch,
                corrections: 0,
            };
            // Also finds an id that comes twice in this call: what is refused is undone as a whole.
            if self.entries.insert((id, entry.trade), &kept).is_some() {
                return Err(Error::TradeExists(entry.trade));
            }
            record.entries = record.entries.checked_add(1).ok_or(Error::Overflow)?;
            record.total = record.total.checked_add(signed(entry.amount)?).ok_or(Error::Overflow)?;
        }
        self.days.insert((id, day), &record);
        self.books.insert(id, &book);
        ink::env::emit_event::<DefaultEnvironment, _>(Recorded {
            book: id,
            day,
            batch,
            entries,
        });
        Ok(())
    }

    pub(crate) fn book(&self, id: BookId) -> Result<Book> {
        self.books.get(id).ok_or(Error::UnknownBook)
    }

    /// A day on which something counts from now on; the book then has it among its open days.
    pub(crate) fn open_day(&self, id: BookId, book: &mut Book, day: Day) -> Result<DayRecord> {
        if let Some(through) = book.closed_through.filter(|through| day <= *through) {
            return Err(Error::DayClosed { through });
        }
        if clock::now() < day.begins_somewhere() {
            return Err(Error::DayInFuture);
        }
        if let Err(place) = book.open.binary_search(&day) {
            if book.open.len() >= MAX_OPEN_DAYS {
                return Err(Error::TooManyOpenDays);
            }
            book.open.insert(place, day);
        }
        Ok(self.days.get((id, day)).unwrap_or_default())
    }
}

/// An amount that can also be taken back.
pub fn signed(amount: Amount) -> Result<i128> {
    i128::try_from(amount).map_err(|_| Error::Overflow)
}
