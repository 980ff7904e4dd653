//! The chains that a credit node gives credit on (S1.1): as configured, then connected.
use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::{bail, Context};
use protocol::{text::to_hex, Member};

use super::refuse_development_keys;
use crate::{
    chain::{bundle::Bundle, Chain, ChainCredit, ChainCreditPast, Deployment, Follower, Submitter},
    config::Config,
    credit::{past::CreditPast, ports::CreditLedger},
    identity::SigningKey,
    store::Store,
};

/// A chain with this institution's credit contract on it.
#[derive(Debug)]
pub(in crate::cli) struct Site {
    /// A node's address.
    pub(in crate::cli) url: String,
    /// The contracts there.
    pub(in crate::cli) deployment: Deployment,
    /// This institution's index in the registry there.
    pub(in crate::cli) member: Member,
}

/// The configured chains, each with its deployment.
///
/// # Errors
/// A deployment can't be read or lacks the credit contract, or two are of the same chain.
pub(in crate::cli) fn sites(config: &Config) -> anyhow::Result<Vec<Site>> {
    let mut places = BTreeMap::new();
    let mut sites = Vec::new();
    for (place, chain) in config.credit.chains.iter().enumerate() {
        let site = Site {
            url: chain.url.clone(),
            deployment: Deployment::load(&chain.deployment)?,
            member: chain.member.unwrap_or(config.institution.member),
        };
        let genesis = site.deployment.genesis_hash;
        if let Some(earlier) = places.insert(genesis, place) {
            bail!(
                "credit.chains[{earlier}] and credit.chains[{place}] are the same chain, with genesis {}: list each chain once",
                to_hex(&genesis)
            );
        }
        site.deployment
            .credit_of(site.member)
            .with_context(|| chain.deployment.display().to_string())?;
        sites.push(site);
    }
    Ok(sites)
}

/// What the institution has of its home chain already: an account's transactions on a chain go through one submitter.
pub(super) struct Home<'a> {
    pub(super) chain: &'a Chain,
    pub(super) follower: &'a Follower,
    pub(super) submitter: &'a Submitter,
}

/// The chains, each with its contract.
#[derive(Default)]
pub(super) struct Connected {
    /// The contracts as they stand.
    pub(super) ledgers: Vec<Arc<dyn CreditLedger>>,
    /// What they told.
    pub(super) pasts: Vec<Arc<dyn CreditPast>>,
}

/// Connects every chain. `bundles`: where the credit contract's metadata is.
///
/// # Errors
/// A node can't be reached, or serves another chain; the metadata is missing or of another version.
pub(super) async fn connect(
    sites: Vec<Site>,
    home: Home<'_>,
    account: &SigningKey,
    store: &Store,
    bundles: &Path,
) -> anyhow::Result<Connected> {
    let mut connected = Connected::default();
    for (place, site) in sites.into_iter().enumerate() {
        let is_home = site.deployment.genesis_hash == home.chain.genesis();
        if is_home && site.url != home.chain.url() {
            bail!(
                "credit.chains[{place}] is the chain of [chain]: write the same url there, {}",
                home.chain.url()
            );
        }
        let (chain, follower, submitter) = if is_home {
            (home.chain.clone(), home.follower.clone(), home.submitter.clone())
        } else {
            let chain = Chain::connect(&site.url).await?;
            refuse_development_keys(&chain, &[account]).await?;
            let follower = Follower::start(chain.clone()).await?;
            let submitter = Submitter::start(chain.clone(), follower.clone(), store.clone(), account.clone()).await?;
            (chain, follower, submitter)
        };
        let contract = site.deployment.credit_of(site.member)?.address;
        let past = Bundle::find(bundles, "credit")
            .and_then(|bundle| ChainCreditPast::new(chain.clone(), follower.clone(), contract, &bundle))
            .context("chain.bundles can't be used")?;
        connected.pasts.push(Arc::new(past));
        let ledger = ChainCredit::new(chain, follower, submitter, site.deployment, site.member)
            .with_context(|| format!("credit.chains[{place}] can't be used"))?;
        connected.ledgers.push(Arc::new(ledger));
    }
    Ok(connected)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use protocol::AccountId;

    use super::*;
    use crate::chain::deployment::Deployed;

    /// A configuration whose credit chains are the deployments with these genesis hashes, of credit node 3.
    fn configured(directory: &Path, chains: &[u8]) -> Config {
        let mut text = Config::sample().replace("member = 0\n# Its name", "member = 3\n# Its name");
        for (place, genesis) in chains.iter().enumerate() {
            let deployment = Deployment {
                genesis_hash: [*genesis; 32],
                contracts: vec![Deployed::credit(Member(3), AccountId([1; 32]), [2; 32])],
            };
            let file = format!("{place}.json");
            deployment.save(&directory.join(&file)).unwrap();
            text.push_str(&format!(
                "\n[[credit.chains]]\nurl = \"ws://127.0.0.1:{place}\"\ndeployment = {file:?}\n"
            ));
        }
        let file = directory.join("node.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(&file).unwrap()
    }

    #[test]
    fn chains_are_known_by_their_genesis_and_listed_once() {
        let directory = tempfile::tempdir().unwrap();
        let found = sites(&configured(directory.path(), &[1, 2])).unwrap();
        assert_eq!(
            found
                .iter()
                .map(|site| site.deployment.genesis_hash)
                .collect::<Vec<_>>(),
            [[1; 32], [2; 32]]
        );
        assert!(found.iter().all(|site| site.member == Member(3)));

        let error = sites(&configured(directory.path(), &[1, 2, 1]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("credit.chains[0] and credit.chains[2]"), "{error}");
    }

    #[test]
    fn a_deployment_without_this_credit_nodes_contract_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let mut config = configured(directory.path(), &[1]);
        config.credit.chains[0].member = Some(Member(9));
        let error = format!("{:#}", sites(&config).unwrap_err());
        assert!(error.contains("0.json") && error.contains("--credit-node 9"), "{error}");
    }
}
