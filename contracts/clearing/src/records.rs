//! What is stored of members and vouchers, and how it is read once and written once in a call.
use ink::prelude::{collections::BTreeMap, vec::Vec};
use protocol::{
    clearing::{Balance, Course, Error, Kept, Page, Retention},
    fees::FeeRule,
    settlement::{Asset, Relation, Source, Voucher},
    Member,
};

use crate::{clearing::Clearing, Result};

/// Balances as this call has them, however many vouchers touch them.
#[derive(Default)]
pub struct Balances(BTreeMap<(Member, Asset), Balance>);

impl Balances {
    /// A member's balance, to be changed.
    pub fn of(&mut self, contract: &Clearing, member: Member, asset: Asset) -> &mut Balance {
        self.0
            .entry((member, asset))
            .or_insert_with(|| contract.balance(member, asset))
    }

    /// Takes from what the member can spend.
    pub fn spend(&mut self, contract: &Clearing, member: Member, asset: Asset, amount: u128) -> Result<()> {
        let balance = self.of(contract, member, asset);
        if balance.spendable() < amount {
            return Err(Error::InsufficientBalance {
                member,
                available: balance.spendable(),
                needed: amount,
            });
        }
        balance.available = balance.available.checked_sub(amount).ok_or(Error::Overflow)?;
        Ok(())
    }

    /// Adds to what the member can spend.
    pub fn credit(
        &mut self,
        contract: &Clearing,
        member: Member,
        asset: Asset,
        amount: u128,
        source: Source,
    ) -> Result<()> {
        let balance = self.of(contract, member, asset);
        balance.available = balance.available.checked_add(amount).ok_or(Error::Overflow)?;
        balance.last_credit = Some(source);
        Ok(())
    }

    /// Stores them.
    pub fn write(self, contract: &mut Clearing) {
        for (key, balance) in self.0 {
            contract.balances.insert(key, &balance);
        }
    }
}

/// Pages as this call has them.
#[derive(Default)]
pub struct Pages(BTreeMap<(Member, u64), Page>);

impl Pages {
    /// Keeps a voucher, if its originator's sequence number is unused.
    pub fn keep(&mut self, contract: &Clearing, voucher: &Voucher, kept: Kept) -> Result<()> {
        let (number, slot) = Page::place(voucher.sequence);
        let key = (voucher.originator, number);
        let page = self
            .0
            .entry(key)
            .or_insert_with(|| contract.page(voucher.originator, number));
        if !page.take(slot) {
            return Err(Error::VoucherUsed(kept.voucher));
        }
        page.kept.push(Kept { slot, ..kept });
        Ok(())
    }

    /// Stores them.
    pub fn write(self, contract: &mut Clearing) {
        for (key, page) in self.0 {
            contract.pages.insert(key, &page);
        }
    }
}

impl Clearing {
    /// The fee schedule of a version.
    pub(crate) fn schedule(&self, version: u32) -> Result<Vec<FeeRule>> {
        match version {
            0 => Ok(Vec::new()),
            _ => self.schedules.get(version).ok_or(Error::UnknownFees(version)),
        }
    }

    /// What is kept of a voucher, if it was retained.
    pub(crate) fn kept(&self, voucher: &Voucher) -> Option<Kept> {
        let (page, slot) = Page::place(voucher.sequence);
        self.page(voucher.originator, page).get(slot, voucher.id()).copied()
    }

    /// Everything that is known of a voucher, if it was retained.
    pub(crate) fn retention_of(&self, voucher: &Voucher) -> Option<Retention> {
        let kept = self.kept(voucher)?;
        let batch = self.batch.get(kept.batch)?;
        let schedule = self.schedule(voucher.fees).ok()?;
        let relation = Relation::of(voucher, &schedule, batch.drawn_at)?;
        let course = kept.course(batch.window);
        let debtors = relation.debtors();
        let discharges: Vec<_> = debtors
            .iter()
            .filter_map(|debtor| self.discharges.get((kept.voucher, *debtor)))
            .collect();
        let cleared_in = match course {
            Course::InWindow(window) => self.windows.get(window).and_then(|window| window.settled_in),
            Course::Reserved | Course::TakenOut if discharges.len() == debtors.len() => {
                discharges.iter().map(|done| done.cleared_in).max()
            }
            Course::Reserved | Course::TakenOut => None,
        };
        Some(Retention {
            relation_id: relation.id(),
            relation,
            batch: kept.batch,
            retained_in: batch.retained_in,
            retained_at: batch.retained_at,
            course,
            discharges,
            cleared_in,
        })
    }
}
