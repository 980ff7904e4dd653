//! What a payment on credit calls for, from what is stored and what both finalized chains show: one pure function.
//!
//! Reserve on the payer's chain, pay on the payee's, commit on the payer's. A crash at any point is a look that didn't
//! happen. ARCHITECTURE.md argues the deadlines.
use protocol::{
    credit::{Debt, DebtState},
    Amount, Timestamp,
};

use super::state::Stage;
use crate::store::credit::PaymentRow;

/// One of the two chains of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The payer's.
    Debt,
    /// The payee's.
    Payout,
}

/// Whether the payee was paid, by its finalized chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The chain can't be read now.
    Unknown,
    /// Not up to a block of this time.
    NotUntil(Timestamp),
    /// It was.
    Paid,
}

/// A payment, seen now.
pub(super) struct Look<'a> {
    /// What is stored.
    pub(super) payment: &'a PaymentRow,
    /// What the payer's finalized chain holds.
    pub(super) debt: Option<&'a Debt>,
    /// The time of that chain's latest finalized block, or of an earlier one.
    pub(super) debt_time: Timestamp,
    /// What the payee's finalized chain holds.
    pub(super) payout: Seen,
    /// How much the credit node's limit leaves; looked at while the payment waits for a higher one.
    pub(super) room: Option<Amount>,
    /// This machine's time.
    pub(super) now: Timestamp,
    /// The contracts' least time between the end of paying out and the end of a reservation.
    pub(super) grace: Timestamp,
}

/// What a payment has come to, for people; whether a step just did it, or the chain shows it.
pub(super) const RESERVED: &str = "the amount counts against both limits";
pub(super) const PAID: &str = "the payee was paid";
pub(super) const OWED: &str = "the payer owes";
pub(super) const CONFIRMED: &str = "the payee says that its money arrived";

/// What a payment calls for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing, until something changes.
    Wait,
    /// It has come to another stage.
    Enter(Stage, &'static str),
    /// The payee is asked whether it takes it.
    Ask,
    /// The amount is counted against both limits.
    Reserve,
    /// The payee is paid.
    Pay,
    /// The payer's chain is told that the payee was paid.
    Commit,
    /// The reservation is to end later.
    Extend(Timestamp),
    /// The reservation ends: the payee wasn't paid, and can't be any more.
    Release,
    /// The payee is asked for its receipt, which the payer's chain is told.
    AskReceipt,
    /// A chain's time must come to this: something waits for it.
    PassTime(Side, Timestamp),
}

/// What the payment calls for.
pub(super) fn next(look: &Look<'_>) -> Step {
    let Some(debt) = look.debt else {
        // What was reserved doesn't go away: the chain shows less than it did, and nothing follows from that.
        let is_new = look.payment.stage < Stage::Reserved;
        return if is_new { before_reservation(look) } else { Step::Wait };
    };
    match debt.state {
        DebtState::Reserved if look.payment.stage < Stage::Reserved => Step::Enter(Stage::Reserved, RESERVED),
        DebtState::Reserved => reserved(look, debt),
        DebtState::Owed | DebtState::Settled if look.payment.stage < Stage::Owed => Step::Enter(Stage::Owed, OWED),
        DebtState::Owed | DebtState::Settled if debt.is_received => Step::Enter(Stage::Confirmed, CONFIRMED),
        DebtState::Owed | DebtState::Settled => Step::AskReceipt,
        DebtState::Released | DebtState::Expired => ended(look),
    }
}

fn before_reservation(look: &Look<'_>) -> Step {
    let (stage, pay_by) = (look.payment.stage, look.payment.request.pay_by);
    // The contract reserves nothing in a block at or after it. A clock says the same to who has sent nothing yet.
    if look.debt_time >= pay_by || (stage == Stage::Asked && look.now >= pay_by) {
        let why = match stage {
            Stage::Asked => "the payee didn't answer in time",
            Stage::Short => "the credit node's limit was not raised in time",
            _ => "not reserved in time",
        };
        return Step::Enter(Stage::Lapsed, why);
    }
    if look.now >= pay_by {
        return Step::PassTime(Side::Debt, pay_by);
    }
    match stage {
        Stage::Asked => Step::Ask,
        Stage::Short if look.room.is_none_or(|room| room < look.payment.request.amount) => Step::Wait,
        Stage::Accepted | Stage::Short => Step::Reserve,
        _ => Step::Wait,
    }
}

fn reserved(look: &Look<'_>, debt: &Debt) -> Step {
    let pay_by = look.payment.request.pay_by;
    match look.payout {
        Seen::Paid if look.payment.stage < Stage::Paid => Step::Enter(Stage::Paid, PAID),
        Seen::Paid => Step::Commit,
        // No later block of that chain can hold a payout.
        Seen::NotUntil(time) if time >= pay_by => Step::Release,
        // Until then one may be on its way, and the reservation must not end before that is known.
        Seen::NotUntil(_) if look.now >= pay_by => extend(look, debt).unwrap_or(Step::PassTime(Side::Payout, pay_by)),
        Seen::NotUntil(_) => pay(look, debt),
        Seen::Unknown => extend(look, debt).unwrap_or(Step::Wait),
    }
}

/// Pays, if the reservation outlives whatever can happen to the payout, by this clock and by the chain's own word of late.
fn pay(look: &Look<'_>, debt: &Debt) -> Step {
    if let Some(step) = extend(look, debt) {
        return step;
    }
    let fresh_from = look.now.saturating_sub(look.grace);
    if look.debt_time < fresh_from {
        return Step::PassTime(Side::Debt, fresh_from);
    }
    if debt.until < look.now.saturating_add(look.grace) {
        // It can't be extended any more.
        return Step::Wait;
    }
    Step::Pay
}

/// Has the reservation end later while it has its full grace left, as long as the contract permits.
fn extend(look: &Look<'_>, debt: &Debt) -> Option<Step> {
    let wanted = |graces: u64| look.now.saturating_add(look.grace.saturating_mul(graces));
    if debt.until >= wanted(2) {
        return None;
    }
    let until = wanted(4).min(debt.due_at);
    (until > debt.until).then_some(Step::Extend(until))
}

/// The reservation is over on the payer's chain.
fn ended(look: &Look<'_>) -> Step {
    let pay_by = look.payment.request.pay_by;
    match look.payout {
        Seen::Paid => Step::Enter(
            Stage::Lost,
            "the payee was paid, and the reservation had been ended: the payer owes nothing",
        ),
        Seen::NotUntil(time) if time >= pay_by => Step::Enter(Stage::Lapsed, "the payee could not be paid in time"),
        Seen::NotUntil(_) if look.now >= pay_by => Step::PassTime(Side::Payout, pay_by),
        Seen::NotUntil(_) | Seen::Unknown => Step::Wait,
    }
}

#[cfg(test)]
#[path = "saga_tests.rs"]
mod tests;
