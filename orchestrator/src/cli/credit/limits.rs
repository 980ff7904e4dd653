//! `quittance credit limits`, `set-limit`, `freeze` and `unfreeze`: how much payers may owe.
use clap::Parser;
use protocol::{credit::Limits, text::to_hex, AccountId, Amount};

use super::{account, digest, render, InAsset, OnChain, Output, Write};
use crate::http::credit::limits::{NodeLimitRequest, PayerRequest};

const SET_EXAMPLES: &str = "\
Examples:
  quittance credit set-limit --chain 0x57…8f --payer 5Grw… --limit 5000 --evidence score.json
  quittance credit set-limit --chain 0x57…8f --payer 5Grw… --limit 0 --evidence 0x6b…d0

The limit is for what is reserved and owed together, over all payees. Below that, nothing new
fits; repayments pass. The evidence's sha256 stands on the chain beside the limit.";

/// Shows the payee's and the institution's limit for a payer, and how much of each is taken.
#[derive(Debug, Parser)]
pub(super) struct Show {
    #[command(flatten)]
    chain: OnChain,
    /// Who would owe: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    payer: AccountId,
    /// Who would be paid: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    payee: AccountId,
    #[command(flatten)]
    asset: InAsset,
    #[command(flatten)]
    output: Output,
}

/// Says how much a payer may owe to the institution, over all payees.
#[derive(Debug, Parser)]
#[command(after_help = SET_EXAMPLES)]
pub(super) struct Set {
    #[command(flatten)]
    chain: OnChain,
    /// Who may owe: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    payer: AccountId,
    #[command(flatten)]
    asset: InAsset,
    /// How much, in the asset's smallest unit.
    #[arg(long, value_name = "AMOUNT")]
    limit: Amount,
    /// What that was computed from: a file, or a digest as 0x and 64 hex digits.
    #[arg(long, value_name = "FILE|HEX")]
    evidence: String,
    #[command(flatten)]
    write: Write,
}

/// Takes nothing new of a payer in any asset, or takes its requests again.
#[derive(Debug, Parser)]
pub(super) struct Freeze {
    #[command(flatten)]
    chain: OnChain,
    /// Whose: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    payer: AccountId,
    #[command(flatten)]
    write: Write,
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (payer, payee, asset) = (to_hex(&self.payer.0), to_hex(&self.payee.0), self.asset.asset);
        let path = self
            .chain
            .path(&format!("limits?payer={payer}&payee={payee}&asset={asset}"));
        self.output.show(&path, |limits: &Limits| render::limits(limits)).await
    }
}

impl Set {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = NodeLimitRequest {
            payer: self.payer,
            asset: self.asset.asset.0,
            limit: self.limit,
            evidence: digest(&self.evidence)?,
        };
        self.write.act(&self.chain.path("node-limits"), &body).await
    }
}

impl Freeze {
    pub(super) async fn run(self, what: &str) -> anyhow::Result<()> {
        let body = PayerRequest { payer: self.payer };
        self.write.act(&self.chain.path(what), &body).await
    }
}
