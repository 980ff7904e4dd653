//! What the institution's own people see and do with days and breaks. Every act may be repeated.
use std::time::Duration;

use protocol::{
    ids::TradeId,
    reconciliation::{BookId, Day},
    Amount,
};

use super::{
    books::Upload,
    breaks::state::{BreakState, Refused},
    days::{run::DryRun, state::DayState},
    findings,
    import::Report,
    messages::RefusalCode,
    seat::Seat,
    Reconciliation, ReconciliationError,
};
use crate::store::{
    days::{BreakFilter, BreakLine, BreakRow, DayLine, DayRow, Took},
    Page,
};

/// How often it is looked whether a run was kept.
const POLL: Duration = Duration::from_millis(100);
/// The most characters of a comment, a reason or a name.
const MAX_TEXT: usize = 1_000;

/// A day, as this side sees it.
#[derive(Clone, Debug)]
pub struct DayStanding {
    /// How far it is.
    pub row: DayRow,
    /// How many breaks aren't done.
    pub breaks: u64,
    /// How many trades may still come.
    pub expected: u64,
    /// What happened to it.
    pub history: Vec<DayLine>,
}

/// A break, as this side sees it.
#[derive(Clone, Debug)]
pub struct BreakStanding {
    /// How far it is.
    pub row: BreakRow,
    /// What happened to it.
    pub history: Vec<BreakLine>,
}

impl Reconciliation {
    /// Days of a book, the latest first: those before `before`.
    ///
    /// # Errors
    /// The institution is no side of the book, or the database failed.
    pub async fn days(
        &self,
        book: BookId,
        before: Option<Day>,
        limit: u32,
    ) -> Result<Vec<DayRow>, ReconciliationError> {
        self.seat(book).await?;
        Ok(self.store.book_days(book, before, limit).await?)
    }

    /// A day of a book.
    ///
    /// # Errors
    /// The institution is no side of the book, nothing is known of the day, or the database failed.
    pub async fn day(&self, book: BookId, day: Day) -> Result<DayStanding, ReconciliationError> {
        self.seat(book).await?;
        let row = self.known_day(book, day).await?;
        let (breaks, expected) = self.store.unfinished_breaks(book, day).await?;
        Ok(DayStanding {
            row,
            breaks,
            expected,
            history: self.store.book_day_history(book, day).await?,
        })
    }

    /// Has a day matched, whether or not its cut-off has come; what comes of it is kept, and goes on from there. Waits so long for
    /// it to be kept.
    ///
    /// # Errors
    /// The institution is no side of the book, or the database failed.
    pub async fn want(
        &self,
        book: BookId,
        day: Day,
        who: &str,
        patience: Duration,
    ) -> Result<DayStanding, ReconciliationError> {
        self.seat(book).await?;
        loop {
            let row = self.store.book_day(book, day).await?;
            let mut row = row.unwrap_or_else(|| DayRow::new(book, day));
            (row.is_wanted, row.retry_at, row.failures, row.failure) = (true, 0, 0, None);
            let line = format!("{who} wants it matched");
            if self.store.save_book_day(&row, Some(&line), self.now()).await? {
                break;
            }
        }
        self.changed();
        let ran = async {
            while self.known_day(book, day).await?.is_wanted {
                tokio::time::sleep(POLL).await;
            }
            Ok::<_, ReconciliationError>(())
        };
        // However far it came: that is told.
        if let Ok(failed) = tokio::time::timeout(patience, ran).await {
            failed?;
        }
        self.day(book, day).await
    }

    /// Matches a day and shows what is wrong; nothing of it is kept.
    ///
    /// # Errors
    /// The institution is no side of the book, the other side or the chain can't be reached, or the database failed.
    pub async fn dry_run(&self, book: BookId, day: Day) -> Result<DryRun, ReconciliationError> {
        let seat = self.seat(book).await?;
        self.run_dry(&seat, day).await
    }

    /// Imports a file into the own book. Days that were matched and aren't closed are matched again.
    ///
    /// # Errors
    /// As [`super::books::Books::import`].
    pub async fn import(&self, book: BookId, upload: Upload) -> Result<Report, ReconciliationError> {
        let report = self.books.import(book, upload).await?;
        if !report.is_known && !report.is_dry_run {
            for row in self.store.unfinished_book_days(book, false).await? {
                if row.kept_run > 0 {
                    self.want_run(book, row.day, "this side's book has other lines: it is matched again")
                        .await?;
                }
            }
            self.changed();
        }
        Ok(report)
    }

    /// Tries at once what is tried again by itself: to have a day closed. With `alone`, by this side's signature only, once
    /// the book's patience with the other side is over.
    ///
    /// # Errors
    /// The day isn't so far, the other side has time left, or the chain or the database failed.
    pub async fn close(
        &self,
        book: BookId,
        day: Day,
        alone: bool,
        who: &str,
    ) -> Result<DayStanding, ReconciliationError> {
        self.catch_up().await?;
        let seat = self.seat(book).await?;
        let mut row = self.known_day(book, day).await?;
        if row.state.is_closed() || seat.is_closed(day) {
            return self.day(book, day).await;
        }
        if alone {
            self.close_alone(&seat, &row).await?;
            return self.day(book, day).await;
        }
        if !matches!(row.state, DayState::Clean | DayState::Closing) {
            return Err(ReconciliationError::WrongDayState {
                state: row.state,
                needed: "it is closed once a run finds nothing wrong",
            });
        }
        (row.retry_at, row.failures) = (0, 0);
        let line = format!("{who} wants it closed");
        self.store.save_book_day(&row, Some(&line), self.now()).await?;
        self.changed();
        self.day(book, day).await
    }

    /// Pays again what a closed day comes to, after a payment that came to nothing.
    ///
    /// # Errors
    /// There is nothing to be paid by this side now, or the database failed.
    pub async fn pay(&self, book: BookId, day: Day) -> Result<DayStanding, ReconciliationError> {
        let seat = self.seat(book).await?;
        let row = self.known_day(book, day).await?;
        match row.state {
            DayState::Closed if !seat.leads() => {
                self.try_paying(&row).await?;
                self.changed();
            }
            DayState::Paying | DayState::Paid => {}
            state => {
                return Err(ReconciliationError::WrongDayState {
                    state,
                    needed: "the debit side pays a day once it is closed",
                })
            }
        }
        self.day(book, day).await
    }

    /// The breaks that a filter lets through, the newest first.
    ///
    /// # Errors
    /// The institution is no side of the book, or the database failed.
    pub async fn breaks(
        &self,
        book: BookId,
        filter: &BreakFilter,
        page: &Page,
    ) -> Result<Vec<BreakRow>, ReconciliationError> {
        self.seat(book).await?;
        Ok(self.store.breaks(book, filter, page).await?)
    }

    /// What is wrong with a trade, and what came of it: of several days, the one with which something is left to do.
    ///
    /// # Errors
    /// The institution is no side of the book, no run found anything wrong, or the database failed.
    pub async fn break_of(&self, book: BookId, trade: TradeId) -> Result<BreakStanding, ReconciliationError> {
        self.seat(book).await?;
        let row = self.known_break(book, trade).await?;
        let history = self.store.break_history(book, row.day, trade).await?;
        Ok(BreakStanding { row, history })
    }

    /// Says who sees to a break; nobody, if it isn't said.
    ///
    /// # Errors
    /// There is no such break, the name is too long, or the database failed.
    pub async fn assign(
        &self,
        book: BookId,
        trade: TradeId,
        to: Option<&str>,
        who: &str,
    ) -> Result<BreakStanding, ReconciliationError> {
        let to = to.map(checked).transpose()?;
        let detail = to.map_or_else(|| "nobody sees to it".to_owned(), |to| format!("{to} sees to it"));
        self.change_break(book, trade, who, &detail, |row| {
            row.assigned = to.map(ToOwned::to_owned)
        })
        .await
    }

    /// Writes something down about a break.
    ///
    /// # Errors
    /// There is no such break, the text is empty or too long, or the database failed.
    pub async fn comment(
        &self,
        book: BookId,
        trade: TradeId,
        text: &str,
        who: &str,
    ) -> Result<BreakStanding, ReconciliationError> {
        let text = checked(text)?;
        self.change_break(book, trade, who, text, |_| {}).await
    }

    /// Proposes a correction to the other side: what follows from the chain's entry, or another amount.
    ///
    /// # Errors
    /// There is no such break, it is too late or too early for it, or the chain or the database failed.
    pub async fn propose(
        &self,
        book: BookId,
        trade: TradeId,
        amount: Option<Amount>,
        comment: Option<&str>,
        who: &str,
    ) -> Result<BreakStanding, ReconciliationError> {
        let comment = comment.map(checked).transpose()?.map(ToOwned::to_owned);
        let (seat, row) = self.correctable(book, trade).await?;
        let own = findings::proposal(&row.finding).amount;
        if let Some(other) = amount.filter(|amount| *amount != own && row.finding.batch.is_some()) {
            return Err(ReconciliationError::BadAmount(other));
        }
        self.propose_correction(&seat, &row, amount, comment, Some(who)).await?;
        self.break_of(book, trade).await
    }

    /// Accepts a correction: signs what the other side proposed; where it proposed nothing, proposes what follows from the
    /// chain's entry.
    ///
    /// # Errors
    /// There is no such break, it is too late or too early for it, or the chain or the database failed.
    pub async fn accept(&self, book: BookId, trade: TradeId, who: &str) -> Result<BreakStanding, ReconciliationError> {
        let (seat, row) = self.correctable(book, trade).await?;
        match row.proposed.clone() {
            Some(theirs) if !theirs.is_ours => {
                self.co_sign(&seat, &row, theirs, Some(who)).await?;
                self.changed();
            }
            // Already asked for.
            Some(_) => {}
            None => {
                self.propose_correction(&seat, &row, None, None, Some(who)).await?;
            }
        }
        self.break_of(book, trade).await
    }

    /// Rejects what the other side proposed; it is told so, with the reason.
    ///
    /// # Errors
    /// There is no such break, the other side proposed nothing, the reason is empty or too long, or the database failed.
    pub async fn reject(
        &self,
        book: BookId,
        trade: TradeId,
        reason: &str,
        who: &str,
    ) -> Result<BreakStanding, ReconciliationError> {
        let reason = checked(reason)?;
        self.seat(book).await?;
        let mut row = self.known_break(book, trade).await?;
        let wrong = ReconciliationError::WrongBreakState { state: row.state };
        let theirs = row.proposed.take().filter(|proposed| !proposed.is_ours);
        let theirs = theirs.filter(|_| row.state == BreakState::Proposed).ok_or(wrong)?;
        row.reopen();
        row.refusal = Some(Refused {
            code: RefusalCode::Rejected,
            reason: reason.to_owned(),
            correction: theirs.correction.id(),
            is_ours: true,
        });
        self.save_break(&row, Some(who), &format!("rejected: {reason}")).await?;
        self.break_of(book, trade).await
    }

    async fn correctable(&self, book: BookId, trade: TradeId) -> Result<(Seat, BreakRow), ReconciliationError> {
        self.catch_up().await?;
        let seat = self.seat(book).await?;
        let row = self.known_break(book, trade).await?;
        match row.state {
            BreakState::Open | BreakState::Proposed => Ok((seat, row)),
            state => Err(ReconciliationError::WrongBreakState { state }),
        }
    }

    async fn change_break(
        &self,
        book: BookId,
        trade: TradeId,
        who: &str,
        detail: &str,
        change: impl Fn(&mut BreakRow),
    ) -> Result<BreakStanding, ReconciliationError> {
        self.seat(book).await?;
        let took = Took { who: Some(who), detail };
        loop {
            let mut row = self.known_break(book, trade).await?;
            change(&mut row);
            if self.store.save_break(&row, Some(took), self.now()).await? {
                return self.break_of(book, trade).await;
            }
        }
    }

    async fn known_day(&self, book: BookId, day: Day) -> Result<DayRow, ReconciliationError> {
        let row = self.store.book_day(book, day).await?;
        row.ok_or(ReconciliationError::UnknownDay(book, day))
    }

    async fn known_break(&self, book: BookId, trade: TradeId) -> Result<BreakRow, ReconciliationError> {
        let found = self.store.breaks_of(book, trade).await?;
        found
            .into_iter()
            .next()
            .ok_or(ReconciliationError::UnknownBreak(trade, book))
    }
}

fn checked(text: &str) -> Result<&str, ReconciliationError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_TEXT {
        return Err(ReconciliationError::BadText { limit: MAX_TEXT });
    }
    Ok(text)
}
