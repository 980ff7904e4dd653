//! Days and breaks as people read them.
use comfy_table::Table;
use protocol::{
    reconciliation::{Kind, Side},
    text::to_hex,
};

use crate::{
    cli::render::{moment, table},
    http::reconciliation::{
        breaks::{causes, BreakDetails, BreakView},
        days::{BookDayDetails, BookDayView, DryRunView},
    },
    reconciliation::{
        findings::{Finding, Summary},
        line::Line,
    },
};

/// Days, a row each.
pub(super) fn book_days(days: &[BookDayView]) -> Table {
    let mut table = table([
        "day",
        "state",
        "entries",
        "matched",
        "breaks",
        "total",
        "paid",
        "why not further",
    ]);
    for day in days {
        let summary = day.summary.as_ref();
        let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        table.add_row([
            day.day.clone(),
            day.state.clone(),
            count(summary.map(|summary| summary.entries)),
            count(summary.map(|summary| summary.matched)),
            count(summary.map(|summary| summary.breaks)),
            summary.map(|summary| summary.total.to_string()).unwrap_or_default(),
            day.closed.map(|closed| closed.payable.to_string()).unwrap_or_default(),
            day.failure.clone().unwrap_or_default(),
        ]);
    }
    table
}

/// One day.
pub(super) fn book_day(details: &BookDayDetails) -> Table {
    let day = &details.day;
    let mut table = table(["day", &day.day]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("state", day.state.clone());
    if let (Some(summary), Some(at), Some(block)) = (&day.summary, day.ran_at, day.block) {
        row("matched", format!("{}, by block {block}", moment(at)));
        counts(summary, &mut row);
    }
    row("open breaks", details.breaks.to_string());
    row("may still come", details.expected.to_string());
    for (name, signed) in [("debit", &day.debit_statement), ("credit", &day.credit_statement)] {
        if let Some(signed) = signed {
            let statement = &signed.statement;
            let value = format!(
                "{} lines, {} ({})",
                statement.lines,
                statement.total,
                to_hex(&statement.digest)
            );
            row(&format!("{name} side's book"), value);
        }
    }
    if let Some(closed) = &day.closed {
        let alone = if closed.is_default { ", by one side alone" } else { "" };
        row("closed", format!("{}{alone}", moment(closed.at)));
        row("closing", to_hex(&closed.id));
        row("to be paid", closed.payable.to_string());
        if closed.carried != 0 {
            row("carried to the next day", closed.carried.to_string());
        }
    }
    if let Some(voucher) = &day.voucher {
        row("paid by voucher", voucher.to_string());
    }
    if let Some(failure) = &day.failure {
        row("it doesn't go on", failure.clone());
    }
    for step in &details.history {
        row(&moment(step.at), format!("{}: {}", step.state, step.detail));
    }
    table
}

/// What a run finds.
pub(super) fn dry_run(found: &DryRunView) -> Table {
    let mut table = table(["dry run", "nothing is kept"]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("by block", found.block.to_string());
    counts(&found.summary, &mut row);
    for finding in &found.findings {
        let expected = if finding.is_expected { " (may still come)" } else { "" };
        row(
            &finding.trade.to_string(),
            format!("{}{expected}", causes(&finding.causes)),
        );
    }
    table
}

fn counts(summary: &Summary, row: &mut impl FnMut(&str, String)) {
    row("entries on chain", format!("{}, {}", summary.entries, summary.total));
    row(
        "on which all agree",
        format!(
            "{} ({} within the tolerance, {} in batches)",
            summary.matched, summary.rounded, summary.in_batches
        ),
    );
    row(
        "lines",
        format!("{} debit, {} credit", summary.debit_lines, summary.credit_lines),
    );
    row("breaks found", summary.breaks.to_string());
}

/// Breaks, a row each.
pub(super) fn breaks(breaks: &[BreakView]) -> Table {
    let mut table = table([
        "trade",
        "day",
        "state",
        "what is wrong",
        "debit off",
        "credit off",
        "right",
        "assigned",
    ]);
    for found in breaks {
        table.add_row([
            found.trade.to_string(),
            found.day.clone(),
            found.state.clone(),
            causes(&found.causes),
            found.debit_off.to_string(),
            found.credit_off.to_string(),
            found.right.to_string(),
            found.assigned.clone().unwrap_or_default(),
        ]);
    }
    table
}

/// One break.
pub(super) fn one_break(details: &BreakDetails) -> Table {
    let found = &details.found;
    let mut table = table(["break", &found.trade.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("day", found.day.clone());
    row("state", found.state.clone());
    for cause in &found.causes {
        row("what is wrong", explained(cause.kind, cause.side, &found.finding));
    }
    match (&found.finding.entry, &found.block_hash) {
        (Some(known), Some(hash)) => {
            let entry = &known.entry;
            row("the chain says", format!("{}, {}", entry.amount, moment(entry.time)));
            row(
                "since",
                format!("block {} ({hash}), event {}", known.block, known.event),
            );
        }
        _ => row("the chain says", "nothing".to_owned()),
    }
    for (name, side) in [("debit side says", Side::Debit), ("credit side says", Side::Credit)] {
        for line in found.finding.lines(side) {
            row(name, said(line));
        }
    }
    row("right is", found.right.to_string());
    row("evidence", found.evidence.clone());
    if let Some(assigned) = &found.assigned {
        row("assigned to", assigned.clone());
    }
    if let Some(proposed) = &found.proposed {
        let by = if proposed.is_ours {
            "this side"
        } else {
            "the other side"
        };
        let comment = proposed
            .comment
            .as_deref()
            .map(|text| format!(": {text}"))
            .unwrap_or_default();
        row("proposed", format!("{} by {by}{comment}", proposed.correction.amount));
    }
    if let Some(refusal) = &found.refusal {
        let by = if refusal.is_ours { "this side" } else { "the other side" };
        row("refused", format!("by {by}: {}", refusal.reason));
    }
    for step in &details.history {
        let who = step.who.as_deref().map(|who| format!(" ({who})")).unwrap_or_default();
        row(&moment(step.at), format!("{}{who}: {}", step.state, step.detail));
    }
    table
}

fn said(line: &Line) -> String {
    let day = crate::reconciliation::schedule::write(line.day);
    let time = line.time.map(|time| format!(", {}", moment(time))).unwrap_or_default();
    format!("{} on {day}{time} (line {}, {})", line.amount, line.number, line.trade)
}

fn explained(kind: Kind, side: Side, finding: &Finding) -> String {
    let whose = match side {
        Side::Debit => "the debit side's book",
        Side::Credit => "the credit side's book",
        Side::Chain => "the chain",
    };
    match kind {
        Kind::Missing => format!("{whose} has nothing of it"),
        Kind::Amount => format!("{whose} is off by {}", finding.off(side)),
        Kind::Asset => format!("{whose} says another asset"),
        Kind::Payer => format!("{whose} says another payer"),
        Kind::Duplicate => format!("{whose} has it {} times", finding.lines(side).len()),
        Kind::WrongDay => format!("{whose} has it on another day"),
        Kind::AlteredId => format!("{whose} has it under another id"),
    }
}
