//! What this institution's own people want: to contest an obligation, or to answer.
use protocol::{
    settlement::{Obligation, Voucher},
    Amount, VoucherId,
};

use super::{
    messages::Document,
    state::{Over, Paper, State},
    DisputeError, Disputes,
};
use crate::store::{
    disputes::{DisputeRow, NewDispute},
    evidence::NewEvidence,
};

/// What somebody here contests, and why.
#[derive(Clone, Debug)]
pub struct NewClaim {
    /// The payment's voucher.
    pub voucher: VoucherId,
    /// The place of the contested obligation in its relation.
    pub obligation: u8,
    /// How much should go back; all that can if it isn't said.
    pub amount: Option<Amount>,
    /// What shows why.
    pub evidence: Document,
}

impl Disputes {
    /// Contests an obligation: the wish is stored, what follows goes on by itself. The same wish again finds what it led
    /// to. `request` names the wish, `by` is who wishes.
    ///
    /// # Errors
    /// See [`DisputeError`]; nothing is stored.
    pub async fn open(&self, claim: NewClaim, request: &str, by: &str) -> Result<DisputeRow, DisputeError> {
        if let Some(over) = self.store.dispute_for(request).await? {
            return self.existing(over).await;
        }
        let over = Over {
            voucher: claim.voucher,
            obligation: claim.obligation,
        };
        let contested = self.contested(over).await?;
        if let Some(dispute) = self.ledger.dispute(over.voucher, over.obligation).await? {
            return Err(DisputeError::AlreadyDisputed {
                claimant: dispute.claimant,
            });
        }
        let amount = self.claimed(over, &contested, claim.amount).await?;
        let new = NewDispute {
            over,
            claimant: self.member,
            contested: &contested,
            amount,
            evidence: NewEvidence {
                document: &claim.evidence,
                request,
                by,
                at: self.clock.now(),
            },
        };
        if !self.store.want_dispute(&new).await? {
            return self.ensure_same(over, amount, &claim.evidence).await;
        }
        tracing::info!(dispute = %over, amount, by, "a dispute is wanted");
        self.changed.notify_one();
        self.existing(over).await
    }

    /// Answers a dispute: the document is stored, what follows goes on by itself. The same wish again finds what it led
    /// to; the first answer counts.
    ///
    /// # Errors
    /// See [`DisputeError`]; nothing is stored.
    pub async fn answer(
        &self,
        over: Over,
        evidence: &Document,
        request: &str,
        by: &str,
    ) -> Result<DisputeRow, DisputeError> {
        if let Some(over) = self.store.dispute_for(request).await? {
            return self.existing(over).await;
        }
        let dispute = self.ledger.dispute(over.voucher, over.obligation).await?;
        let dispute = dispute.ok_or(DisputeError::UnknownDispute(over))?;
        if dispute.ruling.is_some() {
            return Err(DisputeError::AlreadyRuled);
        }
        let is_other_side = [dispute.contested.debtor, dispute.contested.creditor].contains(&self.member);
        if !is_other_side || dispute.claimant == self.member {
            return Err(DisputeError::NotYoursToAnswer(self.member));
        }
        if let Some(response) = dispute.response {
            return Err(DisputeError::AlreadyAnswered { by: response.member });
        }
        let answer = NewEvidence {
            document: evidence,
            request,
            by,
            at: self.clock.now(),
        };
        if !self.store.want_answer(over, &dispute, &answer).await? {
            return Err(DisputeError::AlreadyAnswered { by: self.member });
        }
        tracing::info!(dispute = %over, by, "an answer is wanted");
        self.changed.notify_one();
        self.existing(over).await
    }

    /// The obligation, if this institution may contest it now.
    async fn contested(&self, over: Over) -> Result<Obligation, DisputeError> {
        let voucher = self.own_voucher(over.voucher).await?;
        if !voucher.involves(self.member) {
            return Err(DisputeError::NotInvolved(self.member));
        }
        // The time first: what the chain shows is at least that late.
        let time = self.ledger.time().await?.max(self.clock.now());
        let retention = self.ledger.retention(&voucher).await?;
        let retention = retention.ok_or(DisputeError::NotRetained(over.voucher))?;
        let obligations = &retention.relation.obligations;
        let contested = obligations.get(usize::from(over.obligation)).copied();
        let contested = contested.ok_or(DisputeError::NoObligation {
            voucher: over.voucher,
            obligation: over.obligation,
            obligations: obligations.len(),
        })?;
        if contested.creditor == self.member {
            return Err(DisputeError::OwnCredit(self.member));
        }
        let (period, _) = self.ledger.dispute_periods().await?;
        let until = retention.retained_at.saturating_add(period);
        if time >= until {
            return Err(DisputeError::TooLate { until });
        }
        Ok(contested)
    }

    /// How much is claimed. The contract checks all of it again but what refunds gave back, which it checks at the ruling.
    async fn claimed(
        &self,
        over: Over,
        contested: &Obligation,
        wanted: Option<Amount>,
    ) -> Result<Amount, DisputeError> {
        let Obligation { debtor, amount, .. } = *contested;
        if wanted.is_some_and(|wanted| wanted == 0 || wanted > amount) {
            return Err(DisputeError::BadClaim { most: amount });
        }
        if debtor != self.member && wanted.is_some_and(|wanted| wanted != amount) {
            return Err(DisputeError::ClaimNotWhole { debtor, amount });
        }
        let returned = self.ledger.returned(over.voucher, over.obligation).await?;
        let left = amount.saturating_sub(returned);
        // For the debtor all that can go back, for others all of it: theirs is ruled in part.
        let claimed = wanted.unwrap_or(if debtor == self.member { left } else { amount });
        if left == 0 || (debtor == self.member && claimed > left) {
            return Err(DisputeError::AbovePaid { left });
        }
        Ok(claimed)
    }

    /// Somebody here was faster: the same claim is one dispute, another one isn't taken.
    async fn ensure_same(&self, over: Over, amount: Amount, evidence: &Document) -> Result<DisputeRow, DisputeError> {
        let found = self.existing(over).await?;
        let document = self.store.dispute_document(over, Paper::Claim, None).await?;
        if found.state == State::Wanted && found.wanted == Some(amount) && document.as_ref() == Some(evidence) {
            return Ok(found);
        }
        Err(match found.shown {
            Some(dispute) => DisputeError::AlreadyDisputed {
                claimant: dispute.claimant,
            },
            None => DisputeError::AlreadyWanted,
        })
    }

    pub(super) async fn own_voucher(&self, id: VoucherId) -> Result<Voucher, DisputeError> {
        let payment = self.store.payment(id).await?;
        Ok(payment.ok_or(DisputeError::UnknownVoucher(id))?.voucher)
    }
}
