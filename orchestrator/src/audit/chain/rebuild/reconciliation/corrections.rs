//! What was wrong, and is right now.
use protocol::{
    reconciliation::{BookId, Correction, DayRecord, EntryRecord, SignedCorrection, MAX_CORRECTIONS},
    text::to_hex,
    Amount,
};

use super::{
    super::scene::Scene,
    books::{open_day, signed, sum},
    named, sides, BOOKS, DAYS, ENTRIES,
};
use crate::audit::chain::tables::TablesError;

pub(super) fn correct(
    scene: &mut Scene<'_>,
    id: BookId,
    told_before: Option<Amount>,
    correction: &Correction,
) -> Result<(), TablesError> {
    let (trade, day) = (correction.trade, correction.day);
    let what = format!("{}: {} is corrected", named(id), to_hex(&trade.0));
    let Some(mut book) = scene.book(id)? else {
        return Ok(());
    };
    check_signed(scene, [book.terms.debit, book.terms.credit], correction, &what)?;
    scene.digest(true, String::new);
    scene.expect(
        format_args!("{what}: the book that was signed for"),
        correction.book.0,
        id.0,
    );
    scene.forbid(
        correction.check().is_err(),
        "bad-terms",
        &what,
        "its causes are none, too many, or don't ascend",
    );
    scene.in_time(correction.expires_at, format_args!("{what}: what was signed"));

    let before = ENTRIES.get(scene, &(id, trade))?;
    let amount_before = before.map(|before| before.amount);
    let is_same = amount_before == told_before;
    if !is_same {
        let detail = format!("{what}: before, it was {told_before:?} as told, {amount_before:?} follows");
        scene.find("wrong-value", detail);
    }
    let corrections = before.map_or(0, |before| before.corrections);
    scene.expect(
        format_args!("{what}: how often it was before"),
        correction.number,
        corrections,
    );
    let own = before.map(|before| before.day);
    let is_elsewhere = own.is_some_and(|own| own != day && !book.is_closed(own));
    scene.forbid(
        is_elsewhere,
        "wrong-state",
        &what,
        "its own day was open, and it counts on another",
    );

    let mut record = open_day(scene, id, &mut book, day, &what)?;
    change(scene, &mut record, before.as_ref(), correction, &what);
    let after = EntryRecord {
        payer: correction.payer,
        amount: correction.amount,
        time: correction.time,
        day: own.unwrap_or(day),
        batch: before.and_then(|before| before.batch),
        corrections: correction.number.saturating_add(1),
    };
    ENTRIES.put(scene, &(id, trade), &after)?;
    DAYS.put(scene, &(id, day), &record)?;
    BOOKS.put(scene, &id, &book)
}

/// Both sides signed it, among others.
fn check_signed(
    scene: &mut Scene<'_>,
    [debit, credit]: [protocol::Member; 2],
    correction: &Correction,
    what: &str,
) -> Result<(), TablesError> {
    let Some((_, all)) = scene.asked::<(BookId, Vec<SignedCorrection>)>("correct") else {
        return Ok(());
    };
    let is_many = !(1..=MAX_CORRECTIONS).contains(&all.len());
    scene.forbid(is_many, "too-many", what, "there were none, or too many");
    let Some(signed) = all.iter().find(|signed| signed.correction == *correction) else {
        scene.find("other-arguments", format!("{what}: no such correction was asked for"));
        return Ok(());
    };
    let signatures = [(debit, Some(&signed.debit)), (credit, Some(&signed.credit))];
    sides::check(
        scene,
        signed.epoch,
        |domain| correction.payload(domain),
        signatures,
        what,
    )
}

/// What a correction changes of the day that it counts on.
fn change(
    scene: &mut Scene<'_>,
    record: &mut DayRecord,
    before: Option<&EntryRecord>,
    correction: &Correction,
    what: &str,
) {
    let had = before.map_or(0, |before| before.amount);
    let difference = signed(correction.amount)
        .zip(signed(had))
        .and_then(|(has, had)| has.checked_sub(had));
    record.total = sum(scene, record.total, difference, what);
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
