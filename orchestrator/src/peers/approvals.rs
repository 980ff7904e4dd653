//! Notaries' approvals over HTTP.
use async_trait::async_trait;
use protocol::Member;

use super::HttpPeers;
use crate::{
    decisions::{
        messages::{ApprovalAnswer, ApprovalRequest},
        ports::DecisionPeers,
    },
    settlement::ports::PeerError,
};

#[async_trait]
impl DecisionPeers for HttpPeers {
    async fn approve(&self, to: Member, request: &ApprovalRequest) -> Result<ApprovalAnswer, PeerError> {
        self.post(to, "approvals", request).await
    }
}
