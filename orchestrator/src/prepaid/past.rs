//! What a prepaid contract told, event by event, and where it is read from: finalized blocks, nobody's database
//! (S4.4, S4.5).
use std::sync::Arc;

use async_trait::async_trait;
use protocol::{
    prepaid::{
        Card, CardLimits, CardNumber, Constants, Dispute, Float, Merchant, MerchantNumber, PaymentKey, PaymentLine,
        PaymentRecord, Programme, Rules, Statement, Terminal,
    },
    AccountId, Amount, Member, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::book::Book;
pub use super::ports::LedgerError;
use crate::chain::deployment::to_ss58;

/// Where something stands on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At {
    /// The finalized block's number.
    pub block: u32,
    /// The event's place among all events of the block: what explorers name it by.
    pub event: u32,
    /// The block's hash.
    #[serde(with = "protocol::text::bytes")]
    pub hash: [u8; 32],
    /// The block's time, in milliseconds since 1970.
    pub time: Timestamp,
}

/// A finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookBlock {
    /// Its number.
    pub number: u32,
    /// Its hash.
    #[serde(with = "protocol::text::bytes")]
    pub hash: [u8; 32],
    /// Its time, in milliseconds since 1970.
    pub time: Timestamp,
}

/// An event of the contract. All of them: what the contract keeps follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The issuer said what holds for all cards and merchants.
    ProgrammeSet(Programme),
    /// A merchant can be paid.
    MerchantRegistered {
        /// Its number.
        merchant: MerchantNumber,
        /// The institution that speaks for it.
        acquirer: Member,
        /// Where it is paid.
        account: AccountId,
        /// How it is paid.
        rules: Rules,
    },
    /// The issuer takes no more payments for a merchant, or does again.
    MerchantSwitched {
        /// Which.
        merchant: MerchantNumber,
        /// Whether it takes payments.
        is_active: bool,
    },
    /// A merchant is paid otherwise from its next cycle on.
    RulesSet {
        /// Which.
        merchant: MerchantNumber,
        /// How.
        rules: Rules,
    },
    /// A merchant has another terminal.
    TerminalAdded {
        /// Which merchant.
        merchant: MerchantNumber,
        /// The terminal's public key.
        terminal: AccountId,
    },
    /// A terminal's key is no longer good.
    TerminalRevoked {
        /// Whose it was.
        merchant: MerchantNumber,
        /// The terminal's public key.
        terminal: AccountId,
    },
    /// A card was issued (S4.1).
    CardIssued {
        /// Its number.
        card: CardNumber,
        /// What it signs with.
        key: AccountId,
        /// Whose it is.
        holder: AccountId,
        /// Its own limits.
        limits: CardLimits,
        /// When it expires, in milliseconds since 1970.
        expires_at: Timestamp,
    },
    /// A card has other limits of its own.
    LimitsSet {
        /// Which.
        card: CardNumber,
        /// Its own.
        limits: CardLimits,
    },
    /// A card was stopped.
    Frozen(CardNumber),
    /// A card can be used again.
    Unfrozen(CardNumber),
    /// A lost card was replaced.
    CardReplaced {
        /// Its number, which stays.
        card: CardNumber,
        /// What the new one signs with.
        key: AccountId,
    },
    /// A card was closed, and its holder paid.
    CardClosed {
        /// Which.
        card: CardNumber,
        /// Who was paid.
        holder: AccountId,
        /// What it held.
        amount: Amount,
    },
    /// A card was topped up (S4.2).
    ToppedUp {
        /// Which.
        card: CardNumber,
        /// By how much.
        amount: Amount,
        /// What the one who paid knows it by.
        reference: [u8; 32],
        /// Who paid.
        by: AccountId,
    },
    /// Payments came, and were approved or declined (S4.3).
    PaymentsDecided(Vec<PaymentLine>),
    /// A payment was undone.
    Voided {
        /// Which.
        key: PaymentKey,
        /// What went back.
        amount: Amount,
    },
    /// A payment, or a part of it, was given back by the merchant.
    Refunded {
        /// Which.
        key: PaymentKey,
        /// What went back.
        amount: Amount,
    },
    /// Something was put in for a merchant's refunds.
    MerchantFunded {
        /// Which.
        merchant: MerchantNumber,
        /// How much.
        amount: Amount,
        /// What the one who paid knows it by.
        reference: [u8; 32],
        /// Who paid.
        by: AccountId,
    },
    /// A holder objects to a payment.
    DisputeOpened {
        /// Which.
        key: PaymentKey,
        /// What the holder wants back.
        amount: Amount,
        /// Digest of what shows why.
        evidence: [u8; 32],
        /// Until when the issuer can decide.
        rule_by: Timestamp,
    },
    /// The merchant's acquirer answered a dispute.
    DisputeAnswered {
        /// Which.
        key: PaymentKey,
        /// Digest of the answer.
        answer: [u8; 32],
        /// Until when the issuer can decide now.
        rule_by: Timestamp,
    },
    /// A dispute was decided.
    DisputeDecided {
        /// Which.
        key: PaymentKey,
        /// What went back.
        awarded: Amount,
        /// Whether it was for lack of a decision in time.
        is_default: bool,
    },
    /// A merchant's cycle was closed, and the merchant and the issuer paid (S4.4).
    CycleClosed {
        /// Whose.
        merchant: MerchantNumber,
        /// What the merchant is told.
        statement: Box<Statement>,
    },
}

/// What an event names without any event before it that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The programme was never set.
    #[error("what holds for all cards, and not that it was said")]
    Programme,
    /// No such card was issued.
    #[error("card {}, and not that it was issued", .0.0)]
    Card(CardNumber),
    /// No such merchant was registered.
    #[error("merchant {}, and not that it was registered", .0.0)]
    Merchant(MerchantNumber),
    /// No such terminal was added.
    #[error("the terminal {}, and not that it was added", to_ss58(.0))]
    Terminal(AccountId),
    /// No such payment was taken.
    #[error("payment {} of card {}, and not that it was taken", .0.1, .0.0.0)]
    Payment(PaymentKey),
    /// No such dispute was opened.
    #[error("a dispute over payment {} of card {}, and not that it was opened", .0.1, .0.0.0)]
    Dispute(PaymentKey),
    /// A cycle before wasn't closed.
    #[error("cycle {found} of merchant {}, and not that cycle {open} was closed", merchant.0)]
    Cycle {
        /// Whose.
        merchant: MerchantNumber,
        /// Which is open by the events before.
        open: u32,
        /// Which is told of.
        found: u32,
    },
}

/// Events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in block {} the node tells of {missing}: ask another node", at.block)]
pub struct Gap {
    /// The event that isn't the first of its kind, and should not be.
    pub at: At,
    /// What it names.
    pub missing: Missing,
}

/// What the contract says it holds for others, and what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The block after which it does.
    pub block: BookBlock,
    /// As the contract says.
    pub float: Float,
    /// What its account has of the asset: of the native token, what it can move.
    pub has: Amount,
}

/// A prepaid contract's past, read from finalized blocks only.
#[async_trait]
pub trait PrepaidPast: Send + Sync {
    /// The chain's genesis hash: the chain's name.
    fn genesis(&self) -> [u8; 32];
    /// The contract's account.
    fn contract(&self) -> AccountId;
    /// What the contract was made with.
    async fn constants(&self) -> Result<Constants, LedgerError>;
    /// A finalized block by its number; the latest without one.
    async fn block(&self, number: Option<u32>) -> Result<BookBlock, LedgerError>;
    /// Everything that follows from the contract's events up to a block, that block included.
    async fn book(&self, through: BookBlock) -> Result<Arc<Book>, LedgerError>;
    /// What the contract holds after a block.
    async fn holding(&self, block: u32) -> Result<Holding, LedgerError>;
}

/// What the contract keeps after one block.
#[async_trait]
pub trait Storage: Send + Sync {
    /// What holds for all cards and merchants.
    async fn programme(&self) -> Result<Programme, LedgerError>;
    /// The sums of what cards hold and merchants aren't paid yet.
    async fn float(&self) -> Result<Float, LedgerError>;
    /// These cards, in this order; at most [`protocol::prepaid::MAX_LISTED`], as with the lists below.
    async fn cards(&self, numbers: &[CardNumber]) -> Result<Vec<Option<Card>>, LedgerError>;
    /// These merchants, in this order.
    async fn merchants(&self, numbers: &[MerchantNumber]) -> Result<Vec<Option<Merchant>>, LedgerError>;
    /// These terminals, in this order.
    async fn terminals(&self, keys: &[AccountId]) -> Result<Vec<Option<Terminal>>, LedgerError>;
    /// These payments, in this order.
    async fn payments(&self, keys: &[PaymentKey]) -> Result<Vec<Option<PaymentRecord>>, LedgerError>;
    /// These disputes, in this order.
    async fn disputes(&self, keys: &[PaymentKey]) -> Result<Vec<Option<Dispute>>, LedgerError>;
    /// What a merchant was told of a cycle.
    async fn statement(&self, merchant: MerchantNumber, cycle: u32) -> Result<Option<Statement>, LedgerError>;
    /// Whether somebody put money in under this reference.
    async fn is_used(&self, by: AccountId, reference: [u8; 32]) -> Result<bool, LedgerError>;
}
