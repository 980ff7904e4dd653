//! Sums over a programme.
use protocol::{prepaid::CardState, Amount};
use serde::{Deserialize, Serialize};

use super::Span;
use crate::prepaid::book::{Book, CardEntry, EntryKind};

/// How many, and how much together. Sums stop at the largest amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// How much, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
}

impl Sum {
    /// One more.
    pub fn add(&mut self, amount: Amount) {
        self.count = self.count.saturating_add(1);
        self.amount = self.amount.saturating_add(amount);
    }
}

/// A programme in numbers: what stands after the last block, then what moved within the span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Cards that can be used, unless they have expired, and what they hold.
    pub active_cards: Sum,
    /// Cards that are stopped.
    pub frozen_cards: Sum,
    /// Cards that are closed. They hold nothing.
    pub closed_cards: Sum,
    /// Merchants, and what they aren't paid yet, fees not taken off.
    pub merchants: Sum,
    /// Merchants that take no payments.
    pub suspended_merchants: u64,
    /// Undecided disputes, and what is held for them.
    pub disputed: Sum,
    /// Top-ups.
    pub top_ups: Sum,
    /// Payments that were taken.
    pub payments: Sum,
    /// Payments that were declined, by what was asked for.
    pub declined: Sum,
    /// Payments that were undone.
    pub voids: Sum,
    /// Refunds.
    pub refunds: Sum,
    /// Disputes decided for holders.
    pub awards: Sum,
    /// What was put in for refunds.
    pub fundings: Sum,
    /// Cards that were closed, and what their holders were paid.
    pub card_payouts: Sum,
    /// Cycles that were closed, and the fees taken.
    pub fees: Sum,
    /// Cycles in which merchants were paid, and what.
    pub payouts: Sum,
}

impl Totals {
    /// Each by its name, in the order in which they are shown.
    pub fn named(&self) -> [(&'static str, Sum); 16] {
        let suspended = Sum {
            count: self.suspended_merchants,
            amount: 0,
        };
        [
            ("active-cards", self.active_cards),
            ("frozen-cards", self.frozen_cards),
            ("closed-cards", self.closed_cards),
            ("merchants", self.merchants),
            ("suspended-merchants", suspended),
            ("disputed", self.disputed),
            ("top-ups", self.top_ups),
            ("payments", self.payments),
            ("declined", self.declined),
            ("voids", self.voids),
            ("refunds", self.refunds),
            ("awards", self.awards),
            ("fundings", self.fundings),
            ("card-payouts", self.card_payouts),
            ("fees", self.fees),
            ("payouts", self.payouts),
        ]
    }
}

/// The programme's.
pub fn of(book: &Book, span: &Span) -> Totals {
    let mut totals = Totals::default();
    for (_, card) in book.cards() {
        let sum = match card.card.state {
            CardState::Active => &mut totals.active_cards,
            CardState::Frozen => &mut totals.frozen_cards,
            CardState::Closed => &mut totals.closed_cards,
        };
        sum.add(card.card.balance);
        for movement in card.movements.iter().filter(|movement| span.holds(&movement.at)) {
            match movement.kind {
                CardEntry::TopUp => totals.top_ups.add(movement.amount),
                CardEntry::Payout => totals.card_payouts.add(movement.amount),
                // Counted where the merchant has them.
                CardEntry::Payment | CardEntry::Void | CardEntry::Refund | CardEntry::Award => {}
            }
        }
    }
    for (_, merchant) in book.merchants() {
        totals.merchants.add(merchant.unpaid);
        if !merchant.is_active {
            totals.suspended_merchants = totals.suspended_merchants.saturating_add(1);
        }
        for entry in merchant.entries.iter().filter(|entry| span.holds(&entry.at)) {
            let sum = match entry.kind {
                EntryKind::Payment => &mut totals.payments,
                EntryKind::Void => &mut totals.voids,
                EntryKind::Refund => &mut totals.refunds,
                EntryKind::Award => &mut totals.awards,
                EntryKind::Funding => &mut totals.fundings,
            };
            sum.add(entry.amount);
        }
        for closing in merchant.closings.iter().filter(|closing| span.holds(&closing.at)) {
            totals.fees.add(closing.statement.fee);
            if closing.statement.paid > 0 {
                totals.payouts.add(closing.statement.paid);
            }
        }
    }
    for declined in book.declined().iter().filter(|declined| span.holds(&declined.at)) {
        totals.declined.add(declined.payment.amount);
    }
    let undecided = book.disputes().filter(|(_, dispute)| dispute.decided.is_none());
    undecided.for_each(|(_, dispute)| totals.disputed.add(dispute.dispute.amount));
    totals
}
