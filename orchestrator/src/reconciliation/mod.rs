//! Reconciliation (S3.1 to S3.5): two institutions' books of the same payments, matched every day against the chain; what is
//! wrong is explained, corrected on chain and in the books; then the day is closed and paid.
//!
//! Each side matches for itself: its own book, the other's as the other signed it, and the chain's entries. Both come to the
//! same result or don't sign.
//!
//! [`Reconciliation`] answers the institution's own people (`desk`) and the other institutions of a book (`answers`); its
//! [`Reconciliation::run`] does whatever is due (`runner`): it takes days from their end to their payment (`days`), and what
//! was found wrong on them to its correction (`breaks`). The credit side leads: it proposes corrections and closings. The chain
//! is the truth; what is stored here is how far this side is, and what it signed, before it is sent.
mod answers;
pub mod books;
pub mod breaks;
pub mod days;
mod desk;
pub mod fault;
pub mod import;
pub mod matching;
pub mod messages;
pub mod ports;
pub mod report;
mod runner;
pub mod schedule;
mod seat;
pub mod settings;
pub mod statements;
#[cfg(test)]
mod statements_tests;
#[cfg(test)]
mod tests;
pub mod treasury;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use protocol::{
    reconciliation::{self, BookId},
    signing::Domain,
    Member, Timestamp,
};
use tokio::sync::Notify;

pub use quittance_matching::{findings, line};

use self::{
    books::Books,
    ports::{Check, Clock, Partners, ReconciliationLedger, Treasury},
};
pub use self::{
    days::run::DryRun,
    desk::{BreakStanding, DayStanding},
    fault::ReconciliationError,
    settings::{Accept, BookSettings, Feed, OwnBook, Settings},
};
use crate::{identity::SigningKey, store::Store};

/// The books that an institution has to do with.
pub struct Reconciliation {
    settings: Settings,
    store: Store,
    key: SigningKey,
    ledger: Arc<dyn ReconciliationLedger>,
    partners: Arc<dyn Partners>,
    treasury: Arc<dyn Treasury>,
    clock: Arc<dyn Clock>,
    books: Arc<Books>,
    /// One run of a book at a time.
    running: Mutex<HashMap<BookId, Arc<tokio::sync::Mutex<()>>>>,
    /// One books corrections at a time.
    booking: tokio::sync::Mutex<()>,
    /// Something here changed: look what is due.
    changed: Notify,
}

impl Reconciliation {
    /// Puts the system together. Nothing happens before [`Reconciliation::run`] but answers to others.
    pub fn new(
        settings: Settings,
        store: Store,
        signing: SigningKey,
        ledger: Arc<dyn ReconciliationLedger>,
        partners: Arc<dyn Partners>,
        treasury: Arc<dyn Treasury>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let books = Books::new(
            settings.member,
            store.clone(),
            ledger.clone(),
            partners.clone(),
            clock.clone(),
            settings.books.clone(),
        );
        Arc::new(Self {
            settings,
            store,
            key: signing,
            ledger,
            partners,
            treasury,
            clock,
            books,
            running: Mutex::default(),
            booking: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// This institution's index in the registry.
    pub fn member(&self) -> Member {
        self.settings.member
    }

    /// What it records, is delivered and imports.
    pub fn books(&self) -> &Arc<Books> {
        &self.books
    }

    /// The contract.
    pub fn ledger(&self) -> &Arc<dyn ReconciliationLedger> {
        &self.ledger
    }

    /// Whether the contract is the one that the deployment says.
    pub async fn check(&self) -> Check {
        self.ledger.check().await
    }

    /// Something was kept: look what is due.
    pub fn changed(&self) {
        self.changed.notify_one();
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Where this institution's signature is valid.
    fn domain(&self, epoch: u32) -> Domain {
        reconciliation::domain(self.ledger.genesis(), self.ledger.contract(), epoch)
    }

    /// Whoever holds it runs a day of this book.
    fn running(&self, book: BookId) -> Arc<tokio::sync::Mutex<()>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.entry(book).or_default().clone()
    }
}
