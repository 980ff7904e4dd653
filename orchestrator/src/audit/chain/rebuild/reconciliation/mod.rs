//! The reconciliation contract, rebuilt: books, entries, corrections, days (S3.1 to S3.5).
//!
//! It moves no money: what a day comes to is paid through clearing. No clearing voucher names the day that it pays, so that
//! it was paid doesn't follow from the chain alone: an institution's report of the day names the voucher, and
//! `quittance audit report` holds that one against the chain.
mod books;
mod corrections;
mod days;
mod sides;
mod sums;
#[cfg(test)]
mod tests;

use protocol::{
    reconciliation::{Book, BookId, Day, DayRecord, EntryRecord},
    AccountId, TradeId,
};
use scale::{Decode, Encode};

pub use self::sums::sums;
use super::scene::{Mapping, Scene};
use crate::{
    audit::chain::{tables::TablesError, MADE},
    chain::reconciliation_events,
    reconciliation::ports::Event,
};

const BOOKS: Mapping<BookId, Book> = Mapping::named("Reconciliation::books");
const TERMS: Mapping<[u8; 32], BookId> = Mapping::named("Reconciliation::terms");
const ENTRIES: Mapping<(BookId, TradeId), EntryRecord> = Mapping::named("Reconciliation::entries");
const DAYS: Mapping<(BookId, Day), DayRecord> = Mapping::named("Reconciliation::days");

/// The contract's struct without its mappings, in the contract's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Head {
    genesis: [u8; 32],
    registry: AccountId,
    count: u32,
}

/// Takes one event of the contract, in the order of the chain. What contradicts the rules is a finding.
///
/// # Errors
/// The work file is broken.
pub fn take(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    if scene.told.event == MADE {
        return made(scene);
    }
    match scene.event(&reconciliation_events::KINDS, reconciliation_events::event) {
        Some(event) => apply(scene, &event),
        None => Ok(()),
    }
}

fn made(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    let Some((genesis, registry)) = scene.made_with()? else {
        return Ok(());
    };
    let head = Head {
        genesis,
        registry,
        count: 0,
    };
    scene.at_home(genesis, registry);
    scene.kept().set_head(&head)
}

fn apply(scene: &mut Scene<'_>, event: &Event) -> Result<(), TablesError> {
    let Some(mut head) = scene.head::<Head>()? else {
        return Ok(());
    };
    scene.follows(0, |message| arguments(message, event));
    match event {
        Event::BookOpened { book, terms } => books::open(scene, &mut head, *book, terms)?,
        Event::Recorded {
            book,
            day,
            batch,
            entries,
        } => books::record(scene, *book, *day, *batch, entries)?,
        Event::Corrected {
            book,
            before,
            correction,
        } => corrections::correct(scene, *book, *before, correction)?,
        Event::DayClosed { book, closing, closed } => days::close(scene, *book, closing, closed)?,
    }
    scene.kept().set_head(&head)
}

/// The arguments, or what they begin with, with which this message leads to this event; `None` if it can't.
fn arguments(message: &str, event: &Event) -> Option<Vec<u8>> {
    Some(match (message, event) {
        ("open_book", Event::BookOpened { terms, .. }) => terms.encode(),
        (
            "record",
            Event::Recorded {
                book,
                day,
                batch,
                entries,
            },
        ) => (book, day, batch, entries).encode(),
        ("correct", Event::Corrected { book, .. }) => book.encode(),
        ("close_day", Event::DayClosed { closing, .. }) => closing.encode(),
        _ => return None,
    })
}

/// A book, in words.
fn named(book: BookId) -> String {
    format!("book {}", book.0)
}
