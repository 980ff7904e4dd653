//! From a signed request to a debt, or to nothing. A reservation is resolved once.
use ink::env::DefaultEnvironment;
use protocol::{
    credit::{CreditRequest, Debt, DebtState, Error, PayoutBlock},
    RequestId, Signature,
};

use crate::{
    clock::{self, ensure_before, ensure_from},
    credit::{Committed, Credit, Expired, Extended, Released, Reserved},
    node::has_signed,
    Result,
};

impl Credit {
    /// Counts a request against both limits.
    pub(crate) fn make_reservation(
        &mut self,
        request: CreditRequest,
        payer: &Signature,
        payee: &Signature,
    ) -> Result<RequestId> {
        request.check(self.grace)?;
        self.ensure_here(&request.debt)?;
        let id = request.id();
        if self.debts.contains(id) {
            return Err(Error::RequestUsed);
        }
        ensure_before(request.pay_by)?;
        let payload = request.payload();
        if !has_signed(&request.payer, payer, &payload) {
            return Err(Error::BadPayerSignature);
        }
        if !has_signed(&request.payee, payee, &payload) {
            return Err(Error::BadPayeeSignature);
        }
        if self.is_frozen(request.payer) {
            return Err(Error::Frozen);
        }

        let debt = Debt::reserved(&request);
        let mut lines = self.lines(&debt);
        if lines.overdue() > 0 {
            return Err(Error::Overdue {
                principal: lines.overdue(),
            });
        }
        lines.reserve(debt.amount)?;
        self.keep_lines(&debt, &lines);
        self.debts.insert(id, &debt);
        ink::env::emit_event::<DefaultEnvironment, _>(Reserved { id, request });
        Ok(id)
    }

    /// Has a reservation end later.
    pub(crate) fn move_expiry(&mut self, id: RequestId, until: u64) -> Result<()> {
        let mut debt = self.in_state(id, DebtState::Reserved)?;
        if until <= debt.until {
            return Err(Error::NotLater { until: debt.until });
        }
        if until > debt.due_at {
            return Err(Error::BeyondDue { due_at: debt.due_at });
        }
        debt.until = until;
        self.debts.insert(id, &debt);
        ink::env::emit_event::<DefaultEnvironment, _>(Extended { id, until });
        Ok(())
    }

    /// Ends a reservation that the credit node won't pay.
    pub(crate) fn give_up(&mut self, id: RequestId) -> Result<()> {
        let debt = self.in_state(id, DebtState::Reserved)?;
        self.free(id, debt, DebtState::Released)?;
        ink::env::emit_event::<DefaultEnvironment, _>(Released { id });
        Ok(())
    }

    /// Ends a reservation whose time is over.
    pub(crate) fn let_expire(&mut self, id: RequestId) -> Result<()> {
        let debt = self.in_state(id, DebtState::Reserved)?;
        ensure_from(debt.until)?;
        self.free(id, debt, DebtState::Expired)?;
        ink::env::emit_event::<DefaultEnvironment, _>(Expired { id });
        Ok(())
    }

    /// Makes a debt of a reservation.
    pub(crate) fn book(&mut self, id: RequestId, payout: PayoutBlock) -> Result<()> {
        let mut debt = self.in_state(id, DebtState::Reserved)?;
        let mut lines = self.lines(&debt);
        lines.book(debt.amount)?;
        self.keep_lines(&debt, &lines);

        debt.state = DebtState::Owed;
        debt.payout = Some(payout);
        // A payout whose finality is late must not cost the payer its term, let alone a late fee.
        let late_by = clock::now().saturating_sub(debt.expires_at);
        debt.due_at = debt.due_at.checked_add(late_by).ok_or(Error::Overflow)?;
        self.debts.insert(id, &debt);
        ink::env::emit_event::<DefaultEnvironment, _>(Committed {
            id,
            payout,
            due_at: debt.due_at,
        });
        Ok(())
    }

    pub(crate) fn known(&self, id: RequestId) -> Result<Debt> {
        self.debts.get(id).ok_or(Error::UnknownDebt)
    }

    pub(crate) fn in_state(&self, id: RequestId, state: DebtState) -> Result<Debt> {
        let debt = self.known(id)?;
        if debt.state == state {
            Ok(debt)
        } else {
            Err(Error::WrongState(debt.state))
        }
    }

    fn free(&mut self, id: RequestId, mut debt: Debt, state: DebtState) -> Result<()> {
        let mut lines = self.lines(&debt);
        lines.free(debt.amount)?;
        self.keep_lines(&debt, &lines);
        debt.state = state;
        self.debts.insert(id, &debt);
        Ok(())
    }
}
