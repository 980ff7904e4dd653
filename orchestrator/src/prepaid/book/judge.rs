//! What should become of a payment, by the rules of the contract, said here a second time (S4.3).
use protocol::{
    prepaid::{CardPayment, CardState, DeclineCode, Programme, Verdict, DAY},
    Amount, Timestamp,
};

use super::Book;

impl Book {
    /// How much of a payment should be taken in a block of this time, or why nothing, if both signatures are good. Events
    /// don't hold them.
    pub(super) fn judge(
        &self,
        programme: &Programme,
        payment: &CardPayment,
        now: Timestamp,
    ) -> Result<Amount, DeclineCode> {
        self.judge_terminal(programme, payment, now)?;
        let book = self.cards.get(&payment.card).ok_or(DeclineCode::UnknownCard)?;
        if self.payments.contains_key(&payment.key()) {
            return Err(DeclineCode::CounterUsed);
        }
        match book.card.state {
            CardState::Closed => return Err(DeclineCode::CardClosed),
            CardState::Frozen => return Err(DeclineCode::CardFrozen),
            CardState::Active if book.card.expires_at <= now => return Err(DeclineCode::CardExpired),
            CardState::Active => {}
        }
        let limits = book.limits(&programme.limits);
        let today = if book.card.day == today(now) {
            book.card.paid_that_day
        } else {
            0
        };
        let rest = limits.per_day.saturating_sub(today);
        if limits.per_payment < payment.least {
            return Err(DeclineCode::AbovePaymentLimit);
        }
        if rest < payment.least {
            return Err(DeclineCode::AboveDayLimit);
        }
        if book.card.balance < payment.least {
            return Err(DeclineCode::InsufficientFunds);
        }
        let taken = payment.amount.min(limits.per_payment).min(rest).min(book.card.balance);
        let merchant = self.merchants.get(&payment.merchant);
        let sums = [Some(today), merchant.map(|merchant| merchant.largest_sum())];
        let overflows = |sum: Amount| sum.checked_add(taken).is_none();
        if sums.into_iter().flatten().any(overflows) || overflows(self.float.merchants) {
            return Err(DeclineCode::Overflow);
        }
        Ok(taken)
    }

    fn judge_terminal(&self, programme: &Programme, payment: &CardPayment, now: Timestamp) -> Result<(), DeclineCode> {
        if !(1..=payment.amount).contains(&payment.least) {
            return Err(DeclineCode::BadAmount);
        }
        if payment.least != payment.amount && !programme.allows_partial {
            return Err(DeclineCode::PartialNotAllowed);
        }
        if payment.expires_at <= now {
            return Err(DeclineCode::PaymentExpired);
        }
        let terminal = self.terminals.get(&payment.terminal);
        let terminal = terminal.ok_or(DeclineCode::UnknownTerminal)?;
        if terminal.merchant != payment.merchant {
            return Err(DeclineCode::ForeignMerchant);
        }
        if terminal.is_revoked {
            return Err(DeclineCode::TerminalRevoked);
        }
        let merchant = self.merchants.get(&payment.merchant);
        if !merchant.is_some_and(|merchant| merchant.is_active) {
            return Err(DeclineCode::MerchantSuspended);
        }
        Ok(())
    }
}

/// Whether a verdict can stand beside what should become of a payment: a bad signature can't be seen in the events, and is
/// found before what comes later in the order of codes.
pub(super) fn is_possible(verdict: &Verdict, expected: Result<Amount, DeclineCode>) -> bool {
    match (verdict, expected) {
        (Verdict::Approved { taken, .. }, Ok(expected)) => *taken == expected,
        (Verdict::Approved { .. }, Err(_)) => false,
        (Verdict::Declined(code), expected) => {
            let is_signature = matches!(code, DeclineCode::BadTerminalSignature | DeclineCode::BadCardSignature);
            match expected {
                Ok(_) => is_signature,
                Err(expected) => *code == expected || (is_signature && *code < expected),
            }
        }
    }
}

/// The day of a time, counted from 1970.
pub(super) const fn today(now: Timestamp) -> u64 {
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
