//! What a credit contract told of its payers, taken in event by event, and a payer's record drawn from it. It grows with
//! debts and repayments, not with blocks.
use std::collections::BTreeMap;

use async_trait::async_trait;
use protocol::{settlement::Asset, AccountId, Amount, RequestId, Timestamp};

use super::{
    ports::LedgerError,
    score::{Record, ScoredBlock},
};

/// An event of the contract, as far as it says something about a payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request fits both limits.
    Reserved {
        /// Its id.
        id: RequestId,
        /// Who will owe.
        payer: AccountId,
        /// In what.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
    /// A reservation came to nothing: it was released, or it expired.
    Ended(RequestId),
    /// The payee was paid: the payer owes.
    Committed {
        /// Which.
        id: RequestId,
        /// At or after it, what is still owed is overdue.
        due_at: Timestamp,
    },
    /// The late fee was charged.
    FellOverdue {
        /// Of which debt.
        id: RequestId,
        /// How much.
        late_fee: Amount,
    },
    /// A debt was repaid, or a part of it.
    Repaid {
        /// Which.
        id: RequestId,
        /// How much principal.
        principal: Amount,
        /// How much late fee.
        late_fee: Amount,
    },
}

/// The block that something happened in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// Its number.
    pub block: u32,
    /// Its time, in milliseconds since 1970.
    pub time: Timestamp,
}

/// Events are missing: their debt was never reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node tells what became of the debt {0} and not that it was reserved: ask another node")]
pub struct Gap(RequestId);

/// All events of a contract, from its first block on, in order.
#[derive(Clone, Debug, Default)]
pub struct Past {
    debts: BTreeMap<RequestId, Debt>,
}

#[derive(Clone, Debug)]
struct Debt {
    payer: AccountId,
    asset: Asset,
    amount: Amount,
    owed: Option<Owed>,
    /// When, and how much.
    fee: Option<(When, Amount)>,
    repayments: Vec<Repayment>,
}

#[derive(Clone, Copy, Debug)]
struct Owed {
    since: When,
    due_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Repayment {
    when: When,
    principal: Amount,
    late_fee: Amount,
}

impl Past {
    /// Takes in the next event.
    ///
    /// # Errors
    /// Events before it are missing.
    pub fn take(&mut self, when: When, event: Event) -> Result<(), Gap> {
        match event {
            Event::Reserved {
                id,
                payer,
                asset,
                amount,
            } => {
                let debt = Debt {
                    payer,
                    asset,
                    amount,
                    owed: None,
                    fee: None,
                    repayments: Vec::new(),
                };
                self.debts.insert(id, debt);
            }
            Event::Ended(id) => {
                self.debts.remove(&id).ok_or(Gap(id))?;
            }
            Event::Committed { id, due_at } => self.debt(id)?.owed = Some(Owed { since: when, due_at }),
            Event::FellOverdue { id, late_fee } => self.debt(id)?.fee = Some((when, late_fee)),
            Event::Repaid {
                id,
                principal,
                late_fee,
            } => {
                let repayment = Repayment {
                    when,
                    principal,
                    late_fee,
                };
                self.debt(id)?.repayments.push(repayment);
            }
        }
        Ok(())
    }

    /// What was told of a payer up to a block, that block included. In the window is what happened at most `window`
    /// milliseconds before it, exclusive. Sums stop at the largest amount.
    pub fn record(&self, payer: AccountId, asset: Asset, until: When, window: Timestamp) -> Record {
        let mut record = Record::default();
        for debt in self.debts.values() {
            if (debt.payer, debt.asset) == (payer, asset) {
                debt.add_to(&mut record, until, window);
            }
        }
        record
    }

    fn debt(&mut self, id: RequestId) -> Result<&mut Debt, Gap> {
        self.debts.get_mut(&id).ok_or(Gap(id))
    }
}

impl Debt {
    fn add_to(&self, record: &mut Record, until: When, window: Timestamp) {
        let happened = |when: When| when.block <= until.block;
        // A window that began before 1970 begins with the chain.
        let start = until.time.checked_sub(window);
        let counts = |when: When| start.is_none_or(|start| when.time > start);
        let Some(owed) = self.owed.filter(|owed| happened(owed.since)) else {
            return;
        };
        if counts(owed.since) {
            add(&mut record.committed, self.amount);
        }
        let (mut principal, mut fee) = (self.amount, 0);
        if let Some((_, charged)) = self.fee.filter(|(when, _)| happened(*when)) {
            fee = charged;
        }
        for repayment in self.repayments.iter().filter(|repayment| happened(repayment.when)) {
            // The contract takes no more than is owed.
            principal = principal.saturating_sub(repayment.principal);
            fee = fee.saturating_sub(repayment.late_fee);
            if counts(repayment.when) {
                let is_on_time = repayment.when.time < owed.due_at;
                let sum = if is_on_time {
                    &mut record.repaid_on_time
                } else {
                    &mut record.repaid_late
                };
                add(sum, repayment.principal);
            }
        }
        if until.time >= owed.due_at {
            add(&mut record.overdue, principal);
        }
        add(&mut record.fees_unpaid, fee);
    }
}

fn add(to: &mut Amount, amount: Amount) {
    *to = to.saturating_add(amount);
}

/// What the contract of a credit node on one chain told, read from finalized blocks only.
#[async_trait]
pub trait CreditPast: Send + Sync {
    /// The chain's genesis hash: the chain's name.
    fn genesis(&self) -> [u8; 32];
    /// The contract's account.
    fn credit(&self) -> AccountId;
    /// A payer's record at the latest finalized block, with a window of so many milliseconds before it.
    async fn record(
        &self,
        payer: AccountId,
        asset: Asset,
        window: Timestamp,
    ) -> Result<(ScoredBlock, Record), LedgerError>;
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
