//! What the escrow saga needs of the world. It knows neither HTTP nor subxt, so that it runs against the contract itself
//! in tests, without a node.
use async_trait::async_trait;
use protocol::{
    escrow::{Deal, Error, Secret, Terms},
    registry::SignerSet,
    settlement::Asset,
    AccountId, Amount, DealId, Member, Signature, Timestamp,
};

use super::messages::{Letter, Reply};
pub use crate::settlement::ports::{Block, Clock, PeerError};

/// The chain didn't do what was asked.
pub type LedgerError = crate::settlement::ports::LedgerError<Error>;

/// What an institution does to a deal on chain: a message of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// E1, with the money.
    Lock(Box<Terms>),
    /// E2, with the seller's bond.
    Accept {
        /// What the bond is in.
        asset: Asset,
        /// May be 0.
        bond: Amount,
    },
    /// E3.
    Reveal(Secret),
    /// E4.
    Claim(Secret),
    /// A deadline was missed.
    Refund,
    /// Both want out.
    Cancel {
        /// Of both signatures.
        expires_at: Timestamp,
        /// The buyer's.
        buyer: Signature,
        /// The seller's.
        seller: Signature,
    },
    /// Evidence for the arbiter: its digest.
    Dispute([u8; 32]),
    /// The arbiter's ruling: what the seller gets.
    Rule(Amount),
    /// The arbiter was silent.
    RuleByDefault,
}

impl Act {
    /// The contract's message, which is also the step's name.
    pub const fn message(&self) -> &'static str {
        match self {
            Act::Lock(_) => "lock",
            Act::Accept { .. } => "accept",
            Act::Reveal(_) => "reveal",
            Act::Claim(_) => "claim",
            Act::Refund => "refund",
            Act::Cancel { .. } => "cancel",
            Act::Dispute(_) => "dispute",
            Act::Rule(_) => "rule",
            Act::RuleByDefault => "rule_by_default",
        }
    }
}

/// The escrow contract, read at the latest finalized block, written to finality.
#[async_trait]
pub trait EscrowLedger: Send + Sync {
    /// The chain's genesis hash: part of everything signed.
    fn genesis(&self) -> [u8; 32];
    /// The escrow contract's account: part of everything signed.
    fn escrow(&self) -> AccountId;
    /// The shortest that a phase of a deal may be, in milliseconds.
    async fn gap(&self) -> Result<Timestamp, LedgerError>;
    /// The registry's answer for these members, in this order.
    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError>;
    /// The timestamp of the latest finalized block.
    fn time(&self) -> Timestamp;
    /// These deals, in this order, in a block at or after the one that [`EscrowLedger::time`] told of.
    async fn deals(&self, ids: &[DealId]) -> Result<Vec<Option<Deal>>, LedgerError>;
    /// Does it and waits for finality. `key` names the business step: the same key is never in flight twice, also after
    /// a restart.
    async fn carry_out(&self, key: &str, deal: DealId, act: &Act) -> Result<Block, LedgerError>;
    /// Has a block made, because time passes on chain only with blocks and some chains make none while nobody submits.
    async fn make_block(&self, key: &str) -> Result<(), LedgerError>;
    /// Returns when a block was finalized after the call, or when the chain was lost and found again.
    async fn next_block(&self);
}

/// The other institutions. Every letter may be repeated: the reply is the same.
#[async_trait]
pub trait EscrowPeers: Send + Sync {
    /// Hands a letter over.
    async fn deliver(&self, to: Member, letter: &Letter) -> Result<Reply, PeerError>;
}
