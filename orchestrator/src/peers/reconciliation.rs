//! The way to the other institutions of a book.
use async_trait::async_trait;
use protocol::Member;

use super::HttpPeers;
use crate::reconciliation::{
    line::Line,
    messages::{
        ClosingProposal, CoSigned, CorrectionProposal, Delivery, PageRequest, SignedStatement, StatementRequest,
    },
    ports::{Partners, PeerError},
};

/// The other institutions of books. By a client of its own: a book takes a moment to be drawn up, and nothing else should wait
/// for that.
pub struct BookPartners(HttpPeers);

impl BookPartners {
    /// By the peers of the configuration.
    pub const fn new(peers: HttpPeers) -> Self {
        Self(peers)
    }
}

#[async_trait]
impl Partners for BookPartners {
    async fn deliver(&self, to: Member, delivery: &Delivery) -> Result<(), PeerError> {
        self.0.post(to, "reconciliation-entries", delivery).await
    }

    async fn statement(&self, to: Member, request: &StatementRequest) -> Result<SignedStatement, PeerError> {
        self.0.post(to, "reconciliation-statements", request).await
    }

    async fn page(&self, to: Member, request: &PageRequest) -> Result<Vec<Line>, PeerError> {
        self.0.post(to, "reconciliation-pages", request).await
    }

    async fn correct(&self, to: Member, proposal: &CorrectionProposal) -> Result<CoSigned, PeerError> {
        self.0.post(to, "reconciliation-corrections", proposal).await
    }

    async fn close(&self, to: Member, proposal: &ClosingProposal) -> Result<CoSigned, PeerError> {
        self.0.post(to, "reconciliation-closings", proposal).await
    }
}
