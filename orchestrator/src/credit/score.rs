//! How much a payer may owe to the credit node, computed from what the chain tells of it (S1.8). Integers only; nothing but
//! its arguments enters, so that an auditor comes to the same number.
//!
//! ```text
//! limit = base
//!       + on_time_percent % of what was repaid before its due time, in the window
//!       + volume_percent %  of the payments that were made, in the window
//!       − late_percent %    of what was repaid at or after its due time, in the window
//!       − overdue_percent % of what is overdue
//!       − the late fees that are owed
//! ```
//!
//! never below 0, never above `cap`. Each product is rounded down. Whatever would be beyond the largest amount is the largest
//! amount: each product, the sum of what speaks for the payer, and the sum of what speaks against it.
use std::collections::BTreeMap;

use protocol::{ids::content_id, settlement::Asset, AccountId, Amount, Timestamp};
use scale::Encode;
use serde::{Deserialize, Serialize};

/// Of evidence as it is made here. Another formula, or another layout, has another one.
pub const VERSION: u8 = 1;

const DAY: Timestamp = 86_400_000;

/// How a record is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// How far back repayments and payments count, in days of 24 hours.
    pub window_days: u32,
    /// What a payer without a record may owe, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub base: Amount,
    /// What no payer may owe more than.
    #[serde(with = "protocol::text::amount")]
    pub cap: Amount,
    /// How much of what was repaid on time is added.
    pub on_time_percent: u32,
    /// How much of the payments that were made is added.
    pub volume_percent: u32,
    /// How much of what was repaid late is subtracted.
    pub late_percent: u32,
    /// How much of what is overdue is subtracted.
    pub overdue_percent: u32,
}

/// The parameters of each asset: amounts of one say nothing about another's.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Of every asset that has none of its own.
    pub general: Parameters,
    /// Of those that have.
    pub own: BTreeMap<Asset, Parameters>,
}

/// What the chain tells of a payer, in an asset's smallest unit. Late fees are only in their own field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Principal that was repaid before its due time, in the window.
    #[serde(with = "protocol::text::amount")]
    pub repaid_on_time: Amount,
    /// Principal that was repaid at or after its due time, in the window.
    #[serde(with = "protocol::text::amount")]
    pub repaid_late: Amount,
    /// Principal of the payments that were made on credit, in the window.
    #[serde(with = "protocol::text::amount")]
    pub committed: Amount,
    /// Principal that is owed and due, however long, and whether or not somebody marked it.
    #[serde(with = "protocol::text::amount")]
    pub overdue: Amount,
    /// Late fees that were charged and not paid.
    #[serde(with = "protocol::text::amount")]
    pub fees_unpaid: Amount,
}

/// How each part of a record enters, and what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Added: the base.
    #[serde(with = "protocol::text::amount")]
    pub base: Amount,
    /// Added: for what was repaid on time.
    #[serde(with = "protocol::text::amount")]
    pub on_time: Amount,
    /// Added: for the payments that were made.
    #[serde(with = "protocol::text::amount")]
    pub volume: Amount,
    /// Subtracted: for what was repaid late.
    #[serde(with = "protocol::text::amount")]
    pub late: Amount,
    /// Subtracted: for what is overdue.
    #[serde(with = "protocol::text::amount")]
    pub overdue: Amount,
    /// Subtracted: the late fees that are owed.
    #[serde(with = "protocol::text::amount")]
    pub fees: Amount,
    /// What the payer may owe.
    #[serde(with = "protocol::text::amount")]
    pub limit: Amount,
}

/// Whose limit, for debts in what, by which contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The chain's genesis hash.
    #[serde(with = "protocol::text::bytes")]
    pub genesis: [u8; 32],
    /// The credit node's contract there.
    #[serde(with = "protocol::text::account")]
    pub contract: AccountId,
    /// Who may owe.
    #[serde(with = "protocol::text::account")]
    pub payer: AccountId,
    /// In what.
    pub asset: Asset,
}

/// The finalized block that a record is of: what came later is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredBlock {
    /// Its number.
    pub number: u32,
    /// Its hash.
    #[serde(with = "protocol::text::bytes")]
    pub hash: [u8; 32],
    /// Its time: the window's end, in milliseconds since 1970.
    pub time: Timestamp,
}

/// All that a limit was computed from, and the limit. The contract keeps its digest beside the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// [`VERSION`].
    pub version: u8,
    /// Whose limit.
    pub subject: Subject,
    /// As of when.
    pub block: ScoredBlock,
    /// How the record is judged.
    pub parameters: Parameters,
    /// What the chain tells.
    pub record: Record,
    /// What comes of it.
    pub score: Score,
}

impl Rules {
    /// How a payer's record in an asset is judged.
    pub fn of(&self, asset: Asset) -> Parameters {
        self.own.get(&asset).copied().unwrap_or(self.general)
    }
}

impl Parameters {
    /// How far back repayments and payments count, in milliseconds.
    pub fn window(&self) -> Timestamp {
        Timestamp::from(self.window_days).saturating_mul(DAY)
    }

    /// What comes of a record.
    pub fn score(&self, record: &Record) -> Score {
        let base = self.base;
        let on_time = percent(record.repaid_on_time, self.on_time_percent);
        let volume = percent(record.committed, self.volume_percent);
        let late = percent(record.repaid_late, self.late_percent);
        let overdue = percent(record.overdue, self.overdue_percent);
        let fees = record.fees_unpaid;
        let speaks_for = base.saturating_add(on_time).saturating_add(volume);
        let speaks_against = late.saturating_add(overdue).saturating_add(fees);
        Score {
            base,
            on_time,
            volume,
            late,
            overdue,
            fees,
            limit: speaks_for.saturating_sub(speaks_against).min(self.cap),
        }
    }
}

impl Evidence {
    /// The evidence of a limit.
    pub fn new(subject: Subject, block: ScoredBlock, parameters: Parameters, record: Record) -> Self {
        Self {
            version: VERSION,
            subject,
            block,
            parameters,
            record,
            score: parameters.score(&record),
        }
    }

    /// What the contract keeps beside the limit.
    pub fn digest(&self) -> [u8; 32] {
        content_id(b"quittance/credit-score", self)
    }
}

/// That many percent of an amount, rounded down. Hundreds and the rest are multiplied apart: of `100 q + r`, that is
/// `q * percent + r * percent / 100`, exactly. Only a result beyond the largest amount stops there.
fn percent(amount: Amount, percent: u32) -> Amount {
    let percent = Amount::from(percent);
    let hundreds = (amount / 100).saturating_mul(percent);
    // Below 100 * 2^32.
    let rest = (amount % 100).saturating_mul(percent) / 100;
    hundreds.saturating_add(rest)
}

#[cfg(test)]
#[path = "score_tests.rs"]
pub(crate) mod tests;
