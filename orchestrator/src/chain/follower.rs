//! Follows finalized blocks through lost connections.
use std::{sync::Arc, time::Duration};

use subxt::{
    config::{Hasher as _, SubstrateConfig},
    utils::H256,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::task::AbortOnDropHandle;

use super::{connection::Session, Chain, ChainError};

/// How long to wait before asking a node again whose connection stands but whose stream of blocks ended.
const RETRY: Duration = Duration::from_millis(500);

type Header = <SubstrateConfig as subxt::Config>::Header;

/// The latest finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u32,
    /// Its hash.
    pub hash: [u8; 32],
    /// The block's own time in milliseconds since the Unix epoch; 0 on a chain without pallet-timestamp.
    pub timestamp: u64,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    head: Head,
    at: Instant,
}

/// Watches finality. Cheap to clone; follows as long as its last clone.
#[derive(Clone, Debug)]
pub struct Follower {
    chain: Chain,
    seen: watch::Receiver<Seen>,
    _task: Arc<AbortOnDropHandle<()>>,
}

impl Follower {
    /// Reads the finalized head and follows it from there.
    ///
    /// # Errors
    /// The node doesn't answer.
    pub async fn start(chain: Chain) -> Result<Self, ChainError> {
        let session = chain.session()?;
        let hash = session
            .rpc
            .chain_get_finalized_head()
            .await
            .map_err(|error| ChainError::rpc("chain_getFinalizedHead", error))?;
        let header = session
            .rpc
            .chain_get_header(Some(hash))
            .await
            .map_err(|error| ChainError::rpc("chain_getHeader", error))?
            .ok_or_else(|| ChainError::NoBlock(hash.to_string()))?;
        let head = read(&chain, &header, hash).await?;
        let (sender, seen) = watch::channel(Seen {
            head,
            at: Instant::now(),
        });
        let task = tokio::spawn(follow(chain.clone(), sender));
        Ok(Self {
            chain,
            seen,
            _task: Arc::new(AbortOnDropHandle::new(task)),
        })
    }

    /// The latest finalized block that was seen.
    pub fn head(&self) -> Head {
        self.seen.borrow().head
    }

    /// Returns when a later block is finalized, or when the connection was lost and found again.
    pub async fn next(&self) {
        let mut seen = self.seen.clone();
        seen.mark_unchanged();
        let mut sessions = self.chain.sessions();
        sessions.mark_unchanged();
        let found_again = async {
            while sessions.changed().await.is_ok() {
                if sessions.borrow_and_update().is_some() {
                    return;
                }
            }
            std::future::pending().await
        };
        tokio::select! {
            // Without a sender nothing follows any more: the process is going down.
            _ = seen.changed() => {}
            () = found_again => {}
        }
    }

    /// Returns when the finalized head has come to this block: reads at the head then see what happened there.
    pub async fn reached(&self, number: u32) {
        let mut seen = self.seen.clone();
        // Without a sender nothing follows any more: the process is going down.
        let _ = seen.wait_for(|seen| seen.head.number >= number).await;
    }

    /// How long finality has stood still although there is something to finalize; `None` where it moves or rests.
    /// A chain that seals on demand rests while nobody submits.
    ///
    /// # Errors
    /// The node doesn't answer.
    pub async fn stalled(&self, patience: Duration) -> Result<Option<Duration>, ChainError> {
        let seen = *self.seen.borrow();
        let still = seen.at.elapsed();
        if still < patience {
            return Ok(None);
        }
        let session = self.chain.session()?;
        let best = session
            .rpc
            .chain_get_header(None)
            .await
            .map_err(|error| ChainError::rpc("chain_getHeader", error))?;
        if best.is_some_and(|best| best.number > u64::from(seen.head.number)) {
            return Ok(Some(still));
        }
        let waiting: Vec<String> = session
            .client
            .request("author_pendingExtrinsics", subxt_rpcs::client::rpc_params![])
            .await
            .map_err(|error| ChainError::rpc("author_pendingExtrinsics", error))?;
        Ok((!waiting.is_empty()).then_some(still))
    }
}

async fn follow(chain: Chain, sender: watch::Sender<Seen>) {
    loop {
        chain.connected().await;
        let Ok(session) = chain.session() else { continue };
        if let Err(error) = follow_session(&chain, &session, &sender).await {
            tracing::debug!(%error, "the stream of finalized blocks ended");
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Follows one connection's finalized heads. The first one in the stream is the head at subscription, so that nothing
/// finalized in between is missed; numbers may leap, as a finality proof covers every block before.
async fn follow_session(chain: &Chain, session: &Session, sender: &watch::Sender<Seen>) -> Result<(), ChainError> {
    let mut heads = session
        .rpc
        .chain_subscribe_finalized_heads()
        .await
        .map_err(|error| ChainError::rpc("chain_subscribeFinalizedHeads", error))?;
    while let Some(header) = heads.next().await {
        let header = header.map_err(|error| ChainError::rpc("chain_subscribeFinalizedHeads", error))?;
        let hash = session.runtime.client().hasher().hash(&scale::Encode::encode(&header));
        let head = read(chain, &header, hash).await?;
        sender.send_if_modified(|seen| {
            // A node that was restored from a backup starts behind what this process has seen finalized.
            let later = head.number > seen.head.number;
            if later {
                *seen = Seen {
                    head,
                    at: Instant::now(),
                };
            }
            later
        });
    }
    Ok(())
}

async fn read(chain: &Chain, header: &Header, hash: H256) -> Result<Head, ChainError> {
    let number = u32::try_from(header.number)
        .map_err(|_| ChainError::Runtime(format!("block number {} is beyond 32 bits", header.number)))?;
    let timestamp = match chain.block_time(hash.0).await {
        Err(ChainError::Runtime(_)) => None,
        read => read?,
    };
    Ok(Head {
        number,
        hash: hash.0,
        timestamp: timestamp.unwrap_or(0),
    })
}
