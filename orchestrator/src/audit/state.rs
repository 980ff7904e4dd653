//! A chain's state, as far as storage proofs show it: whoever has a block's hash needs to believe nobody about what the
//! contracts kept after that block.
use protocol::AccountId;
use scale::{Compact, Decode};
use sp_core::{Blake2Hasher, H256};
use sp_crypto_hashing::{blake2_128, blake2_256, twox_128, twox_64};
use sp_trie::{read_child_trie_value, read_trie_value, LayoutV1, MemoryDB, StorageProof};

/// It also reads what was stored under the layout before.
type Layout = LayoutV1<Blake2Hasher>;

/// What the main trie's keys of child tries' roots begin with.
const CHILD_ROOTS: &[u8] = b":child_storage:default:";

/// Nodes of a trie, as a node hands them out.
pub type Nodes = Vec<Vec<u8>>;

/// The proof doesn't show what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is no header of a block.
    #[error("the header can't be read: {0}")]
    Header(String),
    /// Nodes are missing, or are of another state.
    #[error("the proof doesn't lead from the block's state root to {what}: {why}")]
    Incomplete {
        /// What is looked up.
        what: &'static str,
        /// What the trie says.
        why: String,
    },
    /// What is there is laid out otherwise.
    #[error("the block's state has something else where {0} should be")]
    Unreadable(&'static str),
    /// There is no such contract.
    #[error("the block's state has no contract {}", crate::chain::deployment::to_ss58(.0))]
    NoContract(AccountId),
}

/// What a block's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The block's number.
    pub number: u32,
    /// Its hash.
    pub hash: [u8; 32],
    /// The hash of the block before it.
    pub parent: [u8; 32],
    /// What the chain's state comes to after it.
    pub state_root: [u8; 32],
    /// What its transactions come to.
    pub extrinsics_root: [u8; 32],
}

impl Header {
    /// Reads a header's SCALE encoding. Its hash is that of all of it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(encoded: &[u8]) -> Result<Self, ProofError> {
        let mut rest = encoded;
        let parts = <([u8; 32], Compact<u32>, [u8; 32], [u8; 32])>::decode(&mut rest);
        let (parent, Compact(number), state_root, extrinsics_root) =
            parts.map_err(|error| ProofError::Header(error.to_string()))?;
        Ok(Self {
            number,
            hash: blake2_256(encoded),
            parent,
            state_root,
            extrinsics_root,
        })
    }
}

/// A part of a block's state.
pub struct State {
    nodes: MemoryDB<Blake2Hasher>,
    root: H256,
}

/// What pallet-contracts keeps of a contract, as far as it is of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractInfo {
    /// Tells its child trie.
    pub trie: Vec<u8>,
    /// blake2-256 of its code.
    pub code_hash: [u8; 32],
}

/// A part of a contract's storage.
pub struct ContractState<'a> {
    state: &'a State,
    trie: &'a [u8],
    root: H256,
}

impl State {
    /// The part of the state with this root that the nodes show.
    pub fn new(root: [u8; 32], nodes: &[Vec<u8>]) -> Self {
        Self {
            nodes: StorageProof::new(nodes.iter().cloned()).into_memory_db(),
            root: H256(root),
        }
    }

    /// A contract.
    ///
    /// # Errors
    /// The proof doesn't show it, or shows that there is none.
    pub fn contract(&self, account: &AccountId) -> Result<ContractInfo, ProofError> {
        const WHAT: &str = "the contract";
        let found = self.value(&contract_key(account), WHAT)?;
        let bytes = found.ok_or(ProofError::NoContract(*account))?;
        // As far as pallet-contracts has always laid `ContractInfo` out.
        let (trie, code_hash) =
            <(Vec<u8>, [u8; 32])>::decode(&mut &bytes[..]).map_err(|_| ProofError::Unreadable(WHAT))?;
        Ok(ContractInfo { trie, code_hash })
    }

    /// The storage of a contract.
    ///
    /// # Errors
    /// The proof doesn't show it.
    pub fn storage<'a>(&'a self, trie: &'a [u8]) -> Result<ContractState<'a>, ProofError> {
        const WHAT: &str = "the contract's storage";
        let root = self.value(&child_key(trie), WHAT)?;
        let root = root.and_then(|root| <[u8; 32]>::try_from(root).ok());
        let root = H256(root.ok_or(ProofError::Unreadable(WHAT))?);
        let state = self;
        Ok(ContractState { state, trie, root })
    }

    /// What the main trie has under a key; `None` where the proof shows that there is nothing.
    ///
    /// # Errors
    /// The proof doesn't show it.
    pub fn value(&self, key: &[u8], what: &'static str) -> Result<Option<Vec<u8>>, ProofError> {
        read_trie_value::<Layout, _>(&self.nodes, &self.root, key, None, None).map_err(|error| ProofError::Incomplete {
            what,
            why: error.to_string(),
        })
    }
}

impl ContractState<'_> {
    /// What the contract keeps under a key; `None` where the proof shows that there is nothing.
    ///
    /// # Errors
    /// The proof doesn't show it, or it is of another type.
    pub fn get<T: Decode>(&self, key: &[u8], what: &'static str) -> Result<Option<T>, ProofError> {
        let found = self.bytes(&storage_key(key), what)?;
        let read = |bytes: Vec<u8>| {
            let mut rest = &bytes[..];
            let value = T::decode(&mut rest).ok().filter(|_| rest.is_empty());
            value.ok_or(ProofError::Unreadable(what))
        };
        found.map(read).transpose()
    }

    /// What the child trie has under a key of its own, see [`storage_key`].
    ///
    /// # Errors
    /// The proof doesn't show it.
    pub fn bytes(&self, key: &[u8], what: &'static str) -> Result<Option<Vec<u8>>, ProofError> {
        let Self { state, trie, root } = self;
        let found = read_child_trie_value::<Layout, _>(trie, &state.nodes, root, key, None, None);
        found.map_err(|error| ProofError::Incomplete {
            what,
            why: error.to_string(),
        })
    }
}

/// Where the main trie has what pallet-contracts keeps of a contract.
pub fn contract_key(account: &AccountId) -> Vec<u8> {
    [
        &item_key("Contracts", "ContractInfoOf")[..],
        &twox_64(&account.0),
        &account.0,
    ]
    .concat()
}

/// Where the main trie has a value that its pallet keeps one of.
pub fn item_key(pallet: &str, item: &str) -> Vec<u8> {
    [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
}

/// Where the main trie has the root of a contract's child trie.
pub fn child_key(trie: &[u8]) -> Vec<u8> {
    [CHILD_ROOTS, trie].concat()
}

/// Where a contract's child trie has what the contract keeps under a key of its own.
pub fn storage_key(key: &[u8]) -> Vec<u8> {
    [&blake2_128(key), key].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use scale::Encode;

    use super::*;

    #[test]
    fn a_header_is_known_by_the_hash_of_all_of_it() {
        let header = ([1u8; 32], Compact(300u32), [2u8; 32], [3u8; 32], vec![7u8]).encode();
        let read = Header::read(&header).unwrap();
        assert_eq!((read.number, read.state_root), (300, [2; 32]));
        assert_eq!((read.parent, read.extrinsics_root), ([1; 32], [3; 32]));
        assert_eq!(read.hash, blake2_256(&header));
        assert!(Header::read(&header[..60]).is_err());
    }

    #[test]
    fn a_proof_of_another_state_shows_nothing() {
        let state = State::new([1; 32], &[vec![0]]);
        assert!(matches!(
            state.contract(&AccountId([2; 32])),
            Err(ProofError::Incomplete { .. })
        ));
    }
}
