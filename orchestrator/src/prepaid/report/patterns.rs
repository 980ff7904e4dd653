//! Patterns that call for a look: many payments of one card within a short time (velocity), and several top-ups or payments
//! of one holder just below a threshold, over all of the holder's cards (structuring).
use std::{collections::BTreeMap, ops::Range};

use protocol::{
    prepaid::{CardNumber, MerchantNumber},
    AccountId, Amount, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Blocks, Parameters, Span};
use crate::prepaid::book::{Book, CardEntry, CardMovement};

/// A card paid often within a short time. Payments that were voided later count: they were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Velocity {
    /// Which.
    pub card: CardNumber,
    /// Whose it is.
    #[serde(with = "protocol::text::account")]
    pub holder: AccountId,
    /// How many payments, in windows that overlap.
    pub payments: u64,
    /// How much they come to, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// The blocks of the first and the last.
    pub blocks: Blocks,
    /// The merchants that took them.
    pub merchants: Vec<MerchantNumber>,
}

/// What was kept just below a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Structured {
    /// Top-ups.
    TopUps,
    /// Payments.
    Payments,
}

impl Structured {
    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Structured::TopUps => "top-ups",
            Structured::Payments => "payments",
        }
    }
}

/// A holder stayed just below a threshold several times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structuring {
    /// Of what.
    pub of: Structured,
    /// Who.
    #[serde(with = "protocol::text::account")]
    pub holder: AccountId,
    /// The cards that they were made to or with.
    pub cards: Vec<CardNumber>,
    /// The merchants that were paid; none of top-ups.
    pub merchants: Vec<MerchantNumber>,
    /// How many.
    pub count: u64,
    /// How much they come to, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// What each of them stayed below, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub threshold: Amount,
    /// The blocks of the first and the last.
    pub blocks: Blocks,
}

/// Cards that paid often within a short time, by their numbers.
pub fn velocity(book: &Book, span: &Span, parameters: &Parameters) -> Vec<Velocity> {
    let mut found = Vec::new();
    for (number, card) in book.cards() {
        let paid = |movement: &&CardMovement| movement.kind == CardEntry::Payment && span.holds(&movement.at);
        let paid: Vec<(CardNumber, &CardMovement)> =
            card.movements.iter().filter(paid).map(|one| (number, one)).collect();
        for run in runs(&paid, parameters.velocity_payments, parameters.velocity_within) {
            let its = paid.get(run).unwrap_or_default();
            let Some(blocks) = blocks(its) else { continue };
            found.push(Velocity {
                card: number,
                holder: card.card.holder,
                payments: count(its),
                amount: sum(its),
                blocks,
                merchants: merchants(its),
            });
        }
    }
    found
}

/// Holders who stayed just below a threshold several times, top-ups first.
pub fn structuring(book: &Book, span: &Span, parameters: &Parameters) -> Vec<Structuring> {
    let Some(programme) = book.programme() else {
        return vec![];
    };
    let (top_ups, payments) = parameters.thresholds(&programme.limits);
    let kinds = [
        (Structured::TopUps, CardEntry::TopUp, top_ups),
        (Structured::Payments, CardEntry::Payment, payments),
    ];
    let mut found = Vec::new();
    for (of, kind, threshold) in kinds {
        let is_below = |amount| is_just_below(amount, threshold, parameters.below_percent);
        let mut by_holder: BTreeMap<AccountId, Vec<(CardNumber, &CardMovement)>> = BTreeMap::new();
        for (number, card) in book.cards() {
            let its = card
                .movements
                .iter()
                .filter(|one| one.kind == kind && span.holds(&one.at));
            let its = its.filter(|one| is_below(one.amount)).map(|one| (number, one));
            by_holder.entry(card.card.holder).or_default().extend(its);
        }
        for (holder, mut its) in by_holder {
            its.sort_by_key(|(_, movement)| (movement.at, movement.line));
            for run in runs(&its, parameters.structuring_count, parameters.structuring_within) {
                let its = its.get(run).unwrap_or_default();
                let Some(blocks) = blocks(its) else { continue };
                let mut cards: Vec<CardNumber> = its.iter().map(|(card, _)| *card).collect();
                cards.sort_unstable();
                cards.dedup();
                found.push(Structuring {
                    of,
                    holder,
                    cards,
                    merchants: merchants(its),
                    count: count(its),
                    amount: sum(its),
                    threshold,
                    blocks,
                });
            }
        }
    }
    found
}

/// Less than the threshold, but by at most so many hundredths of it.
pub fn is_just_below(amount: Amount, threshold: Amount, percent: u32) -> bool {
    // The divisor isn't 0. Divided first, large thresholds lose at most their last two digits' share.
    let margin = match threshold.checked_mul(percent.into()) {
        Some(product) => product.wrapping_div(100),
        None => threshold.wrapping_div(100).saturating_mul(percent.into()),
    };
    amount < threshold && amount >= threshold.saturating_sub(margin)
}

/// Where at least `count` follow each other within less than `within`: windows that overlap are one run.
fn runs(movements: &[(CardNumber, &CardMovement)], count: u32, within: Timestamp) -> Vec<Range<usize>> {
    let count = usize::try_from(count).unwrap_or(usize::MAX).max(1);
    let time = |index: usize| movements.get(index).map(|(_, movement)| movement.at.time);
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut first = 0_usize;
    for last in 0..movements.len() {
        let Some(now) = time(last) else { break };
        while first < last && time(first).is_some_and(|then| now.saturating_sub(then) >= within) {
            first = first.saturating_add(1);
        }
        let end = last.saturating_add(1);
        if end.saturating_sub(first) < count {
            continue;
        }
        match found.last_mut() {
            Some(run) if run.end > first => run.end = end,
            _ => found.push(first..end),
        }
    }
    found
}

fn blocks(movements: &[(CardNumber, &CardMovement)]) -> Option<Blocks> {
    let ((_, first), (_, last)) = (movements.first()?, movements.last()?);
    Some(Blocks {
        first: first.at.block,
        last: last.at.block,
    })
}

fn count(movements: &[(CardNumber, &CardMovement)]) -> u64 {
    u64::try_from(movements.len()).unwrap_or(u64::MAX)
}

fn sum(movements: &[(CardNumber, &CardMovement)]) -> Amount {
    let amounts = movements.iter().map(|(_, movement)| movement.amount);
    amounts.fold(0, Amount::saturating_add)
}

fn merchants(movements: &[(CardNumber, &CardMovement)]) -> Vec<MerchantNumber> {
    let mut merchants: Vec<MerchantNumber> = movements.iter().filter_map(|(_, one)| one.merchant).collect();
    merchants.sort_unstable();
    merchants.dedup();
    merchants
}
