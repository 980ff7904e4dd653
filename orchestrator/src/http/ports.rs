//! What the API needs of the chain beyond what the settlement saga does.
use async_trait::async_trait;
use protocol::{clearing::Balance, registry::Institution, settlement::Asset, AccountId, Amount, Member};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{health::Check, schema};
use crate::settlement::ports::{Block, LedgerError};

/// A contract that is deployed here.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ContractInfo {
    /// `registry`, `clearing`…
    pub name: String,
    /// Its account, SS58.
    pub address: String,
    /// What can be asked of it.
    pub messages: Vec<MessageInfo>,
}

/// A message of a contract, from its metadata.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MessageInfo {
    /// Its name.
    pub name: String,
    /// Its arguments, in order.
    pub args: Vec<ArgumentInfo>,
    /// Whether it changes state when executed.
    pub mutates: bool,
    /// Whether it takes native tokens.
    pub payable: bool,
    /// The contract's own words about it.
    pub docs: String,
}

/// An argument of a message.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ArgumentInfo {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A message to a contract, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractCall {
    /// `registry`, `clearing`…
    pub contract: String,
    /// The message's name.
    pub message: String,
    /// Its arguments as text, in order.
    pub args: Vec<String>,
    /// Native tokens that go with it.
    pub value: Amount,
}

/// What a call would return and cost.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DryRun {
    /// What the message returns, decoded by the contract's metadata. Integers are strings of digits.
    pub result: serde_json::Value,
    /// Computation, in picoseconds.
    pub ref_time: u64,
    /// Storage proof, in bytes.
    pub proof_size: u64,
    /// Deposit for storage: above 0 is taken, below 0 given back.
    #[schema(value_type = String, example = "125000")]
    #[serde(with = "signed_amount")]
    pub storage_deposit: i128,
}

/// A message that was executed.
#[derive(Clone, Debug)]
pub struct Executed {
    /// What it returned when it was tried; unknown when an earlier request with the same key submitted it.
    pub dry_run: Option<DryRun>,
    /// The finalized block that holds it.
    pub block: Block,
}

/// A block as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockInfo {
    /// Its number.
    pub number: u32,
    /// Its hash.
    #[schema(value_type = schema::Bytes32)]
    pub hash: String,
}

impl From<Block> for BlockInfo {
    fn from(block: Block) -> Self {
        Self {
            number: block.number,
            hash: protocol::text::to_hex(&block.hash),
        }
    }
}

/// Why a contract call isn't made, or fails.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// No such contract is deployed here.
    #[error("no contract is called {0:?} here: GET /v1/contracts lists them")]
    UnknownContract(String),
    /// The contract has no such message.
    #[error("the contract has no message {0:?}: GET /v1/contracts lists them")]
    UnknownMessage(String),
    /// The arguments don't fit the metadata.
    #[error("the arguments don't fit: {0}")]
    BadArguments(String),
    /// The contract's own error.
    #[error("the contract refuses: {0}")]
    Refused(String),
    /// The chain doesn't do it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// The chain as this institution sees it. Reads are at the latest finalized block, writes return once finalized; a
/// write with a `key` that was used before returns what became of the first one.
#[async_trait]
pub trait ChainApi: Send + Sync {
    /// Hash of the genesis block.
    fn genesis(&self) -> [u8; 32];
    /// The clearing contract's account.
    fn clearing(&self) -> AccountId;
    /// This institution's index in the registry.
    fn member(&self) -> Member;
    /// The latest finalized block's number.
    fn finalized(&self) -> u32;
    /// Submissions that are neither finalized nor given up.
    async fn submissions_in_flight(&self) -> Result<u32, LedgerError>;
    /// What must hold before work is accepted.
    async fn checks(&self) -> Vec<Check>;
    /// This institution's balance in the clearing contract.
    async fn balance(&self, asset: Asset) -> Result<Balance, LedgerError>;
    /// Pays into it from this institution's account.
    async fn deposit(&self, key: &str, asset: Asset, amount: Amount) -> Result<Block, LedgerError>;
    /// Pays out of it to this institution's account.
    async fn withdraw(&self, key: &str, asset: Asset, amount: Amount) -> Result<Block, LedgerError>;
    /// All of the registry.
    async fn institutions(&self) -> Result<Vec<Institution>, LedgerError>;
    /// The contracts deployed here.
    fn contracts(&self) -> Vec<ContractInfo>;
    /// Tries a message without submitting it.
    async fn dry_run(&self, call: &ContractCall) -> Result<DryRun, CallError>;
    /// Tries a message, submits it and waits for finality.
    async fn execute(&self, key: &str, call: &ContractCall) -> Result<Executed, CallError>;
}

/// A signed amount as a decimal string.
pub(super) mod signed_amount {
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(amount: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
