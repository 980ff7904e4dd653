//! A merchant's terminal, and the card that it takes, as programs (S4.3).
//!
//! Card and terminal sign a payment; the terminal keeps it, seals it to the card issuer and sends it to the merchant's
//! acquirer until it has a final answer. It trusts nobody's memory but its own disk: whatever is killed, the same order is
//! sent again and gets the same answer.
pub mod card;
pub mod client;
mod desk;
pub mod disk;
pub mod fault;
pub mod queue;
pub mod receipt;
pub mod settings;
pub mod setup;
pub mod till;

pub use card::{Card, CardError, CardFacts, NewCard};
pub use desk::Trouble;
pub use fault::TillError;
pub use receipt::{Receipt, State};
pub use settings::Settings;
pub use till::{PaymentName, Sale, Sent, Till};
