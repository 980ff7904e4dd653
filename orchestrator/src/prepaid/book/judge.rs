//! What should become of a payment, by the rules of the contract, said here a second time (S4.3).
use protocol::{
    prepaid::{Card, CardPayment, CardState, DeclineCode, Programme, Terminal, Verdict, DAY},
    Amount, Timestamp,
};

use super::Book;

/// What a payment is judged by.
pub(crate) struct Seen {
    /// What holds for all cards and merchants.
    pub(crate) programme: Programme,
    /// The terminal that it names.
    pub(crate) terminal: Option<Terminal>,
    /// The merchant that it names.
    pub(crate) merchant: Option<Till>,
    /// The card that it names.
    pub(crate) card: Option<Card>,
    /// Whether the card paid under its counter before.
    pub(crate) is_used: bool,
    /// What merchants aren't paid yet, all together.
    pub(crate) unpaid: Amount,
}

/// What counts of a merchant.
pub(crate) struct Till {
    /// Whether it takes payments.
    pub(crate) is_active: bool,
    /// The largest sum that a payment adds to, or nothing less.
    pub(crate) largest_sum: Amount,
}

impl Book {
    /// How much of a payment should be taken in a block of this time, or why nothing, if both signatures are good. Events
    /// don't hold them.
    pub(super) fn judge(
        &self,
        programme: &Programme,
        payment: &CardPayment,
        now: Timestamp,
    ) -> Result<Amount, DeclineCode> {
        let merchant = self.merchants.get(&payment.merchant);
        let seen = Seen {
            programme: *programme,
            terminal: self.terminals.get(&payment.terminal).copied(),
            merchant: merchant.map(|merchant| Till {
                is_active: merchant.is_active,
                largest_sum: merchant.largest_sum(),
            }),
            card: self.cards.get(&payment.card).map(|book| book.card),
            is_used: self.payments.contains_key(&payment.key()),
            unpaid: self.float.merchants,
        };
        seen.judge(payment, now)
    }
}

impl Seen {
    /// How much of a payment should be taken in a block of this time, or why nothing, if both signatures are good.
    ///
    /// # Errors
    /// Why nothing should be taken.
    pub(crate) fn judge(&self, payment: &CardPayment, now: Timestamp) -> Result<Amount, DeclineCode> {
        self.judge_terminal(payment, now)?;
        let card = self.card.as_ref().ok_or(DeclineCode::UnknownCard)?;
        if self.is_used {
            return Err(DeclineCode::CounterUsed);
        }
        match card.state {
            CardState::Closed => return Err(DeclineCode::CardClosed),
            CardState::Frozen => return Err(DeclineCode::CardFrozen),
            CardState::Active if card.expires_at <= now => return Err(DeclineCode::CardExpired),
            CardState::Active => {}
        }
        let limits = card.limits.within(&self.programme.limits);
        let today = if card.day == today(now) { card.paid_that_day } else { 0 };
        let rest = limits.per_day.saturating_sub(today);
        if limits.per_payment < payment.least {
            return Err(DeclineCode::AbovePaymentLimit);
        }
        if rest < payment.least {
            return Err(DeclineCode::AboveDayLimit);
        }
        if card.balance < payment.least {
            return Err(DeclineCode::InsufficientFunds);
        }
        let taken = payment.amount.min(limits.per_payment).min(rest).min(card.balance);
        let largest = self.merchant.as_ref().map(|merchant| merchant.largest_sum);
        let overflows = |sum: Amount| sum.checked_add(taken).is_none();
        if [Some(today), largest, Some(self.unpaid)]
            .into_iter()
            .flatten()
            .any(overflows)
        {
            return Err(DeclineCode::Overflow);
        }
        Ok(taken)
    }

    fn judge_terminal(&self, payment: &CardPayment, now: Timestamp) -> Result<(), DeclineCode> {
        if !(1..=payment.amount).contains(&payment.least) {
            return Err(DeclineCode::BadAmount);
        }
        if payment.least != payment.amount && !self.programme.allows_partial {
            return Err(DeclineCode::PartialNotAllowed);
        }
        if payment.expires_at <= now {
            return Err(DeclineCode::PaymentExpired);
        }
        let terminal = self.terminal.as_ref().ok_or(DeclineCode::UnknownTerminal)?;
        if terminal.merchant != payment.merchant {
            return Err(DeclineCode::ForeignMerchant);
        }
        if terminal.is_revoked {
            return Err(DeclineCode::TerminalRevoked);
        }
        if !self.merchant.as_ref().is_some_and(|merchant| merchant.is_active) {
            return Err(DeclineCode::MerchantSuspended);
        }
        Ok(())
    }
}

/// Whether a verdict can stand beside what should become of a payment: a bad signature can't be seen in the events, and is
/// found before what comes later in the order of codes.
pub(crate) fn is_possible(verdict: &Verdict, expected: Result<Amount, DeclineCode>) -> bool {
    match (verdict, expected) {
        (Verdict::Approved { taken, .. }, Ok(expected)) => *taken == expected,
        (Verdict::Approved { .. }, Err(_)) => false,
        (Verdict::Declined(code), expected) => {
            let is_signature = matches!(code, DeclineCode::BadTerminalSignature | DeclineCode::BadCardSignature);
            expected == Err(*code) || (is_signature && reaches(expected, *code))
        }
    }
}

/// Whether a payment that comes to this, if both signatures are good, was looked at for a fault of this code before.
pub(crate) fn reaches(expected: Result<Amount, DeclineCode>, code: DeclineCode) -> bool {
    expected.err().is_none_or(|found| found > code)
}

/// What a verdict says was taken, or why nothing.
pub(crate) const fn said(verdict: &Verdict) -> Result<Amount, DeclineCode> {
    match verdict {
        Verdict::Approved { taken, .. } => Ok(*taken),
        Verdict::Declined(code) => Err(*code),
    }
}

/// In words.
pub(crate) fn text(verdict: Result<Amount, DeclineCode>) -> String {
    match verdict {
        Ok(taken) => format!("approved with {taken}"),
        Err(code) => format!("declined ({code:?})"),
    }
}

/// The day of a time, counted from 1970.
pub(crate) const fn today(now: Timestamp) -> u64 {
    // The divisor isn't 0.
    now.wrapping_div(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_signature_can_hide_only_what_is_judged_after_it() {
        let bad_terminal = Verdict::Declined(DeclineCode::BadTerminalSignature);
        let bad_card = Verdict::Declined(DeclineCode::BadCardSignature);
        for verdict in [bad_terminal, bad_card] {
            assert!(is_possible(&verdict, Ok(1)));
            assert!(is_possible(&verdict, Err(DeclineCode::InsufficientFunds)));
            assert!(!is_possible(&verdict, Err(DeclineCode::TerminalRevoked)));
        }
        assert!(is_possible(&bad_terminal, Err(DeclineCode::UnknownCard)));
        assert!(!is_possible(&bad_card, Err(DeclineCode::UnknownCard)));
    }

    #[test]
    fn any_other_decline_and_any_amount_must_be_as_judged() {
        let poor = Verdict::Declined(DeclineCode::InsufficientFunds);
        assert!(is_possible(&poor, Err(DeclineCode::InsufficientFunds)));
        assert!(!is_possible(&poor, Err(DeclineCode::AboveDayLimit)));
        assert!(!is_possible(&poor, Ok(1)));
        let taken = |taken| Verdict::Approved {
            taken,
            balance: 0,
            cycle: 0,
        };
        assert!(is_possible(&taken(5), Ok(5)));
        assert!(!is_possible(&taken(5), Ok(4)));
        assert!(!is_possible(&taken(5), Err(DeclineCode::CardFrozen)));
    }
}
