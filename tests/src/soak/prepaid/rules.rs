//! What the prepaid contract must do, said once more and differently: it keeps what happened, and works out from that, each
//! time, what a card holds, what a merchant is owed, and what a cycle comes to.
use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    prepaid::{
        CardLimits, CardNumber, CardPayment, CardState, DeclineCode, MerchantNumber, PaymentKey, Programme, Returned,
        Rules, Statement, Verdict, MAX_PAYMENTS, MAX_PERIOD,
    },
    AccountId, Member,
};
use quittance_runtime::EXISTENTIAL_DEPOSIT;

use super::{
    calls::{Brought, Call, Sent},
    steps::Temper,
};
use crate::{
    institutions::account,
    prepaid::{Cards, ISSUER, PEOPLE, POOR},
};

/// One programme as it must be.
#[derive(Clone)]
pub struct Ledger {
    pub in_tokens: bool,
    /// What everybody has.
    pub balances: [u128; PEOPLE.len()],
    /// Of the token.
    pub temper: Temper,
    /// Whether the registry has the issuer as active.
    pub is_active: bool,
    pub programme: Programme,
    pub cards: BTreeMap<CardNumber, Plastic>,
    pub shops: BTreeMap<MerchantNumber, Shop>,
    /// Whose, and whether it is revoked.
    pub terminals: BTreeMap<AccountId, (MerchantNumber, bool)>,
    pub stories: BTreeMap<PaymentKey, Story>,
    pub references: BTreeSet<(Member, [u8; 32])>,
}

#[derive(Clone, Debug)]
pub struct Plastic {
    pub key: AccountId,
    pub holder: AccountId,
    pub limits: CardLimits,
    pub expires_at: u64,
    pub state: CardState,
    /// All that it was topped up with.
    pub loaded: u128,
    /// What its holder got when it was closed.
    pub closed_with: u128,
}

#[derive(Clone, Debug)]
pub struct Shop {
    pub acquirer: Member,
    pub till: AccountId,
    pub is_active: bool,
    pub since: u64,
    pub rules: Rules,
    pub next_rules: Rules,
    /// By cycle.
    pub statements: Vec<Statement>,
    /// What was put in, and in which cycle.
    pub funds: Vec<(u32, u128)>,
}

impl Shop {
    pub fn cycle(&self) -> u32 {
        u32::try_from(self.statements.len()).unwrap()
    }

    pub fn opened_at(&self) -> u64 {
        self.statements
            .last()
            .map_or(self.since, |statement| statement.closed_at)
    }
}

/// A payment that was approved, and all that came of it.
#[derive(Clone, Debug)]
pub struct Story {
    pub payment: CardPayment,
    pub cycle: u32,
    pub taken: u128,
    pub at: u64,
    pub returns: Vec<Return>,
    pub quarrel: Option<Quarrel>,
}

#[derive(Clone, Copy, Debug)]
pub struct Return {
    pub why: Returned,
    pub amount: u128,
    /// The merchant's at the time.
    pub cycle: u32,
    /// Its card was closed.
    pub to_holder: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Quarrel {
    pub amount: u128,
    pub evidence: [u8; 32],
    pub opened_at: u64,
    pub rule_by: u64,
    pub answer: Option<[u8; 32]>,
    pub awarded: Option<u128>,
}

impl Quarrel {
    pub const fn is_open(&self) -> bool {
        self.awarded.is_none()
    }
}

impl Story {
    pub fn returned(&self) -> u128 {
        self.returns.iter().map(|back| back.amount).sum()
    }

    pub fn left(&self) -> u128 {
        self.taken - self.returned()
    }

    pub fn is_contested(&self) -> bool {
        self.quarrel.is_some_and(|quarrel| quarrel.is_open())
    }
}

/// What a call must come to.
pub struct Expected {
    pub is_done: bool,
    pub verdicts: Vec<Verdict>,
}

impl Ledger {
    /// What is there before anything happened.
    pub fn of(cards: &mut Cards, in_tokens: bool) -> Self {
        Self {
            in_tokens,
            balances: PEOPLE.map(|member| cards.balance(member)),
            temper: Temper::BeHonest,
            is_active: true,
            programme: crate::prepaid::PROGRAMME,
            cards: BTreeMap::new(),
            shops: BTreeMap::new(),
            terminals: BTreeMap::new(),
            stories: BTreeMap::new(),
            references: BTreeSet::new(),
        }
    }

    /// Does what the call asks for, if the rules permit it.
    pub fn act(&mut self, sent: &Sent) -> Expected {
        let mut verdicts = Vec::new();
        let takes_money = matches!(sent.call, Call::TopUp(..) | Call::FundMerchant(..));
        let is_issuers = !matches!(
            sent.call,
            Call::TopUp(..)
                | Call::FundMerchant(..)
                | Call::OpenDispute(..)
                | Call::AnswerDispute(..)
                | Call::DefaultDispute(_)
                | Call::CloseCycle(_)
                | Call::CloseCard(_)
        );
        let may = (sent.value == 0 || takes_money) && (!is_issuers || self.is_issuer(sent));
        let done = if !may {
            None
        } else if let Call::PayBatch(brought) = &sent.call {
            self.pay(brought, sent.now).map(|decided| verdicts = decided)
        } else {
            self.act_on_cards(sent)
                .or_else(|| self.act_on_shops(sent))
                .or_else(|| self.act_on_payments(sent))
        };
        let is_done = done.is_some();
        Expected { is_done, verdicts }
    }

    fn is_issuer(&self, sent: &Sent) -> bool {
        sent.by == ISSUER && self.is_active
    }

    /// `None` too if the call isn't about cards. So it is in the next two.
    fn act_on_cards(&mut self, sent: &Sent) -> Option<()> {
        let now = sent.now;
        if let Call::IssueCard(number, key, holder, limits, expires_at) = &sent.call {
            ensure(!self.cards.contains_key(number) && now < *expires_at)?;
            let plastic = Plastic {
                key: *key,
                holder: *holder,
                limits: *limits,
                expires_at: *expires_at,
                state: CardState::Active,
                loaded: 0,
                closed_with: 0,
            };
            self.cards.insert(*number, plastic);
            return Some(());
        }
        let number = sent.call.card()?;
        let balance = self.balance_of(number);
        let is_issuer = self.is_issuer(sent);
        let most = self.programme.limits.balance;
        let plastic = self.cards.get(&number)?;
        ensure(plastic.state != CardState::Closed)?;
        let mut changed = plastic.clone();
        match &sent.call {
            Call::SetLimits(_, limits) => changed.limits = *limits,
            Call::Freeze(_) => {
                ensure(plastic.state == CardState::Active)?;
                changed.state = CardState::Frozen;
            }
            Call::Unfreeze(_) => {
                ensure(plastic.state == CardState::Frozen)?;
                changed.state = CardState::Active;
            }
            Call::ReplaceCard(_, key) => {
                ensure(*key != plastic.key)?;
                (changed.key, changed.state) = (*key, CardState::Active);
            }
            Call::CloseCard(_) => {
                ensure(is_issuer || (plastic.state == CardState::Active && now >= plastic.expires_at))?;
                (changed.state, changed.closed_with) = (CardState::Closed, balance);
                self.give(changed.holder, balance)?;
            }
            Call::TopUp(_, amount, reference) => {
                ensure(plastic.state == CardState::Active && now < plastic.expires_at)?;
                ensure(balance + amount <= most.min(plastic.limits.balance))?;
                self.put_in(sent, *amount, *reference)?;
                changed.loaded += amount;
            }
            _ => return None,
        }
        self.cards.insert(number, changed);
        Some(())
    }

    fn act_on_shops(&mut self, sent: &Sent) -> Option<()> {
        match &sent.call {
            Call::SetProgramme(programme) => {
                let periods = [programme.cycle, programme.dispute_period, programme.ruling_period];
                ensure(periods.iter().all(|period| *period > 0 && *period <= MAX_PERIOD))?;
                self.programme = *programme;
            }
            Call::RegisterMerchant(number, acquirer, till, rules) => {
                ensure(is_sound(rules) && !self.shops.contains_key(number))?;
                let shop = Shop {
                    acquirer: *acquirer,
                    till: *till,
                    is_active: true,
                    since: sent.now,
                    rules: *rules,
                    next_rules: *rules,
                    statements: Vec::new(),
                    funds: Vec::new(),
                };
                self.shops.insert(*number, shop);
            }
            Call::SwitchMerchant(number, is_active) => self.shops.get_mut(number)?.is_active = *is_active,
            Call::SetRules(number, rules) => {
                ensure(is_sound(rules))?;
                self.shops.get_mut(number)?.next_rules = *rules;
            }
            Call::AddTerminal(number, key) => {
                ensure(self.shops.contains_key(number) && !self.terminals.contains_key(key))?;
                self.terminals.insert(*key, (*number, false));
            }
            Call::RevokeTerminal(key) => {
                let (_, is_revoked) = self.terminals.get_mut(key)?;
                ensure(!std::mem::replace(is_revoked, true))?;
            }
            Call::FundMerchant(number, amount, reference) => {
                ensure(self.shops.contains_key(number))?;
                self.put_in(sent, *amount, *reference)?;
                let shop = self.shops.get_mut(number)?;
                shop.funds.push((shop.cycle(), *amount));
            }
            Call::CloseCycle(number) => {
                let shop = self.shops.get(number)?;
                ensure(self.is_issuer(sent) || sent.now >= shop.opened_at() + self.programme.cycle)?;
                let statement = self.statement(*number, sent.now)?;
                let before = self.balances;
                let paid = self.give(statement.account, statement.paid);
                if paid.and_then(|()| self.give(account(ISSUER), statement.fee)).is_none() {
                    self.balances = before;
                    return None;
                }
                let shop = self.shops.get_mut(number)?;
                shop.statements.push(statement);
                shop.rules = shop.next_rules;
            }
            _ => return None,
        }
        Some(())
    }

    fn act_on_payments(&mut self, sent: &Sent) -> Option<()> {
        let (now, ruling) = (sent.now, self.programme.ruling_period);
        let [key] = sent.call.keys()[..] else { return None };
        let mut story = self.stories.get(&key)?.clone();
        let number = story.payment.merchant;
        let free = self.unpaid(number).saturating_sub(self.held(number));
        let shop = self.shops.get(&number)?;
        match &sent.call {
            Call::Void(order, _, is_genuine) => {
                ensure(*is_genuine && now < order.expires_at && self.is_good(order.terminal, number))?;
                let is_whole = story.returns.is_empty() && story.quarrel.is_none();
                ensure(is_whole && story.cycle == shop.cycle() && story.taken <= free)?;
                let taken = story.taken;
                self.give_back(&mut story, Returned::Void, taken)?;
            }
            Call::Refund(order, _, is_genuine) => {
                ensure(*is_genuine && now < order.expires_at && self.is_good(order.terminal, number))?;
                ensure(!story.is_contested() && order.returned == story.returned())?;
                ensure((1..=story.left().min(free)).contains(&order.amount))?;
                self.give_back(&mut story, Returned::Refund, order.amount)?;
            }
            Call::OpenDispute(order, _, is_genuine) => {
                ensure(*is_genuine && now < order.expires_at && story.quarrel.is_none())?;
                ensure(now < story.at + self.programme.dispute_period)?;
                ensure((1..=story.left()).contains(&order.amount))?;
                story.quarrel = Some(Quarrel {
                    amount: order.amount,
                    evidence: order.evidence,
                    opened_at: now,
                    rule_by: now + ruling,
                    answer: None,
                    awarded: None,
                });
            }
            Call::AnswerDispute(_, answer) => {
                let is_acquirers = sent.by == shop.acquirer;
                let quarrel = story.quarrel.as_mut().filter(|quarrel| quarrel.is_open())?;
                ensure(is_acquirers && now < quarrel.rule_by && quarrel.answer.is_none())?;
                (quarrel.answer, quarrel.rule_by) = (Some(*answer), now + ruling);
            }
            Call::DecideDispute(_, awarded) => {
                let quarrel = story.quarrel.filter(Quarrel::is_open)?;
                ensure(now < quarrel.rule_by && *awarded <= quarrel.amount)?;
                self.award(&mut story, *awarded)?;
            }
            Call::DefaultDispute(_) => {
                let quarrel = story.quarrel.filter(Quarrel::is_open)?;
                ensure(now >= quarrel.rule_by)?;
                self.award(&mut story, if quarrel.answer.is_none() { quarrel.amount } else { 0 })?;
            }
            _ => return None,
        }
        self.stories.insert(key, story);
        Some(())
    }

    fn award(&mut self, story: &mut Story, amount: u128) -> Option<()> {
        ensure(amount <= self.unpaid(story.payment.merchant))?;
        story.quarrel.as_mut()?.awarded = Some(amount);
        if amount > 0 {
            self.give_back(story, Returned::Award, amount)?;
        }
        Some(())
    }

    /// To the card, or to the holder of one that is closed.
    fn give_back(&mut self, story: &mut Story, why: Returned, amount: u128) -> Option<()> {
        let plastic = self.cards.get(&story.payment.card)?;
        let (holder, to_holder) = (plastic.holder, plastic.state == CardState::Closed);
        if to_holder {
            self.give(holder, amount)?;
        }
        let cycle = self.shops.get(&story.payment.merchant)?.cycle();
        story.returns.push(Return {
            why,
            amount,
            cycle,
            to_holder,
        });
        Some(())
    }

    /// Whether a terminal may speak for this merchant.
    fn is_good(&self, terminal: AccountId, merchant: MerchantNumber) -> bool {
        self.terminals.get(&terminal) == Some(&(merchant, false))
    }

    fn pay(&mut self, brought: &[Brought], now: u64) -> Option<Vec<Verdict>> {
        ensure((1..=MAX_PAYMENTS).contains(&brought.len()))?;
        let mut verdicts = Vec::new();
        for brought in brought {
            verdicts.push(match self.taken(brought, now) {
                Ok(taken) => self.keep(brought.signed.payment, taken, now),
                Err(code) => Verdict::Declined(code),
            });
        }
        Some(verdicts)
    }

    fn keep(&mut self, payment: CardPayment, taken: u128, now: u64) -> Verdict {
        let cycle = self.shops[&payment.merchant].cycle();
        let story = Story {
            payment,
            cycle,
            taken,
            at: now,
            returns: Vec::new(),
            quarrel: None,
        };
        self.stories.insert(payment.key(), story);
        Verdict::Approved {
            taken,
            balance: self.balance_of(payment.card),
            cycle,
        }
    }

    /// What must be taken, or the first rule that the payment breaks.
    fn taken(&self, brought: &Brought, now: u64) -> Result<u128, DeclineCode> {
        let payment = brought.signed.payment;
        let terminal = self.terminals.get(&payment.terminal).copied();
        let is_open = self.shops.get(&payment.merchant).is_some_and(|shop| shop.is_active);
        let plastic = self.cards.get(&payment.card);
        let is = |state| plastic.is_some_and(|plastic| plastic.state == state);
        let [at_once, today, balance] = self.room(payment.card, now);
        let rules = [
            (DeclineCode::BadAmount, (1..=payment.amount).contains(&payment.least)),
            (
                DeclineCode::PartialNotAllowed,
                payment.least == payment.amount || self.programme.allows_partial,
            ),
            (DeclineCode::PaymentExpired, now < payment.expires_at),
            (DeclineCode::UnknownTerminal, terminal.is_some()),
            (
                DeclineCode::ForeignMerchant,
                terminal.is_some_and(|(whose, _)| whose == payment.merchant),
            ),
            (
                DeclineCode::TerminalRevoked,
                terminal.is_some_and(|(_, is_revoked)| !is_revoked),
            ),
            (DeclineCode::MerchantSuspended, is_open),
            (DeclineCode::BadTerminalSignature, brought.is_terminals),
            (DeclineCode::UnknownCard, plastic.is_some()),
            (
                DeclineCode::BadCardSignature,
                plastic.is_some_and(|plastic| brought.chip == Some(plastic.key)),
            ),
            (DeclineCode::CounterUsed, !self.stories.contains_key(&payment.key())),
            (DeclineCode::CardClosed, !is(CardState::Closed)),
            (DeclineCode::CardFrozen, !is(CardState::Frozen)),
            (
                DeclineCode::CardExpired,
                plastic.is_some_and(|plastic| now < plastic.expires_at),
            ),
            (DeclineCode::AbovePaymentLimit, payment.least <= at_once),
            (DeclineCode::AboveDayLimit, payment.least <= today),
            (DeclineCode::InsufficientFunds, payment.least <= balance),
        ];
        match rules.into_iter().find(|(_, holds)| !holds) {
            Some((code, _)) => Err(code),
            None => Ok([payment.amount, at_once, today, balance].into_iter().min().unwrap_or(0)),
        }
    }

    /// Takes exactly that much from the caller, if it pays that, under a reference that is new to it.
    fn put_in(&mut self, sent: &Sent, amount: u128, reference: [u8; 32]) -> Option<()> {
        ensure(amount > 0 && !self.references.contains(&(sent.by, reference)))?;
        let balance = &mut self.balances[usize::from(sent.by.0)];
        if self.in_tokens {
            // The poor member approved nothing.
            let takes = self.temper.takes() && sent.by != POOR;
            ensure(sent.value == 0 && takes && *balance >= amount)?;
        } else {
            // An account must keep enough to exist.
            ensure(sent.value == amount && *balance >= amount + EXISTENTIAL_DEPOSIT)?;
        }
        *balance -= amount;
        self.references.insert((sent.by, reference));
        Some(())
    }

    /// Gives somebody that much, if it can be paid.
    fn give(&mut self, to: AccountId, amount: u128) -> Option<()> {
        if amount == 0 {
            return Some(());
        }
        let place = PEOPLE.into_iter().position(|member| account(member) == to)?;
        let balance = &mut self.balances[place];
        if self.in_tokens {
            ensure(self.temper.gives())?;
        } else {
            ensure(*balance + amount >= EXISTENTIAL_DEPOSIT)?;
        }
        *balance += amount;
        Some(())
    }
}

fn is_sound(rules: &Rules) -> bool {
    rules.parts_per_million <= 1_000_000 && rules.reserve_parts_per_million <= 1_000_000
}

fn ensure(holds: bool) -> Option<()> {
    holds.then_some(())
}
