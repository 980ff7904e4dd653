//! What the saga needs of the world. It knows neither HTTP nor subxt, so that it runs under a simulation in tests.
use async_trait::async_trait;
use protocol::{
    clearing::{Balance, Current, Retention},
    fees::FeeRule,
    registry::SignerSet,
    settlement::{Asset, RetentionBatch, SignedClearingVoucher, Voucher},
    signing::MemberSignature,
    windows::Position,
    AccountId, Member, Timestamp,
};

use super::messages::{
    Answer, Assistance, AssistanceRequest, Attestation, AttestationRequest, BatchDraft, Confirmation, Consent,
    Proposal, RelationDraft, RetentionDraft, RetentionProgress, RetentionRequest, RetentionVoucher,
};

/// A finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its number.
    pub number: u32,
    /// Its hash.
    pub hash: [u8; 32],
}

/// The chain didn't do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LedgerError<E: std::fmt::Debug = protocol::clearing::Error> {
    /// The contract refuses; asking again changes nothing unless the state does.
    #[error("the contract refuses: {0:?}")]
    Refused(E),
    /// The chain refuses for a reason of its own (no funds for fees, code missing…).
    #[error("the chain refuses: {0}")]
    Rejected(String),
    /// The chain can't be reached, or hasn't finalized: try again later.
    #[error("the chain can't be reached: {0}")]
    Unavailable(String),
}

/// The stable code of a contract's refusal: `InsufficientBalance { .. }` is `insufficient-balance`.
pub fn refusal_code(refusal: &impl std::fmt::Debug) -> String {
    let debug = format!("{refusal:?}");
    let variant = debug.split(|c: char| !c.is_ascii_alphanumeric()).next();
    let mut code = String::new();
    for character in variant.unwrap_or_default().chars() {
        if character.is_ascii_uppercase() && !code.is_empty() {
            code.push('-');
        }
        code.push(character.to_ascii_lowercase());
    }
    code
}

/// The settlement contracts, read at the latest finalized block, written to finality.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The chain's genesis hash: part of everything signed.
    fn genesis(&self) -> [u8; 32];
    /// The clearing contract's account: part of everything signed.
    fn clearing(&self) -> AccountId;
    /// The registry's answer for these members, in this order.
    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError>;
    /// A member's balance in the clearing contract.
    async fn balance(&self, member: Member, asset: Asset) -> Result<Balance, LedgerError>;
    /// The timestamp of the latest finalized block. A voucher that isn't retained in a block at or after its expiry
    /// never will be: a clock on the wall can't tell that.
    async fn time(&self) -> Result<Timestamp, LedgerError>;
    /// What follows from a voucher, and how far it is paid, if it was retained.
    async fn retention(&self, voucher: &Voucher) -> Result<Option<Retention>, LedgerError>;
    /// What the latest fee schedule and the open window are.
    async fn current(&self) -> Result<Current, LedgerError>;
    /// A published fee schedule.
    async fn schedule(&self, version: u32) -> Result<Option<Vec<FeeRule>>, LedgerError>;
    /// What a member is owed and owes in a window.
    async fn position(&self, window: u32, member: Member, asset: Asset) -> Result<Position, LedgerError>;
    /// Submits a retention and waits for finality. `key` names the business step: the same key is never in flight
    /// twice, also after a restart.
    async fn retain(
        &self,
        key: &str,
        batch: &RetentionBatch,
        signatures: &[MemberSignature],
    ) -> Result<Block, LedgerError>;
    /// Submits clearing vouchers and waits for finality. `key` as above.
    async fn clear(&self, key: &str, vouchers: &[SignedClearingVoucher]) -> Result<Block, LedgerError>;
    /// Returns when a block was finalized after the call, or when the chain was lost and found again.
    async fn next_block(&self);
}

/// A peer didn't answer as asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PeerError {
    /// No answer, or a passing fault: the same request may be sent again.
    #[error("member {member} can't be reached: {why}")]
    Unreachable {
        /// Who.
        member: Member,
        /// What happened.
        why: String,
    },
    /// The peer answered that the request is wrong: sending it again changes nothing.
    #[error("member {member} rejects the request ({code}): {detail}")]
    Rejected {
        /// Who.
        member: Member,
        /// The problem's stable code.
        code: String,
        /// The problem's text.
        detail: String,
    },
}

/// The other institutions. Every call may be repeated: the answer to the same question is the same.
#[async_trait]
pub trait Peers: Send + Sync {
    /// Asks a destination to co-sign.
    async fn propose(&self, to: Member, proposal: &Proposal) -> Result<Answer<Confirmation>, PeerError>;
    /// Asks an institution whether it has anything against a payment.
    async fn assist(&self, to: Member, request: &AssistanceRequest) -> Result<Answer<Assistance>, PeerError>;
    /// Asks a notary to retain.
    async fn request_retention(&self, to: Member, request: &RetentionRequest) -> Result<RetentionProgress, PeerError>;
    /// Asks a destination for its word.
    async fn attest(&self, to: Member, request: &AttestationRequest) -> Result<Answer<Attestation>, PeerError>;
    /// Asks another notary to verify and sign a retention too.
    async fn co_sign(&self, to: Member, draft: &RetentionDraft) -> Result<Answer<Consent>, PeerError>;
    /// Asks a party to co-sign a relation.
    async fn consent(&self, to: Member, draft: &RelationDraft) -> Result<Answer<Consent>, PeerError>;
    /// Asks a party or another notary to sign for several retentions at once.
    async fn sign_batch(&self, to: Member, draft: &BatchDraft) -> Result<MemberSignature, PeerError>;
    /// Hands the retention voucher over.
    async fn deliver(&self, to: Member, voucher: &RetentionVoucher) -> Result<(), PeerError>;
}

/// Wall-clock time.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now(&self) -> Timestamp;
}
