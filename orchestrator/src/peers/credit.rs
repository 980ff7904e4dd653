//! A credit node's way to payees' institutions: on each of its chains it is a member of another registry.
use std::collections::BTreeMap;

use async_trait::async_trait;
use protocol::{Member, RequestId};

use super::HttpPeers;
use crate::credit::{
    messages::{ArrivalAnswer, ArrivalRequest, ConsentAnswer, ConsentRequest},
    ports::{Payees, PeerError},
};

/// The institutions on each chain, by its genesis hash.
pub struct CreditPeers(BTreeMap<[u8; 32], HttpPeers>);

impl CreditPeers {
    /// By each chain's genesis hash, the way to the institutions there.
    pub const fn new(chains: BTreeMap<[u8; 32], HttpPeers>) -> Self {
        Self(chains)
    }

    fn on(&self, chain: &[u8; 32], institution: Member) -> Result<&HttpPeers, PeerError> {
        self.0.get(chain).ok_or_else(|| PeerError::Unreachable {
            member: institution,
            why: "no credit is given on its chain any more".to_owned(),
        })
    }
}

#[async_trait]
impl Payees for CreditPeers {
    fn reaches(&self, chain: &[u8; 32], institution: Member) -> bool {
        self.0.get(chain).is_some_and(|peers| peers.reaches(institution))
    }

    async fn ask(
        &self,
        chain: &[u8; 32],
        institution: Member,
        request: &ConsentRequest,
    ) -> Result<ConsentAnswer, PeerError> {
        self.on(chain, institution)?
            .post(institution, "credit-requests", request)
            .await
    }

    async fn ask_arrival(
        &self,
        chain: &[u8; 32],
        institution: Member,
        id: RequestId,
    ) -> Result<ArrivalAnswer, PeerError> {
        let asked = ArrivalRequest { id };
        self.on(chain, institution)?
            .post(institution, "credit-arrivals", &asked)
            .await
    }
}
