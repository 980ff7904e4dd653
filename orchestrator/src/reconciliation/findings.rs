//! What matching finds (S3.2 to S3.4).
use protocol::{
    ids::TradeId,
    reconciliation::{Cause, Day, Side},
    Amount, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::line::{ChainEntry, Line};

/// How exactly books must agree with the chain. By default: to the unit, on the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// By how much an amount may differ, in the asset's smallest unit, because a book rounds.
    pub amount: Amount,
    /// A line of another day is on the right one if its time is within so many milliseconds of the entry's.
    pub time: Timestamp,
}

/// What is wrong with one trade: all of it that was found in one run, at both sides. It is traced: who is off, by how much,
/// since which finalized block the chain has the entry, and the lines that show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which trade: the chain's id, where the chain has an entry; the line's, where it has none.
    pub trade: TradeId,
    /// On which day.
    pub day: Day,
    /// What is wrong and where, ascending, each once.
    pub causes: Vec<Cause>,
    /// The chain's entry, if there is one.
    pub entry: Option<ChainEntry>,
    /// The debit side's lines of it: none, one, or duplicates; under another id with `AlteredId`; that of the whole batch,
    /// where one was booked as one line and its sum is off.
    pub debit: Vec<Line>,
    /// The credit side's.
    pub credit: Vec<Line>,
    /// Whether it isn't time yet to call it missing: everything else about it is in order.
    pub is_expected: bool,
}

impl Finding {
    /// The lines of a side.
    pub fn lines(&self, side: Side) -> &[Line] {
        match side {
            Side::Debit => &self.debit,
            Side::Credit => &self.credit,
            Side::Chain => &[],
        }
    }

    /// By how much a side's book is off, in the asset's smallest unit: what it says less what the chain says.
    pub fn off(&self, side: Side) -> i128 {
        let says: i128 = self.lines(side).iter().map(|line| line.amount as i128).sum();
        let chain = self.entry.map_or(0, |entry| entry.entry.amount as i128);
        says.saturating_sub(chain)
    }
}

/// What a run counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Entries of the chain, without those that came to nothing.
    pub entries: u64,
    /// What they come to, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub total: Amount,
    /// Entries on which all three agree, those of batches included.
    pub matched: u64,
    /// Of these, how many agree only within the tolerance.
    pub rounded: u64,
    /// Of these, how many a side booked as one line with others.
    pub in_batches: u64,
    /// Lines of the debit side.
    pub debit_lines: u64,
    /// Lines of the credit side.
    pub credit_lines: u64,
    /// Trades with something wrong.
    pub breaks: u64,
    /// Trades that may still come.
    pub expected: u64,
}
