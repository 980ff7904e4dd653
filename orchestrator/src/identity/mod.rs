//! Who this institution is: its sr25519 keys and its X.509 certificate.
pub mod keys;

pub use keys::{verify, SigningKey};
