//! Days, and how they are closed (S3.5).
use scale::{Decode, Encode};

use super::{BookId, Error};
use crate::{
    ids::content_id,
    signing::{self, Domain, Purpose, PAYLOAD_LENGTH},
    Amount, Timestamp,
};

/// How long a day is, in milliseconds.
pub const DAY: Timestamp = 86_400_000;
/// How much earlier than in UTC a day can begin somewhere.
const EAST: Timestamp = 14 * 3_600_000;
/// How much later than in UTC a day can end somewhere.
const WEST: Timestamp = 12 * 3_600_000;

/// A day by its book's clocks: how many days there were since 1970-01-01.
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
pub struct Day(pub u32);

impl Day {
    /// When it has begun somewhere on earth: before, nothing can have been paid on it.
    pub fn begins_somewhere(self) -> Timestamp {
        Timestamp::from(self.0).saturating_mul(DAY).saturating_sub(EAST)
    }

    /// When it has ended somewhere on earth: before, it can't be closed.
    pub fn ends_somewhere(self) -> Timestamp {
        self.end().saturating_sub(EAST)
    }

    /// When it has ended everywhere: patience is counted from then on.
    pub fn ends_everywhere(self) -> Timestamp {
        self.end().saturating_add(WEST)
    }

    fn end(self) -> Timestamp {
        Timestamp::from(self.0).saturating_add(1).saturating_mul(DAY)
    }
}

/// What the contract keeps of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
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
pub struct DayRecord {
    /// How many entries it has, without those that came to nothing.
    pub entries: u32,
    /// How many corrections count on it.
    pub corrections: u32,
    /// What its entries come to, and what corrections of closed days changed: below 0 if they took back more, in the
    /// asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub total: i128,
    /// How it was closed; nothing while it is open.
    pub closed: Option<Closed>,
}

/// How a day was closed.
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
pub struct Closed {
    /// The closing's id: what the payment of the total is known by.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub id: [u8; 32],
    /// What the debit side pays the credit side, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub payable: Amount,
    /// What is left for the next day to make up for, in the asset's smallest unit; 0 or below.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub carried: i128,
    /// When it was closed, in milliseconds since 1970.
    pub at: Timestamp,
    /// Whether one side closed it alone, because the other didn't sign in time.
    pub is_default: bool,
}

/// The closing of a day, as both sides sign it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Closing {
    /// The book's number.
    pub book: BookId,
    /// The oldest open day of the book.
    pub day: Day,
    /// How many entries match: all that it has.
    pub matched: u32,
    /// How many breaks were corrected: all corrections that count on it.
    pub breaks: u32,
    /// What the day comes to, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub total: i128,
    /// Digest of the debit side's book of the day.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub debit_book: [u8; 32],
    /// Digest of the credit side's book of the day.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub credit_book: [u8; 32],
    /// Accepted strictly before this time, in block time; in milliseconds since 1970.
    pub expires_at: Timestamp,
}

impl Closing {
    /// What it is known by.
    pub fn id(&self) -> [u8; 32] {
        content_id(b"quittance/closing", self)
    }

    /// What both sides sign.
    pub fn payload(&self, domain: &Domain) -> [u8; PAYLOAD_LENGTH] {
        signing::payload(domain, Purpose::Closing, &self.id(), self.expires_at, &())
    }
}

impl DayRecord {
    /// What is paid for a day whose total is this, and what is left for the next: never both.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn settle(total: i128, carried: i128) -> Result<(Amount, i128), Error> {
        let due = total.checked_add(carried).ok_or(Error::Overflow)?;
        Ok(Amount::try_from(due).map_or((0, due), |payable| (payable, 0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_the_east_and_ends_in_the_west() {
        // 2026-11-26 begins at 10:00 of the day before, UTC, on Kiritimati, and ends at 12:00 of the day after on Baker.
        let day = Day(20_783);
        assert_eq!(day.begins_somewhere(), 1_795_600_800_000);
        assert_eq!(day.ends_somewhere(), day.begins_somewhere() + DAY);
        assert_eq!(day.ends_everywhere(), 1_795_780_800_000);
        assert_eq!(Day(0).begins_somewhere(), 0);
        assert!(Day(u32::MAX).ends_everywhere() > Day(u32::MAX).begins_somewhere());
    }

    #[test]
    fn what_corrections_took_back_beyond_a_days_total_is_carried_on() {
        assert_eq!(DayRecord::settle(100, 0), Ok((100, 0)));
        assert_eq!(DayRecord::settle(-40, 0), Ok((0, -40)));
        assert_eq!(DayRecord::settle(100, -40), Ok((60, 0)));
        assert_eq!(DayRecord::settle(30, -40), Ok((0, -10)));
        assert_eq!(DayRecord::settle(40, -40), Ok((0, 0)));
        assert_eq!(DayRecord::settle(i128::MIN, -1), Err(Error::Overflow));
    }
}
