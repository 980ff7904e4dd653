//! One loop drives every payment of every role: look at what is stored, act, store what came of it.
use std::{collections::HashSet, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::FutureExt;
use protocol::{
    clearing::{Course, Current, Retention},
    settlement::Voucher,
    VoucherId,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    destination, discharge, failpoints,
    fault::{is_passing, Fault, SettlementError, ALREADY_RETAINED, EXPIRED},
    home,
    members::Members,
    notary, originator,
    ports::{LedgerError, PeerError},
    state::State,
    Settlement,
};
use crate::store::{
    payments::{Advance, Document, Effect, PaymentRow},
    StoreError,
};

/// The most steps that act at once. Payments that wait don't count.
pub(super) const MAX_STEPS: usize = 64;
const SHORTEST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a step came to.
pub(super) enum Next {
    /// The next state, with everything that is stored together with it.
    To {
        state: State,
        detail: String,
        effects: Vec<Effect>,
        /// A kind of paper that forbids the move when it was kept meanwhile.
        unless_kept: Option<&'static str>,
    },
    /// Nothing to do until the world changes.
    Wait,
}

impl Next {
    pub(super) fn to(state: State, detail: impl Into<String>, effects: Vec<Effect>) -> Self {
        Next::To {
            state,
            detail: detail.into(),
            effects,
            unless_kept: None,
        }
    }
}

/// A step couldn't act. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a peer's answer is wrong: {0}")]
    Answer(#[from] Fault),
    #[error("the chain holds something else for this voucher than what follows from it")]
    ChainDisagrees,
    #[error("the {0} that this step needs is not stored")]
    Missing(&'static str),
    #[error("fewer notaries are active now than a retention needs")]
    NoNotary,
    #[error("the settlement balance shows no credit to name as the source")]
    NoSource,
}

/// Whether the peer says that the request is wrong for good.
pub(super) fn rejection(error: &PeerError) -> Option<String> {
    match error {
        // Its clock, or its node, is ahead of ours: ours will say the same soon.
        PeerError::Rejected { code, .. } if is_passing(code) || code == EXPIRED || code == ALREADY_RETAINED => None,
        PeerError::Rejected { .. } => Some(error.to_string()),
        PeerError::Unreachable { .. } => None,
    }
}

/// Everything on the chain that a waiting payment depends on.
#[derive(PartialEq, Eq)]
struct View {
    retention: Option<Retention>,
    current: Current,
    epoch: u32,
    is_over: bool,
}

/// What one look at a payment came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is in a final state.
    Ended,
    /// It reached its next state.
    Moved,
    /// Nothing to do until the world changes.
    Waits,
}

impl Settlement {
    /// Resumes every unfinished payment and drives new ones until `shutdown`. Aborting a step at any point is harmless:
    /// it is the same as a crash there.
    ///
    /// # Errors
    /// It is running already, or the database can't be read.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) -> Result<(), SettlementError> {
        let mut arrivals = self.arrivals.try_lock().map_err(|_| SettlementError::AlreadyRunning)?;
        let mut running = HashSet::new();
        let mut tasks = JoinSet::new();
        let mut waiting = self.store.unfinished_payments().await?;
        loop {
            for id in waiting.drain(..) {
                if running.insert(id) {
                    let settlement = self.clone();
                    let span = tracing::info_span!("payment", voucher = %id);
                    let drive = async move { settlement.drive(id).await }.instrument(span);
                    tasks.spawn(drive.map(move |()| id));
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(id) = arrivals.recv() => waiting.push(id),
                Some(done) = tasks.join_next() => match done {
                    Ok(id) => { running.remove(&id); }
                    Err(error) => tracing::error!(%error, "a payment's task ended badly; a restart resumes it"),
                },
            }
        }
        tasks.shutdown().await;
        Ok(())
    }

    async fn drive(&self, id: VoucherId) {
        let waker = self.waker(id);
        let mut delays = backoff();
        let mut voucher = None;
        loop {
            // Listen before looking, so that a block finalized while the step looks isn't missed.
            let mut block = std::pin::pin!(self.ledger.next_block().fuse());
            let _ = futures::poll!(&mut block);
            let mut view = self.view(id, &mut voucher).await;
            // A step that panics holds up its own payment only, and no longer than one that fails.
            match AssertUnwindSafe(self.turn(id)).catch_unwind().await {
                Ok(Ok(Turn::Ended)) => break,
                Ok(Ok(Turn::Moved)) => {
                    delays = backoff();
                    continue;
                }
                Ok(Ok(Turn::Waits)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the step is tried again");
                    view = None;
                }
                Err(_) => {
                    tracing::error!("the step panicked; it is tried again");
                    view = None;
                }
            }
            let mut delay = std::pin::pin!(tokio::time::sleep(delays.next().unwrap_or(LONGEST_WAIT)));
            loop {
                tokio::select! {
                    () = &mut block => {
                        block.set(self.ledger.next_block().fuse());
                        let _ = futures::poll!(&mut block);
                        if view.is_none() || view != self.view(id, &mut voucher).await {
                            break;
                        }
                    }
                    () = waker.notified() => break,
                    () = &mut delay => break,
                }
            }
        }
        self.forget_waker(id);
    }

    /// What a waiting payment sees of the chain: while it stays the same, a block is no reason to look again. `None` where
    /// it can't be told.
    async fn view(&self, id: VoucherId, voucher: &mut Option<Voucher>) -> Option<View> {
        if voucher.is_none() {
            *voucher = self.store.payment(id).await.ok()?.map(|payment| payment.voucher);
        }
        let voucher = voucher.as_ref()?;
        Some(View {
            retention: self.ledger.retention(voucher).await.ok()?,
            current: self.ledger.current().await.ok()?,
            epoch: Members::read(&*self.ledger, &[self.member]).await.ok()?.epoch,
            is_over: self.ledger.time().await.ok()? >= voucher.expires_at,
        })
    }

    /// One look at a payment: at most one step.
    pub(super) async fn turn(&self, id: VoucherId) -> Result<Turn, StepError> {
        if discharge::is_in_open_window(self, id).await? {
            return Ok(Turn::Waits);
        }
        let Some(payment) = self.store.payment(id).await? else {
            return Ok(Turn::Ended);
        };
        if payment.state.is_final() {
            return Ok(Turn::Ended);
        }
        // What waits for others to go along with takes a permit while it acts by itself.
        let _permit = match payment.state.goes_together() {
            true => None,
            false => Some(self.permits.acquire().await),
        };
        #[cfg(test)]
        self.stop_at(&format!("{}.acting", payment.state)).await;
        failpoints::reach(format!("{}.acting", payment.state)).await;
        let next = match payment.state {
            State::Originator(state) => originator::step(self, &payment, state).await?,
            State::Home(state) => home::step(self, &payment, state).await?,
            State::Destination(state) => destination::step(self, &payment, state).await?,
            State::Notary(state) => notary::step(self, &payment, state).await?,
        };
        let Next::To {
            state,
            detail,
            effects,
            unless_kept,
        } = next
        else {
            return Ok(Turn::Waits);
        };
        #[cfg(test)]
        self.stop_at(&format!("{}.acted", payment.state)).await;
        failpoints::reach(format!("{}.acted", payment.state)).await;
        // Stored only if the payment is still where the step found it: a late step can't undo a newer one.
        let advance = Advance {
            from: payment.state,
            to: state,
            detail: &detail,
            at: self.clock.now(),
            effects: &effects,
            unless_kept,
        };
        let moved = self.advance(&payment, &advance).await?;
        if moved {
            tracing::info!(from = %payment.state, to = %state, detail, "moved");
        }
        Ok(if moved { Turn::Moved } else { Turn::Waits })
    }

    /// Whether the payment can't be retained any more. Without this institution's own signature for the retention its
    /// clock decides; with it only the finalized chain does, because the batch may be on its way.
    pub(super) async fn has_expired(&self, payment: &PaymentRow, signed: bool) -> Result<bool, StepError> {
        if self.clock.now() < payment.voucher.expires_at {
            return Ok(false);
        }
        if !signed {
            return Ok(true);
        }
        // The time first: every block after it is at least that late, so "not there" read afterwards is for good.
        if self.ledger.time().await? < payment.voucher.expires_at {
            return Ok(false);
        }
        Ok(self.ledger.retention(&payment.voucher).await?.is_none())
    }

    /// The voucher as the finalized chain holds it, once that is what follows from it.
    pub(super) async fn retention(&self, payment: &PaymentRow) -> Result<Option<Retention>, StepError> {
        let Some(retention) = self.ledger.retention(&payment.voucher).await? else {
            return Ok(None);
        };
        let relation = &retention.relation;
        let follows = self.relation_of(&payment.voucher, relation.drawn_at).await?;
        if follows.as_ref() != Some(relation) || retention.relation_id != relation.id() {
            return Err(StepError::ChainDisagrees);
        }
        Ok(Some(retention))
    }

    /// What every role stores when it sees the retention on chain.
    pub(super) fn retained(&self, retention: &Retention) -> Result<Vec<Effect>, StepError> {
        Ok(vec![
            Effect::Retained {
                relation: retention.relation_id,
                block: retention.retained_in,
                window: match retention.course {
                    Course::InWindow(window) => Some(window),
                    Course::Reserved | Course::TakenOut => None,
                },
            },
            Effect::Keep(Document::new("relation", self.member, 0, &retention.relation)?),
        ])
    }
}

/// The block in which the last debtor paid, once all did.
pub(super) fn cleared_in(retention: &Retention) -> Option<u32> {
    retention.cleared_in
}

fn backoff() -> backon::ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(SHORTEST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .with_jitter()
        .without_max_times()
        .build()
}
