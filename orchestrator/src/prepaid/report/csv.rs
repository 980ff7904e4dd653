//! A report, a holder's and a merchant's view as CSV.
//!
//! Columns are always the same, in the same order. Amounts are integers in the asset's smallest unit.
use protocol::{
    prepaid::{CardNumber, MerchantNumber},
    text::to_hex,
};

use super::{
    declines::code_name,
    views::{DeclinedLine, HolderView, MerchantView},
    Report,
};
use crate::{chain::deployment::to_ss58, prepaid::statements::moment};

/// What the columns of a report are called: one row for each total, then one for each finding.
pub const REPORT: [&str; 11] = [
    "section",
    "name",
    "card",
    "merchant",
    "holder",
    "count",
    "amount",
    "limit",
    "first_block",
    "last_block",
    "detail",
];

/// What the columns of a holder's view are called.
pub const HOLDER: [&str; 14] = [
    "kind",
    "card",
    "counter",
    "merchant",
    "reference",
    "amount",
    "to_holder",
    "balance",
    "code",
    "time",
    "block",
    "block_hash",
    "event",
    "line",
];

/// What the columns of a merchant's view are called.
pub const MERCHANT: [&str; 17] = [
    "kind",
    "card",
    "counter",
    "merchant",
    "reference",
    "terminal",
    "asked",
    "taken",
    "returned",
    "is_voided",
    "cycle",
    "code",
    "time",
    "block",
    "block_hash",
    "event",
    "line",
];

/// A row of a report, by what it is about.
#[derive(Default)]
struct Row {
    section: &'static str,
    name: String,
    cards: Vec<CardNumber>,
    merchants: Vec<MerchantNumber>,
    holder: String,
    count: String,
    amount: String,
    limit: String,
    first: String,
    last: String,
    detail: String,
}

impl Row {
    fn cells(self) -> [String; 11] {
        let list = |numbers: Vec<String>| numbers.join(" ");
        [
            self.section.to_owned(),
            self.name,
            list(self.cards.iter().map(|card| card.0.to_string()).collect()),
            list(self.merchants.iter().map(|merchant| merchant.0.to_string()).collect()),
            self.holder,
            self.count,
            self.amount,
            self.limit,
            self.first,
            self.last,
            self.detail,
        ]
    }
}

/// Writes a report.
///
/// # Errors
/// It can't be written.
pub fn report(report: &Report) -> Result<String, csv::Error> {
    let sections = [
        totals(report),
        coverage(report),
        patterns(report),
        limits(report),
        declines(report),
        disputes(report),
        mismatches(report),
    ];
    write(&REPORT, sections.into_iter().flatten().map(Row::cells))
}

fn totals(report: &Report) -> Vec<Row> {
    let row = |(name, sum): (&'static str, super::Sum)| Row {
        section: "total",
        name: name.into(),
        count: sum.count.to_string(),
        amount: sum.amount.to_string(),
        ..Row::default()
    };
    report.totals.named().into_iter().map(row).collect()
}

fn coverage(report: &Report) -> Vec<Row> {
    let coverage = &report.coverage;
    let due = coverage.float.cards.saturating_add(coverage.float.merchants);
    let all = Row {
        section: "coverage",
        name: "float".into(),
        count: coverage.blocks.to_string(),
        amount: coverage.has.to_string(),
        limit: due.to_string(),
        last: report.until.number.to_string(),
        ..Row::default()
    };
    let short = coverage.shortfalls.iter().map(|short| Row {
        section: "coverage",
        name: "shortfall".into(),
        amount: short.has.to_string(),
        limit: short
            .expected
            .cards
            .saturating_add(short.expected.merchants)
            .to_string(),
        first: short.block.to_string(),
        last: short.block.to_string(),
        detail: format!(
            "the contract said {} of cards and {} of merchants, the events lead to {} and {}",
            short.said.cards, short.said.merchants, short.expected.cards, short.expected.merchants
        ),
        ..Row::default()
    });
    [all].into_iter().chain(short).collect()
}

fn patterns(report: &Report) -> Vec<Row> {
    let fast = report.velocity.iter().map(|fast| Row {
        section: "velocity",
        cards: vec![fast.card],
        merchants: fast.merchants.clone(),
        holder: to_ss58(&fast.holder),
        count: fast.payments.to_string(),
        amount: fast.amount.to_string(),
        first: fast.blocks.first.to_string(),
        last: fast.blocks.last.to_string(),
        ..Row::default()
    });
    let split = report.structuring.iter().map(|split| Row {
        section: "structuring",
        name: split.of.as_str().into(),
        cards: split.cards.clone(),
        merchants: split.merchants.clone(),
        holder: to_ss58(&split.holder),
        count: split.count.to_string(),
        amount: split.amount.to_string(),
        limit: split.threshold.to_string(),
        first: split.blocks.first.to_string(),
        last: split.blocks.last.to_string(),
        ..Row::default()
    });
    fast.chain(split).collect()
}

fn limits(report: &Report) -> Vec<Row> {
    let row = |over: &super::OverLimit| Row {
        section: "over-limit",
        name: over.limit_of.clone(),
        cards: vec![over.card],
        holder: to_ss58(&over.holder),
        amount: over.amount.to_string(),
        limit: over.limit.to_string(),
        first: over.since_block.map(|block| block.to_string()).unwrap_or_default(),
        detail: over.cause.map(cause_name).unwrap_or_default(),
        ..Row::default()
    };
    report.over_limits.iter().map(row).collect()
}

fn declines(report: &Report) -> Vec<Row> {
    let row = |count: &super::DeclineCount| Row {
        section: "decline",
        name: code_name(count.code),
        merchants: vec![count.merchant],
        count: count.declined.count.to_string(),
        amount: count.declined.amount.to_string(),
        first: count.blocks.first.to_string(),
        last: count.blocks.last.to_string(),
        ..Row::default()
    };
    report.declines.iter().map(row).collect()
}

fn disputes(report: &Report) -> Vec<Row> {
    let sum = |(name, sum): (&str, super::Sum)| Row {
        section: "disputes",
        name: name.into(),
        count: sum.count.to_string(),
        amount: sum.amount.to_string(),
        ..Row::default()
    };
    let all = &report.disputes;
    let sums = [
        ("opened", all.opened),
        ("ruled", all.ruled),
        ("defaulted", all.defaulted),
    ];
    let open = all.open.iter().map(|open| Row {
        section: "dispute",
        name: if open.is_overdue { "overdue" } else { "open" }.into(),
        cards: vec![open.card],
        merchants: vec![open.merchant],
        count: open.counter.to_string(),
        amount: open.amount.to_string(),
        first: open.opened_in.to_string(),
        detail: format!(
            "{}answered, to be decided before {}",
            if open.is_answered { "" } else { "not " },
            moment(open.rule_by)
        ),
        ..Row::default()
    });
    sums.into_iter().map(sum).chain(open).collect()
}

fn mismatches(report: &Report) -> Vec<Row> {
    let row = |mismatch: &crate::prepaid::book::Mismatch| Row {
        section: "mismatch",
        detail: mismatch.to_string(),
        ..Row::default()
    };
    report.mismatches.iter().map(row).collect()
}

/// A cause in a word, as JSON has it.
fn cause_name(cause: crate::prepaid::book::OverCause) -> String {
    let value = serde_json::to_value(cause).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// Writes a holder's view: what moved, then what was declined.
///
/// # Errors
/// It can't be written.
pub fn holder(view: &HolderView) -> Result<String, csv::Error> {
    let moved = view.movements.iter().map(|line| {
        [
            line.kind.as_str().to_owned(),
            view.number.0.to_string(),
            cell(line.counter),
            cell(line.merchant.map(|merchant| merchant.0)),
            cell(line.reference.map(|reference| to_hex(&reference))),
            line.amount.to_string(),
            line.to_holder.to_string(),
            line.balance.to_string(),
            String::new(),
            moment(line.at.time),
            line.at.block.to_string(),
            to_hex(&line.at.hash),
            line.at.event.to_string(),
            line.line.to_string(),
        ]
    });
    let refused = view.declined.iter().map(|line: &DeclinedLine| {
        [
            "declined".to_owned(),
            view.number.0.to_string(),
            line.counter.to_string(),
            line.merchant.0.to_string(),
            to_hex(&line.reference),
            line.amount.to_string(),
            String::new(),
            String::new(),
            code_name(line.code),
            moment(line.at.time),
            line.at.block.to_string(),
            to_hex(&line.at.hash),
            line.at.event.to_string(),
            line.line.to_string(),
        ]
    });
    write(&HOLDER, moved.chain(refused))
}

/// Writes a merchant's view: what it took, then what was declined.
///
/// # Errors
/// It can't be written.
pub fn merchant(view: &MerchantView) -> Result<String, csv::Error> {
    let number = view.number.0.to_string();
    let taken = view.payments.iter().map(|line| {
        [
            "payment".to_owned(),
            line.card.0.to_string(),
            line.counter.to_string(),
            number.clone(),
            to_hex(&line.reference),
            line.terminal.clone(),
            line.asked.to_string(),
            line.taken.to_string(),
            line.returned.to_string(),
            line.is_voided.to_string(),
            line.cycle.to_string(),
            String::new(),
            moment(line.at.time),
            line.at.block.to_string(),
            to_hex(&line.at.hash),
            line.at.event.to_string(),
            line.line.to_string(),
        ]
    });
    let refused = view.declined.iter().map(|line| {
        [
            "declined".to_owned(),
            line.card.0.to_string(),
            line.counter.to_string(),
            number.clone(),
            to_hex(&line.reference),
            line.terminal.clone(),
            line.amount.to_string(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            code_name(line.code),
            moment(line.at.time),
            line.at.block.to_string(),
            to_hex(&line.at.hash),
            line.at.event.to_string(),
            line.line.to_string(),
        ]
    });
    write(&MERCHANT, taken.chain(refused))
}

fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn write<const N: usize>(columns: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(columns)?;
    for row in rows {
        writer.write_record(row)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
