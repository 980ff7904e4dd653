//! A credit node's two contracts under test, and what must hold of them after every call.
use std::collections::BTreeSet;

use protocol::{
    credit::{CreditRequest, DebtState, Used},
    settlement::Asset,
    AccountId, RequestId,
};

use super::{
    calls::{Call, Sent},
    rules::{accounts, side_of, Fate, Ledger},
    scene::{natural_side, Scene},
    steps::{Act, Step, When, GRACE, PAYEES, PAYERS, SOME},
    COMMITTED, CUT, EXPIRED, GRANTED, OVERDUE, OWN_FAULT, PAID, RELEASED, SETTLED, SHORT,
};
use crate::{
    contract_chain::{GENESIS, START},
    credit::{member, order, Side, TwoChains, MEMBERS, NODE, POOR},
    institutions::{account, key, sign},
    soak::{self, ensure, Check, Tally, ROOT_EVERY},
};

pub struct World {
    chains: TwoChains,
    ledgers: [Ledger; 2],
    /// As each sequence of steps finds them.
    first_ledgers: [Ledger; 2],
    /// The time that no clock is ahead of, nor as much as the grace behind.
    now: u64,
    /// By each chain's own clock.
    clocks: [u64; 2],
    /// In the order of their making.
    requests: Vec<CreditRequest>,
    /// What the credit node paid, or said that it paid, against all sense.
    own_faults: BTreeSet<RequestId>,
    tally: Tally,
}

impl soak::World for World {
    type Step = Step;

    fn run(&mut self, steps: &[Step]) -> Check {
        self.start_over();
        for (place, step) in steps.iter().enumerate() {
            self.take(step).map_err(|broken| format!("step {place}, {broken}"))?;
        }
        self.check_everything()
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl World {
    pub fn new() -> Self {
        let mut chains = TwoChains::new(GRACE);
        for side in [&mut chains.debt, &mut chains.payout] {
            for member in MEMBERS.into_iter().filter(|member| *member != POOR) {
                for asset in side.money.assets() {
                    side.approve(member, asset, u128::MAX);
                }
            }
        }
        let ledgers = [&mut chains.debt, &mut chains.payout].map(|side| {
            let mut ledger = Ledger::of(side);
            for sent in beginnings(usize::from(side.genesis != GENESIS), side) {
                let is_done = ledger.act(&sent) && sent.is_done(side);
                assert!(is_done, "{sent:?}");
            }
            side.commit();
            ledger
        });
        Self {
            first_ledgers: ledgers.clone(),
            ledgers,
            chains,
            now: START,
            clocks: [START; 2],
            requests: Vec::new(),
            own_faults: BTreeSet::new(),
            tally: Tally::default(),
        }
    }

    fn start_over(&mut self) {
        self.chains.debt.roll_back();
        self.chains.payout.roll_back();
        self.ledgers = self.first_ledgers.clone();
        self.now = START;
        self.clocks = [START; 2];
        self.requests.clear();
        self.own_faults.clear();
    }

    fn take(&mut self, step: &Step) -> Check {
        let request = self.choose(step);
        let fallback = step.request % 2;
        let natural = natural_side(&step.act, request.as_ref(), fallback);
        let side = if step.is_astray { 1 - natural } else { natural };
        self.pass_time(step, side, request.as_ref());
        self.change_world(step, side);
        let scene = Scene {
            sides: [&self.chains.debt, &self.chains.payout],
            ledgers: &self.ledgers,
            side,
            now: self.clocks[side],
            request: request.as_ref(),
            count: self.requests.len(),
        };
        let sent = scene.sent(step);
        self.send(&sent)
    }

    /// The request that the step is about, if there is one.
    fn choose(&self, step: &Step) -> Option<CreditRequest> {
        let apt: Vec<_> = self
            .requests
            .iter()
            .filter(|request| self.suits(&step.act, request))
            .collect();
        let all: Vec<_> = self.requests.iter().collect();
        // A credit node doesn't do against all sense what there is no sense in doing.
        let is_careful = matches!(step.act, Act::Pay(_) | Act::Commit | Act::Release);
        let among = if step.is_apt && (is_careful || !apt.is_empty()) {
            apt
        } else {
            all
        };
        let place = among.len().checked_sub(1 + step.request % among.len().max(1))?;
        among.get(place).map(|request| CreditRequest::clone(request))
    }

    /// Whether somebody should do it to this request, now or later.
    fn suits(&self, act: &Act, request: &CreditRequest) -> bool {
        let Some(story) = self.ledgers[side_of(&request.debt)].stories.get(&request.id()) else {
            return false;
        };
        let is_paid = self.is_paid(request);
        match (act, story.fate) {
            (Act::Pay(_), Fate::OnItsWay) => !is_paid && self.clocks[side_of(&request.payout)] < request.pay_by,
            (Act::Commit, Fate::OnItsWay) => is_paid,
            (Act::Extend(_), Fate::OnItsWay) => true,
            (Act::Release | Act::Expire, Fate::OnItsWay) => !is_paid,
            (Act::ConfirmReceipt(_), Fate::Committed { .. }) => !story.is_received,
            (Act::Repay(_), Fate::Committed { .. }) => story.is_owed(),
            (Act::MarkOverdue, Fate::Committed { .. }) => story.is_owed() && !story.fell_overdue,
            _ => false,
        }
    }

    fn is_paid(&self, request: &CreditRequest) -> bool {
        self.ledgers[side_of(&request.payout)]
            .payouts
            .contains_key(&request.id())
    }

    fn pass_time(&mut self, step: &Step, side: usize, request: Option<&CreditRequest>) {
        let then = match (step.when, request) {
            (When::Later(by), _) => self.now + by,
            (When::Deadline(place, offset), Some(request)) => {
                let deadline = self.deadlines(&step.act, request);
                let deadline = deadline[place % deadline.len()];
                deadline.saturating_add(step.lag).saturating_add_signed(offset)
            }
            (When::Now | When::Deadline(..), _) => self.now,
        };
        self.now = self.now.max(then);
        let clock = self.clocks[side].max(self.now - step.lag);
        self.clocks[side] = clock;
        self.side(side).chain.set_time(clock);
    }

    /// From when on, or until when, it can be done to this request.
    fn deadlines(&self, act: &Act, request: &CreditRequest) -> Vec<u64> {
        let story = self.ledgers[side_of(&request.debt)].stories.get(&request.id());
        let (until, due_at) = story.map_or((request.expires_at, request.due_at), |story| {
            (story.until, story.due_at())
        });
        match act {
            Act::Reserve(..) | Act::Pay(_) => vec![request.pay_by],
            Act::Expire => vec![until],
            Act::Repay(_) | Act::MarkOverdue => vec![due_at],
            Act::Commit => vec![until, request.pay_by],
            _ => vec![until, request.pay_by, due_at],
        }
    }

    fn change_world(&mut self, step: &Step, side: usize) {
        if let Some(temper) = step.temper {
            self.side(side).turn(temper.message(), ());
            self.ledgers[side].temper = temper;
        }
        if let Some(is_active) = step
            .is_active
            .filter(|is_active| *is_active != self.ledgers[side].is_active)
        {
            let status = if is_active {
                protocol::registry::Status::Active
            } else {
                protocol::registry::Status::Suspended
            };
            self.side(side)
                .govern(protocol::registry::Change::SetStatus { member: NODE, status });
            self.ledgers[side].is_active = is_active;
        }
    }

    fn send(&mut self, sent: &Sent) -> Check {
        let used_before = self.used_by(sent);
        let message = sent.call.message();
        let is_expected = self.ledgers[sent.side].act(sent);
        let compares_all = !is_expected && self.tally.calls().is_multiple_of(ROOT_EVERY);
        let root_before = compares_all.then(|| self.side(sent.side).chain.state_root());

        let is_done = sent.is_done(self.side(sent.side));
        self.tally.count(message, is_expected);
        ensure(is_done == is_expected, || {
            let did = |is_done| if is_done { "done" } else { "refused" };
            let story = self.story(sent);
            format!(
                "{message}: was {}, must be {}\nsent: {sent:?}\nof: {story}",
                did(is_done),
                did(is_expected)
            )
        })?;
        if let Some(root_before) = root_before {
            self.tally.count_root();
            ensure(self.side(sent.side).chain.state_root() == root_before, || {
                format!("{message}: was refused and changed the state\nsent: {sent:?}")
            })?;
        }
        if is_done {
            self.note(sent)
                .map_err(|broken| format!("{message}: {broken}\nsent: {sent:?}"))?;
        } else {
            self.note_refusal(sent);
        }
        let used_after = self.used_by(sent);
        self.check_limits(&used_before, &used_after)
            .and_then(|()| self.check_side(sent))
            .map_err(|broken| format!("{message}: {broken}\nsent: {sent:?}\nof: {}", self.story(sent)))
    }

    /// Keeps in mind what follows from a call that was done.
    fn note(&mut self, sent: &Sent) -> Check {
        let id = match &sent.call {
            Call::Reserve { request, .. } | Call::Pay(request) => {
                if !self.requests.contains(request) {
                    self.requests.push(request.clone());
                }
                request.id()
            }
            Call::DecideRaise(_, _, Some(_)) => {
                self.tally.note(GRANTED);
                return Ok(());
            }
            call => match call.request() {
                Some(id) => id,
                None => return Ok(()),
            },
        };
        let request = self.requests.iter().find(|request| request.id() == id);
        let request = request.ok_or("of a request that was never made")?.clone();
        let story = self.ledgers[side_of(&request.debt)].stories.get(&id).cloned();
        let fate = story.as_ref().map(|story| story.fate);
        let is_paid = self.is_paid(&request);
        match sent.call {
            Call::Pay(_) => {
                self.tally.note(PAID);
                // What the grace is for.
                ensure(fate != Some(Fate::Expired), || {
                    "was paid after its reservation expired".to_owned()
                })?;
                self.own_fault(id, fate != Some(Fate::OnItsWay));
            }
            Call::Reserve { .. } => self.own_fault(id, is_paid),
            Call::Release(_) => {
                self.tally.note(RELEASED);
                self.own_fault(id, is_paid);
            }
            // The credit node paid and then said nothing in all the time that it had.
            Call::Expire(_) => {
                self.tally.note(EXPIRED);
                self.own_fault(id, is_paid);
            }
            Call::Commit(_) => {
                self.tally.note(COMMITTED);
                self.own_fault(id, !is_paid);
            }
            Call::Repay(..) | Call::MarkOverdue(_) => {
                let is_settled = story.as_ref().is_some_and(|story| !story.is_owed());
                self.tally.note(if is_settled { SETTLED } else { OVERDUE });
            }
            _ => {}
        }
        Ok(())
    }

    fn own_fault(&mut self, id: RequestId, is_one: bool) {
        if is_one && self.own_faults.insert(id) {
            self.tally.note(OWN_FAULT);
        }
    }

    fn note_refusal(&mut self, sent: &Sent) {
        if let Call::Reserve {
            request,
            both_agree: true,
            ..
        } = &sent.call
        {
            if !self.ledgers[sent.side].fits(request) {
                self.tally.note(SHORT);
            }
        }
    }

    /// For each limit, reserved + outstanding ≤ limit, but after a cut: then they don't grow.
    fn check_limits(&mut self, before: &[(Used, u128)], after: &[(Used, u128)]) -> Check {
        for ((before, _), (after, limit)) in before.iter().zip(after) {
            let [before, after] = [before, after].map(|used| used.reserved + used.outstanding);
            if after > *limit {
                self.tally.note(CUT);
            }
            ensure(after <= *limit || after <= before, || {
                format!("{after} of {limit} are used, before it were {before}")
            })?;
        }
        Ok(())
    }

    /// Both limits that the call is about, as they are stored: what is used, and how much may be.
    fn used_by(&mut self, sent: &Sent) -> Vec<(Used, u128)> {
        let Some((payer, payee, asset)) = self.line(sent) else {
            return Vec::new();
        };
        let side = self.side(sent.side);
        let node = side.node_limit(member(payer), asset);
        let payees = side.payee_limit(member(payer), member(payee), asset);
        vec![(node.used, node.limit), (payees.used, payees.limit)]
    }

    fn line(&self, sent: &Sent) -> Option<(AccountId, AccountId, Asset)> {
        match &sent.call {
            Call::SetLimit(order, ..) => Some((order.payer, order.payee, order.asset)),
            Call::Reserve { request, .. } => Some((request.payer, request.payee, request.debt.asset)),
            call => {
                let story = self.ledgers[sent.side].stories.get(&call.request()?)?;
                Some((story.request.payer, story.request.payee, story.request.debt.asset))
            }
        }
    }

    /// All that the call could have touched is as it must be; so is everybody's money.
    fn check_side(&mut self, sent: &Sent) -> Check {
        if let Some(id) = sent.call.request() {
            self.check_request(sent.side, id)?;
        }
        if let Some((payer, payee, asset)) = self.line(sent) {
            self.check_line(sent.side, payer, payee, asset)?;
        }
        if let Call::SetNodeLimit(payer, asset, _) | Call::DecideRaise(payer, asset, _) = &sent.call {
            self.check_line(sent.side, *payer, *payer, *asset)?;
        }
        self.check_money(sent.side)
    }

    fn check_request(&mut self, side: usize, id: RequestId) -> Check {
        let debt = self.ledgers[side].stories.get(&id).map(|story| story.debt());
        let payout = self.ledgers[side].payouts.get(&id).copied();
        let stored = (self.side(side).try_debt(id), self.side(side).payout(id));
        ensure(stored == (debt, payout), || {
            format!(
                "a debt or payout is kept wrong\n{stored:?}\nmust be: {:?}",
                (debt, payout)
            )
        })
    }

    fn check_line(&mut self, side: usize, payer: AccountId, payee: AccountId, asset: Asset) -> Check {
        let ledger = &self.ledgers[side];
        let expected = (
            ledger.payee_limit(payer, payee, asset),
            ledger.node_limit(payer, asset),
            ledger.frozen.contains(&payer),
            ledger.raises.get(&(payer, asset)).copied(),
        );
        let (payer, payee) = (member(payer), member(payee));
        let side = self.side(side);
        let stored = (
            side.payee_limit(payer, payee, asset),
            side.node_limit(payer, asset),
            side.is_frozen(payer),
            side.raise(payer, asset),
        );
        ensure(stored == expected, || {
            format!("limits or standing are kept wrong\n{stored:?}\nmust be: {expected:?}")
        })
    }

    /// What the contract holds = the pool = what went in and didn't go out; and nobody has more or less than it must.
    fn check_money(&mut self, side: usize) -> Check {
        let assets = self.ledgers[side].assets;
        for (place, asset) in assets.into_iter().enumerate() {
            let pool = self.ledgers[side].pool(asset);
            let expected = self.ledgers[side].balances[place];
            let side = self.side(side);
            let stored = (side.held(asset), side.pool(asset));
            ensure(stored == (pool, pool), || {
                format!("held and in the pool: {stored:?}, must be {pool}\nof {asset:?}")
            })?;
            let balances = MEMBERS.map(|member| side.balance(member, asset));
            ensure(balances == expected, || {
                format!("somebody has more or less than it must\n{balances:?}\nmust be: {expected:?} of {asset:?}")
            })?;
        }
        Ok(())
    }

    /// No call changed what it wasn't about, and over both chains: paid out = owed + on its way, but for what the credit
    /// node did against all sense.
    fn check_everything(&mut self) -> Check {
        for side in 0..2 {
            for request in self.requests.clone() {
                self.check_request(side, request.id())?;
            }
            for payer in accounts(&PAYERS) {
                for payee in accounts(&PAYEES) {
                    for asset in self.ledgers[side].assets {
                        self.check_line(side, payer, payee, asset)?;
                    }
                }
            }
            self.check_money(side)?;
        }
        self.check_both_chains()
    }

    fn check_both_chains(&mut self) -> Check {
        let (mut paid, mut booked, mut on_its_way, mut own_faults) = (0u128, 0u128, 0u128, 0i128);
        for request in self.requests.clone() {
            let id = request.id();
            let debt = self.side(side_of(&request.debt)).try_debt(id);
            let payout = self.side(side_of(&request.payout)).payout(id);
            let amount = payout.map_or(0, |payout| payout.amount);
            let owed = debt.filter(|debt| matches!(debt.state, DebtState::Owed | DebtState::Settled));
            let owed = owed.map_or(0, |debt| debt.amount);
            let reserved = debt.filter(|debt| payout.is_some() && debt.state == DebtState::Reserved);
            let reserved = reserved.map_or(0, |debt| debt.amount);
            paid += amount;
            booked += owed;
            on_its_way += reserved;
            let difference = amount.cast_signed() - (owed + reserved).cast_signed();
            ensure(difference == 0 || self.own_faults.contains(&id), || {
                format!("{amount} was paid of {request:?}, of which {owed} are owed and {reserved} reserved")
            })?;
            own_faults += difference;
        }
        ensure(
            paid.checked_add_signed(-own_faults) == Some(booked + on_its_way),
            || format!("{paid} paid out, {booked} owed, {on_its_way} on its way, own faults: {own_faults}"),
        )
    }

    fn story(&self, sent: &Sent) -> String {
        let id = sent.call.request();
        let story = id.and_then(|id| self.ledgers[sent.side].stories.get(&id));
        format!("{story:?}")
    }

    fn side(&mut self, side: usize) -> &mut Side {
        match side {
            0 => &mut self.chains.debt,
            _ => &mut self.chains.payout,
        }
    }
}

/// What makes something possible right away: limits, and money in the pool.
fn beginnings(number: usize, side: &Side) -> Vec<Sent> {
    let mut calls = Vec::new();
    for asset in side.money.assets() {
        for payer in PAYERS {
            calls.push((Call::SetNodeLimit(account(payer), asset, 3 * SOME / 2), 0));
            for payee in PAYEES {
                let order = order(payer, payee, asset, SOME, 1);
                let signature = sign(&key(payee), &order.payload(&side.domain()));
                calls.push((Call::SetLimit(order, signature, true), 0));
            }
        }
        calls.push(match asset {
            Asset::Native => (Call::Fund, 4 * SOME),
            Asset::Psp22(token) => (Call::FundToken(token, 4 * SOME), 0),
        });
    }
    let sent = |(call, value)| Sent {
        side: number,
        call,
        by: NODE,
        value,
        now: START,
    };
    calls.into_iter().map(sent).collect()
}
