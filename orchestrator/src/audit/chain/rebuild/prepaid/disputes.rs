//! A holder's objection to a payment, and what comes of it.
use protocol::{
    prepaid::{Dispute, DisputeOrder, PaymentKey, Returned},
    Amount, Signature, Timestamp,
};

use super::{
    super::scene::Scene,
    named,
    returns::{give_back, payment},
    Head, DISPUTES, MERCHANTS,
};
use crate::audit::chain::tables::TablesError;

pub(super) fn open(
    scene: &mut Scene<'_>,
    head: &Head,
    key: PaymentKey,
    amount: Amount,
    evidence: [u8; 32],
    rule_by: Timestamp,
) -> Result<(), TablesError> {
    let (what, now) = (format!("{} is disputed", named(key)), scene.now());
    let Some((record, mut merchant)) = payment(scene, key)? else {
        return Ok(());
    };
    check_order(scene, key, &what)?;
    let is_known = DISPUTES.get(scene, &key)?.is_some();
    scene.forbid(is_known, "twice", &what, "it was disputed before");
    scene.not_zero(amount, format_args!("{what}: the amount"));
    let left = record.returnable();
    scene.forbid(
        amount > left,
        "above-paid",
        &what,
        format_args!("{left} of it was left"),
    );
    let until = record.paid_at.saturating_add(head.programme.dispute_period);
    scene.before(until, &what);
    let expected = now.saturating_add(head.programme.ruling_period);
    scene.expect(format_args!("{what}: until when it is decided"), rule_by, expected);
    let is_beyond = merchant.hold(amount).is_err();
    scene.forbid(is_beyond, "overflow", &what, "a sum is beyond what an amount can hold");
    let dispute = Dispute {
        amount,
        evidence,
        opened_at: now,
        rule_by,
        answer: None,
        awarded: None,
    };
    MERCHANTS.put(scene, &record.merchant, &merchant)?;
    DISPUTES.put(scene, &key, &dispute)
}

/// The card's holder signed, in time.
fn check_order(scene: &mut Scene<'_>, key: PaymentKey, what: &str) -> Result<(), TablesError> {
    let Some((order, signature)) = scene.asked::<(DisputeOrder, Signature)>("open_dispute") else {
        return Ok(());
    };
    scene.in_time(order.expires_at, format_args!("{what}: the order"));
    if let Some(card) = scene.card(key.0)? {
        let payload = order.payload(&scene.domain());
        scene.signed(&card.holder.0, &payload, &signature, || format!("{what}: the holder's"));
    }
    Ok(())
}

pub(super) fn answer(
    scene: &mut Scene<'_>,
    head: &Head,
    key: PaymentKey,
    answer: [u8; 32],
    rule_by: Timestamp,
) -> Result<(), TablesError> {
    let (what, now) = (format!("the dispute over {} is answered", named(key)), scene.now());
    let Some(mut dispute) = dispute(scene, key)? else {
        return Ok(());
    };
    scene.forbid(dispute.awarded.is_some(), "wrong-state", &what, "it was decided before");
    scene.forbid(dispute.answer.is_some(), "twice", &what, "it was answered before");
    scene.before(dispute.rule_by, &what);
    let expected = now.saturating_add(head.programme.ruling_period);
    scene.expect(format_args!("{what}: until when it is decided"), rule_by, expected);
    (dispute.answer, dispute.rule_by) = (Some(answer), rule_by);
    DISPUTES.put(scene, &key, &dispute)
}

pub(super) fn decide(
    scene: &mut Scene<'_>,
    head: &mut Head,
    key: PaymentKey,
    awarded: Amount,
    is_default: bool,
) -> Result<(), TablesError> {
    let what = format!("the dispute over {} is decided", named(key));
    let (dispute, payment) = (dispute(scene, key)?, payment(scene, key)?);
    let (Some(mut dispute), Some((record, mut merchant))) = (dispute, payment) else {
        return Ok(());
    };
    scene.forbid(awarded > dispute.amount, "above-paid", &what, "the holder wanted less");
    if is_default {
        scene.not_before(dispute.rule_by, &what);
        let by_default = if dispute.answer.is_some() { 0 } else { dispute.amount };
        scene.expect(format_args!("{what}: what goes back"), awarded, by_default);
    } else {
        scene.before(dispute.rule_by, &what);
    }
    if dispute.awarded.is_some() {
        scene.forbid(true, "twice", &what, "it was decided before");
    } else if merchant.let_go(dispute.amount).is_err() {
        scene.forbid(true, "overspent", &what, "less was held");
    }
    dispute.awarded = Some(awarded);
    DISPUTES.put(scene, &key, &dispute)?;
    MERCHANTS.put(scene, &record.merchant, &merchant)?;
    if awarded == 0 {
        return Ok(());
    }
    give_back(scene, head, key, (record, merchant), Returned::Award, awarded)
}

/// A dispute; that there is none is a finding.
fn dispute(scene: &mut Scene<'_>, key: PaymentKey) -> Result<Option<Dispute>, TablesError> {
    let found = DISPUTES.get(scene, &key)?;
    if found.is_none() {
        scene.unknown(format_args!("a dispute over {}", named(key)));
    }
    Ok(found)
}
