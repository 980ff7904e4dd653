//! Everything that a contract keeps after a block, each value proven against the block's state root.
use protocol::AccountId;

use super::{blocks::Checked, ports::Archive, AuditError};
use crate::{
    audit::state::{child_key, contract_key, storage_key, ContractInfo, Nodes, State},
    chain::ChainError,
};

/// As many keys are asked for at once.
const PAGE: u32 = 256;

/// A contract's storage, read in the order of its keys.
pub(super) struct Storage<'a> {
    archive: &'a dyn Archive,
    at: &'a Checked,
    info: ContractInfo,
    /// Shows the root of the contract's own trie.
    nodes: Nodes,
    after: Option<Vec<u8>>,
}

/// A key as the trie has it, and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

impl<'a> Storage<'a> {
    /// That of a contract.
    pub(super) async fn open(
        archive: &'a dyn Archive,
        at: &'a Checked,
        account: &AccountId,
    ) -> Result<Self, AuditError> {
        let hash = at.block.hash;
        let nodes = archive.prove(hash, &[contract_key(account)]).await?;
        let info = State::new(at.state_root, &nodes).contract(account)?;
        let nodes = archive.prove(hash, &[child_key(&info.trie)]).await?;
        Ok(Self {
            archive,
            at,
            info,
            nodes,
            after: None,
        })
    }

    /// blake2-256 of its code.
    pub(super) const fn code_hash(&self) -> [u8; 32] {
        self.info.code_hash
    }

    /// The next keys and their values; none at the end. That none is left out is the node's word.
    pub(super) async fn page(&mut self) -> Result<Vec<Pair>, AuditError> {
        let child = child_key(&self.info.trie);
        let after = self.after.as_deref();
        let keys = self.archive.keys(self.at.block.hash, &child, after, PAGE).await?;
        let mut last = after;
        for key in &keys {
            if last.is_some_and(|last| last >= key.as_slice()) {
                return Err(ChainError::Unreadable {
                    method: "childstate_getKeysPaged",
                    why: "the keys are not in order".into(),
                }
                .into());
            }
            last = Some(key.as_slice());
        }
        let values = self.proven(&keys).await?;
        if let Some(last) = keys.last() {
            self.after = Some(last.clone());
        }
        // A key without a value is the node's mistake: the contract doesn't have it.
        let pairs = keys.into_iter().zip(values);
        Ok(pairs.filter_map(|(key, value)| Some((key, value?))).collect())
    }

    /// What is under keys of the contract's own.
    pub(super) async fn values(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, AuditError> {
        let keys: Vec<Vec<u8>> = keys.iter().map(|key| storage_key(key)).collect();
        self.proven(&keys).await
    }

    async fn proven(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, AuditError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let child = child_key(&self.info.trie);
        let mut nodes = self.archive.prove_child(self.at.block.hash, &child, keys).await?;
        nodes.extend(self.nodes.iter().cloned());
        let state = State::new(self.at.state_root, &nodes);
        let storage = state.storage(&self.info.trie)?;
        let values = keys.iter().map(|key| storage.bytes(key, "a value"));
        Ok(values.collect::<Result<_, _>>()?)
    }
}

/// The contract's own key, of one of its trie.
pub(super) fn own_key(key: &[u8]) -> Option<&[u8]> {
    let own = key.get(16..)?;
    (storage_key(own) == key).then_some(own)
}
