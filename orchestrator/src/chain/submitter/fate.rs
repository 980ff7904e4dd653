//! What becomes of a signed transaction, as the finalized chain tells.
use std::{future::Future, time::Duration};

use super::{
    wire::{self, Sent, Watch, Watched},
    Inclusion,
};
use crate::{
    chain::{ChainError, Head},
    store::submissions::SignedBytes,
};

/// What became of a signed transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Carried out.
    Done(Inclusion),
    /// In a block, and failed there.
    Failed(Inclusion, String),
    /// In no finalized block, and can't come into one any more.
    Dead,
    /// Its nonce was used or its time is over, and the node doesn't keep what would tell how it went. Neither success
    /// nor failure: whoever took it for a failure could pay twice.
    Unknown(String),
}

/// What a fate is learnt from.
pub(super) trait Source: Send + Sync {
    /// The finalized head.
    fn head(&self) -> Head;
    /// The account's nonce at a block.
    fn nonce_at(&self, hash: [u8; 32]) -> impl Future<Output = Result<u64, ChainError>> + Send;
    /// The hash of a finalized block.
    fn hash_of(&self, number: u32) -> impl Future<Output = Result<[u8; 32], ChainError>> + Send;
    /// The transaction's fate in a finalized block; `None` where it isn't in that block.
    fn find(
        &self,
        signed: &SignedBytes,
        hash: [u8; 32],
    ) -> impl Future<Output = Result<Option<Fate>, ChainError>> + Send;
    /// Sends a transaction's bytes.
    fn send(&self, extrinsic: &[u8]) -> impl Future<Output = Sent> + Send;
    /// Returns when a later block is finalized, or when the node was lost and found again.
    fn next_block(&self) -> impl Future<Output = ()> + Send;
    /// Returns when the finalized head has come to this block.
    fn reached(&self, number: u32) -> impl Future<Output = ()> + Send;
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// How long a node may be silent about a transaction before the finalized chain is asked and, where it is in no
    /// block, the same bytes are sent again: nodes forget transactions.
    pub(super) patience: Duration,
    /// Pause after an answer that would otherwise be asked for again at once.
    pub(super) pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(4),
            pause: Duration::from_millis(500),
        }
    }
}

/// Follows a transaction until its fate is certain. Afterwards the finalized head shows what the transaction did.
pub(super) async fn learn(source: &impl Source, signed: &SignedBytes, watch: Option<Watch>, pace: Pace) -> Fate {
    let fate = follow(source, signed, watch, pace).await;
    if let Fate::Done(inclusion) | Fate::Failed(inclusion, _) = &fate {
        // The stream of heads is another one than the transaction's, and may be behind it. The fate is certain
        // without it: no reason to hold it back for ever.
        let _ = tokio::time::timeout(pace.patience, source.reached(inclusion.block.number)).await;
    }
    fate
}

async fn follow(source: &impl Source, signed: &SignedBytes, mut watch: Option<Watch>, pace: Pace) -> Fate {
    let mut searched = signed.birth;
    let mut in_block = false;
    // Without a watch it was sent earlier, perhaps by an earlier process: the chain knows more than the pool.
    let mut silent = watch.is_none();
    loop {
        if silent {
            match search(source, signed, &mut searched).await {
                Ok(Some(fate)) => return fate,
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "can't search finalized blocks"),
            }
            if watch.is_none() || !in_block {
                match source.send(&signed.extrinsic).await {
                    Sent::Taken(fresh) => watch = Some(fresh),
                    // In the pool, or in a block that will be finalized or retracted.
                    Sent::Known | Sent::Occupied | Sent::Stale => {}
                    Sent::Later(why) => tracing::debug!(nonce = signed.nonce, %why, "can't send a transaction again"),
                    Sent::Rejected(why) | Sent::Outdated(why) => {
                        tracing::warn!(
                            nonce = signed.nonce,
                            %why,
                            "the node doesn't take a transaction again; it is kept until it can't be included any more"
                        );
                    }
                }
            }
        }
        silent = true;
        match &mut watch {
            Some(stream) => match tokio::time::timeout(pace.patience, wire::until_final(stream, &mut in_block)).await {
                Ok(Watched::Finalized(hash)) => {
                    watch = None;
                    match source.find(signed, hash).await {
                        Ok(Some(fate)) => return fate,
                        Ok(None) | Err(_) => tokio::time::sleep(pace.pause).await,
                    }
                }
                Ok(Watched::Ended) => {
                    watch = None;
                    in_block = false;
                    tokio::time::sleep(pace.pause).await;
                }
                Err(_) => {}
            },
            None => {
                // Whichever is first: a later block, or time to ask again.
                let _ = tokio::time::timeout(pace.patience, source.next_block()).await;
            }
        }
    }
}

/// Asks the finalized chain. Blocks are read only once the account's nonce says that there is something to find, or
/// once the transaction's time is over.
async fn search(source: &impl Source, signed: &SignedBytes, searched: &mut u32) -> Result<Option<Fate>, ChainError> {
    let head = source.head();
    let used = source.nonce_at(head.hash).await? > signed.nonce;
    if !used && head.number < signed.death {
        return Ok(None);
    }
    let last = head.number.min(signed.death);
    while *searched < last {
        let number = searched.saturating_add(1);
        let hash = source.hash_of(number).await?;
        match source.find(signed, hash).await {
            Ok(Some(fate)) => return Ok(Some(fate)),
            Ok(None) => *searched = number,
            Err(ChainError::NoBlock(_)) => {
                return Ok(Some(Fate::Unknown(format!(
                    "the node doesn't keep block {number}, where it may be: connect one that keeps all blocks"
                ))));
            }
            Err(error) => return Err(error),
        }
    }
    // Another transaction has its nonce, or its era's end is finalized.
    Ok(Some(Fate::Dead))
}

#[cfg(test)]
#[path = "fate_tests.rs"]
mod tests;
