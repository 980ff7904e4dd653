//! `quittance terminal`: a merchant's terminal that takes prepaid cards (S4.3).
use std::{io, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use super::{Declined, Unavailable};
use crate::{
    peers::client::Failure,
    prepaid::messages::OrderAnswer,
    terminal::{disk::DiskError, receipt::word, Receipt, Sent, Till, TillError, Trouble},
};

mod list;
mod pay;
mod render;
mod setup;
mod shift;

const EXAMPLES: &str = "\
A terminal is a directory: its key, what it is set up with, what waits, and its receipts. Once:
  quittance terminal new till-1                 makes the key; the card issuer registers what is printed
  quittance terminal setup --dir till-1 --acquirer https://bank.example --issuer 3 --merchant 12 \\
    --floor-limit 50 --offline-bound 500        asks the merchant's acquirer where orders go

Then, with --dir till-1 or QUITTANCE_TERMINAL=till-1:
  quittance terminal pay --card card.json --amount 250             and waits for the issuer's answer
  quittance terminal pay --card card.json --amount 30 --offline    up to the floor limit, not confirmed
  quittance terminal send                       sends what waits: offline payments, and what a crash left
  quittance terminal void 7/3                   undoes a payment whose cycle is still open
  quittance terminal refund 7/3 --amount 100    gives a payment back, or a part of it
  quittance terminal shift --file sales.csv     many payments, one after the other
  quittance terminal receipts                   what became of everything

What is signed is on disk before it is sent. If this or the acquirer's machine dies, the same order is
sent again (by the next command, or by `send`) and gets the same answer: nothing is taken twice.

Exit codes: 0 approved, given back, or taken offline as told; 1 failed, or the acquirer doesn't take it;
2 wrong usage; 3 kept without an answer: run `send` later; 4 declined. With several orders, the first of
1, 3 and 4 that applies to any.

The password of the terminal's key comes from QUITTANCE_KEY_PASSWORD, that of the card (its PIN) from
QUITTANCE_CARD_PASSWORD; else they are asked for.";

/// A merchant's terminal that takes prepaid cards.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a terminal's key; prints what the card issuer registers.
    New(setup::New),
    /// Asks the acquirer about the card issuer, and writes what the terminal needs.
    Setup(setup::Setup),
    /// Shows the terminal's public key and what it is set up with; needs no password.
    Show(setup::Show),
    /// Takes a payment.
    Pay(pay::Pay),
    /// Takes many payments, one after the other.
    Shift(shift::Shift),
    /// Sends what waits.
    Send(pay::Send),
    /// Undoes a payment of a cycle that is still open.
    Void(pay::Void),
    /// Gives a payment back, or a part of it, whatever cycle it is in.
    Refund(pay::Refund),
    /// Gives up an order that expired without a final answer.
    Drop(pay::DropOrder),
    /// Lists what has a final answer.
    Receipts(list::Receipts),
    /// Lists what has none.
    Queue(list::Queue),
}

/// Which terminal.
#[derive(Debug, clap::Args)]
struct At {
    /// The terminal's directory.
    #[arg(long, env = "QUITTANCE_TERMINAL", value_name = "DIR")]
    dir: PathBuf,
    /// JSON, a line for each receipt.
    #[arg(long)]
    json: bool,
}

/// A terminal that asks.
#[derive(Debug, clap::Args)]
struct Asking {
    #[command(flatten)]
    at: At,
    /// How long an answer is waited for; as it is set up if it isn't said. 0: asks once.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u32>,
}

/// Runs the command.
///
/// # Errors
/// Something can't be used or kept, or an order isn't approved.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // Standard output is for receipts. A log that somebody else has set up is as good.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .try_init();
    match args.command {
        Command::New(args) => args.run(),
        Command::Setup(args) => args.run().await,
        Command::Show(args) => args.run(),
        Command::Pay(args) => args.run().await,
        Command::Shift(args) => args.run().await,
        Command::Send(args) => args.run().await,
        Command::Void(args) => args.run().await,
        Command::Refund(args) => args.run().await,
        Command::Drop(args) => args.run(),
        Command::Receipts(args) => args.run(),
        Command::Queue(args) => args.run(),
    }
}

impl At {
    fn open(&self, patience: Option<Duration>) -> anyhow::Result<Till> {
        let till = Till::open(&self.dir, patience).map_err(|error| match error {
            TillError::Disk(DiskError::Busy(_)) => Unavailable(error.to_string()).into(),
            error => anyhow::Error::from(error),
        })?;
        for damaged in till.queue().damaged() {
            eprintln!(
                "warning: {} can't be read, it is passed over: it held a signed order; ask the acquirer what became of it",
                damaged.display()
            );
        }
        Ok(till)
    }

    fn print(&self, receipt: &Receipt) -> anyhow::Result<()> {
        if self.json {
            return super::render::json(receipt);
        }
        println!("{}", render::receipt(receipt));
        Ok(())
    }
}

impl Asking {
    fn open(&self) -> anyhow::Result<Till> {
        self.at
            .open(self.wait.map(|seconds| Duration::from_secs(seconds.into())))
    }

    /// The terminal, once it has asked about what a crash or a broken line left. That is told on standard error: standard
    /// output is for what the command is about.
    async fn open_and_catch_up(&self) -> anyhow::Result<Till> {
        let mut till = self.open()?;
        for sent in till.catch_up().await? {
            eprintln!("from before: {}", render::receipt(&Receipt::from(&sent)));
        }
        Ok(till)
    }

    /// Prints what came of an order, and judges it.
    fn end(&self, sent: &Sent) -> anyhow::Result<()> {
        self.at.print(&sent.into())?;
        judge([sent])
    }
}

/// What the exit code tells: the worst of all.
fn judge<'a>(all: impl IntoIterator<Item = &'a Sent>) -> anyhow::Result<()> {
    let (mut refused, mut unanswered, mut declined) = (Vec::new(), Vec::new(), Vec::new());
    for sent in all {
        let number = sent.entry.number;
        match (&sent.trouble, sent.entry.answer()) {
            (Some(trouble @ Trouble::Failed(Failure::Rejected { .. })), _) => {
                refused.push(format!("receipt {number} is kept; {trouble}"));
            }
            (Some(trouble), _) => unanswered.push(format!("receipt {number} is kept without an answer; {trouble}")),
            (None, Some(OrderAnswer::Declined { code, reason })) => {
                declined.push(format!("receipt {number}: declined, {}: {reason}", word(*code)));
            }
            (None, _) => {}
        }
    }
    if !refused.is_empty() {
        anyhow::bail!("{}", few(&refused));
    }
    if !unanswered.is_empty() {
        return Err(Unavailable(format!("{}; run `quittance terminal send` later", few(&unanswered))).into());
    }
    if !declined.is_empty() {
        return Err(Declined(few(&declined)).into());
    }
    Ok(())
}

/// The first of several.
fn few(all: &[String]) -> String {
    let first = all.first().cloned().unwrap_or_default();
    match all.len().saturating_sub(1) {
        0 => first,
        others => format!("{first} (and {others} more)"),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
