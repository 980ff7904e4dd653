//! Documents of disputes over HTTP.
use async_trait::async_trait;
use protocol::Member;

use super::HttpPeers;
use crate::{
    disputes::{messages::EvidenceLetter, ports::DisputePeers},
    settlement::ports::PeerError,
};

#[async_trait]
impl DisputePeers for HttpPeers {
    async fn deliver(&self, to: Member, letter: &EvidenceLetter) -> Result<(), PeerError> {
        self.post(to, "dispute-evidence", letter).await
    }
}
