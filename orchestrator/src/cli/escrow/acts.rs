//! `quittance escrow decline`, `confirm`, `cancel`, `dispute` and `rule`: decisions about a trade.
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;
use protocol::{AgreementId, Amount};
use serde::Serialize;

use super::{render, Output, Write};
use crate::{
    cli::render::json,
    http::escrow::{
        acts::{ConfirmRequest, DeclineRequest, DisputeRequest, RuleRequest},
        trades::TradeView,
    },
};

const CONFIRM_EXAMPLES: &str = "\
Examples:
  The buyer has the goods. Its secret is revealed: its bond comes back, and the seller is paid:
    quittance escrow confirm 0xTRADE

  The seller delivered. If the buyer doesn't confirm in time, this goes to the arbiter by itself:
    quittance escrow confirm 0xTRADE --evidence reading.txt";

const DISPUTE_EXAMPLES: &str = "\
Examples:
  quittance escrow dispute 0xTRADE --evidence reading.txt

The arbiter is called once the buyer's time to confirm is over, if it didn't until then. The
evidence goes to the arbiter and to the other party, its digest on chain, so it can't be changed
any more. Each party files once.";

const RULE_EXAMPLES: &str = "\
Examples:
  quittance escrow show 0xTRADE                     what was agreed on, and the evidence of both
  quittance escrow rule 0xTRADE --to-seller 1200    the buyer gets the rest of price and bonds

The first decision counts, and only before the ruling's deadline.";

/// Says no to a proposal that was received.
#[derive(Debug, Parser)]
pub(super) struct Decline {
    /// The trade's id.
    trade: AgreementId,
    /// Why, for people there.
    #[arg(long, value_name = "TEXT", default_value = "not wanted")]
    reason: String,
    #[command(flatten)]
    write: Write,
}

/// The buyer has the goods and pays, or the seller says that it delivered.
#[derive(Debug, Parser)]
#[command(after_help = CONFIRM_EXAMPLES)]
pub(super) struct Confirm {
    /// The trade's id.
    trade: AgreementId,
    /// A text file that proves it, at most 32 KiB; a seller must give one.
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    #[command(flatten)]
    write: Write,
}

/// Signs that this institution would call the deal off. Once the other party did too, each gets back what it paid in.
#[derive(Debug, Parser)]
pub(super) struct Cancel {
    /// The trade's id.
    trade: AgreementId,
    #[command(flatten)]
    write: Write,
}

/// Has the arbiter called, or answers the other party's evidence.
#[derive(Debug, Parser)]
#[command(after_help = DISPUTE_EXAMPLES)]
pub(super) struct Dispute {
    /// The trade's id.
    trade: AgreementId,
    /// A text file, at most 32 KiB.
    #[arg(long, value_name = "FILE")]
    evidence: PathBuf,
    #[command(flatten)]
    write: Write,
}

/// As the arbiter, splits the money.
#[derive(Debug, Parser)]
#[command(after_help = RULE_EXAMPLES)]
pub(super) struct Rule {
    /// The trade's id.
    trade: AgreementId,
    /// What the seller gets of price and both bonds, in the asset's smallest unit; the buyer gets the rest.
    #[arg(long, value_name = "AMOUNT")]
    to_seller: Amount,
    #[command(flatten)]
    write: Write,
}

impl Decline {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let request = DeclineRequest { reason: self.reason };
        act(&self.write, self.trade, "decline", &request).await
    }
}

impl Confirm {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let evidence = self.evidence.as_deref().map(read).transpose()?;
        act(&self.write, self.trade, "confirm", &ConfirmRequest { evidence }).await
    }
}

impl Cancel {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        act(&self.write, self.trade, "cancel", &serde_json::json!({})).await
    }
}

impl Dispute {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let evidence = read(&self.evidence)?;
        act(&self.write, self.trade, "dispute", &DisputeRequest { evidence }).await
    }
}

impl Rule {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let request = RuleRequest {
            to_seller: self.to_seller,
        };
        act(&self.write, self.trade, "rule", &request).await
    }
}

async fn act(write: &Write, trade: AgreementId, what: &str, request: &impl Serialize) -> anyhow::Result<()> {
    let path = format!("{}/{what}", super::trade_path(trade));
    let trade: TradeView = write.post(&path, request).await?;
    show(&write.output, &trade)
}

pub(super) fn show(output: &Output, trade: &TradeView) -> anyhow::Result<()> {
    if output.json {
        return json(trade);
    }
    println!("{}", render::trade(trade));
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("the evidence {} can't be read as text", path.display()))
}
