//! What institutions write to each other about trades (S2.0). JSON over HTTP; ids and amounts as in [`protocol::text`].
use protocol::{
    escrow::{Agreement, Offer},
    signing::{payload, Domain, MemberSignature, Purpose, PAYLOAD_LENGTH},
    AgreementId, Signature, Timestamp,
};
use serde::{Deserialize, Serialize};

/// An institution's signature, and the registry's epoch that names its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The registry's epoch.
    pub epoch: u32,
    /// Who, and the signature.
    pub by: MemberSignature,
}

/// A letter from one institution to another. Delivered at least once: the same letter again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Letter {
    /// The maker tells what it would trade.
    Offer {
        /// What.
        offer: Offer,
        /// The maker's.
        signed: Signed,
    },
    /// A draft of an agreement that its writer has signed: a take of an offer as it stands, or a counter-offer.
    Proposal {
        /// What is proposed.
        agreement: Agreement,
        /// The proposal that this one answers with other terms.
        instead_of: Option<AgreementId>,
        /// The writer's.
        signed: Signed,
    },
    /// The other party signs a proposal: it is an agreement now.
    Acceptance {
        /// Which.
        agreement: AgreementId,
        /// The other party's.
        signed: Signed,
    },
    /// The other party doesn't want it.
    Decline {
        /// Which.
        agreement: AgreementId,
        /// Why, for people.
        reason: String,
    },
    /// A party would call the deal off.
    Cancellation {
        /// Which.
        agreement: AgreementId,
        /// The signature that the contract checks is valid strictly before.
        expires_at: Timestamp,
        /// By the key in the agreement.
        signature: Signature,
    },
    /// A party's evidence, for the arbiter and the other side. Its digest stands on chain.
    Evidence {
        /// What both signed.
        agreement: Agreement,
        /// The buyer's signature under it.
        buyer: Signed,
        /// The seller's signature under it.
        seller: Signed,
        /// The evidence, word for word.
        document: String,
    },
}

impl Letter {
    /// What kind it is, for logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Letter::Offer { .. } => "offer",
            Letter::Proposal { .. } => "proposal",
            Letter::Acceptance { .. } => "acceptance",
            Letter::Decline { .. } => "decline",
            Letter::Cancellation { .. } => "cancellation",
            Letter::Evidence { .. } => "evidence",
        }
    }
}

/// What the receiver of a letter says at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reply {
    /// Kept. Where a person has to decide, a letter follows.
    Received,
    /// A proposal that takes an offer as it stands: signed.
    Accepted {
        /// The maker's.
        signed: Signed,
    },
    /// A proposal that can't be had.
    Declined {
        /// Why, for people.
        reason: String,
    },
}

/// What the maker of an offer signs.
pub fn offer_payload(domain: &Domain, offer: &Offer) -> [u8; PAYLOAD_LENGTH] {
    payload(domain, Purpose::Offer, &offer.id().0, offer.expires_at, &())
}

/// What both parties of an agreement sign.
pub fn agreement_payload(domain: &Domain, agreement: &Agreement) -> [u8; PAYLOAD_LENGTH] {
    payload(
        domain,
        Purpose::Agreement,
        &agreement.id().0,
        agreement.deadlines.accept_by,
        &(),
    )
}
