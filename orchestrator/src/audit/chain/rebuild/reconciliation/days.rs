//! Days are closed, in their order, each once.
use protocol::{
    reconciliation::{Book, BookId, Closed, Closing, DayRecord},
    Signature,
};

use super::{super::case::Case, named, sides, BOOKS, DAYS};
use crate::audit::chain::tables::TablesError;

pub(super) fn close(case: &mut Case<'_>, id: BookId, closing: &Closing, told: &Closed) -> Result<(), TablesError> {
    let (day, now) = (closing.day, case.now());
    let what = format!("{}: day {} is closed", named(id), day.0);
    let Some(mut book) = case.book(id)? else {
        return Ok(());
    };
    case.forbid(closing.book != id, &what, "another book's closing was signed");
    check_agreed(case, &book, closing, told, &what)?;
    case.forbid(book.open.first() != Some(&day), &what, "it wasn't the oldest open day");
    case.forbid(now < day.ends_somewhere(), &what, "it had ended nowhere");
    case.forbid(now >= closing.expires_at, &what, "what was signed had expired");
    if told.is_default {
        let patience = day.ends_everywhere().saturating_add(book.terms.patience);
        case.forbid(now < patience, &what, "the other side still had time");
    }

    let mut record = case.kept().get::<DayRecord>(DAYS, &(id, day))?.unwrap_or_default();
    case.forbid(record.closed.is_some(), &what, "it was closed before");
    case.expect(format_args!("{what}: its entries"), closing.matched, record.entries);
    case.expect(format_args!("{what}: its corrections"), closing.breaks, record.corrections);
    case.expect(format_args!("{what}: its total"), closing.total, record.total);
    match DayRecord::settle(record.total, book.carried) {
        Ok((payable, carried)) => {
            case.expect(format_args!("{what}: what is paid for it"), told.payable, payable);
            case.expect(format_args!("{what}: what is left for the next"), told.carried, carried);
        }
        Err(_) => case.forbid(true, &what, "a sum is beyond what the contract can hold"),
    }
    case.expect(format_args!("{what}: when"), told.at, now);
    case.digest(told.id == closing.id(), &what);

    record.closed = Some(*told);
    book.open.retain(|open| *open != day);
    book.closed_through = Some(day);
    book.carried = told.carried;
    let mut kept = case.kept();
    kept.put(DAYS, &(id, day), &record)?;
    kept.put(BOOKS, &id, &book)
}

/// Both sides signed; or one did, sent it itself, and the event tells so.
fn check_agreed(
    case: &mut Case<'_>,
    book: &Book,
    closing: &Closing,
    told: &Closed,
    what: &str,
) -> Result<(), TablesError> {
    let asked = case.arguments::<(Closing, u32, Option<Signature>, Option<Signature>)>("close_day");
    let Some((_, epoch, debit, credit)) = asked else {
        return Ok(());
    };
    let terms = &book.terms;
    let alone = match (&debit, &credit) {
        (Some(_), Some(_)) => None,
        (Some(_), None) => Some(terms.debit),
        (None, Some(_)) => Some(terms.credit),
        (None, None) => {
            case.forbid(true, what, "neither side signed");
            None
        }
    };
    case.expect(
        format_args!("{what}: whether one side did it alone"),
        told.is_default,
        alone.is_some(),
    );
    if let Some(member) = alone {
        sides::check_sender(case, member, what)?;
    }
    let signed = [(terms.debit, debit.as_ref()), (terms.credit, credit.as_ref())];
    sides::check(case, epoch, |domain| closing.payload(domain), signed, what)
}
