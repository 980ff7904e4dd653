//! Files of an institution's own books: CSV with a map of columns, JSON lines, and camt.053, the bank statement of ISO 20022.
//!
//! They are read as streams: memory doesn't grow with the file, and nothing longer than [`MAX_LINE`] is ever held. Whatever is
//! wrong with a line is told with its place, up to [`MAX_TOLD`] of them; a file with anything wrong isn't imported.
mod camt;
mod csv;
mod fields;
mod json_lines;
mod source;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, io::BufRead, str::FromStr};

use protocol::{
    reconciliation::{Day, Side},
    settlement::Asset,
    Amount,
};
use serde::{Deserialize, Serialize};

use super::schedule::Clocks;
use crate::{
    assets::AssetName,
    store::books::{ImportRow, OwnLine},
};

/// The longest line, record of a CSV file or entry of a camt.053 file, in bytes.
pub const MAX_LINE: usize = 1 << 20;
/// The most lines that a report names as wrong.
pub const MAX_TOLD: usize = 1_000;
/// How many lines a report shows.
pub const PREVIEW: usize = 10;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A table, as [`Layout`] describes it.
    Csv,
    /// An object for each line.
    JsonLines,
    /// A bank statement of ISO 20022.
    Camt053,
}

impl Format {
    /// As people and the database write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "json_lines",
            Self::Camt053 => "camt053",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Csv, Self::JsonLines, Self::Camt053]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no format: write csv, json_lines or camt053"))
    }
}

/// How an institution's files look: which columns of its CSV say what, and what names of assets mean in any file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layout {
    /// What stands between columns.
    pub delimiter: char,
    /// The column that says what a payment is known by.
    pub id: String,
    /// The column of amounts: decimal numbers.
    pub amount: String,
    /// How many digits of a decimal number stand behind the point: with 2, `1.50` is 150. In camt.053 too.
    pub decimals: u8,
    /// What a decimal number's point is.
    pub decimal_point: char,
    /// The column that says on which day it was booked.
    pub date: String,
    /// How dates are written.
    pub date_format: String,
    /// The column that says at what time of that day, by the book's clocks; empty, where a line doesn't say.
    pub time: Option<String>,
    /// How times are written.
    pub time_format: String,
    /// The column that says who paid.
    pub payer: Option<String>,
    /// The column that names the asset; left out, it is the book's.
    pub asset: Option<String>,
    /// What names of assets mean, such as `EUR`. In any format.
    pub assets: BTreeMap<String, AssetName>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            delimiter: ',',
            id: "id".into(),
            amount: "amount".into(),
            decimals: 0,
            decimal_point: '.',
            date: "date".into(),
            date_format: "%Y-%m-%d".into(),
            time: None,
            time_format: "%H:%M:%S".into(),
            payer: None,
            asset: None,
            assets: BTreeMap::new(),
        }
    }
}

impl Layout {
    /// What can be wrong with it, in words.
    ///
    /// # Errors
    /// The first thing.
    pub fn check(&self) -> Result<(), String> {
        if !self.delimiter.is_ascii() || self.delimiter == '"' || self.delimiter == '\n' {
            return Err(format!("{:?} can't stand between columns", self.delimiter));
        }
        if self.decimal_point.is_ascii_digit() || self.decimal_point == '-' {
            return Err(format!("{:?} can't be a decimal point", self.decimal_point));
        }
        if self.decimals > fields::MAX_DECIMALS {
            return Err(format!("an amount has at most {} decimals", fields::MAX_DECIMALS));
        }
        if self.id.is_empty() || self.amount.is_empty() || self.date.is_empty() {
            return Err("the columns of ids, amounts and dates have to be named".into());
        }
        Ok(())
    }
}

/// What a file is read for.
#[derive(Clone, Debug)]
pub struct Reading {
    /// How it looks.
    pub layout: Layout,
    /// Which side's book it is.
    pub side: Side,
    /// What the book is in.
    pub asset: Asset,
    /// By whose clocks.
    pub clocks: Clocks,
    /// This day and all before it are final.
    pub closed_through: Option<Day>,
}

/// Something that is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BadLine {
    /// Its line, from 1.
    pub line: u64,
    /// Of CSV, the column's number; of others, the character's place in the line. From 1.
    pub column: u64,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// What comes out of a file, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A line of the book; its number is the line in the file.
    Line(OwnLine),
    /// Something is wrong there.
    Bad(BadLine),
    /// An entry that is none of this book's: why.
    Skipped(&'static str),
}

/// Whoever takes items said that it wants no more.
pub(super) struct Stopped;

/// Takes items one by one.
pub(super) type Sink<'a> = dyn FnMut(Item) -> Result<(), Stopped> + 'a;

/// Reads a file from its begin to its end, or to where nothing more can be made of it.
pub(super) fn read(
    source: impl BufRead,
    format: Format,
    reading: &Reading,
    sink: &mut Sink<'_>,
) -> Result<(), Stopped> {
    match format {
        Format::Csv => csv::read(source, reading, sink),
        Format::JsonLines => json_lines::read(source, reading, sink),
        Format::Camt053 => camt::read(source, reading, sink),
    }
}

/// What an import brought, or what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What people call the file.
    pub name: String,
    /// How it is written.
    pub format: Format,
    /// sha256 of it.
    pub digest: [u8; 32],
    /// The import, if the file is imported now or was before.
    pub import: Option<ImportRow>,
    /// Whether the same file was imported before: then nothing changed.
    pub is_known: bool,
    /// Whether it was only looked at.
    pub is_dry_run: bool,
    /// How many lines are in order.
    pub lines: u64,
    /// What they come to, in the asset's smallest unit.
    pub total: Amount,
    /// How many are of each day.
    pub days: BTreeMap<Day, u64>,
    /// How many entries of the file are none of this book's, and why.
    pub skipped: BTreeMap<&'static str, u64>,
    /// The first lines.
    pub preview: Vec<OwnLine>,
    /// What is wrong, in the order of the file: the first [`MAX_TOLD`].
    pub problems: Vec<BadLine>,
    /// How many more are wrong.
    pub more_problems: u64,
}

impl Report {
    pub(super) fn new(name: String, format: Format, is_dry_run: bool) -> Self {
        Self {
            name,
            format,
            digest: [0; 32],
            import: None,
            is_known: false,
            is_dry_run,
            lines: 0,
            total: 0,
            days: BTreeMap::new(),
            skipped: BTreeMap::new(),
            preview: Vec::new(),
            problems: Vec::new(),
            more_problems: 0,
        }
    }

    /// Takes note of an item.
    pub(super) fn note(&mut self, item: &Item) {
        match item {
            Item::Line(own) => {
                self.lines = self.lines.saturating_add(1);
                match self.total.checked_add(own.line.amount) {
                    Some(total) => self.total = total,
                    None => self.wrong(BadLine {
                        line: own.line.number,
                        column: 1,
                        problem: "the file comes to more than an amount can be".into(),
                    }),
                }
                let of_day = self.days.entry(own.line.day).or_default();
                *of_day = of_day.saturating_add(1);
                if self.preview.len() < PREVIEW {
                    self.preview.push(own.clone());
                }
            }
            Item::Bad(bad) => self.wrong(bad.clone()),
            Item::Skipped(why) => {
                let skipped = self.skipped.entry(why).or_default();
                *skipped = skipped.saturating_add(1);
            }
        }
    }

    fn wrong(&mut self, bad: BadLine) {
        if self.problems.len() < MAX_TOLD {
            self.problems.push(bad);
        } else {
            self.more_problems = self.more_problems.saturating_add(1);
        }
    }

    /// Whether nothing is wrong.
    pub fn is_in_order(&self) -> bool {
        self.problems.is_empty()
    }

    /// What is wrong, in a sentence.
    pub fn summary(&self) -> String {
        let Some(BadLine { line, column, problem }) = self.problems.first() else {
            return format!("{} lines are in order", self.lines);
        };
        let others = u64::try_from(self.problems.len()).unwrap_or(u64::MAX).saturating_sub(1);
        match others.saturating_add(self.more_problems) {
            0 => format!("line {line}, column {column}: {problem}"),
            more => format!("line {line}, column {column}: {problem} (and {more} more)"),
        }
    }
}
