//! A credit node beside a network: it gives credit on the network's chain and on another one, where a payee's institution
//! is (S1.1).
use std::path::{Path, PathBuf};

use anyhow::Context;
use protocol::{
    credit::{domain, CreditRequest, Leg, LimitOrder},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, Member, RequestId, Timestamp,
};
use rand::{rngs::OsRng, RngCore};
use reqwest::Method;
use serde::{de::DeserializeOwned, Serialize};

use super::{fresh_key, institution, made_up_lei, quittance, Institution, Network, Node, Options, Place, NODE_LOG};
use crate::{
    chain::{Chain, ChainCredit, Deployment, Follower, Submitter},
    http::{
        credit::{
            chains::PoolAmount,
            limits::{NodeLimitRequest, PayeeLimitRequest},
            payments::{CreditPaymentRequest, CreditPaymentView},
            scores::{ScoreRequest, ScoreSet, ScoreView},
            Acted,
        },
        now,
    },
    identity::{
        development_ca::{DevelopmentCa, PersonRequest},
        SigningKey,
    },
    store::Store,
};

/// The folder of the other chain.
const OTHER: &str = "other-chain";
/// Makes the credit node's LEI, and the payee's institution's; no others of a network have them.
const NUMBERS: [u16; 2] = [60_000, 60_001];
/// Owes on the network's chain.
pub const PAYER: &str = "//Payer";
/// Is paid on the other chain.
pub const PAYEE: &str = "//Payee";
/// What the payee takes without asking a person.
const TAKEN: Amount = 1_000_000_000_000;
/// What the credit node lets a payer owe that has no record, where it computes limits.
pub const BASE: Amount = 100_000_000_000;

/// A credit node, running or not, and its surroundings. Dropping it ends its processes, unless the network was told to keep
/// them.
pub struct CreditNode {
    /// Its orchestrator.
    pub institution: Institution,
    /// The payee's institution, on the other chain.
    pub payees: Institution,
    /// The network's chain, then the other one.
    pub sites: [CreditSite; 2],
    /// The other chain's node.
    pub other_node: Node,
    /// The folder of the CA that vouches for payer and payee.
    pub persons: PathBuf,
    /// The payer's certificate.
    pub payer_certificate: PathBuf,
    /// The payee's certificate.
    pub payee_certificate: PathBuf,
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

/// A payment on credit that the payer would make.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// In native tokens.
    pub amount: Amount,
    /// How long the payee may take to answer and the credit node to pay, in milliseconds.
    pub pay_within: Timestamp,
    /// How long after that the reservation lasts, in milliseconds.
    pub hold: Timestamp,
    /// How long after that the debt is due, in milliseconds.
    pub term: Timestamp,
}

impl Wanted {
    /// With all the time in the world.
    pub const fn of(amount: Amount) -> Self {
        Self {
            amount,
            pay_within: 600_000,
            hold: 600_000,
            term: 600_000,
        }
    }
}

impl Network {
    /// Starts another chain, deploys the contracts there, registers a credit node on both chains with a credit contract on
    /// each, and a payee's institution on the other one, and starts their orchestrators; `progress` is told each step before
    /// it begins.
    ///
    /// # Errors
    /// A step failed; the message names the log to read.
    pub async fn add_credit_node(&mut self, progress: &(dyn Fn(&str) + Sync)) -> anyhow::Result<CreditNode> {
        progress("starting another development chain, for credit across the two");
        let other_node = Self::other_node(&self.options).await?;
        self.add_credit_node_beside(other_node, progress).await
    }

    /// Starts another chain, without anything on it.
    ///
    /// # Errors
    /// Its node doesn't start.
    pub async fn other_node(options: &Options) -> anyhow::Result<Node> {
        let directory = options.directory.join(OTHER);
        std::fs::create_dir_all(&directory)?;
        Node::start_other(options, &directory).await
    }

    /// As [`Network::add_credit_node`], where the other chain's node runs already.
    ///
    /// # Errors
    /// A step failed; the message names the log to read.
    pub async fn add_credit_node_beside(
        &mut self,
        other_node: Node,
        progress: &(dyn Fn(&str) + Sync),
    ) -> anyhow::Result<CreditNode> {
        let directory = self.options.directory.join(OTHER);
        progress("registering a credit node on both chains, with a contract on each, and a payee's bank on the other");
        let make = |name, folder, number, role| {
            let lei = made_up_lei(number).context("no LEI has this number")?;
            institution(&self.options, (name, folder), lei, role)
        };
        let mut node = make("Credit Node", "credit-node", NUMBERS[0], "credit_node")?;
        let mut payees = make("Payee Bank", "payee-bank", NUMBERS[1], "participant")?;
        let there = Place {
            options: &self.options,
            url: &other_node.url,
            log: &other_node.log,
            directory: &directory,
        };
        let deployed = there.deploy(None).await?;
        there.register(&deployed, &mut [&mut payees]).await?;
        let other = there.admit(&mut node).await?;
        // Last, because its index here is the one that it goes by.
        let mut home = self.place().admit(&mut node).await?;
        home.url = self.place_of(node.member).url.to_owned();
        self.deployment = home.deployment.clone();

        progress("issuing certificates for payer and payee, and starting both orchestrators");
        let persons = self.options.directory.join("persons");
        let ca = DevelopmentCa::create(&persons)?;
        let payer_certificate = certify(&ca, "Anna Payer", PAYER)?;
        let payee_certificate = certify(&ca, "Paul Payee", PAYEE)?;
        let peers: Vec<&Institution> = self.institutions().collect();
        node.configure(&self.place_of(node.member), (self.notary.member, "gross"), &peers)?;
        let sites = [home, other];
        let ways: [&[&Institution]; 2] = [&[], &[&payees]];
        node.configure_more(&persons_of(&persons))?;
        node.configure_more(&format!("[credit.score]\nbase = \"{BASE}\"\n"))?;
        let [here, there_too] = sites.each_ref().map(|site| to_hex(&site.deployment.genesis_hash));
        node.configure_more(&format!(
            "[credit.terms]\nroom_seconds = 0\noffered = [{{ debt_chain = \"{here}\", payout_chain = \"{there_too}\" }}]\n"
        ))?;
        for (site, ways) in sites.iter().zip(ways) {
            node.configure_more(&site.configuration(ways))?;
        }
        // It settles nothing; whoever a notary is there.
        payees.configure(&there, (payees.member, "gross"), &[])?;
        payees.configure_more(&format!(
            "[[credit.payees]]\nkey = \"{PAYEE}\"\ncertificate = {payee_certificate:?}\naccept = [{{ up_to = \"{TAKEN}\" }}]\n"
        ))?;
        for institution in [&mut node, &mut payees] {
            institution.start(&[])?;
        }
        for institution in [&node, &payees] {
            institution.ready().await?;
        }
        Ok(CreditNode {
            institution: node,
            payees,
            sites,
            other_node,
            persons,
            payer_certificate,
            payee_certificate,
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

impl CreditNode {
    /// A request of the payer's, signed, with the payer's certificate.
    ///
    /// # Errors
    /// A key or a certificate can't be read.
    pub fn request(&self, wanted: Wanted) -> anyhow::Result<CreditPaymentRequest> {
        let payer = SigningKey::load(PAYER)?;
        let mut nonce = [0u8; 16];
        OsRng.fill_bytes(&mut nonce);
        let after = |start: Timestamp, time| start.saturating_add(time);
        let pay_by = after(now(), wanted.pay_within);
        let expires_at = after(pay_by, wanted.hold);
        let request = CreditRequest {
            nonce,
            payer: payer.account(),
            payee: SigningKey::load(PAYEE)?.account(),
            debt: self.leg(0)?,
            payout: self.leg(1)?,
            amount: wanted.amount,
            goods: "a lathe".to_owned(),
            pay_by,
            expires_at,
            due_at: after(expires_at, wanted.term),
            late_fee: 0,
        };
        Ok(CreditPaymentRequest {
            signature: payer.sign(&request.payload()),
            certificate: std::fs::read_to_string(&self.payer_certificate)?,
            payee_institution: self.payees.member,
            request,
        })
    }

    /// Has something done on one of its chains, by its HTTP API.
    ///
    /// # Errors
    /// It is refused, or the node can't be reached.
    pub async fn write(&self, place: usize, path: &str, body: &impl Serialize) -> anyhow::Result<Acted> {
        let path = self.path(place, path)?;
        let api = self.institution.api()?;
        let answer = api.write(Method::POST, &path, &fresh_key(), body).await?;
        Ok(answer.json().await?)
    }

    /// Reads something of one of its chains.
    ///
    /// # Errors
    /// There is none, or the node can't be reached.
    pub async fn read<T: DeserializeOwned>(&self, place: usize, path: &str) -> anyhow::Result<T> {
        self.institution.api()?.get(&self.path(place, path)?).await
    }

    /// Puts native tokens into a pool.
    ///
    /// # Errors
    /// The account has too little, or the node can't be reached.
    pub async fn fund(&self, place: usize, amount: Amount) -> anyhow::Result<()> {
        let asset = Asset::Native;
        self.write(place, "pool/fund", &PoolAmount { asset, amount }).await?;
        Ok(())
    }

    /// The payee lets the payer owe so much on payments to it, in native tokens of the payer's chain.
    ///
    /// # Errors
    /// The node can't be reached.
    pub async fn payee_lets_owe(&self, limit: Amount) -> anyhow::Result<()> {
        let payee = SigningKey::load(PAYEE)?;
        let order = LimitOrder {
            payee: payee.account(),
            payer: SigningKey::load(PAYER)?.account(),
            asset: Asset::Native,
            limit,
            sequence: now(),
        };
        let leg = self.leg(0)?;
        let signature = payee.sign(&order.payload(&domain(leg.genesis, leg.contract)));
        self.write(0, "payee-limits", &PayeeLimitRequest { order, signature })
            .await?;
        Ok(())
    }

    /// The credit node lets the payer owe so much, in native tokens of the payer's chain.
    ///
    /// # Errors
    /// The node can't be reached.
    pub async fn node_lets_owe(&self, limit: Amount) -> anyhow::Result<()> {
        let request = NodeLimitRequest {
            payer: SigningKey::load(PAYER)?.account(),
            asset: Asset::Native,
            limit,
            evidence: [4; 32],
        };
        self.write(0, "node-limits", &request).await?;
        Ok(())
    }

    /// Computes the payer's limit from the payer's chain and sets it (S1.8).
    ///
    /// # Errors
    /// A chain or the node can't be reached.
    pub async fn score(&self) -> anyhow::Result<ScoreSet> {
        let request = ScoreRequest {
            payer: SigningKey::load(PAYER)?.account(),
            asset: Asset::Native,
        };
        let path = self.path(0, "scores")?;
        let answer = self
            .institution
            .api()?
            .write(Method::POST, &path, &fresh_key(), &request)
            .await?;
        Ok(answer.json().await?)
    }

    /// Recomputes a limit from the payer's chain alone, as an auditor does: `quittance credit verify-score`. The inner result
    /// is what it says.
    ///
    /// # Errors
    /// The program can't be run.
    pub async fn verify_score(
        &self,
        options: &Options,
        evidence: &ScoreView,
    ) -> anyhow::Result<Result<String, String>> {
        let file = options.directory.join("evidence.json");
        std::fs::write(&file, serde_json::to_vec(evidence)?)?;
        let [home, _] = &self.sites;
        let mut command = quittance(options);
        command
            .args(["credit", "verify-score"])
            .arg(&file)
            .args(["--node", &home.url]);
        command.arg("--bundles").arg(&options.bundles);
        let output = command.output().await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(if output.status.success() { Ok(said) } else { Err(said) })
    }

    /// What the payee has, by its finalized chain.
    ///
    /// # Errors
    /// That chain's node can't be reached.
    pub async fn payee_balance(&self) -> anyhow::Result<Amount> {
        let chain = Chain::connect(&self.other_node.url).await?;
        let head = Follower::start(chain.clone()).await?.head();
        Ok(chain
            .native_balance(&SigningKey::load(PAYEE)?.account(), head.hash)
            .await?)
    }

    /// One side of its payments.
    ///
    /// # Errors
    /// The deployment lacks its contract.
    pub fn leg(&self, place: usize) -> anyhow::Result<Leg> {
        self.sites.get(place).context("there are two chains")?.leg()
    }

    fn path(&self, place: usize, path: &str) -> anyhow::Result<String> {
        Ok(format!(
            "/v1/credit/chains/{}/{path}",
            to_hex(&self.leg(place)?.genesis)
        ))
    }

    /// Hands a request in.
    ///
    /// # Errors
    /// It is refused, or the node can't be reached.
    pub async fn pay(&self, request: &CreditPaymentRequest) -> anyhow::Result<CreditPaymentView> {
        let api = self.institution.api()?;
        let answer = api
            .write(Method::POST, "/v1/credit/payments", &fresh_key(), request)
            .await?;
        Ok(answer.json().await?)
    }

    /// A payment as soon as it is final, at this stage or at a later one, or as it is after a minute.
    ///
    /// # Errors
    /// The node can't be reached, or knows no such payment.
    pub async fn payment(&self, id: RequestId, stage: &str) -> anyhow::Result<CreditPaymentView> {
        let path = format!("/v1/credit/payments/{id}?wait_seconds=60&until={stage}");
        self.institution.api()?.get(&path).await
    }
}

impl CreditSite {
    /// This side of a payment, in native tokens.
    ///
    /// # Errors
    /// The deployment lacks the credit node's contract.
    pub fn leg(&self) -> anyhow::Result<Leg> {
        Ok(Leg {
            genesis: self.deployment.genesis_hash,
            contract: self.contract()?,
            asset: Asset::Native,
        })
    }

    /// The credit node's contract there.
    ///
    /// # Errors
    /// The deployment lacks it.
    pub fn contract(&self) -> anyhow::Result<AccountId> {
        Ok(self.deployment.credit_of(self.member)?.address)
    }

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

    fn configuration(&self, payees: &[&Institution]) -> String {
        let Self { url, file, member, .. } = self;
        let mut text = format!("[[credit.chains]]\nurl = \"{url}\"\ndeployment = {file:?}\nmember = {member}\n");
        let log = file.with_file_name(NODE_LOG);
        if log.exists() {
            text.push_str(&format!("log = {log:?}\n"));
        }
        for payee in payees {
            text.push_str(&format!(
                "[[credit.chains.peers]]\nmember = {}\nurl = \"{}\"\n",
                payee.member, payee.url
            ));
        }
        text
    }
}

fn certify(ca: &DevelopmentCa, name: &str, key: &str) -> anyhow::Result<PathBuf> {
    let account = SigningKey::load(key)?.account();
    Ok(ca.issue_person(&PersonRequest::named(name, account))?.certificate)
}

fn persons_of(ca: &Path) -> String {
    let (certificate, crl) = (ca.join("ca.pem"), ca.join("ca.crl"));
    format!("[credit.persons]\nca = {certificate:?}\ncrls = [{crl:?}]\n")
}
