//! Reconciliation (S3.1 to S3.5): two institutions' books of the same payments, matched every day against the chain; what is
//! wrong is explained, corrected on chain and in the books; then the day is closed and paid.
//!
//! Each side matches for itself: its own book, the other's as the other signed it, and the chain's entries. Both come to the
//! same result or don't sign.
pub mod breaks;
pub mod days;
pub mod fault;
pub mod findings;
pub mod line;
pub mod messages;
pub mod ports;
pub mod schedule;
pub mod settings;
