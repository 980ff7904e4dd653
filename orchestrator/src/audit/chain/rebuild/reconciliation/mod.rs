//! The reconciliation contract, rebuilt: books, entries, corrections, days (S3.1 to S3.5).
//!
//! It moves no money: what a day comes to is paid through clearing. No clearing voucher names the day that it pays, so that
//! it was paid is no matter of the chain alone: an institution's report of the day names the voucher, and
//! `quittance reconciliation audit` holds that one against the chain.
mod books;
mod corrections;
mod days;
mod sides;
mod sums;
#[cfg(test)]
mod tests;

use protocol::{reconciliation::BookId, AccountId, Key, KeyComposer};
use scale::{Decode, Encode};

pub use self::sums::sums;
use super::case::Case;
use crate::{
    audit::chain::{
        findings::Findings,
        tables::{Tables, TablesError},
        Place, Told, MADE,
    },
    chain::reconciliation_events,
    reconciliation::ports::Event,
};

const BOOKS: Key = KeyComposer::from_str("Reconciliation::books");
const TERMS: Key = KeyComposer::from_str("Reconciliation::terms");
const ENTRIES: Key = KeyComposer::from_str("Reconciliation::entries");
const DAYS: Key = KeyComposer::from_str("Reconciliation::days");

/// The contract's struct without its mappings, in the contract's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Head {
    genesis: [u8; 32],
    registry: AccountId,
    count: u32,
}

/// Takes one event of the contract called `name`, in the order of the chain. What contradicts the rules is a finding.
///
/// # Errors
/// The work file is broken.
pub fn take(
    name: &str,
    told: &Told<'_>,
    place: &Place,
    tables: &mut Tables,
    findings: &mut Findings,
) -> Result<(), TablesError> {
    let mut case = Case {
        name,
        told,
        place,
        tables,
        findings,
    };
    if told.event == MADE {
        return make(&mut case);
    }
    let kind = reconciliation_events::KINDS
        .iter()
        .find(|(name, _)| *name == told.event);
    let Some((_, kind)) = kind else {
        case.found("unreadable-event", format!("no event is called {}", told.event));
        return Ok(());
    };
    match reconciliation_events::event(*kind, told.fields) {
        Ok(event) => apply(&mut case, &event),
        Err(error) => {
            case.found("unreadable-event", format!("{}: {error}", told.event));
            Ok(())
        }
    }
}

fn make(case: &mut Case<'_>) -> Result<(), TablesError> {
    case.call();
    let Some((genesis, registry)) = case.arguments("new") else {
        case.found("unknown", "what the contract was made with can't be seen: nothing of it is rebuilt");
        return Ok(());
    };
    let head = Head {
        genesis,
        registry,
        count: 0,
    };
    case.at_home(genesis, registry);
    case.kept().set_head(&head)
}

fn apply(case: &mut Case<'_>, event: &Event) -> Result<(), TablesError> {
    let Some(mut head) = case.kept().head::<Head>()? else {
        case.unknown("the contract itself");
        return Ok(());
    };
    if let Some(call) = case.call() {
        case.follows(call, arguments(&call.message, event).as_deref());
        case.sent(call, 0);
    }
    match event {
        Event::BookOpened { book, terms } => books::open(case, &mut head, *book, terms)?,
        Event::Recorded {
            book,
            day,
            batch,
            entries,
        } => books::record(case, *book, *day, *batch, entries)?,
        Event::Corrected {
            book,
            before,
            correction,
        } => corrections::correct(case, *book, *before, correction)?,
        Event::DayClosed { book, closing, closed } => days::close(case, *book, closing, closed)?,
    }
    case.kept().set_head(&head)
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
