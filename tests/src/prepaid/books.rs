//! What an auditor knows of a programme from its contract's events alone.
use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    prepaid::{
        day, Card, CardLimits, CardNumber, CardState, Dispute, Error, Float, Merchant, MerchantNumber, PaymentKey,
        PaymentLine, PaymentRecord, Programme, Returned, Rules, Statement, Terminal, Verdict,
    },
    AccountId, Member,
};
use scale::Decode;

use super::PROGRAMME;
use crate::contract_chain::{Emitted, EventNames};

#[derive(Clone)]
pub struct Books {
    names: EventNames,
    pub programme: Programme,
    pub float: Float,
    pub cards: BTreeMap<CardNumber, Card>,
    pub merchants: BTreeMap<MerchantNumber, Merchant>,
    pub terminals: BTreeMap<AccountId, Terminal>,
    pub payments: BTreeMap<PaymentKey, PaymentRecord>,
    pub disputes: BTreeMap<PaymentKey, Dispute>,
    pub statements: BTreeMap<(MerchantNumber, u32), Statement>,
    pub references: BTreeSet<(AccountId, [u8; 32])>,
}

/// What in an event can't be.
type Read = Result<(), String>;

impl Default for Books {
    /// Of a contract that was just made for the tests.
    fn default() -> Self {
        Self {
            names: EventNames::of("prepaid"),
            programme: PROGRAMME,
            float: Float::default(),
            cards: BTreeMap::new(),
            merchants: BTreeMap::new(),
            terminals: BTreeMap::new(),
            payments: BTreeMap::new(),
            disputes: BTreeMap::new(),
            statements: BTreeMap::new(),
            references: BTreeSet::new(),
        }
    }
}

impl Books {
    /// Takes in what a block of this time told.
    ///
    /// # Errors
    /// What can't be after all that was told before.
    pub fn read(&mut self, event: &Emitted, now: u64) -> Read {
        // Events are few kinds; the names are the metadata's.
        let name = event.name(&self.names).ok_or("an event that nobody knows")?.to_owned();
        match name.as_str() {
            "ProgrammeSet" => self.programme = decoded(event)?,
            "MerchantRegistered" | "MerchantSwitched" | "RulesSet" | "TerminalAdded" | "TerminalRevoked"
            | "MerchantFunded" | "CycleClosed" => self.read_of_merchant(&name, event, now)?,
            "PaymentsDecided" => {
                let lines: Vec<PaymentLine> = decoded(event)?;
                for line in lines {
                    self.read_payment(&line, now)?;
                }
            }
            "Voided" => {
                let (card, counter, amount) = decoded(event)?;
                self.record((card, counter))?.is_voided = true;
                self.give_back((card, counter), Returned::Void, amount)?;
            }
            "Refunded" => {
                let (card, counter, amount) = decoded(event)?;
                self.give_back((card, counter), Returned::Refund, amount)?;
            }
            "DisputeOpened" | "DisputeAnswered" | "DisputeDecided" => self.read_of_dispute(&name, event, now)?,
            _ => self.read_of_card(&name, event)?,
        }
        Ok(())
    }

    fn read_of_merchant(&mut self, name: &str, event: &Emitted, now: u64) -> Read {
        let number: MerchantNumber = decoded(event)?;
        if name == "MerchantRegistered" {
            let (_, acquirer, account, rules) = decoded::<(MerchantNumber, Member, AccountId, Rules)>(event)?;
            let merchant = Merchant::new(acquirer, account, rules, now);
            return fresh(self.merchants.insert(number, merchant).is_none(), "a merchant");
        }
        let merchant = self.merchants.get_mut(&number).ok_or("no such merchant")?;
        match name {
            "MerchantSwitched" => (_, merchant.is_active) = decoded::<(MerchantNumber, bool)>(event)?,
            "RulesSet" => (_, merchant.next_rules) = decoded::<(MerchantNumber, Rules)>(event)?,
            "TerminalAdded" => {
                let (merchant, key) = decoded::<(MerchantNumber, AccountId)>(event)?;
                let is_revoked = false;
                let earlier = self.terminals.insert(key, Terminal { merchant, is_revoked });
                fresh(earlier.is_none(), "a terminal")?;
            }
            "TerminalRevoked" => {
                let (_, key) = decoded::<(MerchantNumber, AccountId)>(event)?;
                self.terminals.get_mut(&key).ok_or("no such terminal")?.is_revoked = true;
            }
            "MerchantFunded" => {
                let (_, amount, reference, by) = decoded::<(MerchantNumber, u128, [u8; 32], AccountId)>(event)?;
                merchant.fund(amount).map_err(fault)?;
                self.float.merchants += amount;
                fresh(self.references.insert((by, reference)), "a reference")?;
            }
            _ => {
                let (_, told) = decoded::<(MerchantNumber, Statement)>(event)?;
                let expected = merchant.close_cycle(number, now).map_err(fault)?;
                if told != expected {
                    return Err(format!("a statement is {told:?}\nmust be: {expected:?}"));
                }
                self.float.merchants -= told.fee + told.paid;
                let earlier = self.statements.insert((number, told.cycle.number), told);
                fresh(earlier.is_none(), "a statement")?;
            }
        }
        Ok(())
    }

    fn read_of_card(&mut self, name: &str, event: &Emitted) -> Read {
        let number: CardNumber = decoded(event)?;
        if name == "CardIssued" {
            let (_, key, holder, limits, expires_at) =
                decoded::<(CardNumber, AccountId, AccountId, CardLimits, u64)>(event)?;
            let card = Card {
                key,
                holder,
                limits,
                expires_at,
                state: CardState::Active,
                balance: 0,
                day: 0,
                paid_that_day: 0,
                counter: 0,
            };
            return fresh(self.cards.insert(number, card).is_none(), "a card");
        }
        let card = self.cards.get_mut(&number).ok_or("no such card")?;
        match name {
            "LimitsSet" => (_, card.limits) = decoded::<(CardNumber, CardLimits)>(event)?,
            "Frozen" => card.state = CardState::Frozen,
            "Unfrozen" => card.state = CardState::Active,
            "CardReplaced" => {
                (_, card.key) = decoded::<(CardNumber, AccountId)>(event)?;
                card.state = CardState::Active;
            }
            "CardClosed" => {
                let (_, holder, amount) = decoded::<(CardNumber, AccountId, u128)>(event)?;
                if (holder, amount) != (card.holder, card.balance) {
                    return Err(format!("{holder:?} was paid {amount} for {card:?}"));
                }
                card.state = CardState::Closed;
                card.balance = 0;
                self.float.cards -= amount;
            }
            "ToppedUp" => {
                let (_, amount, reference, by) = decoded::<(CardNumber, u128, [u8; 32], AccountId)>(event)?;
                card.balance += amount;
                self.float.cards += amount;
                fresh(self.references.insert((by, reference)), "a reference")?;
            }
            _ => return Err(format!("nobody knows {name}")),
        }
        Ok(())
    }

    fn read_payment(&mut self, line: &PaymentLine, now: u64) -> Read {
        let PaymentLine { payment, verdict } = line;
        let Verdict::Approved { taken, balance, cycle } = *verdict else {
            return Ok(());
        };
        let card = self.cards.get_mut(&payment.card).ok_or("no such card")?;
        let merchant = self.merchants.get_mut(&payment.merchant).ok_or("no such merchant")?;
        card.balance = card.balance.checked_sub(taken).ok_or("more was taken than there is")?;
        if (card.balance, merchant.cycle.number) != (balance, cycle) {
            return Err(format!("{line:?}\nof {card:?}\nto {merchant:?}"));
        }
        card.paid_that_day = card.paid_on_day_of(now) + taken;
        card.day = day(now);
        card.counter = card.counter.max(payment.counter);
        merchant.take(taken).map_err(fault)?;
        self.float.cards -= taken;
        self.float.merchants += taken;
        let record = PaymentRecord {
            reference: payment.reference(),
            merchant: payment.merchant,
            cycle,
            taken,
            returned: 0,
            is_voided: false,
            paid_at: now,
        };
        fresh(self.payments.insert(payment.key(), record).is_none(), "a payment")
    }

    fn read_of_dispute(&mut self, name: &str, event: &Emitted, now: u64) -> Read {
        let key: PaymentKey = decoded(event)?;
        if name == "DisputeOpened" {
            let (_, amount, evidence, rule_by) = decoded::<(PaymentKey, u128, [u8; 32], u64)>(event)?;
            let dispute = Dispute {
                amount,
                evidence,
                opened_at: now,
                rule_by,
                answer: None,
                awarded: None,
            };
            self.merchant_of(key)?.hold(amount).map_err(fault)?;
            return fresh(self.disputes.insert(key, dispute).is_none(), "a dispute");
        }
        let dispute = self.disputes.get_mut(&key).ok_or("no such dispute")?;
        if name == "DisputeAnswered" {
            let (_, answer, rule_by) = decoded::<(PaymentKey, [u8; 32], u64)>(event)?;
            (dispute.answer, dispute.rule_by) = (Some(answer), rule_by);
            return Ok(());
        }
        let (_, awarded, _) = decoded::<(PaymentKey, u128, bool)>(event)?;
        dispute.awarded = Some(awarded);
        let amount = dispute.amount;
        self.merchant_of(key)?.let_go(amount).map_err(fault)?;
        if awarded > 0 {
            self.give_back(key, Returned::Award, awarded)?;
        }
        Ok(())
    }

    fn give_back(&mut self, key: PaymentKey, why: Returned, amount: u128) -> Read {
        self.merchant_of(key)?.give_back(why, amount).map_err(fault)?;
        let record = self.record(key)?;
        record.returned += amount;
        let paid_at = record.paid_at;
        self.float.merchants -= amount;
        let card = self.cards.get_mut(&key.0).ok_or("no such card")?;
        // Otherwise its holder was paid.
        if card.state != CardState::Closed {
            card.balance += amount;
            self.float.cards += amount;
            if why == Returned::Void && card.day == day(paid_at) {
                card.paid_that_day -= amount;
            }
        }
        Ok(())
    }

    fn record(&mut self, key: PaymentKey) -> Result<&mut PaymentRecord, String> {
        Ok(self.payments.get_mut(&key).ok_or("no such payment")?)
    }

    fn merchant_of(&mut self, key: PaymentKey) -> Result<&mut Merchant, String> {
        let number = self.record(key)?.merchant;
        Ok(self.merchants.get_mut(&number).ok_or("no such merchant")?)
    }
}

fn decoded<T: Decode>(event: &Emitted) -> Result<T, String> {
    T::decode(&mut &event.data[..]).map_err(|error| error.to_string())
}

fn fresh(is_fresh: bool, what: &str) -> Read {
    if is_fresh {
        Ok(())
    } else {
        Err(format!("{what} was told before"))
    }
}

fn fault(error: Error) -> String {
    format!("{error:?}")
}
