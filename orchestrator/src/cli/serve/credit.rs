//! The chains that a credit node gives credit on (S1.1): as configured, then connected. The CAs that say who payers and
//! payees are (S1.4).
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{bail, Context};
use protocol::{text::to_hex, Member};

use super::{refuse_development_cas, refuse_development_keys};
use crate::{
    chain::{bundle::Bundle, Chain, ChainCredit, ChainCreditPast, Deployment, Follower, Submitter},
    config::{self, Config},
    credit::{
        past::CreditPast,
        payee::{Payee, Rule},
        payments::{Offered, Terms},
        ports::{Clock, CreditLedger},
    },
    identity::{Authorities, Certificate, Persons, SigningKey},
    peers::{CreditPeers, HttpPeers, Sealer},
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
    /// The node's log, if it is known here.
    pub(in crate::cli) log: Option<PathBuf>,
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
            log: chain.log.clone(),
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

/// The way to the payees' institutions on each chain, where this one is another member of another registry.
///
/// # Errors
/// The certificate or the CAs are unusable for TLS.
pub(super) fn peers(
    config: &Config,
    sites: &[Site],
    certificate: &Certificate,
    authorities: &Authorities,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<CreditPeers> {
    let mut chains = BTreeMap::new();
    for (site, chain) in sites.iter().zip(&config.credit.chains) {
        let sealer = Sealer::new(site.member, certificate.clone(), clock.clone());
        let peers = HttpPeers::new(&chain.peers, &config.peer_client, certificate, authorities, sealer)?;
        chains.insert(site.deployment.genesis_hash, peers);
    }
    Ok(CreditPeers::new(chains))
}

/// The payees that the institution speaks for, with their keys.
///
/// # Errors
/// A key or a certificate can't be read.
pub(super) async fn load_payees(payees: &[config::CreditPayee]) -> anyhow::Result<Vec<Payee>> {
    let payees = payees.to_vec();
    // An encrypted key's password may be asked for at the terminal.
    tokio::task::spawn_blocking(move || {
        let load = |(place, payee): (usize, config::CreditPayee)| {
            let key =
                SigningKey::load(&payee.key).with_context(|| format!("credit.payees[{place}].key can't be used"))?;
            let certificate = std::fs::read_to_string(&payee.certificate)
                .with_context(|| format!("credit.payees[{place}].certificate can't be read"))?;
            let accept = payee.accept.iter().map(|rule| Rule {
                payer: rule.payer,
                asset: rule.asset.0,
                up_to: rule.up_to,
            });
            Ok(Payee {
                key,
                certificate,
                accept: accept.collect(),
                otherwise: payee.otherwise,
            })
        };
        payees.into_iter().enumerate().map(load).collect()
    })
    .await?
}

impl From<&config::CreditTerms> for Terms {
    fn from(terms: &config::CreditTerms) -> Self {
        let offered = |pair: &config::CreditOffered| Offered {
            debt: (pair.debt_chain, pair.debt_asset.0),
            payout: (pair.payout_chain, pair.payout_asset.0),
        };
        Self {
            offered: terms.offered.iter().map(offered).collect(),
            room: terms.room_seconds.saturating_mul(1_000),
            longest_term_days: terms.longest_term_days,
            late_fee_percent: terms.late_fee_percent,
        }
    }
}

/// Who says who payers and payees are, if anybody does.
///
/// # Errors
/// A file can't be read or isn't what it should be.
pub(in crate::cli) fn load_persons(config: &Config) -> anyhow::Result<Option<Arc<Persons>>> {
    let Some(persons) = &config.credit.persons else {
        return Ok(None);
    };
    let loaded = Persons::load(&persons.ca, &persons.crls).context("credit.persons can't be used")?;
    if persons.crls.is_empty() {
        tracing::warn!("credit.persons.crls is empty: no person's certificate counts as revoked");
    }
    Ok(Some(Arc::new(loaded)))
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
    cas: &[(&str, bool)],
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
            refuse_development_cas(&chain, cas).await?;
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
        connected.ledgers.push(Arc::new(ledger.with_log(site.log)));
    }
    Ok(connected)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use protocol::AccountId;

    use super::*;
    use crate::{
        chain::deployment::Deployed,
        config::CreditPersons,
        identity::{DevelopmentCa, PersonRequest, Validity},
    };

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

    #[test]
    fn persons_are_loaded_when_configured_and_what_is_missing_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let mut config = configured(directory.path(), &[]);
        assert!(load_persons(&config).unwrap().is_none());

        let ca = DevelopmentCa::create(directory.path()).unwrap();
        config.credit.persons = Some(CreditPersons {
            ca: ca.certificate_path(),
            crls: vec![ca.crl_path()],
        });
        let persons = load_persons(&config).unwrap().unwrap();
        let account = AccountId([1; 32]);
        let request = PersonRequest {
            name: "Anna".into(),
            account,
            organization: None,
            country: None,
            validity: Validity::days(1),
        };
        let certificate = ca.issue_person(&request).unwrap().certificate;
        let pem = std::fs::read_to_string(certificate).unwrap();
        assert!(persons.verify(&pem, &account, crate::http::now()).is_ok());

        std::fs::remove_file(ca.crl_path()).unwrap();
        let error = format!("{:#}", load_persons(&config).unwrap_err());
        assert!(error.contains("credit.persons") && error.contains("ca.crl"), "{error}");
        std::fs::remove_file(ca.certificate_path()).unwrap();
        let error = format!("{:#}", load_persons(&config).unwrap_err());
        assert!(error.contains("credit.persons") && error.contains("ca.pem"), "{error}");
    }
}
