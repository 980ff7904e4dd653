//! A holder's objection to a payment, and what comes of it.
use protocol::{
    prepaid::{Dispute, DisputeOrder, PaymentKey, Returned},
    Amount, Signature, Timestamp,
};

use super::{
    super::case::Case,
    named,
    returns::{give_back, payment},
    Head, DISPUTES, MERCHANTS,
};
use crate::audit::chain::tables::TablesError;

pub(super) fn open(
    case: &mut Case<'_>,
    head: &Head,
    key: PaymentKey,
    amount: Amount,
    evidence: [u8; 32],
    rule_by: Timestamp,
) -> Result<(), TablesError> {
    let (what, now) = (format!("{} is disputed", named(key)), case.now());
    let Some((record, mut merchant)) = payment(case, key)? else {
        return Ok(());
    };
    check_order(case, key, &what)?;
    let is_known = case.kept().get::<Dispute>(DISPUTES, &key)?.is_some();
    case.forbid(is_known, &what, "it was disputed before");
    case.forbid(amount == 0, &what, "the amount is 0");
    let left = record.returnable();
    case.forbid(amount > left, &what, format_args!("{left} of it was left"));
    let until = record.paid_at.saturating_add(head.programme.dispute_period);
    case.forbid(now >= until, &what, "the time for disputes was over");
    let expected = now.saturating_add(head.programme.ruling_period);
    case.expect(format_args!("{what}: until when it is decided"), rule_by, expected);
    let is_beyond = merchant.hold(amount).is_err();
    case.forbid(is_beyond, &what, "a sum is beyond what an amount can hold");
    let dispute = Dispute {
        amount,
        evidence,
        opened_at: now,
        rule_by,
        answer: None,
        awarded: None,
    };
    let mut kept = case.kept();
    kept.put(MERCHANTS, &record.merchant, &merchant)?;
    kept.put(DISPUTES, &key, &dispute)
}

/// The card's holder signed, in time.
fn check_order(case: &mut Case<'_>, key: PaymentKey, what: &str) -> Result<(), TablesError> {
    let Some((order, signature)) = case.arguments::<(DisputeOrder, Signature)>("open_dispute") else {
        return Ok(());
    };
    case.forbid(case.now() >= order.expires_at, what, "the order had expired");
    if let Some(card) = case.card(key.0)? {
        let payload = order.payload(&case.domain());
        case.signed(&card.holder.0, &payload, &signature, format_args!("{what}: the holder"));
    }
    Ok(())
}

pub(super) fn answer(
    case: &mut Case<'_>,
    head: &Head,
    key: PaymentKey,
    answer: [u8; 32],
    rule_by: Timestamp,
) -> Result<(), TablesError> {
    let (what, now) = (format!("the dispute over {} is answered", named(key)), case.now());
    let Some(mut dispute) = dispute(case, key)? else {
        return Ok(());
    };
    case.forbid(dispute.awarded.is_some(), &what, "it was decided before");
    case.forbid(dispute.answer.is_some(), &what, "it was answered before");
    case.forbid(now >= dispute.rule_by, &what, "the time for it was over");
    let expected = now.saturating_add(head.programme.ruling_period);
    case.expect(format_args!("{what}: until when it is decided"), rule_by, expected);
    (dispute.answer, dispute.rule_by) = (Some(answer), rule_by);
    case.kept().put(DISPUTES, &key, &dispute)
}

pub(super) fn decide(
    case: &mut Case<'_>,
    head: &mut Head,
    key: PaymentKey,
    awarded: Amount,
    is_default: bool,
) -> Result<(), TablesError> {
    let what = format!("the dispute over {} is decided", named(key));
    let (dispute, payment) = (dispute(case, key)?, payment(case, key)?);
    let (Some(mut dispute), Some((record, mut merchant))) = (dispute, payment) else {
        return Ok(());
    };
    let is_late = case.now() >= dispute.rule_by;
    case.forbid(is_default && !is_late, &what, "the issuer's time was not over");
    case.forbid(!is_default && is_late, &what, "the issuer's time was over");
    case.forbid(awarded > dispute.amount, &what, "the holder wanted less");
    if is_default {
        let by_default = if dispute.answer.is_some() { 0 } else { dispute.amount };
        case.expect(format_args!("{what}: what goes back"), awarded, by_default);
    }
    if dispute.awarded.is_some() {
        case.forbid(true, &what, "it was decided before");
    } else if merchant.let_go(dispute.amount).is_err() {
        case.forbid(true, &what, "less was held");
    }
    dispute.awarded = Some(awarded);
    let mut kept = case.kept();
    kept.put(DISPUTES, &key, &dispute)?;
    kept.put(MERCHANTS, &record.merchant, &merchant)?;
    if awarded == 0 {
        return Ok(());
    }
    give_back(case, head, key, (record, merchant), Returned::Award, awarded)
}

/// A dispute; that there is none is a finding.
fn dispute(case: &mut Case<'_>, key: PaymentKey) -> Result<Option<Dispute>, TablesError> {
    let found = case.kept().get(DISPUTES, &key)?;
    if found.is_none() {
        case.unknown(format_args!("a dispute over {}", named(key)));
    }
    Ok(found)
}
