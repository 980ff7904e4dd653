//! A report as CSV: one row for each entry, those of earlier days that were corrected on this one first.
//!
//! Columns are always the same, in the same order. Amounts are integers in the asset's smallest unit. Proofs are in JSON only.
use std::io;

use protocol::{reconciliation::Side, text::to_hex};

use super::{draw::Form, Booked, EntryLine, EntryPage, Head, Said, Totals};
use crate::reconciliation::{line::Line, schedule};

/// What the columns are called.
pub const COLUMNS: [&str; 18] = [
    "book",
    "date",
    "day_of_entry",
    "trade",
    "payer",
    "amount",
    "time",
    "batch",
    "status",
    "debit_booked",
    "debit_amount",
    "credit_booked",
    "credit_amount",
    "corrections",
    "amount_before",
    "block",
    "block_hash",
    "event",
];

/// Writes rows.
pub struct Csv {
    to: csv::Writer<Vec<u8>>,
    book: String,
    date: String,
}

impl Default for Csv {
    fn default() -> Self {
        Self {
            to: csv::Writer::from_writer(vec![]),
            book: String::new(),
            date: String::new(),
        }
    }
}

impl Csv {
    fn row(&mut self, line: &EntryLine) -> io::Result<()> {
        let entry = &line.entry;
        let before = line.corrections.first().and_then(|first| first.before);
        self.to.write_record([
            self.book.clone(),
            self.date.clone(),
            schedule::write(entry.day),
            entry.entry.trade.to_string(),
            entry.entry.payer.to_string(),
            entry.entry.amount.to_string(),
            moment(entry.entry.time),
            entry.batch.map_or_else(String::new, |batch| to_hex(&batch.0)),
            line.status.word().to_owned(),
            booked(line.debit.booked).to_owned(),
            amount(&line.debit),
            booked(line.credit.booked).to_owned(),
            amount(&line.credit),
            entry.corrections.to_string(),
            before.map_or_else(String::new, |before| before.to_string()),
            entry.block.to_string(),
            to_hex(&entry.block_hash),
            entry.event.to_string(),
        ])?;
        Ok(())
    }
}

/// In a word, as JSON has it.
pub(super) const fn booked(booked: Booked) -> &'static str {
    match booked {
        Booked::Line => "line",
        Booked::Lines => "lines",
        Booked::Batch => "batch",
        Booked::Nothing => "nothing",
        Booked::Unknown => "unknown",
    }
}

fn amount(said: &Said) -> String {
    said.amount.map_or_else(String::new, |amount| amount.to_string())
}

/// A time in UTC.
pub(super) fn moment(at: protocol::Timestamp) -> String {
    crate::prepaid::statements::moment(at)
}

impl Form for Csv {
    fn head(&mut self, head: &Head) -> io::Result<()> {
        self.book = head.book.0.to_string();
        self.date.clone_from(&head.date);
        self.to.write_record(COLUMNS)?;
        Ok(())
    }

    fn earlier(&mut self, page: &EntryPage) -> io::Result<()> {
        page.entries.iter().try_for_each(|line| self.row(line))
    }

    fn entries(&mut self, page: &EntryPage) -> io::Result<()> {
        page.entries.iter().try_for_each(|line| self.row(line))
    }

    fn lines(&mut self, _: Side, _: &[Line]) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &Totals) -> io::Result<()> {
        Ok(())
    }

    fn take(&mut self) -> io::Result<Vec<u8>> {
        let written = std::mem::replace(&mut self.to, csv::Writer::from_writer(vec![]));
        written
            .into_inner()
            .map_err(|error| io::Error::other(error.to_string()))
    }
}
