//! What follows from events, against the contract's own arithmetic.
#![allow(clippy::unwrap_used)]
mod following;
mod planted;
pub(crate) mod random;
