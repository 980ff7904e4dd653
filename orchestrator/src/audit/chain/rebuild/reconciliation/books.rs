//! Books, and what is recorded in them.
use protocol::{
    reconciliation::{BatchId, Book, BookId, Day, DayRecord, Entry, EntryRecord, Terms, MAX_ENTRIES, MAX_OPEN_DAYS},
    registry::Roles,
    text::to_hex,
    Amount, Signature, Timestamp,
};

use super::{
    super::{registry::acts, scene::Scene},
    named, sides, Head, BOOKS, DAYS, ENTRIES, TERMS,
};
use crate::audit::chain::tables::TablesError;

pub(super) fn open(scene: &mut Scene<'_>, head: &mut Head, book: BookId, terms: &Terms) -> Result<(), TablesError> {
    let what = format!("{} is opened", named(book));
    let asked = scene.asked::<(Terms, u32, Timestamp, Signature, Signature)>("open_book");
    if let Some((_, epoch, expires_at, debit, credit)) = asked {
        scene.in_time(expires_at, format_args!("{what}: what was signed"));
        let signed = [(terms.debit, Some(&debit)), (terms.credit, Some(&credit))];
        sides::check(scene, epoch, |domain| terms.payload(domain, expires_at), signed, &what)?;
    }
    scene.forbid(terms.check().is_err(), "bad-terms", &what, "its terms can't hold");
    scene.expect(format_args!("{what}: its number"), book.0, head.count);
    let id = terms.id();
    let other = TERMS.get(scene, &id)?;
    scene.forbid(other.is_some(), "twice", &what, "there was a book of these terms");
    // Events don't tell it: whether the contract came to the same, its storage shows.
    scene.digest(true, String::new);
    head.count = book.0.saturating_add(1);
    let opened = Book {
        terms: terms.clone(),
        open: Vec::new(),
        closed_through: None,
        carried: 0,
    };
    TERMS.put(scene, &id, &book)?;
    BOOKS.put(scene, &book, &opened)
}

pub(super) fn record(
    scene: &mut Scene<'_>,
    id: BookId,
    day: Day,
    batch: Option<BatchId>,
    entries: &[Entry],
) -> Result<(), TablesError> {
    let what = format!("{}: entries of day {} are recorded", named(id), day.0);
    let Some(mut book) = scene.book(id)? else {
        return Ok(());
    };
    acts(scene, book.terms.client, Roles::PARTICIPANT)?;
    let is_many = !(1..=MAX_ENTRIES).contains(&entries.len());
    scene.forbid(is_many, "too-many", &what, "there were none, or too many");
    let mut record = open_day(scene, id, &mut book, day, &what)?;
    for entry in entries {
        let what = format!("{what}: {}", to_hex(&entry.trade.0));
        scene.not_zero(entry.amount, format_args!("{what}: the amount"));
        let is_known = ENTRIES.get(scene, &(id, entry.trade))?.is_some();
        scene.forbid(is_known, "twice", &what, "there was an entry of that id");
        let kept = EntryRecord {
            payer: entry.payer,
            amount: entry.amount,
            time: entry.time,
            day,
            batch,
            corrections: 0,
        };
        ENTRIES.put(scene, &(id, entry.trade), &kept)?;
        record.entries = record.entries.saturating_add(1);
        record.total = sum(scene, record.total, signed(entry.amount), &what);
    }
    DAYS.put(scene, &(id, day), &record)?;
    BOOKS.put(scene, &id, &book)
}

/// A day on which something counts from now on; the book then has it among its open days.
pub(super) fn open_day(
    scene: &mut Scene<'_>,
    id: BookId,
    book: &mut Book,
    day: Day,
    what: &str,
) -> Result<DayRecord, TablesError> {
    scene.forbid(book.is_closed(day), "wrong-state", what, "the day was closed");
    // Before that, the day has begun nowhere.
    scene.not_before(day.begins_somewhere(), what);
    if let Err(place) = book.open.binary_search(&day) {
        let is_many = book.open.len() >= MAX_OPEN_DAYS;
        scene.forbid(is_many, "too-many", what, "too many days were open");
        book.open.insert(place, day);
    }
    Ok(DAYS.get(scene, &(id, day))?.unwrap_or_default())
}

/// An amount that can also be taken back.
pub(super) fn signed(amount: Amount) -> Option<i128> {
    i128::try_from(amount).ok()
}

/// Their sum; that it is beyond what the contract can hold is a finding.
pub(super) fn sum(scene: &mut Scene<'_>, to: i128, more: Option<i128>, what: &str) -> i128 {
    let sum = more.and_then(|more| to.checked_add(more));
    scene.forbid(
        sum.is_none(),
        "overflow",
        what,
        "a sum is beyond what the contract can hold",
    );
    sum.unwrap_or(to)
}

impl Scene<'_> {
    /// A book; that there is none is a finding.
    pub(super) fn book(&mut self, id: BookId) -> Result<Option<Book>, TablesError> {
        let found = BOOKS.get(self, &id)?;
        if found.is_none() {
            self.unknown(named(id));
        }
        Ok(found)
    }
}
