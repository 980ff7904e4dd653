//! Makes this side's own lines what the chain has, once a correction stands there.
use super::{
    super::{fault::ReconciliationError, seat::Seat, Reconciliation},
    state::BreakState,
    PORTION,
};
use crate::{settlement::failpoints, store::days::BreakRow};

impl Reconciliation {
    /// Reads what happened up to the latest finalized block, and books what was corrected by then; that block. What this side
    /// says of its book from then on has it.
    pub(in super::super) async fn catch_up(&self) -> Result<u32, ReconciliationError> {
        let block = self.books.follow().await?;
        for known in self.store.known_books().await? {
            match self.seat(known.book).await {
                Ok(seat) => self.book_recorded(&seat).await?,
                Err(ReconciliationError::NotASide(_) | ReconciliationError::Clocks(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(block)
    }

    /// A crash here is harmless: lines that are as the chain has them stay as they are.
    pub(super) async fn book_recorded(&self, seat: &Seat) -> Result<(), ReconciliationError> {
        let booking = self.booking.lock().await;
        loop {
            let rows = self.store.breaks_to_book(seat.book, PORTION).await?;
            if rows.is_empty() {
                drop(booking);
                return Ok(());
            }
            for row in rows {
                self.book(seat, row).await?;
            }
        }
    }

    async fn book(&self, seat: &Seat, mut row: BreakRow) -> Result<(), ReconciliationError> {
        let Some(entry) = self.store.chain_entry(seat.book, row.corrects).await? else {
            return Ok(());
        };
        // Of several since, the last one counts.
        let number = entry.corrections.saturating_sub(1);
        let known = self.store.chain_correction(seat.book, row.corrects, number).await?;
        let known = known.ok_or(ReconciliationError::NotYet(
            "the correction hasn't been read from the chain",
        ))?;
        if row.state != BreakState::Recorded {
            row.state = BreakState::Recorded;
            let detail = format!(
                "corrected to {} on chain, in block {}, event {}",
                known.correction.amount, known.block, known.event
            );
            if !self.save_break(&row, None, &detail).await? {
                return Ok(());
            }
            row.version = row.version.saturating_add(1);
        }
        failpoints::reach("reconciliation.book.acting".to_owned()).await;
        self.books.apply(seat.book, &known.correction, &row.finding).await?;
        failpoints::reach("reconciliation.book.acted".to_owned()).await;
        // What a run found that was under way by then isn't found any more.
        let day = self.store.book_day(seat.book, row.day).await?;
        row.booked_run = day.map_or(0, |day| day.runs);
        row.state = BreakState::Booked;
        self.save_break(&row, None, "this side's book is as the chain says")
            .await?;
        self.changed();
        Ok(())
    }
}
