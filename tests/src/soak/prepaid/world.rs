//! An issuer's contract under test, and what must hold of it after every call.
use std::fmt::Debug;

use protocol::{
    prepaid::{CardNumber, MerchantNumber, PaymentKey, Returned, Verdict, DAY},
    AccountId,
};

use super::{
    calls::{Answer, Brought, Call, Sent},
    declined,
    rules::{Expected, Ledger, Story},
    scene::{Counts, Scene},
    steps::{Act, Step, When, CARDS, CHIPS, HOLDERS, LIFE, LIMITS, PROGRAMME, RULES, SHOPS, SOME, TERMINALS, TILLS},
    APPROVED, AWARDED, CARRIED, CONTESTED, DEFAULTED, FEE_LEFT, IN_PART, PAID_OUT, REFUNDED, REFUNDED_LATER, SHORT,
    TO_HOLDER, VOIDED,
};
use crate::{
    contract_chain::START,
    institutions::account,
    prepaid::{books::Books, Cards, ACQUIRER, HOSTILE, ISSUER, NATIVE, OTHER_ACQUIRER, PEOPLE, POOR},
    soak::{self, ensure, Check, Tally, ROOT_EVERY},
};

/// The most that an expiry is waited for, in milliseconds: else every card would soon have expired.
const NEAR: u64 = 10_000;

pub struct World {
    /// In native tokens, and in a token that may be hostile.
    sites: [Site; 2],
    /// Which of them the steps are about.
    site: usize,
    now: u64,
    /// In the order of their approval.
    keys: Vec<PaymentKey>,
    brought: Vec<Brought>,
    counts: Counts,
    tally: Tally,
}

/// A contract, and what is known of it in two ways.
struct Site {
    cards: Cards,
    /// From the calls.
    ledger: Ledger,
    /// From the events.
    books: Books,
    /// As each sequence of steps finds them.
    first: (Ledger, Books),
}

impl soak::World for World {
    type Step = Step;

    fn run(&mut self, steps: &[Step]) -> Check {
        self.start_over(steps.first().is_some_and(|step| step.in_tokens));
        for (place, step) in steps.iter().enumerate() {
            self.take(step).map_err(|broken| format!("step {place}, {broken}"))?;
        }
        self.check_everything()
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl Site {
    fn new(asset: usize) -> Self {
        let mut cards = Cards::new(asset);
        for member in PEOPLE.into_iter().filter(|member| *member != POOR) {
            cards.approve(member, u128::MAX);
        }
        let mut ledger = Ledger::of(&mut cards, asset != NATIVE);
        let mut books = Books::default();
        for sent in beginnings(&cards) {
            let answer = sent.answer(&mut cards);
            assert!(ledger.act(&sent).is_done && answer.is_done, "{sent:?}");
            answer.events.iter().for_each(|event| books.read(event, START).unwrap());
        }
        cards.commit();
        Self {
            first: (ledger.clone(), books.clone()),
            cards,
            ledger,
            books,
        }
    }

    fn start_over(&mut self) {
        self.cards.roll_back();
        (self.ledger, self.books) = self.first.clone();
    }
}

impl World {
    pub fn new() -> Self {
        Self {
            sites: [NATIVE, HOSTILE].map(Site::new),
            site: 0,
            now: START,
            keys: Vec::new(),
            brought: Vec::new(),
            counts: Counts::default(),
            tally: Tally::default(),
        }
    }

    fn start_over(&mut self, in_tokens: bool) {
        self.site = usize::from(in_tokens);
        self.sites[self.site].start_over();
        self.now = START;
        self.keys.clear();
        self.brought.clear();
        self.counts = Counts::default();
    }

    fn take(&mut self, step: &Step) -> Check {
        let key = self.choose(step);
        self.pass_time(step, key);
        self.change_world(step);
        let Site { cards, ledger, .. } = &self.sites[self.site];
        let mut scene = Scene {
            cards,
            ledger,
            now: self.now,
            key,
            counts: &mut self.counts,
            brought: &self.brought,
        };
        let sent = scene.sent(step);
        self.send(&sent).map_err(|broken| {
            format!(
                "{}: {broken}\nsent: {sent:?}\n{}",
                sent.call.message(),
                self.story(&sent)
            )
        })
    }

    /// The payment that the step is about, if there is one.
    fn choose(&self, step: &Step) -> Option<PaymentKey> {
        let suits = |key: &&PaymentKey| self.suits(&step.act, &self.ledger().stories[*key]);
        let apt: Vec<_> = self.keys.iter().filter(suits).collect();
        let among = if step.is_apt && !apt.is_empty() {
            apt
        } else {
            self.keys.iter().collect()
        };
        let place = among.len().checked_sub(1 + step.payment % among.len().max(1))?;
        among.get(place).map(|key| **key)
    }

    /// Whether somebody should do it to this payment, now or later.
    fn suits(&self, act: &Act, story: &Story) -> bool {
        let cycle = self.ledger().shops[&story.payment.merchant].cycle();
        let quarrel = story.quarrel.filter(|quarrel| quarrel.is_open());
        match act {
            Act::Void(_) => story.cycle == cycle && story.returns.is_empty() && story.quarrel.is_none(),
            Act::Refund(..) => story.left() > 0,
            Act::OpenDispute(..) => {
                let until = story.at.saturating_add(self.ledger().programme.dispute_period);
                story.left() > 0 && story.quarrel.is_none() && self.now < until
            }
            Act::AnswerDispute => quarrel.is_some_and(|quarrel| quarrel.answer.is_none() && self.now < quarrel.rule_by),
            Act::DecideDispute(_) => quarrel.is_some_and(|quarrel| self.now < quarrel.rule_by),
            Act::DefaultDispute => quarrel.is_some(),
            _ => false,
        }
    }

    fn pass_time(&mut self, step: &Step, key: Option<PaymentKey>) {
        let then = match step.when {
            When::Now => self.now,
            When::Later(by) => self.now + by,
            When::Midnight(offset) => ((self.now / DAY + 1) * DAY).saturating_add_signed(offset),
            When::Deadline(place, offset) => {
                let deadlines = self.deadlines(&step.act, key);
                let deadline = deadlines.get(place % deadlines.len().max(1));
                deadline.map_or(self.now, |deadline| deadline.saturating_add_signed(offset))
            }
        };
        self.now = self.now.max(then);
        let now = self.now;
        self.cards().chain.set_time(now);
    }

    /// From when on, or until when, it can be done.
    fn deadlines(&self, act: &Act, key: Option<PaymentKey>) -> Vec<u64> {
        let ledger = self.ledger();
        let expiry = |place: &usize| ledger.cards.get(&CARDS[*place]).map(|plastic| plastic.expires_at);
        match act {
            Act::CloseCycle(number) => {
                let shop = ledger.shops.get(number);
                shop.map(|shop| shop.opened_at() + ledger.programme.cycle)
                    .into_iter()
                    .collect()
            }
            Act::CloseCard(_) => ledger.cards.values().map(|plastic| plastic.expires_at).collect(),
            Act::TopUp(place, ..) => {
                let near = |expiry: &u64| *expiry < self.now + NEAR;
                expiry(place).filter(near).into_iter().collect()
            }
            Act::PayBatch(..) => {
                let expiries = self.brought.iter().rev().take(4);
                expiries.map(|brought| brought.signed.payment.expires_at).collect()
            }
            _ => {
                let story = key.map(|key| &ledger.stories[&key]);
                let of_story = |story: &Story| {
                    let rule_by = story.quarrel.map(|quarrel| quarrel.rule_by);
                    let dispute_by = story.at + ledger.programme.dispute_period;
                    rule_by.into_iter().chain([dispute_by]).collect()
                };
                story.map(of_story).unwrap_or_default()
            }
        }
    }

    fn change_world(&mut self, step: &Step) {
        let site = &mut self.sites[self.site];
        if let Some(temper) = step.temper.filter(|_| site.ledger.in_tokens) {
            site.cards.turn(temper.message(), ());
            site.ledger.temper = temper;
        }
        if let Some(is_active) = step.is_active.filter(|is_active| *is_active != site.ledger.is_active) {
            let status = if is_active {
                protocol::registry::Status::Active
            } else {
                protocol::registry::Status::Suspended
            };
            let member = ISSUER;
            site.cards
                .govern(protocol::registry::Change::SetStatus { member, status });
            site.ledger.is_active = is_active;
        }
    }

    fn send(&mut self, sent: &Sent) -> Check {
        if let Call::PayBatch(brought) = &sent.call {
            // One of too many is enough to remember.
            self.brought.extend(brought.iter().take(8));
        }
        self.note_before(sent);
        let expected = self.sites[self.site].ledger.act(sent);
        let is_taken = |verdict: &Verdict| matches!(verdict, Verdict::Approved { .. });
        let changes_nothing = match &sent.call {
            Call::PayBatch(_) => !expected.verdicts.iter().any(is_taken),
            _ => !expected.is_done,
        };
        let compares_all = changes_nothing && self.tally.calls().is_multiple_of(ROOT_EVERY);
        let root_before = compares_all.then(|| self.cards().chain.state_root());

        let answer = sent.answer(self.cards());
        self.tally.count(sent.call.message(), expected.is_done);
        let Expected { is_done, verdicts } = expected;
        ensure(answer.is_done == is_done, || {
            let did = |is_done| if is_done { "done" } else { "refused" };
            format!("was {}, must be {}", did(answer.is_done), did(is_done))
        })?;
        ensure(answer.verdicts == verdicts, || {
            format!("answered {:?}\nmust be: {verdicts:?}", answer.verdicts)
        })?;
        if let Some(root_before) = root_before {
            self.tally.count_root();
            ensure(self.cards().chain.state_root() == root_before, || {
                "was refused and changed the state".to_owned()
            })?;
        }
        for event in &answer.events {
            let now = self.now;
            self.sites[self.site].books.read(event, now)?;
        }
        if is_done {
            self.note(sent, &answer);
        }
        self.check_touched(sent)?;
        self.check_money()
    }

    /// What is to be counted depends on how things stood.
    fn note_before(&mut self, sent: &Sent) {
        let ledger = &self.sites[self.site].ledger;
        let story = match sent.call.keys()[..] {
            [key] => ledger.stories.get(&key),
            _ => None,
        };
        let Some(story) = story else { return };
        match &sent.call {
            Call::Refund(..) if story.is_contested() => self.tally.note(CONTESTED),
            Call::DecideDispute(..) | Call::DefaultDispute(_)
                if story.quarrel.is_some_and(|quarrel| {
                    quarrel.is_open() && quarrel.amount > ledger.unpaid(story.payment.merchant)
                }) =>
            {
                self.tally.note(SHORT);
            }
            _ => {}
        }
    }

    /// Keeps in mind what follows from a call that was done.
    fn note(&mut self, sent: &Sent, answer: &Answer) {
        let ledger = &self.sites[self.site].ledger;
        let returned_to_holder = match sent.call.keys()[..] {
            [key] => ledger.stories.get(&key).and_then(|story| story.returns.last()),
            _ => None,
        };
        let is_return = matches!(
            sent.call,
            Call::Void(..) | Call::Refund(..) | Call::DecideDispute(..) | Call::DefaultDispute(_)
        );
        if is_return && returned_to_holder.is_some_and(|back| back.to_holder) {
            self.tally.note(TO_HOLDER);
        }
        match &sent.call {
            Call::PayBatch(brought) => {
                for (brought, verdict) in brought.iter().zip(&answer.verdicts) {
                    let payment = brought.signed.payment;
                    match verdict {
                        Verdict::Approved { taken, .. } => {
                            self.keys.push(payment.key());
                            self.tally.note(APPROVED);
                            if *taken < payment.amount {
                                self.tally.note(IN_PART);
                            }
                        }
                        Verdict::Declined(code) => self.tally.note(declined(*code)),
                    }
                }
            }
            Call::Void(..) => self.tally.note(VOIDED),
            Call::Refund(order, ..) => {
                let story = &ledger.stories[&(order.card, order.counter)];
                let is_later = story.cycle < ledger.shops[&story.payment.merchant].cycle();
                self.tally.note(if is_later { REFUNDED_LATER } else { REFUNDED });
            }
            Call::DecideDispute(key, _) | Call::DefaultDispute(key) => {
                let story = &ledger.stories[key];
                if story.returns.last().is_some_and(|back| back.why == Returned::Award) {
                    self.tally.note(AWARDED);
                }
                if matches!(sent.call, Call::DefaultDispute(_)) {
                    self.tally.note(DEFAULTED);
                }
            }
            Call::CloseCycle(number) => {
                let statement = ledger.shops[number].statements.last();
                let (paid, closing, fee_due) = statement.map_or((0, 0, 0), |statement| {
                    (statement.paid, statement.closing, statement.fee_due)
                });
                if paid > 0 {
                    self.tally.note(PAID_OUT);
                } else if closing > 0 {
                    self.tally.note(CARRIED);
                }
                if fee_due > 0 {
                    self.tally.note(FEE_LEFT);
                }
            }
            _ => {}
        }
    }

    /// What the call was about is kept as both the calls and the events say.
    fn check_touched(&mut self, sent: &Sent) -> Check {
        let keys = sent.call.keys();
        let mut cards: Vec<_> = keys.iter().map(|(card, _)| *card).chain(sent.call.card()).collect();
        let stories = keys.iter().filter_map(|key| self.ledger().stories.get(key));
        let shops = stories.map(|story| story.payment.merchant);
        let mut shops: Vec<_> = shops.chain(sent.call.merchant()).collect();
        let mut keys = keys;
        cards.sort_unstable();
        cards.dedup();
        shops.sort_unstable();
        shops.dedup();
        keys.sort_unstable();
        keys.dedup();
        for number in cards {
            self.check_card(number)?;
        }
        for number in shops {
            self.check_shop(number)?;
        }
        for key in keys {
            self.check_payment(key)?;
        }
        match sent.call {
            Call::AddTerminal(_, key) | Call::RevokeTerminal(key) => self.check_terminal(key),
            Call::CloseCycle(number) => self.check_last_statement(number),
            _ => Ok(()),
        }
    }

    fn check_card(&mut self, number: CardNumber) -> Check {
        let Site {
            cards, ledger, books, ..
        } = &mut self.sites[self.site];
        let told = books.cards.get(&number).copied();
        same("a card", cards.try_card(number), ledger.card(number), told)
    }

    fn check_shop(&mut self, number: MerchantNumber) -> Check {
        let Site {
            cards, ledger, books, ..
        } = &mut self.sites[self.site];
        let told = books.merchants.get(&number).copied();
        same("a merchant", cards.try_merchant(number), ledger.merchant(number), told)
    }

    fn check_payment(&mut self, key: PaymentKey) -> Check {
        let Site {
            cards, ledger, books, ..
        } = &mut self.sites[self.site];
        let told = books.payments.get(&key).copied();
        same("a payment", cards.try_record(key), ledger.record(key), told)?;
        let told = books.disputes.get(&key).copied();
        same("a dispute", cards.try_dispute(key), ledger.dispute(key), told)
    }

    fn check_terminal(&mut self, key: AccountId) -> Check {
        let Site {
            cards, ledger, books, ..
        } = &mut self.sites[self.site];
        let told = books.terminals.get(&key).copied();
        same("a terminal", cards.try_terminal(key), ledger.terminal(key), told)
    }

    /// A statement is what was worked out when the cycle was closed, for good.
    fn check_last_statement(&mut self, number: MerchantNumber) -> Check {
        let cycles = self.ledger().shops.get(&number).map_or(0, |shop| shop.cycle());
        cycles
            .checked_sub(1)
            .map_or(Ok(()), |last| self.check_statement(number, last))
    }

    fn check_statement(&mut self, number: MerchantNumber, cycle: u32) -> Check {
        let Site {
            cards, ledger, books, ..
        } = &mut self.sites[self.site];
        let told = books.statements.get(&(number, cycle)).copied();
        let expected = ledger.shops[&number].statements.get(cycle as usize).copied();
        same("a statement", cards.statement(number, cycle), expected, told)
    }

    /// What the contract holds = all cards + all that merchants aren't paid; and nobody has more or less than it must.
    fn check_money(&mut self) -> Check {
        let Site {
            cards, ledger, books, ..
        } = &mut self.sites[self.site];
        let (programme, float) = cards.programme_and_float();
        same("the programme", programme, ledger.programme, books.programme)?;
        same("the float", float, ledger.float(), books.float)?;
        let held = cards.held();
        ensure(held == float.cards + float.merchants, || {
            format!("{held} is held of {float:?}")
        })?;
        let balances = PEOPLE.map(|member| cards.balance(member));
        ensure(balances == ledger.balances, || {
            format!(
                "somebody has more or less than it must\n{balances:?}\nmust be: {:?}",
                ledger.balances
            )
        })
    }

    /// No call changed what it wasn't about.
    fn check_everything(&mut self) -> Check {
        for number in CARDS {
            self.check_card(number)?;
        }
        for number in SHOPS {
            self.check_shop(number)?;
            let cycles = self.ledger().shops.get(&number).map_or(0, |shop| shop.cycle());
            (0..cycles).try_for_each(|cycle| self.check_statement(number, cycle))?;
        }
        for terminal in TERMINALS {
            self.check_terminal(account(terminal))?;
        }
        for key in self.keys.clone() {
            self.check_payment(key)?;
        }
        for number in 0..=self.counts.references {
            self.check_reference(number)?;
        }
        self.check_money()
    }

    fn check_reference(&mut self, number: u64) -> Check {
        let mut reference = [0; 32];
        reference[..8].copy_from_slice(&number.to_le_bytes());
        let Site {
            cards, ledger, books, ..
        } = &mut self.sites[self.site];
        PEOPLE.into_iter().try_for_each(|by| {
            let told = books.references.contains(&(account(by), reference));
            let expected = ledger.references.contains(&(by, reference));
            same("a reference", cards.is_used(by, reference), expected, told)
        })
    }

    /// What is known of what the call is about.
    fn story(&self, sent: &Sent) -> String {
        let ledger = self.ledger();
        let keys = sent.call.keys();
        let stories: Vec<_> = keys.iter().filter_map(|key| ledger.stories.get(key)).collect();
        let card = sent.call.card().and_then(|number| ledger.cards.get(&number));
        let shop = sent.call.merchant().and_then(|number| ledger.shops.get(&number));
        format!("of: {stories:?} {card:?} {shop:?}")
    }

    fn ledger(&self) -> &Ledger {
        &self.sites[self.site].ledger
    }

    fn cards(&mut self) -> &mut Cards {
        &mut self.sites[self.site].cards
    }
}

/// As it is stored, as it follows from the calls, and as it follows from the events.
fn same<T: PartialEq + Debug>(what: &str, stored: T, expected: T, told: T) -> Check {
    ensure(stored == expected, || {
        format!("{what} is kept wrong\n{stored:?}\nmust be: {expected:?}")
    })?;
    ensure(told == expected, || {
        format!("{what} is told wrong\n{told:?}\nmust be: {expected:?}")
    })
}

/// What makes something possible right away: merchants with terminals, and cards that hold something.
fn beginnings(cards: &Cards) -> Vec<Sent> {
    let mut calls = vec![Call::SetProgramme(PROGRAMME)];
    for (place, acquirer) in [ACQUIRER, OTHER_ACQUIRER, ACQUIRER].into_iter().enumerate() {
        let shop = SHOPS[place];
        calls.push(Call::RegisterMerchant(shop, acquirer, account(TILLS[place]), RULES));
        calls.push(Call::AddTerminal(shop, account(TERMINALS[place])));
    }
    for place in 0..4 {
        let (card, holder) = (CARDS[place], HOLDERS[place % HOLDERS.len()]);
        let expires_at = START + LIFE;
        calls.push(Call::IssueCard(
            card,
            account(CHIPS[place]),
            account(holder),
            LIMITS,
            expires_at,
        ));
        calls.push(Call::TopUp(
            card,
            20 * SOME,
            [u8::MAX - CARDS[place].0.to_le_bytes()[0]; 32],
        ));
    }
    let sent = |call: Call| Sent {
        value: match call {
            Call::TopUp(_, amount, _) => cards.value(amount),
            _ => 0,
        },
        call,
        by: ISSUER,
        now: START,
    };
    calls.into_iter().map(sent).collect()
}
