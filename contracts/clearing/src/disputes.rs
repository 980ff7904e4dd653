//! Disputes: a party contests an obligation, the notaries rule, what goes back is a new obligation (S0.13).
//!
//! An obligation can be contested before it is paid: while its window is open, or as long as the debtor holds its clearing
//! voucher back. What a ruling gives back then is not owed before the obligation is paid. Taken at once, it would come out of
//! other money of a creditor that got nothing, and would stay taken if the debtor never paid. Nor is the obligation made
//! smaller: everybody signed it, and the window's positions and the debtor's clearing voucher go by it.
use ink::env::DefaultEnvironment;
use protocol::{
    clearing::{Course, Error, Page},
    disputes::{Claim, Dispute, Response, Ruling},
    settlement::{Obligation, Source, Voucher},
    Member, VoucherId,
};

use crate::{
    clearing::{AwardPaid, Clearing, DisputeAnswered, DisputeOpened, DisputeRuled},
    records::Balances,
    Result,
};

impl Clearing {
    /// Opens a dispute for a member.
    pub(crate) fn contest(&mut self, claimant: Member, voucher: &Voucher, claim: Claim) -> Result<()> {
        let id = voucher.id();
        let kept = self.retention_of(voucher).ok_or(Error::UnknownVoucher(id))?;
        if !voucher.involves(claimant) {
            return Err(Error::NotInvolved(claimant));
        }
        let contested = kept.relation.obligations.get(usize::from(claim.obligation));
        let contested = *contested
            .filter(|owed| claim.amount > 0 && claim.amount <= owed.amount)
            .filter(|owed| claimant == owed.debtor || (claimant != owed.creditor && claim.amount == owed.amount))
            .ok_or(Error::BadClaim)?;
        let now = ink::env::block_timestamp::<DefaultEnvironment>();
        let until = kept.retained_at.saturating_add(self.dispute_period);
        if now >= until {
            return Err(Error::DisputeTooLate { until });
        }
        if self.disputes.contains((id, claim.obligation)) {
            return Err(Error::AlreadyDisputed);
        }
        let dispute = Dispute {
            claimant,
            originator: voucher.originator,
            sequence: voucher.sequence,
            claim,
            contested,
            opened_at: now,
            rule_by: now.saturating_add(self.ruling_period),
            response: None,
            ruling: None,
            awarded: 0,
            is_due: false,
            paid: 0,
        };
        self.disputes.insert((id, claim.obligation), &dispute);
        ink::env::emit_event::<DefaultEnvironment, _>(DisputeOpened { voucher: id, dispute });
        Ok(())
    }

    /// Keeps the other side's answer.
    pub(crate) fn answer(
        &mut self,
        member: Member,
        voucher: VoucherId,
        obligation: u8,
        evidence: [u8; 32],
    ) -> Result<()> {
        let mut dispute = self.open_dispute_over(voucher, obligation)?;
        let other_side = [dispute.contested.debtor, dispute.contested.creditor].contains(&member);
        if !other_side || member == dispute.claimant || dispute.response.is_some() {
            return Err(Error::NotYoursToAnswer(member));
        }
        let response = Response { member, evidence };
        dispute.response = Some(response);
        self.disputes.insert((voucher, obligation), &dispute);
        ink::env::emit_event::<DefaultEnvironment, _>(DisputeAnswered {
            voucher,
            obligation,
            response,
        });
        Ok(())
    }

    /// Ends a dispute as these notaries decided.
    pub(crate) fn end_dispute(
        &mut self,
        voucher: VoucherId,
        obligation: u8,
        ruling: Ruling,
        notaries: &[Member],
    ) -> Result<()> {
        let dispute = self.open_dispute_over(voucher, obligation)?;
        let concerned = [dispute.claimant, dispute.contested.debtor, dispute.contested.creditor];
        if let Some(notary) = notaries.iter().find(|notary| concerned.contains(notary)) {
            return Err(Error::NotImpartial(*notary));
        }
        let until = dispute.rule_by;
        if ink::env::block_timestamp::<DefaultEnvironment>() >= until {
            return Err(Error::RulingTooLate { until });
        }
        let awarded = match ruling {
            Ruling::Uphold => 0,
            Ruling::Reverse => dispute.claim.amount,
            Ruling::Partial(amount) if amount > 0 && amount < dispute.claim.amount => amount,
            Ruling::Partial(_) => return Err(Error::BadRuling),
        };
        self.end(voucher, obligation, dispute, ruling, awarded)
    }

    /// Ends a dispute that was not ruled in time.
    pub(crate) fn end_by_default(&mut self, voucher: VoucherId, obligation: u8) -> Result<()> {
        let dispute = self.open_dispute_over(voucher, obligation)?;
        let until = dispute.rule_by;
        if ink::env::block_timestamp::<DefaultEnvironment>() < until {
            return Err(Error::RulingTooEarly { until });
        }
        self.end(voucher, obligation, dispute, Ruling::Uphold, 0)
    }

    /// Pays an award as far as the balance of who owes it reaches. Returns how much was paid; `None` if nothing is owed
    /// yet, because the contested obligation is not paid.
    pub(crate) fn pay_back(&mut self, voucher: VoucherId, obligation: u8, dispute: Dispute) -> Result<Option<u128>> {
        if !dispute.is_due && !self.is_paid(voucher, &dispute) {
            return Ok(None);
        }
        let Obligation {
            debtor: to,
            creditor: from,
            asset,
            ..
        } = dispute.contested;
        let unpaid = dispute.awarded.checked_sub(dispute.paid).ok_or(Error::Overflow)?;
        let mut balances = Balances::default();
        let balance = balances.of(self, from, asset);
        if !dispute.is_due {
            balance.owed = balance.owed.checked_add(unpaid).ok_or(Error::Overflow)?;
        }
        let amount = unpaid.min(balance.available);
        balance.available = balance.available.checked_sub(amount).ok_or(Error::Overflow)?;
        balance.owed = balance.owed.checked_sub(amount).ok_or(Error::Overflow)?;
        if amount > 0 {
            balances.credit(self, to, asset, amount, Source::Ruling(voucher, obligation))?;
        }
        balances.write(self);
        let dispute = Dispute {
            is_due: true,
            paid: dispute.paid.checked_add(amount).ok_or(Error::Overflow)?,
            ..dispute
        };
        self.disputes.insert((voucher, obligation), &dispute);
        ink::env::emit_event::<DefaultEnvironment, _>(AwardPaid {
            voucher,
            obligation,
            amount,
        });
        Ok(Some(amount))
    }

    /// Whether what is contested was paid, with its window or by a clearing voucher.
    fn is_paid(&self, voucher: VoucherId, dispute: &Dispute) -> bool {
        let (number, slot) = Page::place(dispute.sequence);
        let page = self.page(dispute.originator, number);
        let course = page.get(slot, voucher).and_then(|kept| {
            let batch = self.batch.get(kept.batch)?;
            Some(kept.course(batch.window))
        });
        match course {
            Some(Course::InWindow(window)) => self.is_settled(window),
            Some(Course::Reserved | Course::TakenOut) => self.discharges.contains((voucher, dispute.contested.debtor)),
            None => false,
        }
    }

    fn open_dispute_over(&self, voucher: VoucherId, obligation: u8) -> Result<Dispute> {
        let dispute = self.disputes.get((voucher, obligation)).ok_or(Error::UnknownDispute)?;
        match dispute.ruling {
            Some(_) => Err(Error::AlreadyRuled),
            None => Ok(dispute),
        }
    }

    fn end(
        &mut self,
        voucher: VoucherId,
        obligation: u8,
        mut dispute: Dispute,
        ruling: Ruling,
        awarded: u128,
    ) -> Result<()> {
        dispute.ruling = Some(ruling);
        dispute.awarded = awarded;
        self.disputes.insert((voucher, obligation), &dispute);
        ink::env::emit_event::<DefaultEnvironment, _>(DisputeRuled {
            voucher,
            obligation,
            ruling,
            awarded,
        });
        if awarded > 0 {
            self.take_back(voucher, obligation, dispute.contested.amount, awarded)?;
            self.pay_back(voucher, obligation, dispute)?;
        }
        Ok(())
    }
}
