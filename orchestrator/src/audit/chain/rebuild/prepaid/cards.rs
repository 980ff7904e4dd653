//! Cards: issued, topped up, stopped, replaced, closed.
use protocol::{
    prepaid::{Card, CardLimits, CardNumber, CardState},
    text::to_hex,
    AccountId, Amount, Timestamp,
};

use super::{super::scene::Scene, Head, CARDS};
use crate::{
    audit::chain::tables::TablesError,
    prepaid::{
        book::{add, take_away},
        past::Event,
    },
};

/// Every event that is about a card alone.
pub(super) fn change(scene: &mut Scene<'_>, head: &mut Head, event: &Event) -> Result<(), TablesError> {
    match event {
        Event::CardIssued {
            card,
            key,
            holder,
            limits,
            expires_at,
        } => issue(scene, *card, *key, *holder, *limits, *expires_at),
        Event::LimitsSet { card, limits } => alter(scene, *card, "its limits are set", true, |card| {
            card.limits = *limits;
            None
        }),
        Event::Frozen(card) => switch(scene, *card, CardState::Active, CardState::Frozen),
        Event::Unfrozen(card) => switch(scene, *card, CardState::Frozen, CardState::Active),
        Event::CardReplaced { card, key } => alter(scene, *card, "it is replaced", true, |card| {
            let is_same = card.key == *key;
            (card.key, card.state) = (*key, CardState::Active);
            is_same.then_some(("bad-terms", "the key is the same"))
        }),
        Event::CardClosed { card, holder, amount } => close(scene, head, *card, *holder, *amount),
        Event::ToppedUp {
            card,
            amount,
            reference,
            by,
        } => top_up(scene, head, *card, *amount, (*by, *reference)),
        _ => Ok(()),
    }
}

fn issue(
    scene: &mut Scene<'_>,
    number: CardNumber,
    key: AccountId,
    holder: AccountId,
    limits: CardLimits,
    expires_at: Timestamp,
) -> Result<(), TablesError> {
    let what = format!("card {} is issued", number.0);
    let is_known = CARDS.get(scene, &number)?.is_some();
    scene.forbid(is_known, "twice", &what, "there was a card of that number");
    scene.before(expires_at, &what);
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
    CARDS.put(scene, &number, &card)
}

/// Changes a card; `change` says what rule was broken by that, and its code. `is_open`: it must not be closed.
fn alter(
    scene: &mut Scene<'_>,
    number: CardNumber,
    what: &str,
    is_open: bool,
    change: impl FnOnce(&mut Card) -> Option<(&'static str, &'static str)>,
) -> Result<(), TablesError> {
    let Some(mut card) = scene.card(number)? else {
        return Ok(());
    };
    let what = format!("card {}: {what}", number.0);
    let is_closed = is_open && card.state == CardState::Closed;
    scene.forbid(is_closed, "wrong-state", &what, "the card was closed");
    if let Some((code, rule)) = change(&mut card) {
        scene.forbid(true, code, &what, rule);
    }
    CARDS.put(scene, &number, &card)
}

fn switch(scene: &mut Scene<'_>, number: CardNumber, from: CardState, to: CardState) -> Result<(), TablesError> {
    alter(scene, number, "it is stopped or let go on", false, |card| {
        let was = std::mem::replace(&mut card.state, to);
        (was != from).then_some(("wrong-state", "it was in another state"))
    })
}

fn close(
    scene: &mut Scene<'_>,
    head: &mut Head,
    number: CardNumber,
    holder: AccountId,
    amount: Amount,
) -> Result<(), TablesError> {
    let Some(mut card) = scene.card(number)? else {
        return Ok(());
    };
    let what = format!("card {} is closed", number.0);
    scene.forbid(card.state == CardState::Closed, "twice", &what, "it was closed before");
    scene.expect(format_args!("{what}: what it held"), amount, card.balance);
    scene.expect(
        format_args!("{what}: its holder"),
        to_hex(&holder.0),
        to_hex(&card.holder.0),
    );
    let is_there = take_away(&mut head.float.cards, amount);
    scene.forbid(!is_there, "overspent", &what, "all cards together held less");
    (card.balance, card.state) = (0, CardState::Closed);
    CARDS.put(scene, &number, &card)
}

fn top_up(
    scene: &mut Scene<'_>,
    head: &mut Head,
    number: CardNumber,
    amount: Amount,
    reference: (AccountId, [u8; 32]),
) -> Result<(), TablesError> {
    let what = format!("card {} is topped up", number.0);
    scene.use_reference(reference, &what)?;
    scene.not_zero(amount, format_args!("{what}: the amount"));
    let Some(mut card) = scene.card(number)? else {
        return Ok(());
    };
    let is_stopped = card.state != CardState::Active;
    scene.forbid(is_stopped, "wrong-state", &what, "it was frozen or closed");
    scene.before(card.expires_at, &what);
    add(&mut card.balance, amount);
    add(&mut head.float.cards, amount);
    let limit = card.limits.within(&head.programme.limits).balance;
    let rule = format!("it may hold {limit} and holds {}", card.balance);
    scene.forbid(card.balance > limit, "above-limit", &what, rule);
    CARDS.put(scene, &number, &card)
}
