//! The payee's and the credit node's limit, and what counts against them: what is reserved and what is owed, both at once
//! (S1.7, S1.8, S1.11).
use ink::{env::DefaultEnvironment, primitives::AccountId};
use protocol::{
    credit::{Debt, Error, LimitOrder, NodeLimit, PayeeLimit, Used},
    settlement::Asset,
    Amount, Signature,
};

use crate::{
    credit::{Credit, LimitSet},
    node::has_signed,
    Result,
};

/// Both limits that a debt counts against: read once and written once in a call.
pub struct Lines {
    payee: PayeeLimit,
    node: NodeLimit,
}

impl Lines {
    /// Counts a new reservation, if it fits both. The payee's limit is looked at first: if the credit node's is named, it
    /// is the only one that is short, and a raise can help (S1.12).
    pub fn reserve(&mut self, amount: Amount) -> Result<()> {
        let (limit, used) = (self.payee.limit, self.payee.used.sum()?);
        if !fits(limit, used, amount) {
            return Err(Error::AbovePayeeLimit { limit, used, amount });
        }
        let (limit, used) = (self.node.limit, self.node.used.sum()?);
        if !fits(limit, used, amount) {
            return Err(Error::AboveNodeLimit { limit, used, amount });
        }
        self.both(|used| add(&mut used.reserved, amount))
    }

    /// A reservation came to nothing.
    pub fn free(&mut self, amount: Amount) -> Result<()> {
        self.both(|used| subtract(&mut used.reserved, amount))
    }

    /// What was reserved is owed.
    pub fn book(&mut self, amount: Amount) -> Result<()> {
        self.both(|used| {
            subtract(&mut used.reserved, amount)?;
            add(&mut used.outstanding, amount)
        })
    }

    /// Principal was repaid.
    pub fn repay(&mut self, principal: Amount, is_overdue: bool) -> Result<()> {
        if is_overdue {
            subtract(&mut self.node.overdue, principal)?;
        }
        self.both(|used| subtract(&mut used.outstanding, principal))
    }

    /// Principal fell overdue.
    pub fn fall_overdue(&mut self, principal: Amount) -> Result<()> {
        add(&mut self.node.overdue, principal)
    }

    /// How much of the payer's principal is overdue.
    pub fn overdue(&self) -> Amount {
        self.node.overdue
    }

    fn both(&mut self, change: impl Fn(&mut Used) -> Result<()>) -> Result<()> {
        change(&mut self.payee.used)?;
        change(&mut self.node.used)
    }
}

impl Credit {
    /// Takes what a payee says about a payer.
    pub(crate) fn take_order(&mut self, order: &LimitOrder, signature: &Signature) -> Result<()> {
        let LimitOrder {
            payee,
            payer,
            asset,
            limit,
            sequence,
        } = *order;
        let mut kept = self.payee_limits.get((payee, payer, asset)).unwrap_or_default();
        if sequence <= kept.sequence {
            return Err(Error::StaleSequence { latest: kept.sequence });
        }
        if !has_signed(&payee, signature, &order.payload(&self.domain())) {
            return Err(Error::BadPayeeSignature);
        }
        kept.limit = limit;
        kept.sequence = sequence;
        self.payee_limits.insert((payee, payer, asset), &kept);
        ink::env::emit_event::<DefaultEnvironment, _>(LimitSet {
            payer,
            payee,
            asset,
            limit,
            sequence,
        });
        Ok(())
    }

    /// Replaces the credit node's limit for a payer. What counts against it stays.
    pub(crate) fn keep_node_limit(&mut self, payer: AccountId, asset: Asset, limit: Amount, evidence: [u8; 32]) {
        let mut kept = self.node_limits.get((payer, asset)).unwrap_or_default();
        kept.limit = limit;
        kept.evidence = evidence;
        self.node_limits.insert((payer, asset), &kept);
    }

    pub(crate) fn is_frozen(&self, payer: AccountId) -> bool {
        self.frozen.get(payer).unwrap_or_default()
    }

    /// The limits that a debt counts against.
    pub(crate) fn lines(&self, debt: &Debt) -> Lines {
        let Debt {
            payer, payee, asset, ..
        } = *debt;
        Lines {
            payee: self.payee_limits.get((payee, payer, asset)).unwrap_or_default(),
            node: self.node_limits.get((payer, asset)).unwrap_or_default(),
        }
    }

    pub(crate) fn keep_lines(&mut self, debt: &Debt, lines: &Lines) {
        let Debt {
            payer, payee, asset, ..
        } = *debt;
        self.payee_limits.insert((payee, payer, asset), &lines.payee);
        self.node_limits.insert((payer, asset), &lines.node);
    }
}

/// Whether that much more fits. After a cut, `used` may be above the limit: then nothing does.
fn fits(limit: Amount, used: Amount, amount: Amount) -> bool {
    limit.checked_sub(used).is_some_and(|room| amount <= room)
}

fn add(to: &mut Amount, amount: Amount) -> Result<()> {
    *to = to.checked_add(amount).ok_or(Error::Overflow)?;
    Ok(())
}

fn subtract(from: &mut Amount, amount: Amount) -> Result<()> {
    *from = from.checked_sub(amount).ok_or(Error::Overflow)?;
    Ok(())
}
