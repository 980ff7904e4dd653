//! The one task that owns an account's nonce.
use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    time::Duration,
};

use futures::FutureExt;
use scale::{Decode, Encode};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{
    fate::{self, Fate, Pace},
    node::Node,
    wire::{self, Sent, Watch},
    Inclusion, Outcome, SubmitError,
};
use crate::{
    chain::{calls::Call, runtime::ERA, Chain, Follower},
    identity::SigningKey,
    settlement::ports::Block,
    store::{
        submissions::{Sender, SignedBytes, Submission, SubmissionStatus},
        Store,
    },
};

/// How often another transaction may be found under the nonce before giving up for now.
const NONCE_TRIES: usize = 16;
/// What pallet-contracts calls a contract's own refusal.
const CONTRACT_REVERTED: &str = "Contracts::ContractReverted";

/// What the handle asks of the task.
#[derive(Debug)]
pub(super) enum Request {
    /// Carry this out.
    Submit {
        key: String,
        call: Call,
        reply: oneshot::Sender<Outcome>,
    },
    /// What becomes of this key, if anything.
    Find { key: String, reply: oneshot::Sender<Found> },
}

/// The outcome to wait for; `None` where the key needs a new submission.
pub(super) type Found = Result<Option<oneshot::Receiver<Outcome>>, SubmitError>;

pub(super) struct Desk {
    chain: Chain,
    follower: Follower,
    store: Store,
    key: SigningKey,
    sender: Sender,
    /// `None` until asked, and again after a refusal.
    next_nonce: Option<u64>,
    in_flight: HashMap<String, InFlight>,
    fates: JoinSet<(String, Fate)>,
}

struct InFlight {
    submission: Submission,
    waiting: Vec<oneshot::Sender<Outcome>>,
}

impl Desk {
    pub(super) fn new(chain: Chain, follower: Follower, store: Store, key: SigningKey) -> Self {
        let sender = Sender {
            genesis: chain.genesis(),
            account: key.account(),
        };
        Self {
            chain,
            follower,
            store,
            key,
            sender,
            next_nonce: None,
            in_flight: HashMap::new(),
            fates: JoinSet::new(),
        }
    }

    /// Takes up what an earlier process left open.
    pub(super) async fn resume(&mut self) -> Result<(), SubmitError> {
        for submission in self.store.pending_submissions(&self.sender).await? {
            tracing::info!(
                key = submission.key,
                nonce = submission.signed.nonce,
                "taking up a submission"
            );
            self.track(submission, None, Vec::new(), Duration::ZERO);
        }
        Ok(())
    }

    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        loop {
            tokio::select! {
                request = queue.recv() => match request {
                    Some(Request::Submit { key, call, reply }) => self.submit(key, call, reply).await,
                    Some(Request::Find { key, reply }) => {
                        let found = self.find(&key).await;
                        // Nobody waits any more: nothing is lost.
                        let _ = reply.send(found);
                    }
                    None => return,
                },
                Some(learned) = self.fates.join_next() => match learned {
                    Ok((key, fate)) => self.conclude(&key, fate).await,
                    Err(error) => tracing::error!(%error, "a follower was cancelled; a restart takes it up"),
                },
            }
        }
    }

    async fn find(&mut self, key: &str) -> Found {
        let (reply, answer) = oneshot::channel();
        if let Some(flight) = self.in_flight.get_mut(key) {
            flight.waiting.push(reply);
            return Ok(Some(answer));
        }
        let Some(earlier) = self.store.submission(&self.sender, key).await? else {
            return Ok(None);
        };
        if let SubmissionStatus::Done { block, block_hash } = earlier.status {
            let _ = reply.send(Ok(inclusion(&earlier.signed, block, block_hash)));
            return Ok(Some(answer));
        }
        if earlier.status == SubmissionStatus::Pending {
            // Its fate couldn't be told, or kept: ask again.
            self.track(earlier, None, vec![reply], Duration::ZERO);
            return Ok(Some(answer));
        }
        Ok(None)
    }

    async fn submit(&mut self, key: String, call: Call, reply: oneshot::Sender<Outcome>) {
        if let Some(flight) = self.in_flight.get_mut(&key) {
            if flight.submission.call_digest != call.digest() {
                tracing::warn!(key, "another call for a step in flight: the one in flight counts");
            }
            flight.waiting.push(reply);
            return;
        }
        let attempt = match self.store.submission(&self.sender, &key).await {
            Err(error) => return answer(reply, Err(error.into())),
            Ok(None) => 1,
            Ok(Some(earlier)) => match earlier.status {
                SubmissionStatus::Done { block, block_hash } => {
                    return answer(reply, Ok(inclusion(&earlier.signed, block, block_hash)));
                }
                // Its fate couldn't be told, or kept: ask again.
                SubmissionStatus::Pending => return self.track(earlier, None, vec![reply], Duration::ZERO),
                SubmissionStatus::Failed { .. } | SubmissionStatus::Rejected { .. } => {
                    earlier.attempt.saturating_add(1)
                }
            },
        };
        match self.first(key, attempt, call).await {
            Ok((submission, watch)) => self.track(submission, watch, vec![reply], Duration::ZERO),
            Err(error) => answer(reply, Err(error)),
        }
    }

    /// Signs, persists, sends.
    async fn first(
        &mut self,
        key: String,
        attempt: u32,
        call: Call,
    ) -> Result<(Submission, Option<Watch>), SubmitError> {
        let nonce = self.nonce().await?;
        let submission = Submission {
            key,
            attempt,
            call_digest: call.digest(),
            signed: self.sign(&call, nonce)?,
            call: call.encode(),
            status: SubmissionStatus::Pending,
        };
        self.store.insert_submission(&self.sender, &submission).await?;
        self.send(submission, &call).await
    }

    /// Sends what was persisted. A nonce that somebody else used meanwhile is changed, and persisted again, here:
    /// the bytes were refused, so they are in no pool.
    async fn send(
        &mut self,
        mut submission: Submission,
        call: &Call,
    ) -> Result<(Submission, Option<Watch>), SubmitError> {
        for _ in 0..NONCE_TRIES {
            let nonce = submission.signed.nonce;
            match wire::send(&self.chain, &submission.signed.extrinsic).await {
                Sent::Taken(watch) => {
                    self.took(nonce);
                    return Ok((submission, Some(watch)));
                }
                // Not known to be in a pool: its follower sends the same bytes again.
                Sent::Known | Sent::Later(_) => {
                    self.took(nonce);
                    return Ok((submission, None));
                }
                Sent::Stale | Sent::Occupied => {
                    tracing::warn!(nonce, "another process uses this account: its nonce was taken");
                    let free = match self.chain.next_nonce(&self.sender.account).await {
                        Ok(next) => self.free_from(next.max(nonce.saturating_add(1))),
                        Err(error) => return self.reject(&submission, SubmitError::from(error)).await,
                    };
                    submission.signed = match self.sign(call, free) {
                        Ok(signed) => signed,
                        Err(error) => return self.reject(&submission, error).await,
                    };
                    self.store
                        .resign_submission(&self.sender, &submission.key, submission.attempt, &submission.signed)
                        .await?;
                }
                Sent::Outdated(why) => return self.reject(&submission, SubmitError::Unavailable(why)).await,
                Sent::Rejected(why) => return self.reject(&submission, SubmitError::Rejected(why)).await,
            }
        }
        let error = SubmitError::Unavailable("another process keeps using this account".into());
        self.reject(&submission, error).await
    }

    async fn reject<T>(&mut self, submission: &Submission, error: SubmitError) -> Result<T, SubmitError> {
        self.next_nonce = None;
        let status = SubmissionStatus::Rejected {
            failure: error.to_string(),
        };
        self.store
            .resolve_submission(&self.sender, &submission.key, submission.attempt, &status)
            .await?;
        Err(error)
    }

    /// The lowest nonce that neither the chain nor the node's pool nor anything in flight here has. The lowest: a nonce
    /// that was freed by a refusal holds up everything after it until it is used.
    async fn nonce(&self) -> Result<u64, SubmitError> {
        let next = match self.next_nonce {
            Some(next) => next,
            None => self.chain.next_nonce(&self.sender.account).await?,
        };
        Ok(self.free_from(next))
    }

    fn free_from(&self, nonce: u64) -> u64 {
        lowest_free(
            nonce,
            self.in_flight.values().map(|flight| flight.submission.signed.nonce),
        )
    }

    fn took(&mut self, nonce: u64) {
        // Below others in flight, a gap was filled, and there may be more of them: ask again next time.
        let is_last = self
            .in_flight
            .values()
            .all(|flight| flight.submission.signed.nonce < nonce);
        self.next_nonce = is_last.then(|| nonce.saturating_add(1));
    }

    fn sign(&self, call: &Call, nonce: u64) -> Result<SignedBytes, SubmitError> {
        let head = self.follower.head();
        let signed = self
            .chain
            .runtime()?
            .sign(&self.key, call, nonce, (head.number, head.hash))?;
        let era = u32::try_from(ERA).unwrap_or(u32::MAX);
        Ok(SignedBytes {
            extrinsic: signed.bytes,
            hash: signed.hash,
            nonce,
            birth: head.number,
            death: head.number.saturating_add(era),
        })
    }

    fn track(
        &mut self,
        submission: Submission,
        mut watch: Option<Watch>,
        waiting: Vec<oneshot::Sender<Outcome>>,
        delay: Duration,
    ) {
        let node = Node {
            chain: self.chain.clone(),
            follower: self.follower.clone(),
            account: self.sender.account,
        };
        let (key, signed) = (submission.key.clone(), submission.signed.clone());
        self.fates.spawn(async move {
            let pace = Pace::default();
            tokio::time::sleep(delay).await;
            loop {
                let learn = fate::learn(&node, &signed, watch.take(), pace);
                match AssertUnwindSafe(learn).catch_unwind().await {
                    Ok(fate) => return (key, fate),
                    Err(_) => tracing::error!(key, "following a transaction panicked; it is followed anew"),
                }
                tokio::time::sleep(pace.pause).await;
            }
        });
        let key = submission.key.clone();
        self.in_flight.insert(key, InFlight { submission, waiting });
    }

    async fn conclude(&mut self, key: &str, fate: Fate) {
        let Some(flight) = self.in_flight.remove(key) else {
            return;
        };
        let (status, outcome) = match fate {
            Fate::Done(inclusion) => {
                let Block { number: block, hash } = inclusion.block;
                let block_hash = hash;
                (SubmissionStatus::Done { block, block_hash }, Ok(inclusion))
            }
            Fate::Failed(inclusion, failure) => {
                let Block { number: block, hash } = inclusion.block;
                let error = if failure == CONTRACT_REVERTED {
                    SubmitError::ContractReverted { block }
                } else {
                    SubmitError::Failed {
                        block,
                        why: failure.clone(),
                    }
                };
                let status = SubmissionStatus::Failed {
                    block,
                    block_hash: hash,
                    failure,
                };
                (status, Err(error))
            }
            Fate::Dead => return self.again(flight).await,
            Fate::Unknown(why) => {
                // It stays open in the store.
                tracing::error!(key, why, "how a submission went can't be told");
                for reply in flight.waiting {
                    answer(reply, Err(SubmitError::Unknown(why.clone())));
                }
                return;
            }
        };
        // Answered first: after a crash in between, the next process learns the same fate from the chain.
        for reply in flight.waiting {
            answer(reply, outcome.clone());
        }
        let attempt = flight.submission.attempt;
        if let Err(error) = self.store.resolve_submission(&self.sender, key, attempt, &status).await {
            tracing::error!(key, %error, "can't keep a submission's fate; it is learnt again at the next start");
        }
    }

    /// The bytes can't be included any more: signs the same call again, under the lowest nonce that is free.
    async fn again(&mut self, flight: InFlight) {
        let InFlight { submission, waiting } = flight;
        let key = submission.key.clone();
        let (call, submission) = match self.sign_again(&submission).await {
            Ok(signed) => signed,
            Err(error) => {
                tracing::warn!(key, %error, "can't sign anew yet");
                // Still open, with the dead bytes: dead they stay.
                return self.track(submission, None, waiting, Pace::default().pause);
            }
        };
        match self.send(submission, &call).await {
            Ok((submission, watch)) => self.track(submission, watch, waiting, Duration::ZERO),
            Err(error) => {
                tracing::warn!(key, %error, "can't submit anew");
                for reply in waiting {
                    answer(reply, Err(error.clone()));
                }
            }
        }
    }

    async fn sign_again(&mut self, dead: &Submission) -> Result<(Call, Submission), SubmitError> {
        let call = Call::decode(&mut &dead.call[..]).map_err(|error| SubmitError::Store(error.to_string()))?;
        let used = self
            .chain
            .nonce_at(&self.sender.account, self.follower.head().hash)
            .await?;
        let nonce = self.free_from(used);
        let key = &dead.key;
        tracing::info!(key, nonce, "a transaction died unseen; signing the call again");
        let submission = Submission {
            signed: self.sign(&call, nonce)?,
            ..dead.clone()
        };
        self.store
            .resign_submission(&self.sender, key, submission.attempt, &submission.signed)
            .await?;
        Ok((call, submission))
    }
}

/// The lowest nonce from `from` on that isn't among those held.
fn lowest_free(from: u64, held: impl Iterator<Item = u64>) -> u64 {
    let held: HashSet<u64> = held.filter(|nonce| *nonce >= from).collect();
    let mut nonce = from;
    while held.contains(&nonce) {
        nonce = nonce.saturating_add(1);
    }
    nonce
}

fn inclusion(signed: &SignedBytes, number: u32, hash: [u8; 32]) -> Inclusion {
    Inclusion {
        block: Block { number, hash },
        extrinsic: signed.hash,
    }
}

fn answer(reply: oneshot::Sender<Outcome>, outcome: Outcome) {
    // Nobody waits any more: the outcome is in the store.
    let _ = reply.send(outcome);
}

#[cfg(test)]
mod tests {
    use super::lowest_free;

    #[test]
    fn a_freed_nonce_is_used_before_later_ones() {
        assert_eq!(lowest_free(5, [6, 7].into_iter()), 5);
        assert_eq!(lowest_free(5, [5, 6, 8].into_iter()), 7);
        assert_eq!(lowest_free(5, [3, 4].into_iter()), 5);
        assert_eq!(lowest_free(5, [].into_iter()), 5);
    }
}
