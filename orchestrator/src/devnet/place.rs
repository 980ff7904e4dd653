//! A chain with a network's contracts on it: deployed, governed, institutions registered.
use std::{ffi::OsStr, path::Path};

use anyhow::bail;
use protocol::{Amount, Member};
use serde_json::Value;

use super::{fresh_key, quittance, run, Institution, Options};
use crate::{
    chain::{calls::Call, Chain, ChainLedger, Deployment, Follower, Submitter},
    identity::SigningKey,
    store::Store,
};

/// Deploys and pays for it.
const DEPLOYER: &str = "//Alice";
/// Govern the registry, both together.
const GOVERNORS: [&str; 2] = ["//Governor1", "//Governor2"];
/// What every institution's account gets for fees and deposits.
const FUNDS: Amount = 1_000_000_000_000_000;

/// A chain of a network.
pub(super) struct Place<'a> {
    pub(super) options: &'a Options,
    /// Its node.
    pub(super) url: &'a str,
    /// What its node writes, where this program started it.
    pub(super) log: &'a Path,
    /// The folder with what is known of it: `deployment.json` and what the deployer has sent.
    pub(super) directory: &'a Path,
}

impl Place<'_> {
    /// Deploys the contracts, also a credit node's; what is there stays as it is.
    pub(super) async fn deploy(&self, credit_node: Option<Member>) -> anyhow::Result<Deployment> {
        let node = credit_node.map(|node| node.to_string());
        let more: Vec<&OsStr> = match &node {
            Some(node) => vec!["--credit-node".as_ref(), node.as_ref()],
            None => vec![],
        };
        self.deploy_with(&more).await
    }

    /// Deploys the contracts, and a card issuer's with the programme in a file; what is there stays as it is.
    pub(super) async fn deploy_cards(&self, issuer: Member, programme: &Path) -> anyhow::Result<Deployment> {
        let issuer = issuer.to_string();
        let more: [&OsStr; 4] = [
            "--card-issuer".as_ref(),
            issuer.as_ref(),
            "--programme".as_ref(),
            programme.as_ref(),
        ];
        self.deploy_with(&more).await
    }

    async fn deploy_with(&self, more: &[&OsStr]) -> anyhow::Result<Deployment> {
        let file = self.directory.join("deployment.json");
        let mut command = quittance(self.options);
        command.args([
            "deploy",
            "--url",
            self.url,
            "--key",
            DEPLOYER,
            "--governor-threshold",
            "2",
            "--notary-threshold",
            "1",
            "--escrow-gap-seconds",
            "1",
            "--credit-grace-seconds",
            "5",
        ]);
        command
            .arg("--bundles")
            .arg(&self.options.bundles)
            .arg("--out")
            .arg(&file);
        if let Some(seconds) = self.options.ruling_seconds {
            command.args(["--ruling-seconds", &seconds.to_string()]);
        }
        for governor in GOVERNORS {
            let public = protocol::text::to_hex(&SigningKey::load(governor)?.public());
            command.args(["--governor", &public]);
        }
        command.args(more);
        run(command).await?;
        Ok(Deployment::load(&file)?)
    }

    /// Applies a change of the registry, as `quittance govern` reads it, signed by both governors.
    pub(super) async fn govern(&self, change: &Value) -> anyhow::Result<()> {
        let file = self.directory.join("change.json");
        std::fs::write(&file, change.to_string())?;
        let deployment = self.directory.join("deployment.json");
        let mut command = quittance(self.options);
        command.args(["govern", "--url", self.url, "--key", DEPLOYER]);
        command.arg("--deployment").arg(deployment).arg("--change").arg(file);
        for governor in GOVERNORS {
            command.args(["--governor-key", governor]);
        }
        run(command).await.map(|_| ())
    }

    /// A connection with the deployer's account.
    pub(super) async fn deployer(&self) -> anyhow::Result<(Chain, Follower, Submitter)> {
        let chain = Chain::connect(self.url).await?;
        let follower = Follower::start(chain.clone()).await?;
        let store = Store::open(&self.directory.join("deployer.sqlite")).await?;
        let key = SigningKey::load(DEPLOYER)?;
        let submitter = Submitter::start(chain.clone(), follower.clone(), store, key).await?;
        Ok((chain, follower, submitter))
    }

    /// Gives institutions money for fees, and a place in the registry with their present keys.
    pub(super) async fn register(
        &self,
        deployment: &Deployment,
        institutions: &mut [&mut Institution],
    ) -> anyhow::Result<()> {
        let (chain, follower, submitter) = self.deployer().await?;
        let ledger = ChainLedger::new(chain.clone(), follower, submitter.clone(), deployment)?;
        for institution in institutions.iter() {
            let account = SigningKey::load(&institution.account_key)?.account();
            let funds = Call::transfer(&*chain.runtime()?, &account, FUNDS)?;
            submitter.submit(&format!("fund/{}", fresh_key()), funds).await?;
        }
        for changes in [true, false] {
            let registered = ledger.institutions().await?;
            let mut missing = Vec::new();
            for institution in institutions.iter_mut() {
                match registered.iter().find(|found| found.lei == institution.lei) {
                    None => missing.push(institution.registration()?),
                    Some(found) => {
                        institution.member = found.member;
                        missing.extend(institution.rotation(found)?);
                    }
                }
            }
            if missing.is_empty() {
                return Ok(());
            }
            if !changes {
                bail!("the registry doesn't show the institutions as they were registered");
            }
            for change in missing {
                self.govern(&change).await?;
            }
        }
        Ok(())
    }
}
