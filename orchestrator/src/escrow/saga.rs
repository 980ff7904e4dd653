//! What a trade calls for, from what is known of it: one pure function per role.
//!
//! Nothing else is remembered between two looks, so a crash at any point is the same as a look that didn't happen: what
//! was stored is there, what was submitted is found again by its key, and what the finalized chain says decides.
//! ARCHITECTURE.md argues it step by step.
use protocol::{
    escrow::{evidence_digest, Deal, DealState},
    Timestamp,
};

use super::{
    ports::Act,
    state::{Role, Stage},
};
use crate::store::escrow::{Cancellation, TradeRow};

/// A trade, seen now.
pub(super) struct Look<'a> {
    /// What is stored.
    pub(super) trade: &'a TradeRow,
    /// What the finalized chain holds.
    pub(super) deal: Option<&'a Deal>,
    /// The time of that block or of an earlier one.
    pub(super) time: Timestamp,
    /// This machine's time.
    pub(super) now: Timestamp,
    /// The contract's shortest phase: longer than finality and reaction.
    pub(super) gap: Timestamp,
}

/// What a trade calls for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing, until something changes.
    Wait,
    /// It has come to another stage.
    Enter(Stage, String),
    /// The buyer locks: with a secret that is stored before.
    Lock,
    /// The buyer reveals its stored secret.
    Reveal,
    /// A party files its evidence, and sends it to the other one and to the arbiter.
    File([u8; 32]),
    /// Any other message of the contract.
    Do(Act),
    /// The chain's time must come to this: something waits for it.
    PassTime(Timestamp),
}

/// What the trade calls for.
pub(super) fn next(look: &Look<'_>) -> Step {
    if let Some((stage, why)) = seen(look) {
        return Step::Enter(stage, why);
    }
    match (look.trade.stage, look.deal) {
        (Stage::Proposed | Stage::Received | Stage::Agreed, deal) => before_lock(look, deal),
        (_, Some(deal)) => match look.trade.role {
            Role::Buyer => buyer(look, deal),
            Role::Seller => seller(look, deal),
            Role::Arbiter => arbiter(look, deal),
        },
        (_, None) => Step::Wait,
    }
}

/// The stage that the chain shows, where it isn't the one stored.
fn seen(look: &Look<'_>) -> Option<(Stage, String)> {
    let (trade, accept_by) = (look.trade, look.trade.agreement.deadlines.accept_by);
    let is_signed = !matches!(trade.stage, Stage::Proposed | Stage::Received);
    let Some(deal) = look.deal else {
        // In any later block the contract refuses to lock. A clock that is further ahead than finality and reaction take
        // says the same to those who have no money in it; but a buyer may have sent its own lock to a chain that has not
        // finalized since.
        let may_have_locked = trade.role == Role::Buyer && trade.stage == Stage::Agreed;
        let by_clock = !may_have_locked && look.now >= accept_by.saturating_add(look.gap);
        let is_open = !is_signed || trade.stage == Stage::Agreed;
        let is_over = look.time >= accept_by || by_clock;
        return (is_open && is_over).then(|| (Stage::Lapsed, "not locked in time".to_owned()));
    };
    if !is_signed {
        // The buyer's letter with its signature is still on its way. Without it the deal isn't accepted.
        return (look.time >= accept_by).then(|| (Stage::Lapsed, "no agreement in time".to_owned()));
    }
    if deal.terms != trade.agreement.terms(deal.terms.hashlock) {
        return (trade.stage == Stage::Agreed).then(|| {
            (
                Stage::Lapsed,
                "the buyer locked under other terms than agreed".to_owned(),
            )
        });
    }
    let stage = Stage::from(deal.state);
    (stage != trade.stage).then(|| (stage, describe(deal)))
}

fn describe(deal: &Deal) -> String {
    match deal.state {
        DealState::Locked => "the buyer paid price and bond in".to_owned(),
        DealState::Accepted => "the seller is bound".to_owned(),
        DealState::Revealed => "the secret is out: the buyer has its bond, the price waits for the seller".to_owned(),
        DealState::Disputed => "the arbiter was called".to_owned(),
        DealState::Settled => "the seller has the price".to_owned(),
        DealState::Refunded => "each has what it paid in".to_owned(),
        DealState::Cancelled => "both wanted out: each has what it paid in".to_owned(),
        DealState::Ruled => format!("the seller got {} of the pot", deal.award.unwrap_or_default()),
    }
}

fn before_lock(look: &Look<'_>, deal: Option<&Deal>) -> Step {
    let trade = look.trade;
    let accept_by = trade.agreement.deadlines.accept_by;
    let wants_out = trade.own_cancellation.is_some() || trade.other_cancellation.is_some();
    let in_time = look.now.saturating_add(look.gap) <= accept_by;
    if trade.role == Role::Buyer && trade.stage == Stage::Agreed && deal.is_none() && in_time && !wants_out {
        return Step::Lock;
    }
    if trade.role == Role::Buyer && trade.stage == Stage::Agreed {
        return from(look, accept_by, Step::Wait);
    }
    Step::Wait
}

fn buyer(look: &Look<'_>, deal: &Deal) -> Step {
    let deadlines = deal.terms.deadlines;
    match deal.state {
        DealState::Locked => cancelled(look).unwrap_or_else(|| from(look, deadlines.accept_by, Step::Do(Act::Refund))),
        DealState::Accepted => {
            if let Some(step) = cancelled(look) {
                return step;
            }
            if look.now < deadlines.reveal_by {
                let is_due = look.trade.confirmed_at.is_some() && !wants_out(look);
                return if is_due { Step::Reveal } else { Step::Wait };
            }
            if look.trade.wants_dispute && look.now < deadlines.dispute_by {
                return from(look, deadlines.reveal_by, file(look, deal.buyer_evidence));
            }
            from(look, deadlines.dispute_by, Step::Do(Act::Refund))
        }
        DealState::Disputed => disputed(look, deal.buyer_evidence, 0),
        _ => Step::Wait,
    }
}

fn seller(look: &Look<'_>, deal: &Deal) -> Step {
    let deadlines = deal.terms.deadlines;
    // The buyer gets more back than the seller does, and looks at the same moment: let it pay the fee.
    let patience = look.gap / 2;
    match deal.state {
        DealState::Locked => {
            if let Some(step) = cancelled(look) {
                return step;
            }
            if look.now < deadlines.accept_by {
                return if wants_out(look) {
                    Step::Wait
                } else {
                    Step::Do(Act::Accept {
                        asset: deal.terms.asset,
                        bond: deal.terms.seller_bond,
                    })
                };
            }
            from(
                look,
                deadlines.accept_by.saturating_add(patience),
                Step::Do(Act::Refund),
            )
        }
        DealState::Accepted => {
            if let Some(step) = cancelled(look) {
                return step;
            }
            let has_delivered = look.trade.confirmed_at.is_some() || look.trade.wants_dispute;
            if look.now < deadlines.reveal_by {
                return Step::Wait;
            }
            if has_delivered && look.now < deadlines.dispute_by {
                return from(look, deadlines.reveal_by, file(look, deal.seller_evidence));
            }
            from(
                look,
                deadlines.dispute_by.saturating_add(patience),
                Step::Do(Act::Refund),
            )
        }
        DealState::Revealed => deal.secret.map_or(Step::Wait, |secret| Step::Do(Act::Claim(secret))),
        DealState::Disputed => disputed(look, deal.seller_evidence, patience),
        _ => Step::Wait,
    }
}

fn arbiter(look: &Look<'_>, deal: &Deal) -> Step {
    match (deal.state, look.trade.award) {
        (DealState::Disputed, Some(award)) if look.now < deal.terms.deadlines.ruling_by => Step::Do(Act::Rule(award)),
        _ => Step::Wait,
    }
}

/// A dispute seen by a party.
fn disputed(look: &Look<'_>, filed: Option<[u8; 32]>, patience: Timestamp) -> Step {
    if let Some(step) = cancelled(look) {
        return step;
    }
    let ruling_by = look.trade.agreement.deadlines.ruling_by;
    if look.now < ruling_by && filed.is_none() && look.trade.evidence.is_some() {
        return file(look, filed);
    }
    from(look, ruling_by.saturating_add(patience), Step::Do(Act::RuleByDefault))
}

fn file(look: &Look<'_>, filed: Option<[u8; 32]>) -> Step {
    match (&look.trade.evidence, filed) {
        (Some(document), None) => Step::File(evidence_digest(document)),
        _ => Step::Wait,
    }
}

/// Both signed that they want out, over the same expiry.
fn cancelled(look: &Look<'_>) -> Option<Step> {
    let own = look.trade.own_cancellation?;
    let other = look.trade.other_cancellation?;
    if own.expires_at != other.expires_at || own.expires_at <= look.now {
        return None;
    }
    let (buyer, seller) = match look.trade.role {
        Role::Buyer => (own, other),
        _ => (other, own),
    };
    Some(Step::Do(Act::Cancel {
        expires_at: own.expires_at,
        buyer: buyer.signature,
        seller: seller.signature,
    }))
}

/// Whether this party asked to call the deal off: then it does nothing that goes the other way, until that expires.
fn wants_out(look: &Look<'_>) -> bool {
    let open = |cancellation: Cancellation| cancellation.expires_at > look.now;
    look.trade.own_cancellation.is_some_and(open)
}

/// The step once the chain's time has come to `due`; until then a wait, or a push where the chain makes no block.
fn from(look: &Look<'_>, due: Timestamp, step: Step) -> Step {
    if look.time >= due {
        step
    } else if look.now >= due {
        Step::PassTime(due)
    } else {
        Step::Wait
    }
}

#[cfg(test)]
#[path = "saga_tests.rs"]
mod tests;
