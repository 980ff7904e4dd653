//! An acquirer's way to card issuers.
use async_trait::async_trait;
use protocol::Member;

use super::HttpPeers;
use crate::prepaid::{
    messages::{OrderAnswer, SealedOrder},
    ports::{Issuers, PeerError},
};

/// The card issuers. By a client of its own: an issuer takes a moment to answer, and nothing else should wait for that.
pub struct CardIssuers(HttpPeers);

impl CardIssuers {
    /// By the peers of the configuration.
    pub const fn new(peers: HttpPeers) -> Self {
        Self(peers)
    }
}

#[async_trait]
impl Issuers for CardIssuers {
    async fn hand_in(&self, issuer: Member, order: &SealedOrder) -> Result<OrderAnswer, PeerError> {
        self.0.post(issuer, "card-orders", order).await
    }

    async fn recipient(&self, issuer: Member) -> Result<String, PeerError> {
        self.0.post(issuer, "card-recipients", &()).await
    }
}
