//! Closes merchants' cycles at the programme's cut-offs (S4.4). The finalized chain is its only memory: a cycle that was
//! opened before the latest cut-off is closed; of several missed ones, the latest counts.
use std::time::Duration;

use futures::StreamExt;
use protocol::{
    prepaid::{Merchant, MerchantNumber},
    Timestamp,
};

use super::{
    desk::closing,
    ports::{Act, LedgerError, PrepaidLedger},
    Prepaid, PrepaidError,
};
use crate::{
    settlement::failpoints,
    steps::needs_block,
    store::{Page, Place},
};

/// Blocks may come by the hundred in a second.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest between two looks: cut-offs come without a block.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How many merchants are looked at in one go.
const PORTION: u32 = 64;
/// How many cycles are closed at once: each waits for finality.
const AT_ONCE: usize = 16;

impl Prepaid {
    /// Looks at the merchants all the time; never returns.
    pub(super) async fn watch_cycles(&self) {
        let Ok(ledger) = self.own() else {
            return std::future::pending().await;
        };
        loop {
            let block = ledger.next_block();
            if let Err(error) = self.close_due_cycles().await {
                tracing::warn!(%error, "merchants' cycles can't be closed now; tried again");
            }
            tokio::time::sleep(PAUSE).await;
            tokio::select! {
                () = block => {}
                () = tokio::time::sleep(LONGEST_WAIT) => {}
            }
        }
    }

    /// Closes every cycle that a cut-off has passed since it was opened, if there is anything in it.
    ///
    /// # Errors
    /// Chain or database can't be read; one merchant's cycle that can't be closed keeps no other's open.
    pub async fn close_due_cycles(&self) -> Result<(), PrepaidError> {
        let Some(due) = self.issuing()?.schedule.latest(self.now()) else {
            return Ok(());
        };
        let ledger = self.own()?;
        let open = self.cycles_opened_before(ledger, due).await?;
        if open.is_empty() || !self.has_come(ledger, due).await? {
            return Ok(());
        }
        let close = |(merchant, cycle): (MerchantNumber, u32)| async move {
            if let Err(error) = close(ledger, merchant, cycle).await {
                tracing::warn!(merchant = merchant.0, cycle, %error, "the cycle can't be closed now; tried again");
            }
        };
        futures::stream::iter(open).for_each_concurrent(AT_ONCE, close).await;
        Ok(())
    }

    async fn cycles_opened_before(
        &self,
        ledger: &dyn PrepaidLedger,
        due: Timestamp,
    ) -> Result<Vec<(MerchantNumber, u32)>, PrepaidError> {
        let mut open = Vec::new();
        let mut page = Page::first(PORTION);
        loop {
            let given = self.merchants(ledger.issuer(), &page).await?;
            let is_last = given.len() < usize::try_from(page.limit).unwrap_or(usize::MAX);
            for merchant in &given {
                if let Some(standing) = &merchant.standing {
                    if standing.cycle.opened_at < due && holds_something(merchant.id, standing, due) {
                        open.push((merchant.id, standing.cycle.number));
                    }
                }
            }
            match given.last() {
                Some(last) if !is_last => {
                    page.after = Some(Place {
                        at: last.created_at,
                        id: last.id.0.to_string(),
                    });
                }
                _ => return Ok(open),
            }
        }
    }

    /// Whether the chain's own time has come to the cut-off: a cycle that begins before it would be closed at it again.
    async fn has_come(&self, ledger: &dyn PrepaidLedger, due: Timestamp) -> Result<bool, PrepaidError> {
        let time = || ledger.head().1;
        if time() < due && needs_block(&*self.clock, due, time).await {
            // A block that came too early doesn't count: another head, another wish.
            let key = format!("prepaid/{}/cut-off/{}/{due}", ledger.issuer(), ledger.head().0);
            ledger.make_block(&key).await?;
        }
        Ok(time() >= due)
    }
}

/// A crash at any point is harmless: the cycle's name is the same, and the chain shows which one is open.
async fn close(ledger: &dyn PrepaidLedger, merchant: MerchantNumber, cycle: u32) -> Result<(), LedgerError> {
    failpoints::reach("prepaid.issuer.cycle.acting".to_owned()).await;
    let act = Act::CloseCycle { merchant, cycle };
    let block = ledger
        .carry_out(&closing(ledger.issuer(), merchant, cycle), &act)
        .await?;
    failpoints::reach("prepaid.issuer.cycle.acted".to_owned()).await;
    tracing::info!(merchant = merchant.0, cycle, block = block.number, "closed");
    Ok(())
}

/// Whether a statement would tell or pay anything: a merchant that nothing happens to needs none.
fn holds_something(number: MerchantNumber, merchant: &Merchant, now: Timestamp) -> bool {
    let cycle = &merchant.cycle;
    let moved = cycle.count > 0 || cycle.refunded_count > 0 || cycle.awarded_count > 0 || cycle.funded > 0;
    moved || {
        let mut next = *merchant;
        next.close_cycle(number, now)
            .is_ok_and(|statement| statement.paid > 0 || statement.fee > 0)
    }
}
