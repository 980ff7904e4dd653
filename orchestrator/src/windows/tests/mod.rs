//! Windows without a chain.
#![allow(clippy::unwrap_used)]
mod recomputed;
mod scheduled;
mod verified;
mod world;
