//! Brings corrections that both sides signed to the chain, several in one call.
use futures::{stream::FuturesUnordered, StreamExt};
use protocol::{
    ids::content_id,
    reconciliation::{SignedCorrection, MAX_CORRECTIONS},
    text::to_hex,
};

use super::{
    super::{
        fault::ReconciliationError,
        ports::{Act, LedgerError},
        seat::Seat,
        Reconciliation,
    },
    state::{BreakState, Proposed},
    LIFETIME,
};
use crate::{settlement::failpoints, store::days::BreakRow};

/// How many calls are on their way at once: each waits for finality.
const AT_ONCE: usize = 8;

impl Reconciliation {
    /// Hands in what both sides signed and the chain doesn't have. The proposer does; the other side, too, if that took long:
    /// it has both signatures.
    pub(super) async fn record_due(&self, seat: &Seat) -> Result<(), ReconciliationError> {
        self.book_recorded(seat).await?;
        let epoch = self.signers(seat).await?.epoch;
        let mut after = None;
        while let Some(rows) = self.portion(seat, BreakState::Signed, &mut after).await? {
            let mut due = Vec::new();
            for row in rows {
                due.extend(self.to_record(row, epoch).await?);
            }
            let mut calls = FuturesUnordered::new();
            let mut first = Ok(());
            for rows in due.chunks(MAX_CORRECTIONS) {
                if calls.len() >= AT_ONCE {
                    first = first.and(calls.next().await.unwrap_or(Ok(())));
                }
                calls.push(self.record_together(seat, rows));
            }
            while let Some(done) = calls.next().await {
                first = first.and(done);
            }
            drop(calls);
            first?;
        }
        self.catch_up().await?;
        Ok(())
    }

    async fn to_record(&self, row: BreakRow, epoch: u32) -> Result<Option<BreakRow>, ReconciliationError> {
        let Some(proposed) = &row.proposed else {
            return Ok(None);
        };
        if self.has_expired(&proposed.correction) {
            self.take_back(row, "the correction didn't come to the chain in time")
                .await?;
            return Ok(None);
        }
        if proposed.epoch != epoch {
            self.take_back(row, "keys have changed since it was signed").await?;
            return Ok(None);
        }
        let is_ours = proposed.is_ours || self.now() >= row.updated_at.saturating_add(LIFETIME / 100);
        Ok(is_ours.then_some(row))
    }

    /// All or none of a call; if it is none, each by itself.
    async fn record_together(&self, seat: &Seat, rows: &[BreakRow]) -> Result<(), ReconciliationError> {
        match self.record_call(seat, rows).await {
            Err(ReconciliationError::Ledger(LedgerError::Refused(_))) => {
                for row in rows {
                    self.record_alone(seat, row).await?;
                }
                Ok(())
            }
            done => done,
        }
    }

    async fn record_alone(&self, seat: &Seat, row: &BreakRow) -> Result<(), ReconciliationError> {
        let corrects = self.ledger.entries(seat.book, &[row.corrects]).await?;
        let corrections = corrects
            .into_iter()
            .flatten()
            .next()
            .map_or(0, |entry| entry.corrections);
        if corrections > row.number {
            // It is there: whose call brought it doesn't matter.
            return Ok(());
        }
        match self.record_call(seat, std::slice::from_ref(row)).await {
            Err(ReconciliationError::Ledger(LedgerError::Refused(refusal))) => {
                self.take_back(row.clone(), &format!("the chain doesn't take it: {refusal:?}"))
                    .await
            }
            done => done,
        }
    }

    async fn record_call(&self, seat: &Seat, rows: &[BreakRow]) -> Result<(), ReconciliationError> {
        let corrections: Vec<SignedCorrection> = rows.iter().filter_map(|row| whole(row.proposed.as_ref()?)).collect();
        let ids: Vec<[u8; 32]> = corrections.iter().map(|signed| signed.correction.id()).collect();
        let key = format!(
            "reconciliation/correct/{}",
            to_hex(&content_id(b"quittance/corrections", &ids))
        );
        failpoints::reach("reconciliation.correct.acting".to_owned()).await;
        let act = Act::Correct {
            book: seat.book,
            corrections,
        };
        self.ledger.carry_out(&key, &act).await?;
        failpoints::reach("reconciliation.correct.acted".to_owned()).await;
        Ok(())
    }
}

/// With both signatures.
fn whole(proposed: &Proposed) -> Option<SignedCorrection> {
    Some(SignedCorrection {
        correction: proposed.correction.clone(),
        epoch: proposed.epoch,
        debit: proposed.debit?,
        credit: proposed.credit?,
    })
}
