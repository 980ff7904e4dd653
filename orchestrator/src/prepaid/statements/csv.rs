//! A statement as CSV.
//!
//! Columns are always the same, in the same order. Amounts are integers in the asset's smallest unit; those that lessen what
//! the merchant is to be paid are below 0, so that the rows from `opening` to the last movement add up to `closing`. After
//! that every total has a row of its own, its value in the column of amounts.
use protocol::text::to_hex;

use super::{moment, Line, MerchantStatement, StatementError};

/// What the columns are called.
pub const COLUMNS: [&str; 13] = [
    "row",
    "merchant",
    "cycle",
    "card",
    "counter",
    "reference",
    "terminal",
    "amount",
    "time",
    "block",
    "block_hash",
    "event",
    "line",
];

/// Writes it.
///
/// # Errors
/// `Overflow`, `Unwritable`.
pub fn write(statement: &MerchantStatement) -> Result<String, StatementError> {
    let mut writer = csv::Writer::from_writer(vec![]);
    let failed = |error: csv::Error| StatementError::Unwritable(error.to_string());
    writer.write_record(COLUMNS).map_err(failed)?;
    let told = &statement.statement;
    let whose = [told.merchant.0.to_string(), told.cycle.number.to_string()];
    let value = |row: &str, amount: String| {
        let mut cells = vec![row.to_owned()];
        cells.extend(whose.clone());
        cells.extend([String::new(), String::new(), String::new(), String::new(), amount]);
        cells.resize(COLUMNS.len(), String::new());
        cells
    };
    let mut rows = vec![value("opening", told.cycle.opening.to_string())];
    rows.extend(statement.lines.iter().map(|line| cells(line, &whose)));
    rows.push(value("closing", told.closing.to_string()));
    let totals = statement.totals();
    rows.extend(totals.map(|(name, total)| value(&format!("total-{name}"), total.to_string())));
    for row in rows {
        writer.write_record(row).map_err(failed)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| StatementError::Unwritable(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| StatementError::Unwritable(error.to_string()))
}

fn cells(line: &Line, whose: &[String; 2]) -> Vec<String> {
    let cell = |value: Option<String>| value.unwrap_or_default();
    let [merchant, cycle] = whose.clone();
    vec![
        line.kind.as_str().to_owned(),
        merchant,
        cycle,
        cell(line.card.map(|card| card.0.to_string())),
        cell(line.counter.map(|counter| counter.to_string())),
        cell(line.reference.map(|reference| to_hex(&reference))),
        cell(line.terminal.clone()),
        line.amount.to_string(),
        moment(line.at.time),
        line.at.block.to_string(),
        to_hex(&line.at.hash),
        line.at.event.to_string(),
        line.line.to_string(),
    ]
}
