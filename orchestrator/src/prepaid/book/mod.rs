//! Everything that follows from a prepaid contract's events: cards, merchants, payments, disputes, closed cycles, float.
//!
//! Kept by rules that are said here a second time, not by the contract's own code: what a verdict, a statement or the
//! contract's storage says otherwise is a [`Mismatch`]. It grows with payments, not with blocks.
use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    prepaid::{CardNumber, Dispute, Float, MerchantNumber, PaymentKey, Programme, Terminal, MAX_PERIOD},
    AccountId, Amount,
};

use super::{
    past::{At, Event, Gap, Missing},
    report::Span,
};

mod cards;
pub(crate) mod judge;
mod merchants;
mod mismatch;
mod payments;
#[cfg(test)]
pub(crate) mod tests;

pub use self::{
    cards::{CardBook, CardEntry, CardMovement, Over, OverCause},
    merchants::{Closing, Entry, EntryKind, MerchantBook},
    mismatch::{differences, Mismatch, Place},
    payments::{Declined, DisputeBook, PaymentBook},
};

/// All events of a contract, from its first block on, in order, and what follows from them.
#[derive(Clone, Debug, Default)]
pub struct Book {
    programme: Option<Programme>,
    cards: BTreeMap<CardNumber, CardBook>,
    merchants: BTreeMap<MerchantNumber, MerchantBook>,
    terminals: BTreeMap<AccountId, Terminal>,
    payments: BTreeMap<PaymentKey, PaymentBook>,
    declined: Vec<Declined>,
    disputes: BTreeMap<PaymentKey, DisputeBook>,
    references: BTreeSet<(AccountId, [u8; 32])>,
    float: Float,
    /// The float after each block that changed it, in order.
    floats: Vec<(At, Float)>,
    mismatches: Vec<Mismatch>,
}

impl Book {
    /// Takes in the next event. What it says otherwise than the events before lead to is kept as a mismatch, and what
    /// follows by the rules is what goes on.
    ///
    /// # Errors
    /// Events before it are missing.
    pub fn take(&mut self, at: At, event: &Event) -> Result<(), Gap> {
        self.apply(at, event).map_err(|missing| Gap { at, missing })?;
        match self.floats.last_mut() {
            Some((last, float)) if last.block == at.block => *float = self.float,
            Some((_, float)) if *float == self.float => {}
            _ => self.floats.push((at, self.float)),
        }
        Ok(())
    }

    fn apply(&mut self, at: At, event: &Event) -> Result<(), Missing> {
        match event {
            Event::ProgrammeSet(programme) => {
                self.check_programme(at, programme);
                self.programme = Some(*programme);
                self.weigh_all(at);
                Ok(())
            }
            Event::MerchantRegistered {
                merchant,
                acquirer,
                account,
                rules,
            } => {
                self.register(at, *merchant, *acquirer, *account, *rules);
                Ok(())
            }
            Event::MerchantSwitched { merchant, is_active } => {
                self.merchant_mut(*merchant)?.is_active = *is_active;
                Ok(())
            }
            Event::RulesSet { merchant, rules } => {
                self.check_rules(at, *merchant, rules);
                self.merchant_mut(*merchant)?.next_rules = *rules;
                Ok(())
            }
            Event::TerminalAdded { merchant, terminal } => self.add_terminal(at, *merchant, *terminal),
            Event::TerminalRevoked { merchant, terminal } => self.revoke_terminal(at, *merchant, *terminal),
            Event::CardIssued {
                card,
                key,
                holder,
                limits,
                expires_at,
            } => {
                self.issue(at, *card, *key, *holder, *limits, *expires_at);
                Ok(())
            }
            Event::LimitsSet { card, limits } => self.set_limits(at, *card, *limits),
            Event::Frozen(card) => self.freeze(at, *card, true),
            Event::Unfrozen(card) => self.freeze(at, *card, false),
            Event::CardReplaced { card, key } => self.replace(at, *card, *key),
            Event::CardClosed { card, holder, amount } => self.close_card(at, *card, *holder, *amount),
            Event::ToppedUp {
                card,
                amount,
                reference,
                by,
            } => self.top_up(at, *card, *amount, (*by, *reference)),
            Event::PaymentsDecided(lines) => self.decide(at, lines),
            Event::Voided { key, amount } => self.void(at, *key, *amount),
            Event::Refunded { key, amount } => self.refund(at, *key, *amount),
            Event::MerchantFunded {
                merchant,
                amount,
                reference,
                by,
            } => self.fund(at, *merchant, *amount, (*by, *reference)),
            Event::DisputeOpened {
                key,
                amount,
                evidence,
                rule_by,
            } => self.open_dispute(at, *key, *amount, *evidence, *rule_by),
            Event::DisputeAnswered { key, answer, rule_by } => self.answer(at, *key, *answer, *rule_by),
            Event::DisputeDecided {
                key,
                awarded,
                is_default,
            } => self.decide_dispute(at, *key, *awarded, *is_default),
            Event::CycleClosed { merchant, statement } => self.close_cycle(at, *merchant, statement),
        }
    }

    /// What holds for all cards and merchants; `None` before the first event.
    pub const fn programme(&self) -> Option<Programme> {
        self.programme
    }

    /// Every card.
    pub fn cards(&self) -> impl Iterator<Item = (CardNumber, &CardBook)> {
        self.cards.iter().map(|(number, card)| (*number, card))
    }

    /// A card.
    pub fn card(&self, number: CardNumber) -> Option<&CardBook> {
        self.cards.get(&number)
    }

    /// Every merchant.
    pub fn merchants(&self) -> impl Iterator<Item = (MerchantNumber, &MerchantBook)> {
        self.merchants.iter().map(|(number, merchant)| (*number, merchant))
    }

    /// A merchant.
    pub fn merchant(&self, number: MerchantNumber) -> Option<&MerchantBook> {
        self.merchants.get(&number)
    }

    /// Every terminal, by its key.
    pub fn terminals(&self) -> impl Iterator<Item = (AccountId, Terminal)> + '_ {
        self.terminals.iter().map(|(key, terminal)| (*key, *terminal))
    }

    /// Every payment that was taken.
    pub fn payments(&self) -> impl Iterator<Item = (PaymentKey, &PaymentBook)> {
        self.payments.iter().map(|(key, payment)| (*key, payment))
    }

    /// A payment that was taken.
    pub fn payment(&self, key: PaymentKey) -> Option<&PaymentBook> {
        self.payments.get(&key)
    }

    /// Every payment that was declined, in order.
    pub fn declined(&self) -> &[Declined] {
        &self.declined
    }

    /// Every dispute, by its payment.
    pub fn disputes(&self) -> impl Iterator<Item = (PaymentKey, &DisputeBook)> {
        self.disputes.iter().map(|(key, dispute)| (*key, dispute))
    }

    /// A dispute.
    pub fn dispute(&self, key: PaymentKey) -> Option<Dispute> {
        Some(self.disputes.get(&key)?.dispute)
    }

    /// Who put money in, and under what.
    pub fn references(&self) -> impl Iterator<Item = (AccountId, [u8; 32])> + '_ {
        self.references.iter().copied()
    }

    /// What the contract holds for others.
    pub const fn float(&self) -> Float {
        self.float
    }

    /// What it held after a block.
    pub fn float_after(&self, block: u32) -> Float {
        let later = self.floats.partition_point(|(at, _)| at.block <= block);
        let last = later.checked_sub(1).and_then(|last| self.floats.get(last));
        last.map(|(_, float)| *float).unwrap_or_default()
    }

    /// The blocks of a span that changed the float, in order.
    pub fn float_changes(&self, span: &Span) -> Vec<u32> {
        let its = self.floats.iter().filter(|(at, _)| span.holds(at));
        its.map(|(at, _)| at.block).collect()
    }

    /// What events say otherwise than the events before them lead to.
    pub fn mismatches(&self) -> &[Mismatch] {
        &self.mismatches
    }

    fn differs(&mut self, at: At, what: String, found: impl std::fmt::Display, expected: impl std::fmt::Display) {
        let place = Place::Event {
            block: at.block,
            event: at.event,
        };
        self.mismatches.push(Mismatch::new(place, what, found, expected));
    }

    /// A value in an event, and what it should be.
    fn expect<T: PartialEq + std::fmt::Display>(&mut self, at: At, what: impl Fn() -> String, found: T, expected: T) {
        if found != expected {
            self.differs(at, what(), found, expected);
        }
    }

    /// Something that a rule forbids was done all the same.
    fn forbid(&mut self, at: At, is_forbidden: bool, what: impl Fn() -> String, rule: &str) {
        if is_forbidden {
            self.differs(at, what(), "it was done", format_args!("a refusal ({rule})"));
        }
    }

    fn the_programme(&self) -> Result<Programme, Missing> {
        self.programme.ok_or(Missing::Programme)
    }

    fn check_programme(&mut self, at: At, programme: &Programme) {
        let periods = [programme.cycle, programme.dispute_period, programme.ruling_period];
        let is_bad = periods.iter().any(|period| !(1..=MAX_PERIOD).contains(period));
        self.forbid(at, is_bad, || "programme: set".into(), "a period is 0 or too long");
    }

    /// Each reference is taken once of each who puts money in.
    fn use_reference(&mut self, at: At, reference: (AccountId, [u8; 32]), what: &str) {
        let is_used = !self.references.insert(reference);
        self.forbid(at, is_used, || what.to_owned(), "its reference was used before");
    }
}

/// Adds, and stops at the largest amount: the contract lets no sum come there.
pub(crate) fn add(to: &mut Amount, amount: Amount) {
    *to = to.saturating_add(amount);
}

/// Takes away, and stops at nothing. Says whether that much was there.
pub(crate) fn take_away(from: &mut Amount, amount: Amount) -> bool {
    let left = from.checked_sub(amount);
    *from = left.unwrap_or_default();
    left.is_some()
}
