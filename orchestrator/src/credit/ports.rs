//! What the credit system needs of a chain. It knows neither HTTP nor subxt, so that it runs against the contract itself in
//! tests, without a node.
use async_trait::async_trait;
use protocol::{
    credit::{
        Constants, CreditRequest, Debt, Error, LimitOrder, Limits, Payout, PayoutBlock, Raise, RaiseDecision,
        RaiseRequest,
    },
    settlement::Asset,
    AccountId, Amount, Member, RequestId, Signature, Timestamp,
};

use super::messages::{ArrivalAnswer, ConsentAnswer, ConsentRequest};
pub use crate::{
    chain::health::Check,
    settlement::ports::{Block, Clock, PeerError},
};

/// The chain didn't do what was asked.
pub type LedgerError = crate::settlement::ports::LedgerError<Error>;

/// What a credit node does on one of its chains: a message of the contract. Amounts are in the asset's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Hands in a payee's word on how much a payer may owe (S1.7).
    SetLimit {
        /// What the payee said.
        order: LimitOrder,
        /// The payee's.
        signature: Signature,
    },
    /// Says how much a payer may owe, over all payees (S1.8).
    SetNodeLimit {
        /// Who may owe.
        payer: AccountId,
        /// In what.
        asset: Asset,
        /// How much.
        limit: Amount,
        /// Digest of what that was computed from.
        evidence: [u8; 32],
    },
    /// Takes nothing new of a payer.
    Freeze(AccountId),
    /// Takes requests of a payer again.
    Unfreeze(AccountId),
    /// Hands in a payer's wish for a higher limit (S1.12).
    RequestRaise {
        /// What the payer wishes.
        wish: RaiseRequest,
        /// The payer's.
        signature: Signature,
    },
    /// Decides on a payer's open wish (S1.12).
    DecideRaise {
        /// Whose wish.
        payer: AccountId,
        /// In what.
        asset: Asset,
        /// How, and on which grounds.
        decision: RaiseDecision,
    },
    /// Counts a request against both limits (S1.7, S1.8).
    Reserve {
        /// What payer and payee signed.
        request: Box<CreditRequest>,
        /// The payer's.
        payer: Signature,
        /// The payee's.
        payee: Signature,
    },
    /// Has a reservation end later.
    Extend {
        /// Of which request.
        id: RequestId,
        /// When, in milliseconds since 1970.
        until: Timestamp,
    },
    /// Pays a request's payee from the pool, on the payee's chain (S1.9).
    Pay(Box<CreditRequest>),
    /// Says where the payee was paid: the payer owes from now on.
    Commit {
        /// Which request.
        id: RequestId,
        /// The finalized block of the payee's chain.
        payout: PayoutBlock,
    },
    /// Ends a reservation that it won't pay.
    Release(RequestId),
    /// Ends a reservation whose time is over.
    Expire(RequestId),
    /// Charges the late fee of a debt that was not repaid in time.
    MarkOverdue(RequestId),
    /// Hands in a payee's word that its money arrived (S1.10).
    ConfirmReceipt {
        /// Of which request.
        id: RequestId,
        /// The payee's.
        signature: Signature,
    },
    /// Repays a debt, or a part of it, with this account's money: the payer settled with the credit node elsewhere.
    Repay {
        /// Which debt.
        id: RequestId,
        /// What it is in.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
    /// Puts this account's money into the pool that payees are paid from.
    Fund {
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
    /// Takes money out of the pool, to this account.
    Withdraw {
        /// What.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
}

impl Act {
    /// The contract's message, which is also the step's name.
    pub const fn message(&self) -> &'static str {
        match self {
            Act::SetLimit { .. } => "set_limit",
            Act::SetNodeLimit { .. } => "set_node_limit",
            Act::Freeze(_) => "freeze",
            Act::Unfreeze(_) => "unfreeze",
            Act::RequestRaise { .. } => "request_raise",
            Act::DecideRaise { .. } => "decide_raise",
            Act::Reserve { .. } => "reserve",
            Act::Extend { .. } => "extend",
            Act::Pay(_) => "pay",
            Act::Commit { .. } => "commit",
            Act::Release(_) => "release",
            Act::Expire(_) => "expire",
            Act::MarkOverdue(_) => "mark_overdue",
            Act::ConfirmReceipt { .. } => "confirm_receipt",
            Act::Repay { .. } => "repay",
            Act::Fund {
                asset: Asset::Native, ..
            } => "fund",
            Act::Fund {
                asset: Asset::Psp22(_), ..
            } => "fund_token",
            Act::Withdraw { .. } => "withdraw",
        }
    }
}

/// The credit node's contract on one chain, read at the latest finalized block, written to finality.
#[async_trait]
pub trait CreditLedger: Send + Sync {
    /// The chain's genesis hash: the chain's name, and part of everything signed.
    fn genesis(&self) -> [u8; 32];
    /// The contract's account: part of everything signed.
    fn credit(&self) -> AccountId;
    /// The credit node's index in the chain's registry.
    fn node(&self) -> Member;
    /// The timestamp of the latest finalized block, in milliseconds since 1970.
    fn time(&self) -> Timestamp;
    /// Returns when a block was finalized after the call, or when the chain was lost and found again.
    async fn next_block(&self);
    /// Has a block made, because time passes on chain only with blocks and some chains make none while nobody submits.
    async fn make_block(&self, key: &str) -> Result<(), LedgerError>;
    /// A finalized block by its number.
    async fn block(&self, number: u32) -> Result<Block, LedgerError>;
    /// What must hold on this chain before requests are taken (S1.2).
    async fn checks(&self) -> Vec<Check>;
    /// What the contract was made with.
    async fn constants(&self) -> Result<Constants, LedgerError>;
    /// The payee's and the credit node's limit for a payer, and what counts against them.
    async fn limits(&self, payer: AccountId, payee: AccountId, asset: Asset) -> Result<Limits, LedgerError>;
    /// These debts, in this order; at most [`protocol::credit::MAX_ASKED`].
    async fn debts(&self, ids: &[RequestId]) -> Result<Vec<Option<Debt>>, LedgerError>;
    /// These payouts, in this order; at most [`protocol::credit::MAX_ASKED`].
    async fn payouts(&self, ids: &[RequestId]) -> Result<Vec<Option<Payout>>, LedgerError>;
    /// What payees can be paid from, in the asset's smallest unit.
    async fn pool(&self, asset: Asset) -> Result<Amount, LedgerError>;
    /// A payer's latest wish for a higher limit, and what came of it.
    async fn raise(&self, payer: AccountId, asset: Asset) -> Result<Option<Raise>, LedgerError>;
    /// Does it and waits for finality: reads after it see it. `key` names the business step: the same key is never in flight
    /// twice, also after a restart.
    async fn carry_out(&self, key: &str, act: &Act) -> Result<Block, LedgerError>;
}

/// The payees' institutions, each on one of the credit node's chains. Every question may be repeated.
#[async_trait]
pub trait Payees: Send + Sync {
    /// Whether there is a way to this institution.
    fn reaches(&self, chain: &[u8; 32], institution: Member) -> bool;
    /// Asks whether the payee takes a payment (S1.6).
    async fn ask(
        &self,
        chain: &[u8; 32],
        institution: Member,
        request: &ConsentRequest,
    ) -> Result<ConsentAnswer, PeerError>;
    /// Asks whether the payee's money arrived (S1.10).
    async fn ask_arrival(
        &self,
        chain: &[u8; 32],
        institution: Member,
        id: RequestId,
    ) -> Result<ArrivalAnswer, PeerError>;
}

/// The payees' chain, read at the latest finalized block.
#[async_trait]
pub trait PayeeLedger: Send + Sync {
    /// The chain's genesis hash.
    fn genesis(&self) -> [u8; 32];
    /// The contract of the credit node with this index in the chain's registry, as far as it is known here.
    fn credit_of(&self, node: Member) -> Option<AccountId>;
    /// What a credit node's contract paid for a request.
    async fn payout(&self, node: Member, id: RequestId) -> Result<Option<Payout>, LedgerError>;
}
