//! What is owed: receipts, repayments, arrears.
use ink::env::DefaultEnvironment;
use protocol::{
    credit::{receipt, Debt, DebtState, Error},
    Amount, RequestId, Signature,
};

use crate::{
    clock::{self, ensure_from},
    credit::{Credit, FellOverdue, ReceiptConfirmed, Repaid},
    limits::Lines,
    node::has_signed,
    Result,
};

impl Credit {
    /// Keeps the payee's word that the payout arrived.
    pub(crate) fn keep_receipt(&mut self, id: RequestId, signature: &Signature) -> Result<()> {
        let mut debt = self.known(id)?;
        if !matches!(debt.state, DebtState::Owed | DebtState::Settled) {
            return Err(Error::WrongState(debt.state));
        }
        if debt.is_received {
            return Err(Error::AlreadyReceived);
        }
        if !has_signed(&debt.payee, signature, &receipt(&self.domain(), &id)) {
            return Err(Error::BadPayeeSignature);
        }
        debt.is_received = true;
        self.debts.insert(id, &debt);
        ink::env::emit_event::<DefaultEnvironment, _>(ReceiptConfirmed { id });
        Ok(())
    }

    /// Takes the caller's money for a debt, for principal first: that is what counts against limits.
    pub(crate) fn take_repayment(&mut self, id: RequestId, amount: Amount) -> Result<()> {
        let mut debt = self.in_state(id, DebtState::Owed)?;
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        let mut lines = self.lines(&debt);
        if !debt.is_overdue && clock::now() >= debt.due_at {
            fall_overdue(id, &mut debt, &mut lines)?;
        }
        let (principal_owed, fee_owed) = (debt.principal_owed(), debt.fee_owed());
        let principal = amount.min(principal_owed);
        let late_fee = amount.saturating_sub(principal);
        if late_fee > fee_owed {
            return Err(Error::AboveOwed {
                owed: principal_owed.checked_add(fee_owed).ok_or(Error::Overflow)?,
            });
        }

        lines.repay(principal, debt.is_overdue)?;
        self.keep_lines(&debt, &lines);
        debt.repaid = debt.repaid.checked_add(principal).ok_or(Error::Overflow)?;
        debt.fee_paid = debt.fee_paid.checked_add(late_fee).ok_or(Error::Overflow)?;
        if debt.principal_owed() == 0 && debt.fee_owed() == 0 {
            debt.state = DebtState::Settled;
        }
        self.debts.insert(id, &debt);
        ink::env::emit_event::<DefaultEnvironment, _>(Repaid {
            id,
            by: ink::env::caller::<DefaultEnvironment>(),
            principal,
            late_fee,
        });
        self.put_in(debt.asset, amount)
    }

    /// Charges the late fee and counts the principal as overdue.
    pub(crate) fn let_fall_overdue(&mut self, id: RequestId) -> Result<()> {
        let mut debt = self.in_state(id, DebtState::Owed)?;
        if debt.is_overdue {
            return Err(Error::AlreadyOverdue);
        }
        ensure_from(debt.due_at)?;
        let mut lines = self.lines(&debt);
        fall_overdue(id, &mut debt, &mut lines)?;
        self.keep_lines(&debt, &lines);
        self.debts.insert(id, &debt);
        Ok(())
    }
}

/// An owed debt that isn't overdue yet has principal left: otherwise it would be settled.
fn fall_overdue(id: RequestId, debt: &mut Debt, lines: &mut Lines) -> Result<()> {
    debt.is_overdue = true;
    let principal = debt.principal_owed();
    lines.fall_overdue(principal)?;
    ink::env::emit_event::<DefaultEnvironment, _>(FellOverdue {
        id,
        principal,
        late_fee: debt.late_fee,
    });
    Ok(())
}
