//! The audit of a closed day's report: what it says of the chain is proven against a finalized block, what it says of the
//! books is bound by the digests that the chain's closing carries, and all sums are made anew.
use async_trait::async_trait;
use protocol::{clearing::Discharge, AccountId, Member, VoucherId};
use serde::Serialize;

use crate::{
    chain::ChainError,
    reconciliation::{
        report::{Report, FORMAT},
        schedule,
    },
};

mod books;
mod chain;
mod events;
mod payment;
mod sums;
#[cfg(test)]
mod tests;

/// The most findings that are told one by one.
const MAX_TOLD: usize = 1_000;

/// The auditor's own node. It is asked which blocks are final, and what happened in them.
#[async_trait]
pub trait Witness: Send + Sync {
    /// Its chain's genesis hash.
    fn genesis(&self) -> [u8; 32];
    /// The latest finalized block.
    async fn finalized(&self) -> Result<u32, ChainError>;
    /// The hash of a finalized block.
    async fn block_hash(&self, number: u32) -> Result<[u8; 32], ChainError>;
    /// What a debtor signed for a retained voucher, as the clearing contract has it now.
    async fn discharge(
        &self,
        clearing: AccountId,
        voucher: VoucherId,
        debtor: Member,
    ) -> Result<Option<Discharge>, ChainError>;
    /// What contracts emitted in a block; `None` where the node doesn't keep that any more.
    async fn emitted(&self, block: [u8; 32]) -> Result<Option<Vec<Emitted>>, ChainError>;
}

/// A contract's event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// Its place among all events of the block.
    pub event: u32,
    /// Whose.
    pub contract: AccountId,
    /// SCALE of its fields.
    pub data: Vec<u8>,
}

/// The contracts that the auditor knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// The reconciliation contract.
    pub reconciliation: AccountId,
    /// The clearing contract; without it, payments aren't looked up.
    pub clearing: Option<AccountId>,
}

/// Something that is not as the report says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flaw {
    /// Stable, for machines.
    pub code: &'static str,
    /// In words.
    pub detail: String,
}

/// What an audit came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// What is not as the report says: at most the first 1,000.
    pub flaws: Vec<Flaw>,
    /// How many flaws there are.
    pub count: u64,
    /// What couldn't be looked up, and so is only said.
    pub unverified: Vec<String>,
    /// blake2-256 of the contract's code, as it is proven.
    #[serde(with = "protocol::text::optional_bytes")]
    pub code_hash: Option<[u8; 32]>,
    /// Entries that are proven, those of earlier days included.
    pub proven: u64,
    /// Events that the chain has where the report says.
    pub events: u64,
    /// What both books say.
    pub books: Books,
    /// Whether the clearing contract has the payment of what the day came to.
    pub is_paid: bool,
}

/// What was found in the two books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Books {
    /// The debit side's.
    pub debit: Option<BookCount>,
    /// The credit side's.
    pub credit: Option<BookCount>,
}

/// What was found in a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BookCount {
    /// How many lines it has.
    pub lines: u64,
    /// Entries that have a line of their own, or are in a batch that has one.
    pub booked: u64,
    /// Of these, entries and batches whose line says another amount, because the book rounds.
    pub rounded: u64,
}

impl Outcome {
    /// Whether everything is as the report says.
    pub fn is_well(&self) -> bool {
        self.count == 0
    }

    fn flaw(&mut self, code: &'static str, detail: impl Into<String>) {
        self.count = self.count.saturating_add(1);
        if self.flaws.len() < MAX_TOLD {
            self.flaws.push(Flaw {
                code,
                detail: detail.into(),
            });
        }
    }

    fn ensure(&mut self, holds: bool, code: &'static str, detail: impl FnOnce() -> String) {
        if !holds {
            self.flaw(code, detail());
        }
    }
}

/// Checks a report against the chain. `known`: the contracts that the auditor knows, if it does; else the one that the report
/// names is taken for the reconciliation contract.
///
/// # Errors
/// The chain can't be read.
pub async fn check(report: &Report, witness: &dyn Witness, known: Option<&Contracts>) -> Result<Outcome, ChainError> {
    let mut outcome = Outcome::default();
    let head = &report.head;
    outcome.ensure(report.format == FORMAT, "unknown-format", || {
        format!(
            "the report is of the make {:?}, this audit reads {FORMAT:?}",
            report.format
        )
    });
    outcome.ensure(head.date == schedule::write(head.day), "wrong-date", || {
        format!("day {} isn't {}", head.day.0, head.date)
    });
    let named = crate::chain::deployment::to_ss58(&head.contract);
    match known {
        Some(known) => outcome.ensure(known.reconciliation == head.contract, "other-contract", || {
            format!("the report is of the contract {named}")
        }),
        None => outcome.unverified.push(format!(
            "that {named} is the reconciliation contract: name it with --contract, or with --deployment"
        )),
    }
    let Some(state_root) = chain::anchor(report, witness, &mut outcome).await? else {
        return Ok(outcome);
    };
    chain::state(report, state_root, &mut outcome);
    sums::check(report, &mut outcome);
    books::check(report, &mut outcome);
    events::check(report, witness, &mut outcome).await?;
    payment::check(report, witness, known.and_then(|known| known.clearing), &mut outcome).await?;
    Ok(outcome)
}
