//! Why something isn't done as asked with prepaid cards. Nothing is changed then.
use protocol::{
    prepaid::{CardNumber, MerchantNumber, PaymentKey},
    text::to_hex,
    AccountId, Member,
};

use super::ports::{LedgerError, PeerError};
use crate::{chain::deployment::to_ss58, settlement::ports::refusal_code, store::StoreError};

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum PrepaidError {
    /// The institution has nothing to do with cards of this issuer.
    #[error(
        "this institution knows no cards of member {0}: see `quittance prepaid programmes`, and [prepaid] in its configuration"
    )]
    UnknownIssuer(Member),
    /// The institution issues no cards.
    #[error("this institution issues no cards: [prepaid.issuer] isn't in its configuration")]
    NoIssuer,
    /// No such card on the finalized chain.
    #[error("there is no card {}", card(.0))]
    UnknownCard(CardNumber),
    /// No such merchant on the finalized chain.
    #[error("there is no merchant {}", merchant(.0))]
    UnknownMerchant(MerchantNumber),
    /// No such terminal on the finalized chain.
    #[error("there is no terminal {}", to_ss58(.0))]
    UnknownTerminal(AccountId),
    /// Nothing was taken under this counter of the card's.
    #[error("there is no payment {}: nothing was taken under it", payment(.0))]
    UnknownPayment(PaymentKey),
    /// Nobody disputed the payment.
    #[error("the payment {} isn't disputed", payment(.0))]
    NotDisputed(PaymentKey),
    /// The cycle isn't closed, or there is none.
    #[error("merchant {} has no statement of cycle {}: the cycle isn't closed", merchant(.0), .1)]
    NoStatement(MerchantNumber, u32),
    /// Another cycle is the open one.
    #[error("cycle {open} of merchant {} is open, not {asked}: name that one", merchant(number))]
    OtherCycle {
        /// Whose.
        number: MerchantNumber,
        /// The one that is open.
        open: u32,
        /// The one that was to be closed.
        asked: u32,
    },
    /// No terminal handed such an order in here.
    #[error("there is no order {} here", to_hex(.0))]
    UnknownOrder([u8; 32]),
    /// The terminal is no terminal of a merchant that this institution speaks for.
    #[error(
        "{} is no terminal of a merchant that this institution speaks for: the card issuer adds it (`quittance prepaid \
         add-terminal`)",
        to_ss58(.0)
    )]
    NotOurTerminal(AccountId),
    /// The terminal didn't sign its message.
    #[error("the terminal {} didn't sign this message for this issuer's contract", to_ss58(.0))]
    BadTerminalSignature(AccountId),
    /// The envelope is longer than any order.
    #[error("a sealed order may have at most {limit} bytes")]
    OrderTooLong {
        /// In bytes.
        limit: usize,
    },
    /// Another acquirer handed an order in under this reference.
    #[error("the order {} was handed in by another acquirer", to_hex(.0))]
    ReferenceTaken([u8; 32]),
    /// The chain doesn't do it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The other institution doesn't answer as asked.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database failed, for all that was to be written down together.
    #[error("it couldn't be written down: {0}")]
    NotKept(String),
    /// It can't be done now, and there is nothing wrong with that.
    #[error("not yet: {0}")]
    NotYet(&'static str),
}

impl PrepaidError {
    /// A stable code for machines, where a rule refuses.
    pub fn code(&self) -> String {
        match self {
            Self::UnknownIssuer(_) => "unknown-issuer",
            Self::NoIssuer => "no-issuer",
            Self::UnknownCard(_) => "unknown-card",
            Self::UnknownMerchant(_) => "unknown-merchant",
            Self::UnknownTerminal(_) => "unknown-terminal",
            Self::UnknownPayment(_) => "unknown-payment",
            Self::NotDisputed(_) => "not-disputed",
            Self::NoStatement(..) => "no-statement",
            Self::OtherCycle { .. } => "other-cycle",
            Self::UnknownOrder(_) => "unknown-order",
            Self::NotOurTerminal(_) => "not-our-terminal",
            Self::BadTerminalSignature(_) => "bad-terminal-signature",
            Self::OrderTooLong { .. } => "order-too-long",
            Self::ReferenceTaken(_) => "reference-taken",
            Self::Ledger(LedgerError::Refused(error)) => return refusal_code(error),
            Self::Ledger(_) => "chain-rejected",
            Self::Peer(_) => "peer-failed",
            Self::NotYet(_) => "not-yet",
            Self::Store(_) | Self::NotKept(_) => "internal",
        }
        .to_owned()
    }
}

fn card(number: &CardNumber) -> u64 {
    number.0
}

fn merchant(number: &MerchantNumber) -> u32 {
    number.0
}

/// A payment as people write it: its card's number, and the number that the card gave it.
pub(super) fn payment(key: &PaymentKey) -> String {
    format!("{}/{}", key.0 .0, key.1)
}
