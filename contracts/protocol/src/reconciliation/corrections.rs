//! What was wrong with an entry, and what is right (S3.4).
use alloc::vec::Vec;
use scale::{Decode, Encode};

use super::{BookId, Day, Error, MAX_CAUSES};
use crate::{
    ids::{content_id, PayerId, TradeId},
    signing::{self, Domain, Purpose, PAYLOAD_LENGTH},
    Amount, Signature, Timestamp,
};

/// Whose book it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum Side {
    /// The side that owes.
    Debit,
    /// The side that is owed.
    Credit,
    /// The entries on the chain.
    Chain,
}

/// What is wrong with a payment in a book. Append only: the numbers are part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum Kind {
    /// There is no line of it in the book, or no entry on the chain.
    Missing,
    /// It has another amount.
    Amount,
    /// It has another asset.
    Asset,
    /// It has another payer.
    Payer,
    /// There is more than one line of it.
    Duplicate,
    /// It is on another day.
    WrongDay,
    /// It has another id.
    AlteredId,
}

/// What is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Cause {
    /// What is wrong.
    pub kind: Kind,
    /// The book that it is wrong in.
    pub side: Side,
}

/// What is right, as both sides sign it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Correction {
    /// The book's number.
    pub book: BookId,
    /// The id that the entry has.
    pub trade: TradeId,
    /// How often it was corrected before: each correction is good once.
    pub number: u32,
    /// The open day that it counts on: the entry's own, or a later one if that is closed.
    pub day: Day,
    /// What was wrong, ascending, each once. At least one, at most 8.
    pub causes: Vec<Cause>,
    /// What the debit side's book said, if anything, in its asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::optional_amount"))]
    pub debit: Option<Amount>,
    /// What the credit side's book said, if anything, in its asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::optional_amount"))]
    pub credit: Option<Amount>,
    /// What is right, in the asset's smallest unit; 0: there was no such payment.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// The id of who paid.
    pub payer: PayerId,
    /// When the customer paid, in milliseconds since 1970.
    pub time: Timestamp,
    /// Digest of what shows it.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub evidence: [u8; 32],
    /// Accepted strictly before this time, in block time; in milliseconds since 1970.
    pub expires_at: Timestamp,
}

impl Correction {
    /// What can be wrong with a correction, whatever the book says.
    ///
    /// # Errors
    /// `BadCauses`: none, too many, or not strictly ascending.
    pub fn check(&self) -> Result<(), Error> {
        let ascend = self
            .causes
            .windows(2)
            .all(|pair| matches!(pair, [left, right] if left < right));
        if ascend && (1..=MAX_CAUSES).contains(&self.causes.len()) {
            Ok(())
        } else {
            Err(Error::BadCauses)
        }
    }

    /// What it is known by.
    pub fn id(&self) -> [u8; 32] {
        content_id(b"quittance/correction", self)
    }

    /// What both sides sign.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        signing::payload(domain, Purpose::Correction, &self.id(), self.expires_at, &())
    }
}

/// A correction with both signatures.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct SignedCorrection {
    /// The correction.
    pub correction: Correction,
    /// The registry's epoch at signing.
    pub epoch: u32,
    /// The debit side's signature.
    pub debit: Signature,
    /// The credit side's signature.
    pub credit: Signature,
}
