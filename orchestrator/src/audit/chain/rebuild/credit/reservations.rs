//! From a signed request to a debt, or to nothing. A reservation is resolved once.
use protocol::{
    credit::{Constants, CreditRequest, Debt, DebtState, Leg, Payout, PayoutBlock},
    text::to_hex,
    RequestId, Signature, Timestamp,
};

use super::{Case, Done, DEBTS, PAYOUTS};

/// Where a request's payee is to be paid, if that is on this chain.
const PAYOUT_HERE: &str = "payout-here";

impl Case<'_> {
    /// A request that payer and payee signed counts against both limits (S1.3, S1.6).
    pub(super) fn reserved(&mut self, (id, request): (RequestId, CreditRequest)) -> Done {
        let arguments = self
            .checks
            .arguments::<(CreditRequest, Signature, Signature)>("reserve", 0);
        self.by_node(arguments.as_ref().map(|(call, _)| *call))?;
        if let Some((_, (asked, payer, payee))) = arguments {
            self.checks.ensure(asked == request, "wrong-call", || {
                format!("another request was to be reserved than {id}")
            });
            let payload = request.payload();
            self.checks.signed(&request.payer.0, &payload, &payer, || {
                format!("the payer didn't sign request {id}")
            });
            self.checks.signed(&request.payee.0, &payload, &payee, || {
                format!("the payee didn't sign request {id}")
            });
        }
        self.ensure_sound(id, &request, &request.debt)?;
        let earlier = self.kept().get::<Debt>(DEBTS, &id)?;
        self.checks.ensure(earlier.is_none(), "request-used", || {
            format!("request {id} was reserved before")
        });
        self.checks
            .before(request.pay_by, || format!("request {id} was reserved"));
        let is_frozen = self.is_frozen(request.payer)?;
        self.checks.ensure(!is_frozen, "payer-frozen", || {
            format!("request {id} was reserved for {}, which is frozen", to_hex(&request.payer.0))
        });
        let overdue = self.node_limit(request.payer, request.debt.asset)?.overdue;
        self.checks.ensure(overdue == 0, "payer-overdue", || {
            format!("request {id} was reserved for a payer of whose debts {overdue} are overdue")
        });

        if request.payout.genesis == self.place.genesis {
            self.kept().put_note(PAYOUT_HERE, &id, &request.payout.contract)?;
        }
        self.keep(id, earlier.as_ref(), &Debt::reserved(&request))
    }

    /// A request that this contract may act on, as a debt's or a payout's side.
    pub(super) fn ensure_sound(&mut self, id: RequestId, request: &CreditRequest, here: &Leg) -> Done {
        self.checks.digest(request.id() == id, || {
            format!("request {id} has another id by what is in it: {}", request.id())
        });
        let head = self.head()?;
        if let Err(fault) = request.check(head.map_or(0, |head| head.grace)) {
            self.checks
                .wrong("bad-request", format!("request {id} is to be refused: {fault:?}"));
        }
        let genesis = head.map_or(self.place.genesis, |head: Constants| head.genesis);
        let is_here = (here.genesis, here.contract) == (genesis, self.checks.told.contract);
        self.checks.ensure(is_here, "not-here", || {
            format!("request {id} is for another chain or contract")
        });
        Ok(())
    }

    /// A reservation ends later, at most when the debt would be due.
    pub(super) fn extended(&mut self, (id, until): (RequestId, Timestamp)) -> Done {
        let call = self.checks.exact_call("extend", &(id, until), 0);
        self.by_node(call)?;
        let Some(before) = self.in_state(id, &[DebtState::Reserved])? else {
            return Ok(());
        };
        let is_between = until > before.until && until <= before.due_at;
        self.checks.ensure(is_between, "bad-extension", || {
            let Debt { until: present, due_at, .. } = before;
            format!("the reservation of {id} until {present}, due at {due_at}, was extended until {until}")
        });
        self.keep(id, Some(&before), &Debt { until, ..before })
    }

    /// The credit node won't pay.
    pub(super) fn released(&mut self, id: RequestId) -> Done {
        let call = self.checks.exact_call("release", &id, 0);
        self.by_node(call)?;
        let before = self.in_state(id, &[DebtState::Reserved])?;
        self.ends(id, before, DebtState::Released)
    }

    /// Nobody said in time that it paid. Anyone may send it.
    pub(super) fn expired(&mut self, id: RequestId) -> Done {
        self.checks.exact_call("expire", &id, 0);
        let before = self.in_state(id, &[DebtState::Reserved])?;
        if let Some(debt) = &before {
            self.checks
                .not_before(debt.until, || format!("the reservation of {id} expired"));
        }
        self.ends(id, before, DebtState::Expired)
    }

    fn ends(&mut self, id: RequestId, before: Option<Debt>, state: DebtState) -> Done {
        match before {
            Some(before) => self.keep(id, Some(&before), &Debt { state, ..before }),
            None => Ok(()),
        }
    }

    /// The payee was paid: the payer owes. As much as this comes after the reservation's signed end, so much later the debt
    /// is due.
    pub(super) fn committed(&mut self, (id, payout, due_at): (RequestId, PayoutBlock, Timestamp)) -> Done {
        let call = self.checks.exact_call("commit", &(id, payout), 0);
        self.by_node(call)?;
        let Some(before) = self.in_state(id, &[DebtState::Reserved])? else {
            return Ok(());
        };
        let late_by = self.checks.now().saturating_sub(before.expires_at);
        let due = before.due_at.checked_add(late_by);
        self.checks.ensure(due == Some(due_at), "wrong-term", || {
            let signed = before.due_at;
            format!("the debt of {id}, signed as due at {signed} and committed {late_by} late, is due at {due_at}")
        });
        self.ensure_paid(id, payout)?;
        let debt = Debt {
            state: DebtState::Owed,
            payout: Some(payout),
            due_at,
            ..before
        };
        self.keep(id, Some(&before), &debt)
    }

    /// If the payee was to be paid on this chain, by a contract that is audited too, that must have paid, in that block.
    fn ensure_paid(&mut self, id: RequestId, payout: PayoutBlock) -> Done {
        let Some(contract) = self.kept().note(PAYOUT_HERE, &id)? else {
            return Ok(());
        };
        let paying = self.tables.of(contract);
        let is_audited = paying.head::<Constants>().is_ok_and(|head| head.is_some());
        if !is_audited {
            return Ok(());
        }
        let paid: Option<Payout> = paying.get(PAYOUTS, &id)?;
        self.checks
            .ensure(paid.is_some_and(|paid| paid.block == payout.number), "unpaid", || {
                let number = payout.number;
                format!("request {id} was committed as paid in block {number} of this chain, where it wasn't paid")
            });
        Ok(())
    }
}
