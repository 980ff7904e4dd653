//! What a report needs of a node.
use async_trait::async_trait;

use crate::{audit::state::Nodes, reconciliation::ports::LedgerError};

/// A node that proves what its chain's state is.
#[async_trait]
pub trait Prover: Send + Sync {
    /// SCALE of a finalized block's header.
    async fn header(&self, number: u32) -> Result<Vec<u8>, LedgerError>;
    /// Proves what the main trie has under these keys after a block.
    async fn prove(&self, block: [u8; 32], keys: &[Vec<u8>]) -> Result<Nodes, LedgerError>;
    /// Proves what a child trie has under these keys after a block; `child` is the key of its root in the main trie.
    async fn prove_child(&self, block: [u8; 32], child: &[u8], keys: &[Vec<u8>]) -> Result<Nodes, LedgerError>;
}
