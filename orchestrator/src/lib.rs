//! An institution's orchestrator: talks to its peers, collects their co-signatures off-chain, submits one finalized
//! call, and keeps books that reconcile with the chain.
//!
//! Data flows one way: `http/cli → system saga → store → peers / chain`.
#![forbid(unsafe_code)]

pub mod assets;
pub mod audit;
pub mod chain;
pub mod cli;
pub mod config;
pub mod credit;
pub mod decisions;
pub mod devnet;
pub mod disputes;
pub mod escrow;
pub mod http;
pub mod identity;
pub mod journal;
pub mod peers;
pub mod prepaid;
pub mod reconciliation;
mod retries;
pub mod settlement;
pub mod statement;
mod steps;
pub mod store;
pub mod terminal;
mod together;
pub mod webhooks;
pub mod windows;
