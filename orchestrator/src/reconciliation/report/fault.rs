//! Why there is no report.
use protocol::reconciliation::{BookId, Day};

use crate::{
    audit::state::ProofError,
    reconciliation::{ports::LedgerError, schedule},
    store::StoreError,
};

/// A report can't be drawn up.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no such book here.
    #[error("there is no book {} here: `quittance reconcile books` lists those that there are", number(.0))]
    UnknownBook(BookId),
    /// The day isn't final.
    #[error("{} isn't closed: a report is of a closed day; `quittance reconcile days` shows how far it is", schedule::write(*.0))]
    NotClosed(Day),
    /// The chain went on in the meantime.
    #[error("entries of the day were corrected while the report was drawn up: ask again")]
    Changed,
    /// The sums are beyond all reckoning.
    #[error("what the day comes to is beyond what can be reckoned")]
    Overflow,
    /// The node proves something else than it told.
    #[error("the node's proof doesn't hold: {0}")]
    Proof(#[from] ProofError),
    /// The chain can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The database can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The report can't be written.
    #[error("the report can't be written: {0}")]
    Write(#[from] std::io::Error),
}

impl ReportError {
    /// Stable, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownBook(_) => "unknown-book",
            Self::NotClosed(_) => "day-not-closed",
            Self::Changed => "report-changed",
            Self::Overflow => "report-overflow",
            Self::Proof(_) => "proof-refuted",
            Self::Ledger(_) => "chain-unavailable",
            Self::Store(_) | Self::Write(_) => "internal",
        }
    }
}

const fn number(book: &BookId) -> u32 {
    book.0
}
