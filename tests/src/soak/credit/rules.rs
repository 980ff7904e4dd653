//! What the credit contract must do, said once more and differently: what counts against limits is worked out from the
//! debts each time, a debt from what happened to it, a pool from what went in and out.
use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    credit::{
        CreditRequest, Debt, DebtState, Leg, NodeLimit, PayeeLimit, Payout, Raise, RaiseDecision, Used, MAX_GOODS,
    },
    settlement::Asset,
    AccountId, Member, RequestId,
};
use quittance_runtime::EXISTENTIAL_DEPOSIT;

use super::{
    calls::{evidence, Call, Sent},
    steps::{Temper, GRACE},
};
use crate::{
    contract_chain::GENESIS,
    credit::{Side, BLOCK, MEMBERS, NODE, POOR},
    institutions::account,
};

/// One contract's world as it must be.
#[derive(Clone)]
pub struct Ledger {
    genesis: [u8; 32],
    contract: AccountId,
    /// As in [`Side`].
    pub assets: [Asset; 3],
    /// What each member has, by asset.
    pub balances: [[u128; MEMBERS.len()]; 3],
    /// Of the hostile token.
    pub temper: Temper,
    /// Whether the registry has the credit node as active.
    pub is_active: bool,
    /// By payer, payee and asset: the limit, and the latest order's sequence.
    orders: BTreeMap<(AccountId, AccountId, Asset), (u128, u64)>,
    /// By payer and asset: the limit, and its evidence.
    node_limits: BTreeMap<(AccountId, Asset), (u128, [u8; 32])>,
    pub frozen: BTreeSet<AccountId>,
    pub raises: BTreeMap<(AccountId, Asset), Raise>,
    pub stories: BTreeMap<RequestId, Story>,
    pub payouts: BTreeMap<RequestId, Payout>,
    /// What the credit node put in, less what it took out.
    funds: BTreeMap<Asset, u128>,
    taken: BTreeMap<Asset, u128>,
}

/// What happened to a request that was reserved.
#[derive(Clone, Debug)]
pub struct Story {
    pub request: CreditRequest,
    pub until: u64,
    pub fate: Fate,
    /// Principal and late fee together.
    pub paid: u128,
    pub fell_overdue: bool,
    pub is_received: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    OnItsWay,
    Released,
    Expired,
    Committed { at: u64 },
}

impl Story {
    fn new(request: &CreditRequest) -> Self {
        Self {
            request: request.clone(),
            until: request.expires_at,
            fate: Fate::OnItsWay,
            paid: 0,
            fell_overdue: false,
            is_received: false,
        }
    }

    /// As the contract must have it.
    pub fn debt(&self) -> Debt {
        let repaid = self.paid.min(self.request.amount);
        Debt {
            payer: self.request.payer,
            payee: self.request.payee,
            asset: self.request.debt.asset,
            amount: self.request.amount,
            late_fee: self.request.late_fee,
            state: match self.fate {
                Fate::OnItsWay => DebtState::Reserved,
                Fate::Released => DebtState::Released,
                Fate::Expired => DebtState::Expired,
                Fate::Committed { .. } if self.left() == 0 => DebtState::Settled,
                Fate::Committed { .. } => DebtState::Owed,
            },
            expires_at: self.request.expires_at,
            until: self.until,
            due_at: self.due_at(),
            payout: matches!(self.fate, Fate::Committed { .. }).then_some(BLOCK),
            repaid,
            fee_paid: self.paid - repaid,
            is_overdue: self.fell_overdue,
            is_received: self.is_received,
        }
    }

    pub fn due_at(&self) -> u64 {
        match self.fate {
            Fate::Committed { at } => self.request.due_at + at.saturating_sub(self.request.expires_at),
            _ => self.request.due_at,
        }
    }

    /// What is still to be paid, as far as it is known.
    pub fn left(&self) -> u128 {
        let fee = if self.fell_overdue { self.request.late_fee } else { 0 };
        self.request.amount + fee - self.paid
    }

    pub fn is_owed(&self) -> bool {
        matches!(self.fate, Fate::Committed { .. }) && self.left() > 0
    }

    fn principal_left(&self) -> u128 {
        self.request.amount.saturating_sub(self.paid)
    }

    fn used(&self) -> Used {
        match self.fate {
            Fate::OnItsWay => Used {
                reserved: self.request.amount,
                outstanding: 0,
            },
            Fate::Committed { .. } => Used {
                reserved: 0,
                outstanding: self.principal_left(),
            },
            Fate::Released | Fate::Expired => Used::default(),
        }
    }
}

impl Ledger {
    /// What is there before anything happened.
    pub fn of(side: &mut Side) -> Self {
        let assets = side.money.assets();
        Self {
            genesis: side.genesis,
            contract: side.credit,
            assets,
            balances: assets.map(|asset| MEMBERS.map(|member| side.balance(member, asset))),
            temper: Temper::BeHonest,
            is_active: true,
            orders: BTreeMap::new(),
            node_limits: BTreeMap::new(),
            frozen: BTreeSet::new(),
            raises: BTreeMap::new(),
            stories: BTreeMap::new(),
            payouts: BTreeMap::new(),
            funds: BTreeMap::new(),
            taken: BTreeMap::new(),
        }
    }

    pub fn payee_limit(&self, payer: AccountId, payee: AccountId, asset: Asset) -> PayeeLimit {
        let key = (payer, payee, asset);
        let (limit, sequence) = self.orders.get(&key).copied().unwrap_or_default();
        PayeeLimit {
            limit,
            sequence,
            used: self.used(payer, Some(payee), asset),
        }
    }

    pub fn node_limit(&self, payer: AccountId, asset: Asset) -> NodeLimit {
        let (limit, evidence) = self.node_limits.get(&(payer, asset)).copied().unwrap_or_default();
        NodeLimit {
            limit,
            evidence,
            used: self.used(payer, None, asset),
            overdue: self
                .of_payer(payer, asset)
                .filter(|story| story.fell_overdue)
                .map(Story::principal_left)
                .sum(),
        }
    }

    /// What went in and didn't go out.
    pub fn pool(&self, asset: Asset) -> u128 {
        let sum = |of: &BTreeMap<Asset, u128>| of.get(&asset).copied().unwrap_or_default();
        let stories = self.stories.values().filter(|story| story.request.debt.asset == asset);
        let repaid: u128 = stories.map(|story| story.paid).sum();
        let payouts = self.payouts.values().filter(|payout| payout.asset == asset);
        let paid: u128 = payouts.map(|payout| payout.amount).sum();
        sum(&self.funds) + repaid - sum(&self.taken) - paid
    }

    /// Does what the call asks for, if the rules permit it.
    pub fn act(&mut self, sent: &Sent) -> bool {
        let takes_money = matches!(sent.call, Call::Repay(..) | Call::Fund);
        let is_nodes = !matches!(
            sent.call,
            Call::SetLimit(..)
                | Call::RequestRaise(..)
                | Call::Expire(_)
                | Call::ConfirmReceipt(..)
                | Call::Repay(..)
                | Call::MarkOverdue(_)
        );
        if (sent.value > 0 && !takes_money) || (is_nodes && !(sent.by == NODE && self.is_active)) {
            return false;
        }
        let done = match &sent.call {
            Call::SetLimit(..)
            | Call::SetNodeLimit(..)
            | Call::Freeze(_)
            | Call::Unfreeze(_)
            | Call::RequestRaise(..)
            | Call::DecideRaise(..) => self.act_on_limits(&sent.call),
            Call::Reserve {
                request, both_agree, ..
            } => self.reserve(request, *both_agree, sent.now),
            Call::Fund | Call::FundToken(..) | Call::Withdraw(..) | Call::Pay(_) => self.act_on_pool(sent),
            Call::Repay(id, amount) => self.repay(sent, *id, *amount),
            call => self.act_on_debt(call, sent.now),
        };
        done.is_some()
    }

    fn act_on_limits(&mut self, call: &Call) -> Option<()> {
        match call {
            Call::SetLimit(order, _, is_genuine) => {
                let key = (order.payer, order.payee, order.asset);
                let (_, latest) = self.orders.get(&key).copied().unwrap_or_default();
                ensure(*is_genuine && order.sequence > latest)?;
                self.orders.insert(key, (order.limit, order.sequence));
            }
            Call::SetNodeLimit(payer, asset, limit) => {
                self.node_limits.insert((*payer, *asset), (*limit, evidence(*limit)));
            }
            Call::Freeze(payer) => ensure(self.frozen.insert(*payer))?,
            Call::Unfreeze(payer) => ensure(self.frozen.remove(payer))?,
            Call::RequestRaise(wish, _, is_genuine) => {
                let key = (wish.payer, wish.asset);
                let earlier = self.raises.get(&key);
                let is_next =
                    earlier.is_none_or(|earlier| earlier.decision.is_some() && wish.sequence > earlier.sequence);
                ensure(*is_genuine && is_next && wish.sequence > 0)?;
                ensure(wish.wanted > self.node_limit(wish.payer, wish.asset).limit)?;
                let raise = Raise {
                    wanted: wish.wanted,
                    evidence: wish.evidence,
                    sequence: wish.sequence,
                    decision: None,
                };
                self.raises.insert(key, raise);
            }
            Call::DecideRaise(payer, asset, granted) => {
                let present = self.node_limit(*payer, *asset).limit;
                ensure(granted.is_none_or(|granted| granted > present))?;
                let raise = self.raises.get_mut(&(*payer, *asset))?;
                ensure(raise.decision.is_none())?;
                let digest = evidence(granted.unwrap_or_default());
                raise.decision = Some(RaiseDecision {
                    granted: *granted,
                    digest,
                });
                if let Some(granted) = granted {
                    self.node_limits.insert((*payer, *asset), (*granted, digest));
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn reserve(&mut self, request: &CreditRequest, both_agree: bool, now: u64) -> Option<()> {
        let (payer, asset) = (request.payer, request.debt.asset);
        ensure(both_agree && is_sound(request) && self.is_here(&request.debt) && now < request.pay_by)?;
        ensure(!self.stories.contains_key(&request.id()) && !self.frozen.contains(&payer))?;
        ensure(self.fits(request) && self.node_limit(payer, asset).overdue == 0)?;
        self.stories.insert(request.id(), Story::new(request));
        Some(())
    }

    /// Whether a request keeps to both limits.
    pub fn fits(&self, request: &CreditRequest) -> bool {
        let (payer, asset) = (request.payer, request.debt.asset);
        let (payees, node) = (
            self.payee_limit(payer, request.payee, asset),
            self.node_limit(payer, asset),
        );
        [(payees.limit, payees.used), (node.limit, node.used)]
            .into_iter()
            .all(|(limit, used)| {
                let sum = (used.reserved + used.outstanding).checked_add(request.amount);
                sum.is_some_and(|sum| sum <= limit)
            })
    }

    fn act_on_debt(&mut self, call: &Call, now: u64) -> Option<()> {
        let story = self.stories.get_mut(&call.request()?)?;
        match (call, story.fate) {
            (Call::Extend(_, until), Fate::OnItsWay) => {
                ensure(*until > story.until && *until <= story.request.due_at)?;
                story.until = *until;
            }
            (Call::Release(_), Fate::OnItsWay) => story.fate = Fate::Released,
            (Call::Expire(_), Fate::OnItsWay) => {
                ensure(now >= story.until)?;
                story.fate = Fate::Expired;
            }
            (Call::Commit(_), Fate::OnItsWay) => story.fate = Fate::Committed { at: now },
            (Call::ConfirmReceipt(_, _, is_genuine), Fate::Committed { .. }) => {
                ensure(*is_genuine && !story.is_received)?;
                story.is_received = true;
            }
            (Call::MarkOverdue(_), Fate::Committed { .. }) => {
                ensure(story.left() > 0 && !story.fell_overdue && now >= story.due_at())?;
                story.fell_overdue = true;
            }
            _ => return None,
        }
        Some(())
    }

    fn repay(&mut self, sent: &Sent, id: RequestId, amount: u128) -> Option<()> {
        let mut story = self.stories.get(&id)?.clone();
        ensure(story.is_owed() && amount > 0)?;
        story.fell_overdue |= sent.now >= story.due_at();
        ensure(amount <= story.left())?;
        self.take(sent, story.request.debt.asset, amount)?;
        story.paid += amount;
        self.stories.insert(id, story);
        Some(())
    }

    fn act_on_pool(&mut self, sent: &Sent) -> Option<()> {
        match &sent.call {
            Call::Fund => self.fund(sent, Asset::Native, sent.value),
            Call::FundToken(token, amount) => self.fund(sent, Asset::Psp22(*token), *amount),
            Call::Withdraw(asset, amount) => {
                ensure(*amount > 0 && *amount <= self.pool(*asset))?;
                self.give(NODE, *asset, *amount)?;
                *self.taken.entry(*asset).or_default() += amount;
                Some(())
            }
            Call::Pay(request) => {
                let Leg { asset, .. } = request.payout;
                ensure(is_sound(request) && self.is_here(&request.payout) && sent.now < request.pay_by)?;
                ensure(!self.payouts.contains_key(&request.id()) && request.amount <= self.pool(asset))?;
                self.give(crate::credit::member(request.payee), asset, request.amount)?;
                let payout = Payout {
                    payee: request.payee,
                    asset,
                    amount: request.amount,
                    block: 1,
                    paid_at: sent.now,
                };
                self.payouts.insert(request.id(), payout);
                Some(())
            }
            _ => None,
        }
    }

    fn fund(&mut self, sent: &Sent, asset: Asset, amount: u128) -> Option<()> {
        ensure(amount > 0)?;
        self.take(sent, asset, amount)?;
        *self.funds.entry(asset).or_default() += amount;
        Some(())
    }

    /// Takes exactly that much from the caller, if it pays that.
    fn take(&mut self, sent: &Sent, asset: Asset, amount: u128) -> Option<()> {
        let place = self.place(asset)?;
        let is_hostile = place == 2;
        let takes = !is_hostile || self.temper.takes();
        let balance = &mut self.balances[place][usize::from(sent.by.0)];
        match asset {
            // An account must keep enough to exist.
            Asset::Native => ensure(sent.value == amount && *balance >= amount.checked_add(EXISTENTIAL_DEPOSIT)?)?,
            // The poor member approved nothing.
            Asset::Psp22(_) => ensure(sent.value == 0 && takes && sent.by != POOR && *balance >= amount)?,
        }
        *balance -= amount;
        Some(())
    }

    /// Gives that much to a member, if it can be paid.
    fn give(&mut self, to: Member, asset: Asset, amount: u128) -> Option<()> {
        let place = self.place(asset)?;
        let is_hostile = place == 2;
        let gives = !is_hostile || self.temper.gives();
        let balance = &mut self.balances[place][usize::from(to.0)];
        match asset {
            Asset::Native => ensure(*balance + amount >= EXISTENTIAL_DEPOSIT)?,
            Asset::Psp22(_) => ensure(gives)?,
        }
        *balance += amount;
        Some(())
    }

    fn used(&self, payer: AccountId, payee: Option<AccountId>, asset: Asset) -> Used {
        let stories = self.of_payer(payer, asset);
        stories
            .filter(|story| payee.is_none_or(|payee| story.request.payee == payee))
            .map(Story::used)
            .fold(Used::default(), |sum, used| Used {
                reserved: sum.reserved + used.reserved,
                outstanding: sum.outstanding + used.outstanding,
            })
    }

    fn of_payer(&self, payer: AccountId, asset: Asset) -> impl Iterator<Item = &Story> {
        self.stories
            .values()
            .filter(move |story| story.request.payer == payer && story.request.debt.asset == asset)
    }

    fn is_here(&self, leg: &Leg) -> bool {
        (leg.genesis, leg.contract) == (self.genesis, self.contract)
    }

    fn place(&self, asset: Asset) -> Option<usize> {
        self.assets.iter().position(|known| *known == asset)
    }
}

/// Whether a request keeps to the rules that hold wherever it is looked at.
fn is_sound(request: &CreditRequest) -> bool {
    let times = [request.pay_by, request.expires_at, request.due_at];
    let are_apart = request.pay_by + GRACE <= request.expires_at;
    request.payer != request.payee
        && request.debt != request.payout
        && (1..=u128::MAX - request.late_fee).contains(&request.amount)
        && request.late_fee <= request.amount
        && request.goods.len() <= MAX_GOODS
        && times.windows(2).all(|pair| pair[0] < pair[1])
        && are_apart
}

fn ensure(holds: bool) -> Option<()> {
    holds.then_some(())
}

/// Which chain a leg is on, as they are numbered.
pub fn side_of(leg: &Leg) -> usize {
    usize::from(leg.genesis != GENESIS)
}

/// Everybody's account, in order.
pub fn accounts(members: &[Member]) -> Vec<AccountId> {
    members.iter().copied().map(account).collect()
}
