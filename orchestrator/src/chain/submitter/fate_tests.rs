//! What becomes of transactions that a node forgets, bans, refuses or carries out unseen.
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use futures::StreamExt;
use subxt::utils::H256;
use subxt_rpcs::methods::legacy::TransactionStatus;

use super::*;
use crate::settlement::ports::Block;

const BIRTH: u32 = 10;
const DEATH: u32 = 74;
const NONCE: u64 = 7;
const PACE: Pace = Pace {
    patience: Duration::from_millis(10),
    pause: Duration::from_millis(1),
};

/// A chain of which the test tells one node's story: each answer to the bytes moves it on.
#[derive(Default)]
struct Story {
    state: Mutex<State>,
    heads: tokio::sync::Notify,
}

#[derive(Default)]
struct State {
    head: u32,
    nonce: u64,
    /// Where the transaction is, once it is.
    included: Option<(u32, bool)>,
    /// First block that the node still has.
    kept_from: u32,
    /// What the node answers to the bytes, and what happens on the chain afterwards.
    answers: VecDeque<(Sent, Then)>,
    sent: usize,
    searched: usize,
}

type Then = Box<dyn FnOnce(&mut State) + Send>;

fn nothing() -> Then {
    Box::new(|_| ())
}

fn hash(number: u32) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&number.to_be_bytes());
    hash
}

impl Story {
    fn new(answers: impl IntoIterator<Item = (Sent, Then)>) -> Arc<Self> {
        let state = State {
            head: BIRTH,
            nonce: NONCE,
            answers: answers.into_iter().collect(),
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            heads: tokio::sync::Notify::new(),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn learn(&self, watch: Option<Watch>) -> Fate {
        tokio::time::timeout(Duration::from_secs(10), learn(&self, &signed(), watch, PACE))
            .await
            .unwrap()
    }
}

impl Source for &Story {
    fn head(&self) -> Head {
        let number = self.state().head;
        Head {
            number,
            hash: hash(number),
            timestamp: 0,
        }
    }

    async fn nonce_at(&self, at: [u8; 32]) -> Result<u64, ChainError> {
        assert_eq!(at, hash(self.state().head), "asked at the finalized head");
        Ok(self.state().nonce)
    }

    async fn hash_of(&self, number: u32) -> Result<[u8; 32], ChainError> {
        Ok(hash(number))
    }

    async fn find(&self, _: &SignedBytes, at: [u8; 32]) -> Result<Option<Fate>, ChainError> {
        let mut state = self.state();
        state.searched += 1;
        if at < hash(state.kept_from) {
            return Err(ChainError::NoBlock("pruned".into()));
        }
        let here = state.included.filter(|(number, _)| hash(*number) == at);
        Ok(here.map(|(number, success)| match success {
            true => Fate::Done(inclusion(number)),
            false => Fate::Failed(inclusion(number), "why".into()),
        }))
    }

    async fn send(&self, extrinsic: &[u8]) -> Sent {
        assert_eq!(extrinsic, signed().extrinsic, "always the same bytes");
        let mut state = self.state();
        state.sent += 1;
        let (answer, then) = state.answers.pop_front().unwrap_or((Sent::Known, nothing()));
        then(&mut state);
        self.heads.notify_waiters();
        answer
    }

    async fn next_block(&self) {
        self.heads.notified().await;
    }

    async fn reached(&self, number: u32) {
        assert!(self.state().head >= number, "the test finalizes before it tells");
    }
}

fn signed() -> SignedBytes {
    SignedBytes {
        extrinsic: vec![1, 2, 3],
        hash: [4; 32],
        nonce: NONCE,
        birth: BIRTH,
        death: DEATH,
    }
}

fn inclusion(number: u32) -> Inclusion {
    Inclusion {
        block: Block {
            number,
            hash: hash(number),
        },
        extrinsic: [4; 32],
    }
}

/// The chain finalizes the transaction in a block.
fn includes(number: u32, success: bool) -> Then {
    Box::new(move |state| {
        state.head = number;
        state.nonce = NONCE + 1;
        state.included = Some((number, success));
    })
}

/// The chain comes to a block, with another transaction under the nonce or without.
fn comes_to(head: u32, nonce: u64) -> Then {
    Box::new(move |state| {
        state.head = head;
        state.nonce = nonce;
    })
}

/// What a node says of a transaction, and then no more.
fn says(statuses: Vec<TransactionStatus<H256>>) -> Watch {
    let said = futures::stream::iter(statuses.into_iter().map(Ok));
    said.chain(futures::stream::pending()).boxed()
}

/// A node that breaks off.
fn breaks_off() -> Watch {
    futures::stream::iter([Ok(TransactionStatus::Ready)]).boxed()
}

#[tokio::test]
async fn a_transaction_seen_finalized_is_done_without_a_search() {
    let story = Story::new([]);
    includes(12, true)(&mut story.state());
    let watch = says(vec![
        TransactionStatus::Ready,
        TransactionStatus::Finalized(H256(hash(12))),
    ]);
    assert_eq!(story.learn(Some(watch)).await, Fate::Done(inclusion(12)));
    let state = story.state();
    assert_eq!((state.sent, state.searched), (0, 1));
}

#[tokio::test]
async fn a_forgotten_transaction_is_sent_again_until_it_is_included() {
    let story = Story::new([
        // Taken, and forgotten without a word; taken, and the connection lost; then it works.
        (Sent::Taken(says(vec![TransactionStatus::Ready])), nothing()),
        (Sent::Taken(breaks_off()), nothing()),
        (Sent::Later("no connection".into()), nothing()),
        (Sent::Known, includes(13, true)),
    ]);
    let silent = says(vec![TransactionStatus::Ready]);
    assert_eq!(story.learn(Some(silent)).await, Fate::Done(inclusion(13)));
    assert_eq!(story.state().sent, 4);
}

#[tokio::test]
async fn a_transaction_carried_out_unseen_is_found_and_not_sent() {
    let story = Story::new([]);
    includes(20, false)(&mut story.state());
    assert_eq!(story.learn(None).await, Fate::Failed(inclusion(20), "why".into()));
    assert_eq!(story.state().sent, 0);
}

#[tokio::test]
async fn blocks_are_searched_only_when_the_nonce_was_used_or_time_is_over() {
    let story = Story::new([(Sent::Known, comes_to(40, NONCE)), (Sent::Known, includes(41, true))]);
    assert_eq!(story.learn(None).await, Fate::Done(inclusion(41)));
    assert_eq!(story.state().searched, 31, "blocks 11 to 41, once each");
}

#[tokio::test]
async fn a_banned_transaction_whose_nonce_went_to_another_is_dead() {
    // 1012 forever: only the finalized nonce tells.
    let story = Story::new([(Sent::Known, nothing()), (Sent::Known, comes_to(15, NONCE + 1))]);
    assert_eq!(story.learn(None).await, Fate::Dead);
}

#[tokio::test]
async fn a_refused_transaction_is_alive_until_its_eras_end_is_finalized() {
    let story = Story::new([
        (Sent::Rejected("no funds".into()), comes_to(DEATH - 1, NONCE)),
        (Sent::Outdated("bad signature".into()), nothing()),
        (Sent::Rejected("no funds".into()), comes_to(DEATH, NONCE)),
    ]);
    assert_eq!(story.learn(None).await, Fate::Dead);
    assert_eq!(story.state().sent, 3);
}

#[tokio::test]
async fn a_transaction_in_its_last_block_is_not_dead() {
    let story = Story::new([]);
    includes(DEATH, true)(&mut story.state());
    story.state().head = DEATH + 100;
    assert_eq!(story.learn(None).await, Fate::Done(inclusion(DEATH)));
}

#[tokio::test]
async fn what_the_node_does_not_keep_is_neither_success_nor_failure() {
    let story = Story::new([]);
    includes(20, true)(&mut story.state());
    story.state().head = 1_000;
    story.state().kept_from = 500;
    assert!(matches!(story.learn(None).await, Fate::Unknown(_)));
}
