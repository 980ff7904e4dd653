//! The payee's and the credit node's limit, and what counts against them (S1.7, S1.8, S1.11).
use protocol::{
    credit::{Debt, DebtState, LimitOrder, NodeLimit, PayeeLimit, Used},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, RequestId, Signature,
};

use super::{Case, Done, FROZEN, NODE_LIMITS, PAYEE_LIMITS};
use crate::audit::chain::tables::TablesError;

/// What a debt takes of both limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Of either.
    pub used: Used,
    /// Of what is owed, what is overdue: known of the credit node's limit only.
    pub overdue: Amount,
}

impl Weight {
    /// By the debt's state.
    pub fn of(debt: &Debt) -> Self {
        let reserved = if debt.state == DebtState::Reserved { debt.amount } else { 0 };
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

impl Case<'_> {
    /// Moves what a debt takes of both limits. Neither may ever have more taken than it permits, but after a cut; and then
    /// what is taken doesn't grow.
    pub(super) fn weigh(&mut self, id: RequestId, before: Option<&Debt>, debt: &Debt) -> Done {
        let (from, to) = (before.map(Weight::of).unwrap_or_default(), Weight::of(debt));
        if from == to {
            return Ok(());
        }
        let (payee_line, node_line) = ((debt.payee, debt.payer, debt.asset), (debt.payer, debt.asset));
        let mut payee: PayeeLimit = self.kept().get(PAYEE_LIMITS, &payee_line)?.unwrap_or_default();
        let mut node = self.node_limit(debt.payer, debt.asset)?;

        // The payee's limit doesn't know what is overdue.
        let apart = |weight: Weight| Weight { overdue: 0, ..weight };
        let taken = Weight {
            used: payee.used,
            overdue: 0,
        };
        payee.used = self.line(id, taken, (apart(from), apart(to)), payee.limit, "payee").used;
        let taken = Weight {
            used: node.used,
            overdue: node.overdue,
        };
        let taken = self.line(id, taken, (from, to), node.limit, "node");
        (node.used, node.overdue) = (taken.used, taken.overdue);

        self.kept().put(PAYEE_LIMITS, &payee_line, &payee)?;
        self.kept().put(NODE_LIMITS, &node_line, &node)
    }

    fn line(&mut self, id: RequestId, taken: Weight, (from, to): (Weight, Weight), limit: Amount, whose: &str) -> Weight {
        let after = taken.replace(from, to);
        self.checks.ensure(after.is_some(), "not-counted", || {
            format!("request {id} wasn't counted against the {whose}'s limit as it should have been")
        });
        let after = after.unwrap_or(to);
        let (sum, earlier) = (after.sum(), taken.sum());
        self.checks.ensure(sum <= limit || sum <= earlier, "above-limit", || {
            format!("with request {id}, {sum} are reserved and owed, above the {whose}'s limit of {limit}")
        });
        after
    }

    pub(super) fn node_limit(&mut self, payer: AccountId, asset: Asset) -> Result<NodeLimit, TablesError> {
        Ok(self.kept().get(NODE_LIMITS, &(payer, asset))?.unwrap_or_default())
    }

    /// Replaces the credit node's limit for a payer. What counts against it stays.
    pub(super) fn keep_node_limit(&mut self, payer: AccountId, asset: Asset, limit: Amount, evidence: [u8; 32]) -> Done {
        let mut kept = self.node_limit(payer, asset)?;
        kept.limit = limit;
        kept.evidence = evidence;
        self.kept().put(NODE_LIMITS, &(payer, asset), &kept)
    }

    /// A payee's word on a payer (S1.7). Anyone may send it.
    pub(super) fn limit_set(
        &mut self,
        (payer, payee, asset, limit, sequence): (AccountId, AccountId, Asset, Amount, u64),
    ) -> Done {
        let order = LimitOrder {
            payee,
            payer,
            asset,
            limit,
            sequence,
        };
        if let Some((_, (asked, signature))) = self.checks.arguments::<(LimitOrder, Signature)>("set_limit", 0) {
            let what = || format!("{} for {}, number {sequence}", to_hex(&payee.0), to_hex(&payer.0));
            self.checks.ensure(asked == order, "wrong-call", || {
                format!("another order was asked for than that of {}", what())
            });
            let payload = order.payload(&self.domain()?);
            self.checks.signed(&payee.0, &payload, &signature, || {
                format!("the payee didn't sign the order of {}", what())
            });
        }
        let line = (payee, payer, asset);
        let mut kept: PayeeLimit = self.kept().get(PAYEE_LIMITS, &line)?.unwrap_or_default();
        self.ensure_later(sequence, kept.sequence, &payee);
        kept.limit = limit;
        kept.sequence = sequence;
        self.kept().put(PAYEE_LIMITS, &line, &kept)
    }

    /// The credit node's word on a payer (S1.8).
    pub(super) fn node_limit_set(
        &mut self,
        (payer, asset, limit, evidence): (AccountId, Asset, Amount, [u8; 32]),
    ) -> Done {
        let arguments = (payer, asset, limit, evidence);
        let call = self.checks.exact_call("set_node_limit", &arguments, 0);
        self.by_node(call)?;
        self.keep_node_limit(payer, asset, limit, evidence)
    }

    pub(super) fn frozen(&mut self, payer: AccountId) -> Done {
        self.freezes("freeze", payer, true)
    }

    pub(super) fn unfrozen(&mut self, payer: AccountId) -> Done {
        self.freezes("unfreeze", payer, false)
    }

    fn freezes(&mut self, message: &str, payer: AccountId, is_frozen: bool) -> Done {
        let call = self.checks.exact_call(message, &payer, 0);
        self.by_node(call)?;
        let was_frozen = self.is_frozen(payer)?;
        self.checks.ensure(was_frozen != is_frozen, "wrong-state", || {
            format!("{message} changed nothing for {}", to_hex(&payer.0))
        });
        self.kept().put(FROZEN, &payer, &is_frozen)
    }

    pub(super) fn is_frozen(&mut self, payer: AccountId) -> Result<bool, TablesError> {
        Ok(self.kept().get(FROZEN, &payer)?.unwrap_or_default())
    }

    /// Orders and wishes are taken in the order that they were given.
    pub(super) fn ensure_later(&mut self, sequence: u64, latest: u64, of: &AccountId) {
        self.checks.ensure(sequence > latest, "stale-sequence", || {
            format!("number {sequence} of {} came after its number {latest}", to_hex(&of.0))
        });
    }
}
