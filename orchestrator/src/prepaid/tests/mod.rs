//! An issuer and an acquirer, on a chain that keeps its books in memory.
#![allow(clippy::unwrap_used)]
mod books;
mod cycling;
mod desk;
mod ordering;
mod world;

pub use books::Books;
pub use world::{card_key, holder, issuer, payment, signed, terminal_key, ACQUIRER, CARD, ISSUER, MERCHANT, START};
