//! An institution's orchestrator: talks to its peers, collects their co-signatures off-chain, submits one finalized
//! call, and keeps books that reconcile with the chain.
//!
//! Data flows one way: `http/cli → system saga → store → peers / chain`.
#![forbid(unsafe_code)]

pub mod chain;
pub mod cli;
pub mod config;
pub mod devnet;
pub mod escrow;
pub mod http;
pub mod identity;
pub mod peers;
pub mod settlement;
pub mod store;
