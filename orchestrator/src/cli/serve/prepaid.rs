//! The cards that an institution has to do with: its own programme, and those of the issuers whose cards its merchants take.
use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;

use super::credit::Home;
use crate::{
    chain::{bundle::Bundle, ChainPrepaid, Deployment},
    config::{self, Config},
    peers::{CardIssuers, HttpPeers},
    prepaid::{
        envelopes,
        ports::{Clock, PrepaidLedger},
        Issuing, Prepaid,
    },
    store::Store,
};

/// How the institution issues cards, if it does.
///
/// # Errors
/// The identity can't be read.
pub(in crate::cli) fn issuing(config: &config::Prepaid) -> anyhow::Result<Option<Issuing>> {
    let Some(issuer) = &config.issuer else {
        return Ok(None);
    };
    Ok(Some(Issuing {
        identity: envelopes::load(&issuer.identity).context("prepaid.issuer.identity can't be used")?,
        batch_wait: Duration::from_millis(issuer.batch_wait_milliseconds),
        answer_wait: Duration::from_millis(issuer.answer_wait_milliseconds),
        schedule: issuer.schedule(),
    }))
}

/// Puts it together, on the home chain. `peers`: a client of its own.
///
/// # Errors
/// A contract isn't in the deployment, the bundle is missing or of another version, or the identity can't be read.
pub(super) fn open(
    config: &Config,
    home: &Home<'_>,
    deployment: &Deployment,
    bundles: &Path,
    peers: HttpPeers,
    store: &Store,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<Prepaid>> {
    let member = config.institution.member;
    let issuers = config.prepaid.issuers(member);
    let mut ledgers: Vec<Arc<dyn PrepaidLedger>> = Vec::with_capacity(issuers.len());
    for issuer in issuers {
        let bundle = Bundle::find(bundles, "prepaid").context("chain.bundles can't be used")?;
        let ledger = ChainPrepaid::new(
            home.chain.clone(),
            home.follower.clone(),
            home.submitter.clone(),
            deployment.clone(),
            issuer,
            &bundle,
        );
        ledgers.push(Arc::new(ledger.context("[prepaid] can't be used")?));
    }
    Ok(Prepaid::new(
        member,
        ledgers,
        issuing(&config.prepaid)?,
        Arc::new(CardIssuers::new(peers)),
        store.clone(),
        clock.clone(),
    ))
}
