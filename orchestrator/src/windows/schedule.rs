//! What a notary does by itself: agrees to cut windows off when their time has come, pays those that could not be paid,
//! names members that are near their caps.
use std::{sync::Arc, time::Duration};

use metrics::gauge;
use protocol::{
    decisions::Decision,
    windows::{Closing, WindowState},
    Timestamp,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{WindowError, Windows};
use crate::{
    assets::AssetName,
    decisions::{DecisionError, Wish},
    settlement::ports::LedgerError,
    store::webhooks::NewEvent,
};

/// Blocks may come by the hundred in a second.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest between two looks: cut-offs come without a block.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Part of its cap that a member uses, in percent.
pub(crate) const CAP_USED: &str = "quittance_net_debit_cap_used_percent";
/// Who agrees where no person does.
const BY: &str = "schedule";

impl Windows {
    /// Goes on until `shutdown`. Aborting at any point is harmless: what was done is on the chain, and is looked for first.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let drive = async {
            loop {
                let block = self.ledger.next_block();
                if let Err(error) = self.round().await {
                    tracing::warn!(%error, "the windows can't be looked at; tried again");
                }
                tokio::time::sleep(PAUSE).await;
                tokio::select! {
                    () = block => {}
                    () = tokio::time::sleep(LONGEST_WAIT) => {}
                }
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = drive => {}
        }
    }

    /// One look at everything.
    ///
    /// # Errors
    /// Chain or database can't be read.
    pub async fn round(&self) -> Result<(), WindowError> {
        if !self.ledger.notaries().await?.contains(&self.config.member) {
            return Ok(());
        }
        self.cut_off().await?;
        self.settle_unpaid().await?;
        self.sound_alarms().await
    }

    /// Agrees to close the open window once a cut-off has passed since it was opened. Of several missed ones, the latest
    /// counts.
    async fn cut_off(&self) -> Result<(), WindowError> {
        let Some(due) = self.config.calendar.latest(self.clock.now()) else {
            return Ok(());
        };
        match self.store.window_schedule().await?.served {
            // Before the first start there was nothing to miss.
            None => return Ok(self.store.serve_cut_off(due).await?),
            Some(served) if served >= due => return Ok(()),
            Some(_) => {}
        }
        let open = self.ledger.current().await?.window;
        let window = self.ledger.window(open).await?.unwrap_or_default();
        if window.vouchers == 0 || self.opened_since(window.opened_in, due).await? {
            return Ok(self.store.serve_cut_off(due).await?);
        }
        let wish = Wish {
            decision: Decision::CloseWindow(open),
            number: None,
            expires_at: None,
        };
        match self.decisions.agree(wish, None, BY).await {
            Ok(_) => {}
            Err(DecisionError::Ledger(error)) => return Err(error.into()),
            Err(DecisionError::Store(error)) => return Err(error.into()),
            Err(error) => tracing::warn!(%error, window = open, "the window can't be cut off now; tried again"),
        }
        Ok(())
    }

    /// Whether the other notaries closed the window before at this cut-off already.
    async fn opened_since(&self, block: u32, due: Timestamp) -> Result<bool, WindowError> {
        if block == 0 {
            return Ok(false);
        }
        Ok(self.ledger.time_of(block).await?.is_some_and(|opened| opened >= due))
    }

    /// Pays every window that is cut off, as soon as everybody in it can pay.
    async fn settle_unpaid(&self) -> Result<(), WindowError> {
        let open = self.ledger.current().await?.window;
        let mut all_before_paid = true;
        for number in self.store.window_schedule().await?.first_unsettled..open {
            let window = self.ledger.window(number).await?.unwrap_or_default();
            if window.state == WindowState::Settled {
                if all_before_paid {
                    self.store.settled_windows_below(number.saturating_add(1)).await?;
                }
                continue;
            }
            all_before_paid = false;
            match self.ledger.try_settling(number).await {
                Ok(Closing::Settled(_)) => {
                    // An attempt that comes too late changes nothing and counts as done: each has its own name.
                    let key = format!("settle-window/{number}/{}", self.clock.now());
                    match self.ledger.settle(&key, number).await {
                        Ok(block) => tracing::info!(window = number, block = block.number, "paid"),
                        // Another notary was faster.
                        Err(LedgerError::Refused(why)) => tracing::debug!(window = number, ?why, "not paid here"),
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(Closing::Short(shortfalls)) => {
                    tracing::warn!(window = number, ?shortfalls, "the window can't be paid");
                }
                Err(LedgerError::Refused(why)) => tracing::debug!(window = number, ?why, "not to be paid"),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Names each member once when it comes near its cap, and again after it was further away.
    async fn sound_alarms(&self) -> Result<(), WindowError> {
        for standing in self.standings().await? {
            let key = (standing.member, standing.asset);
            let labels = [
                ("member", standing.member.to_string()),
                ("asset", format!("{:?}", standing.asset)),
            ];
            gauge!(CAP_USED, &labels).set(f64::from(standing.used_percent));
            let is_new = {
                let mut named = self.named.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if standing.alarm {
                    named.insert(key)
                } else {
                    named.remove(&key);
                    false
                }
            };
            if is_new {
                let asset = AssetName(standing.asset).to_string();
                let alarm = NewEvent {
                    kind: "cap.alarm",
                    subject: format!("cap/{}/{asset}", standing.member),
                    data: json!({
                        "member": standing.member,
                        "asset": asset,
                        "used": standing.used().to_string(),
                        "cap": standing.cap.to_string(),
                        "used_percent": standing.used_percent,
                    }),
                    origin: None,
                };
                self.store.tell(self.clock.now(), &alarm).await?;
                tracing::warn!(
                    member = %standing.member,
                    used_percent = standing.used_percent,
                    cap = standing.cap,
                    "a member is near its net debit cap"
                );
            }
        }
        Ok(())
    }
}
