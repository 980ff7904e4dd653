//! Prepaid cards (S4.1 to S4.5).
pub mod book;
pub mod messages;
pub mod past;
pub mod queries;
pub mod report;
pub mod sealed;
pub mod statements;
pub mod verify;
#[cfg(test)]
mod world;
