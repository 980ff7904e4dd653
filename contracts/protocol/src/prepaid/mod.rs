//! Prepaid cards: what an issuer says of its programme, cards and merchants, what cards, terminals and holders sign, what
//! the contract keeps, and why it refuses or declines (S4.1 to S4.5).
//!
//! A card's, a terminal's and a holder's account *is* its sr25519 public key: whoever has a signature can hand it to the
//! chain.
mod cards;
mod cycles;
mod error;
mod payments;

use scale::{Decode, Encode};

pub use self::{
    cards::{day, Card, CardLimits, CardState},
    cycles::{Cycle, Merchant, Returned, Rules, Statement, Terminal},
    error::Error,
    payments::{
        CardPayment, CardQuery, DeclineCode, Dispute, DisputeOrder, PaymentKey, PaymentLine, PaymentRecord,
        RefundOrder, SignedPayment, Verdict, VoidOrder,
    },
};
use crate::{settlement::Asset, signing::Domain, AccountId, Amount, Member, Timestamp};

/// The most payments in one call.
pub const MAX_PAYMENTS: usize = 64;
/// The most cards, merchants, terminals, payments or statements that one query answers.
pub const MAX_LISTED: usize = 64;
/// How long a day is for limits, in milliseconds. Days begin at midnight UTC.
pub const DAY: Timestamp = 86_400_000;
/// The longest period of a programme, in milliseconds: a dispute that nobody decides must end some day.
pub const MAX_PERIOD: Timestamp = 3_650 * DAY;

/// A card's number in its programme. It names the account: a card that replaces a lost one has another key and the same
/// number.
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
pub struct CardNumber(pub u64);

/// A merchant's number in a programme.
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
pub struct MerchantNumber(pub u32);

/// What holds for all cards and merchants of a programme. The issuer can change it; what is changed holds from then on.
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
pub struct Programme {
    /// What no card may exceed, whatever its own limits say.
    pub limits: CardLimits,
    /// Whether a payment may be taken in part where the card can't cover all of it.
    pub allows_partial: bool,
    /// How long a cycle lasts at least until anyone may close it; the issuer may earlier. In milliseconds, never 0, nor
    /// more than 3,650 days, like the other periods.
    pub cycle: Timestamp,
    /// How long after a payment its holder can dispute it, in milliseconds.
    pub dispute_period: Timestamp,
    /// How long the issuer has to decide a dispute, in milliseconds: from its opening, and again from the acquirer's
    /// answer.
    pub ruling_period: Timestamp,
}

impl Programme {
    /// What can be wrong with a programme.
    ///
    /// # Errors
    /// `BadProgramme`: a period is 0, or above [`MAX_PERIOD`].
    pub fn check(&self) -> Result<(), Error> {
        let periods = [self.cycle, self.dispute_period, self.ruling_period];
        if periods.iter().all(|period| (1..=MAX_PERIOD).contains(period)) {
            Ok(())
        } else {
            Err(Error::BadProgramme)
        }
    }
}

/// What a prepaid contract was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub struct Constants {
    /// The chain's genesis hash: part of what cards, terminals and holders sign.
    #[cfg_attr(feature = "std", serde(with = "crate::text::bytes"))]
    pub genesis: [u8; 32],
    /// The registry that knows the issuer and the acquirers.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub registry: AccountId,
    /// The issuer's index in the registry.
    pub issuer: Member,
    /// The asset that the cards hold.
    pub asset: Asset,
}

/// All the money that the contract holds for others: always what it has.
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
pub struct Float {
    /// The sum of all cards' balances, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub cards: Amount,
    /// The sum of what merchants are not paid yet, fees included, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub merchants: Amount,
}

/// Where a card's, a terminal's or a holder's signature is valid. They are no members: the registry's epoch doesn't concern
/// them.
pub const fn domain(genesis: [u8; 32], contract: AccountId) -> Domain {
    Domain {
        genesis,
        contract,
        epoch: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programme_whose_periods_are_empty_or_endless_is_refused() {
        let limits = CardLimits {
            balance: 1,
            per_payment: 1,
            per_day: 1,
        };
        let programme = Programme {
            limits,
            allows_partial: false,
            cycle: 1,
            dispute_period: 1,
            ruling_period: 1,
        };
        assert_eq!(programme.check(), Ok(()));
        let longest = Programme {
            cycle: MAX_PERIOD,
            dispute_period: MAX_PERIOD,
            ruling_period: MAX_PERIOD,
            ..programme
        };
        assert_eq!(longest.check(), Ok(()));
        let faults: [fn(&mut Programme); 6] = [
            |programme| programme.cycle = 0,
            |programme| programme.dispute_period = 0,
            |programme| programme.ruling_period = 0,
            |programme| programme.cycle = MAX_PERIOD + 1,
            |programme| programme.dispute_period = MAX_PERIOD + 1,
            |programme| programme.ruling_period = u64::MAX,
        ];
        for fault in faults {
            let mut faulty = programme;
            fault(&mut faulty);
            assert_eq!(faulty.check(), Err(Error::BadProgramme));
        }
    }
}
