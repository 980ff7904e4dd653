//! Both sides of a book in one process, against the contract's rules.
#![allow(clippy::unwrap_used)]
mod breaks;
mod chain;
mod crashes;
mod days;
mod random;
mod world;
