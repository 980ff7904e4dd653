//! Merchants' terminals and holders' cards, as the programs that they are (S4.3).
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{bail, Context};
use protocol::{
    prepaid::{CardNumber, MerchantNumber},
    text::from_hex,
    AccountId, Amount,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use super::{quittance, run, Cards, Options};
use crate::http::prepaid::payments::CardDisputeRequest;

/// What a terminal takes offline in one payment, and how much of it may wait.
pub const FLOOR_LIMIT: Amount = 10_000_000_000;

/// A merchant's terminal: a directory, and the program that works with it.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Its directory.
    pub directory: PathBuf,
    /// Its public key.
    pub key: AccountId,
    options: Options,
}

/// What a program said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its exit code; nothing if it was killed.
    pub code: Option<i32>,
    /// The JSON that it printed, a value for each line.
    pub lines: Vec<Value>,
    /// What it said to people.
    pub errors: String,
}

impl Cards {
    /// Makes a terminal, has the issuer register it for the merchant, and sets it up with the acquirer.
    ///
    /// # Errors
    /// A step failed.
    pub async fn make_terminal(
        &self,
        options: &Options,
        name: &str,
        merchant: MerchantNumber,
    ) -> anyhow::Result<Terminal> {
        let directory = options.directory.join("terminals").join(name);
        let mut make = quittance(options);
        make.args(["terminal", "new"])
            .arg(&directory)
            .args(["--unencrypted", "--json"]);
        let made: Value = serde_json::from_slice(&run(make).await?)?;
        let key = made["terminal"].as_str().context("no key is printed")?;
        let terminal = Terminal {
            directory,
            key: AccountId(from_hex(key)?),
            options: options.clone(),
        };
        self.add_terminal(merchant, terminal.key).await?;

        let floor = FLOOR_LIMIT.to_string();
        let bound = FLOOR_LIMIT.saturating_mul(1_000).to_string();
        let mut setup = terminal.command("setup");
        setup.args(["--acquirer", &self.terminal_url]).arg("--ca").arg(&self.ca);
        setup.args(["--issuer", &self.issuer.member.to_string()]);
        setup.args(["--merchant", &merchant.0.to_string()]);
        setup.args(["--floor-limit", &floor, "--offline-bound", &bound]);
        run(setup).await?;
        Ok(terminal)
    }

    /// Makes a card, has the issuer issue it to a holder, and tops it up. Returns its file.
    ///
    /// # Errors
    /// A step failed.
    pub async fn make_card(
        &self,
        options: &Options,
        number: CardNumber,
        holder: AccountId,
        amount: Amount,
    ) -> anyhow::Result<PathBuf> {
        let directory = options.directory.join("cards");
        std::fs::create_dir_all(&directory)?;
        let file = directory.join(format!("{}.json", number.0));
        let key = self.cut(options, &file, number, 1).await?;
        self.issue(number, key, holder, amount).await?;
        Ok(file)
    }

    /// Makes a card's file, whose first payment has this counter; returns its key.
    ///
    /// # Errors
    /// The file can't be made.
    pub async fn cut(
        &self,
        options: &Options,
        file: &Path,
        number: CardNumber,
        first_counter: u64,
    ) -> anyhow::Result<AccountId> {
        let mut make = quittance(options);
        make.args(["card", "new"]).arg(file);
        make.args(["--number", &number.0.to_string(), "--genesis", &self.genesis()]);
        make.args(["--contract", &protocol::text::to_hex(&self.contract()?.0)]);
        make.args(["--first-counter", &first_counter.to_string(), "--unencrypted", "--json"]);
        let made: Value = serde_json::from_slice(&run(make).await?)?;
        let key = made["key"].as_str().context("no key is printed")?;
        Ok(AccountId(from_hex(key)?))
    }

    /// What a holder signs to object to a payment: `quittance card dispute`.
    ///
    /// # Errors
    /// It can't be signed.
    pub async fn objection(
        &self,
        options: &Options,
        (card, counter): (&Path, u64),
        holder: &str,
        amount: Amount,
        evidence: &Path,
    ) -> anyhow::Result<CardDisputeRequest> {
        let mut sign = quittance(options);
        sign.args(["card", "dispute", "--card"]).arg(card);
        sign.args(["--counter", &counter.to_string(), "--amount", &amount.to_string()]);
        sign.arg("--evidence").arg(evidence).args(["--key", holder]);
        Ok(serde_json::from_slice(&run(sign).await?)?)
    }

    /// An auditor's command that reads the programme from the chain alone: `quittance prepaid …`. The inner result is what it
    /// says.
    ///
    /// # Errors
    /// The program can't be run.
    pub async fn audit(
        &self,
        options: &Options,
        url: &str,
        arguments: &[&str],
    ) -> anyhow::Result<Result<Value, String>> {
        let mut command = quittance(options);
        command.arg("prepaid").args(arguments).args(["--url", url, "--json"]);
        command.args(["--issuer", &self.issuer.member.to_string()]);
        command.arg("--deployment").arg(&self.file);
        command.arg("--bundles").arg(&options.bundles);
        let output = command.output().await?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            return Ok(Err(String::from_utf8_lossy(&said).into_owned()));
        }
        Ok(Ok(serde_json::from_slice(&output.stdout)?))
    }
}

impl Terminal {
    /// Has the program do something, and tells what it said. `each` is told of every line as it comes.
    ///
    /// # Errors
    /// The program can't be run, or prints no JSON.
    pub async fn run(&self, what: &str, arguments: &[&str], each: &(dyn Fn() + Sync)) -> anyhow::Result<Said> {
        let mut command = self.command(what);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut said = Vec::new();
        while let Some(line) = lines.next_line().await? {
            said.push(serde_json::from_str(&line).with_context(|| format!("{what} printed {line:?}"))?);
            each();
        }
        let output = child.wait_with_output().await?;
        Ok(Said {
            code: output.status.code(),
            lines: said,
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// As [`Terminal::run`], where it must end well.
    ///
    /// # Errors
    /// As there, or it didn't.
    pub async fn done(&self, what: &str, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
        let said = self.run(what, arguments, &|| ()).await?;
        if said.code != Some(0) {
            bail!("quittance terminal {what}: {:?}: {}", said.code, said.errors);
        }
        Ok(said.lines)
    }

    /// The program, to be started otherwise.
    pub fn command(&self, what: &str) -> Command {
        let mut command = quittance(&self.options);
        command.args(["terminal", what, "--json", "--dir"]).arg(&self.directory);
        command
    }
}
