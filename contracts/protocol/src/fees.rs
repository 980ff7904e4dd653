//! Fees: a published schedule, from which every notary and the contract work out the same obligations (S0.8).
use alloc::vec::Vec;
use scale::{Decode, Encode};

use crate::{
    settlement::{Asset, Obligation, TransactionKind, Voucher},
    Amount, Member,
};

/// The most rules of one schedule.
pub const MAX_FEE_RULES: usize = 32;
/// What a rate is counted in.
pub(crate) const MILLION: Amount = 1_000_000;

/// A kind of transaction, without whom it concerns.
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
pub enum Service {
    /// The originator hands out cash.
    CashWithdrawal,
    /// The originator takes in cash.
    CashDeposit,
    /// The originator delivers goods.
    Purchase,
    /// The originator delivers securities.
    SecuritiesTransfer,
    /// A user of one institution pays a user of another.
    CreditTransfer,
    /// The originator gives back what it was paid.
    Refund,
}

impl From<TransactionKind> for Service {
    fn from(kind: TransactionKind) -> Self {
        match kind {
            TransactionKind::CashWithdrawal => Service::CashWithdrawal,
            TransactionKind::CashDeposit => Service::CashDeposit,
            TransactionKind::Purchase => Service::Purchase,
            TransactionKind::SecuritiesTransfer => Service::SecuritiesTransfer,
            TransactionKind::CreditTransfer(_) => Service::CreditTransfer,
            TransactionKind::Refund(_) => Service::Refund,
        }
    }
}

/// Who gets a fee. The home institution owes it; what it would owe itself is not charged.
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
pub enum FeePayee {
    /// The institution that took the user's request.
    Originator,
    /// Each of the other destinations.
    Others,
}

/// A fee for payments of one kind in one asset: `flat` + `amount` × `parts_per_million` / 1,000,000, rounded down, and
/// never more than `at_most`.
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
pub struct FeeRule {
    /// The kind of payments that it is charged for.
    pub service: Service,
    /// The asset of these payments; the fee is in it too.
    pub asset: Asset,
    /// Who gets the fee.
    pub payee: FeePayee,
    /// What is charged whatever the amount, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub flat: Amount,
    /// How many millionths of the payment's amount are added to that.
    pub parts_per_million: u32,
    /// The most that is charged, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub at_most: Amount,
}

impl FeeRule {
    /// The fee for this amount; `None` where it is beyond what an amount can hold.
    pub fn fee(&self, amount: Amount) -> Option<Amount> {
        let part = share(amount, self.parts_per_million)?;
        Some(self.flat.checked_add(part)?.min(self.at_most))
    }
}

/// So many millionths of an amount, rounded down. `None` where that is beyond what an amount can hold.
pub fn share(amount: Amount, parts_per_million: u32) -> Option<Amount> {
    let rate = Amount::from(parts_per_million);
    // Split, so that the product holds for every amount.
    let (millions, rest) = (amount.checked_div(MILLION)?, amount.checked_rem(MILLION)?);
    millions
        .checked_mul(rate)?
        .checked_add(rest.checked_mul(rate)?.checked_div(MILLION)?)
}

/// Adds what a rule asks of a payment. `None` where the fee is beyond what an amount can hold.
pub(crate) fn charge(rule: &FeeRule, voucher: &Voucher, obligations: &mut Vec<Obligation>) -> Option<()> {
    if rule.service != Service::from(voucher.kind) || rule.asset != voucher.asset {
        return Some(());
    }
    let amount = rule.fee(voucher.amount)?;
    if amount == 0 {
        return Some(());
    }
    let mut owe = |creditor: Member| {
        if creditor != voucher.home {
            obligations.push(Obligation {
                debtor: voucher.home,
                creditor,
                asset: rule.asset,
                amount,
            });
        }
    };
    match rule.payee {
        FeePayee::Originator => owe(voucher.originator),
        FeePayee::Others => voucher.others.iter().copied().for_each(&mut owe),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: FeeRule = FeeRule {
        service: Service::Purchase,
        asset: Asset::Native,
        payee: FeePayee::Originator,
        flat: 10,
        parts_per_million: 2_500,
        at_most: 1_000,
    };

    #[test]
    fn a_fee_is_flat_and_part_rounded_down_and_capped() {
        assert_eq!(RULE.fee(0), Some(10));
        assert_eq!(RULE.fee(399), Some(10));
        assert_eq!(RULE.fee(400), Some(11));
        assert_eq!(RULE.fee(1_000_000), Some(1_000), "2,510 without the bound");
    }

    #[test]
    fn the_greatest_amount_has_a_fee_or_none_but_never_a_wrong_one() {
        let unbounded = FeeRule {
            flat: 0,
            at_most: Amount::MAX,
            ..RULE
        };
        let whole = FeeRule {
            parts_per_million: 1_000_000,
            ..unbounded
        };
        assert_eq!(whole.fee(Amount::MAX), Some(Amount::MAX));
        assert_eq!(FeeRule { flat: 1, ..whole }.fee(Amount::MAX), None);
        assert_eq!(
            FeeRule {
                parts_per_million: 1_000_001,
                ..whole
            }
            .fee(Amount::MAX),
            None
        );
    }
}
