//! A whole network on this machine, for the demo and the scenarios: a development node, or several validators' nodes, two
//! banks, a notary, each a process of its own. Development keys for the institutions, so it works on development chains and
//! on those of one machine only.
mod consortium;
mod credit;
mod disputes;
mod institution;
mod node;
mod place;
mod prepaid;
pub mod reconciliation;
mod tills;
mod trading;

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{bail, Context};
use protocol::{
    decisions::Decision,
    settlement::{Asset, TransactionKind},
    Amount, Lei, Member, Timestamp,
};
use rand::{rngs::OsRng, Rng, RngCore};
use serde_json::json;
use serde_json::Value;
use tokio::process::Command;

pub use credit::{CreditNode, CreditSite, Wanted, BASE, PAYEE, PAYER};
pub use institution::Institution;
pub use node::Node;
pub use prepaid::{CardTerms, Cards};
pub use tills::{Said, Terminal, FLOOR_LIMIT};
pub use trading::Books;

use institution::account_key;
use place::Place;

use crate::{
    chain::{Chain, ChainEscrow, ChainLedger, Deployment, Follower, Submitter},
    http::{
        decisions::{DecisionRequest, DecisionView},
        payments::PaymentView,
    },
    identity::{
        development_ca::{CertificateRequest, DevelopmentCa},
        SigningKey,
    },
    settlement::messages::{PaymentRequest, SignedPaymentRequest},
};

/// What a node's log is called, in the folder of what is known of its chain.
const NODE_LOG: &str = "node.log";
/// The institutions that every network has: one takes the users' requests, one is theirs, one is neutral.
const FIRST: [&str; 3] = ["Bank A", "Bank B", "Notary"];
/// What is on a user's account at first.
const SAVINGS: Amount = 1_000_000_000_000;
/// The most that a user may move at once.
const USER_LIMIT: Amount = 500_000_000_000;
/// The user that every network has, at the home institution; in full, every bank has one with this number.
pub const USER: &str = "4711";
/// The user's key.
pub const USER_KEY: &str = "//User4711";

/// Where everything is, and what runs already.
#[derive(Clone, Debug)]
pub struct Options {
    /// For keys, configurations, databases and logs. Made if it isn't there.
    pub directory: PathBuf,
    /// The folder with `quittance` and `quittance-node`.
    pub programs: PathBuf,
    /// The folder with the contracts' bundles.
    pub bundles: PathBuf,
    /// The folder with the built audit page, if it was built.
    pub audit_page: Option<PathBuf>,
    /// A node that is running already; without it, one is started.
    pub url: Option<String>,
    /// How many validators run the chain, the first institutions' each with a node of its own; with none, one development node
    /// seals alone.
    pub validators: u16,
    /// Whether the processes go on when the network is dropped.
    pub keep: bool,
    /// How many banks there are besides the first two.
    pub others: u16,
    /// Whether the other banks settle what they originate net, and the home bank asks the last of them about credit
    /// transfers before it co-signs.
    pub in_full: bool,
    /// How long the notaries may take for a ruling, in seconds; as long as `quittance deploy` says if it isn't said.
    pub ruling_seconds: Option<u64>,
}

impl Options {
    /// What cargo and xtask built, for a program that lies beside `quittance`, or below it in `deps`.
    ///
    /// # Errors
    /// Nothing was built.
    pub fn built(directory: PathBuf) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let is_profile = |folder: &&Path| folder.join("deps").is_dir();
        let programs = program
            .ancestors()
            .find(is_profile)
            .context("this program doesn't lie in cargo's target")?;
        let target = programs
            .parent()
            .context("this program doesn't lie in cargo's target")?;
        let audit_page = target.join("audit-page");
        Ok(Self {
            directory,
            programs: programs.to_owned(),
            bundles: target.join("contracts"),
            audit_page: audit_page.join("index.html").is_file().then_some(audit_page),
            url: None,
            validators: 0,
            keep: false,
            others: 0,
            in_full: false,
            ruling_seconds: None,
        })
    }
}

/// A running network. Dropping it ends its processes, unless it was told to keep them.
pub struct Network {
    /// Where everything is.
    pub options: Options,
    /// The node's address.
    pub url: String,
    /// The development node, if the network started it.
    pub node: Option<Node>,
    /// The validators' nodes. Each institution uses one; the first so many have one each.
    pub validators: Vec<Node>,
    /// The contracts.
    pub deployment: Deployment,
    /// Takes the users' requests.
    pub originator: Institution,
    /// The paying users' bank.
    pub home: Institution,
    /// The neutral third party.
    pub notary: Institution,
    /// The other banks.
    pub others: Vec<Institution>,
}

impl Network {
    /// Starts all of it; `progress` is told each step before it begins.
    ///
    /// # Errors
    /// A step failed; the message names the log to read.
    pub async fn start(options: Options, progress: &(dyn Fn(&str) + Sync)) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&options.directory)
            .with_context(|| format!("{} can't be made", options.directory.display()))?;
        let (node, validators) = match &options.url {
            Some(_) => (None, Vec::new()),
            None if options.validators > 0 => {
                progress("starting the validators' nodes, each with keys of its own");
                (None, Self::start_validators(&options).await?)
            }
            None => {
                progress("starting a development node");
                (Some(Node::start(&options).await?), Vec::new())
            }
        };
        let started = node.iter().chain(&validators).next().map(|node| node.url.clone());
        let url = options.url.clone().or(started).context("the chain has no node")?;

        progress("deploying the contracts");
        let place = Place {
            options: &options,
            url: &url,
            log: &options.directory.join(NODE_LOG),
            directory: &options.directory,
        };
        let deployment = place.deploy(None).await?;
        progress("issuing certificates and writing configurations");
        let ([originator, home, notary], others) = institutions(&options)?;
        let mut network = Self {
            options,
            url,
            node,
            validators,
            deployment,
            originator,
            home,
            notary,
            others,
        };
        progress("registering the institutions, signed by both governors");
        network.register().await?;
        progress("starting each institution's orchestrator");
        network.configure()?;
        for institution in network.institutions_mut() {
            institution.start(&[])?;
        }
        for institution in network.institutions() {
            institution.ready().await?;
        }
        progress("opening a user's account");
        network.put_user(USER, USER_KEY, SAVINGS, USER_LIMIT).await?;
        if network.options.in_full {
            for bank in network.others.iter().chain([&network.originator]) {
                network.put_user_at(bank, (USER, USER_KEY), SAVINGS, USER_LIMIT).await?;
            }
        }
        Ok(network)
    }

    /// Starts the validators' nodes and nothing else.
    ///
    /// # Errors
    /// One doesn't start.
    pub async fn start_validators(options: &Options) -> anyhow::Result<Vec<Node>> {
        std::fs::create_dir_all(&options.directory)?;
        let keys: Vec<String> = (0..options.validators).map(founder).collect();
        consortium::start(options, &keys).await
    }

    /// Every institution.
    pub fn institutions(&self) -> impl Iterator<Item = &Institution> {
        [&self.originator, &self.home, &self.notary]
            .into_iter()
            .chain(&self.others)
    }

    fn institutions_mut(&mut self) -> impl Iterator<Item = &mut Institution> {
        [&mut self.originator, &mut self.home, &mut self.notary]
            .into_iter()
            .chain(&mut self.others)
    }

    /// Opens a connection that reads what the escrow contract itself says.
    ///
    /// # Errors
    /// The node can't be reached.
    pub async fn escrow(&self) -> anyhow::Result<ChainEscrow> {
        let (chain, follower, submitter) = self.deployer().await?;
        Ok(ChainEscrow::new(chain, follower, submitter, &self.deployment)?)
    }

    /// A connection to the node.
    ///
    /// # Errors
    /// The node can't be reached.
    pub async fn chain(&self) -> anyhow::Result<Chain> {
        Ok(Chain::connect(&self.url).await?)
    }

    /// Opens a connection that reads what the settlement contracts themselves say.
    ///
    /// # Errors
    /// The node can't be reached.
    pub async fn ledger(&self) -> anyhow::Result<ChainLedger> {
        let (chain, follower, submitter) = self.deployer().await?;
        Ok(ChainLedger::new(chain, follower, submitter, &self.deployment)?)
    }

    /// A user of the home institution: its account there, and the most it may move at once.
    ///
    /// # Errors
    /// The home institution refuses.
    pub async fn put_user(&self, number: &str, key: &str, balance: Amount, limit: Amount) -> anyhow::Result<()> {
        self.put_user_at(&self.home, (number, key), balance, limit).await
    }

    /// A user of an institution: its number and key, its account there, and the most it may move at once.
    ///
    /// # Errors
    /// The institution refuses.
    pub async fn put_user_at(
        &self,
        institution: &Institution,
        (number, key): (&str, &str),
        balance: Amount,
        limit: Amount,
    ) -> anyhow::Result<()> {
        let key = SigningKey::load(key)?;
        let record = json!({
            "public_key": protocol::text::to_hex(&key.public()),
            "wallet": protocol::text::to_hex(&key.account().0),
            "balance": balance.to_string(),
            "limit": limit.to_string(),
        });
        let api = institution.api()?;
        api.write(
            reqwest::Method::PUT,
            &format!("/v1/users/{number}"),
            &fresh_key(),
            &record,
        )
        .await?;
        Ok(())
    }

    /// Pays from an institution's account into its settlement balance.
    ///
    /// # Errors
    /// The institution or the chain refuses.
    pub async fn deposit(&self, institution: &Institution, amount: Amount) -> anyhow::Result<()> {
        let body = json!({ "asset": Asset::Native, "amount": amount.to_string() });
        institution
            .api()?
            .write(reqwest::Method::POST, "/v1/deposits", &fresh_key(), &body)
            .await?;
        Ok(())
    }

    /// What the network's user signs to pay at the originator.
    ///
    /// # Errors
    /// The deployment has no clearing contract.
    pub fn request(&self, kind: TransactionKind, amount: Amount) -> anyhow::Result<SignedPaymentRequest> {
        self.request_at(&self.originator, &self.home, kind, amount)
    }

    /// What a user of `home` with the number [`USER`] signs to pay at `originator`. A credit transfer goes to the user with
    /// the same number.
    ///
    /// # Errors
    /// The deployment has no clearing contract.
    pub fn request_at(
        &self,
        originator: &Institution,
        home: &Institution,
        kind: TransactionKind,
        amount: Amount,
    ) -> anyhow::Result<SignedPaymentRequest> {
        let key = SigningKey::load(USER_KEY)?;
        let mut nonce = [0; 16];
        OsRng.fill_bytes(&mut nonce);
        let request = PaymentRequest {
            nonce,
            originator: originator.member,
            home: home.member,
            user: USER.into(),
            wallet: key.account(),
            kind,
            beneficiary: matches!(kind, TransactionKind::CreditTransfer(_)).then(|| USER.into()),
            others: vec![],
            asset: Asset::Native,
            amount,
            expires_at: now()?.saturating_add(600_000),
        };
        let clearing = self.deployment.contract("clearing")?.address;
        let signature = key.sign(&request.payload(self.deployment.genesis_hash, clearing));
        Ok(SignedPaymentRequest { request, signature })
    }

    /// Hands a request to the originator, as a client of it.
    ///
    /// # Errors
    /// The originator can't be reached, or doesn't take the request.
    pub async fn pay(&self, request: &SignedPaymentRequest) -> anyhow::Result<PaymentView> {
        self.pay_at(&self.originator, request).await
    }

    /// Hands a request to an originator, as a client of it.
    ///
    /// # Errors
    /// The originator can't be reached, or doesn't take the request.
    pub async fn pay_at(
        &self,
        originator: &Institution,
        request: &SignedPaymentRequest,
    ) -> anyhow::Result<PaymentView> {
        // The request's nonce names it: a repetition is the same request.
        let key = format!("pay-{}", hex::encode(request.request.nonce));
        let api = originator.api()?;
        let answer = api.write(reqwest::Method::POST, "/v1/payments", &key, request).await?;
        Ok(answer.json().await?)
    }

    /// The notary agrees to a decision; returns when that is carried out.
    ///
    /// # Errors
    /// The notary can't be reached, or the decision ends in another way.
    pub async fn decide(&self, decision: Decision) -> anyhow::Result<DecisionView> {
        let request = DecisionRequest {
            decision,
            number: None,
            expires_at: None,
        };
        let api = self.notary.api()?;
        let answer = api
            .write(reqwest::Method::POST, "/v1/decisions", &fresh_key(), &request)
            .await?;
        let agreed: DecisionView = answer.json().await?;
        let path = format!("/v1/decisions/{}?wait_seconds=60", agreed.id);
        let ended: DecisionView = api.get(&path).await?;
        if ended.state != "carried-out" {
            bail!("the decision is {}: {:?}", ended.state, ended.history);
        }
        Ok(ended)
    }

    /// Applies a change of the registry, as `quittance govern` reads it, signed by both governors.
    ///
    /// # Errors
    /// The registry refuses.
    pub async fn govern(&self, change: &Value) -> anyhow::Result<()> {
        self.place().govern(change).await
    }

    async fn deployer(&self) -> anyhow::Result<(Chain, Follower, Submitter)> {
        self.place().deployer().await
    }

    /// Where this program itself looks and sends.
    fn place(&self) -> Place<'_> {
        self.place_of(Member(0))
    }

    /// Where an institution looks and sends: at its own node, if there are several.
    fn place_of(&self, member: Member) -> Place<'_> {
        let member = usize::from(member.0);
        let own = member
            .checked_rem(self.validators.len())
            .and_then(|place| self.validators.get(place));
        let node = own.or(self.node.as_ref());
        Place {
            options: &self.options,
            url: node.map_or(self.url.as_str(), |node| node.url.as_str()),
            log: node.map_or(Path::new(""), |node| node.log.as_path()),
            directory: &self.options.directory,
        }
    }

    /// Gives every institution money for fees, and a place in the registry with its present keys.
    async fn register(&mut self) -> anyhow::Result<()> {
        let place = Place {
            options: &self.options,
            url: &self.url,
            log: Path::new(""),
            directory: &self.options.directory,
        };
        let first = [&mut self.originator, &mut self.home, &mut self.notary];
        let mut all: Vec<&mut Institution> = first.into_iter().chain(&mut self.others).collect();
        place.register(&self.deployment, &mut all).await
    }

    fn configure(&self) -> anyhow::Result<()> {
        let all: Vec<&Institution> = self.institutions().collect();
        let is_other = |member| self.others.iter().any(|other| other.member == member);
        for institution in &all {
            let mode = if self.options.in_full && is_other(institution.member) {
                "net"
            } else {
                "gross"
            };
            let place = self.place_of(institution.member);
            institution.configure(&place, (self.notary.member, mode), &all)?;
        }
        if let (true, Some(assistant)) = (self.options.in_full, self.others.last()) {
            self.home.ask_about_transfers(assistant.member)?;
        }
        Ok(())
    }
}

fn institutions(options: &Options) -> anyhow::Result<([Institution; 3], Vec<Institution>)> {
    let make = |name: &str, folder: &str, lei: &[u8; 20], role| institution(options, (name, folder), Lei(*lei), role);
    let first = [
        make(FIRST[0], "bank-a", b"529900T8BM49AURSDO55", "participant")?,
        make(FIRST[1], "bank-b", b"5493001KJTIIGC8Y1R12", "participant")?,
        make(FIRST[2], "notary", b"213800WSGIIZCXF1P572", "notary")?,
    ];
    let other = |number: u16| {
        let lei = made_up_lei(number).context("no LEI has this number")?;
        make(&other_name(number), &format!("bank-{number}"), &lei.0, "participant")
    };
    let others = (1..=options.others).map(other).collect::<anyhow::Result<_>>()?;
    Ok((first, others))
}

fn other_name(number: u16) -> String {
    format!("Bank {number}")
}

/// The account key of the institution whose validator is the one at this place.
fn founder(place: u16) -> String {
    let name = FIRST.get(usize::from(place)).map(|name| (*name).to_owned());
    account_key(&name.unwrap_or_else(|| other_name(place.saturating_sub(2))))
}

/// An institution with a certificate of the network's own CA, by its name and its folder.
fn institution(
    options: &Options,
    (name, folder): (&str, &str),
    lei: Lei,
    role: &'static str,
) -> anyhow::Result<Institution> {
    let directory = options.directory.join("ca");
    let ca = if directory.is_dir() {
        DevelopmentCa::open(&directory)?
    } else {
        DevelopmentCa::create(&directory)?
    };
    let request = CertificateRequest {
        name: name.into(),
        lei,
        dns: vec!["localhost".into()],
        ip: vec![Ipv4Addr::LOCALHOST.into()],
    };
    Institution::new(
        options,
        name,
        folder,
        lei,
        role,
        ca.issue(&request)?,
        ca.certificate_path(),
    )
}

/// A number with the check digits that make it an LEI.
fn made_up_lei(number: u16) -> Option<Lei> {
    let candidate = |check: u8| {
        let text = format!("QUITTANCE{number:09}{check:02}");
        text.as_bytes().try_into().ok().map(Lei)
    };
    (0..=99).filter_map(candidate).find(Lei::is_valid)
}

fn quittance(options: &Options) -> Command {
    Command::new(options.programs.join("quittance"))
}

/// Runs a command of the same program that institutions use, and gives what it printed.
async fn run(mut command: Command) -> anyhow::Result<Vec<u8>> {
    let shown = format!("{:?}", command.as_std());
    let output = command
        .output()
        .await
        .with_context(|| format!("{shown} can't be run"))?;
    if !output.status.success() {
        bail!("{shown} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

fn fresh_key() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn now() -> anyhow::Result<Timestamp> {
    Ok(Timestamp::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)?
            .as_millis(),
    )?)
}

/// A port that nobody listens on and that this process gives out once: whoever gets it may listen later, or again after a
/// restart. Not one of those that the system gives to outgoing connections.
///
/// # Errors
/// All that were tried are in use.
pub fn free_port() -> anyhow::Result<u16> {
    const TRIES: u32 = 100;
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    (0..TRIES)
        .map(|_| OsRng.gen_range(10_000..30_000))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok() && given.insert(*port))
        .context("no free port was found")
}

/// Waits until `ready` says so.
pub(crate) async fn until<T>(
    patience: Duration,
    mut ready: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    let look = Duration::from_millis(20);
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        if let Some(found) = ready().await? {
            return Ok(Some(found));
        }
        if tokio::time::Instant::now() >= deadline {
            return Ok(None);
        }
        tokio::time::sleep(look).await;
    }
}

/// The last lines of a log, for an error message.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(15)..)
        .unwrap_or_default()
        .join("\n")
}
