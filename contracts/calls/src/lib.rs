//! What contracts ask of other contracts. No call here lets the other one call back.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

pub mod registry;
pub mod token;
