//! What becomes of a signed transaction, as the finalized chain tells.
use std::time::Duration;

use protocol::AccountId;
use subxt::{events::Phase, utils::H256};

use super::{
    wire::{self, Sent, Watch, Watched},
    Inclusion,
};
use crate::{
    chain::{connection::Session, runtime::Runtime, Chain, ChainError, Follower},
    settlement::ports::Block,
    store::submissions::SignedBytes,
};

/// How long a node may be silent about a transaction before the finalized chain is searched and, where it is in no
/// block, the same bytes are sent again: nodes forget transactions.
const PATIENCE: Duration = Duration::from_secs(4);
/// Pause after an answer that would otherwise be asked for again at once.
const PAUSE: Duration = Duration::from_millis(500);

/// What became of a signed transaction.
#[derive(Debug)]
pub(super) enum Fate {
    /// Carried out.
    Done(Inclusion),
    /// In a block, and failed there.
    Failed(Inclusion, String),
    /// In no finalized block, and can't come into one any more.
    Dead,
}

/// Follows a transaction until its fate is certain.
pub(super) async fn learn(
    chain: Chain,
    follower: Follower,
    account: AccountId,
    signed: SignedBytes,
    mut watch: Option<Watch>,
) -> Fate {
    let mut search = Search {
        chain: &chain,
        follower: &follower,
        account,
        signed: &signed,
        searched: signed.birth,
    };
    let mut in_block = false;
    // Without a watch it was sent earlier, perhaps by an earlier process: the chain knows more than the pool.
    let mut silent = watch.is_none();
    loop {
        if silent {
            match search.advance().await {
                Ok(Some(fate)) => return fate,
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "can't search finalized blocks"),
            }
            if watch.is_none() || !in_block {
                match wire::send(&chain, &signed.extrinsic).await {
                    Sent::Taken(fresh) => watch = Some(fresh),
                    Sent::Stale => match search.overtaken().await {
                        Ok(Some(fate)) => return fate,
                        Ok(None) => {}
                        Err(error) => tracing::debug!(%error, "can't read the account's nonce"),
                    },
                    Sent::Known | Sent::Occupied => {}
                    Sent::Later(why) | Sent::Rejected(why) | Sent::Outdated(why) => {
                        tracing::debug!(nonce = signed.nonce, %why, "the node doesn't take a transaction again");
                    }
                }
            }
        }
        silent = true;
        match &mut watch {
            Some(stream) => match tokio::time::timeout(PATIENCE, wire::until_final(stream, &mut in_block)).await {
                Ok(Watched::Finalized(hash)) => {
                    watch = None;
                    match search.read(hash).await {
                        Ok(Some(fate)) => return fate,
                        Ok(None) | Err(_) => tokio::time::sleep(PAUSE).await,
                    }
                }
                Ok(Watched::Ended) => {
                    watch = None;
                    in_block = false;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(_) => {}
            },
            None => {
                // Whichever is first: a later block, or time to ask again.
                let _ = tokio::time::timeout(PATIENCE, follower.next()).await;
            }
        }
    }
}

struct Search<'a> {
    chain: &'a Chain,
    follower: &'a Follower,
    account: AccountId,
    signed: &'a SignedBytes,
    /// It is in no finalized block up to this one.
    searched: u32,
}

impl Search<'_> {
    /// Searches the finalized blocks that weren't yet.
    async fn advance(&mut self) -> Result<Option<Fate>, ChainError> {
        let last = self.follower.head().number.min(self.signed.death);
        while self.searched < last {
            let number = self.searched.saturating_add(1);
            let hash = self.chain.block_hash(number).await?;
            if let Some(fate) = self.read(hash).await? {
                return Ok(Some(fate));
            }
            self.searched = number;
        }
        Ok((self.searched >= self.signed.death).then_some(Fate::Dead))
    }

    /// The node says that the nonce was used. If that is so in the finalized chain, and not by this transaction, then
    /// this one can't be included any more.
    async fn overtaken(&mut self) -> Result<Option<Fate>, ChainError> {
        let head = self.follower.head();
        let used = self.chain.nonce_at(&self.account, head.hash).await? > self.signed.nonce;
        if let Some(fate) = self.advance().await? {
            return Ok(Some(fate));
        }
        Ok((used && self.searched >= head.number).then_some(Fate::Dead))
    }

    /// The fate of the transaction in a finalized block; `None` where it isn't in that block.
    async fn read(&self, hash: [u8; 32]) -> Result<Option<Fate>, ChainError> {
        let session = self.chain.session()?;
        let block = session
            .rpc
            .chain_get_block(Some(H256(hash)))
            .await
            .map_err(|error| ChainError::rpc("chain_getBlock", error))?
            .ok_or_else(|| ChainError::NoBlock(H256(hash).to_string()))?
            .block;
        let Some(index) = block
            .extrinsics
            .iter()
            .position(|found| found.0 == self.signed.extrinsic)
        else {
            return Ok(None);
        };
        let number = u32::try_from(block.header.number)
            .map_err(|_| ChainError::Runtime("block numbers are beyond 32 bits".into()))?;
        let inclusion = Inclusion {
            block: Block { number, hash },
            extrinsic: self.signed.hash,
        };
        let index = u32::try_from(index).map_err(|_| ChainError::Runtime("too many extrinsics in a block".into()))?;
        Ok(Some(match self.failure(&session, hash, index).await {
            Ok(None) => Fate::Done(inclusion),
            Ok(Some(why)) => Fate::Failed(inclusion, why),
            // The node keeps states for some time only; this transaction was sent before.
            Err(ChainError::Refused { message, .. }) => Fate::Failed(
                inclusion,
                format!("it was included, but the node can't tell how it went ({message}); read the contract"),
            ),
            Err(error) => return Err(error),
        }))
    }

    /// Why the extrinsic at this index of the block failed; `None` where it succeeded.
    async fn failure(&self, session: &Session, hash: [u8; 32], index: u32) -> Result<Option<String>, ChainError> {
        let bytes = self
            .chain
            .storage("System", "Events", (), hash)
            .await?
            .ok_or_else(|| ChainError::NoBlock(H256(hash).to_string()))?;
        match verdict(&session.runtime, &bytes, index) {
            Ok(verdict) => Ok(verdict),
            Err(_) => {
                // An older block, from before a runtime upgrade.
                let then = Runtime::load(&session.rpc, self.chain.genesis(), Some(hash)).await?;
                verdict(&then, &bytes, index)
            }
        }
    }
}

/// `System.ExtrinsicSuccess` or `ExtrinsicFailed` of one extrinsic among a block's events.
fn verdict(runtime: &Runtime, events: &[u8], index: u32) -> Result<Option<String>, ChainError> {
    for event in runtime.client().events().from_bytes(events.to_vec()).iter() {
        let event = event.map_err(|error| ChainError::Runtime(error.to_string()))?;
        if event.phase() != Phase::ApplyExtrinsic(index) || event.pallet_name() != "System" {
            continue;
        }
        match event.event_name() {
            "ExtrinsicSuccess" => return Ok(None),
            "ExtrinsicFailed" => return Ok(Some(runtime.dispatch_error(event.field_bytes()))),
            _ => {}
        }
    }
    Err(ChainError::Runtime(format!(
        "extrinsic {index} has neither succeeded nor failed"
    )))
}
