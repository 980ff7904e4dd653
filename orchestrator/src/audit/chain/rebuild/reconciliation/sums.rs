//! What must hold of all books at the end, however it came there.
use std::collections::BTreeMap;

use protocol::{
    reconciliation::{Book, BookId, Day, DayRecord, EntryRecord, MAX_OPEN_DAYS},
    settlement::Asset,
    AccountId, Amount,
};

use super::{named, BOOKS, DAYS, ENTRIES};
use crate::audit::chain::{
    findings::Findings,
    tables::{Kept, Tables, TablesError},
    Block,
};

/// A book, and what its entries and days come to. `None`: a sum is beyond what the contract can hold.
struct Tally {
    book: Book,
    entries: Option<i128>,
    days: Option<i128>,
    closed: Option<i128>,
    paid: Option<i128>,
    corrected_entries: u64,
    corrections_of_days: u64,
}

/// Whether it all adds up: entries and days, what closed days came to and what was to be paid for them. The contract holds
/// no money.
///
/// # Errors
/// The work file is broken.
pub fn sums(
    name: &str,
    contract: AccountId,
    until: Block,
    tables: &mut Tables,
    findings: &mut Findings,
) -> Result<BTreeMap<Asset, Amount>, TablesError> {
    let kept = tables.of(contract);
    let mut wrong = Vec::new();
    for (id, tally) in tallies(&kept, &mut wrong)? {
        wrong.extend(
            tally
                .faults()
                .into_iter()
                .map(|fault| format!("{}: {fault}", named(id))),
        );
    }
    for detail in wrong {
        findings.add("contradiction", name, until, None, detail);
    }
    Ok(BTreeMap::new())
}

fn tallies(kept: &Kept<'_>, wrong: &mut Vec<String>) -> Result<BTreeMap<BookId, Tally>, TablesError> {
    let mut tallies = BTreeMap::new();
    BOOKS.each(kept, |id, book| {
        tallies.insert(id, Tally::of(book));
    })?;
    ENTRIES.each(kept, |(id, _), entry| match tallies.get_mut(&id) {
        Some(tally) => tally.add_entry(&entry),
        None => wrong.push(format!("an entry is in {}, which was never opened", named(id))),
    })?;
    DAYS.each(kept, |(id, day), record| {
        let Some(tally) = tallies.get_mut(&id) else {
            wrong.push(format!("a day is in {}, which was never opened", named(id)));
            return;
        };
        if !tally.add_day(day, &record) {
            wrong.push(format!(
                "{}: day {} is neither rightly open nor closed",
                named(id),
                day.0
            ));
        }
    })?;
    Ok(tallies)
}

impl Tally {
    const fn of(book: Book) -> Self {
        Self {
            book,
            entries: Some(0),
            days: Some(0),
            closed: Some(0),
            paid: Some(0),
            corrected_entries: 0,
            corrections_of_days: 0,
        }
    }

    fn add_entry(&mut self, entry: &EntryRecord) {
        add(&mut self.entries, i128::try_from(entry.amount).ok());
        self.corrected_entries = self.corrected_entries.saturating_add(entry.corrections.into());
    }

    /// Says whether the day is closed, or among those that the book has open.
    fn add_day(&mut self, day: Day, record: &DayRecord) -> bool {
        add(&mut self.days, Some(record.total));
        self.corrections_of_days = self.corrections_of_days.saturating_add(record.corrections.into());
        let is_open = self.book.open.binary_search(&day).is_ok();
        match record.closed {
            Some(closed) => {
                add(&mut self.closed, Some(record.total));
                add(&mut self.paid, i128::try_from(closed.payable).ok());
                self.book.is_closed(day) && !is_open
            }
            None => is_open && !self.book.is_closed(day),
        }
    }

    fn faults(&self) -> Vec<&'static str> {
        let book = &self.book;
        let ascends = book
            .open
            .windows(2)
            .all(|pair| matches!(pair, [one, next] if one < next));
        let settled = self.paid.and_then(|paid| paid.checked_add(book.carried));
        let rules = [
            (
                self.entries.is_some() && self.entries == self.days,
                "its days don't come to what its entries do",
            ),
            (
                self.closed.is_some() && self.closed == settled,
                "its closed days don't come to what was to be paid and what is carried",
            ),
            (
                self.corrected_entries == self.corrections_of_days,
                "its days don't count as many corrections as its entries",
            ),
            (book.carried <= 0, "more than nothing is carried"),
            (
                ascends && book.open.len() <= MAX_OPEN_DAYS,
                "its open days are too many, or don't ascend",
            ),
        ];
        let broken = rules.into_iter().filter(|(holds, _)| !holds);
        broken.map(|(_, fault)| fault).collect()
    }
}

fn add(to: &mut Option<i128>, amount: Option<i128>) {
    *to = to.zip(amount).and_then(|(sum, amount)| sum.checked_add(amount));
}
