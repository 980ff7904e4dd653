//! Why a trade isn't done as asked: by a client, by a letter, by the chain. Nothing is changed then.
use protocol::{escrow::Error, AgreementId, Member, OfferId, Timestamp};

use super::{
    ports::{LedgerError, PeerError},
    secret::SecretError,
    state::{Role, Stage},
};
use crate::{settlement::fault::Fault, store::StoreError};

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum EscrowError {
    /// No such offer.
    #[error("there is no offer {0} here")]
    UnknownOffer(OfferId),
    /// No such trade.
    #[error("there is no trade {0} here")]
    UnknownTrade(AgreementId),
    /// Only its maker may do this to an offer.
    #[error("offer {0} is another institution's")]
    NotYourOffer(OfferId),
    /// An institution can't trade with itself.
    #[error("offer {0} is this institution's own: others take it")]
    OwnOffer(OfferId),
    /// The maker took it back, or its time is over.
    #[error("offer {0} is not open any more")]
    OfferClosed(OfferId),
    /// The offer breaks a rule of its own.
    #[error("the offer can't be made: {0}")]
    BadOffer(&'static str),
    /// More units are asked for than are left.
    #[error("the offer has {remaining} units left")]
    NotEnough {
        /// How many.
        remaining: u64,
    },
    /// Fewer units are asked for than one fill must have.
    #[error("a fill of this offer has at least {least} units")]
    BelowLeast {
        /// How many.
        least: u64,
    },
    /// The contract would refuse these terms.
    #[error("the escrow contract would refuse these terms: {0:?}")]
    BadTerms(Error),
    /// Not what follows from the offer, or from what was signed before.
    #[error("the {0} differs from what was offered or signed before")]
    Altered(&'static str),
    /// The institution has no such part in the trade.
    #[error("this institution is the trade's {role}: that is for the {needed}")]
    NotYourPart {
        /// What it is.
        role: Role,
        /// What it would have to be.
        needed: &'static str,
    },
    /// The member who sent the letter has no such part in the trade.
    #[error("member {0} has no such part in this trade")]
    NotItsPart(Member),
    /// The trade isn't that far, or is over.
    #[error("the trade is {0}: that can't be done now")]
    WrongStage(Stage),
    /// Too late.
    #[error("the time for this was over at {deadline} (milliseconds since 1970)")]
    TooLate {
        /// When.
        deadline: Timestamp,
    },
    /// The evidence isn't the one whose digest stands on chain.
    #[error("the chain shows another digest than this evidence has")]
    WrongEvidence,
    /// The evidence is too long, or empty.
    #[error("evidence has 1 to {limit} bytes")]
    BadEvidence {
        /// In bytes.
        limit: usize,
    },
    /// The award is above what is in the deal.
    #[error("the seller can get at most {pot} of this deal")]
    AwardAbovePot {
        /// Price and both bonds.
        pot: u128,
    },
    /// The arbiter decided otherwise before.
    #[error("the ruling was made before, and otherwise")]
    RuledBefore,
    /// A signature or a member isn't what it should be.
    #[error(transparent)]
    Member(#[from] Fault),
    /// The webhook's signature doesn't verify, or it is too old.
    #[error("the webhook's signature does not verify")]
    BadWebhook,
    /// The chain doesn't do it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Another institution doesn't answer.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The institution's own database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret can't be made or opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl EscrowError {
    /// Stable: clients and peers act on it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownOffer(_) => "unknown-offer",
            Self::UnknownTrade(_) => UNKNOWN_TRADE,
            Self::NotYourOffer(_) => "not-your-offer",
            Self::OwnOffer(_) => "own-offer",
            Self::OfferClosed(_) => "offer-closed",
            Self::BadOffer(_) => "bad-offer",
            Self::NotEnough { .. } => "not-enough-left",
            Self::BelowLeast { .. } => "below-least",
            Self::BadTerms(_) => "bad-terms",
            Self::Altered(_) => "altered-content",
            Self::NotYourPart { .. } => "not-your-part",
            Self::NotItsPart(_) => "not-its-part",
            Self::WrongStage(_) => "wrong-stage",
            Self::TooLate { .. } => "too-late",
            Self::WrongEvidence => WRONG_EVIDENCE,
            Self::BadEvidence { .. } => "bad-evidence",
            Self::AwardAbovePot { .. } => "award-above-pot",
            Self::RuledBefore => "ruled-before",
            Self::Member(fault) => fault.code(),
            Self::BadWebhook => "bad-webhook-signature",
            Self::Ledger(_) => "ledger",
            Self::Peer(_) => "peer",
            Self::Store(_) => "store-failed",
            Self::Secret(_) => "secret",
        }
    }
}

const UNKNOWN_TRADE: &str = "unknown-trade";
const WRONG_EVIDENCE: &str = "wrong-evidence";

/// Whether a peer that rejects a letter with this code may take it later: its node may be behind, or a letter before
/// this one is still on its way.
pub(super) fn is_passing(code: &str) -> bool {
    matches!(code, UNKNOWN_TRADE | WRONG_EVIDENCE) || crate::settlement::fault::is_passing(code)
}
