//! A submitter's view of the chain, through the node that it is connected to.
use protocol::AccountId;
use subxt::{events::Phase, utils::H256};

use super::{
    fate::{Fate, Source},
    wire::{self, Sent},
    Inclusion,
};
use crate::{
    chain::{connection::Session, runtime::Runtime, Chain, ChainError, Follower, Head},
    settlement::ports::Block,
    store::submissions::SignedBytes,
};

/// The node, as far as one account's transactions are concerned.
pub(super) struct Node {
    pub(super) chain: Chain,
    pub(super) follower: Follower,
    pub(super) account: AccountId,
}

impl Source for Node {
    fn head(&self) -> Head {
        self.follower.head()
    }

    async fn nonce_at(&self, hash: [u8; 32]) -> Result<u64, ChainError> {
        self.chain.nonce_at(&self.account, hash).await
    }

    async fn hash_of(&self, number: u32) -> Result<[u8; 32], ChainError> {
        self.chain.block_hash(number).await
    }

    async fn find(&self, signed: &SignedBytes, hash: [u8; 32]) -> Result<Option<Fate>, ChainError> {
        let session = self.chain.session()?;
        // Both at once: one round to the node less.
        let (block, events) = futures::join!(
            session.rpc.chain_get_block(Some(H256(hash))),
            self.chain.storage("System", "Events", (), hash)
        );
        let block = block
            .map_err(|error| ChainError::rpc("chain_getBlock", error))?
            .ok_or_else(|| ChainError::NoBlock(H256(hash).to_string()))?
            .block;
        let Some(index) = block.extrinsics.iter().position(|found| found.0 == signed.extrinsic) else {
            return Ok(None);
        };
        let number = u32::try_from(block.header.number)
            .map_err(|_| ChainError::Runtime("block numbers are beyond 32 bits".into()))?;
        let inclusion = Inclusion {
            block: Block { number, hash },
            extrinsic: signed.hash,
        };
        let index = u32::try_from(index).map_err(|_| ChainError::Runtime("too many extrinsics in a block".into()))?;
        let events = match events {
            Ok(Some(events)) => events,
            Ok(None) => return Err(ChainError::NoBlock(H256(hash).to_string())),
            // The node keeps states for some time only; this transaction was sent before.
            Err(ChainError::Refused { message, .. }) => {
                return Ok(Some(Fate::Unknown(format!(
                    "it is in block {number}, but the node doesn't tell what happened there ({message}): connect one \
                     that keeps all states"
                ))));
            }
            Err(error) => return Err(error),
        };
        Ok(Some(match self.failure(&session, &events, hash, index).await? {
            None => Fate::Done(inclusion),
            Some(why) => Fate::Failed(inclusion, why),
        }))
    }

    async fn send(&self, extrinsic: &[u8]) -> Sent {
        wire::send(&self.chain, extrinsic).await
    }

    async fn next_block(&self) {
        self.follower.next().await;
    }

    async fn reached(&self, number: u32) {
        self.follower.reached(number).await;
    }
}

impl Node {
    /// Why the extrinsic at this index of the block failed; `None` where it succeeded.
    async fn failure(
        &self,
        session: &Session,
        events: &[u8],
        hash: [u8; 32],
        index: u32,
    ) -> Result<Option<String>, ChainError> {
        match verdict(&session.runtime, events, index) {
            Ok(verdict) => Ok(verdict),
            Err(_) => {
                // An older block, from before a runtime upgrade.
                let then = Runtime::load(&session.rpc, self.chain.genesis(), Some(hash)).await?;
                verdict(&then, events, index)
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
