//! `quittance terminal shift`: many payments, one after the other.
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Parser;
use comfy_table::Table;
use protocol::Amount;
use serde::{Deserialize, Serialize};

use super::{judge, pay, Asking};
use crate::{
    cli::render,
    terminal::{Card, Receipt, Sale, Sent, State, Till, TillError},
};

const EXAMPLES: &str = "\
Example:
  quittance terminal shift --dir till-1 --file sales.csv --name 2026-05-04

with sales.csv (least, offline and name may be left out or empty):
  card,amount,least,offline,name
  cards/7.json,250,,,
  cards/8.json,400,100,,
  cards/9.json,30,,true,basket-4711

With --name (or a name in the line) a shift that was killed is simply run again: each line is paid
once. A line without either is a new payment each time.";

/// Takes many payments.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Shift {
    #[command(flatten)]
    asking: Asking,
    /// CSV with the columns card (a file), amount, and least, offline, name.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// What you call this shift: a line without a name of its own is called NAME/line. The same name is paid once.
    #[arg(long)]
    name: Option<String>,
}

/// A line of the file.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    card: PathBuf,
    amount: Amount,
    #[serde(default)]
    least: Option<Amount>,
    #[serde(default)]
    offline: Option<bool>,
    #[serde(default)]
    name: Option<String>,
}

/// What came of a line, for machines.
#[derive(Serialize)]
#[serde(untagged)]
enum Done<'a> {
    Signed {
        line: usize,
        #[serde(flatten)]
        receipt: &'a Receipt,
    },
    Failed {
        line: usize,
        state: &'static str,
        reason: &'a str,
    },
}

/// What came of all, for people.
#[derive(Default)]
struct Summary {
    /// Count, sum asked for, sum taken.
    states: BTreeMap<State, (usize, Amount, Amount)>,
    /// Lines that came to nothing before anything was signed.
    failed: Vec<String>,
}

impl Shift {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let lines = read(&self.file)?;
        let mut till = self.asking.open_and_catch_up().await?;
        let mut cards = HashMap::new();
        let mut summary = Summary::default();
        let mut all = Vec::new();
        let bar = pay::bar(lines.len())?;
        for (line, number) in lines.into_iter().zip(1..) {
            bar.set_message(format!("{} at {}", line.amount, line.card.display()));
            match self.take(&mut till, &mut cards, line, number).await? {
                Ok(sent) => {
                    let receipt = Receipt::from(&sent);
                    summary.add(&receipt);
                    let done = Done::Signed {
                        line: number,
                        receipt: &receipt,
                    };
                    let text = super::render::receipt(&receipt);
                    bar.suspend(|| self.show(&done, &text))?;
                    all.push(sent);
                }
                Err(error) => {
                    let reason = format!("{error:#}");
                    let done = Done::Failed {
                        line: number,
                        state: "failed",
                        reason: &reason,
                    };
                    let text = format!("line {number}: {reason}");
                    bar.suspend(|| self.show(&done, &text))?;
                    summary.failed.push(text);
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        eprintln!("{}", summary.table());
        if !summary.failed.is_empty() {
            anyhow::bail!("{}", super::few(&summary.failed));
        }
        judge(&all)
    }

    /// The outer error ends the shift: what is signed can't be kept any more.
    async fn take(
        &self,
        till: &mut Till,
        cards: &mut HashMap<PathBuf, Card>,
        line: Line,
        number: usize,
    ) -> anyhow::Result<anyhow::Result<Sent>> {
        let card = match cards.entry(line.card) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => match pay::unlock(place.key()) {
                Ok(card) => place.insert(card),
                Err(error) => return Ok(Err(error.into())),
            },
        };
        let of_shift = || self.name.as_ref().map(|name| format!("{name}/{number}"));
        let sale = Sale {
            name: line.name.or_else(of_shift),
            amount: line.amount,
            least: line.least,
            is_offline: line.offline.unwrap_or_default(),
        };
        match till.pay(card, &sale).await {
            Err(error @ TillError::Disk(_)) => Err(error.into()),
            other => Ok(other.map_err(anyhow::Error::from)),
        }
    }

    fn show(&self, done: &Done, text: &str) -> anyhow::Result<()> {
        if self.asking.at.json {
            return render::json(done);
        }
        println!("{text}");
        Ok(())
    }
}

impl Summary {
    fn add(&mut self, receipt: &Receipt) {
        let (count, asked, taken) = self.states.entry(receipt.state).or_default();
        *count = count.saturating_add(1);
        *asked = asked.saturating_add(receipt.amount.unwrap_or_default());
        *taken = taken.saturating_add(receipt.moved.unwrap_or_default());
    }

    fn table(&self) -> Table {
        let mut table = render::table(["payments", "count", "asked for", "taken"]);
        for (state, (count, asked, taken)) in &self.states {
            table.add_row([
                super::render::state(*state).to_owned(),
                count.to_string(),
                asked.to_string(),
                taken.to_string(),
            ]);
        }
        if !self.failed.is_empty() {
            let count = self.failed.len().to_string();
            table.add_row(["not signed".to_owned(), count, String::new(), String::new()]);
        }
        table
    }
}

/// All lines, before the first is paid.
fn read(file: &Path) -> anyhow::Result<Vec<Line>> {
    let unreadable = || {
        format!(
            "{} can't be read as sales: see `quittance terminal shift --help`",
            file.display()
        )
    };
    let reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file);
    let lines: Result<Vec<Line>, csv::Error> = reader.with_context(unreadable)?.deserialize().collect();
    lines.with_context(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Vec<Line>> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        read(file.path())
    }

    fn line(card: &str, amount: Amount) -> Line {
        Line {
            card: card.into(),
            amount,
            least: None,
            offline: None,
            name: None,
        }
    }

    #[test]
    fn sales_are_read_with_and_without_what_may_be_left_out() {
        let full = "card,amount,least,offline,name\n7.json,250,,,\n8.json, 400,100,true,basket\n";
        let lines = parse(full).unwrap();
        let partial = Line {
            least: Some(100),
            offline: Some(true),
            name: Some("basket".into()),
            ..line("8.json", 400)
        };
        assert_eq!(lines, [line("7.json", 250), partial]);
        let huge = format!("amount,card\n{},7.json\n", Amount::MAX);
        assert_eq!(parse(&huge).unwrap(), [line("7.json", Amount::MAX)]);
    }

    #[test]
    fn nothing_is_paid_of_sales_with_a_mistake_in_any_line() {
        for bad in [
            "card,amount\n7.json,250\n8.json,much\n",
            "card,amount\n7.json,-1\n",
            "card,amount,offline\n7.json,1,perhaps\n",
            "card,amount,leest\n7.json,1,1\n",
            "card\n7.json\n",
        ] {
            parse(bad).unwrap_err();
        }
    }
}
