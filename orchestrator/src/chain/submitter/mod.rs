//! Submits an account's transactions so that none is lost and none is carried out twice.
//!
//! One task owns the account's nonce ([`desk`]); a transaction is persisted before it is sent; its fate is what the
//! finalized chain says ([`fate`]), never what a node promised. Why no crash does harm:
//! - before persisting, nothing was sent;
//! - after persisting, the same bytes are looked for in finalized blocks and sent again: one nonce, one inclusion;
//! - other bytes are signed only when the old ones can't be included any more: their era's end is finalized, or
//!   their nonce was used by another transaction in a finalized block;
//! - where the node no longer has what would tell, nothing is concluded: the step is neither done nor tried anew.
mod desk;
mod fate;
mod node;
mod wire;

use protocol::AccountId;
use tokio::sync::{mpsc, oneshot};

use self::desk::{Desk, Request};
use super::{calls::Call, Chain, ChainError, Follower};
use crate::{identity::SigningKey, settlement::ports::Block, store::Store};

const QUEUE: usize = 256;

/// Where a call was carried out, finalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The block.
    pub block: Block,
    /// blake2-256 of the extrinsic.
    pub extrinsic: [u8; 32],
}

/// Why a call wasn't carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The contract undid everything: a dry run tells why. The key may be tried anew.
    #[error("the contract refused the call in block {block}")]
    ContractReverted {
        /// The finalized block where it failed.
        block: u32,
    },
    /// The call failed on chain for a reason of the chain's own. The key may be tried anew.
    #[error("the call failed in block {block}: {why}")]
    Failed {
        /// The finalized block where it failed.
        block: u32,
        /// The dispatch error.
        why: String,
    },
    /// The node didn't take the transaction (no funds for its fee, too large…). The key may be tried anew.
    #[error("the node doesn't take the transaction: {0}")]
    Rejected(String),
    /// It was submitted, and the node doesn't keep what would tell how it went. The step stays open: asking again, or
    /// restarting, asks the node again.
    #[error("how the call went can't be told: {0}")]
    Unknown(String),
    /// Nothing was submitted because the chain can't be asked now: try again.
    #[error("nothing was submitted: {0}")]
    Unavailable(String),
    /// Nothing was submitted because it could not be written down first.
    #[error("nothing was submitted, the store failed: {0}")]
    Store(String),
    /// The process is going down; what was submitted is taken up at the next start.
    #[error("the submitter has stopped; it takes up open submissions at the next start")]
    Stopped,
}

impl From<ChainError> for SubmitError {
    fn from(error: ChainError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<crate::store::StoreError> for SubmitError {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// What becomes of a key.
pub(super) type Outcome = Result<Inclusion, SubmitError>;

/// Submits for one account. Cheap to clone; works as long as its last clone.
#[derive(Clone, Debug)]
pub struct Submitter {
    account: AccountId,
    requests: mpsc::Sender<Request>,
}

impl Submitter {
    /// Takes up what an earlier process left open, and begins.
    ///
    /// # Errors
    /// The store fails.
    pub async fn start(chain: Chain, follower: Follower, store: Store, key: SigningKey) -> Result<Self, SubmitError> {
        let account = key.account();
        let (requests, queue) = mpsc::channel(QUEUE);
        let mut desk = Desk::new(chain, follower, store, key);
        desk.resume().await?;
        tokio::spawn(desk.run(queue));
        Ok(Self { account, requests })
    }

    /// Whose transactions these are.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Submits a call and waits until it is finalized. `key` names the business step: while it is in flight the same
    /// key joins it, afterwards it gets the same answer, also after a restart; after a failure it is tried anew.
    /// Nothing is lost when the caller stops waiting.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn submit(&self, key: &str, call: Call) -> Outcome {
        let (reply, answer) = oneshot::channel();
        let request = Request::Submit {
            key: key.to_owned(),
            call,
            reply,
        };
        self.requests.send(request).await.map_err(|_| SubmitError::Stopped)?;
        answer.await.unwrap_or(Err(SubmitError::Stopped))
    }

    /// Waits for a submission that is in flight or was carried out; `None` where this key needs a (new) one.
    /// Asked first, because a dry run of a step that was carried out fails.
    ///
    /// # Errors
    /// As [`Submitter::submit`].
    pub async fn find(&self, key: &str) -> Result<Option<Inclusion>, SubmitError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Find {
            key: key.to_owned(),
            reply,
        };
        self.requests.send(request).await.map_err(|_| SubmitError::Stopped)?;
        match answer.await.unwrap_or(Err(SubmitError::Stopped))? {
            None => Ok(None),
            Some(outcome) => outcome.await.unwrap_or(Err(SubmitError::Stopped)).map(Some),
        }
    }
}
