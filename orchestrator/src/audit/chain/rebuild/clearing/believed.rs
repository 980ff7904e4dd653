//! A clearing house whose past isn't read: what it kept before the audit's first block is believed.
use protocol::{clearing::Page, settlement::Voucher, Amount, VoucherId};

use super::state::{BALANCES, BELIEVED, DEPOSITED, PAGES, VOUCHERS};
use crate::audit::chain::{
    rebuild::scene::{Notes, Scene},
    tables::{Kept, TablesError},
};

/// There once notes are complete: from the contract's making on, or from the audit's first block.
const BEGUN: Notes<(), bool> = Notes::named("begun");

/// The contract was made before the audit's eyes.
pub(super) fn made(kept: &mut Kept<'_>) -> Result<(), TablesError> {
    BEGUN.put(kept, &(), &false)
}

/// Takes over what is kept, unless the contract was made before the audit's eyes: what members hold counts as put in,
/// what they have reserved as owed.
pub(super) fn begin(kept: &mut Kept<'_>) -> Result<(), TablesError> {
    if BEGUN.get(kept, &())?.is_some() {
        return Ok(());
    }
    BEGUN.put(kept, &(), &true)?;
    let mut balances = Vec::new();
    BALANCES.each(kept, |key, balance| balances.push((key, balance)))?;
    for ((member, asset), balance) in balances {
        let held: Amount = DEPOSITED.get(kept, &asset)?.unwrap_or(0);
        let held = held.saturating_add(balance.available).saturating_add(balance.reserved);
        DEPOSITED.put(kept, &asset, &held)?;
        BELIEVED.put(kept, &(member, asset), &balance.reserved)?;
    }
    Ok(())
}

/// Notes a voucher that a call brings along, if it was retained: perhaps before the audit's first block.
pub(super) fn learn(scene: &mut Scene<'_>, voucher: &Voucher) -> Result<(), TablesError> {
    let id = voucher.id();
    let (number, slot) = Page::place(voucher.sequence);
    let page = PAGES.or_default(scene, &(voucher.originator, number))?;
    if page.get(slot, id).is_some() {
        VOUCHERS.put(&mut scene.kept(), &id, voucher)?;
    }
    Ok(())
}

/// A voucher isn't known: that is a finding, unless it may be older than the audit.
pub(super) fn unknown(scene: &mut Scene<'_>, id: VoucherId, what: &str) -> Result<(), TablesError> {
    let is_believed = BEGUN.get(&scene.kept(), &())? == Some(true);
    if is_believed && scene.told.call.is_none() {
        scene.findings.unseen();
    } else {
        scene.find("unknown", format!("{what}: {id}"));
    }
    Ok(())
}
