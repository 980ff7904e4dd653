//! Reconciliation: what two institutions agree on of a book, what the client records in it, how what was wrong is
//! corrected, and how a day is closed (S3.1 to S3.5).
//!
//! A book is of one asset. Its debit side owes what its entries say (a finance company), its credit side is owed it (a
//! bank), and its client, who may be one of the two, records what customers paid. The chain's entry is the truth.
mod books;
mod corrections;
mod days;
mod error;
#[cfg(feature = "std")]
pub mod storage;

use scale::{Decode, Encode};

pub use self::{
    books::{Book, Entry, EntryRecord, Terms},
    corrections::{Cause, Correction, Kind, Side, SignedCorrection},
    days::{Closed, Closing, Day, DayRecord, DAY},
    error::Error,
};
use crate::{
    ids::{content_id, PayerId, TradeId},
    signing::Domain,
    AccountId, Timestamp,
};

/// The most entries in one call.
pub const MAX_ENTRIES: usize = 128;
/// The most corrections in one call.
pub const MAX_CORRECTIONS: usize = 16;
/// The most causes of one correction.
pub const MAX_CAUSES: usize = 8;
/// The most books, entries or days that one query answers.
pub const MAX_LISTED: usize = 128;
/// The most days of a book that may be open at once.
pub const MAX_OPEN_DAYS: usize = 64;
/// The longest patience of a book, in milliseconds.
pub const MAX_PATIENCE: Timestamp = 3_650 * days::DAY;
/// The longest name of a time zone, in bytes.
pub const MAX_ZONE: usize = 48;

/// A book's number, given out in the order of opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
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
pub struct BookId(pub u32);

/// The id that several entries were booked under as one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
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
pub struct BatchId(#[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))] pub [u8; 32]);

/// What the contract was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Constants {
    /// The chain's genesis hash: part of what institutions sign.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub genesis: [u8; 32],
    /// The registry that knows the institutions.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub registry: AccountId,
}

impl TradeId {
    /// The id of what books know by this text: `0x` and 64 hex digits are the id itself (a voucher's, a request's, a
    /// payment's), any other text's id is sha256 of a domain tag and the text, without blanks around it.
    pub fn of(reference: &str) -> Self {
        Self(named(b"quittance/trade", reference))
    }
}

impl PayerId {
    /// The id of whom books call this: `0x` and 64 hex digits are the id itself, any other text's id is sha256 of a domain
    /// tag and the text, without blanks around it.
    pub fn of(name: &str) -> Self {
        Self(named(b"quittance/payer", name))
    }
}

impl BatchId {
    /// The id of the batch that books know by this text. A line that covers a batch carries it where others have their
    /// trade's, so both are made alike.
    pub fn of(reference: &str) -> Self {
        Self(TradeId::of(reference).0)
    }
}

fn named(tag: &[u8], text: &str) -> [u8; 32] {
    let text = text.trim();
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 64);
    digits.and_then(from_digits).unwrap_or_else(|| content_id(tag, text))
}

fn from_digits(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0u8; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = core::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))?;
    }
    Some(bytes)
}

/// Where an institution's signature is valid.
pub const fn domain(genesis: [u8; 32], contract: AccountId, epoch: u32) -> Domain {
    Domain {
        genesis,
        contract,
        epoch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_hex_is_itself_and_any_other_text_is_hashed() {
        let hex = "0x00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
        let id = TradeId::of(hex);
        assert_eq!((id.0[0], id.0[1], id.0[31]), (0, 0x11, 0xff));
        assert_eq!(PayerId::of(hex).0, id.0);
        assert_eq!(TradeId::of(" INV-1 "), TradeId::of("INV-1"));
        assert_ne!(TradeId::of("INV-1"), TradeId::of("inv-1"));
        assert_ne!(TradeId::of("INV-1").0, PayerId::of("INV-1").0);
        assert_eq!(BatchId::of("INV-1").0, TradeId::of("INV-1").0);
        let signed = "0x+0112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
        assert_eq!(TradeId::of(signed).0, content_id(b"quittance/trade", signed));
        let many_bytes = "0x\u{e9}0112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEF";
        assert_eq!(TradeId::of(many_bytes).0, content_id(b"quittance/trade", many_bytes));
    }
}
