//! Where the clearing house keeps what, and what the audit notes next to it.
use protocol::{
    clearing::{self, Balance, Batch, Course, Discharge, Page},
    disputes::Dispute,
    fees::FeeRule,
    settlement::{Asset, Obligation, Relation, Source, Voucher},
    windows::{Position, Window, WindowState},
    AccountId, Amount, Member, VoucherId,
};
use scale::{Decode, Encode};

use crate::audit::chain::{
    rebuild::scene::{Mapping, Notes, Scene},
    tables::{Kept, TablesError},
};

/// The contract's struct without its mappings, in the order of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Head {
    pub(super) genesis: [u8; 32],
    pub(super) registry: AccountId,
    pub(super) dispute_period: u64,
    pub(super) ruling_period: u64,
    pub(super) deposits: u64,
    pub(super) batches: u32,
    pub(super) decisions: u32,
    pub(super) fee_version: u32,
    pub(super) open_window: u32,
}

pub(super) const DEPOSITORS: Mapping<u64, (Member, Asset)> = Mapping::named("Clearing::depositors");
pub(super) const BALANCES: Mapping<(Member, Asset), Balance> = Mapping::named("Clearing::balances");
pub(super) const PAGES: Mapping<(Member, u64), Page> = Mapping::named("Clearing::pages");
pub(super) const BATCHES: Mapping<u32, Batch> = Mapping::named("Clearing::batch");
pub(super) const DISCHARGES: Mapping<(VoucherId, Member), Discharge> = Mapping::named("Clearing::discharges");
pub(super) const SCHEDULES: Mapping<u32, Vec<FeeRule>> = Mapping::named("Clearing::schedules");
pub(super) const WINDOWS: Mapping<u32, Window> = Mapping::named("Clearing::windows");
pub(super) const POSITIONS: Mapping<(u32, Member, Asset), Position> = Mapping::named("Clearing::positions");
pub(super) const RETURNED: Mapping<(VoucherId, u8), Amount> = Mapping::named("Clearing::returned");
pub(super) const DISPUTES: Mapping<(VoucherId, u8), Dispute> = Mapping::named("Clearing::disputes");

/// Retained vouchers: the chain keeps their digests only.
pub(super) const VOUCHERS: Notes<VoucherId, Voucher> = Notes::named("vouchers");
/// What a debtor owes gross and hasn't discharged.
pub(super) const UNDISCHARGED: Notes<(VoucherId, Member), Vec<Obligation>> = Notes::named("undischarged");
/// What members had reserved before the audit's first block, as far as it isn't discharged.
pub(super) const BELIEVED: Notes<(Member, Asset), Amount> = Notes::named("believed");
/// The sum of all deposits of an asset.
pub(super) const DEPOSITED: Notes<Asset, Amount> = Notes::named("deposited");
/// The sum of all withdrawals of an asset.
pub(super) const WITHDRAWN: Notes<Asset, Amount> = Notes::named("withdrawn");

/// Everything that is known of a retained voucher.
pub(super) struct Known {
    pub(super) voucher: Voucher,
    pub(super) kept: clearing::Kept,
    pub(super) batch: Batch,
    pub(super) relation: Relation,
}

impl Known {
    /// What is known of a voucher; `None` if none was retained that has this id.
    pub(super) fn of(scene: &mut Scene<'_>, id: VoucherId) -> Result<Option<Self>, TablesError> {
        let kept = scene.kept();
        match VOUCHERS.get(&kept, &id)? {
            Some(voucher) => Self::within(&kept, id, voucher),
            None => Ok(None),
        }
    }

    /// What is known of a voucher that somebody has; `None` if it was never retained.
    pub(super) fn within(tables: &Kept<'_>, id: VoucherId, voucher: Voucher) -> Result<Option<Self>, TablesError> {
        let (page, slot) = Page::place(voucher.sequence);
        let page = PAGES.within(tables, &(voucher.originator, page))?.unwrap_or_default();
        let Some(kept) = page.get(slot, id).copied() else {
            return Ok(None);
        };
        let Some(batch) = BATCHES.within(tables, &kept.batch)? else {
            return Ok(None);
        };
        let schedule = schedule_within(tables, voucher.fees)?.unwrap_or_default();
        let relation = Relation::of(&voucher, &schedule, batch.drawn_at);
        Ok(relation.map(|relation| Self {
            voucher,
            kept,
            batch,
            relation,
        }))
    }

    /// How its obligations are paid.
    pub(super) const fn course(&self) -> Course {
        self.kept.course(self.batch.window)
    }
}

/// The fee schedule of a version, if it was published.
pub(super) fn schedule(scene: &mut Scene<'_>, version: u32) -> Result<Option<Vec<FeeRule>>, TablesError> {
    schedule_within(&scene.kept(), version)
}

/// The same, where nothing is told.
pub(super) fn schedule_within(tables: &Kept<'_>, version: u32) -> Result<Option<Vec<FeeRule>>, TablesError> {
    match version {
        0 => Ok(Some(Vec::new())),
        _ => SCHEDULES.within(tables, &version),
    }
}

/// Takes from what a member can spend. More than that is a finding.
pub(super) fn spend(scene: &mut Scene<'_>, member: Member, asset: Asset, amount: Amount) -> Result<(), TablesError> {
    let mut balance = BALANCES.or_default(scene, &(member, asset))?;
    let spendable = balance.spendable();
    scene.ensure(spendable >= amount, "overspent", || {
        format!("member {} spends {amount}, and has {spendable}", member.0)
    });
    balance.available = balance.available.saturating_sub(amount);
    BALANCES.put(scene, &(member, asset), &balance)
}

/// Adds to what a member can spend.
pub(super) fn credit(
    scene: &mut Scene<'_>,
    member: Member,
    asset: Asset,
    amount: Amount,
    source: Source,
) -> Result<(), TablesError> {
    let mut balance = BALANCES.or_default(scene, &(member, asset))?;
    balance.available = balance.available.saturating_add(amount);
    balance.last_credit = Some(source);
    BALANCES.put(scene, &(member, asset), &balance)
}

/// `amount` less than `from`: less than nothing is a finding.
pub(super) fn less(scene: &mut Scene<'_>, from: Amount, amount: Amount, what: impl FnOnce() -> String) -> Amount {
    scene.ensure(from >= amount, "overspent", || {
        format!("{}: {amount} of {from}", what())
    });
    from.saturating_sub(amount)
}

/// Counts what goes back of an obligation, by refunds and rulings together: no more than was paid.
pub(super) fn take_back(
    scene: &mut Scene<'_>,
    voucher: VoucherId,
    obligation: u8,
    paid: Amount,
    amount: Amount,
) -> Result<(), TablesError> {
    let returned = RETURNED.or_default(scene, &(voucher, obligation))?;
    let sum = returned.saturating_add(amount);
    scene.ensure(sum <= paid, "above-paid", || {
        format!("{sum} goes back of {paid}, the obligation {obligation} of voucher {voucher}")
    });
    RETURNED.put(scene, &(voucher, obligation), &sum)
}

/// Whether a window was paid.
pub(super) fn is_settled(scene: &mut Scene<'_>, window: u32) -> Result<bool, TablesError> {
    let window = WINDOWS.get(scene, &window)?;
    Ok(window.is_some_and(|window| window.state == WindowState::Settled))
}
