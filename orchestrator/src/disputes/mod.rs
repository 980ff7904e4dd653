//! Disputes: an obligation of a retained payment is contested, answered, and ruled by the notaries (S0.13).
//!
//! [`Disputes`] takes what this institution's own people want (`desk`) and what others write (`mail`), and learns from the
//! finalized chain what concerns it (`watch`). Its [`Disputes::run`] looks at every open dispute whenever something
//! changed, and does the one step that the chain, the clock and what is stored call for (`saga`). Rulings are the notaries'
//! business: see [`crate::decisions`].
mod desk;
pub mod fault;
mod mail;
pub mod messages;
pub mod ports;
mod runner;
mod saga;
pub mod state;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use protocol::Member;
use tokio::sync::Notify;

pub use desk::NewClaim;
pub use fault::DisputeError;
pub use state::{Over, State};

use crate::{
    journal::Journal,
    store::{
        disputes::{DisputeFilter, DisputeLine, DisputeRow},
        Page, Store,
    },
};
use messages::Document;
use ports::{Clock, DisputeLedger, DisputePeers};
use state::Paper;

/// The disputes that concern one institution.
pub struct Disputes {
    member: Member,
    store: Store,
    ledger: Arc<dyn DisputeLedger>,
    journal: Arc<dyn Journal>,
    peers: Arc<dyn DisputePeers>,
    clock: Arc<dyn Clock>,
    /// Something here changed: look at the disputes.
    changed: Notify,
    /// There is a letter to deliver.
    letters_changed: Notify,
}

/// A dispute with everything that is known of it.
#[derive(Clone, Debug)]
pub struct Details {
    /// How far it is.
    pub dispute: DisputeRow,
    /// What the claim is for, once it is here.
    pub claim: Option<Document>,
    /// What it was answered with, once that is here.
    pub answer: Option<Document>,
    /// Every state so far, oldest first.
    pub history: Vec<DisputeLine>,
}

impl Disputes {
    /// Puts it together. Nothing happens before [`Disputes::run`] but answers to peers.
    pub fn new(
        member: Member,
        store: Store,
        ledger: Arc<dyn DisputeLedger>,
        journal: Arc<dyn Journal>,
        peers: Arc<dyn DisputePeers>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            member,
            store,
            ledger,
            journal,
            peers,
            clock,
            changed: Notify::new(),
            letters_changed: Notify::new(),
        })
    }

    /// How far a dispute is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn dispute(&self, over: Over) -> Result<Option<DisputeRow>, DisputeError> {
        Ok(self.store.dispute(over).await?)
    }

    /// A dispute with its documents and its history.
    ///
    /// # Errors
    /// The database failed.
    pub async fn details(&self, dispute: DisputeRow) -> Result<Details, DisputeError> {
        Ok(Details {
            claim: self.paper(&dispute, Paper::Claim).await?,
            answer: self.paper(&dispute, Paper::Answer).await?,
            history: self.store.dispute_history(dispute.over).await?,
            dispute,
        })
    }

    /// Disputes, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn disputes(&self, filter: &DisputeFilter, page: &Page) -> Result<Vec<DisputeRow>, DisputeError> {
        Ok(self.store.disputes(filter, page).await?)
    }

    /// The document that the chain shows, or that is to go there.
    async fn paper(&self, dispute: &DisputeRow, paper: Paper) -> Result<Option<Document>, DisputeError> {
        let shown = dispute.shown.as_ref().and_then(|shown| saga::on_chain(shown, paper));
        let digest = shown.map(|(_, digest)| digest);
        Ok(self.store.dispute_document(dispute.over, paper, digest).await?)
    }

    /// A dispute that was stored just now.
    async fn existing(&self, over: Over) -> Result<DisputeRow, DisputeError> {
        let missing = || crate::store::StoreError::Corrupt {
            what: "dispute",
            why: format!("{over} is gone"),
        };
        Ok(self.store.dispute(over).await?.ok_or_else(missing)?)
    }
}
