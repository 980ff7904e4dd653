//! A chain in memory with the contract's rules for disputes.
use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    clearing::{Course, Error, Retention},
    disputes::{Claim, Dispute, Response, Ruling},
    settlement::{Relation, Voucher},
    Amount, Member, Timestamp, VoucherId,
};

use crate::{disputes::Over, journal::Event};

pub const DISPUTE_PERIOD: Timestamp = 10_000;
pub const RULING_PERIOD: Timestamp = 5_000;

#[derive(Default)]
pub struct Chain {
    /// Of the latest block.
    pub time: Timestamp,
    pub retained: BTreeMap<VoucherId, (Voucher, Timestamp)>,
    /// Payments whose debtors have paid.
    pub cleared: BTreeSet<VoucherId>,
    pub held: BTreeMap<Member, Amount>,
    pub returned: BTreeMap<Over, Amount>,
    pub disputes: BTreeMap<Over, Dispute>,
    /// What each block told.
    pub blocks: Vec<Vec<Event>>,
    /// Steps that were carried out, by account and key.
    pub done: BTreeSet<(Member, String)>,
    /// Why the next step is refused.
    pub refusal: Option<Error>,
}

impl Chain {
    /// A block with these events.
    pub fn seal(&mut self, now: Timestamp, events: Vec<Event>) {
        self.time = now;
        self.blocks.push(events);
    }

    pub fn retention(&self, voucher: &Voucher) -> Option<Retention> {
        let (voucher, retained_at) = self.retained.get(&voucher.id())?;
        let relation = Relation::of(voucher, &[], *retained_at).unwrap();
        Some(Retention {
            relation_id: relation.id(),
            relation,
            batch: 0,
            retained_in: 1,
            retained_at: *retained_at,
            course: Course::Reserved,
            discharges: vec![],
            cleared_in: None,
        })
    }

    pub fn open(&mut self, member: Member, voucher: &Voucher, claim: Claim) -> Result<Vec<Event>, Error> {
        let over = Over {
            voucher: voucher.id(),
            obligation: claim.obligation,
        };
        let kept = self.retention(voucher).ok_or(Error::UnknownVoucher(over.voucher))?;
        let contested = kept.relation.obligations[usize::from(claim.obligation)];
        let is_whole = claim.amount == contested.amount && member != contested.creditor;
        if claim.amount == 0 || claim.amount > contested.amount || !(member == contested.debtor || is_whole) {
            return Err(Error::BadClaim);
        }
        let until = kept.retained_at + DISPUTE_PERIOD;
        if self.time >= until {
            return Err(Error::DisputeTooLate { until });
        }
        if self.disputes.contains_key(&over) {
            return Err(Error::AlreadyDisputed);
        }
        let dispute = Dispute {
            claimant: member,
            originator: voucher.originator,
            sequence: voucher.sequence,
            claim,
            contested,
            opened_at: self.time,
            rule_by: self.time + RULING_PERIOD,
            response: None,
            ruling: None,
            awarded: 0,
            is_due: false,
            paid: 0,
        };
        self.disputes.insert(over, dispute);
        Ok(vec![Event::DisputeOpened {
            voucher: over.voucher,
            dispute: Box::new(dispute),
        }])
    }

    pub fn answer(&mut self, member: Member, over: Over, evidence: [u8; 32]) -> Result<Vec<Event>, Error> {
        let dispute = self.open_dispute(over)?;
        let is_other_side = [dispute.contested.debtor, dispute.contested.creditor].contains(&member);
        if !is_other_side || member == dispute.claimant || dispute.response.is_some() {
            return Err(Error::NotYoursToAnswer(member));
        }
        let response = Response { member, evidence };
        dispute.response = Some(response);
        Ok(vec![Event::DisputeAnswered {
            voucher: over.voucher,
            obligation: over.obligation,
            response,
        }])
    }

    pub fn rule(&mut self, over: Over, ruling: Ruling) -> Result<Vec<Event>, Error> {
        let time = self.time;
        let dispute = self.open_dispute(over)?;
        if time >= dispute.rule_by {
            return Err(Error::RulingTooLate { until: dispute.rule_by });
        }
        let awarded = match ruling {
            Ruling::Uphold => 0,
            Ruling::Reverse => dispute.claim.amount,
            Ruling::Partial(amount) => amount,
        };
        Ok(self.end(over, ruling, awarded))
    }

    pub fn rule_by_default(&mut self, over: Over) -> Result<Vec<Event>, Error> {
        let time = self.time;
        let until = self.open_dispute(over)?.rule_by;
        if time < until {
            return Err(Error::RulingTooEarly { until });
        }
        Ok(self.end(over, Ruling::Uphold, 0))
    }

    pub fn pay_award(&mut self, over: Over) -> Result<Vec<Event>, Error> {
        let dispute = *self.disputes.get(&over).ok_or(Error::UnknownDispute)?;
        if dispute.awarded == dispute.paid {
            return Err(Error::ZeroAmount);
        }
        match self.pay_back(over) {
            None => Err(Error::ObligationUnpaid),
            Some((0, _)) if dispute.is_due => Err(Error::ZeroAmount),
            Some((_, event)) => Ok(vec![event]),
        }
    }

    fn open_dispute(&mut self, over: Over) -> Result<&mut Dispute, Error> {
        let dispute = self.disputes.get_mut(&over).ok_or(Error::UnknownDispute)?;
        match dispute.ruling {
            Some(_) => Err(Error::AlreadyRuled),
            None => Ok(dispute),
        }
    }

    fn end(&mut self, over: Over, ruling: Ruling, awarded: Amount) -> Vec<Event> {
        let dispute = self.disputes.get_mut(&over).unwrap();
        (dispute.ruling, dispute.awarded) = (Some(ruling), awarded);
        let mut events = vec![Event::DisputeRuled {
            voucher: over.voucher,
            obligation: over.obligation,
            ruling,
            awarded,
        }];
        if awarded > 0 {
            events.extend(self.pay_back(over).map(|(_, event)| event));
        }
        events
    }

    fn pay_back(&mut self, over: Over) -> Option<(Amount, Event)> {
        let dispute = self.disputes.get_mut(&over)?;
        if !dispute.is_due && !self.cleared.contains(&over.voucher) {
            return None;
        }
        let from = self.held.entry(dispute.contested.creditor).or_default();
        let amount = (dispute.awarded - dispute.paid).min(*from);
        *from -= amount;
        dispute.is_due = true;
        dispute.paid += amount;
        *self.held.entry(dispute.contested.debtor).or_default() += amount;
        let event = Event::AwardPaid {
            voucher: over.voucher,
            obligation: over.obligation,
            amount,
        };
        Some((amount, event))
    }
}
