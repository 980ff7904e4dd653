//! Payments and what comes after them, in the world of tests.
use protocol::{
    prepaid::{
        day, CardNumber, CardPayment, CardState, DeclineCode, Dispute, Error, MerchantNumber, PaymentKey, PaymentLine,
        PaymentRecord, Returned, Statement, Verdict,
    },
    Amount,
};

use super::{Done, World};
use crate::prepaid::past::Event;

/// A payment, and which signatures are good: the terminal's, the card's.
pub(crate) type Signed = (CardPayment, bool, bool);

impl World {
    /// Takes one payment that both signed.
    pub(crate) fn pay(&mut self, payment: CardPayment) -> Verdict {
        self.pay_all(&[(payment, true, true)])[0]
    }

    pub(crate) fn pay_all(&mut self, payments: &[Signed]) -> Vec<Verdict> {
        let decide = |signed: &Signed| PaymentLine {
            payment: signed.0,
            verdict: self.decide(signed).unwrap_or_else(Verdict::Declined),
        };
        let lines: Vec<PaymentLine> = payments.iter().map(decide).collect();
        let verdicts = lines.iter().map(|line| line.verdict).collect();
        self.tell(Event::PaymentsDecided(lines));
        verdicts
    }

    fn decide(&mut self, (payment, terminal, card): &Signed) -> Result<Verdict, DeclineCode> {
        let (programme, now) = (self.programme(), self.now);
        if payment.least == 0 || payment.least > payment.amount {
            return Err(DeclineCode::BadAmount);
        }
        if payment.least < payment.amount && !programme.allows_partial {
            return Err(DeclineCode::PartialNotAllowed);
        }
        if now >= payment.expires_at {
            return Err(DeclineCode::PaymentExpired);
        }
        let known = self.kept.terminals.get(&payment.terminal);
        let known = known.ok_or(DeclineCode::UnknownTerminal)?;
        if known.merchant != payment.merchant {
            return Err(DeclineCode::ForeignMerchant);
        }
        if known.is_revoked {
            return Err(DeclineCode::TerminalRevoked);
        }
        let mut merchant = self.kept.merchants[&payment.merchant];
        if !merchant.is_active {
            return Err(DeclineCode::MerchantSuspended);
        }
        if !terminal {
            return Err(DeclineCode::BadTerminalSignature);
        }
        let mut its = *self.kept.cards.get(&payment.card).ok_or(DeclineCode::UnknownCard)?;
        if !card {
            return Err(DeclineCode::BadCardSignature);
        }
        if self.kept.payments.contains_key(&payment.key()) {
            return Err(DeclineCode::CounterUsed);
        }
        let taken = its.authorise(&programme, now, payment.amount, payment.least)?;
        merchant.take(taken).map_err(|_| DeclineCode::Overflow)?;
        its.paid_that_day = its.paid_on_day_of(now) + taken;
        its.day = day(now);
        its.counter = its.counter.max(payment.counter);
        its.balance -= taken;
        self.kept.float.cards -= taken;
        self.kept.float.merchants += taken;
        let record = PaymentRecord {
            reference: payment.reference(),
            merchant: payment.merchant,
            cycle: merchant.cycle.number,
            taken,
            returned: 0,
            is_voided: false,
            paid_at: now,
        };
        self.kept.cards.insert(payment.card, its);
        self.kept.merchants.insert(payment.merchant, merchant);
        self.kept.payments.insert(payment.key(), record);
        Ok(Verdict::Approved {
            taken,
            balance: its.balance,
            cycle: record.cycle,
        })
    }

    pub(crate) fn void(&mut self, card: u64, counter: u64) -> Done {
        let key = (CardNumber(card), counter);
        self.attempt(|world| {
            let record = world.known_payment(key)?;
            let amount = record.taken;
            if record.is_voided {
                return Err(Error::AlreadyVoided);
            }
            let (cycle, returned) = (record.cycle, record.returned);
            record.is_voided = true;
            let merchant = record.merchant;
            if world.known_merchant(merchant)?.cycle.number != cycle {
                return Err(Error::CycleClosed);
            }
            if returned > 0 || world.kept.disputes.contains_key(&key) {
                return Err(Error::NotWhole);
            }
            world.tell(Event::Voided { key, amount });
            world.give_back(key, Returned::Void, amount)
        })
    }

    pub(crate) fn refund(&mut self, card: u64, counter: u64, amount: Amount) -> Done {
        let key = (CardNumber(card), counter);
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        self.attempt(|world| {
            world.known_payment(key)?;
            if world
                .kept
                .disputes
                .get(&key)
                .is_some_and(|dispute| dispute.awarded.is_none())
            {
                return Err(Error::Disputed);
            }
            world.tell(Event::Refunded { key, amount });
            world.give_back(key, Returned::Refund, amount)
        })
    }

    fn give_back(&mut self, key: PaymentKey, why: Returned, amount: Amount) -> Done {
        let record = self.known_payment(key)?;
        let left = record.returnable();
        if amount > left {
            return Err(Error::AboveReturnable { left });
        }
        record.returned += amount;
        let record = *record;
        self.known_merchant(record.merchant)?.give_back(why, amount)?;
        self.kept.float.merchants -= amount;
        let card = self.known_card(key.0)?;
        if card.state == CardState::Closed {
            self.kept.has -= amount;
            return Ok(());
        }
        if why == Returned::Void && card.day == day(record.paid_at) {
            card.paid_that_day -= amount;
        }
        card.balance += amount;
        self.kept.float.cards += amount;
        Ok(())
    }

    pub(crate) fn dispute(&mut self, card: u64, counter: u64, amount: Amount) -> Done {
        let (key, now, programme) = ((CardNumber(card), counter), self.now, self.programme());
        if amount == 0 {
            return Err(Error::ZeroAmount);
        }
        self.attempt(|world| {
            let record = *world.known_payment(key)?;
            if world.kept.disputes.contains_key(&key) {
                return Err(Error::AlreadyDisputed);
            }
            let deadline = record.paid_at + programme.dispute_period;
            if now >= deadline {
                return Err(Error::DeadlinePassed { deadline });
            }
            let left = record.returnable();
            if amount > left {
                return Err(Error::AboveReturnable { left });
            }
            world.known_merchant(record.merchant)?.hold(amount)?;
            let dispute = Dispute {
                amount,
                evidence: [70; 32],
                opened_at: now,
                rule_by: now + programme.ruling_period,
                answer: None,
                awarded: None,
            };
            world.kept.disputes.insert(key, dispute);
            world.tell(Event::DisputeOpened {
                key,
                amount,
                evidence: dispute.evidence,
                rule_by: dispute.rule_by,
            });
            Ok(())
        })
    }

    pub(crate) fn answer(&mut self, card: u64, counter: u64) -> Done {
        let (key, now) = ((CardNumber(card), counter), self.now);
        let rule_by = now + self.programme().ruling_period;
        let dispute = self.undecided(key)?;
        if now >= dispute.rule_by {
            return Err(Error::DeadlinePassed {
                deadline: dispute.rule_by,
            });
        }
        if dispute.answer.is_some() {
            return Err(Error::AlreadyAnswered);
        }
        (dispute.answer, dispute.rule_by) = (Some([71; 32]), rule_by);
        self.tell(Event::DisputeAnswered {
            key,
            answer: [71; 32],
            rule_by,
        });
        Ok(())
    }

    /// Decides a dispute; without an amount, by default.
    pub(crate) fn rule(&mut self, card: u64, counter: u64, awarded: Option<Amount>) -> Done {
        let (key, now) = ((CardNumber(card), counter), self.now);
        self.attempt(|world| {
            let dispute = *world.undecided(key)?;
            let record = *world.known_payment(key)?;
            let awarded = match awarded {
                Some(awarded) if now >= dispute.rule_by || awarded > dispute.amount => {
                    return Err(Error::AboveClaim { claim: dispute.amount })
                }
                Some(awarded) => (awarded, false),
                None if now < dispute.rule_by => {
                    return Err(Error::TooEarly {
                        not_before: dispute.rule_by,
                    })
                }
                None if dispute.answer.is_some() => (0, true),
                None => (dispute.amount, true),
            };
            world.known_merchant(record.merchant)?.let_go(dispute.amount)?;
            world.undecided(key)?.awarded = Some(awarded.0);
            world.tell(Event::DisputeDecided {
                key,
                awarded: awarded.0,
                is_default: awarded.1,
            });
            if awarded.0 == 0 {
                return Ok(());
            }
            world.give_back(key, Returned::Award, awarded.0)
        })
    }

    pub(crate) fn close_cycle(&mut self, number: u32) -> Result<Statement, Error> {
        let (merchant, now) = (MerchantNumber(number), self.now);
        let statement = self.known_merchant(merchant)?.close_cycle(merchant, now)?;
        let leaves = statement.fee + statement.paid;
        self.kept.float.merchants -= leaves;
        self.kept.has -= leaves;
        self.kept
            .statements
            .insert((merchant, statement.cycle.number), statement);
        self.tell(Event::CycleClosed {
            merchant,
            statement: Box::new(statement),
        });
        Ok(statement)
    }

    fn known_payment(&mut self, key: PaymentKey) -> Result<&mut PaymentRecord, Error> {
        self.kept.payments.get_mut(&key).ok_or(Error::UnknownPayment)
    }

    fn undecided(&mut self, key: PaymentKey) -> Result<&mut Dispute, Error> {
        let dispute = self.kept.disputes.get_mut(&key).ok_or(Error::NotDisputed)?;
        if dispute.awarded.is_some() {
            return Err(Error::AlreadyDecided);
        }
        Ok(dispute)
    }
}
