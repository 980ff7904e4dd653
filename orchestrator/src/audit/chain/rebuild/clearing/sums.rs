//! What must hold of everything that the clearing house keeps.
use std::collections::{BTreeMap, BTreeSet};

use protocol::{settlement::Asset, windows::WindowState, Amount, Member};

use super::{
    awaited::Awaited,
    state::{
        Head, BALANCES, BATCHES, BELIEVED, DEPOSITED, DEPOSITORS, DISPUTES, PAGES, POSITIONS, SCHEDULES, UNDISCHARGED,
        WINDOWS, WITHDRAWN,
    },
};
use crate::audit::chain::tables::{Kept, TablesError};

/// Sums of members, by asset.
type ByMember = BTreeMap<(Member, Asset), Amount>;

/// Checks it. Gives what the contract must have of each asset.
pub(super) fn check(
    kept: &Kept<'_>,
    find: &mut impl FnMut(&str, String),
) -> Result<BTreeMap<Asset, Amount>, TablesError> {
    for (code, detail) in Awaited::at_end(kept)? {
        find(code, detail);
    }
    let held = balances(kept, find)?;
    conservation(kept, &held, find)?;
    counts(kept, find)?;
    Ok(held)
}

/// What members hold follows from what is not paid: reserved, owed by rulings, owed in windows. What that is by asset.
fn balances(kept: &Kept<'_>, find: &mut impl FnMut(&str, String)) -> Result<BTreeMap<Asset, Amount>, TablesError> {
    let mut open = Open::of(kept, find)?;
    let mut held = BTreeMap::new();
    BALANCES.each(kept, |(member, asset), balance| {
        add(&mut held, asset, balance.available.saturating_add(balance.reserved));
        let follows = open.take((member, asset));
        let kept = [balance.reserved, balance.owed, balance.unsettled];
        if kept != follows {
            let detail = format!(
                "member {} has reserved, owes by rulings and in windows {kept:?}; {follows:?} follow",
                member.0
            );
            find("contradiction", detail);
        }
    })?;
    for (member, asset) in open.left() {
        find(
            "contradiction",
            format!("member {} owes {asset:?}, and has no balance in it", member.0),
        );
    }
    Ok(held)
}

/// What isn't paid.
struct Open {
    reserved: ByMember,
    owed: ByMember,
    unsettled: ByMember,
}

impl Open {
    fn of(kept: &Kept<'_>, find: &mut impl FnMut(&str, String)) -> Result<Self, TablesError> {
        let (mut reserved, mut owed) = (ByMember::new(), ByMember::new());
        UNDISCHARGED.each(kept, |_, obligations| {
            for one in obligations {
                add(&mut reserved, (one.debtor, one.asset), one.amount);
            }
        })?;
        BELIEVED.each(kept, |key, amount| add(&mut reserved, key, amount))?;
        DISPUTES.each(kept, |(voucher, obligation), dispute| {
            let contested = dispute.contested;
            if dispute.paid > dispute.awarded || dispute.awarded > contested.amount {
                let (paid, awarded) = (dispute.paid, dispute.awarded);
                let detail = format!("{paid} was paid of {awarded} that goes back of {obligation} of {voucher}");
                find("contradiction", detail);
            }
            if dispute.is_due {
                let unpaid = dispute.awarded.saturating_sub(dispute.paid);
                add(&mut owed, (contested.creditor, contested.asset), unpaid);
            }
        })?;
        let unsettled = positions(kept, find)?;
        Ok(Self {
            reserved,
            owed,
            unsettled,
        })
    }

    fn take(&mut self, key: (Member, Asset)) -> [Amount; 3] {
        [&mut self.reserved, &mut self.owed, &mut self.unsettled].map(|sums| sums.remove(&key).unwrap_or(0))
    }

    fn left(self) -> BTreeSet<(Member, Asset)> {
        let sums = [self.reserved, self.owed, self.unsettled].into_iter().flatten();
        sums.filter(|(_, amount)| *amount > 0).map(|(key, _)| key).collect()
    }
}

/// In each window, what is owed is what members owe. What they owe in those that are cut off and not paid.
fn positions(kept: &Kept<'_>, find: &mut impl FnMut(&str, String)) -> Result<ByMember, TablesError> {
    let mut unpaid = BTreeSet::new();
    WINDOWS.each(kept, |number, window| {
        if window.state == WindowState::CutOff {
            unpaid.insert(number);
        }
    })?;
    let mut unsettled = ByMember::new();
    let mut sums: BTreeMap<(u32, Asset), (Amount, Amount)> = BTreeMap::new();
    POSITIONS.each(kept, |(window, member, asset), position| {
        let (owed, owes) = sums.entry((window, asset)).or_default();
        *owed = owed.saturating_add(position.owed);
        *owes = owes.saturating_add(position.owes);
        if unpaid.contains(&window) {
            add(&mut unsettled, (member, asset), position.net_debit());
        }
    })?;
    for ((window, asset), (owed, owes)) in sums {
        if owed != owes {
            let detail = format!("in window {window}, {owed} is owed and members owe {owes} of {asset:?}");
            find("contradiction", detail);
        }
    }
    Ok(unsettled)
}

/// What members have is what was put in and not taken out.
fn conservation(
    kept: &Kept<'_>,
    held: &BTreeMap<Asset, Amount>,
    find: &mut impl FnMut(&str, String),
) -> Result<(), TablesError> {
    let (mut deposited, mut withdrawn) = (BTreeMap::new(), BTreeMap::new());
    DEPOSITED.each(kept, |asset, sum| add(&mut deposited, asset, sum))?;
    WITHDRAWN.each(kept, |asset, sum| add(&mut withdrawn, asset, sum))?;
    let assets: BTreeSet<&Asset> = held.keys().chain(deposited.keys()).chain(withdrawn.keys()).collect();
    for asset in assets {
        let of = |sums: &BTreeMap<Asset, Amount>| sums.get(asset).copied().unwrap_or(0);
        let (held, put_in, taken_out) = (of(held), of(&deposited), of(&withdrawn));
        if put_in.checked_sub(taken_out) != Some(held) {
            let detail = format!("members have {held} of {asset:?}; {put_in} was put in, {taken_out} taken out");
            find("not-conserved", detail);
        }
    }
    Ok(())
}

/// As many are kept as were counted, and every voucher's slot is in use.
fn counts(kept: &Kept<'_>, find: &mut impl FnMut(&str, String)) -> Result<(), TablesError> {
    let Some(head) = kept.head::<Head>()? else {
        return Ok(());
    };
    let (mut deposits, mut batches, mut schedules) = (0u64, 0u32, 0u32);
    DEPOSITORS.each(kept, |_, _| deposits = deposits.saturating_add(1))?;
    BATCHES.each(kept, |_, _| batches = batches.saturating_add(1))?;
    SCHEDULES.each(kept, |_, _| schedules = schedules.saturating_add(1))?;
    let counted = (head.deposits, head.batches, head.fee_version);
    if (deposits, batches, schedules) != counted {
        let detail = format!("{deposits} deposits, {batches} batches, {schedules} schedules; counted {counted:?}");
        find("contradiction", detail);
    }
    PAGES.each(kept, |(member, number), page| {
        let slots = page.kept.iter().fold(0u64, |slots, kept| {
            slots | 1u64.checked_shl(u32::from(kept.slot)).unwrap_or(0)
        });
        let is_once = usize::try_from(page.used.count_ones()) == Ok(page.kept.len());
        if slots != page.used || !is_once {
            find(
                "contradiction",
                format!("page {number} of member {} uses other slots", member.0),
            );
        }
    })
}

fn add<K: Ord>(sums: &mut BTreeMap<K, Amount>, key: K, amount: Amount) {
    let sum = sums.entry(key).or_default();
    *sum = sum.saturating_add(amount);
}
