//! What the audit asks a node that keeps all states. Nothing of the answers is believed that a hash can tell.
use std::collections::BTreeMap;

use async_trait::async_trait;
use protocol::{AccountId, Amount};

use crate::{audit::state::Nodes, chain::ChainError};

/// A block as a node hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawBlock {
    /// The number that was asked for.
    pub number: u32,
    /// What the node says that the finalized block of that number is.
    pub hash: [u8; 32],
    /// SCALE of the header.
    pub header: Vec<u8>,
    /// The transactions, encoded as they are in the block.
    pub extrinsics: Vec<Vec<u8>>,
    /// Shows the block's events and its time.
    pub proof: Nodes,
}

/// What a block's bytes mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The transactions that ask something of contracts, by their places.
    pub transactions: BTreeMap<u32, Transaction>,
    /// What happened to contracts, in order.
    pub events: Vec<Happened>,
    /// Whether the blocks after it are of another runtime.
    pub is_upgrade: bool,
}

/// A transaction that calls or makes a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Who signed it.
    pub signer: AccountId,
    /// The contract that is called; `None` where one is made.
    pub to: Option<AccountId>,
    /// What is sent along.
    pub value: Amount,
    /// Selector and arguments.
    pub input: Vec<u8>,
}

/// Something that happened to a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Its place among all events of the block.
    pub index: u32,
    /// The transaction's place in the block; `None` where it was none.
    pub transaction: Option<u32>,
    /// The contract.
    pub contract: AccountId,
    /// What.
    pub what: What,
}

/// What can happen to a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It came into being.
    Made,
    /// It told something.
    Emitted {
        /// The first topic: tells which event of the contract it is.
        topic: Option<[u8; 32]>,
        /// SCALE of the fields.
        data: Vec<u8>,
    },
    /// Its code was replaced.
    CodeChanged,
    /// It is no more.
    Terminated,
}

/// Reads blocks of one runtime.
#[async_trait]
pub trait Reader: Send + Sync {
    /// What the transactions and the events of a block mean.
    async fn read(&self, extrinsics: &[Vec<u8>], events: Vec<u8>) -> Result<Content, ChainError>;
}

/// A node that keeps all states.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Its chain's genesis hash.
    fn genesis(&self) -> [u8; 32];
    /// The latest finalized block.
    async fn finalized(&self) -> Result<u32, ChainError>;
    /// A finalized block.
    async fn block(&self, number: u32) -> Result<RawBlock, ChainError>;
    /// The runtime of the block after this one.
    async fn reader(&self, after: [u8; 32]) -> Result<Box<dyn Reader>, ChainError>;
    /// Proves what the main trie has under these keys after a block.
    async fn prove(&self, block: [u8; 32], keys: &[Vec<u8>]) -> Result<Nodes, ChainError>;
    /// The first `count` keys of a child trie after one, in order; `child` is the key of its root in the main trie.
    async fn keys(
        &self,
        block: [u8; 32],
        child: &[u8],
        after: Option<&[u8]>,
        count: u32,
    ) -> Result<Vec<Vec<u8>>, ChainError>;
    /// Proves what a child trie has under these keys after a block.
    async fn prove_child(&self, block: [u8; 32], child: &[u8], keys: &[Vec<u8>]) -> Result<Nodes, ChainError>;
    /// What an account has of the native token after a block.
    async fn native(&self, account: &AccountId, block: [u8; 32]) -> Result<Amount, ChainError>;
    /// What an account has of a PSP22 token after a block, by the token.
    async fn token(&self, token: AccountId, account: &AccountId, block: [u8; 32]) -> Result<Amount, ChainError>;
}
