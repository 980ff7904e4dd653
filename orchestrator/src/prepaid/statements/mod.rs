//! A merchant's statement of a closed cycle, drawn up from the contract's events alone and compared with what the merchant
//! was told on the chain (S4.4). As CSV, JSON and camt.053.
use protocol::{
    prepaid::{CardNumber, Cycle, MerchantNumber, Statement},
    settlement::Asset,
    AccountId, Amount, Member,
};
use serde::{Deserialize, Serialize};

use super::{
    book::{differences, Book, Closing, Entry, MerchantBook, Mismatch, Place},
    past::At,
};

pub mod camt;
pub mod csv;
pub mod draw;
#[cfg(test)]
pub(crate) mod tests;

/// There is no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// No such merchant.
    #[error("there is no merchant {}", .0.0)]
    UnknownMerchant(MerchantNumber),
    /// The cycle isn't closed.
    #[error("cycle {cycle} of merchant {} isn't closed: the open one has the number {open}", merchant.0)]
    NotClosed {
        /// Whose.
        merchant: MerchantNumber,
        /// Which was asked for.
        cycle: u32,
        /// Which is open.
        open: u32,
    },
    /// A sum is beyond what a statement can show.
    #[error("an amount is beyond what a statement can show")]
    Overflow,
    /// Camt.053 has no room for an amount.
    #[error(
        "camt.053 takes amounts of at most 18 digits, at most 5 of them behind the point: {amount} with {decimals} doesn't fit; \
         take CSV or JSON"
    )]
    TooLong {
        /// In the asset's smallest unit.
        amount: Amount,
        /// How many digits stand behind the point.
        decimals: u8,
    },
    /// That isn't how currencies are written.
    #[error("{0:?} is no currency code: three capital letters, as in ISO 4217, XXX for none")]
    BadCurrency(String),
    /// What was written isn't what was meant.
    #[error("the camt.053 document can't be written: {0}")]
    Unwritable(String),
}

/// Whose programme it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The chain's genesis hash.
    #[serde(with = "protocol::text::bytes")]
    pub genesis: [u8; 32],
    /// The contract's account.
    #[serde(with = "protocol::text::account")]
    pub contract: AccountId,
    /// The issuer, by its index in the chain's registry.
    pub issuer: Member,
    /// What cards hold and merchants are paid in.
    pub asset: Asset,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineKind {
    /// A payment was taken.
    Payment,
    /// One was undone.
    Void,
    /// One, or a part of it, was given back.
    Refund,
    /// A dispute was decided for the holder.
    Award,
    /// Something was put in for refunds.
    Funding,
    /// What the issuer took.
    Fee,
    /// What the merchant was paid.
    Payout,
}

impl LineKind {
    /// All of them, in the order in which totals are shown.
    pub const ALL: [Self; 7] = [
        LineKind::Payment,
        LineKind::Void,
        LineKind::Refund,
        LineKind::Award,
        LineKind::Funding,
        LineKind::Fee,
        LineKind::Payout,
    ];

    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            LineKind::Payment => "payment",
            LineKind::Void => "void",
            LineKind::Refund => "refund",
            LineKind::Award => "award",
            LineKind::Funding => "funding",
            LineKind::Fee => "fee",
            LineKind::Payout => "payout",
        }
    }
}

impl From<super::book::EntryKind> for LineKind {
    fn from(kind: super::book::EntryKind) -> Self {
        use super::book::EntryKind;
        match kind {
            EntryKind::Payment => LineKind::Payment,
            EntryKind::Void => LineKind::Void,
            EntryKind::Refund => LineKind::Refund,
            EntryKind::Award => LineKind::Award,
            EntryKind::Funding => LineKind::Funding,
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is about.
    pub kind: LineKind,
    /// Whose payment it is, or is of.
    pub card: Option<CardNumber>,
    /// The payment's counter.
    pub counter: Option<u64>,
    /// The payment's reference, also where something of it went back; of funding, what the one who put it in knows it by.
    #[serde(with = "protocol::text::optional_bytes")]
    pub reference: Option<[u8; 32]>,
    /// The terminal that took the payment.
    pub terminal: Option<String>,
    /// What it changes of what the merchant is to be paid, in the asset's smallest unit; below 0 it lessens it.
    #[serde(with = "protocol::text::amount")]
    pub amount: i128,
    /// The event that tells of it.
    pub at: At,
    /// Its place in the event: one event tells of several payments.
    pub line: u32,
}

/// A merchant's statement with every line of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantStatement {
    /// Whose programme.
    pub subject: Subject,
    /// The event that closed the cycle.
    pub closed: At,
    /// What follows from the events: totals.
    pub statement: Statement,
    /// What moved, in the order of the chain; then fee and payout, where there is any.
    pub lines: Vec<Line>,
    /// What the merchant was told otherwise on the chain. Nothing, if all is well.
    pub differences: Vec<Mismatch>,
}

impl MerchantStatement {
    /// The statement of a cycle, as the events lead to it.
    ///
    /// # Errors
    /// `UnknownMerchant`, `NotClosed`, `Overflow`.
    pub fn of(book: &Book, subject: Subject, merchant: MerchantNumber, cycle: u32) -> Result<Self, StatementError> {
        let its = book.merchant(merchant);
        let its = its.ok_or(StatementError::UnknownMerchant(merchant))?;
        let closing = its.closing(cycle).ok_or(StatementError::NotClosed {
            merchant,
            cycle,
            open: its.open_cycle(),
        })?;
        let place = Place::Event {
            block: closing.at.block,
            event: closing.at.event,
        };
        let what = format!("merchant {}: cycle {cycle}", merchant.0);
        Ok(Self {
            subject,
            closed: closing.at,
            statement: closing.statement,
            lines: lines(book, its, closing)?,
            differences: differences(place, &what, &closing.told, &closing.statement),
        })
    }

    /// Every total by its name, in the order in which they are shown. Amounts are in the asset's smallest unit.
    pub fn totals(&self) -> [(&'static str, Amount); 16] {
        let Statement {
            cycle,
            fee_before,
            fee,
            fee_due,
            net,
            held,
            reserve,
            paid,
            ..
        } = self.statement;
        let Cycle {
            count,
            gross,
            voided_count,
            voided,
            refunded_count,
            refunded,
            awarded_count,
            awarded,
            funded,
            ..
        } = cycle;
        [
            ("count", count.into()),
            ("gross", gross),
            ("voided-count", voided_count.into()),
            ("voided", voided),
            ("refunded-count", refunded_count.into()),
            ("refunded", refunded),
            ("awarded-count", awarded_count.into()),
            ("awarded", awarded),
            ("funded", funded),
            ("fee-before", fee_before),
            ("fee", fee),
            ("fee-due", fee_due),
            ("net", net),
            ("held", held),
            ("reserve", reserve),
            ("paid", paid),
        ]
    }

    /// Whether opening balance and lines come to the closing balance.
    pub fn adds_up(&self) -> bool {
        let opening = i128::try_from(self.statement.cycle.opening);
        let sum = opening.ok().and_then(|opening| {
            let mut amounts = self.lines.iter().map(|line| line.amount);
            amounts.try_fold(opening, i128::checked_add)
        });
        sum.is_some_and(|sum| i128::try_from(self.statement.closing) == Ok(sum))
    }
}

fn lines(book: &Book, merchant: &MerchantBook, closing: &Closing) -> Result<Vec<Line>, StatementError> {
    let statement = &closing.statement;
    let entries = merchant.entries_of(statement.cycle.number);
    let moved = entries.iter().map(|entry| line(book, entry));
    let last = [(LineKind::Fee, statement.fee), (LineKind::Payout, statement.paid)];
    let last = last.into_iter().filter(|(_, amount)| *amount > 0);
    let last = last.map(|(kind, amount)| {
        Ok::<_, StatementError>(Line {
            kind,
            card: None,
            counter: None,
            reference: None,
            terminal: None,
            amount: signed(true, amount)?,
            at: closing.at,
            line: 0,
        })
    });
    moved.chain(last).collect()
}

fn line(book: &Book, entry: &Entry) -> Result<Line, StatementError> {
    let payment = entry.payment.and_then(|key| book.payment(key));
    Ok(Line {
        kind: entry.kind.into(),
        card: entry.payment.map(|key| key.0),
        counter: entry.payment.map(|key| key.1),
        reference: Some(entry.reference),
        terminal: payment.map(|taken| crate::chain::deployment::to_ss58(&taken.payment.terminal)),
        amount: signed(entry.kind.lessens(), entry.amount)?,
        at: entry.at,
        line: entry.line,
    })
}

/// An amount with its sign.
///
/// # Errors
/// `Overflow`.
pub fn signed(lessens: bool, amount: Amount) -> Result<i128, StatementError> {
    let amount = i128::try_from(amount).map_err(|_| StatementError::Overflow)?;
    Ok(if lessens { amount.saturating_neg() } else { amount })
}

/// A time in UTC, as RFC 3339 and ISO 20022 write it.
pub fn moment(at: protocol::Timestamp) -> String {
    use time::{format_description::well_known::Rfc3339, OffsetDateTime};
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at).saturating_mul(1_000_000))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| at.to_string())
}
