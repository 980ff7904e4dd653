//! What the clearing contract must do, said once more and differently: positions and what is unsettled are added up from
//! vouchers each time, and each call either keeps every rule or is refused.
use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    clearing::Balance,
    decisions::Decision,
    disputes::{Claim, Ruling},
    settlement::{Asset, Obligation, Settlement, TransactionKind, Voucher},
    windows::{Position, WindowState},
    Member, VoucherId,
};

use super::steps::{DISPUTE_PERIOD, DUAL, PARTICIPANTS, RULING_PERIOD};
use crate::institutions::NOTARY;

pub type Purse = (Member, Asset);

/// A call, by what it means.
#[derive(Clone, Debug)]
pub enum Deed {
    Deposit(Member, u128),
    Withdraw(Member, u128),
    Retain {
        vouchers: Vec<(Voucher, Vec<Obligation>)>,
        is_signed: bool,
    },
    Clear(Vec<Payment>),
    Decide {
        decision: Decision,
        by: Member,
        is_signed: bool,
    },
    Settle(u32),
    Open(Member, VoucherId, Claim),
    Answer(Member, VoucherId, u8),
    RuleByDefault(VoucherId, u8),
    PayAward(VoucherId, u8),
}

/// A clearing voucher.
#[derive(Clone, Debug)]
pub struct Payment {
    pub voucher: VoucherId,
    pub issuer: Member,
    /// Signed, in time, over what the issuer owes, and from a source that credited it.
    pub is_sound: bool,
}

/// All that the contract knows.
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub now: u64,
    /// Deposits − withdrawals, in native tokens.
    pub paid_in: u128,
    pub accounts: BTreeMap<Purse, Account>,
    /// The last one is open.
    pub windows: Vec<WindowState>,
    pub vouchers: BTreeMap<VoucherId, Known>,
    /// In the order they came.
    pub order: Vec<VoucherId>,
    pub sequences: BTreeSet<(Member, u64)>,
    pub disputes: BTreeMap<(VoucherId, u8), Disputed>,
    pub returned: BTreeMap<(VoucherId, u8), u128>,
    pub decisions: u32,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    pub available: u128,
    pub reserved: u128,
    pub owed: u128,
    pub cap: u128,
}

#[derive(Clone, Debug)]
pub struct Known {
    pub voucher: Voucher,
    pub obligations: Vec<Obligation>,
    pub retained_at: u64,
    /// If it is netted there and was not taken out.
    pub window: Option<usize>,
    pub is_taken_out: bool,
    /// Who discharged what it owes.
    pub paid_by: BTreeSet<Member>,
}

#[derive(Clone, Copy, Debug)]
pub struct Disputed {
    pub claimant: Member,
    pub amount: u128,
    pub contested: Obligation,
    pub rule_by: u64,
    pub response: Option<Member>,
    pub ruling: Option<Ruling>,
    pub awarded: u128,
    pub is_due: bool,
    pub paid: u128,
}

impl Book {
    pub fn new(now: u64) -> Self {
        Self {
            now,
            windows: vec![WindowState::Open],
            ..Self::default()
        }
    }

    /// Does it, or tells that it must be refused.
    pub fn after(&self, deed: &Deed) -> Option<Self> {
        let mut book = self.clone();
        book.act(deed).map(|()| book)
    }

    fn act(&mut self, deed: &Deed) -> Option<()> {
        match deed {
            Deed::Deposit(member, amount) => {
                can(*amount > 0 && PARTICIPANTS.contains(member))?;
                self.paid_in += amount;
                self.account((*member, Asset::Native)).available += amount;
            }
            Deed::Withdraw(member, amount) => {
                can(*amount > 0 && PARTICIPANTS.contains(member))?;
                self.spend((*member, Asset::Native), *amount)?;
                self.paid_in -= amount;
            }
            Deed::Retain { vouchers, is_signed } => {
                can(*is_signed)?;
                return self.retain(vouchers);
            }
            Deed::Clear(payments) => {
                can(!payments.is_empty())?;
                return payments.iter().try_for_each(|payment| self.clear(payment));
            }
            Deed::Decide {
                decision,
                by,
                is_signed,
            } => {
                can(*is_signed && [NOTARY, DUAL].contains(by))?;
                self.decisions += 1;
                return self.carry_out(decision, *by);
            }
            Deed::Settle(window) => return self.settle(*window as usize),
            Deed::Open(by, voucher, claim) => return self.open(*by, *voucher, claim),
            Deed::Answer(by, voucher, obligation) => {
                let dispute = self.disputes.get_mut(&(*voucher, *obligation))?;
                let sides = [dispute.contested.debtor, dispute.contested.creditor];
                let is_other = sides.contains(by) && *by != dispute.claimant;
                can(is_other && dispute.response.is_none() && dispute.ruling.is_none())?;
                dispute.response = Some(*by);
            }
            Deed::RuleByDefault(voucher, obligation) => {
                let now = self.now;
                let dispute = self.disputes.get_mut(&(*voucher, *obligation))?;
                can(dispute.ruling.is_none() && now >= dispute.rule_by)?;
                dispute.ruling = Some(Ruling::Uphold);
            }
            Deed::PayAward(voucher, obligation) => {
                let key = (*voucher, *obligation);
                let before = *self.disputes.get(&key)?;
                can(before.awarded > before.paid)?;
                self.give_back(key)?;
                let after = self.disputes[&key];
                can(after.is_due != before.is_due || after.paid != before.paid)?;
            }
        }
        Some(())
    }

    fn retain(&mut self, vouchers: &[(Voucher, Vec<Obligation>)]) -> Option<()> {
        let open = self.windows.len() - 1;
        let before = self.positions(open);
        for (voucher, obligations) in vouchers {
            can(voucher.check().is_ok() && self.now < voucher.expires_at)?;
            can(self.sequences.insert((voucher.originator, voucher.sequence)))?;
            if let TransactionKind::Refund(original) = voucher.kind {
                self.refund(voucher, original)?;
            }
            let is_net = voucher.settlement == Settlement::Net;
            if !is_net {
                for owed in obligations {
                    let purse = (owed.debtor, owed.asset);
                    self.spend(purse, owed.amount)?;
                    self.account(purse).reserved += owed.amount;
                }
            }
            let known = Known {
                voucher: voucher.clone(),
                obligations: obligations.clone(),
                retained_at: self.now,
                window: is_net.then_some(open),
                is_taken_out: false,
                paid_by: BTreeSet::new(),
            };
            self.order.push(voucher.id());
            self.vouchers.insert(voucher.id(), known);
        }
        for (purse, position) in self.sums(open)? {
            let debt = position.net_debit();
            if debt > before.get(&purse).map_or(0, Position::net_debit) {
                can(self.unsettled(purse).checked_add(debt)? <= self.account(purse).cap)?;
            }
        }
        Some(())
    }

    fn refund(&mut self, voucher: &Voucher, original: VoucherId) -> Option<()> {
        let known = self.vouchers.get(&original)?;
        let (paid, back) = (known.obligations[0], voucher.principal());
        let its = &known.voucher;
        let is_same = its.originator == voucher.originator
            && its.home == voucher.home
            && its.user == voucher.user
            && its.wallet == voucher.wallet
            && its.asset == voucher.asset;
        can(is_same && paid.debtor == back.creditor && paid.creditor == back.debtor)?;
        self.take_back((original, 0), paid.amount, voucher.amount)
    }

    fn take_back(&mut self, key: (VoucherId, u8), paid: u128, amount: u128) -> Option<()> {
        let returned = self.returned.entry(key).or_default();
        can(amount <= paid - *returned)?;
        *returned += amount;
        Some(())
    }

    fn clear(&mut self, payment: &Payment) -> Option<()> {
        can(payment.is_sound)?;
        let known = self.vouchers.get_mut(&payment.voucher)?;
        can(known.window.is_none() && known.paid_by.insert(payment.issuer))?;
        let is_taken_out = known.is_taken_out;
        let owed: Vec<_> = known.obligations.clone();
        let owed: Vec<_> = owed.into_iter().filter(|owed| owed.debtor == payment.issuer).collect();
        can(!owed.is_empty())?;
        for owed in owed {
            let purse = (owed.debtor, owed.asset);
            if is_taken_out {
                self.spend(purse, owed.amount)?;
            } else {
                self.account(purse).reserved -= owed.amount;
            }
            self.account((owed.creditor, owed.asset)).available += owed.amount;
        }
        Some(())
    }

    fn carry_out(&mut self, decision: &Decision, by: Member) -> Option<()> {
        match decision {
            Decision::SetFees(_) => {}
            Decision::SetCap { member, asset, cap } => self.account((*member, *asset)).cap = *cap,
            Decision::CloseWindow(window) => {
                let window = *window as usize;
                can(window + 1 == self.windows.len())?;
                self.windows[window] = WindowState::CutOff;
                self.windows.push(WindowState::Open);
                self.settle(window)?;
            }
            Decision::TakeOut { window, vouchers } => {
                can(!vouchers.is_empty() && self.windows.get(*window as usize) == Some(&WindowState::CutOff))?;
                for id in vouchers {
                    let known = self.vouchers.get_mut(id)?;
                    can(known.window == Some(*window as usize))?;
                    known.window = None;
                    known.is_taken_out = true;
                }
            }
            Decision::Rule {
                voucher,
                obligation,
                ruling,
            } => {
                let key = (*voucher, *obligation);
                let now = self.now;
                let dispute = self.disputes.get_mut(&key)?;
                let contested = dispute.contested;
                let concerned = [dispute.claimant, contested.debtor, contested.creditor];
                can(dispute.ruling.is_none() && now < dispute.rule_by && !concerned.contains(&by))?;
                dispute.ruling = Some(*ruling);
                dispute.awarded = match ruling {
                    Ruling::Uphold => 0,
                    Ruling::Reverse => dispute.amount,
                    Ruling::Partial(amount) => {
                        can((1..dispute.amount).contains(amount))?;
                        *amount
                    }
                };
                let awarded = dispute.awarded;
                if awarded > 0 {
                    self.take_back(key, contested.amount, awarded)?;
                    // It waits if the obligation is not paid.
                    let _ = self.give_back(key);
                }
            }
        }
        Some(())
    }

    /// All nets, or none.
    fn settle(&mut self, window: usize) -> Option<()> {
        can(self.windows.get(window) == Some(&WindowState::CutOff))?;
        let positions = self.positions(window);
        let is_short = |(purse, position): (&Purse, &Position)| self.spendable(*purse) < position.net_debit();
        if positions.iter().any(is_short) {
            return Some(());
        }
        for (purse, position) in positions {
            let account = self.account(purse);
            account.available = account.available + position.net_credit() - position.net_debit();
        }
        self.windows[window] = WindowState::Settled;
        Some(())
    }

    fn open(&mut self, by: Member, voucher: VoucherId, claim: &Claim) -> Option<()> {
        let known = self.vouchers.get(&voucher)?;
        let contested = *known.obligations.get(usize::from(claim.obligation))?;
        let may_claim = match by {
            by if by == contested.debtor => claim.amount <= contested.amount,
            by if by == contested.creditor => false,
            _ => claim.amount == contested.amount,
        };
        let is_party = known.voucher.parties().contains(&by);
        can(is_party && may_claim && claim.amount > 0 && self.now < known.retained_at + DISPUTE_PERIOD)?;
        let key = (voucher, claim.obligation);
        can(!self.disputes.contains_key(&key))?;
        let dispute = Disputed {
            claimant: by,
            amount: claim.amount,
            contested,
            rule_by: self.now + RULING_PERIOD,
            response: None,
            ruling: None,
            awarded: 0,
            is_due: false,
            paid: 0,
        };
        self.disputes.insert(key, dispute);
        Some(())
    }

    /// `None`: the contested obligation is not paid.
    fn give_back(&mut self, key: (VoucherId, u8)) -> Option<()> {
        let mut dispute = self.disputes[&key];
        let contested = dispute.contested;
        let known = &self.vouchers[&key.0];
        let is_paid = match known.window {
            Some(window) => self.windows[window] == WindowState::Settled,
            None => known.paid_by.contains(&contested.debtor),
        };
        can(is_paid)?;
        let from = self.account((contested.creditor, contested.asset));
        if !dispute.is_due {
            from.owed += dispute.awarded;
            dispute.is_due = true;
        }
        let amount = from.available.min(dispute.awarded - dispute.paid);
        from.available -= amount;
        from.owed -= amount;
        dispute.paid += amount;
        self.account((contested.debtor, contested.asset)).available += amount;
        self.disputes.insert(key, dispute);
        Some(())
    }

    pub fn account(&mut self, purse: Purse) -> &mut Account {
        self.accounts.entry(purse).or_default()
    }

    pub fn spendable(&self, purse: Purse) -> u128 {
        let account = self.accounts.get(&purse).copied().unwrap_or_default();
        account.available.saturating_sub(account.owed)
    }

    fn spend(&mut self, purse: Purse, amount: u128) -> Option<()> {
        can(amount <= self.spendable(purse))?;
        self.account(purse).available -= amount;
        Some(())
    }

    /// What everybody is owed and owes in a window.
    pub fn positions(&self, window: usize) -> BTreeMap<Purse, Position> {
        self.sums(window).unwrap()
    }

    /// `None` where a sum is beyond what an amount can hold.
    fn sums(&self, window: usize) -> Option<BTreeMap<Purse, Position>> {
        let mut positions: BTreeMap<Purse, Position> = BTreeMap::new();
        let inside = self.vouchers.values().filter(|known| known.window == Some(window));
        for owed in inside.flat_map(|known| &known.obligations) {
            let debtor = positions.entry((owed.debtor, owed.asset)).or_default();
            debtor.owes = debtor.owes.checked_add(owed.amount)?;
            let creditor = positions.entry((owed.creditor, owed.asset)).or_default();
            creditor.owed = creditor.owed.checked_add(owed.amount)?;
        }
        Some(positions)
    }

    fn debt(&self, window: usize, purse: Purse) -> u128 {
        self.positions(window).get(&purse).map_or(0, Position::net_debit)
    }

    /// Net debits in windows that are cut off and not paid.
    pub fn unsettled(&self, purse: Purse) -> u128 {
        let cut_off = |(_, state): &(usize, &WindowState)| **state == WindowState::CutOff;
        let windows = self.windows.iter().enumerate().filter(cut_off);
        windows.map(|(window, _)| self.debt(window, purse)).sum()
    }

    /// A balance as the contract must show it. What credited it last is not in this book.
    pub fn balance(&self, purse: Purse) -> Balance {
        let account = self.accounts.get(&purse).copied().unwrap_or_default();
        Balance {
            available: account.available,
            reserved: account.reserved,
            owed: account.owed,
            cap: account.cap,
            unsettled: self.unsettled(purse),
            last_credit: None,
        }
    }
}

fn can(holds: bool) -> Option<()> {
    holds.then_some(())
}
