//! What goes back to a card: by void, refund or dispute, together never more than was taken.
use protocol::{
    prepaid::{day, CardState, Merchant, MerchantNumber, PaymentKey, PaymentRecord, RefundOrder, Returned, VoidOrder},
    signing::PAYLOAD_LENGTH,
    AccountId, Amount, Signature, Timestamp,
};

use super::{super::scene::Scene, named, Head, CARDS, DISPUTES, MERCHANTS, PAYMENTS, TERMINALS};
use crate::{
    audit::chain::tables::TablesError,
    chain::deployment::to_ss58,
    prepaid::book::{add, take_away},
};

pub(super) fn void(scene: &mut Scene<'_>, head: &mut Head, key: PaymentKey, amount: Amount) -> Result<(), TablesError> {
    let what = format!("{} is voided", named(key));
    let Some((mut record, merchant)) = payment(scene, key)? else {
        return Ok(());
    };
    if let Some((order, signature)) = scene.asked::<(VoidOrder, Signature)>("void") {
        let by = Ordered {
            terminal: order.terminal,
            payload: order.payload(&scene.domain()),
            expires_at: order.expires_at,
        };
        check_order(scene, record.merchant, &by, &signature, &what)?;
    }
    let is_disputed = DISPUTES.get(scene, &key)?.is_some();
    scene.forbid(record.is_voided, "twice", &what, "it was voided before");
    let is_closed = record.cycle != merchant.cycle.number;
    scene.forbid(is_closed, "wrong-state", &what, "its cycle was closed");
    let is_part = record.returned > 0 && !record.is_voided;
    scene.forbid(is_part, "wrong-state", &what, "a part of it went back before");
    scene.forbid(is_disputed, "wrong-state", &what, "it was disputed");
    scene.expect(format_args!("{what}: the amount"), amount, record.taken);
    record.is_voided = true;
    give_back(scene, head, key, (record, merchant), Returned::Void, amount)
}

pub(super) fn refund(
    scene: &mut Scene<'_>,
    head: &mut Head,
    key: PaymentKey,
    amount: Amount,
) -> Result<(), TablesError> {
    let what = format!("{} is refunded", named(key));
    let Some((record, merchant)) = payment(scene, key)? else {
        return Ok(());
    };
    if let Some((order, signature)) = scene.asked::<(RefundOrder, Signature)>("refund") {
        let by = Ordered {
            terminal: order.terminal,
            payload: order.payload(&scene.domain()),
            expires_at: order.expires_at,
        };
        check_order(scene, record.merchant, &by, &signature, &what)?;
        scene.expect(format_args!("{what}: the amount"), amount, order.amount);
        scene.forbid(
            order.returned != record.returned,
            "stale-number",
            &what,
            "the order was not of what went back before",
        );
    }
    let dispute = DISPUTES.get(scene, &key)?;
    let is_contested = dispute.is_some_and(|dispute| dispute.awarded.is_none());
    scene.not_zero(amount, format_args!("{what}: the amount"));
    scene.forbid(
        is_contested,
        "wrong-state",
        &what,
        "it was disputed, and that not decided",
    );
    give_back(scene, head, key, (record, merchant), Returned::Refund, amount)
}

/// From what the merchant isn't paid yet to the card; to its holder, if it is closed.
pub(super) fn give_back(
    scene: &mut Scene<'_>,
    head: &mut Head,
    key: PaymentKey,
    (mut record, mut merchant): (PaymentRecord, Merchant),
    why: Returned,
    amount: Amount,
) -> Result<(), TablesError> {
    let what = format!("{amount} of {} goes back", named(key));
    let left = record.returnable();
    scene.forbid(
        amount > left,
        "above-paid",
        &what,
        format_args!("{left} of it was left"),
    );
    add(&mut record.returned, amount);
    if let Err(error) = merchant.give_back(why, amount) {
        let rule = format!("the merchant can't give it: {error:?}");
        scene.forbid(true, "overspent", &what, rule);
        take_away(&mut merchant.unpaid, amount);
    }
    take_away(&mut head.float.merchants, amount);
    PAYMENTS.put(scene, &key, &record)?;
    MERCHANTS.put(scene, &record.merchant, &merchant)?;

    let Some(mut card) = scene.card(key.0)? else {
        return Ok(());
    };
    if card.state == CardState::Closed {
        return Ok(());
    }
    // Only what is undone counts no longer against the day's limit.
    if why == Returned::Void && card.day == day(record.paid_at) {
        let is_there = take_away(&mut card.paid_that_day, amount);
        scene.forbid(!is_there, "overspent", &what, "the card paid less on that day");
    }
    add(&mut card.balance, amount);
    add(&mut head.float.cards, amount);
    CARDS.put(scene, &key.0, &card)
}

/// A payment and its merchant; that there is none is a finding.
pub(super) fn payment(
    scene: &mut Scene<'_>,
    key: PaymentKey,
) -> Result<Option<(PaymentRecord, Merchant)>, TablesError> {
    let Some(record) = PAYMENTS.get(scene, &key)? else {
        scene.unknown(named(key));
        return Ok(None);
    };
    let merchant = scene.merchant(record.merchant)?;
    Ok(merchant.map(|merchant| (record, merchant)))
}

/// What a terminal ordered.
struct Ordered {
    terminal: AccountId,
    payload: [u8; PAYLOAD_LENGTH],
    expires_at: Timestamp,
}

/// A terminal of this merchant, whose key is good, signed in time.
fn check_order(
    scene: &mut Scene<'_>,
    merchant: MerchantNumber,
    ordered: &Ordered,
    signature: &Signature,
    what: &str,
) -> Result<(), TablesError> {
    let Ordered {
        terminal,
        payload,
        expires_at,
    } = ordered;
    scene.in_time(*expires_at, format_args!("{what}: the order"));
    let known = TERMINALS.get(scene, terminal)?;
    match known {
        None => scene.unknown(format_args!("terminal {}", to_ss58(terminal))),
        Some(known) => {
            let is_anothers = known.merchant != merchant;
            scene.forbid(is_anothers, "not-entitled", what, "the terminal is another merchant's");
            scene.forbid(known.is_revoked, "wrong-state", what, "the terminal's key was revoked");
        }
    }
    scene.signed(&terminal.0, payload, signature, || format!("{what}: the terminal's"));
    Ok(())
}
