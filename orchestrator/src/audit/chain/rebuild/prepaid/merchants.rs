//! Merchants, their terminals, what is put in for them, and what they are paid by cycle.
use protocol::{
    prepaid::{Cycle, Merchant, MerchantNumber, Rules, Statement, Terminal},
    AccountId, Amount, Member,
};

use super::{super::scene::Scene, Head, MERCHANTS, STATEMENTS, TERMINALS};
use crate::{
    audit::chain::tables::TablesError,
    chain::deployment::to_ss58,
    prepaid::{
        book::{add, differences, take_away, Place},
        statements::draw::Reckoning,
    },
};

pub(super) fn register(
    scene: &mut Scene<'_>,
    number: MerchantNumber,
    acquirer: Member,
    account: AccountId,
    rules: Rules,
) -> Result<(), TablesError> {
    let what = format!("merchant {} is registered", number.0);
    let is_known = MERCHANTS.get(scene, &number)?.is_some();
    scene.forbid(is_known, "twice", &what, "there was a merchant of that number");
    let is_bad = rules.check().is_err();
    scene.forbid(is_bad, "bad-terms", &what, "its rules take more than a whole");
    let merchant = Merchant::new(acquirer, account, rules, scene.now());
    MERCHANTS.put(scene, &number, &merchant)
}

pub(super) fn switch(scene: &mut Scene<'_>, number: MerchantNumber, is_active: bool) -> Result<(), TablesError> {
    let Some(mut merchant) = scene.merchant(number)? else {
        return Ok(());
    };
    merchant.is_active = is_active;
    MERCHANTS.put(scene, &number, &merchant)
}

pub(super) fn set_rules(scene: &mut Scene<'_>, number: MerchantNumber, rules: Rules) -> Result<(), TablesError> {
    let Some(mut merchant) = scene.merchant(number)? else {
        return Ok(());
    };
    let what = format!("merchant {}: rules are set", number.0);
    scene.forbid(rules.check().is_err(), "bad-terms", what, "they take more than a whole");
    merchant.next_rules = rules;
    MERCHANTS.put(scene, &number, &merchant)
}

pub(super) fn add_terminal(scene: &mut Scene<'_>, merchant: MerchantNumber, key: AccountId) -> Result<(), TablesError> {
    let what = format!("merchant {}: terminal {} is added", merchant.0, to_ss58(&key));
    scene.merchant(merchant)?;
    let is_known = TERMINALS.get(scene, &key)?.is_some();
    scene.forbid(is_known, "twice", what, "the key is or was a terminal's");
    let is_revoked = false;
    TERMINALS.put(scene, &key, &Terminal { merchant, is_revoked })
}

pub(super) fn revoke_terminal(
    scene: &mut Scene<'_>,
    merchant: MerchantNumber,
    key: AccountId,
) -> Result<(), TablesError> {
    let Some(mut terminal) = TERMINALS.get(scene, &key)? else {
        scene.unknown(format_args!("terminal {}", to_ss58(&key)));
        return Ok(());
    };
    let what = format!("terminal {} is revoked", to_ss58(&key));
    scene.forbid(terminal.is_revoked, "twice", &what, "it was revoked before");
    scene.expect(format_args!("{what}: its merchant"), merchant.0, terminal.merchant.0);
    terminal.is_revoked = true;
    TERMINALS.put(scene, &key, &terminal)
}

pub(super) fn fund(
    scene: &mut Scene<'_>,
    head: &mut Head,
    number: MerchantNumber,
    amount: Amount,
    reference: (AccountId, [u8; 32]),
) -> Result<(), TablesError> {
    let what = format!("merchant {} is funded", number.0);
    scene.use_reference(reference, &what)?;
    scene.not_zero(amount, format_args!("{what}: the amount"));
    let Some(mut merchant) = scene.merchant(number)? else {
        return Ok(());
    };
    let is_beyond = merchant.fund(amount).is_err();
    scene.forbid(is_beyond, "overflow", what, "a sum is beyond what an amount can hold");
    add(&mut head.float.merchants, amount);
    MERCHANTS.put(scene, &number, &merchant)
}

/// The statement is reckoned once more from what moved; what it says is what goes on.
pub(super) fn close_cycle(
    scene: &mut Scene<'_>,
    head: &mut Head,
    number: MerchantNumber,
    told: &Statement,
) -> Result<(), TablesError> {
    let Some(mut merchant) = scene.merchant(number)? else {
        return Ok(());
    };
    let what = format!("merchant {}: cycle {} is closed", number.0, merchant.cycle.number);
    let reckoning = Reckoning {
        merchant: number,
        account: merchant.account,
        cycle: merchant.cycle,
        closed_at: scene.now(),
        rules: merchant.rules,
        fee_before: merchant.fee_due,
        held: merchant.held,
    };
    match reckoning.statement() {
        Some(statement) => wrong_parts(scene, &what, told, &statement),
        None => scene.forbid(true, "overflow", &what, "sums of it are beyond what amounts can hold"),
    }
    for leaves in [told.fee, told.paid] {
        let is_there = take_away(&mut head.float.merchants, leaves);
        scene.forbid(!is_there, "overspent", &what, "all merchants together were owed less");
    }
    merchant.unpaid = told.closing;
    merchant.fee_due = told.fee_due;
    merchant.rules = merchant.next_rules;
    merchant.cycle = Cycle {
        number: told.cycle.number.saturating_add(1),
        opened_at: told.closed_at,
        opening: told.closing,
        ..Cycle::default()
    };
    MERCHANTS.put(scene, &number, &merchant)?;
    STATEMENTS.put(scene, &(number, told.cycle.number), told)
}

/// Each part of a statement that isn't what follows is named.
fn wrong_parts(scene: &mut Scene<'_>, what: &str, told: &Statement, expected: &Statement) {
    let place = Place::Event {
        block: scene.told.block.number,
        event: scene.told.index,
    };
    for part in differences(place, what, told, expected) {
        scene.find(
            "wrong-value",
            format!("{}: {} is told, {} follows", part.what, part.found, part.expected),
        );
    }
}
