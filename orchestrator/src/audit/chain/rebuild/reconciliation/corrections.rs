//! What was wrong, and is right now.
use protocol::{
    reconciliation::{BookId, Correction, DayRecord, EntryRecord, SignedCorrection, MAX_CORRECTIONS},
    text::to_hex,
    Amount,
};

use super::{
    super::case::Case,
    books::{open_day, signed, sum},
    named, sides, BOOKS, DAYS, ENTRIES,
};
use crate::audit::chain::tables::TablesError;

pub(super) fn correct(
    case: &mut Case<'_>,
    id: BookId,
    told_before: Option<Amount>,
    correction: &Correction,
) -> Result<(), TablesError> {
    let (trade, day) = (correction.trade, correction.day);
    let what = format!("{}: {} is corrected", named(id), to_hex(&trade.0));
    let Some(mut book) = case.book(id)? else {
        return Ok(());
    };
    check_signed(case, [book.terms.debit, book.terms.credit], correction, &what)?;
    case.digest(true, &what);
    case.forbid(correction.book != id, &what, "another book's correction was signed");
    case.forbid(correction.check().is_err(), &what, "its causes are none, too many, or don't ascend");
    case.forbid(case.now() >= correction.expires_at, &what, "what was signed had expired");

    let before = case.kept().get::<EntryRecord>(ENTRIES, &(id, trade))?;
    let amount_before = before.map(|before| before.amount);
    let is_same = amount_before == told_before;
    if !is_same {
        let detail = format!("{what}: before, it was {told_before:?} as told, {amount_before:?} follows");
        case.found("wrong-value", detail);
    }
    let corrections = before.map_or(0, |before| before.corrections);
    case.expect(format_args!("{what}: how often it was before"), correction.number, corrections);
    let own = before.map(|before| before.day);
    let is_elsewhere = own.is_some_and(|own| own != day && !book.is_closed(own));
    case.forbid(is_elsewhere, &what, "its own day was open, and it counts on another");

    let mut record = open_day(case, id, &mut book, day, &what)?;
    change(case, &mut record, before.as_ref(), correction, &what);
    let after = EntryRecord {
        payer: correction.payer,
        amount: correction.amount,
        time: correction.time,
        day: own.unwrap_or(day),
        batch: before.and_then(|before| before.batch),
        corrections: correction.number.saturating_add(1),
    };
    let mut kept = case.kept();
    kept.put(ENTRIES, &(id, trade), &after)?;
    kept.put(DAYS, &(id, day), &record)?;
    kept.put(BOOKS, &id, &book)
}

/// Both sides signed it, among others.
fn check_signed(
    case: &mut Case<'_>,
    [debit, credit]: [protocol::Member; 2],
    correction: &Correction,
    what: &str,
) -> Result<(), TablesError> {
    let Some((_, all)) = case.arguments::<(BookId, Vec<SignedCorrection>)>("correct") else {
        return Ok(());
    };
    let is_many = !(1..=MAX_CORRECTIONS).contains(&all.len());
    case.forbid(is_many, what, "there were none, or too many");
    let Some(signed) = all.iter().find(|signed| signed.correction == *correction) else {
        case.found("other-call", format!("{what}: no such correction was asked for"));
        return Ok(());
    };
    let signatures = [(debit, Some(&signed.debit)), (credit, Some(&signed.credit))];
    sides::check(case, signed.epoch, |domain| correction.payload(domain), signatures, what)
}

/// What a correction changes of the day that it counts on.
fn change(
    case: &mut Case<'_>,
    record: &mut DayRecord,
    before: Option<&EntryRecord>,
    correction: &Correction,
    what: &str,
) {
    let had = before.map_or(0, |before| before.amount);
    let difference = signed(correction.amount)
        .zip(signed(had))
        .and_then(|(has, had)| has.checked_sub(had));
    record.total = sum(case, record.total, difference, what);
    record.corrections = record.corrections.saturating_add(1);
    // An entry of a closed day stays among those of its day.
    if before.is_none_or(|before| before.day == correction.day) {
        record.entries = match (had, correction.amount) {
            (0, 1..) => record.entries.saturating_add(1),
            (1.., 0) => record.entries.saturating_sub(1),
            _ => record.entries,
        };
    }
}
