//! Days are closed, in their order, each once.
use protocol::{
    reconciliation::{Book, BookId, Closed, Closing, DayRecord},
    registry::Roles,
    Signature,
};

use super::{
    super::{registry::acts, scene::Scene},
    named, sides, BOOKS, DAYS,
};
use crate::audit::chain::tables::TablesError;

pub(super) fn close(scene: &mut Scene<'_>, id: BookId, closing: &Closing, told: &Closed) -> Result<(), TablesError> {
    let day = closing.day;
    let what = format!("{}: day {} is closed", named(id), day.0);
    let Some(mut book) = scene.book(id)? else {
        return Ok(());
    };
    scene.expect(
        format_args!("{what}: the book that was signed for"),
        closing.book.0,
        id.0,
    );
    check_agreed(scene, &book, closing, told, &what)?;
    let is_oldest = book.open.first() == Some(&day);
    scene.forbid(!is_oldest, "wrong-state", &what, "it wasn't the oldest open day");
    // Before that, it has ended nowhere.
    scene.not_before(day.ends_somewhere(), &what);
    scene.in_time(closing.expires_at, format_args!("{what}: what was signed"));
    if told.is_default {
        // Until then the other side has time.
        let patience = day.ends_everywhere().saturating_add(book.terms.patience);
        scene.not_before(patience, format_args!("{what} by one side alone"));
    }

    let mut record = DAYS.get(scene, &(id, day))?.unwrap_or_default();
    scene.forbid(record.closed.is_some(), "twice", &what, "it was closed before");
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
        Err(_) => scene.forbid(true, "overflow", &what, "a sum is beyond what the contract can hold"),
    }
    scene.expect(format_args!("{what}: when"), told.at, scene.now());
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
    let asked = scene.asked::<(Closing, u32, Option<Signature>, Option<Signature>)>("close_day");
    let Some((_, epoch, debit, credit)) = asked else {
        return Ok(());
    };
    let terms = &book.terms;
    let alone = match (&debit, &credit) {
        (Some(_), Some(_)) => None,
        (Some(_), None) => Some(terms.debit),
        (None, Some(_)) => Some(terms.credit),
        (None, None) => {
            scene.forbid(true, "missing-signature", what, "neither side signed");
            None
        }
    };
    scene.expect(
        format_args!("{what}: whether one side did it alone"),
        told.is_default,
        alone.is_some(),
    );
    if let Some(member) = alone {
        acts(scene, member, Roles::PARTICIPANT)?;
    }
    let signed = [(terms.debit, debit.as_ref()), (terms.credit, credit.as_ref())];
    sides::check(scene, epoch, |domain| closing.payload(domain), signed, what)
}
