//! The types of escrow as they look in JSON.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, Asset, Bytes32, Member, MemberSignature, Nonce, Signature, Timestamp};

/// Which side of a trade.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Pays.
    Buy,
    /// Delivers.
    Sell,
}

/// A letter from one institution to another about a trade.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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
        instead_of: Option<Bytes32>,
        /// The writer's.
        signed: Signed,
    },
    /// The other party signs a proposal: it is an agreement now.
    Acceptance {
        /// Which.
        agreement: Bytes32,
        /// The other party's.
        signed: Signed,
    },
    /// The other party doesn't want it.
    Decline {
        /// Which.
        agreement: Bytes32,
        /// Why, for people.
        reason: String,
    },
    /// A party would call the deal off.
    Cancellation {
        /// Which.
        agreement: Bytes32,
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

/// What the receiver of a letter says at once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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

described! {
    /// An institution's signature, and the registry's epoch that names its key.
    Signed {
        /// The registry's epoch.
        epoch: u32,
        /// Who, and the signature.
        by: MemberSignature,
    }

    /// How long each phase of a deal lasts, in milliseconds.
    Phases {
        /// From agreement until the seller must have accepted: the buyer locks in it.
        accept: u64,
        /// From there until the buyer must have revealed: the goods are delivered in it.
        reveal: u64,
        /// From there until a dispute must be opened.
        dispute: u64,
        /// From there until the arbiter must have ruled.
        ruling: u64,
    }

    /// When each phase of a deal ends.
    Deadlines {
        /// The seller accepts before; from then on the buyer gets everything back.
        accept_by: Timestamp,
        /// The buyer reveals before; from then on either side may dispute.
        reveal_by: Timestamp,
        /// Either side disputes before; from then on the buyer gets everything back.
        dispute_by: Timestamp,
        /// The arbiter rules before; from then on the default that the parties agreed on holds.
        ruling_by: Timestamp,
    }

    /// What an institution would trade.
    Offer {
        /// Makes the id unique.
        nonce: Nonce,
        /// Who offers.
        maker: Member,
        /// What the maker would be.
        side: Side,
        /// What is traded.
        goods: String,
        /// How many units of it, over all fills.
        quantity: u64,
        /// The fewest units of one fill.
        least: u64,
        /// What is paid with.
        asset: Asset,
        /// For one unit.
        unit_price: Amount,
        /// The buyer's bond for one unit.
        unit_bond: Amount,
        /// The seller's bond for one unit; may be 0.
        unit_seller_bond: Amount,
        /// What the seller gets of the pot for one unit when the arbiter is silent.
        unit_default_award: Amount,
        /// How, where and when is delivered, and what proves it.
        delivery: String,
        /// Who rules in a dispute.
        arbiter: Member,
        /// How long each phase of a deal lasts.
        phases: Phases,
        /// Can be taken strictly before.
        expires_at: Timestamp,
    }

    /// An institution with its account and key as the registry had them when the agreement was drafted.
    Party {
        /// Its index in the registry.
        member: Member,
        /// Pays and is paid.
        account: Bytes32,
        /// Signs.
        key: Bytes32,
    }

    /// What buyer and seller both sign. Its digest stands on chain.
    Agreement {
        /// Makes the id unique, and its digest on chain tell nothing.
        nonce: Nonce,
        /// The offer that it fills in part.
        offer: Bytes32,
        /// Who pays.
        buyer: Party,
        /// Who delivers.
        seller: Party,
        /// Who rules in a dispute.
        arbiter: Party,
        /// What is traded.
        goods: String,
        /// How many units of it.
        quantity: u64,
        /// What is paid with.
        asset: Asset,
        /// For all units.
        price: Amount,
        /// The buyer's.
        bond: Amount,
        /// The seller's; may be 0.
        seller_bond: Amount,
        /// What the seller gets of the pot (price and both bonds) when the arbiter is silent.
        default_award: Amount,
        /// How, where and when is delivered, and what proves it.
        delivery: String,
        /// When each phase ends.
        deadlines: Deadlines,
    }

    /// A party's signature that it would call the deal off.
    Cancellation {
        /// It is valid strictly before.
        expires_at: Timestamp,
        /// By the key in the agreement.
        signature: Signature,
    }
}
