//! Days are closed, in their order, each once.
use protocol::{
    reconciliation::{Book, BookId, Closed, Closing, DayRecord},
    Signature,
};

use super::{super::scene::Scene, named, sides, BOOKS, DAYS};
use crate::audit::chain::tables::TablesError;

pub(super) fn close(scene: &mut Scene<'_>, id: BookId, closing: &Closing, told: &Closed) -> Result<(), TablesError> {
    let (day, now) = (closing.day, scene.now());
    let what = format!("{}: day {} is closed", named(id), day.0);
    let Some(mut book) = scene.book(id)? else {
        return Ok(());
    };
    scene.forbid(closing.book != id, &what, "another book's closing was signed");
    check_agreed(scene, &book, closing, told, &what)?;
    scene.forbid(book.open.first() != Some(&day), &what, "it wasn't the oldest open day");
    scene.forbid(now < day.ends_somewhere(), &what, "it had ended nowhere");
    scene.forbid(now >= closing.expires_at, &what, "what was signed had expired");
    if told.is_default {
        let patience = day.ends_everywhere().saturating_add(book.terms.patience);
        scene.forbid(now < patience, &what, "the other side still had time");
    }

    let mut record = DAYS.get(scene, &(id, day))?.unwrap_or_default();
    scene.forbid(record.closed.is_some(), &what, "it was closed before");
    scene.expect(format_args!("{what}: its entries"), closing.matched, record.entries);
    scene.expect(
        format_args!("{what}: its corrections"),
        closing.breaks,
        record.corrections,
    );
    scene.expect(format_args!("{what}: its total"), closing.total, record.total);
    match DayRecord::settle(record.total, book.carried) {
        Ok((payable, carried)) => {
            scene.expect(format_args!("{what}: what is paid for it"), told.payable, payable);
            scene.expect(format_args!("{what}: what is left for the next"), told.carried, carried);
        }
        Err(_) => scene.forbid(true, &what, "a sum is beyond what the contract can hold"),
    }
    scene.expect(format_args!("{what}: when"), told.at, now);
    scene.digest(told.id == closing.id(), || format!("{what}: its id"));

    record.closed = Some(*told);
    book.open.retain(|open| *open != day);
    book.closed_through = Some(day);
    book.carried = told.carried;
    DAYS.put(scene, &(id, day), &record)?;
    BOOKS.put(scene, &id, &book)
}

/// Both sides signed; or one did, sent it itself, and the event tells so.
fn check_agreed(
    scene: &mut Scene<'_>,
    book: &Book,
    closing: &Closing,
    told: &Closed,
    what: &str,
) -> Result<(), TablesError> {
    let asked = scene.ordered::<(Closing, u32, Option<Signature>, Option<Signature>)>("close_day");
    let Some((_, epoch, debit, credit)) = asked else {
        return Ok(());
    };
    let terms = &book.terms;
    let alone = match (&debit, &credit) {
        (Some(_), Some(_)) => None,
        (Some(_), None) => Some(terms.debit),
        (None, Some(_)) => Some(terms.credit),
        (None, None) => {
            scene.forbid(true, what, "neither side signed");
            None
        }
    };
    scene.expect(
        format_args!("{what}: whether one side did it alone"),
        told.is_default,
        alone.is_some(),
    );
    if let Some(member) = alone {
        sides::check_sender(scene, member, what)?;
    }
    let signed = [(terms.debit, debit.as_ref()), (terms.credit, credit.as_ref())];
    sides::check(scene, epoch, |domain| closing.payload(domain), signed, what)
}
