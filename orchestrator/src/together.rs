//! What comes while an earlier call is on its way is done by one call: under load one transaction, or one question to
//! the node, serves many payments, and what comes alone waits for nobody.
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use tokio::sync::{oneshot, watch};

/// The longest that something waits for others to go along with.
const PATIENCE: Duration = Duration::from_secs(1);

/// What waits for a call, with whom to tell how it went.
type Waiting<I, O> = Vec<(I, oneshot::Sender<(O, Arc<Call>)>)>;

/// What waits, by what has to be the same of all that one call is made for.
#[derive(Debug)]
pub(crate) struct Together<G: Ord, I, O> {
    waiting: Mutex<BTreeMap<G, Waiting<I, O>>>,
    on_the_way: Arc<watch::Sender<usize>>,
}

impl<G: Ord + Clone, I, O> Together<G, I, O> {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::new(BTreeMap::new()),
            on_the_way: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Has `call` made for this item together with others of its group, at most `most` of them. Who comes first makes
    /// it, once no other call is on its way, but after a second at the latest: where finality takes long, calls overlap.
    ///
    /// The call counts as on its way as long as anybody keeps what comes with the answer: who is told to act by itself
    /// does so under it.
    ///
    /// `None`: who made the call broke off, as in a crash. Nothing is known of it then.
    pub(crate) async fn join<F, C>(&self, group: G, item: I, most: usize, call: F) -> Option<(O, Arc<Call>)>
    where
        F: Fn(Vec<I>) -> C,
        C: Future<Output = Vec<O>>,
    {
        let (reply, answer) = oneshot::channel();
        if self.wait(&group, item, reply) {
            let lead = Lead {
                together: self,
                group,
                has_taken: false,
            };
            self.until_others_are_back().await;
            let taken = lead.take();
            let on_its_way = Arc::new(Call::begin(&self.on_the_way));
            let (call, on_its_way) = (&call, &on_its_way);
            let calls = portions(taken, most).into_iter().map(|portion| async move {
                let (items, replies): (Vec<I>, Vec<_>) = portion.into_iter().unzip();
                for (reply, outcome) in replies.into_iter().zip(call(items).await) {
                    // Nobody waits any more: the next look at the chain tells.
                    let _ = reply.send((outcome, on_its_way.clone()));
                }
            });
            join_all(calls).await;
        }
        answer.await.ok()
    }

    /// Returns whether this is the first of its group.
    fn wait(&self, group: &G, item: I, reply: oneshot::Sender<(O, Arc<Call>)>) -> bool {
        let mut waiting = self.waiting();
        let of_group = waiting.entry(group.clone()).or_default();
        of_group.push((item, reply));
        of_group.len() == 1
    }

    async fn until_others_are_back(&self) {
        let mut calls = self.on_the_way.subscribe();
        // The sender lives as long as this.
        let _ = tokio::time::timeout(PATIENCE, calls.wait_for(|calls| *calls == 0)).await;
    }

    /// As if another call was on its way, until this is dropped.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> Call {
        Call::begin(&self.on_the_way)
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.waiting().values().map(Vec::len).sum()
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<G, Waiting<I, O>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who makes a group's call. If it breaks off before, nobody would: those who wait are sent away.
struct Lead<'a, G: Ord + Clone, I, O> {
    together: &'a Together<G, I, O>,
    group: G,
    has_taken: bool,
}

impl<G: Ord + Clone, I, O> Lead<'_, G, I, O> {
    fn take(mut self) -> Waiting<I, O> {
        self.has_taken = true;
        self.together.waiting().remove(&self.group).unwrap_or_default()
    }
}

impl<G: Ord + Clone, I, O> Drop for Lead<'_, G, I, O> {
    fn drop(&mut self) {
        if !self.has_taken {
            self.together.waiting().remove(&self.group);
        }
    }
}

/// A call that is on its way until this is dropped.
#[derive(Debug)]
pub(crate) struct Call(Arc<watch::Sender<usize>>);

impl Call {
    fn begin(on_the_way: &Arc<watch::Sender<usize>>) -> Self {
        on_the_way.send_modify(|calls| *calls = calls.saturating_add(1));
        Self(on_the_way.clone())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls = calls.saturating_sub(1));
    }
}

fn portions<T>(mut all: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut portions = Vec::new();
    while all.len() > most.max(1) {
        let rest = all.split_off(most.max(1));
        portions.push(std::mem::replace(&mut all, rest));
    }
    portions.push(all);
    portions
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::FutureExt;
    use tokio::sync::Semaphore;

    use super::*;

    /// Makes calls that return, for each item, how many went along, as soon as `gate` lets them.
    async fn go(together: &Together<u8, u32, usize>, gate: &Semaphore, group: u8, most: usize) -> Option<usize> {
        let call = |items: Vec<u32>| async move {
            gate.acquire().await.unwrap().forget();
            vec![items.len(); items.len()]
        };
        together.join(group, 0, most, call).await.map(|(count, _)| count)
    }

    #[tokio::test]
    async fn what_comes_alone_waits_for_nobody() {
        let together = Together::new();
        let gate = Semaphore::new(1);
        let at_once = go(&together, &gate, 0, 8).now_or_never();
        assert_eq!(at_once, Some(Some(1)));
    }

    #[tokio::test]
    async fn what_comes_while_a_call_is_on_its_way_goes_together_by_group() {
        let (together, gate) = (Arc::new(Together::new()), Arc::new(Semaphore::new(0)));
        let one = |group, most| {
            let (together, gate) = (together.clone(), gate.clone());
            tokio::spawn(async move { go(&together, &gate, group, most).await })
        };
        let first = one(0, 8);
        tokio::task::yield_now().await;
        let same: Vec<_> = (0..3).map(|_| one(0, 8)).collect();
        let other = one(1, 8);
        tokio::task::yield_now().await;
        gate.add_permits(8);
        assert_eq!(first.await.unwrap(), Some(1));
        for later in same {
            assert_eq!(later.await.unwrap(), Some(3));
        }
        assert_eq!(other.await.unwrap(), Some(1));
    }

    #[tokio::test]
    async fn a_call_that_takes_long_holds_others_up_for_a_second_only() {
        let (together, gate) = (Arc::new(Together::new()), Arc::new(Semaphore::new(0)));
        let slow = {
            let (together, gate) = (together.clone(), gate.clone());
            tokio::spawn(async move { go(&together, &gate, 0, 8).await })
        };
        tokio::task::yield_now().await;
        let open = Semaphore::new(1);
        assert_eq!(go(&together, &open, 0, 8).await, Some(1));
        assert!(!slow.is_finished());
        slow.abort();
    }

    #[tokio::test]
    async fn no_call_is_made_for_more_than_it_takes() {
        let (together, gate) = (Arc::new(Together::new()), Arc::new(Semaphore::new(0)));
        let one = || {
            let (together, gate) = (together.clone(), gate.clone());
            tokio::spawn(async move { go(&together, &gate, 0, 2).await })
        };
        let first = one();
        tokio::task::yield_now().await;
        let later: Vec<_> = (0..5).map(|_| one()).collect();
        tokio::task::yield_now().await;
        gate.add_permits(8);
        first.await.unwrap();
        let mut sizes = Vec::new();
        for one in later {
            sizes.push(one.await.unwrap().unwrap());
        }
        assert_eq!(sizes, [2, 2, 2, 2, 1]);
    }

    #[tokio::test]
    async fn when_who_leads_breaks_off_the_others_are_sent_away_and_can_try_again() {
        let (together, gate) = (Arc::new(Together::new()), Arc::new(Semaphore::new(0)));
        let one = || {
            let (together, gate) = (together.clone(), gate.clone());
            tokio::spawn(async move { go(&together, &gate, 0, 8).await })
        };
        let on_its_way = one();
        tokio::task::yield_now().await;
        let (lead, follower) = (one(), one());
        tokio::task::yield_now().await;
        lead.abort();
        assert_eq!(follower.await.unwrap(), None);
        gate.add_permits(2);
        assert_eq!(on_its_way.await.unwrap(), Some(1));
        assert_eq!(one().await.unwrap(), Some(1));
    }
}
