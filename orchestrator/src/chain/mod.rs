//! The chain: one connection that repairs itself, finalized blocks, contract calls, one submitter per account.
//!
//! Nothing about a runtime is compiled in: calls are encoded and events decoded by the metadata of the connected
//! node, so that any Substrate chain with pallet-contracts serves.
pub mod archive;
pub mod bundle;
pub mod calls;
pub mod connection;
pub mod contracts;
pub mod costs;
pub mod credit;
pub mod credit_past;
pub mod deployment;
mod error;
pub mod escrow;
mod events;
pub mod follower;
pub mod health;
mod layout;
pub mod ledger;
pub mod prepaid;
pub(crate) mod prepaid_events;
pub mod prepaid_past;
pub mod proofs;
mod quickack;
pub mod reconciliation;
pub(crate) mod reconciliation_events;
pub mod records;
pub mod runtime;
pub mod submitter;
mod token;

pub use archive::ChainArchive;
pub use connection::Chain;
pub use credit::{ChainCredit, ChainCreditNodes};
pub use credit_past::ChainCreditPast;
pub use deployment::Deployment;
pub use error::ChainError;
pub use escrow::ChainEscrow;
pub use follower::{Follower, Head};
pub use ledger::ChainLedger;
pub use prepaid::ChainPrepaid;
pub use prepaid_past::ChainPrepaidPast;
pub use proofs::ChainProofs;
pub use reconciliation::ChainReconciliation;
pub use records::ChainRecords;
pub use submitter::{Inclusion, SubmitError, Submitter};
/// The version of subxt that [`Chain::rpc_client`] belongs to.
pub use subxt;
