//! What the notaries decide together, and how they sign it.
use alloc::vec::Vec;
use scale::{Decode, Encode};

use crate::{
    disputes::Ruling, fees::FeeRule, ids::content_id, settlement::Asset, signing::MemberSignature, Amount, Member,
    Timestamp, VoucherId,
};

/// A decision of the notaries: as many of them sign as for a retention.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Decision {
    /// Publishes the next fee schedule.
    SetFees(Vec<FeeRule>),
    /// Says how far a member may go negative in an asset, over all windows that are not paid.
    SetCap {
        /// Whose.
        member: Member,
        /// In what.
        asset: Asset,
        /// In the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        cap: Amount,
    },
    /// Closes the open window, and opens the next.
    CloseWindow(
        /// Its number.
        u32,
    ),
    /// Takes vouchers out of a window that could not be paid: their debtors pay them one by one.
    TakeOut {
        /// The window's number.
        window: u32,
        /// Which.
        vouchers: Vec<VoucherId>,
    },
    /// Ends a dispute.
    Rule {
        /// The voucher.
        voucher: VoucherId,
        /// The place of the obligation in its relation.
        obligation: u8,
        /// How.
        ruling: Ruling,
    },
}

impl Decision {
    /// What the notaries sign as the id, with [`crate::signing::Purpose::Decision`]; the number is the body.
    pub fn digest(&self) -> [u8; 32] {
        content_id(b"quittance/decision", self)
    }
}

/// The notaries' signatures under a decision.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Approval {
    /// The number of decisions before this one: each approval is good for one decision.
    pub number: u32,
    /// The registry's epoch when they signed.
    pub epoch: u32,
    /// Valid strictly before this time, in milliseconds since 1970.
    pub expires_at: Timestamp,
    /// The notaries' signatures, ascending by member.
    pub signatures: Vec<MemberSignature>,
}
