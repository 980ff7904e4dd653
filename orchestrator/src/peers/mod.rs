//! Other institutions: signed requests to them, and proof that a request is theirs.
//!
//! Requests carry an RFC 9421 HTTP message signature by the sender's certificate key over method, path, query, an
//! RFC 9530 digest of the body, the certificate (RFC 9440), the sender and the receiver.
mod approvals;
pub mod bulk;
pub mod client;
mod credit;
pub mod directory;
mod disputes;
pub mod envelope;
pub mod layer;
mod prepaid;
mod reconciliation;

pub use client::{HttpPeers, HttpPeersError};
pub use credit::CreditPeers;
pub use directory::{Directory, DirectoryError};
pub use envelope::{EnvelopeError, Sealer, Verifier};
pub use layer::{authenticate, Peer, MAX_REQUEST};
pub use prepaid::CardIssuers;
pub use reconciliation::BookPartners;
