//! The due steps of many things, at most one at a time for each. What fails is tried again, ever more slowly.
use std::{collections::HashSet, future::Future, hash::Hash, time::Duration};

use protocol::Timestamp;
use tokio::task::{JoinError, JoinSet};

use crate::{retries::Retries, settlement::ports::Clock};

/// How long to wait for a chain to make a block by itself before one is asked for, in milliseconds.
const PATIENCE: u64 = 1_000;

/// Steps under way. Dropping it is the same as a crash in each of them.
pub(crate) struct Steps<K> {
    tasks: JoinSet<(K, bool)>,
    running: HashSet<K>,
    retries: Retries<K>,
}

impl<K: Copy + Hash + Eq + Send + 'static> Steps<K> {
    pub(crate) fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            running: HashSet::new(),
            retries: Retries::default(),
        }
    }

    /// Begins a step, unless one of the same thing is under way, or failed a moment ago. `work` says whether it went well.
    pub(crate) fn begin<F: Future<Output = bool> + Send + 'static>(&mut self, of: K, work: impl FnOnce() -> F) {
        if self.retries.is_due(&of) && self.running.insert(of) {
            let work = work();
            self.tasks.spawn(async move { (of, work.await) });
        }
    }

    /// Returns when a step ended, those that ended meanwhile included. Never, while none is under way.
    pub(crate) async fn ended(&mut self) {
        let Some(ended) = self.tasks.join_next().await else {
            return std::future::pending().await;
        };
        self.note(ended);
        self.sweep();
    }

    /// Takes note of those that ended.
    pub(crate) fn sweep(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            self.note(ended);
        }
    }

    fn note(&mut self, ended: Result<(K, bool), JoinError>) {
        match ended {
            Ok((of, well)) => {
                self.running.remove(&of);
                self.retries.ended(of, well);
            }
            Err(error) => {
                // Whose step it was isn't told: look at all of them anew.
                tracing::error!(%error, "a step ended badly");
                self.running.clear();
            }
        }
    }
}

/// Whether a chain has to be asked for a block, because its time hasn't come to `due`: some make none while nobody submits.
/// Waits a moment before it says so.
pub(crate) async fn needs_block(clock: &dyn Clock, due: Timestamp, time: impl Fn() -> Timestamp) -> bool {
    if clock.now() < due.saturating_add(PATIENCE) {
        tokio::time::sleep(Duration::from_millis(PATIENCE)).await;
    }
    time() < due
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        Arc,
    };

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn one_step_of_each_thing_runs_at_a_time_and_a_failed_one_again_later() {
        let (mut steps, begun, go) = (Steps::new(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let count = || begun.load(Ordering::SeqCst);
        let step = |well: bool| {
            let (begun, go) = (begun.clone(), go.clone());
            move || {
                begun.fetch_add(1, Ordering::SeqCst);
                async move {
                    go.notified().await;
                    well
                }
            }
        };
        steps.begin('a', step(false));
        steps.begin('a', step(false));
        steps.begin('b', step(true));
        assert_eq!(count(), 2);
        for _ in 0..2 {
            go.notify_one();
            steps.ended().await;
        }
        steps.begin('a', step(true));
        steps.begin('b', step(true));
        assert_eq!(count(), 3, "the failed one waits");
        while count() == 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            steps.begin('a', step(true));
        }
    }
}
