//! What follows from entries and corrections: that they are all there, and what they come to.
use protocol::reconciliation::{Closing, Day, DayRecord};

use super::Outcome;
use crate::reconciliation::report::{Corrected, EntryLine, Report, Status, Totals};

pub(super) fn check(report: &Report, outcome: &mut Outcome) {
    let day = report.head.day;
    closing(report, outcome);
    for line in entries(report) {
        let trade = line.entry.entry.trade;
        outcome.ensure(line.entry.day == day, "other-day", || {
            format!("entry {trade} is of day {}", line.entry.day.0)
        });
        corrections(line, outcome);
    }
    for line in report.earlier.iter().flat_map(|page| &page.entries) {
        let trade = line.entry.entry.trade;
        let counts = line.corrections.iter().any(|one| one.correction.day == day);
        outcome.ensure(line.entry.day < day && counts, "other-day", || {
            format!("entry {trade} is of no earlier day, or no correction of it counts on this day")
        });
        corrections(line, outcome);
    }
    match totals(report) {
        Some(totals) => compare(report, &totals, outcome),
        None => outcome.flaw("overflow", "the sums are beyond what can be reckoned"),
    }
}

fn entries(report: &Report) -> impl Iterator<Item = &EntryLine> {
    report.entries.iter().flat_map(|page| &page.entries)
}

/// What both sides signed is what the chain has.
fn closing(report: &Report, outcome: &mut Outcome) {
    let head = &report.head;
    let Closing {
        book,
        day,
        matched,
        breaks,
        total,
        ..
    } = head.closing;
    let DayRecord {
        entries,
        corrections,
        total: came_to,
        closed,
    } = head.record;
    outcome.ensure(
        closed == Some(head.closed) && head.closing.id() == head.closed.id,
        "other-closing",
        || "the closing isn't the one that the chain has of the day".into(),
    );
    outcome.ensure(
        (book, day, matched, breaks, total) == (head.book, head.day, entries, corrections, came_to),
        "other-closing",
        || "the closing is of another day, or of other sums".into(),
    );
    // What was carried into the day can't have been above 0, and is used up by whatever is paid.
    let left = i128::try_from(head.closed.payable)
        .ok()
        .and_then(|paid| paid.checked_add(head.closed.carried));
    let carried = left.and_then(|left| left.checked_sub(came_to));
    let follows = carried.is_some_and(|carried| {
        carried <= 0 && DayRecord::settle(came_to, carried) == Ok((head.closed.payable, head.closed.carried))
    });
    outcome.ensure(follows, "wrong-payable", || {
        format!(
            "{} to be paid and {} left over don't follow from a total of {came_to}",
            head.closed.payable, head.closed.carried
        )
    });
}

/// All corrections of an entry are there, and lead to what the chain has.
fn corrections(line: &EntryLine, outcome: &mut Outcome) {
    let entry = &line.entry;
    let trade = entry.entry.trade;
    let count = u32::try_from(line.corrections.len()).unwrap_or(u32::MAX);
    outcome.ensure(count == entry.corrections, "corrections-incomplete", || {
        format!(
            "entry {trade} was corrected {} times, the report has {count}",
            entry.corrections
        )
    });
    let mut numbered = line.corrections.iter().zip(0u32..);
    let is_numbered = numbered.all(|(one, number)| one.correction.number == number && one.correction.trade == trade);
    let mut pairs = line.corrections.windows(2);
    let follows = |pair: &[Corrected]| match pair {
        [earlier, later] => {
            later.before == Some(earlier.correction.amount) && later.correction.day >= earlier.correction.day
        }
        _ => true,
    };
    let leads = line.corrections.last().is_none_or(|last| {
        let correction = &last.correction;
        (correction.amount, correction.payer, correction.time)
            == (entry.entry.amount, entry.entry.payer, entry.entry.time)
            && (last.at.block, last.at.event) == (entry.block, entry.event)
    });
    let is_well = is_numbered && pairs.all(follows) && leads;
    outcome.ensure(is_well, "corrections-differ", || {
        format!("the corrections of entry {trade} don't lead to what the chain has of it")
    });
    outcome.ensure(line.status == Status::of(entry), "wrong-status", || {
        format!("entry {trade} isn't {}", line.status.word())
    });
}

fn totals(report: &Report) -> Option<Totals> {
    use protocol::reconciliation::Side;
    let day: Day = report.head.day;
    let mut totals = Totals::default();
    for line in report.earlier.iter().flat_map(|page| &page.entries) {
        totals = totals.with_earlier(line, day)?;
    }
    for line in entries(report) {
        totals = totals.with(line, day)?;
    }
    for (side, pages) in [(Side::Debit, &report.debit), (Side::Credit, &report.credit)] {
        for line in pages.iter().flatten() {
            totals = totals.with_line(side, line)?;
        }
    }
    Some(totals)
}

fn compare(report: &Report, totals: &Totals, outcome: &mut Outcome) {
    let record = &report.head.record;
    outcome.ensure(*totals == report.totals, "wrong-totals", || {
        format!("the report's lines come to {totals:?}")
    });
    outcome.ensure(
        totals.entries == u64::from(record.entries),
        "entries-incomplete",
        || {
            format!(
                "the chain has {} entries of the day, the report {}",
                record.entries, totals.entries
            )
        },
    );
    outcome.ensure(
        totals.corrections == u64::from(record.corrections),
        "corrections-incomplete",
        || {
            let (chain, report) = (record.corrections, totals.corrections);
            format!("{chain} corrections count on the day, the report has {report}")
        },
    );
    outcome.ensure(totals.total() == Some(record.total), "wrong-total", || {
        format!(
            "the day came to {}, the report's lines to {:?}",
            record.total,
            totals.total()
        )
    });
}
