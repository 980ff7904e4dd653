//! Deposits and withdrawals.
use protocol::{
    settlement::{Asset, Source},
    AccountId, Amount, Member,
};
use scale::Decode;

use super::{
    signed,
    state::{self, Head, DEPOSITED, DEPOSITORS, WITHDRAWN},
};
use crate::audit::chain::{
    rebuild::scene::{Notes, Scene},
    tables::TablesError,
};

#[derive(Decode)]
struct Deposited {
    member: Member,
    asset: Asset,
    amount: Amount,
    deposit: u64,
}

#[derive(Decode)]
struct Withdrawn {
    member: Member,
    asset: Asset,
    amount: Amount,
    to: AccountId,
}

pub(super) fn deposited(scene: &mut Scene<'_>, head: Head) -> Result<(), TablesError> {
    let Some(told) = scene.fields::<Deposited>() else {
        return Ok(());
    };
    let Deposited {
        member,
        asset,
        amount,
        deposit,
    } = told;
    scene.ensure(deposit == head.deposits, "number-skipped", || {
        format!("deposit {deposit} is told after {} deposits", head.deposits)
    });
    ensure_money(scene, asset, amount);
    if let Some((asked,)) = scene.arguments::<(Member,)>("deposit") {
        let sent = scene.told.call.map_or(0, |call| call.value);
        scene.ensure(asked == member && sent == amount, "other-arguments", || {
            format!("member {} sent {sent}", asked.0)
        });
    }
    signed::ensure_acts(scene, member)?;
    let head = Head {
        deposits: deposit.saturating_add(1),
        ..head
    };
    scene.kept().set_head(&head)?;
    DEPOSITORS.put(scene, &deposit, &(member, asset))?;
    state::credit(scene, member, asset, amount, Source::Deposit(deposit))?;
    add(scene, &DEPOSITED, asset, amount)
}

pub(super) fn withdrawn(scene: &mut Scene<'_>) -> Result<(), TablesError> {
    let Some(told) = scene.fields::<Withdrawn>() else {
        return Ok(());
    };
    let Withdrawn {
        member,
        asset,
        amount,
        to,
    } = told;
    ensure_money(scene, asset, amount);
    let account = signed::account(scene, member)?;
    scene.ensure(account == Some(to), "other-account", || {
        format!("member {} is paid to an account that isn't its", member.0)
    });
    if let Some(asked) = scene.arguments::<(Member, Asset, Amount)>("withdraw") {
        scene.ensure(asked == (member, asset, amount), "other-arguments", || {
            format!("member {} asked for {} of {:?}", asked.0 .0, asked.2, asked.1)
        });
    }
    signed::ensure_acts(scene, member)?;
    state::spend(scene, member, asset, amount)?;
    add(scene, &WITHDRAWN, asset, amount)
}

fn ensure_money(scene: &mut Scene<'_>, asset: Asset, amount: Amount) {
    scene.ensure(amount > 0, "zero-amount", || "nothing was moved".to_owned());
    scene.ensure(asset == Asset::Native, "other-asset", || {
        format!("{asset:?} can't be deposited")
    });
}

fn add(scene: &mut Scene<'_>, sums: &Notes<Asset, Amount>, asset: Asset, amount: Amount) -> Result<(), TablesError> {
    let mut kept = scene.kept();
    let sum = sums.get(&kept, &asset)?.unwrap_or(0).saturating_add(amount);
    sums.put(&mut kept, &asset, &sum)
}
