//! Prepaid cards (S4.1 to S4.5).
pub mod messages;
pub mod sealed;
