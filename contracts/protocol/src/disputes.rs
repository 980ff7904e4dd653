//! Disputes: what was retained is contested, and the notaries rule (S0.13).
use ink::env::hash::Sha2x256;
use scale::{Decode, Encode};

use crate::{Amount, Member, Timestamp};

/// What a party wants back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Claim {
    /// The place of the contested obligation in the voucher's relation, counted from 0.
    pub obligation: u8,
    /// How much the obligation's debtor should get back, in the asset's smallest unit. At least 1, at most the
    /// obligation's amount; all of it if another party claims, so that no claim for less can stand in the debtor's way.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// sha256 of the document that shows why.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub evidence: [u8; 32],
}

/// What the notaries decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Ruling {
    /// The obligation stands.
    Uphold,
    /// All that is claimed goes back.
    Reverse,
    /// This much goes back, in the asset's smallest unit: at least 1, less than what is claimed.
    Partial(#[cfg_attr(feature = "std", serde(with = "crate::text::amount"))] Amount),
}

/// A dispute over one obligation. There is one for each at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Dispute {
    /// The member that opened it.
    pub claimant: Member,
    /// The originator of the contested voucher.
    pub originator: Member,
    /// The originator's own number for the voucher.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub sequence: u64,
    /// What the claimant wants back, and why.
    pub claim: Claim,
    /// The obligation as it is contested: its creditor gives back, its debtor gets.
    pub contested: crate::settlement::Obligation,
    /// When it was opened, in milliseconds since 1970.
    pub opened_at: Timestamp,
    /// A ruling is valid strictly before this time; at or after it, the obligation stands; in milliseconds since 1970.
    pub rule_by: Timestamp,
    /// Who answered, and sha256 of its document; nothing until then.
    pub response: Option<Response>,
    /// What came of it; nothing until then.
    pub ruling: Option<Ruling>,
    /// What goes back by the ruling, in the asset's smallest unit: a new obligation of the creditor's, owed until it is
    /// paid.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub awarded: Amount,
    /// Whether what goes back is owed already, because the contested obligation has been paid.
    pub is_due: bool,
    /// How much of what goes back is paid, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub paid: Amount,
}

/// A party's answer to a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(
    feature = "std",
    derive(
        scale_info::TypeInfo,
        ink::storage::traits::StorageLayout,
        serde::Serialize,
        serde::Deserialize
    )
)]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Response {
    /// The member that answered.
    pub member: Member,
    /// sha256 of the document that it answers with.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub evidence: [u8; 32],
}

/// What goes on chain of a document: its sha256, as everybody's tools work it out.
pub fn evidence_digest(document: &[u8]) -> [u8; 32] {
    let mut digest = [0u8; 32];
    ink::env::hash_bytes::<Sha2x256>(document, &mut digest);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_documents_digest_is_the_one_that_sha256sum_prints() {
        assert_eq!(
            crate::text::to_hex(&evidence_digest(b"abc")),
            "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
