//! Contract tests: the real wasm on the real runtime, in this process.
#![allow(clippy::unwrap_used)] // a failed test is a panic
#![allow(clippy::cloned_ref_to_slice_refs)] // a list of one reads like a list of several

mod clearing;
mod credit;
mod docs;
mod escrow;
mod escrow_sagas;
mod multisig;
mod prepaid;
mod properties;
mod reconciliation;
mod reconciliation_sagas;
mod registry;
