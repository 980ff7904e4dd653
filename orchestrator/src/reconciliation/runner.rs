//! Does whatever is due: days are matched, corrected, closed and paid.
use std::{sync::Arc, time::Duration};

use protocol::reconciliation::BookId;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Reconciliation, ReconciliationError};
use crate::steps::Steps;

/// Blocks may come by the hundred in a second.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest between two looks: cut-offs come without a block.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Reconciliation {
    /// Resumes everything that isn't done, and goes on until `stop`. Aborting a step at any point is harmless: it is the same
    /// as a crash there.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let work = async {
            futures::join!(self.clone().drive(), self.books.clone().run(stop.clone()));
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// One look at every book, and whatever is due there, one after the other: what [`Reconciliation::run`] does all the time.
    /// For simulations, which decide when it happens and what fails.
    ///
    /// # Errors
    /// The first one; the rest of the round is left out, as in a crash.
    pub async fn round(&self) -> Result<(), ReconciliationError> {
        for book in self.known_books().await? {
            match self.advance(book).await {
                // That holds up no other.
                Ok(()) | Err(ReconciliationError::NotYet(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn drive(self: Arc<Self>) {
        let mut steps = Steps::new();
        loop {
            // A change here during the look isn't missed: `Notify` keeps it.
            let changed = self.changed.notified();
            let block = self.ledger.next_block();
            match self.known_books().await {
                Ok(books) => {
                    for book in books {
                        steps.begin(book, || self.clone().go(book));
                    }
                }
                Err(error) => tracing::warn!(%error, "books can't be looked at; tried again"),
            }
            tokio::time::sleep(PAUSE).await;
            tokio::select! {
                () = block => {}
                () = changed => {}
                () = tokio::time::sleep(LONGEST_WAIT) => {}
            }
            steps.sweep();
        }
    }

    /// The books on the finalized chain that this institution takes part in; what happened there is booked.
    async fn known_books(&self) -> Result<Vec<BookId>, ReconciliationError> {
        self.catch_up().await?;
        let known = self.store.known_books().await?;
        Ok(known.into_iter().map(|known| known.book).collect())
    }

    /// False where a step failed.
    async fn go(self: Arc<Self>, book: BookId) -> bool {
        let span = tracing::info_span!("book", book = book.0);
        let gone = self.advance(book).instrument(span).await;
        match &gone {
            Ok(()) => {}
            Err(ReconciliationError::NotYet(what)) => tracing::debug!(book = book.0, what, "not yet"),
            Err(error) => tracing::warn!(book = book.0, %error, "the book is looked at again"),
        }
        gone.is_ok()
    }

    /// Takes each day and each break of a book as far as it goes now.
    async fn advance(&self, book: BookId) -> Result<(), ReconciliationError> {
        let seat = match self.seat(book).await {
            // This institution only records in it.
            Err(ReconciliationError::NotASide(_)) => return Ok(()),
            seat => seat?,
        };
        self.note_days(&seat).await?;
        let days = self.advance_days(&seat).await;
        // A day that doesn't go on keeps nobody from correcting what was found on another.
        let breaks = self.correct(&seat).await;
        days.and(breaks)
    }
}
