//! The books that an institution has to do with, on the home chain.
use std::sync::Arc;

use anyhow::Context;
use protocol::AccountId;

use super::credit::Home;
use crate::{
    chain::{bundle::Bundle, ChainReconciliation, Deployment},
    config::{self, Config},
    identity::SigningKey,
    peers::{BookPartners, HttpPeers},
    reconciliation::{
        ports::{Clock, Treasury},
        treasury::{NoTreasury, UserTreasury},
        Reconciliation,
    },
    settlement::Settlement,
    store::Store,
};

/// The key of whoever pays what days come to.
///
/// # Errors
/// It can't be read.
pub(super) async fn load_treasurer(config: &config::Reconciliation) -> anyhow::Result<Option<SigningKey>> {
    let Some(treasury) = &config.treasury else {
        return Ok(None);
    };
    let reference = treasury.key.clone();
    // An encrypted key's password may be asked for at the terminal.
    let key = tokio::task::spawn_blocking(move || SigningKey::load(&reference)).await?;
    Ok(Some(key.context("reconciliation.treasury.key can't be used")?))
}

/// What payments of days' totals need.
pub(super) struct Treasurer<'a> {
    pub(super) config: &'a Config,
    /// Nothing, where nobody pays.
    pub(super) key: Option<SigningKey>,
    /// The chain's genesis hash.
    pub(super) genesis: [u8; 32],
    /// The clearing contract.
    pub(super) clearing: AccountId,
    /// Where payments are requested.
    pub(super) settlement: &'a Arc<Settlement>,
}

impl Treasurer<'_> {
    fn treasury(&self, store: &Store, clock: &Arc<dyn Clock>) -> Arc<dyn Treasury> {
        let configured = self.config.reconciliation.treasury.as_ref();
        match (configured, &self.key) {
            (Some(configured), Some(key)) => Arc::new(UserTreasury {
                member: self.config.institution.member,
                user: configured.user.clone(),
                key: key.clone(),
                genesis: self.genesis,
                clearing: self.clearing,
                settlement: self.settlement.clone(),
                store: store.clone(),
                clock: clock.clone(),
            }),
            _ => Arc::new(NoTreasury),
        }
    }
}

/// Puts it together. `peers`: a client of its own.
///
/// # Errors
/// The contract isn't in the deployment, or the bundle is missing or of another version.
pub(super) fn open(
    treasurer: Treasurer<'_>,
    home: &Home<'_>,
    deployment: &Deployment,
    peers: HttpPeers,
    signing: &SigningKey,
    store: &Store,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<Reconciliation>> {
    let config = treasurer.config;
    let bundle = Bundle::find(&config.chain.bundles, "reconciliation").context("chain.bundles can't be used")?;
    let ledger = ChainReconciliation::new(
        home.chain.clone(),
        home.follower.clone(),
        home.submitter.clone(),
        deployment.clone(),
        &bundle,
    );
    let ledger = ledger.context("the reconciliation contract can't be used: run `quittance deploy` again as before")?;
    Ok(Reconciliation::new(
        config.reconciliation.settings(config.institution.member),
        store.clone(),
        signing.clone(),
        Arc::new(ledger),
        Arc::new(BookPartners::new(peers)),
        treasurer.treasury(store, clock),
        clock.clone(),
    ))
}
