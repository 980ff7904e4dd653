//! What windows need of the chain, beyond what decisions do.
use async_trait::async_trait;
use protocol::{
    fees::FeeRule,
    settlement::{Asset, Voucher},
    windows::{Certificate, Closing},
    Amount, Member, Timestamp, VoucherId,
};

use crate::{
    decisions::ports::DecisionLedger,
    settlement::ports::{Block, LedgerError},
};

/// The windows of the clearing contract.
#[async_trait]
pub trait WindowLedger: DecisionLedger {
    /// Every institution, ascending.
    async fn members(&self) -> Result<Vec<Member>, LedgerError>;
    /// What paying a window that is cut off would come to now.
    async fn try_settling(&self, window: u32) -> Result<Closing, LedgerError>;
    /// Pays a window that is cut off, if everybody in it can pay. `key` names the business step, as everywhere.
    async fn settle(&self, key: &str, window: u32) -> Result<Block, LedgerError>;
    /// A block's own time; `None` where the node doesn't keep it any more.
    async fn time_of(&self, block: u32) -> Result<Option<Timestamp>, LedgerError>;
}

/// What the clearing contract told of windows, in its own events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Vouchers were retained. A large batch takes several of these, one after the other.
    Retained {
        /// The batch's number.
        batch: u32,
        /// When the relations were drawn up.
        drawn_at: Timestamp,
        /// The window that those settled net are in.
        window: u32,
        /// What was retained, also what is settled gross.
        vouchers: Vec<Voucher>,
    },
    /// Vouchers were taken out of a window.
    TakenOut {
        /// The window's number.
        window: u32,
        /// Which.
        vouchers: Vec<VoucherId>,
    },
    /// A window was paid.
    Settled(Certificate),
}

/// The events of the clearing contract, from finalized blocks.
#[async_trait]
pub trait Records: Send + Sync {
    /// What happened in these blocks, both included, in order.
    async fn records(&self, from: u32, to: u32) -> Result<Vec<Record>, LedgerError>;
    /// A published fee schedule.
    async fn schedule(&self, version: u32) -> Result<Option<Vec<FeeRule>>, LedgerError>;
    /// A member's net debit cap after a block.
    async fn cap(&self, member: Member, asset: Asset, block: u32) -> Result<Amount, LedgerError>;
}
