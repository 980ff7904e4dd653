//! What went into the contract, what it paid out, and what it put off.
use std::collections::BTreeMap;

use protocol::{escrow::Deal, settlement::Asset, text::to_hex, AccountId, Amount, DealId};
use scale::{Decode, Encode};

use super::{held, Done, DEALS, DUE};
use crate::{
    assets::AssetName,
    audit::chain::{
        findings::Findings,
        rebuild::scene::{Notes, Scene},
        tables::{Tables, TablesError},
        Block,
    },
};

/// What came in less what went out, by asset. It wraps around: a token made up by somebody may come in any amount.
const BALANCES: Notes<Asset, Amount> = Notes::named("balances");
/// The latest payments.
const PAYING: Notes<(), Paying> = Notes::named("paying");

/// What a deal paid out in its latest step: each part may still be told to have been put off, in the same transaction.
#[derive(Encode, Decode)]
struct Paying {
    deal: DealId,
    block: u32,
    transaction: u32,
    asset: Asset,
    parts: Vec<(AccountId, Amount)>,
}

/// One end paid in.
pub(super) fn paid_in(scene: &mut Scene<'_>, asset: Asset, amount: Amount) -> Done {
    moved(scene, asset, |balance| balance.wrapping_add(amount))
}

/// Pays both ends of a deal, for now.
pub(super) fn pays_out(scene: &mut Scene<'_>, id: DealId, deal: &Deal, to_buyer: Amount, to_seller: Amount) -> Done {
    let told = scene.told;
    let asset = deal.terms.asset;
    let paying = Paying {
        deal: id,
        block: told.block.number,
        transaction: told.transaction,
        asset,
        parts: vec![(deal.buyer, to_buyer), (deal.terms.seller, to_seller)],
    };
    PAYING.put(&mut scene.kept(), &(), &paying)?;
    moved(scene, asset, |balance| {
        balance.wrapping_sub(to_buyer).wrapping_sub(to_seller)
    })
}

/// A part of what was to be paid out waits instead.
pub(super) fn deferred(scene: &mut Scene<'_>, (id, to, asset, amount): (DealId, AccountId, Asset, Amount)) -> Done {
    let told = scene.told;
    let mut paying = PAYING.get(&scene.kept(), &())?.filter(|paying| {
        let place = (paying.deal, paying.asset, paying.block, paying.transaction);
        place == (id, asset, told.block.number, told.transaction)
    });
    let parts = paying.as_mut().map(|paying| &mut paying.parts);
    let part = parts.and_then(|parts| {
        let place = parts.iter().position(|part| *part == (to, amount))?;
        Some(parts.swap_remove(place))
    });
    scene.ensure(part.is_some() && amount > 0, "not-due", || {
        let (to, asset) = (to_hex(&to.0), AssetName(asset));
        format!("deal {id} put off {amount} of {asset} for {to}, which it didn't have to pay then")
    });
    if let Some(paying) = paying {
        PAYING.put(&mut scene.kept(), &(), &paying)?;
    }

    let waiting = DUE.get(scene, &(to, asset))?.unwrap_or_default();
    let sum = waiting.checked_add(amount);
    scene.ensure(sum.is_some(), "overflow", || {
        format!("what waits for {} is beyond what an amount can hold", to_hex(&to.0))
    });
    DUE.put(scene, &(to, asset), &sum.unwrap_or(Amount::MAX))?;
    moved(scene, asset, |balance| balance.wrapping_add(amount))
}

/// What waited was paid out, all of it. That it did is kept, as 0.
pub(super) fn withdrawn(scene: &mut Scene<'_>, (to, asset, amount): (AccountId, Asset, Amount)) -> Done {
    scene.exact_call("withdraw", &(to, asset), 0);
    let waiting = DUE.get(scene, &(to, asset))?.unwrap_or_default();
    scene.ensure(waiting == amount && amount > 0, "not-due", || {
        let (to, asset) = (to_hex(&to.0), AssetName(asset));
        format!("{amount} of {asset} were withdrawn for {to}, of which {waiting} waited")
    });
    DUE.put(scene, &(to, asset), &0u128)?;
    moved(scene, asset, |balance| balance.wrapping_sub(amount))
}

fn moved(scene: &mut Scene<'_>, asset: Asset, change: impl FnOnce(Amount) -> Amount) -> Done {
    let balance = BALANCES.get(&scene.kept(), &asset)?.unwrap_or_default();
    BALANCES.put(&mut scene.kept(), &asset, &change(balance))
}

/// What the contract must have of each asset: all that is in deals, and all that waits to be paid out. What came in less
/// what went out has to be the same.
///
/// # Errors
/// The work file is broken.
pub fn sums(
    name: &str,
    contract: AccountId,
    until: Block,
    tables: &mut Tables,
    findings: &mut Findings,
) -> Result<BTreeMap<Asset, Amount>, TablesError> {
    let kept = tables.of(contract);
    let mut sums = BTreeMap::<Asset, Sum>::new();
    DEALS.each(&kept, |_, deal| {
        sums.entry(deal.terms.asset).or_default().add(held(&deal));
    })?;
    DUE.each(&kept, |(_, asset), amount| {
        sums.entry(asset).or_default().add(amount);
    })?;
    BALANCES.each(&kept, |asset, balance| {
        let held = sums.entry(asset).or_default().wrapped;
        if held != balance {
            let detail = format!(
                "{balance} of {} came in and didn't go out, but deals and what waits hold {held}",
                AssetName(asset)
            );
            findings.add("not-conserved", name, until, None, detail);
        }
    })?;
    Ok(sums.into_iter().map(|(asset, sum)| (asset, sum.all)).collect())
}

#[derive(Default)]
struct Sum {
    /// At most as much as an amount can hold.
    all: Amount,
    /// Wrapped around, as what came in and went out is.
    wrapped: Amount,
}

impl Sum {
    fn add(&mut self, amount: Amount) {
        self.all = self.all.saturating_add(amount);
        self.wrapped = self.wrapped.wrapping_add(amount);
    }
}
