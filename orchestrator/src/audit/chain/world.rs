//! A chain for tests: blocks with true hashes, and one contract's storage with true proofs.
#![allow(clippy::unwrap_used)]
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use protocol::{AccountId, Amount};
use scale::{Compact, Decode, Encode};
use sp_core::{Blake2Hasher, H256};
use sp_crypto_hashing::blake2_256;
use sp_trie::{KeySpacedDBMut, LayoutV0, LayoutV1, MemoryDB, TrieConfiguration, TrieDBMutBuilder, TrieMut};

use super::{
    contracts::{Audited, Contracts, Kind},
    ports::{Archive, Content, RawBlock, Reader},
};
use crate::{
    audit::state::{child_key, contract_key, item_key, storage_key, Nodes},
    chain::ChainError,
};

type Layout = LayoutV1<Blake2Hasher>;

pub(crate) const GENESIS: [u8; 32] = [7; 32];
pub(crate) const TIME: u64 = 1_700_000_000_000;
pub(crate) const CONTRACT: AccountId = AccountId([8; 32]);
pub(crate) const CODE: [u8; 32] = [6; 32];
/// The topic of the contract's event `Paid`.
pub(crate) const PAID: [u8; 32] = [5; 32];
/// The selectors of its message `pay` and its constructor `new`.
pub(crate) const PAY: [u8; 4] = [1; 4];
pub(crate) const NEW: [u8; 4] = [2; 4];
const TRIE: [u8; 4] = [9; 4];

/// What a contract keeps, by its own keys.
type Kept = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a node would say.
#[derive(Clone, Default)]
pub(crate) struct World {
    /// Whether the contract isn't there yet.
    pub(crate) is_unmade: bool,
    /// What it keeps.
    pub(crate) storage: Kept,
    /// What everybody has of the native token.
    pub(crate) native: Amount,
    /// The blocks that were added, from block 1 on.
    pub(crate) blocks: Vec<RawBlock>,
    /// What the contract kept after each of them.
    kept: Vec<Kept>,
    contents: Vec<Content>,
    /// Of earlier blocks, the node has thrown the state away.
    pub(crate) oldest: u32,
    /// Which blocks were asked for.
    pub(crate) asked: Arc<Mutex<Vec<u32>>>,
}

impl World {
    /// Without the contract so far.
    pub(crate) fn unmade() -> Self {
        Self {
            is_unmade: true,
            ..Self::default()
        }
    }

    /// A block with the present storage after it.
    pub(crate) fn seal(&self, number: u32, parent: [u8; 32], extrinsics: Vec<Vec<u8>>, events: Vec<u8>) -> RawBlock {
        let mut nodes = MemoryDB::<Blake2Hasher>::default();
        let mut child = H256::default();
        {
            let mut spaced = KeySpacedDBMut::new(&mut nodes, &TRIE);
            let mut trie = TrieDBMutBuilder::<Layout>::new(&mut spaced, &mut child).build();
            for (key, value) in &self.storage {
                trie.insert(&storage_key(key), value).unwrap();
            }
        }
        let mut root = H256::default();
        {
            let mut trie = TrieDBMutBuilder::<Layout>::new(&mut nodes, &mut root).build();
            if !self.is_unmade {
                let info = (TRIE.to_vec(), CODE, 0u32, 0u32).encode();
                trie.insert(&contract_key(&CONTRACT), &info).unwrap();
                trie.insert(&child_key(&TRIE), &child.encode()).unwrap();
            }
            trie.insert(&item_key("System", "Events"), &events).unwrap();
            trie.insert(&item_key("Timestamp", "Now"), &TIME.encode()).unwrap();
        }
        let body = LayoutV0::<Blake2Hasher>::ordered_trie_root(&extrinsics).0;
        let header = (parent, Compact(number), root.0, body, Vec::<u8>::new()).encode();
        RawBlock {
            number,
            hash: blake2_256(&header),
            header,
            extrinsics,
            proof: nodes.drain().into_values().map(|(node, _)| node).collect(),
        }
    }

    /// The next block.
    pub(crate) fn add(&mut self, content: Content) {
        let number = u32::try_from(self.blocks.len()).unwrap() + 1;
        let parent = self.blocks.last().map_or(GENESIS, |block| block.hash);
        let events = number.encode();
        self.contents.push(content);
        self.kept.push(self.storage.clone());
        self.blocks.push(self.seal(number, parent, vec![vec![1; 40]], events));
    }

    pub(crate) fn contracts() -> Contracts {
        let contract = Audited {
            name: "bank".into(),
            kind: Kind::Bare,
            code_hash: CODE,
            events: [(PAID, "Paid".into())].into(),
            messages: [(PAY, "pay".into())].into(),
            constructors: [(NEW, "new".into())].into(),
            mappings: [(0, String::new()), (5, "balances".into())].into(),
        };
        Contracts([(CONTRACT, contract)].into())
    }

    fn of(&self, hash: [u8; 32]) -> (&RawBlock, &Kept) {
        let place = self.blocks.iter().position(|block| block.hash == hash).unwrap();
        (&self.blocks[place], &self.kept[place])
    }

    /// Shows everything.
    fn proof(&self, hash: [u8; 32]) -> Result<Nodes, ChainError> {
        let (block, _) = self.of(hash);
        if block.number < self.oldest {
            return Err(ChainError::Refused {
                method: "state_getReadProof",
                code: 4003,
                message: "State already discarded".into(),
            });
        }
        Ok(block.proof.clone())
    }
}

struct Contents(Vec<Content>);

#[async_trait]
impl Reader for Contents {
    async fn read(&self, _: &[Vec<u8>], events: Vec<u8>) -> Result<Content, ChainError> {
        let number = u32::decode(&mut &events[..]).unwrap();
        Ok(self.0[usize::try_from(number).unwrap() - 1].clone())
    }
}

#[async_trait]
impl Archive for World {
    fn genesis(&self) -> [u8; 32] {
        GENESIS
    }

    async fn finalized(&self) -> Result<u32, ChainError> {
        Ok(u32::try_from(self.blocks.len()).unwrap())
    }

    async fn block(&self, number: u32) -> Result<RawBlock, ChainError> {
        self.asked.lock().unwrap().push(number);
        let found = self.blocks.get(usize::try_from(number).unwrap() - 1);
        found.cloned().ok_or_else(|| ChainError::NoBlock(number.to_string()))
    }

    async fn reader(&self, _: [u8; 32]) -> Result<Box<dyn Reader>, ChainError> {
        Ok(Box::new(Contents(self.contents.clone())))
    }

    async fn prove(&self, block: [u8; 32], _: &[Vec<u8>]) -> Result<Nodes, ChainError> {
        self.proof(block)
    }

    async fn keys(
        &self,
        block: [u8; 32],
        _: &[u8],
        after: Option<&[u8]>,
        count: u32,
    ) -> Result<Vec<Vec<u8>>, ChainError> {
        let (_, kept) = self.of(block);
        let mut keys: Vec<_> = kept.keys().map(|key| storage_key(key)).collect();
        keys.sort();
        let rest = keys
            .into_iter()
            .filter(|key| after.is_none_or(|after| key.as_slice() > after));
        Ok(rest.take(usize::try_from(count).unwrap()).collect())
    }

    async fn prove_child(&self, block: [u8; 32], _: &[u8], _: &[Vec<u8>]) -> Result<Nodes, ChainError> {
        self.proof(block)
    }

    async fn native(&self, _: &AccountId, _: [u8; 32]) -> Result<Amount, ChainError> {
        Ok(self.native)
    }

    async fn token(&self, _: AccountId, _: &AccountId, _: [u8; 32]) -> Result<Amount, ChainError> {
        Err(ChainError::Runtime("it has no code".into()))
    }
}
