//! The configuration: one TOML file per institution. Every key is described in the sample.
mod credit;
mod prepaid;
mod reconciliation;

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use protocol::Member;
use serde::Deserialize;

use crate::{
    identity::keys::is_development_uri,
    windows::calendar::{Day, TimeOfDay},
};

pub use credit::{
    Credit, CreditChain, CreditOffered, CreditPayee, CreditPersons, CreditRule, CreditScore, CreditTerms, ScoreOfAsset,
};
pub use prepaid::{Prepaid, PrepaidAcquirer, PrepaidIssuer, PrepaidTerminals};
pub use reconciliation::{Reconciliation, ReconciliationBook, ReconciliationTreasury};

const SAMPLE: &str = include_str!("../quittance.sample.toml");

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file isn't TOML of this shape. The message names line and key.
    #[error("{}: {source}", path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// Values are wrong; all of them are named.
    #[error("{}: {}", path.display(), join(problems))]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Each wrong value.
        problems: Vec<Problem>,
    },
}

/// A wrong value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, as in the file.
    pub key: String,
    /// What is wrong and what to write.
    pub advice: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.advice)
    }
}

fn join(problems: &[Problem]) -> String {
    let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
    problems.join("\n")
}

/// Everything an orchestrator is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the database is kept.
    pub data_dir: PathBuf,
    /// Who this is.
    pub institution: Institution,
    /// What it signs with, and whom it trusts.
    pub keys: Keys,
    /// The chain that settles.
    pub chain: Chain,
    /// The listener.
    #[serde(default)]
    pub http: Http,
    /// The other institutions.
    #[serde(default)]
    pub peers: Vec<Peer>,
    /// How requests to them are made.
    #[serde(default)]
    pub peer_client: PeerClient,
    /// Settlement.
    pub settlement: Settlement,
    /// Windows of deferred net settlement.
    #[serde(default)]
    pub windows: Windows,
    /// Escrow.
    #[serde(default)]
    pub escrow: Escrow,
    /// Credit, at a credit node.
    #[serde(default)]
    pub credit: Credit,
    /// Prepaid cards.
    #[serde(default)]
    pub prepaid: Prepaid,
    /// Books with other institutions.
    #[serde(default)]
    pub reconciliation: Reconciliation,
    /// Who is told what happens.
    #[serde(default)]
    pub webhooks: Webhooks,
}

/// Who this is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Institution {
    /// Its index in the registry.
    pub member: Member,
    /// Its name, for people.
    pub name: String,
}

/// What the institution signs with, and whom it trusts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Reference of the key that sends transactions, for [`crate::identity::SigningKey::load`].
    pub account: String,
    /// Reference of the key that signs vouchers.
    pub signing: String,
    /// The certificate, PEM, leaf first.
    pub certificate: PathBuf,
    /// Its Ed25519 key, PKCS#8 PEM.
    pub certificate_key: PathBuf,
    /// The CA certificates that institutions' certificates chain to, PEM.
    pub ca: PathBuf,
}

/// The chain that settles.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// A node's WebSocket URL.
    pub url: String,
    /// What `quittance deploy` wrote: genesis hash, code hashes, addresses.
    pub deployment: PathBuf,
    /// Where the contracts' bundles are.
    pub bundles: PathBuf,
    /// The node's log, if it is on this machine.
    pub log: Option<PathBuf>,
}

/// The listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port; port 0 takes a free one.
    #[serde(default = "default::listen")]
    pub listen: SocketAddr,
    /// Serve TLS with the institution's certificate.
    #[serde(default)]
    pub tls: bool,
    /// Refuse connections without a certificate from the configured CA.
    #[serde(default)]
    pub client_certificates: bool,
    /// The folder with the built audit page, which is served at `/audit/`.
    pub audit_page: Option<PathBuf>,
    /// Where auditors' browsers reach a node.
    pub audit_node_url: Option<String>,
    /// Who may use `/v1`.
    #[serde(default)]
    pub tokens: Vec<Token>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: default::listen(),
            tls: false,
            client_certificates: false,
            audit_page: None,
            audit_node_url: None,
            tokens: Vec::new(),
        }
    }
}

/// A client of `/v1`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its name, for logs.
    pub name: String,
    /// sha256 of its bearer token. The token itself is nowhere.
    #[serde(with = "protocol::text::bytes")]
    pub sha256: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// Contract messages that it may send or read: `registry.members`, `clearing.*`.
    #[serde(default)]
    pub contract_messages: Vec<String>,
}

impl Token {
    /// Whether it may use this message of this contract.
    pub fn permits_message(&self, contract: &str, message: &str) -> bool {
        self.contract_messages
            .iter()
            .filter_map(|pattern| pattern.split_once('.'))
            .any(|(name, allowed)| name == contract && (allowed == "*" || allowed == message))
    }
}

/// What a client of `/v1` may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Operator,
    /// Payments and trades.
    Teller,
    /// Reading.
    Auditor,
}

/// Another institution.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its index in the registry.
    pub member: Member,
    /// Scheme, host and port of its orchestrator.
    pub url: String,
}

/// How requests to other institutions are made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerClient {
    /// How long a connection may take to open, in seconds.
    #[serde(default = "default::connect_timeout_seconds")]
    pub connect_timeout_seconds: u64,
    /// How long one attempt may take from start to the end of the answer, in seconds.
    #[serde(default = "default::timeout_seconds")]
    pub timeout_seconds: u64,
    /// How often an attempt that failed for a passing reason is repeated.
    #[serde(default = "default::retries")]
    pub retries: usize,
}

impl PeerClient {
    /// How long a connection may take to open.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_seconds)
    }

    /// How long one attempt may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

impl Default for PeerClient {
    fn default() -> Self {
        Self {
            connect_timeout_seconds: default::connect_timeout_seconds(),
            timeout_seconds: default::timeout_seconds(),
            retries: default::retries(),
        }
    }
}

/// Settlement.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// The notaries that retain this institution's payments, the one that leads first; a notary asks the others for their
    /// signatures in this order.
    pub notaries: Vec<Member>,
    /// How long a leading notary may take before the next one is asked to lead, in percent of a voucher's lifetime.
    #[serde(default = "default::notary_patience_percent")]
    pub notary_patience_percent: u8,
    /// How long after its issue a voucher may be retained, in seconds.
    #[serde(default = "default::voucher_lifetime_seconds")]
    pub voucher_lifetime_seconds: u64,
    /// How the payments that this institution originates are settled.
    #[serde(default)]
    pub mode: Mode,
    /// The file that says what this institution co-signs, and whom it asks before. Without it, whatever else is in order.
    pub policy: Option<PathBuf>,
}

/// How payments are settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Each by itself, by the debtors' clearing vouchers.
    #[default]
    Gross,
    /// Together with the others of a window, when that is closed.
    Net,
}

impl From<Mode> for protocol::settlement::Settlement {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Gross => Self::Gross,
            Mode::Net => Self::Net,
        }
    }
}

/// Windows of deferred net settlement, at a notary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// When this notary agrees to close the open window: times of day in UTC, on Mondays to Fridays.
    #[serde(default, deserialize_with = "each")]
    pub cut_offs: Vec<TimeOfDay>,
    /// Days without cut-offs.
    #[serde(default, deserialize_with = "each")]
    pub holidays: Vec<Day>,
    /// Members that use at least this part of their net debit cap are named, in percent.
    #[serde(default = "default::alarm_percent")]
    pub alarm_percent: u8,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            cut_offs: Vec::new(),
            holidays: Vec::new(),
            alarm_percent: default::alarm_percent(),
        }
    }
}

/// A text that is read.
pub(crate) fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
    D: serde::Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// A text that is read, where there is one.
pub(crate) fn some_parsed<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
    D: serde::Deserializer<'de>,
{
    parsed(deserializer).map(Some)
}

/// Texts that are read one by one.
pub(crate) fn each<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
    D: serde::Deserializer<'de>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    let read = |text: String| text.parse().map_err(serde::de::Error::custom);
    texts.into_iter().map(read).collect()
}

/// Escrow.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escrow {
    /// The file with the secret of those who may confirm deliveries by a webhook. Without it, nobody may.
    pub delivery_webhook_secret: Option<PathBuf>,
}

/// Who is told what happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// How long an answer may take, in seconds.
    #[serde(default = "default::timeout_seconds")]
    pub timeout_seconds: u64,
    /// How long an endpoint may stay without an event before that is given up, in seconds.
    #[serde(default = "default::give_up_after_seconds")]
    pub give_up_after_seconds: u64,
    /// The CAs of endpoints' certificates, PEM. Without it, the machine's CAs.
    pub ca: Option<PathBuf>,
    /// Each of them is told everything.
    #[serde(default)]
    pub endpoints: Vec<WebhookEndpoint>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            timeout_seconds: default::timeout_seconds(),
            give_up_after_seconds: default::give_up_after_seconds(),
            ca: None,
            endpoints: Vec::new(),
        }
    }
}

/// Somebody who is told what happens. Exactly one of the two says where the secret is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpoint {
    /// Its name, for the delivery log.
    pub name: String,
    /// Where it is told.
    pub url: String,
    /// The file with the secret that it shares with this institution.
    pub secret_file: Option<PathBuf>,
    /// The environment variable with that secret.
    pub secret_env: Option<String>,
}

impl WebhookEndpoint {
    /// Whether nobody else hears what is sent: by https, or on this machine.
    pub fn is_private(&self) -> bool {
        reqwest::Url::parse(&self.url).is_ok_and(|url| {
            let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
            let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
            url.scheme() == "https" || is_here
        })
    }
}

mod default {
    use std::net::{Ipv4Addr, SocketAddr};

    pub(super) fn listen() -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 8080).into()
    }

    pub(super) fn connect_timeout_seconds() -> u64 {
        2
    }

    pub(super) fn timeout_seconds() -> u64 {
        10
    }

    pub(super) fn retries() -> usize {
        3
    }

    pub(super) fn notary_patience_percent() -> u8 {
        10
    }

    pub(super) fn voucher_lifetime_seconds() -> u64 {
        600
    }

    pub(super) fn give_up_after_seconds() -> u64 {
        259_200
    }

    pub(super) fn alarm_percent() -> u8 {
        80
    }
}

impl Config {
    /// A complete configuration with a comment on every key.
    pub fn sample() -> &'static str {
        SAMPLE
    }

    /// Reads and checks a configuration. Relative paths start at the file's directory.
    ///
    /// # Errors
    /// The file can't be read, isn't of this shape, or values are wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        let problems = config.validate();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Invalid {
                path: path.to_owned(),
                problems,
            })
        }
    }

    fn resolve(&mut self, directory: &Path) {
        for path in [
            &mut self.data_dir,
            &mut self.keys.certificate,
            &mut self.keys.certificate_key,
            &mut self.keys.ca,
            &mut self.chain.deployment,
            &mut self.chain.bundles,
        ] {
            *path = directory.join(&*path);
        }
        for path in [
            &mut self.escrow.delivery_webhook_secret,
            &mut self.settlement.policy,
            &mut self.chain.log,
            &mut self.http.audit_page,
        ]
        .into_iter()
        .flatten()
        {
            *path = directory.join(&*path);
        }
        self.credit.resolve(directory);
        self.prepaid.resolve(directory);
        self.reconciliation.resolve(directory);
        let secrets = self.webhooks.endpoints.iter_mut();
        let secrets = secrets.filter_map(|endpoint| endpoint.secret_file.as_mut());
        for path in self.webhooks.ca.iter_mut().chain(secrets) {
            *path = directory.join(&*path);
        }
        for reference in [&mut self.keys.account, &mut self.keys.signing] {
            resolve_key(reference, directory);
        }
    }

    /// Every value that can't work, whatever the machine looks like.
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        problems.check(
            !self.institution.name.trim().is_empty(),
            "institution.name",
            "is empty: write the institution's name",
        );
        problems.check(
            is_url(&self.chain.url, &["ws", "wss"]),
            "chain.url",
            "is no WebSocket URL: write it like \"ws://127.0.0.1:9944\"",
        );
        self.validate_http(&mut problems);
        self.validate_peers(&mut problems);
        self.validate_settlement(&mut problems);
        problems.check(
            (1..=100).contains(&self.windows.alarm_percent),
            "windows.alarm_percent",
            "must be between 1 and 100",
        );
        self.credit.validate(&mut problems);
        self.prepaid.validate(self, &mut problems);
        self.reconciliation.validate(self, &mut problems);
        self.validate_webhooks(&mut problems);
        problems.0
    }

    fn validate_webhooks(&self, problems: &mut Problems) {
        let webhooks = &self.webhooks;
        problems.check(
            (1..=MAX_TIMEOUT_SECONDS).contains(&webhooks.timeout_seconds),
            "webhooks.timeout_seconds",
            format!("must be between 1 and {MAX_TIMEOUT_SECONDS}"),
        );
        problems.check(
            GIVE_UP_AFTER_SECONDS.contains(&webhooks.give_up_after_seconds),
            "webhooks.give_up_after_seconds",
            format!(
                "must be between {} and {}",
                GIVE_UP_AFTER_SECONDS.start(),
                GIVE_UP_AFTER_SECONDS.end()
            ),
        );
        let mut names = BTreeSet::new();
        for (place, endpoint) in webhooks.endpoints.iter().enumerate() {
            let key = |field: &str| format!("webhooks.endpoints[{place}].{field}");
            problems.check(
                !endpoint.name.trim().is_empty() && names.insert(&endpoint.name),
                key("name"),
                "is empty or stands there twice: give every endpoint its own name",
            );
            let plain = |url: reqwest::Url| url.username().is_empty() && url.password().is_none();
            problems.check(
                is_url(&endpoint.url, &["http", "https"]) && reqwest::Url::parse(&endpoint.url).is_ok_and(plain),
                key("url"),
                "must be a URL like \"https://books.example/quittance\", without name and password",
            );
            problems.check(
                endpoint.secret_file.is_some() != endpoint.secret_env.is_some(),
                key("secret_file"),
                "or secret_env must be there, and not both: the file or the environment variable with its secret",
            );
        }
    }

    fn validate_http(&self, problems: &mut Problems) {
        problems.check(
            self.http.tls || !self.http.client_certificates,
            "http.client_certificates",
            "needs TLS: set http.tls = true, or leave this out",
        );
        let node = self.http.audit_node_url.as_ref();
        problems.check(
            node.is_none_or(|url| is_url(url, &["ws", "wss"])),
            "http.audit_node_url",
            "is no WebSocket URL: write it like \"wss://node.example\"",
        );
        let (mut names, mut hashes) = (BTreeSet::new(), BTreeSet::new());
        for (place, token) in self.http.tokens.iter().enumerate() {
            let key = |field: &str| format!("http.tokens[{place}].{field}");
            problems.check(
                !token.name.trim().is_empty() && names.insert(&token.name),
                key("name"),
                "is empty or stands there twice: give every token its own name",
            );
            problems.check(
                hashes.insert(token.sha256),
                key("sha256"),
                "stands there twice: give every client its own token",
            );
            for pattern in &token.contract_messages {
                problems.check(
                    is_message_pattern(pattern),
                    key("contract_messages"),
                    format!(
                        "{pattern:?} names no message: write it like \"registry.members\", or \"clearing.*\" for all"
                    ),
                );
            }
        }
    }

    fn validate_peers(&self, problems: &mut Problems) {
        let mut members = BTreeSet::new();
        for (place, peer) in self.peers.iter().enumerate() {
            let key = |field: &str| format!("peers[{place}].{field}");
            problems.check(
                peer.member != self.institution.member,
                key("member"),
                "is this institution itself: list the others only",
            );
            problems.check(
                members.insert(peer.member),
                key("member"),
                format!("{} stands there twice: one entry per institution", peer.member),
            );
            problems.check(
                is_origin(&peer.url),
                key("url"),
                "must be scheme, host and port only, like \"https://bank-b.example:8443\"",
            );
        }
        let positive = |seconds: u64| (1..=MAX_TIMEOUT_SECONDS).contains(&seconds);
        let advice = format!("must be between 1 and {MAX_TIMEOUT_SECONDS}");
        problems.check(
            positive(self.peer_client.connect_timeout_seconds),
            "peer_client.connect_timeout_seconds",
            advice.as_str(),
        );
        problems.check(
            positive(self.peer_client.timeout_seconds),
            "peer_client.timeout_seconds",
            advice.as_str(),
        );
        problems.check(
            self.peer_client.retries <= MAX_RETRIES,
            "peer_client.retries",
            format!("must be at most {MAX_RETRIES}: a payment that can't go on is taken up again anyway"),
        );
    }

    fn validate_settlement(&self, problems: &mut Problems) {
        let notaries = &self.settlement.notaries;
        problems.check(
            (1..=MAX_NOTARIES).contains(&notaries.len()),
            "settlement.notaries",
            format!("must name 1 to {MAX_NOTARIES} notaries"),
        );
        let mut named = BTreeSet::new();
        for notary in notaries {
            let known = *notary == self.institution.member || self.peers.iter().any(|peer| peer.member == *notary);
            problems.check(
                known,
                "settlement.notaries",
                format!("names member {notary}, who can't be reached: add a [[peers]] entry with member = {notary}"),
            );
            problems.check(
                named.insert(*notary),
                "settlement.notaries",
                format!("names member {notary} twice: one entry per notary"),
            );
        }
        problems.check(
            NOTARY_PATIENCE_PERCENT.contains(&self.settlement.notary_patience_percent),
            "settlement.notary_patience_percent",
            format!(
                "must be between {} and {}",
                NOTARY_PATIENCE_PERCENT.start(),
                NOTARY_PATIENCE_PERCENT.end()
            ),
        );
        problems.check(
            VOUCHER_LIFETIME_SECONDS.contains(&self.settlement.voucher_lifetime_seconds),
            "settlement.voucher_lifetime_seconds",
            format!(
                "must be between {} and {}",
                VOUCHER_LIFETIME_SECONDS.start(),
                VOUCHER_LIFETIME_SECONDS.end()
            ),
        );
    }
}

const MAX_TIMEOUT_SECONDS: u64 = 300;
const MAX_RETRIES: usize = 10;
/// Shorter, and a restart of the endpoint loses what was to be told; longer, and nobody remembers why.
const GIVE_UP_AFTER_SECONDS: std::ops::RangeInclusive<u64> = 10..=2_592_000;
/// More than any network has; the registry answers for that many and the parties at once.
const MAX_NOTARIES: usize = 32;
/// More than half, and a voucher expires before a second notary had its turn.
const NOTARY_PATIENCE_PERCENT: std::ops::RangeInclusive<u8> = 1..=50;
/// Shorter, and a chain that finalizes some seconds late leaves no time; longer, and funds wait for a lost payment.
const VOUCHER_LIFETIME_SECONDS: std::ops::RangeInclusive<u64> = 30..=86_400;

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn check(&mut self, good: bool, key: impl Into<String>, advice: impl Into<String>) {
        if !good {
            self.0.push(Problem {
                key: key.into(),
                advice: advice.into(),
            });
        }
    }
}

/// A key's file, but for a development key.
fn resolve_key(reference: &mut String, directory: &Path) {
    if !is_development_uri(reference) {
        *reference = directory.join(&*reference).to_string_lossy().into_owned();
    }
}

fn is_url(text: &str, schemes: &[&str]) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host())
}

/// Scheme, host and port. A path would be cut off by the proxy that it is meant for, and the sender signed it.
fn is_origin(text: &str) -> bool {
    is_url(text, &["http", "https"])
        && reqwest::Url::parse(text).is_ok_and(|url| {
            url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        })
}

fn is_message_pattern(pattern: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    pattern
        .split_once('.')
        .is_some_and(|(contract, message)| is_name(contract) && (message == "*" || is_name(message)))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
