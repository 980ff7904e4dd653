//! What comes while an earlier commit is on its way is written down by one: under load the disk is what takes time.
use std::future::Future;

use super::PrepaidError;
use crate::{
    store::{
        prepaid::{MessageAnswer, MessageRow, NewOrder},
        Store, StoreError,
    },
    together::Together,
};

/// The most that is written down in one commit.
const MOST: usize = 256;

/// What waits for a commit.
type Waiting<I> = Together<(), I, Result<(), String>>;

/// Writes down together what comes together.
pub(super) struct Keeping {
    store: Store,
    orders: Waiting<NewOrder>,
    messages: Waiting<MessageRow>,
    answers: Waiting<MessageAnswer>,
}

impl Keeping {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            orders: Together::new(),
            messages: Together::new(),
            answers: Together::new(),
        }
    }

    /// Returns when the order is on the disk.
    pub(super) async fn order(&self, order: NewOrder) -> Result<(), PrepaidError> {
        let commit = |orders: Vec<NewOrder>| async move {
            let kept = self.store.begin_card_orders(&orders).await;
            told(kept, orders.len())
        };
        together(&self.orders, order, commit).await
    }

    /// Returns when the message is on the disk.
    pub(super) async fn message(&self, message: MessageRow) -> Result<(), PrepaidError> {
        let commit = |messages: Vec<MessageRow>| async move {
            let kept = self.store.begin_terminal_messages(&messages).await;
            told(kept, messages.len())
        };
        together(&self.messages, message, commit).await
    }

    /// Returns when the answer is on the disk.
    pub(super) async fn answer(&self, answer: MessageAnswer) -> Result<(), PrepaidError> {
        let commit = |answers: Vec<MessageAnswer>| async move {
            let kept = self.store.answer_terminal_messages(&answers).await;
            told(kept, answers.len())
        };
        together(&self.answers, answer, commit).await
    }
}

async fn together<I, F, C>(waiting: &Waiting<I>, item: I, commit: F) -> Result<(), PrepaidError>
where
    F: Fn(Vec<I>) -> C,
    C: Future<Output = Vec<Result<(), String>>>,
{
    match waiting.join((), item, MOST, commit).await {
        Some((kept, _)) => kept.map_err(PrepaidError::NotKept),
        None => Err(PrepaidError::NotYet("whoever wrote it down for all broke off")),
    }
}

/// The same for each.
fn told(kept: Result<(), StoreError>, count: usize) -> Vec<Result<(), String>> {
    vec![kept.map_err(|error| error.to_string()); count]
}
