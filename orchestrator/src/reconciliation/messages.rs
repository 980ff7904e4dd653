//! What the institutions of a book write to each other.
use protocol::{
    ids::content_id,
    reconciliation::{BatchId, BookId, Closing, Correction, Day, Entry, Side},
    signing::{self, Domain, Purpose, PAYLOAD_LENGTH},
    Amount, Signature, Timestamp,
};
use scale::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// The most lines in one page of a book.
pub const PAGE: usize = 512;
/// The most entries in one delivery.
pub const MAX_DELIVERED: usize = 512;

/// The client tells a side of entries (S3.1). One that it was told of before changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Of which book.
    pub book: BookId,
    /// What it is to the recipient: its debit entries, or its credit entries.
    pub side: Side,
    /// For which day.
    pub day: Day,
    /// What they may be booked under as one line.
    pub batch: Option<BatchId>,
    /// What; at most [`MAX_DELIVERED`].
    pub entries: Vec<Entry>,
}

/// Asks a side what its book says of a day (S3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementRequest {
    /// Of which book.
    pub book: BookId,
    /// Of which day.
    pub day: Day,
    /// Entries up to this finalized block are to be in it: the other waits until it has seen the block.
    pub block: u32,
}

/// What a side's book says of a day: its lines of that day, and those of other days whose trade the chain has on that day;
/// ascending by trade and number, in pages of [`PAGE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Statement {
    /// Of which book.
    pub book: BookId,
    /// Whose.
    pub side: Side,
    /// Of which day.
    pub day: Day,
    /// How many lines.
    pub lines: u64,
    /// What they come to, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub total: Amount,
    /// Digest of all pages.
    #[serde(with = "protocol::text::bytes")]
    pub digest: [u8; 32],
    /// When it was drawn up, in milliseconds since 1970.
    pub at: Timestamp,
}

/// With the side's signature: evidence of what its book said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedStatement {
    /// What it says.
    pub statement: Statement,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// The side's.
    pub signature: Signature,
}

impl Statement {
    /// What the side signs.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        let id = content_id(b"quittance/book-statement", self);
        signing::payload(domain, Purpose::BookStatement, &id, Timestamp::MAX, &())
    }
}

/// Asks for a page of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Of which book.
    pub book: BookId,
    /// The statement's digest.
    #[serde(with = "protocol::text::bytes")]
    pub digest: [u8; 32],
    /// Which, from 0.
    pub page: u64,
}

/// Asks the other side to co-sign a correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionProposal {
    /// What is right.
    pub correction: Correction,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// The proposer's.
    pub signature: Signature,
    /// What the proposer's people say about it.
    pub comment: Option<String>,
}

/// Asks the other side to co-sign the closing of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingProposal {
    /// What is closed.
    pub closing: Closing,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// The proposer's.
    pub signature: Signature,
}

/// The answer to a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CoSigned {
    /// Signed too.
    Signed {
        /// The other's.
        signature: Signature,
    },
    /// Somebody there has to look at it: ask again.
    Pending,
    /// No.
    Refused {
        /// Why.
        code: RefusalCode,
        /// In words.
        reason: String,
    },
}

/// Why a side doesn't co-sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// It was signed by keys that have changed: sign again.
    StaleEpoch,
    /// It is for another number of corrections than the chain has, or for a day that it can't count on.
    Stale,
    /// This side's own matching finds no such break.
    NoSuchBreak,
    /// Somebody there rejected it.
    Rejected,
    /// This side's own matching finds breaks that are open.
    BreaksOpen,
    /// This side's own matching, or its book, says something else.
    Differs,
    /// The day can't be closed yet.
    TooEarly,
}
