//! Two banks, one that assists, and two notaries on one simulated chain.
#![allow(clippy::unwrap_used)]
mod contesting;
mod contract;
mod node;
mod trouble;
mod world;
