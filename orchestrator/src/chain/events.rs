//! A contract's events, read back from finalized blocks; which is which, its metadata says.
use std::{collections::BTreeMap, fmt::Debug};

use futures::{StreamExt, TryStreamExt};
use protocol::{AccountId, Timestamp};
use scale::Decode;

use super::{
    bundle::{Bundle, BundleError},
    deployment::to_ss58,
    Chain, ChainError,
};
use crate::settlement::ports::{Block, LedgerError};

/// The blocks that are asked for at once: the way to the node and back is what takes time.
const AT_ONCE: usize = 16;

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

    /// The same with the time of each one's block, in milliseconds since 1970.
    pub(super) async fn timed<E: Debug>(
        &self,
        from: u32,
        to: u32,
    ) -> Result<Vec<(Emitted<K>, Timestamp)>, LedgerError<E>> {
        let emitted = self.of_blocks(from, to).await;
        let emitted = emitted.map_err(|error| forgotten(from, error))?;
        let blocks: BTreeMap<u32, [u8; 32]> = emitted.iter().map(|one| (one.block.number, one.block.hash)).collect();
        let time = |(number, hash)| async move {
            Ok::<_, LedgerError<E>>((number, time_of(&self.chain, number, hash).await?))
        };
        let times = futures::stream::iter(blocks).map(time).buffered(AT_ONCE);
        let times: BTreeMap<u32, Timestamp> = times.try_collect().await?;
        let timed = emitted.into_iter().map(|one| {
            let time = times.get(&one.block.number).copied().unwrap_or_default();
            (one, time)
        });
        Ok(timed.collect())
    }

    /// The block that the contract was made in, by a finalized one after it: nothing before can be of it.
    pub(super) async fn first_block<E: Debug>(&self, last: u32) -> Result<u32, LedgerError<E>> {
        if !self.is_there(last).await? {
            return Err(LedgerError::Rejected(format!(
                "there is no contract {} at block {last}",
                to_ss58(&self.contract)
            )));
        }
        let (mut from, mut to) = (1, last);
        while from < to {
            let middle = from.midpoint(to);
            if self.is_there(middle).await? {
                to = middle;
            } else {
                from = middle.saturating_add(1);
            }
        }
        Ok(from)
    }

    async fn is_there<E: Debug>(&self, number: u32) -> Result<bool, LedgerError<E>> {
        let hash = self.chain.block_hash(number).await?;
        let found = self
            .chain
            .storage("Contracts", "ContractInfoOf", (self.contract.0,), hash);
        Ok(found.await.map_err(|error| forgotten(number, error))?.is_some())
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

/// When a block was made, in milliseconds since 1970.
pub(super) async fn time_of<E: Debug>(chain: &Chain, number: u32, hash: [u8; 32]) -> Result<Timestamp, LedgerError<E>> {
    let time = chain.block_time(hash).await;
    let time = time.map_err(|error| forgotten(number, error))?;
    time.ok_or_else(|| LedgerError::Rejected(format!("block {number} has no time")))
}

/// A node that answers, but not about this block, has thrown its state away.
pub(super) fn forgotten<E: Debug>(number: u32, error: ChainError) -> LedgerError<E> {
    match error {
        ChainError::Refused { .. } => LedgerError::Rejected(format!(
            "{error}; if the node doesn't keep the state of block {number} any more, take one that keeps all \
             (--state-pruning archive)"
        )),
        other => other.into(),
    }
}

/// Reads an event's fields.
pub(super) fn decode<T: Decode>(mut bytes: &[u8]) -> Result<T, ChainError> {
    T::decode(&mut bytes).map_err(|error| ChainError::Unreadable {
        method: "Contracts.ContractEmitted",
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_the_past_is_told_apart_from_one_out_of_reach() {
        let refused = ChainError::Refused {
            method: "state_getStorage",
            code: 4003,
            message: "State already discarded".into(),
        };
        let advice = forgotten::<()>(7, refused).to_string();
        assert!(advice.contains("block 7") && advice.contains("archive"), "{advice}");
        assert!(matches!(
            forgotten::<()>(7, ChainError::Disconnected),
            LedgerError::Unavailable(_)
        ));
    }
}
