//! What a regulator sees of a card programme (S4.5): totals, whether the float is covered, and patterns that call for a
//! look. Computed from the contract's events and finalized storage alone; integers only.
use protocol::{
    prepaid::{CardLimits, CardState},
    Amount, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    book::{Book, Mismatch},
    past::{At, BookBlock},
    statements::Subject,
};

pub mod coverage;
pub mod csv;
pub mod declines;
pub mod disputes;
pub mod limits;
pub mod patterns;
#[cfg(test)]
mod tests;
pub mod totals;
pub mod views;

pub use self::{
    coverage::{Coverage, Shortfall},
    declines::DeclineCount,
    disputes::{Disputes, OpenDispute},
    limits::OverLimit,
    patterns::{Structured, Structuring, Velocity},
    totals::{Sum, Totals},
};

const MINUTE: Timestamp = 60_000;
const DAY: Timestamp = 24 * 60 * MINUTE;

/// What calls for a look. Each has a default; none is a rule of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// So many payments of one card…
    pub velocity_payments: u32,
    /// …within less than so many milliseconds.
    pub velocity_within: Timestamp,
    /// So many top-ups, or payments, of one holder just below the threshold…
    pub structuring_count: u32,
    /// …within less than so many milliseconds.
    pub structuring_within: Timestamp,
    /// The threshold of top-ups, in the asset's smallest unit; the programme's limit for a card's balance if it isn't said.
    #[serde(with = "protocol::text::optional_amount")]
    pub top_up_threshold: Option<Amount>,
    /// The threshold of payments; the programme's limit for one payment if it isn't said.
    #[serde(with = "protocol::text::optional_amount")]
    pub payment_threshold: Option<Amount>,
    /// Just below is less than the threshold by at most so many hundredths of it, rounded down.
    pub below_percent: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            velocity_payments: 10,
            velocity_within: 10 * MINUTE,
            structuring_count: 3,
            structuring_within: DAY,
            top_up_threshold: None,
            payment_threshold: None,
            below_percent: 10,
        }
    }
}

impl Parameters {
    /// The thresholds of top-ups and of payments.
    pub fn thresholds(&self, programme: &CardLimits) -> (Amount, Amount) {
        (
            self.top_up_threshold.unwrap_or(programme.balance),
            self.payment_threshold.unwrap_or(programme.per_payment),
        )
    }
}

/// One end of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// A block, which is in the span.
    Block(u32),
    /// A time: in milliseconds since 1970. A span begins at it, and ends before it.
    Time(Timestamp),
}

/// What part of the past is looked at; all of it, if no end is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its begin.
    pub from: Option<Bound>,
    /// Its end.
    pub to: Option<Bound>,
}

impl Span {
    /// Whether something is in it.
    pub fn holds(&self, at: &At) -> bool {
        let begun = match self.from {
            None => true,
            Some(Bound::Block(block)) => at.block >= block,
            Some(Bound::Time(time)) => at.time >= time,
        };
        let over = match self.to {
            None => false,
            Some(Bound::Block(block)) => at.block > block,
            Some(Bound::Time(time)) => at.time >= time,
        };
        begun && !over
    }
}

/// The first and last block of something, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
}

/// What a regulator is told. Sums and patterns are of the span, what stands is as it stands after the last block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Whose programme.
    pub subject: Subject,
    /// The last block that was read.
    pub until: BookBlock,
    /// What part of the past is summed up.
    pub span: Span,
    /// What was looked for.
    pub parameters: Parameters,
    /// Sums.
    pub totals: Totals,
    /// Whether the contract has what it holds for others.
    pub coverage: Coverage,
    /// Cards that paid often within a short time.
    pub velocity: Vec<Velocity>,
    /// Holders who stayed just below a threshold several times.
    pub structuring: Vec<Structuring>,
    /// Cards that hold, or paid today, more than they may by now.
    pub over_limits: Vec<OverLimit>,
    /// Declined payments, by code and merchant.
    pub declines: Vec<DeclineCount>,
    /// Disputes.
    pub disputes: Disputes,
    /// What events say otherwise than the events before them lead to. Nothing, if all is well.
    pub mismatches: Vec<Mismatch>,
}

impl Report {
    /// Everything that follows from a book that was read up to a block. Coverage is looked up on the chain.
    pub fn of(
        book: &Book,
        subject: Subject,
        until: BookBlock,
        span: Span,
        parameters: Parameters,
        coverage: Coverage,
    ) -> Self {
        Self {
            subject,
            until,
            span,
            parameters,
            totals: totals::of(book, &span),
            coverage,
            velocity: patterns::velocity(book, &span, &parameters),
            structuring: patterns::structuring(book, &span, &parameters),
            over_limits: limits::of(book, until.time),
            declines: declines::of(book, &span),
            disputes: disputes::of(book, &span, until.time),
            mismatches: book.mismatches().to_vec(),
        }
    }

    /// How many things call for a look: a shortfall and a mismatch are among them, a decline or a dispute in time isn't.
    pub fn findings(&self) -> usize {
        let overdue = self.disputes.open.iter().filter(|dispute| dispute.is_overdue);
        [
            self.coverage.shortfalls.len(),
            self.velocity.len(),
            self.structuring.len(),
            self.over_limits.len(),
            overdue.count(),
            self.mismatches.len(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }
}

/// A card's state in a word.
pub const fn state_name(state: CardState) -> &'static str {
    match state {
        CardState::Active => "active",
        CardState::Frozen => "frozen",
        CardState::Closed => "closed",
    }
}
