//! What an institution keeps off the chain, read from a copy of its database and held against the chain: each payment's id is
//! made anew and looked up in what the clearing contract keeps by its own events, each document's signatures are verified by
//! the registry as it was in their epoch (S4.6). The copy is believed in nothing, and never written.
//!
//! `copy → payment → papers, relations → desk (the chain) → findings`; then what institutions handed in to disputes.
mod copy;
mod desk;
mod disputes;
mod papers;
mod payment;
mod relations;
mod sheet;

use protocol::AccountId;

pub use copy::Copy;

use self::desk::Desk;
use super::chain::{
    run::{Outcome, Tally},
    tables::{Tables, TablesError},
    Place,
};

/// Under what name findings about documents are told, and counted.
pub const DOCUMENTS: &str = "documents";

/// The documents can't be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    /// It isn't an institution's database, or one of another version.
    #[error("{path} is no copy of an institution's database as this program makes them: {error}")]
    NoDatabase {
        /// Which file.
        path: String,
        /// What SQLite says.
        error: sqlx::Error,
    },
    /// The copy can't be read on.
    #[error("the copy of the database can't be read: {0}")]
    Database(#[from] sqlx::Error),
    /// The audit's work file can't be used.
    #[error(transparent)]
    Tables(#[from] TablesError),
}

/// Looks at every document of a copy after the chain was audited, by what that found: `clearing` is the contract whose
/// payments they are. What is wrong is added to the outcome, under [`DOCUMENTS`]; `watch` is told of each payment.
///
/// # Errors
/// The copy or the work file can't be read. What is wrong with a document is no error.
pub async fn check(
    copy: &mut Copy,
    (clearing, place): (AccountId, Place),
    tables: &mut Tables,
    outcome: &mut Outcome,
    watch: &(dyn Fn() + Sync),
) -> Result<Tally, DocumentsError> {
    let found = outcome.findings.count;
    let mut desk = Desk {
        clearing,
        place,
        until: outcome.until,
        tables,
        findings: &mut outcome.findings,
        tally: Tally::default(),
    };
    let mut last = None;
    while let Some((row, payment)) = copy.payment_after(last).await? {
        last = Some(row);
        payment::check(&mut desk, &payment)?;
        watch();
    }
    let mut last = None;
    while let Some((row, stray)) = copy.stray_after(last).await? {
        last = Some(row);
        payment::stray(&mut desk, &stray);
    }
    let mut last = None;
    while let Some((row, evidence)) = copy.evidence_after(last).await? {
        last = Some(row);
        disputes::check(&mut desk, &evidence)?;
        watch();
    }
    let mut tally = desk.tally;
    tally.findings = outcome.findings.count.saturating_sub(found);
    let counts = &mut outcome.findings;
    counts.signatures = counts.signatures.saturating_add(tally.signatures);
    counts.digests = counts.digests.saturating_add(tally.digests);
    counts.unseen = counts.unseen.saturating_add(tally.unseen);
    outcome.tallies.insert(DOCUMENTS.to_owned(), tally);
    Ok(tally)
}

#[cfg(test)]
mod tests;
