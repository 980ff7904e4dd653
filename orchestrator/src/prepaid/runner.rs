//! Does whatever is due: terminals' orders are passed on, decided, carried out.
use std::{sync::Arc, time::Duration};

use futures::future::select_all;
use protocol::{prepaid::MAX_PAYMENTS, Member};
use tokio_util::sync::CancellationToken;

use super::{Prepaid, PrepaidError};
use crate::{steps::Steps, store::prepaid::MessageRow};

/// Blocks may come by the hundred in a second.
const PAUSE: Duration = Duration::from_millis(10);
/// The longest between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The most batches on their way at once: where finality takes long, payments don't wait for one another's.
const ON_THE_WAY: usize = 4;

/// What a step is about: at most one at a time of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum About {
    /// Payments that are decided together.
    Batch(i64),
    /// A void or refund.
    Return([u8; 32]),
    /// What a terminal sent for a card issuer.
    Message(Member, [u8; 32]),
}

/// Something to be done.
#[derive(Clone, Debug)]
enum Step {
    Decide(i64),
    GiveBack([u8; 32]),
    Forward(MessageRow),
}

impl Step {
    const fn about(&self) -> About {
        match self {
            Self::Decide(batch) => About::Batch(*batch),
            Self::GiveBack(reference) => About::Return(*reference),
            Self::Forward(row) => About::Message(row.issuer, row.reference),
        }
    }
}

impl Prepaid {
    /// Resumes everything that isn't done, and goes on until `shutdown`. Aborting a step at any point is harmless: it is the
    /// same as a crash there.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let work = async {
            futures::join!(self.clone().drive(), self.watch_cycles());
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = work => {}
        }
    }

    /// One look at everything, and each step, one after the other: what [`Prepaid::run`] does all the time. For simulations,
    /// which decide when it happens and what fails.
    ///
    /// # Errors
    /// The first one; the rest of the round is left out, as in a crash.
    pub async fn round(&self) -> Result<(), PrepaidError> {
        for step in self.due().await?.0 {
            match self.take_step(step).await {
                // That holds up no other.
                Ok(()) | Err(PrepaidError::NotYet(_)) => {}
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
            let block = self.next_block();
            let mut wait = LONGEST_WAIT;
            match self.due().await {
                Ok((due, next)) => {
                    wait = next;
                    for step in due {
                        steps.begin(step.about(), || self.clone().go(step));
                    }
                }
                Err(error) => tracing::warn!(%error, "terminals' orders can't be looked at; tried again"),
            }
            tokio::time::sleep(PAUSE.min(wait)).await;
            tokio::select! {
                () = block => {}
                () = changed => {}
                () = tokio::time::sleep(wait) => {}
                () = steps.ended() => {}
            }
            steps.sweep();
        }
    }

    /// Returns when there is a new block; never without a contract.
    async fn next_block(&self) {
        if self.ledgers.is_empty() {
            return std::future::pending().await;
        }
        select_all(self.ledgers.iter().map(|ledger| ledger.next_block())).await;
    }

    /// What is to be done, and when to look again at the latest.
    async fn due(&self) -> Result<(Vec<Step>, Duration), PrepaidError> {
        let mut wait = LONGEST_WAIT;
        let messages = self.store.open_terminal_messages().await?;
        let mut due: Vec<Step> = messages.into_iter().map(Step::Forward).collect();
        if let Some(issuing) = &self.issuing {
            let mut open = self.store.open_card_batches().await?;
            while open.len() < ON_THE_WAY {
                let (count, since) = self.store.waiting_card_payments().await?;
                let Some(since) = since else { break };
                let age = Duration::from_millis(self.now().saturating_sub(since));
                let is_full = usize::try_from(count).is_ok_and(|count| count >= MAX_PAYMENTS);
                // What is on its way gives others the time to come.
                if !is_full && age < issuing.batch_wait {
                    wait = wait.min(issuing.batch_wait.saturating_sub(age));
                    break;
                }
                if !is_full && !open.is_empty() && age < LONGEST_WAIT {
                    break;
                }
                match self.store.form_card_batch(MAX_PAYMENTS).await? {
                    Some(batch) => open.push(batch),
                    None => break,
                }
            }
            due.extend(open.into_iter().map(Step::Decide));
            let returns = self.store.due_card_returns().await?;
            due.extend(returns.into_iter().map(|row| Step::GiveBack(row.reference)));
        }
        Ok((due, wait))
    }

    /// False where a step failed.
    async fn go(self: Arc<Self>, step: Step) -> bool {
        let about = step.about();
        let gone = self.take_step(step).await;
        match &gone {
            Ok(()) => {}
            Err(PrepaidError::NotYet(what)) => tracing::debug!(?about, what, "not yet"),
            Err(error) => tracing::warn!(?about, %error, "the step is tried again"),
        }
        gone.is_ok()
    }

    async fn take_step(&self, step: Step) -> Result<(), PrepaidError> {
        match step {
            Step::Decide(batch) => self.decide(batch).await,
            Step::GiveBack(reference) => self.give_back(reference).await,
            Step::Forward(row) => self.forward(row).await,
        }
    }
}
