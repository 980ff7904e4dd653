//! A credit node beside a network: it gives credit on the network's chain and on another one (S1.1).
use std::path::PathBuf;

use anyhow::Context;
use protocol::Member;

use super::{institution, made_up_lei, Institution, Network, Node, Place};
use crate::{
    chain::{Chain, ChainCredit, Deployment, Follower, Submitter},
    identity::SigningKey,
    store::Store,
};

/// Makes the credit node's LEI; no other institution of a network has it.
const NUMBER: u16 = 60_000;

/// A credit node, running or not. Dropping it ends its processes, unless the network was told to keep them.
pub struct CreditNode {
    /// Its orchestrator.
    pub institution: Institution,
    /// The network's chain, then the other one.
    pub sites: [CreditSite; 2],
    /// The other chain's node.
    pub other_node: Node,
}

/// A chain that it gives credit on.
#[derive(Clone, Debug)]
pub struct CreditSite {
    /// A node's address.
    pub url: String,
    /// The contracts there, its own among them.
    pub deployment: Deployment,
    /// The file with them.
    pub file: PathBuf,
    /// Its index in the registry there.
    pub member: Member,
}

impl Network {
    /// Starts another chain, deploys the contracts there, registers a credit node on both chains with a credit contract on
    /// each, and starts its orchestrator; `progress` is told each step before it begins.
    ///
    /// # Errors
    /// A step failed; the message names the log to read.
    pub async fn add_credit_node(&mut self, progress: &(dyn Fn(&str) + Sync)) -> anyhow::Result<CreditNode> {
        progress("starting another development chain, for credit across the two");
        let directory = self.options.directory.join("other-chain");
        std::fs::create_dir_all(&directory)?;
        let other_node = Node::start_other(&self.options, &directory).await?;

        progress("registering a credit node on both chains, with a contract on each");
        let lei = made_up_lei(NUMBER).context("no LEI has this number")?;
        let mut node = institution(&self.options, ("Credit Node", "credit-node"), lei, "credit_node")?;
        let there = Place {
            options: &self.options,
            url: &other_node.url,
            directory: &directory,
        };
        there.deploy(None).await?;
        let other = there.admit(&mut node).await?;
        // Last, because its index here is the one that it goes by.
        let home = self.place().admit(&mut node).await?;
        self.deployment = home.deployment.clone();

        progress("starting its orchestrator");
        let sites = [home, other];
        let peers: Vec<&Institution> = self.institutions().collect();
        node.configure(&self.options, &self.url, (self.notary.member, "gross"), &peers)?;
        node.give_credit_on(&sites)?;
        node.start(&[])?;
        node.ready().await?;
        Ok(CreditNode {
            institution: node,
            sites,
            other_node,
        })
    }
}

impl Place<'_> {
    /// Registers a credit node on a chain that has the contracts, and gives it its own.
    async fn admit(&self, node: &mut Institution) -> anyhow::Result<CreditSite> {
        let file = self.directory.join("deployment.json");
        self.register(&Deployment::load(&file)?, &mut [&mut *node]).await?;
        Ok(CreditSite {
            url: self.url.to_owned(),
            deployment: self.deploy(Some(node.member)).await?,
            file,
            member: node.member,
        })
    }
}

impl CreditSite {
    /// Opens a connection that reads what the credit contract there itself says.
    ///
    /// # Errors
    /// The node can't be reached.
    pub async fn credit(&self) -> anyhow::Result<ChainCredit> {
        let chain = Chain::connect(&self.url).await?;
        let follower = Follower::start(chain.clone()).await?;
        // An account that nobody has: nothing is sent.
        let store = Store::open(&self.file.with_file_name("reader.sqlite")).await?;
        let reader = Submitter::start(chain.clone(), follower.clone(), store, SigningKey::generate()).await?;
        let deployment = self.deployment.clone();
        Ok(ChainCredit::new(chain, follower, reader, deployment, self.member)?)
    }
}
