//! Books as people read them.
use comfy_table::Table;

use crate::{
    assets::AssetName,
    cli::render::{moment, table},
    http::reconciliation::{
        books::BookView,
        entries::BookEntryView,
        imports::{ImportReport, ImportView},
        lines::{BookLineView, TradeLinesView},
    },
    reconciliation::import::BadLine,
};

/// Books, a row each.
pub(super) fn books(books: &[BookView]) -> Table {
    let mut table = table([
        "book",
        "here",
        "client",
        "debit",
        "credit",
        "asset",
        "closed through",
        "open days",
    ]);
    for view in books {
        table.add_row([
            view.book.to_string(),
            part(view),
            view.terms.client.to_string(),
            view.terms.debit.to_string(),
            view.terms.credit.to_string(),
            AssetName(view.terms.asset).to_string(),
            view.closed_through.clone().unwrap_or_default(),
            view.open_days.join(", "),
        ]);
    }
    table
}

/// One book.
pub(super) fn book(view: &BookView) -> Table {
    let mut table = table(["book", &view.book.to_string()]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("here", part(view));
    row("client", format!("member {}", view.terms.client));
    row("debit side", format!("member {}", view.terms.debit));
    row("credit side", format!("member {}", view.terms.credit));
    row("asset", AssetName(view.terms.asset).to_string());
    row("clocks", String::from_utf8_lossy(&view.terms.zone).into_owned());
    row(
        "one side alone after",
        format!("{} hours", view.terms.patience / 3_600_000),
    );
    row("opened in block", view.opened_in.to_string());
    row(
        "closed through",
        view.closed_through.clone().unwrap_or_else(|| "-".into()),
    );
    row("open days", view.open_days.join(", "));
    if let Some(backlog) = &view.backlog {
        row("entries to be recorded", backlog.waiting.to_string());
        row("entries to be delivered", backlog.undelivered.to_string());
        row("entries refused", backlog.refused.to_string());
    }
    table
}

fn part(view: &BookView) -> String {
    let side = view.side.and_then(|side| serde_json::to_value(side).ok());
    let side = side.as_ref().and_then(|side| side.as_str());
    match (side, view.is_client) {
        (Some(side), true) => format!("{side}, client"),
        (Some(side), false) => side.to_owned(),
        (None, _) => "client".to_owned(),
    }
}

/// What a client recorded.
pub(super) fn entries(entries: &[BookEntryView]) -> Table {
    let mut table = table(["trade", "amount", "time", "day", "state", "debit side", "credit side"]);
    let told = |at: Option<u64>| at.map_or_else(|| "not told yet".to_owned(), moment);
    for entry in entries {
        let day = if entry.day == entry.dated {
            entry.day.clone()
        } else {
            format!("{} (instead of {}, which was closed)", entry.day, entry.dated)
        };
        let state = match &entry.refusal {
            Some(why) => format!("{}: {why}", entry.state),
            None => entry.state.to_string(),
        };
        table.add_row([
            entry.trade.to_string(),
            entry.amount.to_string(),
            moment(entry.time),
            day,
            state,
            told(entry.debit_informed_at),
            told(entry.credit_informed_at),
        ]);
    }
    table
}

/// Files, a row each.
pub(super) fn imports(imports: &[ImportView]) -> Table {
    let mut table = table([
        "import", "name", "format", "lines", "total", "days", "imported", "by", "place",
    ]);
    for import in imports {
        table.add_row([
            import.import.to_string(),
            import.name.clone(),
            import.format.to_string(),
            import.lines.to_string(),
            import.total.to_string(),
            days(import),
            moment(import.imported_at),
            import.imported_by.clone(),
            match (import.replaces, import.replaced_by) {
                (_, Some(by)) => format!("replaced by {by}"),
                (Some(replaced), None) => format!("in place of {replaced}"),
                (None, None) => String::new(),
            },
        ]);
    }
    table
}

fn days(import: &ImportView) -> String {
    let days = [import.first_day.as_deref(), import.last_day.as_deref()];
    let mut days: Vec<&str> = days.into_iter().flatten().collect();
    days.dedup();
    days.join(" to ")
}

/// What an import brought.
pub(super) fn report(report: &ImportReport) -> Table {
    let title = match (&report.import, report.is_known, report.is_dry_run) {
        (Some(import), true, _) => format!("imported before, as import {}: nothing changed", import.import),
        (Some(import), false, _) => format!("import {}", import.import),
        (None, ..) => "a dry run: nothing is imported".to_owned(),
    };
    let mut table = table(["file", &title]);
    let mut row = |name: String, value: String| {
        table.add_row([name, value]);
    };
    row("lines".into(), report.lines.to_string());
    row("total".into(), report.total.to_string());
    for (day, lines) in &report.days {
        row(format!("of {day}"), lines.to_string());
    }
    for (why, entries) in &report.skipped {
        row(format!("skipped: {why}"), entries.to_string());
    }
    for line in &report.preview {
        let reference = line.reference.clone().unwrap_or_else(|| line.trade.to_string());
        row(reference, format!("{} on {}", line.amount, line.day));
    }
    for bad in &report.problems {
        row(format!("line {}, column {}", bad.line, bad.column), bad.problem.clone());
    }
    if report.more_problems > 0 {
        row("and more".into(), report.more_problems.to_string());
    }
    table
}

/// What is wrong with a file.
pub(super) fn problems(problems: &[BadLine]) -> Table {
    let mut table = table(["line", "column", "problem"]);
    for bad in problems {
        table.add_row([bad.line.to_string(), bad.column.to_string(), bad.problem.clone()]);
    }
    table
}

/// Lines, a row each.
pub(super) fn lines(lines: &[BookLineView]) -> Table {
    let mut table = table([
        "reference",
        "trade",
        "day",
        "amount",
        "asset",
        "payer",
        "time",
        "import",
    ]);
    for line in lines {
        table.add_row(cells(line));
    }
    table
}

fn cells(line: &BookLineView) -> [String; 8] {
    [
        line.reference.clone().unwrap_or_default(),
        line.trade.to_string(),
        line.day.clone(),
        line.amount.to_string(),
        AssetName(line.asset).to_string(),
        line.payer.map(|payer| payer.to_string()).unwrap_or_default(),
        line.time.map(moment).unwrap_or_default(),
        line.import.map(|import| import.to_string()).unwrap_or_default(),
    ]
}

/// What the book and the chain have of a payment.
pub(super) fn trade(found: &TradeLinesView) -> Table {
    let mut table = table(["where", "day", "amount", "payer", "time", "note"]);
    let mut row = |place: &str, line: &BookLineView, note: String| {
        let [_, _, day, amount, _, payer, time, _] = cells(line);
        table.add_row([place.to_owned(), day, amount, payer, time, note]);
    };
    for line in &found.lines {
        row("own book", line, line.reference.clone().unwrap_or_default());
    }
    for change in &found.changes {
        for line in &change.before {
            row("before", line, format!("{}: {}", moment(change.at), change.reason));
        }
    }
    if let Some(entry) = &found.entry {
        table.add_row([
            "chain".to_owned(),
            entry.day.clone(),
            entry.amount.to_string(),
            entry.payer.to_string(),
            moment(entry.time),
            format!("block {} {}, event {}", entry.block, entry.block_hash, entry.event),
        ]);
    }
    table
}
