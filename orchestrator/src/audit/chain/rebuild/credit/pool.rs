//! The credit node's own money: what payees are paid from, and where repayments go (S1.9).
use protocol::{
    credit::{CreditRequest, Payout},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, RequestId,
};

use super::{by_node, reservations::ensure_sound, Done, PAYOUTS, POOLS};
use crate::{
    assets::AssetName,
    audit::chain::{
        rebuild::scene::{Notes, Scene},
        tables::TablesError,
    },
};

/// What the credit node put in less what it took out, by asset. It wraps around: more may be taken out than was put in.
pub(super) const OWN: Notes<Asset, Amount> = Notes::named("own");

/// The credit node put something in.
pub(super) fn funded(scene: &mut Scene<'_>, (asset, amount): (Asset, Amount)) -> Done {
    match asset {
        Asset::Native => scene.exact_call("fund", &(), amount),
        Asset::Psp22(token) => scene.exact_call("fund_token", &(token, amount), 0),
    }
    by_node(scene)?;
    scene.not_zero(amount, "what was moved");
    own(scene, asset, |own| own.wrapping_add(amount))?;
    puts_in(scene, asset, amount)
}

/// The credit node took something out, to its registered account.
pub(super) fn withdrawn(scene: &mut Scene<'_>, (asset, amount, to): (Asset, Amount, AccountId)) -> Done {
    scene.exact_call("withdraw", &(asset, amount), 0);
    if let Some(account) = by_node(scene)? {
        scene.expect("the account that was paid", to_hex(&to.0), to_hex(&account.0));
    }
    scene.not_zero(amount, "what was moved");
    own(scene, asset, |own| own.wrapping_sub(amount))?;
    draws(scene, asset, amount)
}

/// A request's payee was paid (S1.9), once.
pub(super) fn paid_out(scene: &mut Scene<'_>, (id, payout): (RequestId, Payout)) -> Done {
    let block = scene.told.block;
    by_node(scene)?;
    if let Some(request) = scene.arguments::<CreditRequest>("pay") {
        ensure_sound(scene, id, &request, &request.payout)?;
        scene.before(request.pay_by, format_args!("the payee of {id} was paid"));
        let paid = (payout.payee, payout.asset, payout.amount);
        let asked = (request.payee, request.payout.asset, request.amount);
        scene.ensure(paid == asked, "wrong-value", || {
            format!("the payout of {id} isn't what the request asks for")
        });
    }
    let at = (payout.block, payout.paid_at);
    scene.ensure(at == (block.number, block.time), "wrong-value", || {
        let (number, time) = at;
        format!("the payout of {id} is said to be of block {number} at {time}, another than it is in")
    });
    let earlier = PAYOUTS.get(scene, &id)?;
    scene.ensure(earlier.is_none(), "twice", || {
        format!("the payee of {id} was paid before")
    });
    PAYOUTS.put(scene, &id, &payout)?;
    draws(scene, payout.asset, payout.amount)
}

/// The pool grows.
pub(super) fn puts_in(scene: &mut Scene<'_>, asset: Asset, amount: Amount) -> Done {
    let sum = pool(scene, asset)?.checked_add(amount);
    scene.ensure(sum.is_some(), "overflow", || {
        format!("the pool of {} is beyond what an amount can hold", AssetName(asset))
    });
    POOLS.put(scene, &asset, &sum.unwrap_or(Amount::MAX))
}

fn draws(scene: &mut Scene<'_>, asset: Asset, needed: Amount) -> Done {
    let available = pool(scene, asset)?;
    let left = available.checked_sub(needed);
    scene.ensure(left.is_some(), "overspent", || {
        format!(
            "{needed} of {} left the pool, in which {available} were",
            AssetName(asset)
        )
    });
    POOLS.put(scene, &asset, &left.unwrap_or_default())
}

fn pool(scene: &mut Scene<'_>, asset: Asset) -> Result<Amount, TablesError> {
    POOLS.or_default(scene, &asset)
}

fn own(scene: &mut Scene<'_>, asset: Asset, change: impl FnOnce(Amount) -> Amount) -> Done {
    let own = OWN.get(&scene.kept(), &asset)?.unwrap_or_default();
    OWN.put(&mut scene.kept(), &asset, &change(own))
}
