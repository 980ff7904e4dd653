//! Merchants, their terminals, and what they are paid by cycle (S4.4).
use scale::{Decode, Encode};

use super::{Error, MerchantNumber};
use crate::{
    fees::{share, MILLION},
    AccountId, Amount, Member, Timestamp,
};

/// How a merchant is paid.
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
pub struct Rules {
    /// The issuer's fee for each payment that wasn't voided, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub flat: Amount,
    /// The issuer's fee on a cycle's sales (gross without voids), in millionths, rounded down; at most a million.
    pub parts_per_million: u32,
    /// The least that is paid out, in the asset's smallest unit: less is carried to the next cycle.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub least_payout: Amount,
    /// How much of a cycle's sales is kept for refunds until the next cycle is closed, in millionths, rounded down; at
    /// most a million.
    pub reserve_parts_per_million: u32,
}

impl Rules {
    /// What can be wrong with rules.
    ///
    /// # Errors
    /// `BadRules`.
    pub fn check(&self) -> Result<(), Error> {
        let rates = [self.parts_per_million, self.reserve_parts_per_million];
        if rates.into_iter().any(|rate| Amount::from(rate) > MILLION) {
            return Err(Error::BadRules);
        }
        Ok(())
    }

    /// The fee for a cycle; `None` where it is beyond what an amount can hold.
    pub fn fee(&self, sales: Amount, count: u32) -> Option<Amount> {
        let flat = self.flat.checked_mul(Amount::from(count))?;
        share(sales, self.parts_per_million)?.checked_add(flat)
    }

    /// What is kept of a cycle's sales.
    pub fn reserve(&self, sales: Amount) -> Option<Amount> {
        share(sales, self.reserve_parts_per_million)
    }
}

/// A merchant's terminal.
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
pub struct Terminal {
    /// The number of the merchant whose terminal it is.
    pub merchant: MerchantNumber,
    /// Whether its key is no longer good.
    pub is_revoked: bool,
}

/// What goes back to a card, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum Returned {
    /// The payment was undone.
    Void,
    /// The merchant gives it back.
    Refund,
    /// A dispute was decided for the holder.
    Award,
}

/// What happened so far in a merchant's open cycle. Amounts are in the asset's smallest unit.
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
pub struct Cycle {
    /// The cycle's number, counted from 0 for each merchant.
    pub number: u32,
    /// When the cycle before was closed, or the merchant registered; in milliseconds since 1970.
    pub opened_at: Timestamp,
    /// What the cycle before left, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub opening: Amount,
    /// How many payments were taken.
    pub count: u32,
    /// The sum of the payments that were taken, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub gross: Amount,
    /// How many of the payments were voided.
    pub voided_count: u32,
    /// The sum of the payments that were voided, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub voided: Amount,
    /// How many refunds there were, of payments of this cycle and of earlier ones.
    pub refunded_count: u32,
    /// The sum of the refunds, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub refunded: Amount,
    /// How many disputes were decided for holders.
    pub awarded_count: u32,
    /// What holders got back by disputes, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub awarded: Amount,
    /// What was put in for refunds, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub funded: Amount,
}

impl Cycle {
    /// The payments that were not voided, in the asset's smallest unit: what fee and reserve are reckoned from.
    ///
    /// # Errors
    /// `Overflow`, if more was voided than taken, which is ruled out.
    pub fn sales(&self) -> Result<Amount, Error> {
        self.gross.checked_sub(self.voided).ok_or(Error::Overflow)
    }
}

/// A merchant as the contract keeps it.
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
pub struct Merchant {
    /// The institution that speaks for it.
    pub acquirer: Member,
    /// The account that it is paid on.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub account: AccountId,
    /// Whether it takes payments.
    pub is_active: bool,
    /// How the open cycle is paid.
    pub rules: Rules,
    /// How the cycles after the open one are paid.
    pub next_rules: Rules,
    /// The open cycle.
    pub cycle: Cycle,
    /// What it isn't paid yet, fees not taken off: opening + gross + funded − voided − refunded − awarded. In the asset's
    /// smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub unpaid: Amount,
    /// How much of what it isn't paid is held for disputes that are not decided, in the asset's smallest unit; more
    /// than there is, if the payments were paid out before.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub held: Amount,
    /// Fees of earlier cycles that could not be taken, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub fee_due: Amount,
}

impl Merchant {
    /// One that nothing was paid to.
    pub fn new(acquirer: Member, account: AccountId, rules: Rules, now: Timestamp) -> Self {
        Self {
            acquirer,
            account,
            is_active: true,
            rules,
            next_rules: rules,
            cycle: Cycle {
                opened_at: now,
                ..Cycle::default()
            },
            unpaid: 0,
            held: 0,
            fee_due: 0,
        }
    }

    /// What it isn't paid yet and isn't held for disputes.
    pub const fn available(&self) -> Amount {
        self.unpaid.saturating_sub(self.held)
    }

    /// Counts a payment.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn take(&mut self, amount: Amount) -> Result<(), Error> {
        let count = self.cycle.count.checked_add(1).ok_or(Error::Overflow)?;
        let gross = self.cycle.gross.checked_add(amount).ok_or(Error::Overflow)?;
        self.unpaid = self.unpaid.checked_add(amount).ok_or(Error::Overflow)?;
        (self.cycle.count, self.cycle.gross) = (count, gross);
        Ok(())
    }

    /// Counts what goes back to a card. An award comes out of what is held, whichever dispute it is held for: where that is
    /// more than there is, who is decided first is paid first, rather than nobody.
    ///
    /// # Errors
    /// `MerchantShort`, `Overflow`.
    pub fn give_back(&mut self, why: Returned, amount: Amount) -> Result<(), Error> {
        let available = match why {
            Returned::Void | Returned::Refund => self.available(),
            Returned::Award => self.unpaid,
        };
        if amount > available {
            return Err(Error::MerchantShort {
                available,
                needed: amount,
            });
        }
        let cycle = &mut self.cycle;
        let (count, sum) = match why {
            Returned::Void => (&mut cycle.voided_count, &mut cycle.voided),
            Returned::Refund => (&mut cycle.refunded_count, &mut cycle.refunded),
            Returned::Award => (&mut cycle.awarded_count, &mut cycle.awarded),
        };
        *count = count.checked_add(1).ok_or(Error::Overflow)?;
        *sum = sum.checked_add(amount).ok_or(Error::Overflow)?;
        self.unpaid = self.unpaid.checked_sub(amount).ok_or(Error::Overflow)?;
        Ok(())
    }

    /// Counts what was put in.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn fund(&mut self, amount: Amount) -> Result<(), Error> {
        self.cycle.funded = self.cycle.funded.checked_add(amount).ok_or(Error::Overflow)?;
        self.unpaid = self.unpaid.checked_add(amount).ok_or(Error::Overflow)?;
        Ok(())
    }

    /// Holds what is disputed.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn hold(&mut self, amount: Amount) -> Result<(), Error> {
        self.held = self.held.checked_add(amount).ok_or(Error::Overflow)?;
        Ok(())
    }

    /// Holds it no longer.
    ///
    /// # Errors
    /// `Overflow`, if it wasn't held, which is ruled out.
    pub fn let_go(&mut self, amount: Amount) -> Result<(), Error> {
        self.held = self.held.checked_sub(amount).ok_or(Error::Overflow)?;
        Ok(())
    }

    /// Closes the open cycle and opens the next. Fee and payout are to be paid.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn close_cycle(&mut self, number: MerchantNumber, now: Timestamp) -> Result<Statement, Error> {
        let cycle = self.cycle;
        let sales = cycle.sales()?;
        let sold = cycle.count.checked_sub(cycle.voided_count).ok_or(Error::Overflow)?;
        let earned = self.rules.fee(sales, sold).ok_or(Error::Overflow)?;
        let fee_due = self.fee_due.checked_add(earned).ok_or(Error::Overflow)?;
        // Neither the fee nor the payout may take what is held for holders.
        let fee = fee_due.min(self.available());
        let reserve = self.rules.reserve(sales).ok_or(Error::Overflow)?;
        let net = self.unpaid.checked_sub(fee).ok_or(Error::Overflow)?;
        let payable = net.saturating_sub(self.held).saturating_sub(reserve);
        let paid = if payable < self.rules.least_payout { 0 } else { payable };
        let closing = net.checked_sub(paid).ok_or(Error::Overflow)?;
        let statement = Statement {
            merchant: number,
            account: self.account,
            cycle,
            closed_at: now,
            rules: self.rules,
            fee_before: self.fee_due,
            fee,
            fee_due: fee_due.checked_sub(fee).ok_or(Error::Overflow)?,
            net,
            held: self.held,
            reserve,
            paid,
            closing,
        };
        self.unpaid = closing;
        self.fee_due = statement.fee_due;
        self.rules = self.next_rules;
        self.cycle = Cycle {
            number: cycle.number.checked_add(1).ok_or(Error::Overflow)?,
            opened_at: now,
            opening: closing,
            ..Cycle::default()
        };
        Ok(statement)
    }
}

/// What a merchant is told of a closed cycle, and paid. Amounts are in the asset's smallest unit.
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
pub struct Statement {
    /// The merchant's number.
    pub merchant: MerchantNumber,
    /// The account that the merchant was paid on.
    #[cfg_attr(feature = "std", serde(with = "crate::text::account"))]
    pub account: AccountId,
    /// What happened in the cycle.
    pub cycle: Cycle,
    /// When it was closed, in milliseconds since 1970.
    pub closed_at: Timestamp,
    /// The rules that the cycle was reckoned by.
    pub rules: Rules,
    /// Fees of earlier cycles that had not been taken, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub fee_before: Amount,
    /// The fee that was taken, and went to the issuer, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub fee: Amount,
    /// Fees that could not be taken, in the asset's smallest unit: they are due in the next cycle.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub fee_due: Amount,
    /// What the cycle came to, in the asset's smallest unit: opening + gross + funded − voided − refunded − awarded −
    /// fee.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub net: Amount,
    /// How much of the net is held for disputes, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub held: Amount,
    /// How much of the net is kept for refunds, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub reserve: Amount,
    /// What was paid out to the merchant, in the asset's smallest unit.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub paid: Amount,
    /// What the next cycle begins with, in the asset's smallest unit: net − paid.
    #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
    pub closing: Amount,
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        flat: 2,
        parts_per_million: 10_000,
        least_payout: 50,
        reserve_parts_per_million: 100_000,
    };

    /// Two payments of 1,000, of which one was voided, and one of 500.
    fn merchant() -> Merchant {
        let mut merchant = Merchant::new(Member(1), AccountId([1; 32]), RULES, 10);
        for amount in [1_000, 1_000, 500] {
            merchant.take(amount).unwrap();
        }
        merchant.give_back(Returned::Void, 1_000).unwrap();
        merchant
    }

    fn close(merchant: &mut Merchant) -> Statement {
        merchant.close_cycle(MerchantNumber(1), 20).unwrap()
    }

    #[test]
    fn a_cycle_pays_sales_less_fee_and_reserve_and_the_reserve_the_cycle_after() {
        let mut merchant = merchant();
        let statement = close(&mut merchant);
        // 1 % of 1,500 and 2 for each of two; 10 % stay.
        assert_eq!((statement.fee, statement.net), (19, 1_481));
        assert_eq!(
            (statement.reserve, statement.paid, statement.closing),
            (150, 1_331, 150)
        );
        assert_eq!(
            (merchant.unpaid, merchant.cycle.opening, merchant.cycle.number),
            (150, 150, 1)
        );

        let next = close(&mut merchant);
        assert_eq!((next.fee, next.reserve, next.paid, next.closing), (0, 0, 150, 0));
    }

    #[test]
    fn less_than_the_least_payout_is_carried() {
        let mut merchant = Merchant::new(Member(1), AccountId([1; 32]), RULES, 10);
        merchant.take(50).unwrap();
        let statement = close(&mut merchant);
        assert_eq!((statement.fee, statement.net, statement.paid), (2, 48, 0));
        merchant.take(50).unwrap();
        let next = close(&mut merchant);
        assert_eq!((next.cycle.opening, next.fee, next.paid, next.closing), (48, 2, 91, 5));
    }

    #[test]
    fn what_is_disputed_is_neither_paid_out_nor_refunded_nor_taken_as_a_fee() {
        let mut merchant = merchant();
        merchant.hold(1_490).unwrap();
        let short = Error::MerchantShort {
            available: 10,
            needed: 11,
        };
        assert_eq!(merchant.give_back(Returned::Refund, 11), Err(short));
        let statement = close(&mut merchant);
        assert_eq!((statement.fee, statement.fee_due), (10, 9));
        assert_eq!((statement.held, statement.paid, statement.closing), (1_490, 0, 1_490));

        merchant.let_go(1_490).unwrap();
        merchant.give_back(Returned::Award, 490).unwrap();
        let next = close(&mut merchant);
        assert_eq!((next.fee_before, next.fee, next.fee_due), (9, 9, 0));
        assert_eq!((next.cycle.awarded, next.paid, next.closing), (490, 991, 0));
    }

    #[test]
    fn disputes_of_more_than_there_is_dont_stand_in_each_others_way() {
        let mut merchant = merchant();
        merchant.hold(1_500).unwrap();
        merchant.hold(1_400).unwrap();
        merchant.let_go(1_400).unwrap();
        assert_eq!(merchant.give_back(Returned::Award, 1_400), Ok(()));
        merchant.let_go(1_500).unwrap();
        let short = Error::MerchantShort {
            available: 100,
            needed: 101,
        };
        assert_eq!(merchant.give_back(Returned::Award, 101), Err(short));
    }

    #[test]
    fn new_rules_hold_from_the_next_cycle_on() {
        let mut merchant = merchant();
        merchant.next_rules = Rules { flat: 0, ..RULES };
        assert_eq!(close(&mut merchant).rules, RULES);
        assert_eq!(merchant.rules.flat, 0);
    }

    #[test]
    fn what_is_put_in_can_go_back_and_is_paid_out() {
        let mut merchant = merchant();
        close(&mut merchant);
        merchant.fund(100).unwrap();
        assert_eq!(merchant.give_back(Returned::Refund, 250), Ok(()));
        assert_eq!(merchant.unpaid, 0);
    }

    #[test]
    fn rules_that_take_more_than_a_whole_are_refused() {
        assert_eq!(RULES.check(), Ok(()));
        let whole = Rules {
            parts_per_million: 1_000_000,
            reserve_parts_per_million: 1_000_000,
            ..RULES
        };
        assert_eq!(whole.check(), Ok(()));
        for faulty in [
            Rules {
                parts_per_million: 1_000_001,
                ..RULES
            },
            Rules {
                reserve_parts_per_million: 1_000_001,
                ..RULES
            },
        ] {
            assert_eq!(faulty.check(), Err(Error::BadRules));
        }
    }

    #[test]
    fn an_overflow_changes_nothing() {
        let mut full = merchant();
        full.unpaid = Amount::MAX;
        let before = full;
        assert_eq!(full.take(1), Err(Error::Overflow));
        assert_eq!(full, before);
    }
}
