//! What the report says of the two books: that it is what their sides signed, and that it agrees with the entries.
use std::collections::HashMap;

use protocol::{ids::TradeId, reconciliation::Side, Amount};

use super::{BookCount, Outcome};
use crate::reconciliation::{
    line::{encode_lines, Digest, Line},
    messages::{SignedStatement, PAGE},
    report::{batch_line, EntryLine, Report, Said},
};

pub(super) fn check(report: &Report, outcome: &mut Outcome) {
    for side in [Side::Debit, Side::Credit] {
        let book = Book::of(report, side);
        let count = book.check(report, outcome);
        match side {
            Side::Debit => outcome.books.debit = count,
            _ => outcome.books.credit = count,
        }
    }
}

/// A side's book, as the report has it.
struct Book<'a> {
    side: Side,
    name: &'static str,
    pages: &'a [Vec<Line>],
    statement: Option<&'a SignedStatement>,
    /// As the closing has it.
    digest: [u8; 32],
}

impl<'a> Book<'a> {
    fn of(report: &'a Report, side: Side) -> Self {
        let head = &report.head;
        let (name, pages, statement, digest) = match side {
            Side::Debit => ("debit", &report.debit, &head.debit, head.closing.debit_book),
            _ => ("credit", &report.credit, &head.credit, head.closing.credit_book),
        };
        Self {
            side,
            name,
            pages,
            statement: statement.as_ref(),
            digest,
        }
    }

    fn check(&self, report: &Report, outcome: &mut Outcome) -> Option<BookCount> {
        let Some(signed) = self.statement else {
            let name = self.name;
            outcome
                .unverified
                .push(format!("what the {name} side's book said: the report doesn't have it"));
            outcome.ensure(self.pages.is_empty(), "book-differs", || {
                format!("there are lines of the {name} side's book, but no statement of it")
            });
            for line in entries(report) {
                self.ensure_says(line, Said::UNKNOWN, outcome);
            }
            return None;
        };
        self.bound(report, signed, outcome);
        Some(self.agrees(report, outcome))
    }

    /// The lines are those that the closing carries the digest of, and the side's statement says so too.
    fn bound(&self, report: &Report, signed: &SignedStatement, outcome: &mut Outcome) {
        let Self {
            side,
            name,
            pages,
            digest,
            ..
        } = *self;
        let made = pages
            .iter()
            .fold(Digest::EMPTY, |digest, page| digest.with(&encode_lines(page)))
            .bytes();
        outcome.ensure(made == digest, "book-altered", || {
            format!("the lines of the {name} side's book aren't those that the closing has the digest of")
        });
        let is_paged = pages
            .split_last()
            .is_none_or(|(last, full)| full.iter().all(|page| page.len() == PAGE) && (1..=PAGE).contains(&last.len()));
        outcome.ensure(is_paged, "book-altered", || {
            format!("the {name} side's book isn't in pages of {PAGE} lines")
        });
        let statement = &signed.statement;
        let (lines, total) = self.lines().fold((0u64, Some(0 as Amount)), |(count, sum), line| {
            (
                count.saturating_add(1),
                sum.and_then(|sum| sum.checked_add(line.amount)),
            )
        });
        let is_of = (statement.book, statement.side, statement.day) == (report.head.book, side, report.head.day);
        let says = (statement.digest, statement.lines, Some(statement.total)) == (digest, lines, total);
        outcome.ensure(is_of && says, "book-differs", || {
            format!("the {name} side's statement is of another book or day, or of other lines")
        });
        let mut last: Option<(TradeId, u64)> = None;
        for line in self.lines() {
            let key = (line.trade, line.number);
            outcome.ensure(last.is_none_or(|last| last < key), "out-of-order", || {
                format!(
                    "line {} of {} isn't in order in the {name} side's book",
                    line.number, line.trade
                )
            });
            last = Some(key);
        }
    }

    /// Each entry is booked, alone or with its batch, and nothing else is.
    fn agrees(&self, report: &Report, outcome: &mut Outcome) -> BookCount {
        let mut booked: HashMap<TradeId, (u64, Amount)> = HashMap::new();
        for line in self.lines() {
            let (count, sum) = booked.entry(line.trade).or_default();
            *count = count.saturating_add(1);
            *sum = sum.saturating_add(line.amount);
        }
        let mut count = BookCount {
            lines: self.lines().count().try_into().unwrap_or(u64::MAX),
            ..BookCount::default()
        };
        let day = report.head.day;
        let mut batches: HashMap<TradeId, Amount> = HashMap::new();
        for line in entries(report) {
            let trade = line.entry.entry.trade;
            let own = booked.remove(&trade);
            let batch =
                batch_line(&line.entry).filter(|batch| booked.contains_key(batch) || batches.contains_key(batch));
            let said = Said::of(own, batch.is_some() && line.entry.entry.amount > 0);
            self.ensure_says(line, said, outcome);
            let due = line.at_closing(day);
            match (own, batch) {
                (None, _) if due == 0 => continue,
                (Some((1, amount)), _) if due > 0 => {
                    count.rounded = count.rounded.saturating_add(u64::from(amount != due));
                }
                (None, Some(batch)) => {
                    let sum = batches.entry(batch).or_default();
                    *sum = sum.saturating_add(due);
                }
                _ => {
                    self.disagrees(report, trade, outcome);
                    continue;
                }
            }
            count.booked = count.booked.saturating_add(1);
        }
        for (batch, due) in batches {
            let rounded = match booked.remove(&batch) {
                Some((1, amount)) => amount != due,
                _ => {
                    self.disagrees(report, batch, outcome);
                    continue;
                }
            };
            count.rounded = count.rounded.saturating_add(u64::from(rounded));
        }
        let mut rest: Vec<TradeId> = booked.into_keys().collect();
        rest.sort_unstable();
        for trade in rest {
            self.disagrees(report, trade, outcome);
        }
        count
    }

    fn ensure_says(&self, line: &EntryLine, said: Said, outcome: &mut Outcome) {
        let told = match self.side {
            Side::Debit => line.debit,
            _ => line.credit,
        };
        outcome.ensure(told == said, "book-differs", || {
            let (name, trade) = (self.name, line.entry.entry.trade);
            format!("entry {trade}: the {name} side's book says {said:?}")
        });
    }

    /// Where both sides signed the closing, their books agree with the chain.
    fn disagrees(&self, report: &Report, trade: TradeId, outcome: &mut Outcome) {
        let detail = format!("{trade}: the {} side's book doesn't agree with the chain", self.name);
        if !report.head.closed.is_default {
            outcome.flaw("book-disagrees", detail);
        } else if outcome.unverified.len() < super::MAX_TOLD {
            outcome
                .unverified
                .push(format!("{detail}; it was closed by one side alone"));
        }
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.pages.iter().flatten()
    }
}

fn entries(report: &Report) -> impl Iterator<Item = &EntryLine> {
    report.entries.iter().flat_map(|page| &page.entries)
}
