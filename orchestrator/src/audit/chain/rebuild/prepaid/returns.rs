//! What goes back to a card: by void, refund or dispute, together never more than was taken.
use protocol::{
    prepaid::{
        day, CardState, Dispute, Merchant, MerchantNumber, PaymentKey, PaymentRecord, RefundOrder, Returned, Terminal,
        VoidOrder,
    },
    signing::PAYLOAD_LENGTH,
    AccountId, Amount, Signature, Timestamp,
};

use super::{super::case::Case, named, Head, CARDS, DISPUTES, MERCHANTS, PAYMENTS, TERMINALS};
use crate::{
    audit::chain::tables::TablesError,
    chain::deployment::to_ss58,
    prepaid::book::{add, take_away},
};

pub(super) fn void(
    case: &mut Case<'_>,
    head: &mut Head,
    key: PaymentKey,
    amount: Amount,
) -> Result<(), TablesError> {
    let what = format!("{} is voided", named(key));
    let Some((mut record, merchant)) = payment(case, key)? else {
        return Ok(());
    };
    if let Some((order, signature)) = case.arguments::<(VoidOrder, Signature)>("void") {
        let by = Ordered {
            terminal: order.terminal,
            payload: order.payload(&case.domain()),
            expires_at: order.expires_at,
        };
        check_order(case, record.merchant, &by, &signature, &what)?;
    }
    let is_disputed = case.kept().get::<Dispute>(DISPUTES, &key)?.is_some();
    case.forbid(record.is_voided, &what, "it was voided before");
    case.forbid(record.cycle != merchant.cycle.number, &what, "its cycle was closed");
    let is_part = record.returned > 0 && !record.is_voided;
    case.forbid(is_part, &what, "a part of it went back before");
    case.forbid(is_disputed, &what, "it was disputed");
    case.expect(format_args!("{what}: the amount"), amount, record.taken);
    record.is_voided = true;
    give_back(case, head, key, (record, merchant), Returned::Void, amount)
}

pub(super) fn refund(
    case: &mut Case<'_>,
    head: &mut Head,
    key: PaymentKey,
    amount: Amount,
) -> Result<(), TablesError> {
    let what = format!("{} is refunded", named(key));
    let Some((record, merchant)) = payment(case, key)? else {
        return Ok(());
    };
    if let Some((order, signature)) = case.arguments::<(RefundOrder, Signature)>("refund") {
        let by = Ordered {
            terminal: order.terminal,
            payload: order.payload(&case.domain()),
            expires_at: order.expires_at,
        };
        check_order(case, record.merchant, &by, &signature, &what)?;
        case.expect(format_args!("{what}: the amount"), amount, order.amount);
        case.forbid(order.returned != record.returned, &what, "the order was not of what went back before");
    }
    let dispute = case.kept().get::<Dispute>(DISPUTES, &key)?;
    let is_contested = dispute.is_some_and(|dispute| dispute.awarded.is_none());
    case.forbid(amount == 0, &what, "the amount is 0");
    case.forbid(is_contested, &what, "it was disputed, and that not decided");
    give_back(case, head, key, (record, merchant), Returned::Refund, amount)
}

/// From what the merchant isn't paid yet to the card; to its holder, if it is closed.
pub(super) fn give_back(
    case: &mut Case<'_>,
    head: &mut Head,
    key: PaymentKey,
    (mut record, mut merchant): (PaymentRecord, Merchant),
    why: Returned,
    amount: Amount,
) -> Result<(), TablesError> {
    let what = format!("{amount} of {} goes back", named(key));
    let left = record.returnable();
    case.forbid(amount > left, &what, format_args!("{left} of it was left"));
    add(&mut record.returned, amount);
    if let Err(error) = merchant.give_back(why, amount) {
        case.forbid(true, &what, format_args!("the merchant can't give it: {error:?}"));
        take_away(&mut merchant.unpaid, amount);
    }
    take_away(&mut head.float.merchants, amount);
    let mut kept = case.kept();
    kept.put(PAYMENTS, &key, &record)?;
    kept.put(MERCHANTS, &record.merchant, &merchant)?;

    let Some(mut card) = case.card(key.0)? else {
        return Ok(());
    };
    if card.state == CardState::Closed {
        return Ok(());
    }
    // Only what is undone counts no longer against the day's limit.
    if why == Returned::Void && card.day == day(record.paid_at) {
        let is_there = take_away(&mut card.paid_that_day, amount);
        case.forbid(!is_there, &what, "the card paid less on that day");
    }
    add(&mut card.balance, amount);
    add(&mut head.float.cards, amount);
    case.kept().put(CARDS, &key.0, &card)
}

/// A payment and its merchant; that there is none is a finding.
pub(super) fn payment(
    case: &mut Case<'_>,
    key: PaymentKey,
) -> Result<Option<(PaymentRecord, Merchant)>, TablesError> {
    let Some(record) = case.kept().get::<PaymentRecord>(PAYMENTS, &key)? else {
        case.unknown(named(key));
        return Ok(None);
    };
    let merchant = case.merchant(record.merchant)?;
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
    case: &mut Case<'_>,
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
    case.forbid(case.now() >= *expires_at, what, "the order had expired");
    let known = case.kept().get::<Terminal>(TERMINALS, terminal)?;
    match known {
        None => case.unknown(format_args!("terminal {}", to_ss58(terminal))),
        Some(known) => {
            case.forbid(known.merchant != merchant, what, "the terminal is another merchant's");
            case.forbid(known.is_revoked, what, "the terminal's key was revoked");
        }
    }
    case.signed(&terminal.0, payload, signature, format_args!("{what}: the terminal"));
    Ok(())
}
