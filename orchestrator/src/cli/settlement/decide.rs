//! `quittance settlement decide`: agrees to a decision in a notary's name.
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Parser, Subcommand};
use protocol::{
    clearing::Current, decisions::Decision, disputes::Ruling, fees::FeeRule, settlement::Asset, AccountId, Amount,
    Member, Timestamp, VoucherId,
};
use reqwest::Method;
use serde::Deserialize;
use uuid::Uuid;

use super::{decisions::show, Output};
use crate::{
    cli::list::member,
    http::decisions::{DecisionRequest, DecisionView},
};

const EXAMPLES: &str = "\
Examples:
  quittance settlement decide fees fees.toml
  quittance settlement decide cap 3 250000
  quittance settlement decide close-window --wait
  quittance settlement decide take-out 7 0x7c…e1 0x90…2d
  quittance settlement decide rule 0x7c…e1 reverse
  quittance settlement decide rule 0x7c…e1 partial --amount 1200

It is carried out once as many notaries agreed as the registry asks for, each at its own service: the same decision
under the same number. Its number and expiry are those that another notary proposed, if one did.

A fee schedule as TOML (or the same as JSON), amounts in the asset's smallest unit:
  [[rules]]
  service = \"Purchase\"          # or CashWithdrawal, CashDeposit, SecuritiesTransfer, CreditTransfer, Refund
  asset = \"Native\"
  payee = \"Originator\"          # or Others: each of the other destinations
  flat = \"10\"
  parts_per_million = 2500      # of the payment's amount
  at_most = \"1000\"";

/// How long `--wait` waits at a time, in seconds.
const WAIT_SECONDS: u64 = 60;

/// Agrees to a decision in a notary's name.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    /// The number of decisions before it on chain, as other notaries see it; the next one if it isn't said.
    #[arg(long, global = true)]
    number: Option<u32>,
    /// Until when the approval is good, in milliseconds since 1970; as another notary proposed if it isn't said, else an
    /// hour or two.
    #[arg(long, value_name = "TIME", global = true)]
    expires_at: Option<Timestamp>,
    /// Wait up to a minute for the other notaries.
    #[arg(long, global = true)]
    wait: bool,
    /// Names the wish: the same wish under the same key is one decision. A new key if it isn't said.
    #[arg(long, value_name = "KEY", global = true)]
    idempotency_key: Option<String>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Publishes the next fee schedule.
    Fees {
        /// The schedule, as TOML or JSON.
        file: PathBuf,
        #[command(flatten)]
        output: Output,
    },
    /// Says how far a member may go negative, over all windows that are not paid.
    Cap {
        /// Whose.
        #[arg(value_parser = member)]
        member: Member,
        /// How far, in the asset's smallest unit.
        cap: Amount,
        /// A PSP22 token's contract; the native token if it isn't said.
        #[arg(long, value_name = "HEX", value_parser = protocol::text::from_hex::<32>)]
        token: Option<[u8; 32]>,
        #[command(flatten)]
        output: Output,
    },
    /// Closes the open window, opens the next, and pays the closed one if everybody can.
    CloseWindow {
        /// Its number; the open one's if it isn't said.
        window: Option<u32>,
        #[command(flatten)]
        output: Output,
    },
    /// Takes vouchers out of a window that could not be paid: their debtors pay them one by one.
    TakeOut {
        /// The window's number.
        window: u32,
        /// The vouchers, 1 to 64.
        #[arg(required = true)]
        vouchers: Vec<VoucherId>,
        #[command(flatten)]
        output: Output,
    },
    /// Ends a dispute.
    Rule {
        /// The voucher.
        voucher: VoucherId,
        /// How.
        #[arg(value_enum)]
        ruling: RulingName,
        /// Of a partial ruling: how much goes back.
        #[arg(long, required_if_eq("ruling", "partial"))]
        amount: Option<Amount>,
        /// The place of the contested obligation in the relation: 0 is the principal, then the fees.
        #[arg(long, default_value_t = 0)]
        obligation: u8,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum RulingName {
    /// The obligation stands.
    Uphold,
    /// All that is claimed goes back.
    Reverse,
    /// A part goes back: give --amount.
    Partial,
}

/// A fee schedule's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schedule {
    rules: Vec<FeeRule>,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (decision, output) = self.what.read().await?;
        let api = output.service.client()?;
        let request = DecisionRequest {
            decision,
            number: self.number,
            expires_at: self.expires_at,
        };
        let key = self.idempotency_key.unwrap_or_else(|| Uuid::now_v7().to_string());
        let answer = api.write(Method::POST, "/v1/decisions", &key, &request).await?;
        let mut view: DecisionView = answer.json().await?;
        if self.wait {
            let path = format!("/v1/decisions/{}?wait_seconds={WAIT_SECONDS}", view.id);
            view = api.get(&path).await?;
        }
        show(&view, output.json)
    }
}

impl What {
    async fn read(self) -> anyhow::Result<(Decision, Output)> {
        Ok(match self {
            What::Fees { file, output } => (Decision::SetFees(rules(&file)?), output),
            What::Cap {
                member,
                cap,
                token,
                output,
            } => {
                let asset = token.map_or(Asset::Native, |token| Asset::Psp22(AccountId(token)));
                (Decision::SetCap { member, asset, cap }, output)
            }
            What::CloseWindow { window, output } => {
                let window = match window {
                    Some(window) => window,
                    None => output.service.client()?.get::<Current>("/v1/current").await?.window,
                };
                (Decision::CloseWindow(window), output)
            }
            What::TakeOut {
                window,
                vouchers,
                output,
            } => (Decision::TakeOut { window, vouchers }, output),
            What::Rule {
                voucher,
                ruling,
                amount,
                obligation,
                output,
            } => {
                let ruling = match (ruling, amount) {
                    (RulingName::Uphold, None) => Ruling::Uphold,
                    (RulingName::Reverse, None) => Ruling::Reverse,
                    (RulingName::Partial, Some(amount)) => Ruling::Partial(amount),
                    _ => anyhow::bail!("--amount belongs to a partial ruling, and only to that"),
                };
                let decision = Decision::Rule {
                    voucher,
                    obligation,
                    ruling,
                };
                (decision, output)
            }
        })
    }
}

fn rules(file: &Path) -> anyhow::Result<Vec<FeeRule>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    let schedule: Schedule = if is_json {
        serde_json::from_str(&text).with_context(|| format!("{} is no fee schedule", file.display()))?
    } else {
        toml::from_str(&text).with_context(|| format!("{} is no fee schedule", file.display()))?
    };
    Ok(schedule.rules)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_fee_schedule_is_read_from_toml_and_json_alike() {
        let directory = tempfile::tempdir().unwrap();
        let toml = directory.path().join("fees.toml");
        let json = directory.path().join("fees.json");
        let text = EXAMPLES.split_once("[[rules]]").unwrap().1;
        std::fs::write(&toml, format!("[[rules]]{text}")).unwrap();
        let rule = r#"{"rules":[{"service":"Purchase","asset":"Native","payee":"Originator","flat":"10",
            "parts_per_million":2500,"at_most":"1000"}]}"#;
        std::fs::write(&json, rule).unwrap();
        assert_eq!(rules(&toml).unwrap(), rules(&json).unwrap());
        assert_eq!(rules(&toml).unwrap().len(), 1);
        std::fs::write(&toml, "[[rules]]\nservice = \"Gift\"").unwrap();
        assert!(rules(&toml).is_err());
    }
}
