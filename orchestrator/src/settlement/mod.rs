//! Settlement: a cross-institution payment, co-signed off-chain, retained by a notary, cleared on chain (S0.1 to S0.12).
pub mod messages;
pub mod ports;
