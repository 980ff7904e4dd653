//! `quittance audit report`: a closed day's report, line by line against the chain (S3.5).
use std::{fs::File, io::BufReader, path::PathBuf};

use anyhow::Context;
use clap::Parser;
use protocol::{text::to_hex, AccountId};
use serde::Serialize;

use crate::{
    audit::report::{check, BookCount, Contracts, Outcome},
    chain::{
        deployment::{account, to_ss58},
        Chain, ChainProofs, Deployment,
    },
    cli::render,
    reconciliation::report::Report,
};

const EXAMPLES: &str = "\
Examples:
  quittance reconcile report 0 2026-11-25 --json > 2026-11-25.json
  quittance audit report 2026-11-25.json --url ws://127.0.0.1:9944 --deployment deployment.json
  quittance audit report 2026-11-25.json --url ws://127.0.0.1:9944 --contract 5F… --json

The node is asked which blocks are final, what happened in them, and what was cleared; nothing else is believed. Each entry is
proven against the state root of the report's block, so that it doesn't matter who wrote the report. That all entries of the
day are there follows from what the contract keeps of the day; that the lines of the two books are those that both sides
signed for, from the digests in the closing. All sums are made anew.

--deployment, or --contract, tells which contract is the right one: anybody can put another one on the chain. Events of old
blocks, and nothing else, need a node that keeps all states (--state-pruning archive).

Prints what is proven and exits with 0, or what is not as the report says and exits with 1. What couldn't be looked up is told.";

/// Checks the report of a closed day of a book.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The report as JSON.
    file: PathBuf,
    /// The node: ws://host:port or wss://host:port.
    #[arg(long, value_name = "URL")]
    url: String,
    /// What `quittance deploy` wrote.
    #[arg(long, value_name = "FILE")]
    deployment: Option<PathBuf>,
    /// The reconciliation contract, where there is no file of the deployment.
    #[arg(long, value_name = "ADDRESS", value_parser = account, conflicts_with = "deployment")]
    contract: Option<AccountId>,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

/// What was audited, and what came of it.
#[derive(Serialize)]
struct Audited<'a> {
    ok: bool,
    book: u32,
    date: &'a str,
    contract: String,
    block: u32,
    #[serde(with = "protocol::text::bytes")]
    block_hash: [u8; 32],
    entries: u32,
    corrections: u32,
    #[serde(with = "protocol::text::amount")]
    total: i128,
    #[serde(with = "protocol::text::amount")]
    payable: u128,
    #[serde(flatten)]
    outcome: &'a Outcome,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let report = read(&self.file)?;
        let chain = Chain::connect(&self.url).await?;
        let known = self.known(&chain)?;
        let outcome = check(&report, &ChainProofs::new(chain), known.as_ref()).await?;
        if self.json {
            let head = &report.head;
            render::json(&Audited {
                ok: outcome.is_well(),
                book: head.book.0,
                date: &head.date,
                contract: to_ss58(&head.contract),
                block: head.at.block,
                block_hash: head.at.hash,
                entries: head.record.entries,
                corrections: head.record.corrections,
                total: head.record.total,
                payable: head.closed.payable,
                outcome: &outcome,
            })?;
        } else {
            show(&report, &outcome);
        }
        anyhow::ensure!(
            outcome.is_well(),
            "{} thing(s) are not as the report says",
            outcome.count
        );
        Ok(())
    }

    fn known(&self, chain: &Chain) -> anyhow::Result<Option<Contracts>> {
        let Some(path) = &self.deployment else {
            return Ok(self.contract.map(|reconciliation| Contracts {
                reconciliation,
                clearing: None,
            }));
        };
        let deployment = Deployment::load(path)?;
        deployment.ensure_on(chain.genesis())?;
        Ok(Some(Contracts {
            reconciliation: deployment.contract("reconciliation")?.address,
            clearing: Some(deployment.contract("clearing")?.address),
        }))
    }
}

fn read(path: &std::path::Path) -> anyhow::Result<Report> {
    let file = File::open(path).with_context(|| format!("{} can't be read", path.display()))?;
    serde_json::from_reader(BufReader::new(file)).with_context(|| {
        format!(
            "{} is no report as JSON: `quittance reconcile report … --json` writes one",
            path.display()
        )
    })
}

fn show(report: &Report, outcome: &Outcome) {
    for flaw in &outcome.flaws {
        println!("{}: {}", flaw.code, flaw.detail);
    }
    for what in &outcome.unverified {
        println!("not verified: {what}");
    }
    if !outcome.is_well() {
        return;
    }
    let head = &report.head;
    println!(
        "OK: {} of book {}: {} entries and {} corrections come to {}, {} is payable{}",
        head.date,
        head.book.0,
        head.record.entries,
        head.record.corrections,
        head.record.total,
        head.closed.payable,
        if outcome.is_paid { " and paid" } else { "" },
    );
    println!(
        "{} entries are proven after block {} ({}) in the contract {}, and {} events stand where the report says",
        outcome.proven,
        head.at.block,
        to_hex(&head.at.hash),
        to_ss58(&head.contract),
        outcome.events
    );
    for (side, count) in [("debit", outcome.books.debit), ("credit", outcome.books.credit)] {
        if let Some(count) = count {
            println!("{}", book(side, count));
        }
    }
}

fn book(side: &str, count: BookCount) -> String {
    let BookCount { lines, booked, rounded } = count;
    let exactly = match rounded {
        0 => "to the unit".to_owned(),
        _ => format!("but for rounding in {rounded}"),
    };
    format!("the {side} side's book, as it was signed for: {booked} entries in {lines} lines, {exactly}")
}
