//! What decisions need of the world, beyond what settlement does.
use async_trait::async_trait;
use protocol::{
    decisions::{Approval, Decision},
    disputes::Dispute,
    settlement::Voucher,
    windows::Window,
    Member, VoucherId,
};

use super::messages::{ApprovalAnswer, ApprovalRequest};
use crate::settlement::ports::{Block, Ledger, LedgerError, PeerError};

/// The clearing contract, as far as the notaries decide about it.
#[async_trait]
pub trait DecisionLedger: Ledger {
    /// The active institutions with the notary's role, ascending.
    async fn notaries(&self) -> Result<Vec<Member>, LedgerError>;
    /// A window, by number.
    async fn window(&self, number: u32) -> Result<Option<Window>, LedgerError>;
    /// The dispute over an obligation.
    async fn dispute(&self, voucher: VoucherId, obligation: u8) -> Result<Option<Dispute>, LedgerError>;
    /// Submits a decision that enough notaries approved, and waits for finality. `vouchers` are those that are taken out
    /// of a window. `key` names the business step, as everywhere.
    async fn carry_out(
        &self,
        key: &str,
        decision: &Decision,
        vouchers: &[Voucher],
        approval: &Approval,
    ) -> Result<Block, LedgerError>;
}

/// The other notaries. A request may be repeated.
#[async_trait]
pub trait DecisionPeers: Send + Sync {
    /// Tells that this notary agreed, and asks whether the other one did.
    async fn approve(&self, to: Member, request: &ApprovalRequest) -> Result<ApprovalAnswer, PeerError>;
}
