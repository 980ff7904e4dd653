//! The escrow contract under test, and what must hold of it after every call.
use std::collections::BTreeMap;

use protocol::{
    escrow::{Deal, DealState},
    DealId,
};

use super::{
    calls::Sent,
    rules::{Outcome, Surroundings, Transfer},
    scene::Scene,
    steps::{Step, When, GAP},
    view::View,
    CANCELLED, DEFERRED, REFUNDED, RULED, SETTLED,
};
use crate::{
    contract_chain::START,
    market::{Market, MEMBERS, POOR},
    soak::{self, ensure, Check, Tally, ROOT_EVERY},
};

pub struct World {
    market: Market,
    surroundings: Surroundings,
    now: u64,
    /// In the order of their making.
    deals: Vec<DealId>,
    known: BTreeMap<DealId, Known>,
    /// What deals hold that are not final, by asset.
    held: [u128; 3],
    tally: Tally,
}

/// A deal as it was last seen.
struct Known {
    deal: Deal,
    paid_in: u128,
    paid_out: u128,
}

impl soak::World for World {
    type Step = Step;

    fn run(&mut self, steps: &[Step]) -> Check {
        self.start_over();
        for (place, step) in steps.iter().enumerate() {
            self.take(step).map_err(|broken| format!("step {place}, {broken}"))?;
        }
        self.check_all_deals()
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl World {
    pub fn new() -> Self {
        let mut market = Market::new(GAP);
        let assets = market.assets();
        for member in MEMBERS.into_iter().filter(|member| *member != POOR) {
            for asset in assets {
                market.approve(member, asset, u128::MAX);
            }
        }
        market.commit();
        Self {
            surroundings: Surroundings::of(&market),
            market,
            now: START,
            deals: Vec::new(),
            known: BTreeMap::new(),
            held: [0; 3],
            tally: Tally::default(),
        }
    }

    fn start_over(&mut self) {
        self.market.roll_back();
        self.surroundings = Surroundings::of(&self.market);
        self.now = START;
        self.deals.clear();
        self.known.clear();
        self.held = [0; 3];
    }

    fn take(&mut self, step: &Step) -> Check {
        let id = self.choose(step);
        self.pass_time(step, id);
        if let Some(temper) = step.temper {
            self.market.tell(self.market.hostile, temper.message(), ());
            self.surroundings.temper = temper;
        }
        let scene = Scene {
            market: &self.market,
            now: self.now,
            id,
            deal: self.known.get(&id).map(|known| &known.deal),
        };
        let sent = scene.sent(step);
        self.send(&sent)
    }

    /// The deal that the step is about; one that nobody made if there are none.
    fn choose(&self, step: &Step) -> DealId {
        let suits = |id: &&DealId| step.act.suits(&self.known[id].deal, self.now);
        let apt: Vec<_> = self.deals.iter().filter(suits).collect();
        let all: Vec<_> = self.deals.iter().collect();
        let among = if step.is_apt && !apt.is_empty() { apt } else { all };
        let place = among.len().checked_sub(1 + step.deal % among.len().max(1));
        place.map_or(DealId([0; 32]), |place| *among[place])
    }

    fn pass_time(&mut self, step: &Step, id: DealId) {
        let then = match step.when {
            When::Now => self.now,
            When::Later(by) => self.now + by,
            When::Deadline(place, offset) => {
                let known = self.known.get(&id);
                let deadlines = known.map_or_else(Vec::new, |known| step.act.deadlines(&known.deal));
                let deadline = deadlines.iter().cycle().nth(place);
                deadline.map_or(self.now, |deadline| deadline.saturating_add_signed(offset))
            }
        };
        self.now = self.now.max(then);
        self.market.chain.set_time(self.now);
    }

    fn send(&mut self, sent: &Sent) -> Check {
        let id = sent.call.deal(sent.by);
        let before = View::of(&mut self.market, id);
        let expected = self.surroundings.outcome(sent, &before);
        let compares_all = expected == Outcome::Refused && self.tally.calls().is_multiple_of(ROOT_EVERY);
        let root_before = compares_all.then(|| self.market.chain.state_root());

        let is_done = sent.is_done(&mut self.market);
        self.tally.count(sent.call.message(), expected != Outcome::Refused);
        let message = sent.call.message();
        ensure(is_done != (expected == Outcome::Refused), || {
            let (did, must) = if is_done {
                ("done", "refused")
            } else {
                ("refused", "done")
            };
            format!("{message}: was {did}, must be {must}\nsent: {sent:?}\nbefore: {before:?}\nexpected: {expected:?}")
        })?;
        if let Some(root_before) = root_before {
            self.tally.count_root();
            ensure(self.market.chain.state_root() == root_before, || {
                format!("{message}: was refused and changed the state\nsent: {sent:?}")
            })?;
        }

        let after = View::of(&mut self.market, id);
        self.check_outcome(&expected, &before, &after)
            .and_then(|()| self.check_total(&after))
            .map_err(|broken| format!("{message}: {broken}\nsent: {sent:?}\nbefore: {before:?}\nafter: {after:?}"))
    }

    fn check_outcome(&mut self, expected: &Outcome, before: &View, after: &View) -> Check {
        let mut view = before.clone();
        match expected {
            Outcome::Refused => {}
            Outcome::Withdrawn(whose, asset) => {
                let purse = &mut view.purses[self.surroundings.place(*asset)];
                let place = usize::from(whose.0);
                let amount = std::mem::take(&mut purse.due[place]);
                purse.balances[place] += amount;
                purse.held -= amount;
            }
            Outcome::Done { deal, transfers } => {
                for transfer in transfers {
                    self.transfer(&mut view, deal, *transfer);
                }
                self.note(deal, transfers)?;
                self.tally_end(deal.state);
                view.deal = Some(Deal::clone(deal));
            }
        }
        ensure(view == *after, || {
            format!("moved or changed what it must not\nexpected: {view:?}")
        })
    }

    /// What a transfer must change: a payout that can be made now is made now, another waits.
    fn transfer(&mut self, view: &mut View, deal: &Deal, transfer: Transfer) {
        let asset = deal.terms.asset;
        let can_pay = |member, amount| self.surroundings.can_pay(member, asset, amount, view);
        let purse_at = self.surroundings.place(asset);
        match transfer {
            Transfer::In(member, amount) => {
                let purse = &mut view.purses[purse_at];
                purse.balances[usize::from(member.0)] -= amount;
                purse.held += amount;
            }
            Transfer::Out(_, 0) => {}
            Transfer::Out(member, amount) if can_pay(member, amount) => {
                let purse = &mut view.purses[purse_at];
                purse.balances[usize::from(member.0)] += amount;
                purse.held -= amount;
            }
            Transfer::Out(member, amount) => {
                view.purses[purse_at].due[usize::from(member.0)] += amount;
                self.tally.note(DEFERRED);
            }
        }
    }

    fn tally_end(&mut self, state: DealState) {
        let what = match state {
            DealState::Cancelled => CANCELLED,
            DealState::Refunded => REFUNDED,
            DealState::Ruled => RULED,
            DealState::Settled => SETTLED,
            DealState::Locked | DealState::Accepted | DealState::Revealed | DealState::Disputed => return,
        };
        self.tally.note(what);
    }

    /// Keeps the deal's own book: in the end it paid out what was paid in.
    fn note(&mut self, deal: &Deal, transfers: &[Transfer]) -> Check {
        let id = DealId::of(deal.buyer, deal.terms.agreement);
        let known = self.known.entry(id).or_insert_with(|| {
            self.deals.push(id);
            Known {
                deal: deal.clone(),
                paid_in: 0,
                paid_out: 0,
            }
        });
        ensure(!known.deal.state.is_final(), || "a final deal changed".to_owned())?;
        let held = &mut self.held[self.surroundings.place(deal.terms.asset)];
        for transfer in transfers {
            match transfer {
                Transfer::In(_, amount) => {
                    known.paid_in += amount;
                    *held += amount;
                }
                Transfer::Out(_, amount) => {
                    known.paid_out += amount;
                    *held -= amount;
                }
            }
        }
        known.deal = deal.clone();
        self.surroundings.hashlocks.insert(deal.terms.hashlock);
        ensure(deal.held() == Ok(known.paid_in - known.paid_out), || {
            format!("{deal:?} holds other than {} - {}", known.paid_in, known.paid_out)
        })
    }

    /// What the contract holds = Σ held by deals that are not final + Σ due.
    fn check_total(&self, view: &View) -> Check {
        for (purse, held) in view.purses.iter().zip(self.held) {
            ensure(purse.held == held + purse.owed(), || {
                format!("the contract holds {} instead of {held} + {}", purse.held, purse.owed())
            })?;
        }
        Ok(())
    }

    /// No call changed another's deal.
    fn check_all_deals(&mut self) -> Check {
        for (id, known) in &self.known {
            let stored = self.market.try_deal(*id);
            ensure(stored.as_ref() == Some(&known.deal), || {
                format!("{:?} became {stored:?} by no call of its own", known.deal)
            })?;
        }
        Ok(())
    }
}
