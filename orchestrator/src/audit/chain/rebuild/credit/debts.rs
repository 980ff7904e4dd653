//! What is owed: receipts, repayments, arrears.
use protocol::{
    credit::{receipt, Debt, DebtState},
    AccountId, Amount, RequestId, Signature,
};

use super::{super::checks::value_of, Case, Done};

impl Case<'_> {
    /// The payee's word that the payout arrived (S1.10). Anyone may send it.
    pub(super) fn receipt_confirmed(&mut self, id: RequestId) -> Done {
        let arguments = self.checks.arguments::<(RequestId, Signature)>("confirm_receipt", 0);
        let Some(before) = self.in_state(id, &[DebtState::Owed, DebtState::Settled])? else {
            return Ok(());
        };
        if let Some((_, (asked, signature))) = arguments {
            self.checks.ensure(asked == id, "wrong-call", || {
                format!("the receipt of {id} was told, but the call names {asked}")
            });
            let payload = receipt(&self.domain()?, &id);
            self.checks.signed(&before.payee.0, &payload, &signature, || {
                format!("the payee didn't sign the receipt of {id}")
            });
        }
        self.checks.ensure(!before.is_received, "wrong-state", || {
            format!("the receipt of {id} was confirmed twice")
        });
        let debt = Debt {
            is_received: true,
            ..before
        };
        self.keep(id, Some(&before), &debt)
    }

    /// Principal wasn't repaid in time: said by anyone, or by the repayment that came too late.
    pub(super) fn fell_overdue(&mut self, (id, principal, late_fee): (RequestId, Amount, Amount)) -> Done {
        // The repayment itself is told next, and held against its call then.
        if self.checks.told.call.is_none_or(|call| call.message != "repay") {
            self.checks.exact_call("mark_overdue", &id, 0);
        }
        let Some(before) = self.in_state(id, &[DebtState::Owed])? else {
            return Ok(());
        };
        self.checks
            .not_before(before.due_at, || format!("the debt of {id} fell overdue"));
        self.checks.ensure(!before.is_overdue, "wrong-state", || {
            format!("the debt of {id} fell overdue twice")
        });
        let owed = (before.principal_owed(), before.late_fee);
        self.checks.ensure((principal, late_fee) == owed, "wrong-amount", || {
            let (owed, fee) = owed;
            format!("{principal} and a fee of {late_fee} are said to be overdue of {id}; it is {owed}, the fee {fee}")
        });
        let debt = Debt {
            is_overdue: true,
            ..before
        };
        self.keep(id, Some(&before), &debt)
    }

    /// A repayment, by anyone: principal first, then the late fee. It goes into the pool.
    pub(super) fn repaid(
        &mut self,
        (id, by, principal, late_fee): (RequestId, AccountId, Amount, Amount),
    ) -> Done {
        let Some(before) = self.in_state(id, &[DebtState::Owed])? else {
            return Ok(());
        };
        let amount = principal.saturating_add(late_fee);
        let value = value_of(before.asset, amount);
        let call = self.checks.exact_call("repay", &(id, amount), value);
        self.checks.sent_by(call, by, "who repaid");
        let now = self.checks.now();
        self.checks.ensure(before.is_overdue || now < before.due_at, "not-overdue", || {
            format!("the debt of {id} was due at {}, repaid at {now}, and didn't fall overdue", before.due_at)
        });
        let (principal_owed, fee_owed) = (before.principal_owed(), before.fee_owed());
        let is_right = amount > 0 && principal == amount.min(principal_owed) && late_fee <= fee_owed;
        self.checks.ensure(is_right, "wrong-amount", || {
            format!("{principal} and {late_fee} of the fee were repaid of {id}; {principal_owed} and {fee_owed} were owed")
        });

        let mut debt = Debt {
            repaid: before.repaid.saturating_add(principal),
            fee_paid: before.fee_paid.saturating_add(late_fee),
            ..before
        };
        if debt.principal_owed() == 0 && debt.fee_owed() == 0 {
            debt.state = DebtState::Settled;
        }
        self.keep(id, Some(&before), &debt)?;
        self.puts_in(debt.asset, amount)
    }
}
