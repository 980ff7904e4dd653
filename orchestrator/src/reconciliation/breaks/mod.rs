//! Breaks, from what a run found to where chain and books agree (S3.4): a correction is proposed, signed by both sides, recorded
//! on chain, and each side's own lines follow.
//!
//! A crash at any point is harmless: a signature is stored before it is sent, the chain takes each correction of an entry once,
//! and what it took is seen there.
mod booking;
mod proposing;
mod recording;
pub mod state;

use protocol::{
    ids::TradeId,
    reconciliation::{Correction, Day},
    Timestamp,
};

use self::state::{BreakState, Proposed};
use super::{seat::Seat, Reconciliation, ReconciliationError};
use crate::store::days::{BreakRow, Took};

/// How many breaks are looked at in one go.
const PORTION: u32 = 256;
/// How long a correction may take to both signatures and to the chain, in milliseconds: a person may have to look at it.
const LIFETIME: Timestamp = 3 * 86_400_000;

impl Reconciliation {
    /// Takes every break of a book as far as it goes now.
    pub(super) async fn correct(&self, seat: &Seat) -> Result<(), ReconciliationError> {
        if !self.store.has_breaks_to_correct(seat.book).await? {
            return Ok(());
        }
        let proposed = self.propose_due(seat).await;
        let collected = self.collect_due(seat).await;
        let recorded = self.record_due(seat).await;
        proposed.and(collected).and(recorded)
    }

    /// The next portion of the breaks of a book in a state, as they are now; nothing after the last one.
    async fn portion(
        &self,
        seat: &Seat,
        state: BreakState,
        after: &mut Option<(Day, TradeId)>,
    ) -> Result<Option<Vec<BreakRow>>, ReconciliationError> {
        let rows = self.store.breaks_in(seat.book, state, *after, PORTION).await?;
        let last = rows.last().map(|last| (last.day, last.trade));
        *after = last.or(*after);
        Ok(last.map(|_| rows))
    }

    /// Stores a break; false where it changed meanwhile: the next look sees it.
    pub(super) async fn save_break(
        &self,
        row: &BreakRow,
        who: Option<&str>,
        detail: &str,
    ) -> Result<bool, ReconciliationError> {
        let saved = self
            .store
            .save_break(row, Some(Took { who, detail }), self.now())
            .await?;
        if saved {
            tracing::info!(book = row.book.0, trade = %row.trade, state = %row.state, detail, "break");
        }
        Ok(saved)
    }

    /// Whether a correction can't come to the chain any more.
    fn has_expired(&self, correction: &Correction) -> bool {
        self.ledger.head().1 >= correction.expires_at
    }

    /// The open day that a correction counts on: the entry's own, or where that is closed the oldest open one, today if there
    /// is none.
    async fn day_of_correction(&self, seat: &Seat, row: &BreakRow) -> Result<Day, ReconciliationError> {
        let entry = self.store.chain_entry(seat.book, row.corrects).await?;
        let own = entry.map_or(row.day, |entry| entry.day);
        if !seat.is_closed(own) {
            return Ok(own);
        }
        let book = self.ledger.books(&[seat.book]).await?.into_iter().flatten().next();
        let oldest = book.and_then(|book| book.open.first().copied());
        let today = seat.clocks.day(self.now());
        oldest
            .or(today)
            .filter(|day| !seat.is_closed(*day))
            .ok_or(ReconciliationError::NotYet(
                "no day is open that a late correction could count on",
            ))
    }

    /// Signs a correction of a break, as it would be stored.
    fn signed(&self, seat: &Seat, correction: Correction, epoch: u32, comment: Option<String>) -> Proposed {
        let signature = self.key.sign(&correction.payload(&self.domain(epoch)));
        let (debit, credit) = seat.in_order(Some(signature), None);
        Proposed {
            correction,
            epoch,
            debit,
            credit,
            is_ours: true,
            comment,
        }
    }
}
