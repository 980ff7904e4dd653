//! Requests that wait for the same institution go there in one: under load a conversation's cost is shared, and what
//! comes alone waits for nobody.
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use protocol::Member;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::settlement::ports::PeerError;

/// The most requests in one. Their answers together stay below what is read of an answer.
pub const MAX_ITEMS: usize = 128;
/// The most bytes of messages in one.
const MAX_BYTES: usize = 512 * 1024;
/// The most requests that are on their way to one institution at a time.
const MAX_ON_THE_WAY: usize = 4;

/// One request of several.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Where it would go by itself: `proposals`, `attestations`…
    pub resource: String,
    /// What it would say.
    pub message: Box<RawValue>,
}

/// One answer of several, in the requests' order.
#[derive(Debug, Serialize, Deserialize)]
pub struct ItemAnswer {
    /// The HTTP status that it would have by itself.
    pub status: u16,
    /// The body: an answer, or a problem.
    pub body: Box<RawValue>,
}

/// An answer's body, or why there is none.
pub(super) type Answered = Result<Bytes, PeerError>;

/// A request that waits, with whom to tell the answer.
pub(super) struct Waiting {
    pub(super) item: Item,
    pub(super) reply: oneshot::Sender<Answered>,
}

/// What waits for each institution.
#[derive(Clone, Default)]
pub(super) struct Lanes(Arc<Mutex<BTreeMap<Member, Lane>>>);

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    on_the_way: usize,
}

impl Lanes {
    /// Adds a request. Returns whether somebody has to begin to work it off: then it counts as one on its way until
    /// [`Lanes::take`] finds nothing.
    pub(super) fn add(&self, to: Member, waiting: Waiting) -> bool {
        let mut lanes = self.lanes();
        let lane = lanes.entry(to).or_default();
        lane.waiting.push_back(waiting);
        let begins = lane.on_the_way < MAX_ON_THE_WAY;
        if begins {
            lane.on_the_way = lane.on_the_way.saturating_add(1);
        }
        begins
    }

    /// As many of those that wait as go in one request; none at the end.
    pub(super) fn take(&self, to: Member) -> Vec<Waiting> {
        let mut lanes = self.lanes();
        let lane = lanes.entry(to).or_default();
        let mut taken = Vec::new();
        let mut bytes = 0usize;
        while let Some(next) = lane.waiting.front() {
            bytes = bytes.saturating_add(next.item.message.get().len());
            if taken.len() == MAX_ITEMS || (bytes > MAX_BYTES && !taken.is_empty()) {
                break;
            }
            taken.extend(lane.waiting.pop_front());
        }
        if taken.is_empty() {
            lane.on_the_way = lane.on_the_way.saturating_sub(1);
        }
        taken
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn count(&self, to: Member) -> usize {
        self.lanes().get(&to).map_or(0, |lane| lane.waiting.len())
    }

    fn lanes(&self) -> MutexGuard<'_, BTreeMap<Member, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TO: Member = Member(1);

    fn request(bytes: usize) -> Waiting {
        let (reply, _) = oneshot::channel();
        Waiting {
            item: Item {
                resource: "proposals".into(),
                message: RawValue::from_string(format!("\"{}\"", "x".repeat(bytes))).unwrap(),
            },
            reply,
        }
    }

    #[test]
    fn a_few_requests_are_on_their_way_and_the_others_go_together_after_them() {
        let lanes = Lanes::default();
        for _ in 0..MAX_ON_THE_WAY {
            assert!(lanes.add(TO, request(1)));
            assert_eq!(lanes.take(TO).len(), 1);
        }
        for _ in 0..5 {
            assert!(!lanes.add(TO, request(1)));
        }
        assert_eq!(lanes.take(TO).len(), 5);
        assert!(lanes.take(TO).is_empty());
        assert!(lanes.add(TO, request(1)), "one came back, so one more may go");
        assert!(
            lanes.add(Member(2), request(1)),
            "another institution's lane is its own"
        );
    }

    #[test]
    fn no_request_has_more_items_or_bytes_than_a_peer_reads() {
        let lanes = Lanes::default();
        for _ in 0..=MAX_ITEMS {
            lanes.add(TO, request(1));
        }
        assert_eq!(lanes.take(TO).len(), MAX_ITEMS);
        assert_eq!(lanes.take(TO).len(), 1);
        for _ in 0..2 {
            lanes.add(TO, request(MAX_BYTES / 2));
        }
        lanes.add(TO, request(2 * MAX_BYTES));
        assert_eq!(lanes.take(TO).len(), 1);
        assert_eq!(lanes.take(TO).len(), 1);
        assert_eq!(lanes.take(TO).len(), 1, "one that is too large is the peer's to refuse");
    }
}
