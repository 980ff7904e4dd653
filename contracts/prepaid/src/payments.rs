//! Payments with cards: each approved, or declined with a code (S4.3).
use ink::{
    env::DefaultEnvironment,
    prelude::{collections::BTreeMap, vec::Vec},
    primitives::AccountId,
};
use protocol::{
    prepaid::{
        day, CardPayment, DeclineCode, Error, Float, Merchant, MerchantNumber, PaymentLine, PaymentRecord,
        SignedPayment, Terminal, Verdict, MAX_PAYMENTS,
    },
    signing::Domain,
    Amount,
};

use crate::{
    clock,
    issuer::has_signed,
    money::{add, subtract},
    prepaid::{PaymentsDecided, Prepaid},
    Result,
};

/// What payments of one batch share: read once, written once.
struct Desk {
    now: u64,
    domain: Domain,
    terminals: BTreeMap<AccountId, Option<Terminal>>,
    merchants: BTreeMap<MerchantNumber, Till>,
}

/// A merchant, and whether it took anything in this batch.
#[derive(Clone, Copy)]
struct Till {
    merchant: Merchant,
    has_taken: bool,
}

impl Prepaid {
    pub(crate) fn decide_all(&mut self, payments: &[SignedPayment]) -> Result<Vec<Verdict>> {
        if payments.is_empty() || payments.len() > MAX_PAYMENTS {
            return Err(Error::PaymentCount);
        }
        let mut desk = Desk {
            now: clock::now(),
            domain: self.domain(),
            terminals: BTreeMap::new(),
            merchants: BTreeMap::new(),
        };
        let decide = |signed: &SignedPayment| PaymentLine {
            payment: signed.payment,
            verdict: self.decide(signed, &mut desk).unwrap_or_else(Verdict::Declined),
        };
        let lines: Vec<PaymentLine> = payments.iter().map(decide).collect();
        for (number, till) in desk.merchants.iter().filter(|(_, till)| till.has_taken) {
            self.merchants.insert(number, &till.merchant);
        }
        let verdicts = lines.iter().map(|line| line.verdict).collect();
        ink::env::emit_event::<DefaultEnvironment, _>(PaymentsDecided { payments: lines });
        Ok(verdicts)
    }

    /// Takes a payment, or changes nothing.
    fn decide(&mut self, signed: &SignedPayment, desk: &mut Desk) -> core::result::Result<Verdict, DeclineCode> {
        let payment = &signed.payment;
        self.ensure_sound(payment, desk.now)?;
        let payload = payment.payload(&desk.domain);
        self.ensure_taken_by(signed, &payload, desk)?;
        let mut card = self.cards.get(payment.card).ok_or(DeclineCode::UnknownCard)?;
        if !has_signed(&card.key, &signed.card, &payload) {
            return Err(DeclineCode::BadCardSignature);
        }
        if self.payments.contains(payment.key()) {
            return Err(DeclineCode::CounterUsed);
        }
        let taken = card.authorise(&self.programme, desk.now, payment.amount, payment.least)?;

        // Everything is reckoned before anything is changed.
        let mut merchant = self.merchant_at(desk, payment.merchant)?;
        merchant.take(taken).map_err(overflow)?;
        let float = moved(self.float, taken).map_err(overflow)?;
        let paid_today = card.paid_on_day_of(desk.now);
        card.paid_that_day = paid_today.checked_add(taken).ok_or(DeclineCode::Overflow)?;
        card.day = day(desk.now);
        card.counter = card.counter.max(payment.counter);
        subtract(&mut card.balance, taken).map_err(overflow)?;
        let record = PaymentRecord {
            reference: payment.reference(),
            merchant: payment.merchant,
            cycle: merchant.cycle.number,
            taken,
            returned: 0,
            is_voided: false,
            paid_at: desk.now,
        };

        self.float = float;
        self.cards.insert(payment.card, &card);
        self.payments.insert(payment.key(), &record);
        let has_taken = true;
        desk.merchants.insert(payment.merchant, Till { merchant, has_taken });
        Ok(Verdict::Approved {
            taken,
            balance: card.balance,
            cycle: record.cycle,
        })
    }

    /// What can be wrong with a payment whoever signed it.
    fn ensure_sound(&self, payment: &CardPayment, now: u64) -> core::result::Result<(), DeclineCode> {
        if payment.least == 0 || payment.least > payment.amount {
            return Err(DeclineCode::BadAmount);
        }
        if payment.least < payment.amount && !self.programme.allows_partial {
            return Err(DeclineCode::PartialNotAllowed);
        }
        if now >= payment.expires_at {
            return Err(DeclineCode::PaymentExpired);
        }
        Ok(())
    }

    /// A terminal of the merchant that is to be paid signed, and both may take payments.
    fn ensure_taken_by(
        &self,
        signed: &SignedPayment,
        payload: &[u8; protocol::signing::PAYLOAD_LENGTH],
        desk: &mut Desk,
    ) -> core::result::Result<(), DeclineCode> {
        let CardPayment { terminal, merchant, .. } = signed.payment;
        let known = desk.terminals.entry(terminal);
        let known = known
            .or_insert_with(|| self.terminals.get(terminal))
            .ok_or(DeclineCode::UnknownTerminal)?;
        if known.merchant != merchant {
            return Err(DeclineCode::ForeignMerchant);
        }
        if known.is_revoked {
            return Err(DeclineCode::TerminalRevoked);
        }
        if !self.merchant_at(desk, merchant)?.is_active {
            return Err(DeclineCode::MerchantSuspended);
        }
        if !has_signed(&terminal, &signed.terminal, payload) {
            return Err(DeclineCode::BadTerminalSignature);
        }
        Ok(())
    }

    /// The merchant of a terminal that is known: it is known too.
    fn merchant_at(&self, desk: &mut Desk, number: MerchantNumber) -> core::result::Result<Merchant, DeclineCode> {
        if let Some(till) = desk.merchants.get(&number) {
            return Ok(till.merchant);
        }
        let merchant = self.merchants.get(number).ok_or(DeclineCode::ForeignMerchant)?;
        let has_taken = false;
        desk.merchants.insert(number, Till { merchant, has_taken });
        Ok(merchant)
    }
}

/// From a card to a merchant.
fn moved(mut float: Float, amount: Amount) -> Result<Float> {
    subtract(&mut float.cards, amount)?;
    add(&mut float.merchants, amount)?;
    Ok(float)
}

fn overflow(_: Error) -> DeclineCode {
    DeclineCode::Overflow
}
