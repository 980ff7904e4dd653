//! When to try again what failed, and letters that are tried until they are answered.
use std::{collections::HashMap, future::Future, hash::Hash, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use protocol::Member;
use tokio::time::Instant;

const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// When to try again what failed, by what it is.
pub(crate) struct Retries<K>(HashMap<K, (Instant, ExponentialBackoff)>);

impl<K> Default for Retries<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Retries<K> {
    pub(crate) fn is_due(&self, key: &K) -> bool {
        self.0.get(key).is_none_or(|(at, _)| Instant::now() >= *at)
    }

    pub(crate) fn ended(&mut self, key: K, well: bool) {
        if well {
            self.0.remove(&key);
            return;
        }
        let (at, delays) = self.0.entry(key).or_insert_with(|| (Instant::now(), backoff()));
        let delay = delays.next().unwrap_or(LONGEST_DELAY);
        *at = Instant::now().checked_add(delay).unwrap_or(*at);
    }
}

fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_DELAY)
        .with_max_delay(LONGEST_DELAY)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Hands letters to their recipients, to all of them at once: who is away keeps nobody else waiting. `deliver_to` hands
/// over those of one recipient and says whether it could; if it couldn't, that recipient is left alone for a while.
pub(crate) async fn hand_over<L, F: Future<Output = bool>>(
    retries: &mut Retries<Member>,
    letters: Vec<(i64, Member, L)>,
    deliver_to: impl Fn(Member, Vec<(i64, L)>) -> F,
) {
    let mut by_recipient: HashMap<Member, Vec<(i64, L)>> = HashMap::new();
    for (number, to, letter) in letters {
        if retries.is_due(&to) {
            by_recipient.entry(to).or_default().push((number, letter));
        }
    }
    let deliver_to = &deliver_to;
    let rounds = by_recipient
        .into_iter()
        .map(|(to, letters)| async move { (to, deliver_to(to, letters).await) });
    for (to, delivered) in futures::future::join_all(rounds).await {
        retries.ended(to, delivered);
    }
}
