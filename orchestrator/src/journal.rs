//! What the clearing contract told, block by block: the source of statements and of what is told of windows and
//! disputes.
use async_trait::async_trait;
use protocol::{
    clearing::Balance,
    disputes::{Dispute, Response, Ruling},
    fees::FeeRule,
    settlement::{Asset, ClearingVoucher, Obligation, Voucher},
    windows::{Certificate, Shortfall},
    Amount, Member, Timestamp, VoucherId,
};

use crate::settlement::ports::{Block, LedgerError};

/// An event of the clearing contract and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The finalized block.
    pub block: Block,
    /// Its place among all events of the block: what explorers name it by.
    pub index: u32,
    /// What happened.
    pub event: Event,
}

/// The contract's events, as far as they move money, end something or contest it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A member put assets in.
    Deposited {
        /// Who.
        member: Member,
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
        /// The deposit's number.
        deposit: u64,
    },
    /// A member took assets out.
    Withdrawn {
        /// Who.
        member: Member,
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
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
    /// A debtor discharged its obligations.
    Cleared(ClearingVoucher),
    /// Vouchers were taken out of a window.
    TakenOut {
        /// The window's number.
        window: u32,
        /// Which.
        vouchers: Vec<VoucherId>,
    },
    /// A window was paid.
    WindowSettled(Certificate),
    /// A window could not be paid: nothing moved.
    WindowShort {
        /// The window's number.
        window: u32,
        /// Who lacks how much.
        shortfalls: Vec<Shortfall>,
    },
    /// A party contests an obligation.
    DisputeOpened {
        /// The voucher.
        voucher: VoucherId,
        /// What is contested, by whom, until when the notaries may rule.
        dispute: Box<Dispute>,
    },
    /// A party answered a dispute.
    DisputeAnswered {
        /// The voucher.
        voucher: VoucherId,
        /// The obligation's place.
        obligation: u8,
        /// Who, with what.
        response: Response,
    },
    /// A dispute has ended.
    DisputeRuled {
        /// The voucher.
        voucher: VoucherId,
        /// The obligation's place.
        obligation: u8,
        /// How.
        ruling: Ruling,
        /// What goes back.
        awarded: Amount,
    },
    /// What a ruling gave back was paid, or a part of it.
    AwardPaid {
        /// The voucher.
        voucher: VoucherId,
        /// The obligation's place.
        obligation: u8,
        /// How much, this time.
        amount: Amount,
    },
}

/// The clearing contract's past, at finalized blocks.
#[async_trait]
pub trait Journal: Send + Sync {
    /// The latest finalized block's number.
    fn head(&self) -> u32;
    /// Returns when a later block is finalized, or when the chain was lost and found again.
    async fn next_block(&self);
    /// A block by its number.
    async fn block(&self, number: u32) -> Result<Block, LedgerError>;
    /// A block's own time; 0 of the genesis block.
    async fn block_time(&self, number: u32) -> Result<Timestamp, LedgerError>;
    /// What happened in these blocks, both included, in order.
    async fn told(&self, from: u32, to: u32) -> Result<Vec<Told>, LedgerError>;
    /// A member's balance after a block; nothing where the contract wasn't there yet.
    async fn balance_after(&self, member: Member, asset: Asset, block: u32) -> Result<Balance, LedgerError>;
    /// A published fee schedule.
    async fn fee_schedule(&self, version: u32) -> Result<Option<Vec<FeeRule>>, LedgerError>;
    /// The obligation that a dispute is over.
    async fn contested(&self, voucher: VoucherId, obligation: u8) -> Result<Option<Obligation>, LedgerError>;
}
