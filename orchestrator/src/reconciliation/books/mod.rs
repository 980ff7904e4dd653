//! Books as an institution keeps them (S3.1): what it records as their client (`client`), what clients deliver to it as a
//! side and what corrections change of its lines (`own`), what the chain has of them (`follower`), and which of its own
//! payments are recorded (`feeds`). Files come in by [`Books::import`].
mod client;
mod fault;
mod feeds;
mod follower;
mod imports;
mod own;
mod runner;
mod terms;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use protocol::{
    reconciliation::{BookId, Side},
    Member, Timestamp,
};
use tokio::sync::{Mutex, Notify};

pub use self::{
    client::{Payment, Recorded},
    fault::BooksError,
    imports::Upload,
    terms::{AgreedTerms, SignedTerms},
};
use super::{
    ports::{Clock, Partners, ReconciliationLedger},
    schedule::Clocks,
    settings::BookSettings,
};
use crate::store::{books::KnownBook, Store};

/// An institution's books.
pub struct Books {
    /// This institution's index in the registry.
    member: Member,
    store: Store,
    ledger: Arc<dyn ReconciliationLedger>,
    partners: Arc<dyn Partners>,
    clock: Arc<dyn Clock>,
    settings: BTreeMap<BookId, BookSettings>,
    /// One reads the chain at a time.
    following: Mutex<()>,
    /// Something here changed: look what is due.
    changed: Notify,
}

impl Books {
    /// Puts it together. Nothing happens before [`Books::run`].
    pub fn new(
        member: Member,
        store: Store,
        ledger: Arc<dyn ReconciliationLedger>,
        partners: Arc<dyn Partners>,
        clock: Arc<dyn Clock>,
        settings: BTreeMap<BookId, BookSettings>,
    ) -> Arc<Self> {
        Arc::new(Self {
            member,
            store,
            ledger,
            partners,
            clock,
            settings,
            following: Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// Every book that this institution takes part in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn all(&self) -> Result<Vec<KnownBook>, BooksError> {
        Ok(self.store.known_books().await?)
    }

    /// A book that this institution takes part in.
    ///
    /// # Errors
    /// It doesn't, as far as the finalized chain was read.
    pub async fn book(&self, book: BookId) -> Result<KnownBook, BooksError> {
        let known = self.store.known_book(book).await?;
        known.ok_or(BooksError::UnknownBook(book))
    }

    /// A book that this institution is a side of, and which.
    ///
    /// # Errors
    /// It isn't.
    pub async fn own(&self, book: BookId) -> Result<(KnownBook, Side), BooksError> {
        let known = self.book(book).await?;
        let side = known.side_of(self.member).ok_or(BooksError::NotASide(book))?;
        Ok((known, side))
    }

    /// How this institution keeps a book: by default, where its configuration doesn't say.
    pub fn settings(&self, book: BookId) -> BookSettings {
        self.settings.get(&book).cloned().unwrap_or_default()
    }

    /// The clocks that a book's days are by.
    ///
    /// # Errors
    /// This machine doesn't know the zone.
    pub fn clocks(known: &KnownBook) -> Result<Clocks, BooksError> {
        Ok(Clocks::of(&known.terms.zone)?)
    }

    /// Something was kept: look what is due.
    fn changed(&self) {
        self.changed.notify_one();
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
