//! The configuration: one TOML file per institution. Every key is described in the sample.
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

use protocol::{AccountId, Amount, Member};
use serde::Deserialize;

use crate::{
    assets::AssetName,
    chain::deployment::account,
    credit::{
        payee::Otherwise,
        score::{Parameters, Rules},
    },
    identity::keys::is_development_uri,
    windows::calendar::{Day, TimeOfDay},
};

pub use prepaid::{Prepaid, PrepaidAcquirer, PrepaidIssuer, PrepaidTerminals};
pub use reconciliation::{
    Accept, CsvColumns, Feed, OwnBook, Reconciliation, ReconciliationBook, ReconciliationTreasury,
};

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

/// An account in either form.
fn some_account<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<AccountId>, D::Error> {
    let text = String::deserialize(deserializer)?;
    account(&text).map(Some).map_err(serde::de::Error::custom)
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

/// Credit, at a credit node (S1.1).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credit {
    /// The chains that it gives credit on; each is known by its deployment's genesis hash.
    #[serde(default)]
    pub chains: Vec<CreditChain>,
    /// How its limits are computed.
    #[serde(default)]
    pub score: CreditScore,
    /// Who says who payers and payees are. Without it, none of their certificates is accepted.
    pub persons: Option<CreditPersons>,
    /// What it lends on.
    #[serde(default)]
    pub terms: CreditTerms,
    /// The payees that the institution speaks for, on the chain that settles.
    #[serde(default)]
    pub payees: Vec<CreditPayee>,
}

/// What a credit node lends on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditTerms {
    /// The longest from a payer's request to the day that the debt is due, in days.
    #[serde(default = "default::longest_term_days")]
    pub longest_term_days: u32,
    /// The least late fee, in percent of the amount.
    #[serde(default)]
    pub late_fee_percent: u8,
    /// The least time from the end of a reservation to the day that the debt is due, in seconds.
    #[serde(default = "default::room_seconds")]
    pub room_seconds: u64,
    /// What is paid for a debt in what.
    #[serde(default)]
    pub offered: Vec<CreditOffered>,
}

impl Default for CreditTerms {
    fn default() -> Self {
        Self {
            longest_term_days: default::longest_term_days(),
            late_fee_percent: 0,
            room_seconds: default::room_seconds(),
            offered: Vec::new(),
        }
    }
}

/// An asset that is paid, one for one, for a debt in another one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditOffered {
    /// The payer's chain, by its genesis hash.
    #[serde(with = "protocol::text::bytes")]
    pub debt_chain: [u8; 32],
    /// What is owed there.
    #[serde(default = "default::native")]
    pub debt_asset: AssetName,
    /// The payee's chain, by its genesis hash.
    #[serde(with = "protocol::text::bytes")]
    pub payout_chain: [u8; 32],
    /// What is paid there.
    #[serde(default = "default::native")]
    pub payout_asset: AssetName,
}

/// A payee that the institution speaks for (S1.6).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditPayee {
    /// Reference of its account's key.
    pub key: String,
    /// Its certificate, PEM, leaf first.
    pub certificate: PathBuf,
    /// What it takes without asking a person.
    #[serde(default)]
    pub accept: Vec<CreditRule>,
    /// What becomes of everything else.
    #[serde(default)]
    pub otherwise: Otherwise,
}

/// A kind of payment on credit that a payee takes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditRule {
    /// Of this payer; of any, if it isn't said. SS58 or `0x…`.
    #[serde(default, deserialize_with = "some_account")]
    pub payer: Option<AccountId>,
    /// In this asset of the payee's chain.
    #[serde(default = "default::native")]
    pub asset: AssetName,
    /// Up to this amount, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub up_to: Amount,
}

/// Who says who payers and payees are (S1.4).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditPersons {
    /// The CA certificates that persons' certificates chain to, PEM.
    pub ca: PathBuf,
    /// What these CAs, and those below them, revoked, PEM or DER. With none, nothing counts as revoked: that must be said.
    pub crls: Vec<PathBuf>,
}

/// A chain that a credit node gives credit on. The one that settles may be one of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditChain {
    /// A node's WebSocket URL.
    pub url: String,
    /// What `quittance deploy` wrote for that chain.
    pub deployment: PathBuf,
    /// The institution's index in the registry there, if it is another one than `institution.member`.
    pub member: Option<Member>,
    /// The payees' institutions there.
    #[serde(default)]
    pub peers: Vec<Peer>,
    /// The node's log, if it is on this machine.
    pub log: Option<PathBuf>,
}

/// How a credit node's limits are computed from payers' records (S1.8).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditScore {
    /// How far back repayments and payments count, in days of 24 hours.
    #[serde(default = "default::window_days")]
    pub window_days: u32,
    /// What a payer without a record may owe, in the asset's smallest unit.
    #[serde(default, with = "protocol::text::amount")]
    pub base: Amount,
    /// What no payer may owe more than.
    #[serde(default = "default::cap", with = "protocol::text::amount")]
    pub cap: Amount,
    /// How much of what was repaid on time is added.
    #[serde(default = "default::on_time_percent")]
    pub on_time_percent: u32,
    /// How much of the payments that were made is added.
    #[serde(default = "default::volume_percent")]
    pub volume_percent: u32,
    /// How much of what was repaid late is subtracted.
    #[serde(default = "default::late_percent")]
    pub late_percent: u32,
    /// How much of what is overdue is subtracted.
    #[serde(default = "default::overdue_percent")]
    pub overdue_percent: u32,
    /// Assets whose unit is another one.
    #[serde(default)]
    pub assets: Vec<ScoreOfAsset>,
}

impl Default for CreditScore {
    fn default() -> Self {
        Self {
            window_days: default::window_days(),
            base: 0,
            cap: default::cap(),
            on_time_percent: default::on_time_percent(),
            volume_percent: default::volume_percent(),
            late_percent: default::late_percent(),
            overdue_percent: default::overdue_percent(),
            assets: Vec::new(),
        }
    }
}

/// An asset with a base and a cap of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreOfAsset {
    /// Which.
    pub asset: AssetName,
    /// What a payer without a record may owe, in its smallest unit.
    #[serde(with = "protocol::text::amount")]
    pub base: Amount,
    /// What no payer may owe more than.
    #[serde(with = "protocol::text::amount")]
    pub cap: Amount,
}

impl CreditScore {
    /// The same as the credit system takes it.
    pub fn rules(&self) -> Rules {
        let general = Parameters {
            window_days: self.window_days,
            base: self.base,
            cap: self.cap,
            on_time_percent: self.on_time_percent,
            volume_percent: self.volume_percent,
            late_percent: self.late_percent,
            overdue_percent: self.overdue_percent,
        };
        let own = |of: &ScoreOfAsset| {
            let (base, cap) = (of.base, of.cap);
            (of.asset.0, Parameters { base, cap, ..general })
        };
        Rules {
            general,
            own: self.assets.iter().map(own).collect(),
        }
    }
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

    pub(super) fn room_seconds() -> u64 {
        86_400
    }

    pub(super) fn longest_term_days() -> u32 {
        90
    }

    pub(super) fn native() -> crate::assets::AssetName {
        crate::assets::AssetName(protocol::settlement::Asset::Native)
    }

    pub(super) fn give_up_after_seconds() -> u64 {
        259_200
    }

    pub(super) fn alarm_percent() -> u8 {
        80
    }

    pub(super) fn window_days() -> u32 {
        90
    }

    /// A thousand units of a token with twelve decimals, as the native one has.
    pub(super) fn cap() -> protocol::Amount {
        1_000_000_000_000_000
    }

    pub(super) fn on_time_percent() -> u32 {
        50
    }

    pub(super) fn volume_percent() -> u32 {
        10
    }

    pub(super) fn late_percent() -> u32 {
        100
    }

    pub(super) fn overdue_percent() -> u32 {
        200
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
        ]
        .into_iter()
        .flatten()
        {
            *path = directory.join(&*path);
        }
        for chain in &mut self.credit.chains {
            chain.deployment = directory.join(&chain.deployment);
            if let Some(log) = &mut chain.log {
                *log = directory.join(&*log);
            }
        }
        for payee in &mut self.credit.payees {
            payee.certificate = directory.join(&payee.certificate);
        }
        if let Some(persons) = &mut self.credit.persons {
            for path in persons.crls.iter_mut().chain([&mut persons.ca]) {
                *path = directory.join(&*path);
            }
        }
        self.prepaid.resolve(directory);
        self.reconciliation.resolve(directory);
        let secrets = self.webhooks.endpoints.iter_mut();
        let secrets = secrets.filter_map(|endpoint| endpoint.secret_file.as_mut());
        for path in self.webhooks.ca.iter_mut().chain(secrets) {
            *path = directory.join(&*path);
        }
        let payees = self.credit.payees.iter_mut().map(|payee| &mut payee.key);
        for reference in [&mut self.keys.account, &mut self.keys.signing]
            .into_iter()
            .chain(payees)
        {
            if !is_development_uri(reference) {
                *reference = directory.join(&*reference).to_string_lossy().into_owned();
            }
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
        self.validate_credit(&mut problems);
        self.prepaid.validate(self, &mut problems);
        self.reconciliation.validate(self, &mut problems);
        self.validate_webhooks(&mut problems);
        problems.0
    }

    fn validate_credit(&self, problems: &mut Problems) {
        for (place, chain) in self.credit.chains.iter().enumerate() {
            problems.check(
                is_url(&chain.url, &["ws", "wss"]),
                format!("credit.chains[{place}].url"),
                "is no WebSocket URL: write it like \"ws://127.0.0.1:9944\"",
            );
            for (number, peer) in chain.peers.iter().enumerate() {
                problems.check(
                    is_origin(&peer.url),
                    format!("credit.chains[{place}].peers[{number}].url"),
                    "must be scheme, host and port only, like \"https://bank-b.example:8443\"",
                );
            }
        }
        problems.check(
            CREDIT_TERM_DAYS.contains(&self.credit.terms.longest_term_days),
            "credit.terms.longest_term_days",
            format!(
                "must be between {} and {}",
                CREDIT_TERM_DAYS.start(),
                CREDIT_TERM_DAYS.end()
            ),
        );
        problems.check(
            self.credit.terms.room_seconds <= u64::from(self.credit.terms.longest_term_days).saturating_mul(86_400),
            "credit.terms.room_seconds",
            "must be at most longest_term_days: no term is longer",
        );
        problems.check(
            self.credit.terms.late_fee_percent <= 100,
            "credit.terms.late_fee_percent",
            "must be at most 100: the late fee is at most the amount",
        );
        self.validate_score(problems);
    }

    fn validate_score(&self, problems: &mut Problems) {
        let score = &self.credit.score;
        problems.check(
            SCORE_WINDOW_DAYS.contains(&score.window_days),
            "credit.score.window_days",
            format!(
                "must be between {} and {}",
                SCORE_WINDOW_DAYS.start(),
                SCORE_WINDOW_DAYS.end()
            ),
        );
        for (key, percent) in [
            ("on_time_percent", score.on_time_percent),
            ("volume_percent", score.volume_percent),
            ("late_percent", score.late_percent),
            ("overdue_percent", score.overdue_percent),
        ] {
            problems.check(
                percent <= MAX_SCORE_PERCENT,
                format!("credit.score.{key}"),
                format!("must be at most {MAX_SCORE_PERCENT}"),
            );
        }
        let within_cap = "is above the cap: no payer could ever owe that much";
        problems.check(score.base <= score.cap, "credit.score.base", within_cap);
        let mut named = BTreeSet::new();
        for (place, of) in score.assets.iter().enumerate() {
            let key = |field: &str| format!("credit.score.assets[{place}].{field}");
            problems.check(
                named.insert(of.asset.0),
                key("asset"),
                "stands there twice: one entry per asset",
            );
            problems.check(of.base <= of.cap, key("base"), within_cap);
        }
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

/// Credit for longer is no payment any more.
const CREDIT_TERM_DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;
const MAX_TIMEOUT_SECONDS: u64 = 300;
const MAX_RETRIES: usize = 10;
/// Shorter, and a restart of the endpoint loses what was to be told; longer, and nobody remembers why.
const GIVE_UP_AFTER_SECONDS: std::ops::RangeInclusive<u64> = 10..=2_592_000;
/// More than any network has; the registry answers for that many and the parties at once.
const MAX_NOTARIES: usize = 32;
/// More than half, and a voucher expires before a second notary had its turn.
const NOTARY_PATIENCE_PERCENT: std::ops::RangeInclusive<u8> = 1..=50;
/// Ten years: a record that goes back further says little.
const SCORE_WINDOW_DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;
/// A hundredfold.
const MAX_SCORE_PERCENT: u32 = 10_000;
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
