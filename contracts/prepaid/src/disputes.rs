//! A holder's objection to a payment, and what comes of it.
use ink::env::DefaultEnvironment;
use protocol::{
    prepaid::{Dispute, DisputeOrder, Error, PaymentKey, Returned},
    Amount, Signature, Timestamp,
};

use crate::{
    clock::{self, ensure_before, ensure_from},
    issuer::has_signed,
    prepaid::{DisputeAnswered, DisputeDecided, DisputeOpened, Prepaid},
    Result,
};

impl Prepaid {
    /// Opens a dispute and holds its amount.
    pub(crate) fn hold_for(&mut self, order: &DisputeOrder, signature: &Signature) -> Result<()> {
        if order.amount == 0 {
            return Err(Error::ZeroAmount);
        }
        ensure_before(order.expires_at)?;
        let key = (order.card, order.counter);
        let record = self.known_payment(key)?;
        let holder = self.known_card(order.card)?.holder;
        if !has_signed(&holder, signature, &order.payload(&self.domain())) {
            return Err(Error::BadHolderSignature);
        }
        if self.disputes.contains(key) {
            return Err(Error::AlreadyDisputed);
        }
        let opened_at = clock::now();
        let rule_by = self.decided_by(opened_at)?;
        let period = self.programme.dispute_period;
        ensure_before(record.paid_at.checked_add(period).ok_or(Error::Overflow)?)?;
        let left = record.returnable();
        if order.amount > left {
            return Err(Error::AboveReturnable { left });
        }
        let mut merchant = self.known_merchant(record.merchant)?;
        merchant.hold(order.amount)?;
        self.merchants.insert(record.merchant, &merchant);

        let dispute = Dispute {
            amount: order.amount,
            evidence: order.evidence,
            opened_at,
            rule_by,
            answer: None,
            awarded: None,
        };
        self.disputes.insert(key, &dispute);
        ink::env::emit_event::<DefaultEnvironment, _>(DisputeOpened {
            card: order.card,
            counter: order.counter,
            amount: order.amount,
            evidence: order.evidence,
            rule_by,
        });
        Ok(())
    }

    /// Keeps what the acquirer says to it. The issuer has its time from then on: an answer in the last moment must not be the
    /// last word.
    pub(crate) fn keep_answer(&mut self, key: PaymentKey, answer: [u8; 32]) -> Result<()> {
        let mut dispute = self.undecided(key)?;
        ensure_before(dispute.rule_by)?;
        if dispute.answer.is_some() {
            return Err(Error::AlreadyAnswered);
        }
        let merchant = self.known_payment(key)?.merchant;
        self.ensure_acquirer(self.known_merchant(merchant)?.acquirer)?;
        dispute.answer = Some(answer);
        dispute.rule_by = self.decided_by(clock::now())?;
        self.disputes.insert(key, &dispute);
        ink::env::emit_event::<DefaultEnvironment, _>(DisputeAnswered {
            card: key.0,
            counter: key.1,
            answer,
            rule_by: dispute.rule_by,
        });
        Ok(())
    }

    /// Decides it as the issuer says.
    pub(crate) fn rule(&mut self, key: PaymentKey, awarded: Amount) -> Result<()> {
        let dispute = self.undecided(key)?;
        ensure_before(dispute.rule_by)?;
        if awarded > dispute.amount {
            return Err(Error::AboveClaim { claim: dispute.amount });
        }
        self.decide_dispute_with(key, dispute, awarded, false)
    }

    /// Who didn't say a word loses: the merchant if its acquirer didn't answer, the holder if it did and the issuer didn't
    /// decide.
    pub(crate) fn rule_by_default(&mut self, key: PaymentKey) -> Result<()> {
        let dispute = self.undecided(key)?;
        ensure_from(dispute.rule_by)?;
        let awarded = if dispute.answer.is_some() { 0 } else { dispute.amount };
        self.decide_dispute_with(key, dispute, awarded, true)
    }

    fn decide_dispute_with(
        &mut self,
        key: PaymentKey,
        mut dispute: Dispute,
        awarded: Amount,
        is_default: bool,
    ) -> Result<()> {
        let record = self.known_payment(key)?;
        let mut merchant = self.known_merchant(record.merchant)?;
        merchant.let_go(dispute.amount)?;
        dispute.awarded = Some(awarded);
        self.disputes.insert(key, &dispute);
        ink::env::emit_event::<DefaultEnvironment, _>(DisputeDecided {
            card: key.0,
            counter: key.1,
            awarded,
            is_default,
        });
        if awarded == 0 {
            self.merchants.insert(record.merchant, &merchant);
            return Ok(());
        }
        self.give_back(key, record, merchant, Returned::Award, awarded)
    }

    /// Until when the issuer can decide what it learns now.
    fn decided_by(&self, now: Timestamp) -> Result<Timestamp> {
        now.checked_add(self.programme.ruling_period).ok_or(Error::Overflow)
    }

    fn undecided(&self, key: PaymentKey) -> Result<Dispute> {
        let dispute = self.disputes.get(key).ok_or(Error::NotDisputed)?;
        if dispute.awarded.is_some() {
            return Err(Error::AlreadyDecided);
        }
        Ok(dispute)
    }
}
