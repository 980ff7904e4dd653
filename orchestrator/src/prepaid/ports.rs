//! What prepaid cards need of the world. They know neither HTTP nor subxt, so that they run against the contract itself in
//! tests, without a node.
use async_trait::async_trait;
use protocol::{
    prepaid::{
        Card, CardLimits, CardNumber, Constants, Dispute, DisputeOrder, Error, Float, Merchant, MerchantNumber,
        PaymentKey, PaymentRecord, Programme, RefundOrder, Rules, SignedPayment, Statement, Terminal, Verdict,
        VoidOrder,
    },
    AccountId, Amount, Member, Signature, Timestamp,
};

use super::messages::{OrderAnswer, SealedOrder};
pub use crate::{
    chain::health::Check,
    settlement::ports::{Block, Clock, PeerError},
};

/// The chain didn't do what was asked.
pub type LedgerError = crate::settlement::ports::LedgerError<Error>;

/// What an institution does with a prepaid contract: one of its messages. Amounts are in the asset's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Says what holds for all cards and merchants from now on.
    SetProgramme(Programme),
    /// Registers a merchant.
    RegisterMerchant {
        /// Its number.
        merchant: MerchantNumber,
        /// The institution that speaks for it.
        acquirer: Member,
        /// Where it is paid.
        account: AccountId,
        /// How it is paid.
        rules: Rules,
    },
    /// Takes no more payments for a merchant, or does again.
    SwitchMerchant {
        /// Which.
        merchant: MerchantNumber,
        /// Whether it takes payments.
        is_active: bool,
    },
    /// Says how a merchant is paid from its next cycle on.
    SetRules {
        /// Which.
        merchant: MerchantNumber,
        /// How.
        rules: Rules,
    },
    /// Gives a merchant another terminal.
    AddTerminal {
        /// Whose.
        merchant: MerchantNumber,
        /// The terminal's sr25519 public key.
        terminal: AccountId,
    },
    /// Takes nothing more that a terminal signed.
    RevokeTerminal(AccountId),
    /// Issues a card (S4.1).
    IssueCard {
        /// Its number.
        card: CardNumber,
        /// Its sr25519 public key.
        key: AccountId,
        /// Whose it is.
        holder: AccountId,
        /// Its own limits.
        limits: CardLimits,
        /// Until when it can be used, in milliseconds since 1970.
        expires_at: Timestamp,
    },
    /// Gives a card other limits of its own.
    SetLimits {
        /// Which.
        card: CardNumber,
        /// Its own.
        limits: CardLimits,
    },
    /// Stops a card.
    Freeze(CardNumber),
    /// Lets a card be used again.
    Unfreeze(CardNumber),
    /// Replaces a lost card by one with another key.
    ReplaceCard {
        /// Its number, which stays.
        card: CardNumber,
        /// What the new one signs with.
        key: AccountId,
    },
    /// Closes a card and pays what it holds to its holder.
    CloseCard(CardNumber),
    /// Tops a card up with this account's money (S4.2).
    TopUp {
        /// Which.
        card: CardNumber,
        /// By how much.
        amount: Amount,
        /// What it is known by; each is taken once.
        reference: [u8; 32],
    },
    /// Puts this account's money in for a merchant's refunds.
    FundMerchant {
        /// Which.
        merchant: MerchantNumber,
        /// How much.
        amount: Amount,
        /// What it is known by; each is taken once.
        reference: [u8; 32],
    },
    /// Undoes a payment of an open cycle, as a terminal signed.
    Void {
        /// What the terminal signed.
        order: VoidOrder,
        /// The terminal's.
        signature: Signature,
    },
    /// Gives a payment back, or a part of it, as a terminal signed.
    Refund {
        /// What the terminal signed.
        order: RefundOrder,
        /// The terminal's.
        signature: Signature,
    },
    /// Objects to a payment, as its holder signed.
    OpenDispute {
        /// What the holder signed.
        order: DisputeOrder,
        /// The holder's.
        signature: Signature,
    },
    /// Answers a dispute for the merchant, as its acquirer.
    AnswerDispute {
        /// Over which payment.
        payment: PaymentKey,
        /// Digest of the answer.
        answer: [u8; 32],
    },
    /// Decides a dispute.
    DecideDispute {
        /// Over which payment.
        payment: PaymentKey,
        /// What goes back to the card.
        awarded: Amount,
    },
    /// Has a dispute decided that the issuer left alone.
    DefaultDispute(PaymentKey),
    /// Closes a merchant's cycle and pays the merchant (S4.4).
    CloseCycle {
        /// Whose.
        merchant: MerchantNumber,
        /// Which: the open one.
        cycle: u32,
    },
}

impl Act {
    /// The contract's message.
    pub const fn message(&self) -> &'static str {
        match self {
            Act::SetProgramme(_) => "set_programme",
            Act::RegisterMerchant { .. } => "register_merchant",
            Act::SwitchMerchant { .. } => "switch_merchant",
            Act::SetRules { .. } => "set_rules",
            Act::AddTerminal { .. } => "add_terminal",
            Act::RevokeTerminal(_) => "revoke_terminal",
            Act::IssueCard { .. } => "issue_card",
            Act::SetLimits { .. } => "set_limits",
            Act::Freeze(_) => "freeze",
            Act::Unfreeze(_) => "unfreeze",
            Act::ReplaceCard { .. } => "replace_card",
            Act::CloseCard(_) => "close_card",
            Act::TopUp { .. } => "top_up",
            Act::FundMerchant { .. } => "fund_merchant",
            Act::Void { .. } => "void",
            Act::Refund { .. } => "refund",
            Act::OpenDispute { .. } => "open_dispute",
            Act::AnswerDispute { .. } => "answer_dispute",
            Act::DecideDispute { .. } => "decide_dispute",
            Act::DefaultDispute(_) => "default_dispute",
            Act::CloseCycle { .. } => "close_cycle",
        }
    }
}

/// What became of a batch of payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The finalized block.
    pub block: Block,
    /// A verdict for each, in their order; `None` where the node doesn't keep what would tell.
    pub verdicts: Option<Vec<Verdict>>,
}

/// One issuer's contract, read at the latest finalized block, written to finality.
#[async_trait]
pub trait PrepaidLedger: Send + Sync {
    /// The issuer's index in the registry.
    fn issuer(&self) -> Member;
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
    /// A finalized block by its number.
    async fn block(&self, number: u32) -> Result<Block, LedgerError>;
    /// Whether the contract is the one that the deployment says, of this issuer.
    async fn check(&self) -> Check;
    /// What the contract was made with.
    async fn constants(&self) -> Result<Constants, LedgerError>;
    /// What holds for all cards and merchants.
    async fn programme(&self) -> Result<Programme, LedgerError>;
    /// The sums of what cards hold and of what merchants aren't paid yet.
    async fn float(&self) -> Result<Float, LedgerError>;
    /// These cards, in this order; at most [`protocol::prepaid::MAX_LISTED`], as of all that follow.
    async fn cards(&self, numbers: &[CardNumber]) -> Result<Vec<Option<Card>>, LedgerError>;
    /// These merchants.
    async fn merchants(&self, numbers: &[MerchantNumber]) -> Result<Vec<Option<Merchant>>, LedgerError>;
    /// These terminals, by their keys.
    async fn terminals(&self, keys: &[AccountId]) -> Result<Vec<Option<Terminal>>, LedgerError>;
    /// These payments, as far as they were taken.
    async fn payments(&self, keys: &[PaymentKey]) -> Result<Vec<Option<PaymentRecord>>, LedgerError>;
    /// The disputes over these payments.
    async fn disputes(&self, keys: &[PaymentKey]) -> Result<Vec<Option<Dispute>>, LedgerError>;
    /// What a merchant was told of a cycle, if it is closed.
    async fn statement(&self, merchant: MerchantNumber, cycle: u32) -> Result<Option<Statement>, LedgerError>;
    /// What the contract would say to an act at the latest finalized block: a refusal there isn't taken back by any fork.
    async fn tried(&self, act: &Act) -> Result<Result<(), Error>, LedgerError>;
    /// Does it and waits for finality: reads after it see it. `key` names the business step: the same key is never in flight
    /// twice, also after a restart.
    async fn carry_out(&self, key: &str, act: &Act) -> Result<Block, LedgerError>;
    /// Has payments decided, all in one call, and waits for finality. `key` as above.
    async fn pay(&self, key: &str, payments: &[SignedPayment]) -> Result<Decided, LedgerError>;
}

/// The card issuers, as an acquirer reaches them. Every question may be repeated.
#[async_trait]
pub trait Issuers: Send + Sync {
    /// Passes a terminal's order on (S4.3).
    async fn hand_in(&self, issuer: Member, order: &SealedOrder) -> Result<OrderAnswer, PeerError>;
    /// Asks to whom terminals seal their orders.
    async fn recipient(&self, issuer: Member) -> Result<String, PeerError>;
}
