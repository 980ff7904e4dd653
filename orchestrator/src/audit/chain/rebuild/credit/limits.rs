//! The payee's and the credit node's limit, and what counts against them (S1.7, S1.8, S1.11).
use protocol::{
    credit::{Debt, DebtState, LimitOrder, NodeLimit, Used},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, RequestId, Signature,
};

use super::{by_node, domain, Done, FROZEN, NODE_LIMITS, PAYEE_LIMITS};
use crate::audit::chain::{rebuild::scene::Scene, tables::TablesError};

/// What a debt takes of both limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Of either.
    pub used: Used,
    /// Of what is owed, what is overdue: known of the credit node's limit only.
    pub overdue: Amount,
}

impl Weight {
    /// By the debt's state.
    pub fn of(debt: &Debt) -> Self {
        let reserved = if debt.state == DebtState::Reserved {
            debt.amount
        } else {
            0
        };
        Self {
            used: Used {
                reserved,
                outstanding: debt.principal_owed(),
            },
            overdue: debt.principal_overdue(),
        }
    }

    /// With another debt's.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            used: Used {
                reserved: self.used.reserved.saturating_add(other.used.reserved),
                outstanding: self.used.outstanding.saturating_add(other.used.outstanding),
            },
            overdue: self.overdue.saturating_add(other.overdue),
        }
    }

    /// What this weight is once a part of it became another; `None` if that isn't in it, or too much comes.
    fn replace(self, from: Self, to: Self) -> Option<Self> {
        let moved = |sum: Amount, from: Amount, to: Amount| sum.checked_sub(from)?.checked_add(to);
        Some(Self {
            used: Used {
                reserved: moved(self.used.reserved, from.used.reserved, to.used.reserved)?,
                outstanding: moved(self.used.outstanding, from.used.outstanding, to.used.outstanding)?,
            },
            overdue: moved(self.overdue, from.overdue, to.overdue)?,
        })
    }

    /// All that is taken of a limit.
    const fn sum(self) -> Amount {
        self.used.reserved.saturating_add(self.used.outstanding)
    }
}

/// Moves what a debt takes of both limits. Neither may ever have more taken than it permits, but after a cut; and then
/// what is taken doesn't grow.
pub(super) fn weigh(scene: &mut Scene<'_>, id: RequestId, before: Option<&Debt>, debt: &Debt) -> Done {
    let (from, to) = (before.map(Weight::of).unwrap_or_default(), Weight::of(debt));
    if from == to {
        return Ok(());
    }
    let (payee_line, node_line) = ((debt.payee, debt.payer, debt.asset), (debt.payer, debt.asset));
    let mut payee = PAYEE_LIMITS.or_default(scene, &payee_line)?;
    let mut node = node_limit(scene, debt.payer, debt.asset)?;

    // The payee's limit doesn't know what is overdue.
    let apart = |weight: Weight| Weight { overdue: 0, ..weight };
    let taken = Weight {
        used: payee.used,
        overdue: 0,
    };
    payee.used = line(scene, id, taken, (apart(from), apart(to)), ("payee", payee.limit)).used;
    let taken = Weight {
        used: node.used,
        overdue: node.overdue,
    };
    let taken = line(scene, id, taken, (from, to), ("credit node", node.limit));
    (node.used, node.overdue) = (taken.used, taken.overdue);

    PAYEE_LIMITS.put(scene, &payee_line, &payee)?;
    NODE_LIMITS.put(scene, &node_line, &node)
}

fn line(
    scene: &mut Scene<'_>,
    id: RequestId,
    taken: Weight,
    (from, to): (Weight, Weight),
    (whose, limit): (&str, Amount),
) -> Weight {
    let after = taken.replace(from, to);
    scene.ensure(after.is_some(), "overspent", || {
        format!("request {id} wasn't counted against the {whose}'s limit as it should have been")
    });
    let after = after.unwrap_or(to);
    let (sum, earlier) = (after.sum(), taken.sum());
    scene.ensure(sum <= limit || sum <= earlier, "above-limit", || {
        format!("with request {id}, {sum} are reserved and owed, above the {whose}'s limit of {limit}")
    });
    after
}

/// The credit node's limit for a payer.
pub(super) fn node_limit(scene: &mut Scene<'_>, payer: AccountId, asset: Asset) -> Result<NodeLimit, TablesError> {
    NODE_LIMITS.or_default(scene, &(payer, asset))
}

/// Replaces the credit node's limit for a payer. What counts against it stays.
pub(super) fn keep_node_limit(
    scene: &mut Scene<'_>,
    payer: AccountId,
    asset: Asset,
    limit: Amount,
    evidence: [u8; 32],
) -> Done {
    let mut kept = node_limit(scene, payer, asset)?;
    kept.limit = limit;
    kept.evidence = evidence;
    NODE_LIMITS.put(scene, &(payer, asset), &kept)
}

/// A payee's word on a payer (S1.7). Anyone may send it.
pub(super) fn limit_set(
    scene: &mut Scene<'_>,
    (payer, payee, asset, limit, sequence): (AccountId, AccountId, Asset, Amount, u64),
) -> Done {
    let order = LimitOrder {
        payee,
        payer,
        asset,
        limit,
        sequence,
    };
    if let Some((asked, signature)) = scene.arguments::<(LimitOrder, Signature)>("set_limit") {
        let what = || format!("{} for {}, number {sequence}", to_hex(&payee.0), to_hex(&payer.0));
        scene.ensure(asked == order, "other-arguments", || {
            format!("another order was asked for than that of {}", what())
        });
        let payload = order.payload(&domain(scene)?);
        scene.signed(&payee.0, &payload, &signature, || {
            format!("the payee's, under the order of {}", what())
        });
    }
    let line = (payee, payer, asset);
    let mut kept = PAYEE_LIMITS.or_default(scene, &line)?;
    ensure_later(scene, sequence, kept.sequence, &payee);
    kept.limit = limit;
    kept.sequence = sequence;
    PAYEE_LIMITS.put(scene, &line, &kept)
}

/// The credit node's word on a payer (S1.8).
pub(super) fn node_limit_set(
    scene: &mut Scene<'_>,
    (payer, asset, limit, evidence): (AccountId, Asset, Amount, [u8; 32]),
) -> Done {
    scene.exact_call("set_node_limit", &(payer, asset, limit, evidence), 0);
    by_node(scene)?;
    keep_node_limit(scene, payer, asset, limit, evidence)
}

/// The credit node takes nothing new of a payer.
pub(super) fn frozen(scene: &mut Scene<'_>, payer: AccountId) -> Done {
    freezes(scene, "freeze", payer, true)
}

/// It does again.
pub(super) fn unfrozen(scene: &mut Scene<'_>, payer: AccountId) -> Done {
    freezes(scene, "unfreeze", payer, false)
}

fn freezes(scene: &mut Scene<'_>, message: &str, payer: AccountId, frozen: bool) -> Done {
    scene.exact_call(message, &payer, 0);
    by_node(scene)?;
    let was_frozen = is_frozen(scene, payer)?;
    scene.ensure(was_frozen != frozen, "wrong-state", || {
        format!("{message} changed nothing for {}", to_hex(&payer.0))
    });
    FROZEN.put(scene, &payer, &frozen)
}

/// Whether the credit node takes nothing new of a payer.
pub(super) fn is_frozen(scene: &mut Scene<'_>, payer: AccountId) -> Result<bool, TablesError> {
    FROZEN.or_default(scene, &payer)
}

/// Orders and wishes are taken in the order that they were given.
pub(super) fn ensure_later(scene: &mut Scene<'_>, sequence: u64, latest: u64, of: &AccountId) {
    scene.ensure(sequence > latest, "stale-number", || {
        format!("number {sequence} of {} came after its number {latest}", to_hex(&of.0))
    });
}
