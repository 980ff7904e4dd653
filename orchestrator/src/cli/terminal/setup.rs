//! `quittance terminal new`, `setup` and `show`.
use std::path::PathBuf;

use clap::Parser;
use protocol::{prepaid::MerchantNumber, text::to_hex, Amount, Member};
use serde::Serialize;

use super::At;
use crate::{
    cli::{render, Unavailable},
    identity::keys,
    peers::client::Failure,
    terminal::{
        setup::{self, Choices, SetupError},
        Settings,
    },
};

const NEW_EXAMPLES: &str = "\
Example:
  quittance terminal new till-1

Makes the directory and, in it, key.json: a key that is encrypted with a password. The card issuer
registers the public key that is printed for the merchant, and revokes it when the terminal is lost.";

const SETUP_EXAMPLES: &str = "\
Examples:
  Merchant 12 takes the cards of issuer 3; its acquirer's certificate chains to bank-ca.pem:
    quittance terminal setup --dir till-1 --acquirer https://bank.example --ca bank-ca.pem \\
      --issuer 3 --merchant 12

  Payments up to 50 are taken offline too, until 500 aren't confirmed:
    quittance terminal setup --dir till-1 --acquirer https://bank.example --issuer 3 --merchant 12 \\
      --floor-limit 50 --offline-bound 500

Asks the acquirer once, and writes terminal.toml, which can be edited. Run it again to change what it says.";

/// Makes a terminal's key.
#[derive(Debug, Parser)]
#[command(after_help = NEW_EXAMPLES)]
pub(super) struct New {
    /// The terminal's directory; it is made if it isn't there.
    dir: PathBuf,
    /// Write the key without a password: whoever reads the file is the terminal.
    #[arg(long)]
    unencrypted: bool,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

/// Sets a terminal up.
#[derive(Debug, Parser)]
#[command(after_help = SETUP_EXAMPLES)]
pub(super) struct Setup {
    #[command(flatten)]
    at: At,
    /// The address of the merchant's acquirer: https://… (http only on this machine, to try things out).
    #[arg(long, value_name = "URL")]
    acquirer: String,
    /// The CA that the acquirer's certificate chains to, PEM; it is copied. Those of this machine if it isn't said.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The card issuer, by its index in the registry.
    #[arg(long, value_name = "MEMBER")]
    issuer: u16,
    /// The merchant that is paid, by its number in the programme.
    #[arg(long, value_name = "NUMBER")]
    merchant: u32,
    /// The most that is taken in one payment offline, in the asset's smallest unit. 0: nothing is.
    #[arg(long, value_name = "AMOUNT", default_value_t = 0)]
    floor_limit: Amount,
    /// The most that all payments may come to that aren't confirmed, for another one to be taken offline. Ten times the
    /// floor limit if it isn't said.
    #[arg(long, value_name = "AMOUNT")]
    offline_bound: Option<Amount>,
    /// How long a payment that is sent at once is valid.
    #[arg(long, value_name = "MINUTES", default_value_t = 10)]
    online_minutes: u32,
    /// How long a payment that is taken offline is valid.
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    offline_days: u32,
    /// How long an answer is waited for.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    wait: u32,
}

/// Shows a terminal.
#[derive(Debug, Parser)]
pub(super) struct Show {
    #[command(flatten)]
    at: At,
}

/// A terminal, for machines.
#[derive(Serialize)]
struct View {
    #[serde(with = "protocol::text::account")]
    terminal: protocol::AccountId,
    #[serde(flatten)]
    settings: Option<Settings>,
}

impl New {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let password = (!self.unencrypted).then(|| keys::new_password(keys::PASSWORD_VARIABLE));
        let terminal = setup::make(&self.dir, password.transpose()?)?;
        if self.json {
            let settings = None;
            return render::json(&View { terminal, settings });
        }
        println!("{} is made: keep it private.", self.dir.display());
        println!("public key  {}", to_hex(&terminal.0));
        println!("The card issuer registers this key for the merchant; then: quittance terminal setup");
        Ok(())
    }
}

impl Setup {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let choices = Choices {
            acquirer: self.acquirer,
            ca: self.ca,
            issuer: Member(self.issuer),
            merchant: MerchantNumber(self.merchant),
            floor_limit: self.floor_limit,
            offline_bound: self
                .offline_bound
                .unwrap_or_else(|| self.floor_limit.saturating_mul(10)),
            online_minutes: self.online_minutes,
            offline_days: self.offline_days,
            patience_seconds: self.wait,
        };
        let settings = setup::set_up(&self.at.dir, choices)
            .await
            .map_err(|error| match error {
                SetupError::Acquirer {
                    failure: Failure::Passing(_) | Failure::Unclear(_),
                    ..
                } => Unavailable(error.to_string()).into(),
                error => anyhow::Error::from(error),
            })?;
        show(&self.at, Some(settings))
    }
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<()> {
        show(&self.at, Settings::load(&self.at.dir).ok())
    }
}

fn show(at: &At, settings: Option<Settings>) -> anyhow::Result<()> {
    let terminal = setup::public_key(&at.dir)?;
    if at.json {
        return render::json(&View { terminal, settings });
    }
    let mut table = render::table(["terminal", &to_hex(&terminal.0)]);
    let Some(settings) = settings else {
        println!("{table}");
        println!("It isn't set up: see `quittance terminal setup --help`");
        return Ok(());
    };
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("merchant", settings.merchant.0.to_string());
    row("acquirer", settings.acquirer.clone());
    let ca = settings.ca.as_ref().map(|ca| ca.display().to_string());
    row("its CA", ca.unwrap_or_else(|| "those of this machine".to_owned()));
    row("card issuer", settings.issuer.to_string());
    row("genesis", to_hex(&settings.genesis));
    row("contract", crate::chain::deployment::to_ss58(&settings.contract));
    row("sealed to", settings.recipient.clone());
    row("floor limit", settings.floor_limit.to_string());
    row("offline bound", settings.offline_bound.to_string());
    row("valid online", format!("{} min", settings.online_minutes));
    row("valid offline", format!("{} d", settings.offline_days));
    row("waits", format!("{} s", settings.patience_seconds));
    println!("{table}");
    Ok(())
}
