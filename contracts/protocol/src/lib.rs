//! Types, ids and signing payloads shared by the contracts and the orchestrator.
//!
//! Every encoding exists once, here. A contract and an orchestrator that disagree about a byte would disagree
//! about money, so both sides call the same functions: ids are `sha256(domain tag ‖ SCALE(value))`, signing
//! payloads are made by [`signing::payload`]. Hashes are host functions on chain and plain Rust off chain.
//!
//! Types say `capture_docs`, so that the contracts' metadata has their docs. The other way, scale-info's feature `docs`,
//! would hold for the runtime and all that it is built from.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
// what derive(Encode) makes of a variant's number
#![allow(clippy::cast_possible_truncation)]

extern crate alloc;

pub mod clearing;
pub mod credit;
pub mod decisions;
pub mod disputes;
pub mod escrow;
pub mod fees;
pub mod ids;
pub mod prepaid;
pub mod reconciliation;
pub mod registry;
pub mod settlement;
pub mod signing;
#[cfg(feature = "std")]
pub mod text;
pub mod windows;

pub use ids::{
    AgreementId, ClearingVoucherId, DealId, Hashlock, InstitutionId, Lei, Member, OfferId, PayerId, RelationId,
    RequestId, Signature, TradeId, UserId, VoucherId,
};
pub use ink::primitives::AccountId;
/// What the keys of a contract's storage begin with: `KeyComposer::from_str("Clearing::balances")` for a mapping.
#[cfg(feature = "std")]
pub use ink::primitives::{Key, KeyComposer};

/// Milliseconds since the Unix epoch, as pallet-timestamp counts them.
pub type Timestamp = u64;
/// A number of an asset's smallest unit. Never a fraction, never negative.
pub type Amount = u128;
