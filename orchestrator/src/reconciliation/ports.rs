//! What reconciliation needs of the world. It knows neither HTTP nor subxt, so that it runs against the contract itself in
//! tests, without a node.
use async_trait::async_trait;
use protocol::{
    ids::TradeId,
    reconciliation::{
        BatchId, Book, BookId, Closing, Day, DayRecord, Entry, EntryRecord, Error, SignedCorrection, Terms,
    },
    registry::SignerSet,
    AccountId, Member, Signature, Timestamp,
};

use super::line::Line;
use super::messages::{
    ClosingProposal, CoSigned, CorrectionProposal, Delivery, PageRequest, SignedStatement, StatementRequest,
};
pub use crate::{
    chain::health::Check,
    settlement::ports::{Block, Clock, PeerError},
};

/// The chain didn't do what was asked.
pub type LedgerError = crate::settlement::ports::LedgerError<Error>;

/// What the contract is told: one of its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Opens a book.
    OpenBook {
        /// What both sides signed.
        terms: Terms,
        /// The registry's epoch at signing.
        epoch: u32,
        /// Good strictly before, in milliseconds since 1970.
        expires_at: Timestamp,
        /// The debit side's.
        debit: Signature,
        /// The credit side's.
        credit: Signature,
    },
    /// Records what customers paid (S3.1).
    Record {
        /// In which book.
        book: BookId,
        /// For which day.
        day: Day,
        /// What they may be booked under as one line.
        batch: Option<BatchId>,
        /// What; at most [`protocol::reconciliation::MAX_ENTRIES`].
        entries: Vec<Entry>,
    },
    /// Corrects (S3.4).
    Correct {
        /// In which book.
        book: BookId,
        /// What; at most [`protocol::reconciliation::MAX_CORRECTIONS`].
        corrections: Vec<SignedCorrection>,
    },
    /// Closes a day (S3.5).
    CloseDay {
        /// What is signed.
        closing: Closing,
        /// The registry's epoch at signing.
        epoch: u32,
        /// The debit side's.
        debit: Option<Signature>,
        /// The credit side's.
        credit: Option<Signature>,
    },
}

impl Act {
    /// The contract's message.
    pub const fn message(&self) -> &'static str {
        match self {
            Self::OpenBook { .. } => "open_book",
            Self::Record { .. } => "record",
            Self::Correct { .. } => "correct",
            Self::CloseDay { .. } => "close_day",
        }
    }
}

/// An event of the contract, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// The finalized block.
    pub block: Block,
    /// Its place among all events of the block.
    pub event: u32,
    /// What happened.
    pub what: Event,
}

/// What the contract tells. Fields as in its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A book was opened.
    BookOpened {
        /// Which.
        book: BookId,
        /// What both sides signed.
        terms: Terms,
    },
    /// Entries were recorded.
    Recorded {
        /// In which book.
        book: BookId,
        /// For which day.
        day: Day,
        /// What they may be booked under as one line.
        batch: Option<BatchId>,
        /// What.
        entries: Vec<Entry>,
    },
    /// An entry was corrected.
    Corrected {
        /// In which book.
        book: BookId,
        /// What the chain had before, if it had the entry.
        before: Option<protocol::Amount>,
        /// What both sides signed.
        correction: protocol::reconciliation::Correction,
    },
    /// A day was closed.
    DayClosed {
        /// Of which book.
        book: BookId,
        /// What was signed.
        closing: Closing,
        /// How.
        closed: protocol::reconciliation::Closed,
    },
}

/// The reconciliation contract, read at the latest finalized block, written to finality.
#[async_trait]
pub trait ReconciliationLedger: Send + Sync {
    /// The chain's genesis hash: part of everything signed.
    fn genesis(&self) -> [u8; 32];
    /// The contract's account: part of everything signed.
    fn contract(&self) -> AccountId;
    /// The latest finalized block, and its timestamp in milliseconds since 1970.
    fn head(&self) -> (u32, Timestamp);
    /// Returns when a block was finalized after the call, or when the chain was lost and found again.
    async fn next_block(&self);
    /// Has a block made, because time passes on chain only with blocks and some chains make none while nobody submits.
    async fn make_block(&self, key: &str) -> Result<(), LedgerError>;
    /// Whether the contract is the one that the deployment says.
    async fn check(&self) -> Check;
    /// The registry's answer for these members, in this order.
    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError>;
    /// These books, in this order; at most [`protocol::reconciliation::MAX_LISTED`], as of all that follow.
    async fn books(&self, books: &[BookId]) -> Result<Vec<Option<Book>>, LedgerError>;
    /// The book of these terms, by their id.
    async fn book_of(&self, terms: [u8; 32]) -> Result<Option<BookId>, LedgerError>;
    /// These entries of a book.
    async fn entries(&self, book: BookId, trades: &[TradeId]) -> Result<Vec<Option<EntryRecord>>, LedgerError>;
    /// These days of a book.
    async fn days(&self, book: BookId, days: &[Day]) -> Result<Vec<Option<DayRecord>>, LedgerError>;
    /// The block in which the contract was made, or the first that the node still knows.
    async fn first_block(&self) -> Result<u32, LedgerError>;
    /// What happened in these finalized blocks, both included, in order. All of it is in memory at once.
    async fn events(&self, from: u32, to: u32) -> Result<Vec<Happened>, LedgerError>;
    /// Does it and waits for finality: reads after it see it. `key` names the business step: the same key is never in flight
    /// twice, also after a restart.
    async fn carry_out(&self, key: &str, act: &Act) -> Result<Block, LedgerError>;
}

/// The other institutions of a book. Every question may be repeated.
#[async_trait]
pub trait Partners: Send + Sync {
    /// Tells a side of entries, as the client (S3.1). Taken once each.
    async fn deliver(&self, to: Member, delivery: &Delivery) -> Result<(), PeerError>;
    /// Asks the other side what its book says of a day (S3.2).
    async fn statement(&self, to: Member, request: &StatementRequest) -> Result<SignedStatement, PeerError>;
    /// Asks for a page of that.
    async fn page(&self, to: Member, request: &PageRequest) -> Result<Vec<Line>, PeerError>;
    /// Asks the other side to co-sign a correction (S3.4).
    async fn correct(&self, to: Member, proposal: &CorrectionProposal) -> Result<CoSigned, PeerError>;
    /// Asks the other side to co-sign the closing of a day (S3.5).
    async fn close(&self, to: Member, proposal: &ClosingProposal) -> Result<CoSigned, PeerError>;
}

/// What became of the payment of a day's total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paid {
    /// It is on its way.
    Pending,
    /// It is cleared, under this voucher.
    Cleared(protocol::VoucherId),
    /// It came to nothing; it may be tried again.
    Failed(String),
}

/// The way through clearing, for the debit side of books (S3.5).
#[async_trait]
pub trait Treasury: Send + Sync {
    /// Pays the credit side what a closed day comes to. `attempt` and the closing's id name the payment: asked again, it isn't
    /// paid again.
    async fn pay(&self, order: &PaymentOrder) -> Result<Paid, PeerError>;
}

/// What is to be paid for a closed day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentOrder {
    /// The closing's id.
    pub closing: [u8; 32],
    /// Counts up when an earlier one came to nothing.
    pub attempt: u32,
    /// Who is paid.
    pub to: Member,
    /// The number that it knows the paid account by.
    pub beneficiary: String,
    /// In what.
    pub asset: protocol::settlement::Asset,
    /// How much, in its smallest unit.
    pub amount: protocol::Amount,
}
