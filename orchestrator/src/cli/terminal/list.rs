//! `quittance terminal receipts` and `queue`. They ask nobody, and work while the terminal is in use.
use clap::Parser;

use super::At;
use crate::{
    cli::render,
    terminal::{
        queue::{self, Listed},
        Receipt,
    },
};

const EXAMPLES: &str = "\
Examples:
  quittance terminal receipts --dir till-1                a line each
  quittance terminal receipts --dir till-1 --number 17    one in full, to print it again
  quittance terminal receipts --dir till-1 --json         for machines

The files in DIR/receipts can be moved to an archive; the terminal then no longer knows their names and payments.";

/// Lists what has a final answer.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Receipts {
    #[command(flatten)]
    at: At,
    /// Only this one, in full.
    #[arg(long)]
    number: Option<u64>,
}

/// Lists what has none.
#[derive(Debug, Parser)]
pub(super) struct Queue {
    #[command(flatten)]
    at: At,
}

impl Receipts {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let listed = queue::receipts(&self.at.dir)?;
        let Some(number) = self.number else {
            return show(&self.at, &listed);
        };
        match listed.entries.get(&number) {
            Some(entry) => self.at.print(&entry.into()),
            None => {
                anyhow::bail!("there is no receipt {number}: see `quittance terminal queue` for what isn't answered")
            }
        }
    }
}

impl Queue {
    pub(super) fn run(self) -> anyhow::Result<()> {
        show(&self.at, &queue::waiting(&self.at.dir)?)
    }
}

fn show(at: &At, listed: &Listed) -> anyhow::Result<()> {
    for damaged in &listed.damaged {
        eprintln!("warning: {} can't be read", damaged.display());
    }
    let receipts = listed.entries.values().map(Receipt::from);
    if at.json {
        return receipts.into_iter().try_for_each(|receipt| render::json(&receipt));
    }
    let mut table = render::table([
        "receipt", "at", "name", "kind", "payment", "amount", "moved", "state", "code",
    ]);
    for receipt in receipts {
        let amount = |amount: Option<_>| amount.map_or_else(String::new, |amount: protocol::Amount| amount.to_string());
        table.add_row([
            receipt.number.to_string(),
            render::moment(receipt.answered_at.unwrap_or(receipt.signed_at)),
            receipt.name.unwrap_or_default(),
            super::render::kind(receipt.kind).to_owned(),
            format!("{}/{}", receipt.card.0, receipt.counter),
            amount(receipt.amount),
            amount(receipt.moved),
            super::render::state(receipt.state).to_owned(),
            receipt.code.map_or_else(String::new, crate::terminal::receipt::word),
        ]);
    }
    println!("{table}");
    Ok(())
}
