//! The report of a closed day (S3.3 to S3.5): what the chain has, what both books said, what was corrected, what was paid; with
//! proofs that need nobody's word, line by line.
//!
//! It is as of one finalized block, at or after the one that the day was closed in. A closed day doesn't change, but later
//! corrections change its entries: those are told of too, so that what the day came to still adds up. Whatever the report says
//! of the chain is proven against that block's state root; what it says of the books is bound by the digests that the closing
//! carries, whose id the chain has.
//!
//! It is drawn up page by page: memory doesn't grow with the day.
use protocol::{
    ids::TradeId,
    reconciliation::{BookId, Closed, Closing, Correction, Day, DayRecord, Side, Terms},
    AccountId, Amount, VoucherId,
};
use serde::{Deserialize, Serialize};

use super::{
    line::{ChainEntry, Line},
    messages::SignedStatement,
};
use crate::audit::state::Nodes;

pub mod csv;
mod draw;
pub mod fault;
pub mod html;
pub mod json;
mod kept;
mod pager;
pub mod ports;
mod reports;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod world;

pub(crate) use draw::record;
pub use draw::{draw_up, Form, Sink};
pub use fault::ReportError;
pub use kept::Kept;
pub use reports::{Drawn, Reports, Shape};

/// What reports of this make are known by.
pub const FORMAT: &str = "quittance/reconciliation-report/1";
/// The most entries that one proof is for.
pub const PAGE: u32 = 256;

/// Everything, as it stands in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`FORMAT`].
    pub format: String,
    /// What it is of.
    pub head: Head,
    /// Entries of earlier, closed days of which a correction counts on this one.
    pub earlier: Vec<EntryPage>,
    /// The day's entries, ascending by trade.
    pub entries: Vec<EntryPage>,
    /// What the debit side's book said when the day was closed, in the pages that its digest is of; empty where it isn't known.
    pub debit: Vec<Vec<Line>>,
    /// What the credit side's book said.
    pub credit: Vec<Vec<Line>>,
    /// What all of it comes to.
    pub totals: Totals,
}

/// What a report is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The chain's genesis hash.
    #[serde(with = "protocol::text::bytes")]
    pub genesis: [u8; 32],
    /// The contract.
    #[serde(with = "protocol::text::account")]
    pub contract: AccountId,
    /// Which book.
    pub book: BookId,
    /// What both sides signed of it.
    pub terms: Terms,
    /// Which day.
    pub day: Day,
    /// The same, as people write it: `2026-11-25`.
    pub date: String,
    /// What the contract keeps of the day.
    pub record: DayRecord,
    /// What was signed at its closing.
    pub closing: Closing,
    /// How it was closed.
    pub closed: Closed,
    /// Where the chain tells of it.
    pub closed_in: Place,
    /// The debit side's signed statement of its book, as the closing has it.
    pub debit: Option<SignedStatement>,
    /// The credit side's.
    pub credit: Option<SignedStatement>,
    /// The voucher that the day was paid by, where it is cleared and known here.
    pub paid_by: Option<VoucherId>,
    /// What all proofs are of.
    pub at: ProvenAt,
}

/// The block that a report is as of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenAt {
    /// Its number.
    pub block: u32,
    /// Its hash: blake2-256 of the header.
    #[serde(with = "protocol::text::bytes")]
    pub hash: [u8; 32],
    /// SCALE of its header, which has the state root.
    #[serde(with = "hex_bytes")]
    pub header: Vec<u8>,
    /// Nodes of the state's trie: the contract, its book and its day.
    #[serde(with = "hex_nodes")]
    pub proof: Nodes,
}

/// Where the chain tells of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The finalized block.
    pub block: u32,
    /// Its hash.
    #[serde(with = "protocol::text::bytes")]
    pub block_hash: [u8; 32],
    /// The event's place among all events of the block.
    pub event: u32,
}

/// At most [`PAGE`] entries, and the proof of what the contract keeps of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryPage {
    /// Ascending by trade.
    pub entries: Vec<EntryLine>,
    /// Nodes of the state's trie.
    #[serde(with = "hex_nodes")]
    pub proof: Nodes,
}

/// One entry: what the chain has, and what the books said of it when the day was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryLine {
    /// What the chain has, and the event that told of it last.
    pub entry: ChainEntry,
    /// What became of it.
    pub status: Status,
    /// What the debit side's book said.
    pub debit: Said,
    /// What the credit side's book said.
    pub credit: Said,
    /// All corrections of it, in order.
    pub corrections: Vec<Corrected>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The books agreed with what the client had recorded.
    Matched,
    /// Something was wrong and is right now.
    Corrected,
    /// Both sides agreed that there was no such payment.
    Void,
}

impl Status {
    /// Follows from what the chain has.
    pub const fn of(entry: &ChainEntry) -> Self {
        match (entry.entry.amount, entry.corrections) {
            (0, _) => Self::Void,
            (_, 0) => Self::Matched,
            _ => Self::Corrected,
        }
    }

    /// In a word, as JSON has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Corrected => "corrected",
            Self::Void => "void",
        }
    }
}

/// How a book had an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Booked {
    /// As a line of its own.
    Line,
    /// As several.
    Lines,
    /// As one line with all others of its batch.
    Batch,
    /// Not at all.
    Nothing,
    /// The book isn't known here.
    Unknown,
}

/// What a book said of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// How.
    pub booked: Booked,
    /// Its lines of its own, in the asset's smallest unit.
    #[serde(with = "protocol::text::optional_amount")]
    pub amount: Option<Amount>,
}

impl EntryLine {
    /// What the chain had when this day was closed, in the asset's smallest unit: what corrections change that count on later
    /// days came afterwards.
    pub fn at_closing(&self, day: Day) -> Amount {
        let mut later = self
            .corrections
            .iter()
            .filter(|corrected| corrected.correction.day > day);
        later.next().map_or(self.entry.entry.amount, |corrected| {
            corrected.before.unwrap_or_default()
        })
    }
}

impl Said {
    /// As a book has it whose lines of the trade come to this.
    pub(crate) fn of(lines: Option<(u64, Amount)>, is_in_batch: bool) -> Self {
        let booked = match lines {
            Some((1, _)) => Booked::Line,
            Some(_) => Booked::Lines,
            None if is_in_batch => Booked::Batch,
            None => Booked::Nothing,
        };
        let amount = lines.map(|(_, amount)| amount);
        Self { booked, amount }
    }

    /// Of a book that isn't known.
    pub(crate) const UNKNOWN: Self = Self {
        booked: Booked::Unknown,
        amount: None,
    };
}

/// A correction, as the chain tells of it (S3.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corrected {
    /// What both sides signed.
    pub correction: Correction,
    /// What the chain had before, in the asset's smallest unit, if it had the entry.
    #[serde(with = "protocol::text::optional_amount")]
    pub before: Option<Amount>,
    /// Where.
    pub at: Place,
}

impl Corrected {
    /// By how much it changed what the day comes to that it counts on, in the asset's smallest unit; `None` beyond what can be
    /// reckoned.
    pub fn difference(&self) -> Option<i128> {
        let before = i128::try_from(self.before.unwrap_or_default()).ok()?;
        i128::try_from(self.correction.amount).ok()?.checked_sub(before)
    }
}

/// What a report comes to. Amounts are in the asset's smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Entries of the day when it was closed, without those that came to nothing.
    pub entries: u64,
    /// What they came to.
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// Corrections that count on the day.
    pub corrections: u64,
    /// What those of earlier days' entries changed.
    #[serde(with = "protocol::text::amount")]
    pub earlier: i128,
    /// What corrections that count on later days changed of this day's entries afterwards.
    #[serde(with = "protocol::text::amount")]
    pub later: i128,
    /// Lines of the debit side's book.
    pub debit_lines: u64,
    /// What they come to.
    #[serde(with = "protocol::text::amount")]
    pub debit: Amount,
    /// Lines of the credit side's book.
    pub credit_lines: u64,
    /// What they come to.
    #[serde(with = "protocol::text::amount")]
    pub credit: Amount,
}

impl Totals {
    /// With an entry of the day; `None` beyond what can be reckoned.
    #[must_use]
    pub fn with(mut self, line: &EntryLine, day: Day) -> Option<Self> {
        let amount = line.at_closing(day);
        self.entries = self.entries.checked_add(u64::from(amount > 0))?;
        self.amount = self.amount.checked_add(amount)?;
        for corrected in &line.corrections {
            if corrected.correction.day > day {
                self.later = self.later.checked_add(corrected.difference()?)?;
            } else {
                self.corrections = self.corrections.checked_add(1)?;
            }
        }
        Some(self)
    }

    /// With an entry of an earlier day.
    #[must_use]
    pub fn with_earlier(mut self, line: &EntryLine, day: Day) -> Option<Self> {
        let here = |corrected: &&Corrected| corrected.correction.day == day;
        for corrected in line.corrections.iter().filter(here) {
            self.earlier = self.earlier.checked_add(corrected.difference()?)?;
            self.corrections = self.corrections.checked_add(1)?;
        }
        Some(self)
    }

    /// With a line of a book.
    #[must_use]
    pub fn with_line(mut self, side: Side, line: &Line) -> Option<Self> {
        let (lines, amount) = match side {
            Side::Debit => (&mut self.debit_lines, &mut self.debit),
            Side::Credit => (&mut self.credit_lines, &mut self.credit),
            Side::Chain => return Some(self),
        };
        *lines = lines.checked_add(1)?;
        *amount = amount.checked_add(line.amount)?;
        Some(self)
    }

    /// What the day came to when it was closed.
    pub fn total(&self) -> Option<i128> {
        i128::try_from(self.amount).ok()?.checked_add(self.earlier)
    }
}

/// The id that a line of a batch carries: the batch's.
pub(crate) fn batch_line(entry: &ChainEntry) -> Option<TradeId> {
    entry.batch.map(|batch| TradeId(batch.0))
}

/// `#[serde(with = …)]` for bytes of any length: `0x…`.
mod hex_bytes {
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&protocol::text::to_hex(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x");
        let digits = digits.ok_or_else(|| D::Error::custom(format!("{text:?} doesn't begin with 0x")))?;
        hex::decode(digits).map_err(D::Error::custom)
    }
}

/// `#[serde(with = …)]` for nodes of a trie.
mod hex_nodes {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(serde::Serialize, Deserialize)]
    #[serde(transparent)]
    struct Node(#[serde(with = "super::hex_bytes")] Vec<u8>);

    pub(super) fn serialize<S: Serializer>(nodes: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(nodes.iter().map(|node| protocol::text::to_hex(node)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let nodes = Vec::<Node>::deserialize(deserializer)?;
        Ok(nodes.into_iter().map(|Node(bytes)| bytes).collect())
    }
}
