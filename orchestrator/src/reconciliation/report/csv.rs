//! A report as CSV: one row for each entry, those of earlier days that were corrected on this one first.
//!
//! Columns are always the same, in the same order. Amounts are integers in the asset's smallest unit. Proofs are in JSON only.
use std::io::{self, Write};

use protocol::{reconciliation::Side, text::to_hex};

use super::{draw::Form, Booked, EntryLine, EntryPage, Head, Said, Totals};
use crate::reconciliation::line::Line;

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
pub struct Csv<W: Write> {
    to: csv::Writer<W>,
    book: String,
    date: String,
}

impl<W: Write> Csv<W> {
    /// Writes to `to`.
    pub fn new(to: W) -> Self {
        Self {
            to: csv::Writer::from_writer(to),
            book: String::new(),
            date: String::new(),
        }
    }

    fn row(&mut self, line: &EntryLine) -> io::Result<()> {
        let entry = &line.entry;
        let before = line.corrections.first().and_then(|first| first.before);
        self.to.write_record([
            self.book.clone(),
            self.date.clone(),
            super::date(entry.day).unwrap_or_default(),
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

impl<W: Write> Form for Csv<W> {
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
        self.to.flush()
    }
}
