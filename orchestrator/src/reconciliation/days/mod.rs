//! A book's days, from their end to their payment: matched, corrected, closed, paid (S3.2, S3.3, S3.5).
//!
//! What is done with a day is one step after the other, each of them stored before the next: a crash at any point is harmless,
//! because a step looks first at the finalized chain and at what is stored.
pub(super) mod closing;
mod paying;
pub mod run;
pub mod state;

use protocol::{
    reconciliation::{BookId, Day},
    Timestamp,
};

use self::state::DayState;
use super::{schedule, seat::Seat, Reconciliation, ReconciliationError};
use crate::store::days::DayRow;

/// How long the other side is left alone after it didn't sign, in milliseconds; twice as long after each other time.
const FIRST_PAUSE: Timestamp = 1_000;
/// The longest that it is left alone.
const LONGEST_PAUSE: Timestamp = 60_000;
/// How long a run that the other side asked for counts for what it asks.
const ASKED_FOR: Timestamp = 600_000;
/// How many steps of one day are taken in a row: there aren't that many.
const MOST_STEPS: u8 = 32;

/// What a step came to.
pub(super) enum Step {
    /// The day was stored anew: there may be another step.
    Moved,
    /// Nothing is due.
    Rests,
    /// The other side doesn't sign for now. Why is shown to people.
    Held(String),
}

impl Reconciliation {
    /// Begins every day on which something happened and that isn't known here, also one that was closed meanwhile.
    pub(super) async fn note_days(&self, seat: &Seat) -> Result<(), ReconciliationError> {
        let mut days = self.store.chain_days(seat.book).await?;
        let mut booked = self.store.booked_days(seat.book).await?;
        // On closed days without anything on the chain there is nothing to do.
        booked.retain(|day| !seat.is_closed(*day));
        days.append(&mut booked);
        days.sort_unstable();
        days.dedup();
        for day in days {
            if self.store.book_day(seat.book, day).await?.is_none() {
                let row = DayRow::new(seat.book, day);
                self.store
                    .save_book_day(&row, Some("something happened on it"), self.now())
                    .await?;
            }
        }
        Ok(())
    }

    /// Begins a day that the other side matches: it may have booked something on it that neither the chain nor this side has.
    pub(super) async fn note_asked(&self, seat: &Seat, day: Day) -> Result<(), ReconciliationError> {
        let is_over = seat.clocks.end(day).is_some_and(|end| end <= self.now());
        if is_over && !seat.is_closed(day) && self.store.book_day(seat.book, day).await?.is_none() {
            let row = DayRow::new(seat.book, day);
            self.store
                .save_book_day(&row, Some("the other side matches it"), self.now())
                .await?;
            self.changed();
        }
        Ok(())
    }

    /// Takes every day as far as it goes now, the oldest first: runs that were missed are caught up once each.
    pub(super) async fn advance_days(&self, seat: &Seat) -> Result<(), ReconciliationError> {
        let pays = !seat.leads();
        let mut first = Ok(());
        for row in self.store.unfinished_book_days(seat.book, pays).await? {
            if let Err(error) = self.advance_day(seat, row).await {
                // One day that doesn't go on holds up no other.
                first = first.and(Err(error));
            }
        }
        first
    }

    async fn advance_day(&self, seat: &Seat, mut row: DayRow) -> Result<(), ReconciliationError> {
        for _ in 0..MOST_STEPS {
            match self.step(seat, &row).await {
                Ok(Step::Moved) => {}
                Ok(Step::Rests) => return Ok(()),
                Ok(Step::Held(why)) => return self.hold(&row, why, true).await,
                Err(error) => {
                    self.hold(&row, error.to_string(), false).await?;
                    return Err(error);
                }
            }
            match self.store.book_day(row.book, row.day).await? {
                Some(next) => row = next,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    async fn step(&self, seat: &Seat, row: &DayRow) -> Result<Step, ReconciliationError> {
        if !row.state.is_closed() {
            if let Some(known) = self.store.chain_closing(row.book, row.day).await? {
                return self.note_closed(row, known).await;
            }
        }
        if self.now() < row.retry_at || (Self::was_passed(seat, row) && !self.ends(row).await?) {
            return Ok(Step::Rests);
        }
        if row.is_wanted || row.state == DayState::Due {
            return self.run_and_keep(seat, row).await;
        }
        if self.is_due_again(seat, row) {
            return self.make_due(row, "it is over, and its cut-off has come").await;
        }
        match row.state {
            DayState::Open | DayState::Due | DayState::Paid => Ok(Step::Rests),
            // What was expected then may be missing now.
            DayState::Matched => self.make_due(row, "what was expected is looked for again").await,
            DayState::Correcting => match self.ends(row).await? {
                true => self.make_due(row, "everything is corrected: it is matched again").await,
                false => Ok(Step::Rests),
            },
            DayState::Clean | DayState::Closing => self.close_step(seat, row).await,
            DayState::Closed => self.begin_paying(seat, row).await,
            DayState::Paying => self.pay_step(seat, row).await,
        }
    }

    /// Nothing of it was on the chain when a later day was closed: it can't be closed any more.
    fn was_passed(seat: &Seat, row: &DayRow) -> bool {
        seat.is_closed(row.day) && !row.state.is_closed() && !row.is_wanted
    }

    /// What was begun with it comes to its end: it is matched, and matched again once everything is corrected.
    async fn ends(&self, row: &DayRow) -> Result<bool, ReconciliationError> {
        Ok(match row.state {
            DayState::Due => true,
            DayState::Correcting => self.store.unfinished_breaks(row.book, row.day).await?.0 == 0,
            _ => false,
        })
    }

    /// Whether a cut-off has come since its end, and since its last run.
    fn is_due_again(&self, seat: &Seat, row: &DayRow) -> bool {
        let now = self.now();
        let waits = matches!(
            row.state,
            DayState::Open | DayState::Matched | DayState::Correcting | DayState::Clean
        );
        let is_new = || {
            let cut_off = self.settings.schedule.latest(now);
            row.ran_at.is_none() || cut_off > row.ran_at
        };
        waits && schedule::is_due(&self.settings.schedule, &seat.clocks, row.day, now) && is_new()
    }

    pub(super) async fn make_due(&self, row: &DayRow, why: &str) -> Result<Step, ReconciliationError> {
        let due = DayRow {
            state: DayState::Due,
            closing: None,
            ..row.clone()
        };
        self.save(&due, Some(why)).await
    }

    /// Stores a day; somebody else's change in between is no fault: the next look sees it.
    async fn save(&self, row: &DayRow, line: Option<&str>) -> Result<Step, ReconciliationError> {
        self.store.save_book_day(row, line, self.now()).await?;
        if let Some(line) = line {
            tracing::info!(book = row.book.0, day = schedule::write(row.day), state = %row.state, line, "day");
        }
        Ok(Step::Moved)
    }

    /// Shows why a day doesn't go on. With `leaves`, the other side is left alone for a while, ever longer.
    async fn hold(&self, row: &DayRow, why: String, leaves: bool) -> Result<(), ReconciliationError> {
        let Some(mut row) = self.store.book_day(row.book, row.day).await? else {
            return Ok(());
        };
        let is_new = row.failure.as_deref() != Some(&why);
        if !is_new && !leaves {
            return Ok(());
        }
        if leaves {
            row.retry_at = self.now().saturating_add(pause(row.failures));
            row.failures = row.failures.saturating_add(1);
        }
        let line = is_new.then(|| format!("it doesn't go on: {why}"));
        row.failure = Some(why);
        self.save(&row, line.as_deref()).await?;
        Ok(())
    }

    /// Wants a day to be matched again, unless it is closed.
    pub(super) async fn want_run(&self, book: BookId, day: Day, why: &str) -> Result<(), ReconciliationError> {
        let row = self.store.book_day(book, day).await?;
        let mut row = row.unwrap_or_else(|| DayRow::new(book, day));
        if row.state.is_closed() || row.is_wanted {
            return Ok(());
        }
        row.is_wanted = true;
        self.store.save_book_day(&row, Some(why), self.now()).await?;
        self.changed();
        Ok(())
    }

    /// The other side asks for something that this side's last run doesn't show: whether a run since then says no for good. If
    /// not, one is wanted.
    pub(super) async fn has_run_since_asked(&self, book: BookId, day: Day) -> Result<bool, ReconciliationError> {
        let row = self.store.book_day(book, day).await?;
        let mut row = row.unwrap_or_else(|| DayRow::new(book, day));
        let now = self.now();
        if let Some(asked) = row.asked_at.filter(|asked| now < asked.saturating_add(ASKED_FOR)) {
            return Ok(!row.is_wanted && row.ran_at.is_some_and(|ran| ran >= asked));
        }
        row.asked_at = Some(now);
        row.is_wanted = true;
        row.retry_at = 0;
        self.store
            .save_book_day(&row, Some("the other side asks: it is matched again"), now)
            .await?;
        self.changed();
        Ok(false)
    }
}

/// How long the other side is left alone that didn't sign so often before this time.
pub(super) fn pause(failures: u32) -> Timestamp {
    FIRST_PAUSE
        .saturating_mul(2u64.saturating_pow(failures.min(16)))
        .min(LONGEST_PAUSE)
}
