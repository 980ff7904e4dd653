//! Lines of books: what a side's book says of a payment, whatever it came from.
use protocol::{
    ids::{content_id, PayerId, TradeId},
    reconciliation::{BatchId, Day, Entry},
    settlement::Asset,
    Amount, Timestamp,
};
use scale::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// One line of a side's book.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Line {
    /// What it is known by: a trade's id, or that of a batch where several entries were booked as one line.
    pub trade: TradeId,
    /// The side's own number of the line: tells duplicates apart, and says where it came from.
    pub number: u64,
    /// On which day the side booked it.
    pub day: Day,
    /// In the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// In what.
    pub asset: Asset,
    /// Who paid; nothing where the book doesn't say.
    pub payer: Option<PayerId>,
    /// When; nothing where the book says the day only.
    pub time: Option<Timestamp>,
}

/// A bilateral entry as the finalized chain has it, and where it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ChainEntry {
    /// What is known of it.
    pub entry: Entry,
    /// For which day.
    pub day: Day,
    /// What it may be booked under as one line, with others.
    pub batch: Option<BatchId>,
    /// How often it was corrected.
    pub corrections: u32,
    /// The finalized block of the event that made it, or changed it last.
    pub block: u32,
    /// That block's hash.
    #[serde(with = "protocol::text::bytes")]
    pub block_hash: [u8; 32],
    /// The event's place among all events of the block.
    pub event: u32,
}

/// What a book comes to be known by, page by page: whoever has the same lines in the same pages has the same digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a book without lines.
    pub const EMPTY: Self = Self([0; 32]);

    /// With another page.
    #[must_use]
    pub fn with<T: Encode>(self, page: &[T]) -> Self {
        Self(content_id(b"quittance/book-page", &(self.0, page)))
    }

    /// The bytes.
    pub const fn bytes(self) -> [u8; 32] {
        self.0
    }
}
