//! Cards and their limits (S4.1, S4.2).
use scale::{Decode, Encode};

use super::{DeclineCode, Programme, DAY};
use crate::{AccountId, Amount, Timestamp};

/// How much a card may hold and pay, in the asset's smallest unit.
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
pub struct CardLimits {
    /// The most that a top-up may bring the card's balance to, in the asset's smallest unit. What comes back to a card
    /// isn't bounded by it.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub balance: Amount,
    /// The most that the card may pay in one payment, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub per_payment: Amount,
    /// The most that the card may pay in one day, midnight to midnight UTC, in the asset's smallest unit, voided
    /// payments of that day not counted.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub per_day: Amount,
}

impl CardLimits {
    /// The lower of each two.
    pub fn within(&self, other: &Self) -> Self {
        Self {
            balance: self.balance.min(other.balance),
            per_payment: self.per_payment.min(other.per_payment),
            per_day: self.per_day.min(other.per_day),
        }
    }
}

/// Whether a card can be used.
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
pub enum CardState {
    /// It pays until it expires.
    Active,
    /// The issuer stopped it: it neither pays nor is topped up.
    Frozen,
    /// Final: its balance went to the holder, and so does whatever comes back later.
    Closed,
}

/// A card as the contract keeps it, for good.
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
pub struct Card {
    /// The sr25519 public key that the card in the holder's hand signs with.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub key: AccountId,
    /// The account of who holds it: who is paid when it is closed, and who disputes.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub holder: AccountId,
    /// The card's own limits; the programme's hold too.
    pub limits: CardLimits,
    /// The card pays and is topped up strictly before this time; in milliseconds since 1970.
    pub expires_at: Timestamp,
    /// Whether it can be used.
    pub state: CardState,
    /// What it holds, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub balance: Amount,
    /// The day that it last paid on, counted from 1970.
    pub day: u64,
    /// What it paid on that day, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub paid_that_day: Amount,
    /// The highest of its numbers for payments so far. A replaced card's key begins above it.
    pub counter: u64,
}

impl Card {
    /// What it paid on the day of this time, in the asset's smallest unit.
    pub const fn paid_on_day_of(&self, now: Timestamp) -> Amount {
        if self.day == day(now) {
            self.paid_that_day
        } else {
            0
        }
    }

    /// How much of an amount it can pay now: all, or a part where programme and payment allow that.
    ///
    /// # Errors
    /// Why it pays nothing: `CardClosed`, `CardFrozen`, `CardExpired`, `AbovePaymentLimit`, `AboveDayLimit`,
    /// `InsufficientFunds`.
    pub fn authorise(
        &self,
        programme: &Programme,
        now: Timestamp,
        amount: Amount,
        least: Amount,
    ) -> Result<Amount, DeclineCode> {
        match self.state {
            CardState::Closed => return Err(DeclineCode::CardClosed),
            CardState::Frozen => return Err(DeclineCode::CardFrozen),
            CardState::Active if now >= self.expires_at => return Err(DeclineCode::CardExpired),
            CardState::Active => {}
        }
        let limits = self.limits.within(&programme.limits);
        // After a cut, more than the limit may be paid already.
        let left_today = limits.per_day.saturating_sub(self.paid_on_day_of(now));
        let bounds = [
            (limits.per_payment, DeclineCode::AbovePaymentLimit),
            (left_today, DeclineCode::AboveDayLimit),
            (self.balance, DeclineCode::InsufficientFunds),
        ];
        let mut taken = amount;
        for (bound, code) in bounds {
            if bound < least {
                return Err(code);
            }
            taken = taken.min(bound);
        }
        Ok(taken)
    }
}

/// The day of a time, counted from 1970.
pub const fn day(now: Timestamp) -> u64 {
    // The divisor isn't 0.
    now.wrapping_div(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = 20_000 * DAY + DAY / 2;

    fn card() -> Card {
        Card {
            key: AccountId([1; 32]),
            holder: AccountId([2; 32]),
            limits: CardLimits {
                balance: 1_000,
                per_payment: 100,
                per_day: 150,
            },
            expires_at: NOON + 1,
            state: CardState::Active,
            balance: 120,
            day: 20_000,
            paid_that_day: 60,
            counter: 1,
        }
    }

    fn programme() -> Programme {
        Programme {
            limits: CardLimits {
                balance: 500,
                per_payment: 95,
                per_day: 200,
            },
            allows_partial: true,
            cycle: 1,
            dispute_period: 1,
            ruling_period: 1,
        }
    }

    fn authorise(card: &Card, amount: Amount, least: Amount) -> Result<Amount, DeclineCode> {
        card.authorise(&programme(), NOON, amount, least)
    }

    #[test]
    fn a_card_pays_up_to_the_lower_of_both_limits_the_days_rest_and_its_balance() {
        assert_eq!(authorise(&card(), 90, 90), Ok(90), "the day's rest");
        assert_eq!(authorise(&card(), 91, 91), Err(DeclineCode::AboveDayLimit));
        assert_eq!(
            authorise(&card(), 96, 96),
            Err(DeclineCode::AbovePaymentLimit),
            "the programme's"
        );
        let poor = Card { balance: 40, ..card() };
        assert_eq!(authorise(&poor, 41, 41), Err(DeclineCode::InsufficientFunds));
        assert_eq!(authorise(&poor, 40, 40), Ok(40));
    }

    #[test]
    fn in_part_it_pays_what_all_bounds_leave_but_not_less_than_the_least() {
        assert_eq!(authorise(&card(), 1_000, 90), Ok(90));
        assert_eq!(authorise(&card(), 1_000, 91), Err(DeclineCode::AboveDayLimit));
        let poor = Card { balance: 40, ..card() };
        assert_eq!(authorise(&poor, 50, 1), Ok(40));
    }

    #[test]
    fn another_day_begins_at_nothing_and_a_cut_below_what_was_paid_leaves_nothing() {
        let yesterday = Card { day: 19_999, ..card() };
        assert_eq!(authorise(&yesterday, 95, 95), Ok(95));
        let cut = Card {
            paid_that_day: 151,
            ..card()
        };
        assert_eq!(authorise(&cut, 1, 1), Err(DeclineCode::AboveDayLimit));
    }

    #[test]
    fn a_card_that_is_frozen_closed_or_expired_pays_nothing() {
        let frozen = Card {
            state: CardState::Frozen,
            ..card()
        };
        assert_eq!(authorise(&frozen, 1, 1), Err(DeclineCode::CardFrozen));
        let closed = Card {
            state: CardState::Closed,
            ..card()
        };
        assert_eq!(authorise(&closed, 1, 1), Err(DeclineCode::CardClosed));
        let expired = Card {
            expires_at: NOON,
            ..card()
        };
        assert_eq!(authorise(&expired, 1, 1), Err(DeclineCode::CardExpired));
    }
}
