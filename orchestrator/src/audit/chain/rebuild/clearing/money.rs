//! Deposits and withdrawals.
use protocol::{
    registry::Roles,
    settlement::{Asset, Source},
    text::to_hex,
    AccountId, Amount, Member,
};
use scale::Decode;

use super::state::{self, Head, DEPOSITED, DEPOSITORS, WITHDRAWN};
use crate::audit::chain::{
    rebuild::{
        registry,
        scene::{Notes, Scene},
    },
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
    scene.expect("the deposit's number", deposit, head.deposits);
    ensure_money(scene, asset, amount);
    scene.exact_call("deposit", &member, amount);
    registry::acts(scene, member, Roles::PARTICIPANT)?;
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
    scene.exact_call("withdraw", &(member, asset, amount), 0);
    if let Some(account) = registry::acts(scene, member, Roles::PARTICIPANT)? {
        scene.expect(
            format_args!("the account that member {} is paid to", member.0),
            to_hex(&to.0),
            to_hex(&account.0),
        );
    }
    state::spend(scene, member, asset, amount)?;
    add(scene, &WITHDRAWN, asset, amount)
}

fn ensure_money(scene: &mut Scene<'_>, asset: Asset, amount: Amount) {
    scene.not_zero(amount, "what was moved");
    scene.ensure(asset == Asset::Native, "bad-terms", || {
        format!("{asset:?} can't be deposited")
    });
}

fn add(scene: &mut Scene<'_>, sums: &Notes<Asset, Amount>, asset: Asset, amount: Amount) -> Result<(), TablesError> {
    let mut kept = scene.kept();
    let sum = sums.get(&kept, &asset)?.unwrap_or(0).saturating_add(amount);
    sums.put(&mut kept, &asset, &sum)
}
