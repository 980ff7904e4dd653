//! The matching of two institutions' books against the chain (S3.2): three sorted streams, merged in one pass; what that pass
//! leaves over is sorted again in ways that bring together what belongs together. Memory doesn't grow with the day.
//!
//! It stands apart from the orchestrator because it is what a day's work is measured by, and compiled for speed.
// what derive(Encode) makes of a variant's number
#![allow(clippy::cast_possible_truncation)]

mod altered;
mod batches;
pub mod findings;
pub mod leftovers;
pub mod line;
mod merge;
mod rules;
mod sorter;

pub use self::{
    leftovers::{Leftovers, Loose, Rest},
    merge::{Matcher, ROOM, SHOWN},
    rules::Rules,
};

use protocol::reconciliation::Side;

/// Why a day can't be matched.
#[derive(Debug, thiserror::Error)]
pub enum MatchError {
    /// A stream isn't in order, or has something twice.
    #[error("the {} isn't in order: its lines must ascend by id and number", book(.0))]
    Unsorted(Side),
    /// Amounts add up to more than there can be.
    #[error("the day's amounts add up to more than there can be")]
    Overflow,
    /// What is left over can't be put aside.
    #[error("what doesn't match can't be put aside in the folder for temporary files (TMPDIR): {0}")]
    Spill(#[from] std::io::Error),
}

const fn book(side: &Side) -> &'static str {
    match side {
        Side::Debit => "debit side's book",
        Side::Credit => "credit side's book",
        Side::Chain => "chain's stream of entries",
    }
}
