//! Books and their entries.
use alloc::vec::Vec;
use scale::{Decode, Encode};

use super::{BatchId, Day, Error, MAX_PATIENCE, MAX_ZONE};
use crate::{
    ids::{content_id, PayerId, TradeId},
    settlement::Asset,
    signing::{self, Domain, Purpose, PAYLOAD_LENGTH},
    Amount, Member, Timestamp,
};

/// What both sides of a book signed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
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
pub struct Terms {
    /// The institution that records what customers paid.
    pub client: Member,
    /// The institution that owes what the entries say.
    pub debit: Member,
    /// The institution that is owed it.
    pub credit: Member,
    /// The asset that is owed.
    pub asset: Asset,
    /// By whose clocks days begin: the name of a time zone, such as `Europe/Berlin`, in ASCII.
    #[cfg_attr(feature = "std", serde(with = "crate::text::ascii"))]
    pub zone: Vec<u8>,
    /// How long after a day's end one side alone may close it, in milliseconds.
    pub patience: Timestamp,
    /// Tells books of the same terms apart.
    pub number: u32,
}

impl Terms {
    /// What can be wrong with a book.
    ///
    /// # Errors
    /// `BadTerms`: one institution is both sides, the patience is 0 or above [`MAX_PATIENCE`], the zone's name is empty, too
    /// long or not ASCII.
    pub fn check(&self) -> Result<(), Error> {
        let is_named = (1..=MAX_ZONE).contains(&self.zone.len()) && self.zone.iter().all(u8::is_ascii_graphic);
        if self.debit != self.credit && (1..=MAX_PATIENCE).contains(&self.patience) && is_named {
            Ok(())
        } else {
            Err(Error::BadTerms)
        }
    }

    /// What they are known by.
    pub fn id(&self) -> [u8; 32] {
        content_id(b"quittance/book", self)
    }

    /// What both sides sign; good strictly before `expires_at`.
    pub fn payload(&self, domain: &Domain, expires_at: Timestamp) -> [u8; PAYLOAD_LENGTH] {
        signing::payload(domain, Purpose::BookTerms, &self.id(), expires_at, &())
    }
}

/// A book, as the contract keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
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
pub struct Book {
    /// What both sides signed.
    pub terms: Terms,
    /// The days on which something was recorded or corrected and that aren't closed, ascending. At most 64.
    pub open: Vec<Day>,
    /// The last day that is final: all before it are, too.
    pub closed_through: Option<Day>,
    /// What the credit side was paid too much, because corrections took back more than a day brought: 0 or below, in the
    /// asset's smallest unit. The next day's total is less by it.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub carried: i128,
}

impl Book {
    /// Whether a day is final.
    pub fn is_closed(&self, day: Day) -> bool {
        self.closed_through.is_some_and(|through| day <= through)
    }

    /// The institution on this side; the chain is nobody's.
    pub const fn member(&self, side: super::Side) -> Option<Member> {
        match side {
            super::Side::Debit => Some(self.terms.debit),
            super::Side::Credit => Some(self.terms.credit),
            super::Side::Chain => None,
        }
    }
}

/// A bilateral entry, as the client records it (S3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Entry {
    /// What the payment, its voucher, its statement line and its entries are all known by.
    pub trade: TradeId,
    /// The id of who paid.
    pub payer: PayerId,
    /// How much was paid, in the asset's smallest unit; never 0.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// When the customer paid, in milliseconds since 1970.
    pub time: Timestamp,
}

/// An entry, as the contract keeps it.
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
pub struct EntryRecord {
    /// The id of who paid.
    pub payer: PayerId,
    /// How much was paid, in the asset's smallest unit; 0: both sides agreed that there was no such payment.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub amount: Amount,
    /// When the customer paid, in milliseconds since 1970.
    pub time: Timestamp,
    /// The day that it was recorded for.
    pub day: Day,
    /// What it may be booked under as one line, with others.
    pub batch: Option<BatchId>,
    /// How often it was corrected.
    pub corrections: u32,
}

impl EntryRecord {
    /// As the client wrote it, or as it was corrected.
    pub const fn entry(&self, trade: TradeId) -> Entry {
        Entry {
            trade,
            payer: self.payer,
            amount: self.amount,
            time: self.time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms {
            client: Member(3),
            debit: Member(1),
            credit: Member(2),
            asset: Asset::Native,
            zone: b"Europe/Berlin".to_vec(),
            patience: 1,
            number: 0,
        }
    }

    #[test]
    fn terms_that_cannot_hold_are_refused() {
        assert_eq!(terms().check(), Ok(()));
        let longest = Terms {
            patience: MAX_PATIENCE,
            zone: vec![b'Z'; MAX_ZONE],
            ..terms()
        };
        assert_eq!(longest.check(), Ok(()));
        let faults: [fn(&mut Terms); 6] = [
            |terms| terms.credit = terms.debit,
            |terms| terms.patience = 0,
            |terms| terms.patience = MAX_PATIENCE + 1,
            |terms| terms.zone.clear(),
            |terms| terms.zone = vec![b'Z'; MAX_ZONE + 1],
            |terms| terms.zone = "Europe/Z\u{fc}rich".into(),
        ];
        for fault in faults {
            let mut faulty = terms();
            fault(&mut faulty);
            assert_eq!(faulty.check(), Err(Error::BadTerms));
        }
    }
}
