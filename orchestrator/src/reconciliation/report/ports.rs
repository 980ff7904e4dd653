//! What a report is drawn up from.
use async_trait::async_trait;
use protocol::{
    ids::TradeId,
    reconciliation::{BookId, Closed, Closing, Day, Side, Terms},
    VoucherId,
};

use super::{Corrected, Place};
use crate::{
    audit::state::Nodes,
    reconciliation::{
        line::{ChainEntry, Line},
        messages::SignedStatement,
        ports::LedgerError,
    },
    store::StoreError,
};

/// How a day was closed, as the chain told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayClosing {
    /// What was signed.
    pub closing: Closing,
    /// How.
    pub closed: Closed,
    /// Where.
    pub at: Place,
}

/// What is kept here of a book.
#[async_trait]
pub trait Sources: Send + Sync {
    /// Up to which finalized block the chain was read; `None` before the first.
    async fn read_through(&self) -> Result<Option<u32>, StoreError>;
    /// What both sides signed.
    async fn terms(&self, book: BookId) -> Result<Option<Terms>, StoreError>;
    /// How a day was closed; `None` while it isn't.
    async fn closing(&self, book: BookId, day: Day) -> Result<Option<DayClosing>, StoreError>;
    /// The chain's entries of a day, those that came to nothing included, ascending by trade, after one.
    async fn entries(
        &self,
        book: BookId,
        day: Day,
        after: Option<TradeId>,
        limit: u32,
    ) -> Result<Vec<ChainEntry>, StoreError>;
    /// The chain's entries of other days of which a correction counts on this one, ascending by trade, after one.
    async fn corrected_on(
        &self,
        book: BookId,
        day: Day,
        after: Option<TradeId>,
        limit: u32,
    ) -> Result<Vec<ChainEntry>, StoreError>;
    /// All corrections of an entry, in order.
    async fn corrections(&self, book: BookId, trade: TradeId) -> Result<Vec<Corrected>, StoreError>;
    /// A side's signed statement with this digest.
    async fn statement(
        &self,
        book: BookId,
        day: Day,
        side: Side,
        digest: [u8; 32],
    ) -> Result<Option<SignedStatement>, StoreError>;
    /// A page of a statement, from 0; `None` behind the last.
    async fn page(
        &self,
        book: BookId,
        day: Day,
        side: Side,
        digest: [u8; 32],
        page: u64,
    ) -> Result<Option<Vec<Line>>, StoreError>;
    /// The voucher that a closed day was paid by, where it is cleared.
    async fn paid_by(&self, book: BookId, day: Day) -> Result<Option<VoucherId>, StoreError>;
}

/// A node that proves what its chain's state is.
#[async_trait]
pub trait Prover: Send + Sync {
    /// SCALE of a finalized block's header.
    async fn header(&self, number: u32) -> Result<Vec<u8>, LedgerError>;
    /// Proves what the main trie has under these keys after a block.
    async fn prove(&self, block: [u8; 32], keys: &[Vec<u8>]) -> Result<Nodes, LedgerError>;
    /// Proves what a child trie has under these keys after a block; `child` is the key of its root in the main trie.
    async fn prove_child(&self, block: [u8; 32], child: &[u8], keys: &[Vec<u8>]) -> Result<Nodes, LedgerError>;
}
