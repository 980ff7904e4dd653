//! An institution's orchestrator as a process.
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use anyhow::{bail, Context};
use protocol::{registry::Institution as Registered, text::to_hex, Lei, Member};
use rand::{rngs::OsRng, RngCore};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use tokio::process::{Child, Command};

use super::{free_port, tail, until, Options, Place};
use crate::{
    chain::deployment::to_ss58,
    cli::client::Api,
    http::payments::PaymentView,
    identity::{development_ca::IssuedCertificate, SigningKey},
};

/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An institution of the network, running or not.
pub struct Institution {
    /// Its name.
    pub name: String,
    /// Its Legal Entity Identifier.
    pub lei: Lei,
    /// Its index in the registry.
    pub member: Member,
    /// Its orchestrator's address.
    pub url: String,
    /// Its configuration, database and log.
    pub directory: PathBuf,
    /// The key of its account.
    pub account_key: String,
    /// The key that signs its vouchers.
    pub signing_key: String,
    role: &'static str,
    token: String,
    certificate: IssuedCertificate,
    ca: PathBuf,
    program: PathBuf,
    keep: bool,
    process: Option<Child>,
}

/// The key of the account of the institution of this name.
pub(super) fn account_key(name: &str) -> String {
    format!("//{}", name.replace(' ', ""))
}

impl Institution {
    /// An institution that is neither registered nor running.
    pub(super) fn new(
        options: &Options,
        name: &str,
        folder: &str,
        lei: Lei,
        role: &'static str,
        certificate: IssuedCertificate,
        ca: PathBuf,
    ) -> anyhow::Result<Self> {
        let directory = options.directory.join(folder);
        std::fs::create_dir_all(&directory)?;
        let port = free_port()?;
        let mut token = [0u8; 32];
        OsRng.fill_bytes(&mut token);
        let token = hex::encode(token);
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(directory.join("operator.token"))?
            .write_all(token.as_bytes())?;
        Ok(Self {
            name: name.into(),
            lei,
            member: Member(u16::MAX),
            url: format!("http://127.0.0.1:{port}"),
            directory,
            account_key: account_key(name),
            signing_key: format!("{}//vouchers", account_key(name)),
            role,
            token,
            certificate,
            ca,
            program: options.programs.join("quittance"),
            keep: options.keep,
            process: None,
        })
    }

    /// The change that registers it.
    pub(super) fn registration(&self) -> anyhow::Result<Value> {
        let mut change = self.present_keys()?;
        change["lei"] = json!(self.lei);
        change["roles"] = json!([self.role]);
        Ok(json!({ "register": change }))
    }

    /// Gives it another key for vouchers, which counts from its next start on and when the registry was told: the change
    /// is returned.
    ///
    /// # Errors
    /// Its configuration can't be rewritten.
    pub fn change_signing_key(&mut self, key: &str) -> anyhow::Result<Value> {
        let line = |key: &str| format!("signing = \"{key}\"");
        let text = std::fs::read_to_string(self.config())?;
        std::fs::write(self.config(), text.replace(&line(&self.signing_key), &line(key)))?;
        self.signing_key = key.into();
        let mut keys = self.present_keys()?;
        keys["member"] = json!(self.member);
        Ok(json!({ "set_keys": keys }))
    }

    /// The change that gives it its present keys, if it is registered with others.
    pub(super) fn rotation(&self, found: &Registered) -> anyhow::Result<Option<Value>> {
        let registered = json!({
            "account": to_ss58(&found.account),
            "signing_key": to_hex(&found.signing_key),
            "certificate": to_hex(&found.certificate),
        });
        let mut present = self.present_keys()?;
        if present == registered {
            return Ok(None);
        }
        present["member"] = json!(found.member);
        Ok(Some(json!({ "set_keys": present })))
    }

    fn present_keys(&self) -> anyhow::Result<Value> {
        Ok(json!({
            "account": SigningKey::load(&self.account_key)?.ss58_address(),
            "signing_key": to_hex(&SigningKey::load(&self.signing_key)?.public()),
            "certificate": to_hex(&self.certificate.fingerprint),
        }))
    }

    /// Writes its configuration.
    pub(super) fn configure(
        &self,
        place: &Place<'_>,
        (notary, mode): (Member, &str),
        all: &[&Institution],
    ) -> anyhow::Result<()> {
        let listen = self.url.trim_start_matches("http://");
        let token = hex::encode(Sha256::digest(self.token.as_bytes()));
        // Where this program started the node.
        let log = if place.log.exists() {
            format!("log = {:?}\n", place.log)
        } else {
            String::new()
        };
        let audit_page = place.options.audit_page.as_ref().map_or_else(String::new, |page| {
            format!("audit_page = {page:?}\naudit_node_url = {:?}\n", place.url)
        });
        let mut text = format!(
            "data_dir = \"data\"\n\n[institution]\nmember = {member}\nname = \"{name}\"\n\n[keys]\naccount = \
             \"{account}\"\nsigning = \"{signing}\"\ncertificate = {certificate:?}\ncertificate_key = \
             {certificate_key:?}\nca = {ca:?}\n\n[chain]\nurl = \"{chain}\"\ndeployment = {deployment:?}\nbundles = \
             {bundles:?}\n{log}\n[http]\nlisten = \"{listen}\"\n{audit_page}\n[[http.tokens]]\nname = \"demo\"\nsha256 = \
             \"{token}\"\nrole = \"operator\"\ncontract_messages = [\"registry.*\", \"clearing.*\", \"escrow.*\"]\n\n[settlement]\n\
             notaries = [{notary}]\nmode = \"{mode}\"\n",
            member = self.member.0,
            name = self.name,
            account = self.account_key,
            signing = self.signing_key,
            certificate = self.certificate.certificate,
            certificate_key = self.certificate.key,
            ca = self.ca,
            chain = place.url,
            deployment = place.directory.join("deployment.json"),
            bundles = place.options.bundles,
        );
        for peer in all.iter().filter(|peer| peer.member != self.member) {
            text.push_str(&format!(
                "\n[[peers]]\nmember = {}\nurl = \"{}\"\n",
                peer.member.0, peer.url
            ));
        }
        std::fs::write(self.config(), text)?;
        Ok(())
    }

    /// Has it ask another institution about credit transfers before it co-signs.
    pub(super) fn ask_about_transfers(&self, assistant: Member) -> anyhow::Result<()> {
        let policy = format!("[[assistants]]\nmember = {assistant}\nabout = {{ kind = \"CreditTransfer\" }}\n");
        std::fs::write(self.directory.join("policy.toml"), policy)?;
        let text = std::fs::read_to_string(self.config())?;
        let text = text.replace("[settlement]\n", "[settlement]\npolicy = \"policy.toml\"\n");
        std::fs::write(self.config(), text)?;
        Ok(())
    }

    /// Adds to its configuration.
    pub(super) fn configure_more(&self, more: &str) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(self.config())?;
        std::fs::write(self.config(), format!("{text}\n{more}"))?;
        Ok(())
    }

    /// Starts its orchestrator, with environment variables on top of this process's.
    ///
    /// # Errors
    /// The program can't be run.
    pub fn start(&mut self, environment: &[(&str, &str)]) -> anyhow::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let log: File = log;
        let process = Command::new(&self.program)
            .args(["serve", "--config"])
            .arg(self.config())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(!self.keep)
            .spawn()
            .with_context(|| format!("{} can't be started", self.program.display()))?;
        self.process = Some(process);
        Ok(())
    }

    /// Waits until it takes requests.
    ///
    /// # Errors
    /// It ended, or isn't ready in time; the end of its log is in the message.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let url = format!("{}/health/ready", self.url);
        let client = reqwest::Client::new();
        let ready = until(PATIENCE, async || {
            let answer = client.get(&url).timeout(PATIENCE).send().await;
            Ok(answer.ok().filter(|answer| answer.status().is_success()))
        })
        .await?;
        if ready.is_none() {
            bail!(
                "{} isn't ready; {} ends with:\n{}",
                self.name,
                self.log().display(),
                tail(&self.log())
            );
        }
        Ok(())
    }

    /// Ends its process at once, as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// The process can't be ended.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Its API, with its operator's token.
    ///
    /// # Errors
    /// Its address is malformed.
    pub fn api(&self) -> anyhow::Result<Api> {
        Api::new(self.url.parse()?, &self.token, None)
    }

    /// A payment as it knows it now, or as soon as it is final.
    ///
    /// # Errors
    /// It can't be reached, or knows no such payment.
    pub async fn payment(&self, id: protocol::VoucherId, wait_seconds: u64) -> anyhow::Result<PaymentView> {
        self.api()?
            .get(&format!("/v1/payments/{id}?wait_seconds={wait_seconds}"))
            .await
    }

    /// The account that pays and is paid.
    ///
    /// # Errors
    /// Its key can't be read.
    pub fn account(&self) -> anyhow::Result<protocol::AccountId> {
        Ok(SigningKey::load(&self.account_key)?.account())
    }

    /// Its process's number, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Child::id)
    }

    /// Its configuration.
    pub fn config(&self) -> PathBuf {
        self.directory.join("quittance.toml")
    }

    /// Its database.
    pub fn database(&self) -> PathBuf {
        self.directory.join("data").join("quittance.sqlite")
    }

    /// What it writes.
    pub fn log(&self) -> PathBuf {
        self.directory.join("orchestrator.log")
    }
}
