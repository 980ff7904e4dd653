//! An audit of everything that the contracts of a chain ever did (S4.6): what each should keep is rebuilt from finalized events,
//! by rules written again here, and compared with what it keeps; each id and digest is made anew, each signature verified
//! against the registry as it was.
//!
//! `blocks → rebuild (one file for each contract) → tables, findings`; at the end `compare` holds the tables against storage.
pub mod blocks;
mod compare;
pub mod contracts;
pub mod findings;
mod past;
pub mod ports;
pub mod rebuild;
pub mod run;
mod storage;
pub mod tables;
mod take;

#[cfg(test)]
pub(crate) mod world;

use protocol::{AccountId, Amount, Timestamp};
use scale::Decode;

use self::tables::TablesError;
use crate::{audit::state::ProofError, chain::ChainError};

/// The audit can't go on.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The node can't be asked.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The node has thrown away what it should tell.
    #[error(
        "{error}; if the node doesn't keep the state of block {number} any more, take one that keeps all \
         (--state-pruning archive)"
    )]
    Forgotten {
        /// The first block that was asked for.
        number: u32,
        /// What the node says.
        error: ChainError,
    },
    /// The work file can't be used.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// The node doesn't prove what it says.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// What the node says of a block that is to be believed contradicts the block's hash.
    #[error("block {number}, of before the audit's first one, isn't what its hash says: {why}")]
    Altered {
        /// Which.
        number: u32,
        /// What contradicts it.
        why: String,
    },
    /// The last block isn't there yet.
    #[error("block {to} isn't final yet; the last one that is: {finalized}")]
    NotFinal {
        /// Asked for.
        to: u32,
        /// What there is.
        finalized: u32,
    },
    /// There are no blocks to audit.
    #[error("there is no block from {from} to {to}")]
    Empty {
        /// The first one.
        from: u32,
        /// The last one.
        to: u32,
    },
    /// The work was interrupted after the last block.
    #[error("the work file is at block {at} already, after block {to}: take another file, or a later block")]
    Beyond {
        /// How far the work is.
        at: u32,
        /// Asked for.
        to: u32,
    },
}

impl AuditError {
    /// Of an answer about blocks from this one on.
    fn of_block(number: u32, error: ChainError) -> Self {
        match error {
            ChainError::Refused { .. } => Self::Forgotten { number, error },
            other => Self::Chain(other),
        }
    }
}

/// A finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its number.
    pub number: u32,
    /// Its hash.
    pub hash: [u8; 32],
    /// Its time, in milliseconds since 1970: what contracts see as the time.
    pub time: Timestamp,
}

/// What a transaction asked of a contract. Contracts that are called by other contracts are not seen here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who signed the transaction.
    pub signer: AccountId,
    /// The contract; the one that came into being, where one was made.
    pub contract: AccountId,
    /// What was sent along, in the native token's smallest unit.
    pub value: Amount,
    /// The message, as the contract's metadata names it: `retain_batch`, or the constructor: `new`.
    pub message: String,
    /// SCALE of its arguments, in order: without the selector.
    pub arguments: Vec<u8>,
}

impl Call {
    /// The arguments as a contract reads them: it doesn't look at what comes behind them.
    pub fn read<T: Decode>(&self) -> Option<T> {
        T::decode(&mut self.arguments.as_slice()).ok()
    }
}

/// Something that a contract told.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// Which contract.
    pub contract: AccountId,
    /// When.
    pub block: Block,
    /// The event's place among all events of the block: what explorers name it by.
    pub index: u32,
    /// The transaction's place in the block.
    pub transaction: u32,
    /// The event, as the contract's metadata names it; [`MADE`] for the contract itself having been made.
    pub event: &'a str,
    /// SCALE of its fields, in order; of [`MADE`], none.
    pub fields: &'a [u8],
    /// What the transaction asked for, where that was this contract itself; else another contract, or a batch, called.
    pub call: Option<&'a Call>,
}

/// The name under which [`Told`] tells that a contract was made, before anything that its constructor told.
pub const MADE: &str = "(made)";

/// What all events of a chain have in common.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The chain's genesis hash.
    pub genesis: [u8; 32],
    /// The registry, by which signatures are verified.
    pub registry: AccountId,
}
