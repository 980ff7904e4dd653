//! Three notaries on one simulated chain, two of whom have to agree.
#![allow(clippy::unwrap_used)]
mod agreeing;
mod trouble;
mod world;
