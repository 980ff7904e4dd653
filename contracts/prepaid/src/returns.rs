//! What goes back to a card: by void, refund or dispute, together never more than was taken.
use ink::env::DefaultEnvironment;
use protocol::{
    prepaid::{day, CardState, Error, Merchant, PaymentKey, PaymentRecord, RefundOrder, Returned, VoidOrder},
    Amount, Signature,
};

use crate::{
    clock::ensure_before,
    money::{add, subtract},
    prepaid::{Prepaid, Refunded, Voided},
    Result,
};

impl Prepaid {
    /// Undoes a payment of an open cycle.
    pub(crate) fn undo(&mut self, order: &VoidOrder, signature: &Signature) -> Result<()> {
        ensure_before(order.expires_at)?;
        let key = (order.card, order.counter);
        let mut record = self.known_payment(key)?;
        let payload = order.payload(&self.domain());
        self.ensure_terminal(order.terminal, record.merchant, signature, &payload)?;
        if record.is_voided {
            return Err(Error::AlreadyVoided);
        }
        let merchant = self.known_merchant(record.merchant)?;
        if record.cycle != merchant.cycle.number {
            return Err(Error::CycleClosed);
        }
        if record.returned > 0 || self.disputes.contains(key) {
            return Err(Error::NotWhole);
        }
        record.is_voided = true;
        let amount = record.taken;
        ink::env::emit_event::<DefaultEnvironment, _>(Voided {
            card: order.card,
            counter: order.counter,
            amount,
        });
        self.give_back(key, record, merchant, Returned::Void, amount)
    }

    /// Gives back a payment or a part of it, unless that is being decided: a refund and an award for the same goods would pay
    /// the holder twice.
    pub(crate) fn carry_out_refund(&mut self, order: &RefundOrder, signature: &Signature) -> Result<()> {
        if order.amount == 0 {
            return Err(Error::ZeroAmount);
        }
        ensure_before(order.expires_at)?;
        let key = (order.card, order.counter);
        let record = self.known_payment(key)?;
        let payload = order.payload(&self.domain());
        self.ensure_terminal(order.terminal, record.merchant, signature, &payload)?;
        if self.is_contested(key) {
            return Err(Error::Disputed);
        }
        if order.returned != record.returned {
            return Err(Error::StaleOrder {
                returned: record.returned,
            });
        }
        let merchant = self.known_merchant(record.merchant)?;
        ink::env::emit_event::<DefaultEnvironment, _>(Refunded {
            card: order.card,
            counter: order.counter,
            amount: order.amount,
        });
        self.give_back(key, record, merchant, Returned::Refund, order.amount)
    }

    /// From what the merchant isn't paid yet to the card; to its holder, if it is closed.
    pub(crate) fn give_back(
        &mut self,
        key: PaymentKey,
        mut record: PaymentRecord,
        mut merchant: Merchant,
        why: Returned,
        amount: Amount,
    ) -> Result<()> {
        let left = record.returnable();
        if amount > left {
            return Err(Error::AboveReturnable { left });
        }
        add(&mut record.returned, amount)?;
        merchant.give_back(why, amount)?;
        subtract(&mut self.float.merchants, amount)?;
        self.payments.insert(key, &record);
        self.merchants.insert(record.merchant, &merchant);

        let mut card = self.known_card(key.0)?;
        if card.state == CardState::Closed {
            return self.pay(card.holder, amount);
        }
        // Only what is undone counts no longer against the day's limit: a refund makes no room for another payment.
        if why == Returned::Void && card.day == day(record.paid_at) {
            subtract(&mut card.paid_that_day, amount)?;
        }
        add(&mut card.balance, amount)?;
        add(&mut self.float.cards, amount)?;
        self.cards.insert(key.0, &card);
        Ok(())
    }

    fn is_contested(&self, key: PaymentKey) -> bool {
        self.disputes.get(key).is_some_and(|dispute| dispute.awarded.is_none())
    }

    pub(crate) fn known_payment(&self, key: PaymentKey) -> Result<PaymentRecord> {
        self.payments.get(key).ok_or(Error::UnknownPayment)
    }
}
