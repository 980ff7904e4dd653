//! Cards: issued, topped up, stopped, replaced, closed.
use protocol::{
    prepaid::{Card, CardLimits, CardNumber, CardState},
    text::to_hex,
    AccountId, Amount, Timestamp,
};

use super::{super::case::Case, Head, CARDS};
use crate::{
    audit::chain::tables::TablesError,
    prepaid::{
        book::{add, take_away},
        past::Event,
    },
};

/// Every event that is about a card alone.
pub(super) fn change(case: &mut Case<'_>, head: &mut Head, event: &Event) -> Result<(), TablesError> {
    match event {
        Event::CardIssued {
            card,
            key,
            holder,
            limits,
            expires_at,
        } => issue(case, *card, *key, *holder, *limits, *expires_at),
        Event::LimitsSet { card, limits } => alter(case, *card, "its limits are set", true, |card| {
            card.limits = *limits;
            None
        }),
        Event::Frozen(card) => switch(case, *card, CardState::Active, CardState::Frozen),
        Event::Unfrozen(card) => switch(case, *card, CardState::Frozen, CardState::Active),
        Event::CardReplaced { card, key } => alter(case, *card, "it is replaced", true, |card| {
            let is_same = card.key == *key;
            (card.key, card.state) = (*key, CardState::Active);
            is_same.then_some("the key is the same")
        }),
        Event::CardClosed { card, holder, amount } => close(case, head, *card, *holder, *amount),
        Event::ToppedUp {
            card,
            amount,
            reference,
            by,
        } => top_up(case, head, *card, *amount, (*by, *reference)),
        _ => Ok(()),
    }
}

fn issue(
    case: &mut Case<'_>,
    number: CardNumber,
    key: AccountId,
    holder: AccountId,
    limits: CardLimits,
    expires_at: Timestamp,
) -> Result<(), TablesError> {
    let what = format!("card {} is issued", number.0);
    let is_known = case.kept().get::<Card>(CARDS, &number)?.is_some();
    case.forbid(is_known, &what, "there was a card of that number");
    case.forbid(case.now() >= expires_at, &what, "it had expired");
    let card = Card {
        key,
        holder,
        limits,
        expires_at,
        state: CardState::Active,
        balance: 0,
        day: 0,
        paid_that_day: 0,
        counter: 0,
    };
    case.kept().put(CARDS, &number, &card)
}

/// Changes a card; `change` says what rule was broken by that. `is_open`: it must not be closed.
fn alter(
    case: &mut Case<'_>,
    number: CardNumber,
    what: &str,
    is_open: bool,
    change: impl FnOnce(&mut Card) -> Option<&'static str>,
) -> Result<(), TablesError> {
    let Some(mut card) = case.card(number)? else {
        return Ok(());
    };
    let what = format!("card {}: {what}", number.0);
    case.forbid(is_open && card.state == CardState::Closed, &what, "the card was closed");
    if let Some(rule) = change(&mut card) {
        case.forbid(true, &what, rule);
    }
    case.kept().put(CARDS, &number, &card)
}

fn switch(case: &mut Case<'_>, number: CardNumber, from: CardState, to: CardState) -> Result<(), TablesError> {
    alter(case, number, "it is stopped or let go on", false, |card| {
        let was = std::mem::replace(&mut card.state, to);
        (was != from).then_some("it was in another state")
    })
}

fn close(
    case: &mut Case<'_>,
    head: &mut Head,
    number: CardNumber,
    holder: AccountId,
    amount: Amount,
) -> Result<(), TablesError> {
    let Some(mut card) = case.card(number)? else {
        return Ok(());
    };
    let what = format!("card {} is closed", number.0);
    case.forbid(card.state == CardState::Closed, &what, "it was closed before");
    case.expect(format_args!("{what}: what it held"), amount, card.balance);
    case.expect(format_args!("{what}: its holder"), to_hex(&holder.0), to_hex(&card.holder.0));
    let is_there = take_away(&mut head.float.cards, amount);
    case.forbid(!is_there, &what, "all cards together held less");
    (card.balance, card.state) = (0, CardState::Closed);
    case.kept().put(CARDS, &number, &card)
}

fn top_up(
    case: &mut Case<'_>,
    head: &mut Head,
    number: CardNumber,
    amount: Amount,
    reference: (AccountId, [u8; 32]),
) -> Result<(), TablesError> {
    let what = format!("card {} is topped up", number.0);
    case.use_reference(reference, &what)?;
    case.forbid(amount == 0, &what, "the amount is 0");
    let Some(mut card) = case.card(number)? else {
        return Ok(());
    };
    case.forbid(card.state != CardState::Active, &what, "it was frozen or closed");
    case.forbid(case.now() >= card.expires_at, &what, "it had expired");
    add(&mut card.balance, amount);
    add(&mut head.float.cards, amount);
    let limit = card.limits.within(&head.programme.limits).balance;
    let rule = format!("it may hold {limit} and holds {}", card.balance);
    case.forbid(card.balance > limit, &what, rule);
    case.kept().put(CARDS, &number, &card)
}
