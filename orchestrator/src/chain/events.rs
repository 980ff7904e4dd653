//! A contract's events, read back from finalized blocks; which is which, its metadata says.
use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt};
use protocol::AccountId;
use scale::Decode;

use super::{
    bundle::{Bundle, BundleError},
    Chain, ChainError,
};
use crate::settlement::ports::Block;

/// The blocks that are asked for at once: the way to the node and back is what takes time.
pub(super) const AT_ONCE: usize = 16;

/// One contract's events of some kinds.
pub(super) struct ContractEvents<K> {
    chain: Chain,
    contract: AccountId,
    topics: BTreeMap<[u8; 32], K>,
}

/// An event and where it stands.
pub(super) struct Emitted<K> {
    /// The finalized block.
    pub(super) block: Block,
    /// Its place among all events of the block.
    pub(super) index: u32,
    /// Which event.
    pub(super) kind: K,
    /// SCALE of its fields.
    pub(super) data: Vec<u8>,
}

/// As far as pallet-contracts has always laid `ContractEmitted` out.
type ContractEmitted = (AccountId, Vec<u8>);

impl<K: Copy> ContractEvents<K> {
    /// The events of `contract`, whose metadata is in `bundle`, that it calls by these names.
    ///
    /// # Errors
    /// The bundle is of a version that lacks one of them.
    pub(super) fn new(
        chain: Chain,
        contract: AccountId,
        bundle: &Bundle,
        kinds: impl IntoIterator<Item = (&'static str, K)>,
    ) -> Result<Self, BundleError> {
        let topic = |(name, kind): (&str, K)| {
            let topic = bundle.event_topic(name).ok_or_else(|| BundleError::NoEvent {
                contract: bundle.name().to_owned(),
                event: name.to_owned(),
            });
            Ok((topic?, kind))
        };
        Ok(Self {
            chain,
            contract,
            topics: kinds.into_iter().map(topic).collect::<Result<_, BundleError>>()?,
        })
    }

    /// What happened in these blocks, both included, in order. All of it is in memory at once.
    pub(super) async fn of_blocks(&self, from: u32, to: u32) -> Result<Vec<Emitted<K>>, ChainError> {
        let blocks = futures::stream::iter(from..=to).map(|number| self.of_block(number));
        let emitted: Vec<Vec<Emitted<K>>> = blocks.buffered(AT_ONCE).try_collect().await?;
        Ok(emitted.into_iter().flatten().collect())
    }

    async fn of_block(&self, number: u32) -> Result<Vec<Emitted<K>>, ChainError> {
        let hash = self.chain.block_hash(number).await?;
        let Some(events) = self.chain.storage("System", "Events", (), hash).await? else {
            return Ok(vec![]);
        };
        let mut emitted = Vec::new();
        let runtime = self.chain.runtime()?;
        for event in runtime.client().events().from_bytes(events).iter() {
            let event = event.map_err(|error| ChainError::Runtime(error.to_string()))?;
            if event.pallet_name() != "Contracts" || event.event_name() != "ContractEmitted" {
                continue;
            }
            let Some(kind) = event.topics().first().and_then(|topic| self.topics.get(&topic.0)) else {
                continue;
            };
            let (contract, data) = decode::<ContractEmitted>(event.field_bytes())?;
            if contract == self.contract {
                emitted.push(Emitted {
                    block: Block { number, hash },
                    index: event.index(),
                    kind: *kind,
                    data,
                });
            }
        }
        Ok(emitted)
    }
}

/// Reads an event's fields.
pub(super) fn decode<T: Decode>(mut bytes: &[u8]) -> Result<T, ChainError> {
    T::decode(&mut bytes).map_err(|error| ChainError::Unreadable {
        method: "Contracts.ContractEmitted",
        why: error.to_string(),
    })
}
