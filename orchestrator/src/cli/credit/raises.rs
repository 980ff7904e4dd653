//! `quittance credit raise` and `decide`: payers' wishes for a higher limit.
use clap::Parser;
use protocol::{credit::Raise, text::to_hex, AccountId, Amount};

use super::{account, digest, render, InAsset, OnChain, Output, Write};
use crate::http::credit::raises::DecideRequest;

const DECIDE_EXAMPLES: &str = "\
Examples:
  quittance credit raise --chain 0x57…8f --payer 5Grw…      what it wishes, and the evidence's digest
  quittance credit decide --chain 0x57…8f --payer 5Grw… --grant 8000 --evidence minutes.txt
  quittance credit decide --chain 0x57…8f --payer 5Grw… --deny --evidence minutes.txt

What is granted, more or less than the payer wishes, is the institution's limit from then on.
The sha256 of what it was decided from stands on the chain beside it.";

/// Shows a payer's latest wish for a higher limit, and what came of it.
#[derive(Debug, Parser)]
pub(super) struct Show {
    #[command(flatten)]
    chain: OnChain,
    /// Whose: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    payer: AccountId,
    #[command(flatten)]
    asset: InAsset,
    #[command(flatten)]
    output: Output,
}

/// Grants a payer's open wish, or denies it.
#[derive(Debug, Parser)]
#[command(after_help = DECIDE_EXAMPLES)]
pub(super) struct Decide {
    #[command(flatten)]
    chain: OnChain,
    /// Whose wish: the payer's account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    payer: AccountId,
    #[command(flatten)]
    asset: InAsset,
    /// The limit from now on, in the asset's smallest unit; above the present one.
    #[arg(long, value_name = "AMOUNT", required_unless_present = "deny")]
    grant: Option<Amount>,
    /// No higher limit.
    #[arg(long, conflicts_with = "grant")]
    deny: bool,
    /// What it was decided from: a file, or a digest as 0x and 64 hex digits.
    #[arg(long, value_name = "FILE|HEX")]
    evidence: String,
    #[command(flatten)]
    write: Write,
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (payer, asset) = (to_hex(&self.payer.0), self.asset.asset);
        let path = self.chain.path(&format!("raises?payer={payer}&asset={asset}"));
        self.output.show(&path, |raise: &Raise| render::raise(raise)).await
    }
}

impl Decide {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = DecideRequest {
            payer: self.payer,
            asset: self.asset.asset.0,
            granted: self.grant,
            digest: digest(&self.evidence)?,
        };
        self.write.act(&self.chain.path("raises/decide"), &body).await
    }
}
