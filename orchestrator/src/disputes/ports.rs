//! What disputes need of the world, beyond what decisions do.
use async_trait::async_trait;
use protocol::{disputes::Claim, settlement::Voucher, Amount, Member, Timestamp, VoucherId};

use super::messages::EvidenceLetter;
use crate::decisions::ports::DecisionLedger;
pub use crate::settlement::ports::{Block, Clock, LedgerError, PeerError};

/// The disputes of the clearing contract. What is written is written to finality, and `key` names the business step: the
/// same key is never in flight twice, also after a restart.
#[async_trait]
pub trait DisputeLedger: DecisionLedger {
    /// How long a dispute may be opened after a retention, and ruled after it was opened, in milliseconds.
    async fn dispute_periods(&self) -> Result<(Timestamp, Timestamp), LedgerError>;
    /// What went back of an obligation, by refunds and rulings together.
    async fn returned(&self, voucher: VoucherId, obligation: u8) -> Result<Amount, LedgerError>;
    /// Contests an obligation as `member`, which is this institution.
    async fn open_dispute(
        &self,
        key: &str,
        member: Member,
        voucher: &Voucher,
        claim: &Claim,
    ) -> Result<Block, LedgerError>;
    /// Answers a dispute as `member`, which is this institution.
    async fn answer_dispute(
        &self,
        key: &str,
        member: Member,
        voucher: VoucherId,
        obligation: u8,
        evidence: [u8; 32],
    ) -> Result<Block, LedgerError>;
    /// Ends a dispute that the notaries did not rule in time.
    async fn rule_by_default(&self, key: &str, voucher: VoucherId, obligation: u8) -> Result<Block, LedgerError>;
    /// How much of an award could be paid now.
    async fn try_award(&self, voucher: VoucherId, obligation: u8) -> Result<Amount, LedgerError>;
    /// Pays what a ruling gave back, as far as the balance of who owes it reaches.
    async fn pay_award(&self, key: &str, voucher: VoucherId, obligation: u8) -> Result<Block, LedgerError>;
    /// Has a block made, because time passes on chain only with blocks and some chains make none while nobody submits.
    async fn make_block(&self, key: &str) -> Result<(), LedgerError>;
}

/// The other institutions. Every letter may be repeated.
#[async_trait]
pub trait DisputePeers: Send + Sync {
    /// Hands a document over.
    async fn deliver(&self, to: Member, letter: &EvidenceLetter) -> Result<(), PeerError>;
}
