//! What an auditor knows of all books from the contract's events alone.
use std::collections::BTreeMap;

use protocol::{
    reconciliation::{Book, BookId, Closed, Closing, Correction, Day, DayRecord, Entry, EntryRecord, Terms},
    Amount, TradeId,
};
use quittance::{chain::reconciliation::event_named, reconciliation::ports::Event};

use super::Office;
use crate::contract_chain::{Emitted, EventNames};

#[derive(Clone)]
pub struct Told {
    names: EventNames,
    pub books: BTreeMap<BookId, Book>,
    pub entries: BTreeMap<(BookId, TradeId), EntryRecord>,
    pub days: BTreeMap<(BookId, Day), DayRecord>,
}

/// What in an event can't be.
type Read = Result<(), String>;

impl Default for Told {
    fn default() -> Self {
        Self {
            names: EventNames::of("reconciliation"),
            books: BTreeMap::new(),
            entries: BTreeMap::new(),
            days: BTreeMap::new(),
        }
    }
}

impl Told {
    /// The event, as the orchestrator reads it.
    ///
    /// # Errors
    /// Nobody knows it, or its fields are laid out otherwise.
    pub fn event(&self, emitted: &Emitted) -> Result<Event, String> {
        let name = emitted.name(&self.names).ok_or("an event that nobody knows")?;
        let event = event_named(name, &emitted.data).map_err(|error| error.to_string())?;
        event.ok_or_else(|| format!("the orchestrator doesn't know {name}"))
    }

    /// Takes in what was told next.
    ///
    /// # Errors
    /// What can't be after all that was told before.
    pub fn read(&mut self, emitted: &Emitted) -> Read {
        match self.event(emitted)? {
            Event::BookOpened { book, terms } => self.opened(book, terms),
            Event::Recorded {
                book,
                day,
                batch,
                entries,
            } => {
                let record = self.open_day(book, day)?;
                record.entries += u32::try_from(entries.len()).unwrap();
                for entry in entries {
                    self.day(book, day)?.total += signed(entry.amount);
                    let known = self.entries.insert((book, entry.trade), recorded(&entry, day, batch));
                    fresh(known.is_none(), "an entry")?;
                }
                Ok(())
            }
            Event::Corrected {
                book,
                before,
                correction,
            } => self.corrected(book, before, &correction),
            Event::DayClosed { book, closing, closed } => self.closed(book, &closing, closed),
        }
    }

    /// Whether the contract keeps what it told, and nothing else of it.
    ///
    /// # Errors
    /// What they differ in.
    pub fn agree(&self, office: &mut Office) -> Read {
        same("how many books there are", office.count() as usize, self.books.len())?;
        for (id, book) in &self.books {
            same("a book", office.try_book(*id), Some(book.clone()))?;
            same("where terms lead to", office.book_of(book.terms.id()), Some(*id))?;
        }
        for ((book, trade), record) in &self.entries {
            same("an entry", office.try_entry(*book, *trade), Some(*record))?;
        }
        for ((book, day), record) in &self.days {
            same("a day", office.try_day(*book, *day), Some(*record))?;
        }
        Ok(())
    }

    fn opened(&mut self, id: BookId, terms: Terms) -> Read {
        let book = Book {
            terms,
            open: Vec::new(),
            closed_through: None,
            carried: 0,
        };
        same("a book's number", id.0 as usize, self.books.len())?;
        self.books.insert(id, book);
        Ok(())
    }

    fn corrected(&mut self, id: BookId, before: Option<Amount>, correction: &Correction) -> Read {
        let key = (id, correction.trade);
        let known = self.entries.get(&key).copied();
        same("what there was before", before, known.map(|known| known.amount))?;
        same(
            "how often it was corrected",
            correction.number,
            known.map_or(0, |known| known.corrections),
        )?;
        let own = known.map_or(correction.day, |known| known.day);
        let record = self.open_day(id, correction.day)?;
        record.corrections += 1;
        record.total += signed(correction.amount) - before.map_or(0, signed);
        if own == correction.day {
            let counted = |amount: Amount| u32::from(amount > 0);
            record.entries = record.entries + counted(correction.amount) - before.map_or(0, counted);
        }
        let after = EntryRecord {
            payer: correction.payer,
            amount: correction.amount,
            time: correction.time,
            day: own,
            batch: known.and_then(|known| known.batch),
            corrections: correction.number + 1,
        };
        self.entries.insert(key, after);
        Ok(())
    }

    fn closed(&mut self, id: BookId, closing: &Closing, closed: Closed) -> Read {
        let book = self.books.get_mut(&id).ok_or("no such book")?;
        same("the day that is closed", Some(closing.day), book.open.first().copied())?;
        book.open.remove(0);
        book.closed_through = Some(closing.day);
        let due = closing.total + book.carried;
        book.carried = closed.carried;
        same(
            "what is paid, and what is left",
            signed(closed.payable) + closed.carried,
            due,
        )?;
        let record = self.day(id, closing.day)?;
        let stands = (record.entries, record.corrections, record.total, record.closed);
        same(
            "what is closed",
            (closing.matched, closing.breaks, closing.total, None),
            stands,
        )?;
        record.closed = Some(closed);
        Ok(())
    }

    /// A day on which something counts.
    fn open_day(&mut self, id: BookId, day: Day) -> Result<&mut DayRecord, String> {
        let book = self.books.get_mut(&id).ok_or("no such book")?;
        if book.is_closed(day) {
            return Err(format!("something is told of {day:?}, which is closed"));
        }
        if let Err(place) = book.open.binary_search(&day) {
            book.open.insert(place, day);
        }
        Ok(self.days.entry((id, day)).or_default())
    }

    fn day(&mut self, id: BookId, day: Day) -> Result<&mut DayRecord, String> {
        Ok(self.days.get_mut(&(id, day)).ok_or("no such day")?)
    }
}

fn recorded(entry: &Entry, day: Day, batch: Option<protocol::reconciliation::BatchId>) -> EntryRecord {
    EntryRecord {
        payer: entry.payer,
        amount: entry.amount,
        time: entry.time,
        day,
        batch,
        corrections: 0,
    }
}

fn signed(amount: Amount) -> i128 {
    i128::try_from(amount).unwrap()
}

fn fresh(is_fresh: bool, what: &str) -> Read {
    if is_fresh {
        Ok(())
    } else {
        Err(format!("{what} was told before"))
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: T, must_be: T) -> Read {
    if is == must_be {
        Ok(())
    } else {
        Err(format!("{what} is {is:?}\nmust be: {must_be:?}"))
    }
}
