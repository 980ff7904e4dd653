//! `quittance prepaid report`: what a regulator sees of a card programme, from the chain alone (S4.5).
use std::io::Write;

use clap::Parser;
use protocol::{Amount, Timestamp};

use super::onchain::{failed, render, OnChain, Programme, Range};
use crate::{
    cli::render::{bar, json},
    prepaid::report::{coverage, csv, Bound, Coverage, Parameters, Report, Span},
};

const EXAMPLES: &str = "\
Examples:
  quittance prepaid report --issuer 2
  quittance prepaid report --issuer 2 --from 2026-12-01 --to 2027-01-01 --csv > december.csv
  quittance prepaid report --issuer 2 --from 4711 --to 4800 --every-block --json
  quittance prepaid report --issuer 2 --velocity-payments 5 --velocity-minutes 1 --top-up-threshold 15000

Sums and patterns are of the range, what stands is as it stands after the range's last block. The float is looked up on the
chain after the last block and after each block of the range that changed it; with --every-block after every block.

A pattern is no proof of anything: it calls for a look. Velocity: so many payments of one card within the time. Structuring:
so many top-ups, or payments, of one holder, over all of the holder's cards, each just below the threshold. Amounts are
integers in the asset's smallest unit.

The exit code is 1 where the float was not covered, or the chain contradicts itself.";

/// Shows totals, the float's coverage and what calls for a look.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    range: Range,
    #[command(flatten)]
    patterns: Patterns,
    /// Look at the float after every block of the range.
    #[arg(long)]
    every_block: bool,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
    /// A row for each total and each finding.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// What calls for a look.
#[derive(Debug, clap::Args)]
struct Patterns {
    /// Velocity: so many payments of one card.
    #[arg(long, value_name = "COUNT", default_value_t = Parameters::default().velocity_payments)]
    velocity_payments: u32,
    /// Velocity: within less than so many minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 10)]
    velocity_minutes: u64,
    /// Structuring: so many top-ups, or payments, of one holder.
    #[arg(long, value_name = "COUNT", default_value_t = Parameters::default().structuring_count)]
    structuring_count: u32,
    /// Structuring: within less than so many hours.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    structuring_hours: u64,
    /// Structuring: the threshold of top-ups; the programme's limit for a card's balance if it isn't said.
    #[arg(long, value_name = "AMOUNT")]
    top_up_threshold: Option<Amount>,
    /// Structuring: the threshold of payments; the programme's limit for one payment if it isn't said.
    #[arg(long, value_name = "AMOUNT")]
    payment_threshold: Option<Amount>,
    /// Structuring: just below is less than the threshold by at most so many hundredths of it.
    #[arg(long, value_name = "PERCENT", default_value_t = Parameters::default().below_percent)]
    below_percent: u32,
}

impl Patterns {
    fn parameters(&self) -> Parameters {
        const MINUTE: Timestamp = 60_000;
        Parameters {
            velocity_payments: self.velocity_payments,
            velocity_within: self.velocity_minutes.saturating_mul(MINUTE),
            structuring_count: self.structuring_count,
            structuring_within: self.structuring_hours.saturating_mul(60 * MINUTE),
            top_up_threshold: self.top_up_threshold,
            payment_threshold: self.payment_threshold,
            below_percent: self.below_percent,
        }
    }
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let span = self.range.span();
        let programme = self.chain.read(span.to).await?;
        let coverage = covered(&programme, &span, self.every_block).await?;
        let Programme {
            subject, until, book, ..
        } = programme;
        let report = Report::of(&book, subject, until, span, self.patterns.parameters(), coverage);
        if self.json {
            json(&report)?;
        } else if self.csv {
            std::io::stdout().write_all(csv::report(&report)?.as_bytes())?;
        } else {
            render::report(&report);
        }
        let (short, wrong) = (report.coverage.shortfalls.len(), report.mismatches.len());
        anyhow::ensure!(
            short == 0 && wrong == 0,
            "the float was not covered, or not as the events lead to, after {short} block(s), and {wrong} value(s) in events \
             don't follow from the events before"
        );
        Ok(())
    }
}

/// The float after the last block, and after those of the span that changed it, or after every one.
pub(super) async fn covered(programme: &Programme, span: &Span, every_block: bool) -> anyhow::Result<Coverage> {
    let last = programme.until.number;
    let changed = programme.book.float_changes(span);
    let blocks: Vec<u32> = if every_block {
        let first = match span.from {
            Some(Bound::Block(block)) => Some(block),
            Some(Bound::Time(time)) => programme.past.first_since(time).await.map_err(failed)?,
            None => None,
        };
        // Before the first event there is no contract to ask.
        let made = programme.book.float_changes(&Span::default()).first().copied();
        let first = first.unwrap_or(0).max(made.unwrap_or(last));
        (first..=last).collect()
    } else {
        let earlier = changed.into_iter().filter(|block| *block < last);
        earlier.chain([last]).collect()
    };
    let bar = bar("looking at the float")?;
    bar.set_length(u64::try_from(blocks.len()).unwrap_or(u64::MAX));
    let coverage = coverage::check(&programme.past, &programme.book, blocks, &|| bar.inc(1)).await;
    bar.finish_and_clear();
    coverage.map_err(failed)
}
