//! `quittance prepaid verify`: an auditor recomputes everything that a prepaid contract keeps, from the chain alone (S4.4).
use clap::Parser;
use serde::Serialize;

use super::{
    onchain::{failed, OnChain, Range},
    report::covered,
};
use crate::{
    chain::deployment::to_ss58,
    cli::render::{self, bar},
    prepaid::{
        book::Mismatch,
        past::BookBlock,
        report::Shortfall,
        statements::Subject,
        verify::{compare, things},
    },
};

const EXAMPLES: &str = "\
Examples:
  quittance prepaid verify --issuer 2
  quittance prepaid verify --issuer 2 --to 4711 --every-block
  quittance prepaid verify --issuer 2 --json

Reads every event of the contract from its first block on, from a node that keeps all states (--state-pruning archive);
judges every payment anew, as far as that needs no signature; recomputes every balance, statement and float by the rules; and
compares that with each verdict, each statement and everything that the contract keeps after the last block, and the float
with what the contract said and its account had, after each block that changed it, or with --every-block after every one.
Prints OK, or what differs and exits with 1.";

/// Recomputes everything that the contract keeps.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    range: Range,
    /// Look at the float after every block of the range.
    #[arg(long)]
    every_block: bool,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Serialize)]
struct Outcome {
    subject: Subject,
    until: BookBlock,
    /// How many things of the contract's storage were compared, and after how many blocks the float.
    compared: u64,
    blocks: u64,
    mismatches: Vec<Mismatch>,
    shortfalls: Vec<Shortfall>,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let span = self.range.span();
        let programme = self.chain.read(span.to).await?;
        let until = programme.until;
        let storage = programme.past.storage_at(until);
        let compared = things(&programme.book);
        let bar = bar("comparing what is kept")?;
        bar.set_length(compared);
        let mismatches = compare(&programme.book, &storage, until.number, &|count| bar.inc(count)).await;
        bar.finish_and_clear();
        let coverage = covered(&programme, &span, self.every_block).await?;
        let outcome = Outcome {
            subject: programme.subject,
            until,
            compared,
            blocks: coverage.blocks,
            mismatches: mismatches.map_err(failed)?,
            shortfalls: coverage.shortfalls,
        };
        if self.json {
            render::json(&outcome)?;
        } else {
            show(&outcome);
        }
        let findings = outcome.mismatches.len().saturating_add(outcome.shortfalls.len());
        anyhow::ensure!(findings == 0, "the chain contradicts itself in {findings} point(s)");
        Ok(())
    }
}

fn show(outcome: &Outcome) {
    for mismatch in &outcome.mismatches {
        println!("{mismatch}");
    }
    for short in &outcome.shortfalls {
        println!("{}", shortfall(short));
    }
    if outcome.mismatches.is_empty() && outcome.shortfalls.is_empty() {
        println!(
            "OK: all {} values that the contract {} keeps after block {} ({}) follow from its events, and the float was \
             covered after each of {} block(s)",
            outcome.compared,
            to_ss58(&outcome.subject.contract),
            outcome.until.number,
            protocol::text::to_hex(&outcome.until.hash),
            outcome.blocks
        );
    }
}

/// A shortfall in a sentence.
pub(super) fn shortfall(short: &Shortfall) -> String {
    format!(
        "float after block {}: the contract says {} of cards and {} of merchants and has {}, the events lead to {} and {}",
        short.block, short.said.cards, short.said.merchants, short.has, short.expected.cards, short.expected.merchants
    )
}
