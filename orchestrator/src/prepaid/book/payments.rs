//! Payments, what came back of them, and disputes over them.
use protocol::{
    prepaid::{
        CardPayment, CardState, DeclineCode, Dispute, MerchantNumber, PaymentKey, PaymentLine, PaymentRecord, Verdict,
    },
    Amount, Timestamp,
};

use super::{
    add,
    cards::movement,
    judge::{is_possible, said, text, today},
    take_away, At, Book, CardEntry, CardMovement, Entry, EntryKind, Missing, OverCause,
};

/// A payment that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentBook {
    /// What card and terminal signed.
    pub payment: CardPayment,
    /// The event that tells of it.
    pub at: At,
    /// Its place in the event.
    pub line: u32,
    /// As the contract should keep it.
    pub record: PaymentRecord,
}

/// A payment that was declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declined {
    /// The event that tells of it.
    pub at: At,
    /// Its place in the event.
    pub line: u32,
    /// What was asked for. Nobody need have signed it.
    pub payment: CardPayment,
    /// Why it was declined.
    pub code: DeclineCode,
}

/// A dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisputeBook {
    /// As the contract should keep it.
    pub dispute: Dispute,
    /// The merchant whose payment it is over.
    pub merchant: MerchantNumber,
    /// The event that opened it.
    pub opened: At,
    /// The event that decided it, and whether that was for lack of a decision in time.
    pub decided: Option<(At, bool)>,
}

impl Book {
    pub(super) fn decide(&mut self, at: At, lines: &[PaymentLine]) -> Result<(), Missing> {
        for (place, line) in (0..).zip(lines) {
            self.decide_one(at, place, line)?;
        }
        Ok(())
    }

    fn decide_one(&mut self, at: At, place: u32, line: &PaymentLine) -> Result<(), Missing> {
        let programme = self.the_programme()?;
        let payment = line.payment;
        let key = payment.key();
        let what = |part: &str| format!("payment {} of card {}{part}", key.1, key.0 .0);
        let expected = self.judge(&programme, &payment, at.time);
        let (taken, told, cycle) = match line.verdict {
            Verdict::Declined(code) => {
                if !is_possible(&line.verdict, expected) {
                    self.differs(at, what(": verdict"), text(said(&line.verdict)), text(expected));
                }
                self.declined.push(Declined {
                    at,
                    line: place,
                    payment,
                    code,
                });
                return Ok(());
            }
            Verdict::Approved { taken, balance, cycle } => (taken, balance, cycle),
        };
        // What an approved payment names was there before it.
        self.card_mut(key.0)?;
        let merchant = self.merchant_mut(payment.merchant)?;
        let open = merchant.open_cycle();
        if cycle > open {
            return Err(Missing::Cycle {
                merchant: payment.merchant,
                open,
                found: cycle,
            });
        }
        if !self.terminals.contains_key(&payment.terminal) {
            return Err(Missing::Terminal(payment.terminal));
        }
        if !is_possible(&line.verdict, expected) {
            self.differs(at, what(": verdict"), text(said(&line.verdict)), text(expected));
        }
        self.expect(at, || what(": cycle"), cycle, open);
        if self.payments.contains_key(&key) {
            // The first one stays.
            return Ok(());
        }
        let card = &mut self.card_mut(key.0)?.card;
        let is_there = take_away(&mut card.balance, taken);
        let day = today(at.time);
        if card.day != day {
            (card.day, card.paid_that_day) = (day, 0);
        }
        add(&mut card.paid_that_day, taken);
        card.counter = card.counter.max(key.1);
        let balance = card.balance;
        if is_there {
            self.expect(at, || what(": balance"), told, balance);
        }
        self.book_payment(at, place, &payment, taken, open)
    }

    fn book_payment(
        &mut self,
        at: At,
        line: u32,
        payment: &CardPayment,
        taken: Amount,
        cycle: u32,
    ) -> Result<(), Missing> {
        let (key, reference) = (payment.key(), payment.reference());
        take_away(&mut self.float.cards, taken);
        add(&mut self.float.merchants, taken);
        self.enter(
            key.0,
            CardMovement {
                line,
                counter: Some(key.1),
                merchant: Some(payment.merchant),
                reference: Some(reference),
                ..movement(at, CardEntry::Payment, taken)
            },
        )?;
        self.weigh(at, key.0, OverCause::Returned)?;
        let merchant = self.merchant_mut(payment.merchant)?;
        merchant.entries.push(Entry {
            at,
            line,
            cycle,
            kind: EntryKind::Payment,
            payment: Some(key),
            reference,
            amount: taken,
        });
        add(&mut merchant.unpaid, taken);
        let record = PaymentRecord {
            reference,
            merchant: payment.merchant,
            cycle,
            taken,
            returned: 0,
            is_voided: false,
            paid_at: at.time,
        };
        let book = PaymentBook {
            payment: *payment,
            at,
            line,
            record,
        };
        self.payments.insert(key, book);
        Ok(())
    }

    pub(super) fn void(&mut self, at: At, key: PaymentKey, amount: Amount) -> Result<(), Missing> {
        let is_disputed = self.disputes.contains_key(&key);
        let record = &mut self.payment_mut(key)?.record;
        let before = *record;
        record.is_voided = true;
        let open = self.merchant_mut(before.merchant)?.open_cycle();
        let what = || format!("payment {} of card {}: voided", key.1, key.0 .0);
        self.forbid(at, before.is_voided, what, "it was voided before");
        self.forbid(at, before.cycle != open, what, "its cycle is closed");
        let is_part = before.returned > 0 && !before.is_voided;
        self.forbid(at, is_part, what, "a part of it went back before");
        self.forbid(at, is_disputed, what, "it is disputed");
        self.expect(at, what, amount, before.taken);
        self.give_back(at, key, EntryKind::Void, amount)
    }

    pub(super) fn refund(&mut self, at: At, key: PaymentKey, amount: Amount) -> Result<(), Missing> {
        let what = || format!("payment {} of card {}: refund", key.1, key.0 .0);
        self.forbid(at, amount == 0, what, "the amount is 0");
        let is_contested = self.disputes.get(&key).is_some_and(|dispute| dispute.decided.is_none());
        self.forbid(at, is_contested, what, "it is disputed");
        self.give_back(at, key, EntryKind::Refund, amount)
    }

    /// From a merchant to a card; to its holder, if it is closed.
    fn give_back(&mut self, at: At, key: PaymentKey, kind: EntryKind, amount: Amount) -> Result<(), Missing> {
        let what = || format!("payment {} of card {}: {}", key.1, key.0 .0, kind.as_str());
        let record = &mut self.payment_mut(key)?.record;
        let before = *record;
        add(&mut record.returned, amount);
        let left = before.taken.saturating_sub(before.returned);
        let rule = format!("{left} of it was left, and {amount} went back");
        self.forbid(at, amount > left, what, &rule);

        let merchant = self.merchant_mut(before.merchant)?;
        // Awards come out of what is held, whichever dispute it is held for.
        let available = match kind {
            EntryKind::Award => merchant.unpaid,
            _ => merchant.unpaid.saturating_sub(merchant.held),
        };
        take_away(&mut merchant.unpaid, amount);
        merchant.entries.push(Entry {
            at,
            line: 0,
            cycle: merchant.open_cycle(),
            kind,
            payment: Some(key),
            reference: before.reference,
            amount,
        });
        let rule = format!("the merchant had {available} for it");
        self.forbid(at, amount > available, what, &rule);
        take_away(&mut self.float.merchants, amount);

        let entry = match kind {
            EntryKind::Void => CardEntry::Void,
            EntryKind::Award => CardEntry::Award,
            EntryKind::Payment | EntryKind::Refund | EntryKind::Funding => CardEntry::Refund,
        };
        let card = &mut self.card_mut(key.0)?.card;
        let to_holder = card.state == CardState::Closed;
        if !to_holder {
            if kind == EntryKind::Void && card.day == today(before.paid_at) {
                take_away(&mut card.paid_that_day, amount);
            }
            add(&mut card.balance, amount);
            add(&mut self.float.cards, amount);
        }
        self.enter(
            key.0,
            CardMovement {
                to_holder,
                counter: Some(key.1),
                merchant: Some(before.merchant),
                reference: Some(before.reference),
                ..movement(at, entry, amount)
            },
        )?;
        self.weigh(at, key.0, OverCause::Returned)
    }

    pub(super) fn open_dispute(
        &mut self,
        at: At,
        key: PaymentKey,
        amount: Amount,
        evidence: [u8; 32],
        rule_by: Timestamp,
    ) -> Result<(), Missing> {
        let programme = self.the_programme()?;
        let record = self.payment_mut(key)?.record;
        let what = || format!("payment {} of card {}: disputed", key.1, key.0 .0);
        let is_known = self.disputes.contains_key(&key);
        self.forbid(at, is_known, what, "it was disputed before");
        self.forbid(at, amount == 0, what, "the amount is 0");
        let left = record.taken.saturating_sub(record.returned);
        self.forbid(at, amount > left, what, &format!("{left} of it was left"));
        let until = record.paid_at.saturating_add(programme.dispute_period);
        self.forbid(at, at.time >= until, what, "the time for disputes was over");
        let expected = at.time.saturating_add(programme.ruling_period);
        self.expect(at, || format!("{}: rule_by", what()), rule_by, expected);
        if is_known {
            return Ok(());
        }
        add(&mut self.merchant_mut(record.merchant)?.held, amount);
        let dispute = Dispute {
            amount,
            evidence,
            opened_at: at.time,
            rule_by,
            answer: None,
            awarded: None,
        };
        let book = DisputeBook {
            dispute,
            merchant: record.merchant,
            opened: at,
            decided: None,
        };
        self.disputes.insert(key, book);
        Ok(())
    }

    pub(super) fn answer(
        &mut self,
        at: At,
        key: PaymentKey,
        answer: [u8; 32],
        rule_by: Timestamp,
    ) -> Result<(), Missing> {
        // The issuer has its time from then on.
        let expected = at.time.saturating_add(self.the_programme()?.ruling_period);
        let dispute = &mut self.dispute_mut(key)?.dispute;
        let before = *dispute;
        if before.answer.is_none() {
            (dispute.answer, dispute.rule_by) = (Some(answer), expected);
        }
        let what = || format!("dispute over payment {} of card {}: answered", key.1, key.0 .0);
        self.forbid(at, before.awarded.is_some(), what, "it was decided before");
        self.forbid(at, before.answer.is_some(), what, "it was answered before");
        self.forbid(at, at.time >= before.rule_by, what, "the time for it was over");
        self.expect(at, || format!("{}: rule_by", what()), rule_by, expected);
        Ok(())
    }

    pub(super) fn decide_dispute(
        &mut self,
        at: At,
        key: PaymentKey,
        awarded: Amount,
        is_default: bool,
    ) -> Result<(), Missing> {
        let book = self.dispute_mut(key)?;
        let (before, merchant) = (book.dispute, book.merchant);
        let what = || format!("dispute over payment {} of card {}: decided", key.1, key.0 .0);
        if before.awarded.is_some() {
            self.forbid(at, true, what, "it was decided before");
            return Ok(());
        }
        book.dispute.awarded = Some(awarded);
        book.decided = Some((at, is_default));
        let is_late = at.time >= before.rule_by;
        self.forbid(at, is_default && !is_late, what, "the issuer's time was not over");
        self.forbid(at, !is_default && is_late, what, "the issuer's time was over");
        let rule = format!("the holder wanted {}", before.amount);
        self.forbid(at, awarded > before.amount, what, &rule);
        if is_default {
            let by_default = if before.answer.is_some() { 0 } else { before.amount };
            self.expect(at, || format!("{}: awarded", what()), awarded, by_default);
        }
        take_away(&mut self.merchant_mut(merchant)?.held, before.amount);
        if awarded == 0 {
            return Ok(());
        }
        self.give_back(at, key, EntryKind::Award, awarded)
    }

    fn payment_mut(&mut self, key: PaymentKey) -> Result<&mut PaymentBook, Missing> {
        self.payments.get_mut(&key).ok_or(Missing::Payment(key))
    }

    fn dispute_mut(&mut self, key: PaymentKey) -> Result<&mut DisputeBook, Missing> {
        self.disputes.get_mut(&key).ok_or(Missing::Dispute(key))
    }
}
