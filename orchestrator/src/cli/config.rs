//! `quittance config`: checks a configuration, or prints the sample.
use std::{
    fmt::Display,
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::Subcommand;
use protocol::{Member, Timestamp};
use time::{format_description::well_known::Rfc3339, OffsetDateTime};

use super::serve::{
    credit::{load_persons, sites},
    load_policy,
    prepaid::issuing,
};
use crate::{
    chain::{deployment::to_ss58, Deployment},
    config::{self, Config, ConfigError},
    http::{audit::AuditPage, escrow::webhook::DeliveryWebhook},
    identity::{
        keys::{is_development_uri, ss58_address, KeyFile},
        Authorities, Certificate, SigningKey,
    },
    settlement::policy::Policy,
};

/// Checks configurations.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks a configuration and the files it names, and prints what it found; no secrets. Asks for no password.
    Check {
        /// The TOML file.
        file: PathBuf,
    },
    /// Prints a complete configuration with a comment on every key.
    Sample,
    /// Prints a policy, which says what an institution co-signs, with a comment on every key.
    SamplePolicy,
}

/// Runs it.
///
/// # Errors
/// The configuration, or a file it names, can't be used; all problems are printed first.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Sample => print!("{}", Config::sample()),
        Command::SamplePolicy => print!("{}", Policy::sample()),
        Command::Check { file } => check(&file)?,
    }
    Ok(())
}

fn check(file: &Path) -> anyhow::Result<()> {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(ConfigError::Invalid { problems, .. }) => {
            for problem in &problems {
                println!("error  {problem}");
            }
            anyhow::bail!("{} has {} wrong value(s)", file.display(), problems.len());
        }
        Err(error) => return Err(error.into()),
    };

    let mut report = Report::default();
    report.found(
        "institution",
        format!("{} (member {})", config.institution.name, config.institution.member),
    );
    report.add("account key", public_key(&config.keys.account));
    report.add("signing key", public_key(&config.keys.signing));
    report.add("certificate", certificate(&config));
    report.found("chain", &config.chain.url);
    report.add("deployment", is_there(&config.chain.deployment, Path::is_file));
    report.add("bundles", is_there(&config.chain.bundles, Path::is_dir));
    let scheme = if config.http.tls { "https" } else { "http" };
    report.found("listener", format!("{scheme}://{}", config.http.listen));
    for token in &config.http.tokens {
        report.found("token", format!("{} ({:?})", token.name, token.role));
    }
    for peer in &config.peers {
        report.found("peer", format!("member {} at {}", peer.member, peer.url));
    }
    for notary in &config.settlement.notaries {
        report.found("notary", format!("member {notary}"));
    }
    if let Some(path) = &config.settlement.policy {
        report.add("policy", policy(&config, path));
    }
    match sites(&config) {
        Ok(sites) => {
            for site in sites {
                let genesis = protocol::text::to_hex(&site.deployment.genesis_hash);
                let (url, member) = (&site.url, site.member);
                report.found("credit chain", format!("{genesis} at {url}, as member {member} there"));
            }
        }
        Err(error) => report.add("credit chains", Err(format!("{error:#}"))),
    }
    match issuing(&config.prepaid) {
        Ok(Some(issuing)) => report.found("card orders sealed to", issuing.identity.to_public()),
        Ok(None) => {}
        Err(error) => report.add("card issuer", Err(format!("{error:#}"))),
    }
    for issuer in config.prepaid.issuers(config.institution.member) {
        report.add("cards of", programme_of(&config, issuer));
    }
    if let Some(terminals) = &config.prepaid.terminals {
        report.found("terminals", format!("https://{}", terminals.listen));
    }
    if let Some(persons) = &config.credit.persons {
        report.add("persons", persons_of(&config, persons));
    }
    if let Some(path) = &config.escrow.delivery_webhook_secret {
        report.add("delivery webhook", webhook(path));
    }
    if let Some(directory) = &config.http.audit_page {
        let page = AuditPage::load(directory, None, &config.chain.deployment, &config.chain.bundles);
        let found = page.map(|_| directory.display().to_string());
        report.add("audit page", found.map_err(|error| error.to_string()));
    }
    for endpoint in &config.webhooks.endpoints {
        let secret = match (&endpoint.secret_file, &endpoint.secret_env) {
            (Some(path), _) => webhook(path),
            (None, variable) => Ok(format!("secret in {}", variable.as_deref().unwrap_or_default())),
        };
        report.add(&format!("webhooks to {}", endpoint.name), secret);
    }
    match report.errors {
        0 => Ok(()),
        errors => anyhow::bail!("{} names {errors} thing(s) that can't be used", file.display()),
    }
}

/// Prints one line for each thing looked at.
#[derive(Default)]
struct Report {
    errors: usize,
}

impl Report {
    fn found(&self, what: &str, value: impl Display) {
        println!("ok     {what}: {value}");
    }

    fn add(&mut self, what: &str, result: Result<String, String>) {
        match result {
            Ok(value) => self.found(what, value),
            Err(why) => {
                self.errors = self.errors.saturating_add(1);
                println!("error  {what}: {why}");
            }
        }
    }
}

fn public_key(reference: &str) -> Result<String, String> {
    if is_development_uri(reference) {
        let key = SigningKey::load(reference).map_err(|error| error.to_string())?;
        return Ok(format!(
            "{} (development: everybody knows its secret)",
            key.ss58_address()
        ));
    }
    let file = KeyFile::read(Path::new(reference)).map_err(|error| error.to_string())?;
    let kind = if file.is_encrypted() {
        "encrypted"
    } else {
        "not encrypted"
    };
    Ok(format!("{} ({kind})", ss58_address(&file.public())))
}

fn certificate(config: &Config) -> Result<String, String> {
    let keys = &config.keys;
    let own = Certificate::load(&keys.certificate, &keys.certificate_key).map_err(|error| error.to_string())?;
    Authorities::load(&keys.ca)
        .and_then(|authorities| authorities.verify(own.leaf(), now()))
        .map_err(|error| error.to_string())?;
    let facts = own.facts();
    Ok(format!(
        "{}, fingerprint {}, valid until {}",
        facts.subject,
        protocol::text::to_hex(&facts.fingerprint),
        date(facts.expires_at)
    ))
}

fn policy(config: &Config, path: &Path) -> Result<String, String> {
    load_policy(config).map_err(|error| format!("{error:#}"))?;
    Ok(path.display().to_string())
}

fn persons_of(config: &Config, persons: &config::CreditPersons) -> Result<String, String> {
    let loaded = load_persons(config).map_err(|error| format!("{error:#}"))?;
    let development = match loaded.is_some_and(|persons| persons.is_development()) {
        true => " (development: whoever has its directory can pass for anybody)",
        false => "",
    };
    let crls = match persons.crls.len() {
        0 => "without CRLs: no certificate counts as revoked".to_owned(),
        count => format!("with {count} CRL(s)"),
    };
    Ok(format!("{}{development}, {crls}", persons.ca.display()))
}

fn programme_of(config: &Config, issuer: Member) -> Result<String, String> {
    let deployment = Deployment::load(&config.chain.deployment).map_err(|error| error.to_string())?;
    let contract = deployment.prepaid_of(issuer).map_err(|error| error.to_string())?;
    Ok(format!(
        "member {issuer}, whose contract is {}",
        to_ss58(&contract.address)
    ))
}

fn webhook(secret: &Path) -> Result<String, String> {
    DeliveryWebhook::load(secret).map_err(|error| error.to_string())?;
    Ok(secret.display().to_string())
}

fn is_there(path: &Path, is_kind: impl Fn(&Path) -> bool) -> Result<String, String> {
    if is_kind(path) {
        Ok(path.display().to_string())
    } else {
        Err(format!("{} isn't there", path.display()))
    }
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::try_from(since_epoch.as_millis()).unwrap_or(Timestamp::MAX)
}

fn date(time: Timestamp) -> String {
    i64::try_from(time / 1000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{time} ms after 1970"))
}
