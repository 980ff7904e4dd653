//! Does whatever is due for books: reads the chain, records what waits, tells both sides.
use std::{sync::Arc, time::Duration};

use protocol::reconciliation::{BookId, Side, MAX_ENTRIES};
use tokio_util::sync::CancellationToken;

use super::{Books, BooksError};
use crate::{reconciliation::settings::Feed, steps::Steps};

/// Blocks may come by the hundred in a second.
const PAUSE: Duration = Duration::from_millis(10);
/// The longest between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The most calls on their way at once.
const ON_THE_WAY: usize = 4;

/// Something to be done: at most one at a time of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// The chain is read.
    Follow,
    /// Own payments are looked through.
    Feed(BookId, Feed),
    /// A call's entries are recorded.
    Record(i64),
    /// A side is told.
    Deliver(BookId, Side),
}

impl Books {
    /// Resumes everything that isn't done, and goes on until `stop`. Aborting a step at any point is harmless: it is the same
    /// as a crash there.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.drive() => {}
        }
    }

    /// One look at everything, and each step, one after the other: what [`Books::run`] does all the time. For simulations,
    /// which decide when it happens and what fails.
    ///
    /// # Errors
    /// The first one; the rest of the round is left out, as in a crash.
    pub async fn round(&self) -> Result<(), BooksError> {
        self.take_step(Step::Follow).await?;
        for step in self.due().await? {
            match self.take_step(step).await {
                // That holds up no other.
                Ok(()) | Err(BooksError::NotYet(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn drive(self: Arc<Self>) {
        let mut steps = Steps::new();
        // Whether the chain and own payments may have gone on, which no change here tells of.
        let mut is_fresh = true;
        loop {
            // A change here during the look isn't missed: `Notify` keeps it.
            let changed = self.changed.notified();
            let block = self.ledger.next_block();
            if is_fresh {
                steps.begin(Step::Follow, || self.clone().go(Step::Follow));
            }
            match self.due().await {
                Ok(due) => {
                    for step in due
                        .into_iter()
                        .filter(|step| is_fresh || !matches!(step, Step::Feed(..)))
                    {
                        steps.begin(step, || self.clone().go(step));
                    }
                }
                Err(error) => tracing::warn!(%error, "books can't be looked at; tried again"),
            }
            tokio::time::sleep(PAUSE).await;
            is_fresh = tokio::select! {
                () = block => true,
                () = changed => false,
                () = tokio::time::sleep(LONGEST_WAIT) => true,
                () = steps.ended() => false,
            };
            steps.sweep();
        }
    }

    /// What is to be done, as it stands here.
    async fn due(&self) -> Result<Vec<Step>, BooksError> {
        let mut due = Vec::new();
        for known in self.store.known_books().await? {
            if known.terms.client != self.member {
                continue;
            }
            let feeds = self.settings(known.book).feeds;
            due.extend(feeds.into_iter().map(|feed| Step::Feed(known.book, feed)));
            for side in [Side::Debit, Side::Credit] {
                if !self.store.undelivered_entries(known.book, side, 1).await?.is_empty() {
                    due.push(Step::Deliver(known.book, side));
                }
            }
        }
        let mut open = self.store.open_entry_calls().await?;
        while open.len() < ON_THE_WAY {
            match self.store.form_entry_call(MAX_ENTRIES).await? {
                Some(call) => open.push(call),
                None => break,
            }
        }
        due.extend(open.into_iter().map(Step::Record));
        Ok(due)
    }

    async fn go(self: Arc<Self>, step: Step) -> bool {
        match self.take_step(step).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, ?step, "a step of books failed; tried again");
                false
            }
        }
    }

    async fn take_step(&self, step: Step) -> Result<(), BooksError> {
        match step {
            Step::Follow => self.follow().await.map(|_| ()),
            Step::Record(call) => self.record_call(call).await,
            Step::Feed(book, feed) => {
                let known = self.book(book).await?;
                while self.feed(&known, feed).await? {}
                Ok(())
            }
            Step::Deliver(book, side) => {
                while self.deliver(book, side).await? {}
                Ok(())
            }
        }
    }
}
