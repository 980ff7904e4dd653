//! `quittance reconcile`: books with another institution, matched every day against the chain.
use anyhow::Context;
use clap::{Parser, Subcommand};
use protocol::Timestamp;
use reqwest::Method;
use serde::{de::DeserializeOwned, Serialize};
use uuid::Uuid;

use super::client::Service;

mod books;
mod breaks;
mod days;
mod entries;
mod imports;
mod lines;
mod render;
mod render_days;
mod report;

const EXAMPLES: &str = "\
Two institutions open a book: each signs the same terms, and either hands both in:
  quittance reconcile sign-terms --client 3 --debit 1 --credit 2 --asset native --zone Europe/Berlin > debit.json
  quittance reconcile sign-terms --like debit.json > credit.json        at the other institution
  quittance reconcile open-book debit.json credit.json
  quittance reconcile books

The client records what customers pay; both sides are told:
  quittance reconcile record 0 INV-2026-0001 --payer 4711 --amount 1250
  quittance reconcile record 0 --file payments.jsonl
  quittance reconcile entries 0 --day 2026-11-25

A side imports its own book, as [[reconciliation.books]] says how it looks:
  quittance reconcile import 0 november-25.csv --dry-run     what it would bring, and what is wrong with it
  quittance reconcile import 0 november-25.csv
  quittance reconcile import 0 statement.xml --format camt053
  quittance reconcile lines 0 --day 2026-11-25
  quittance reconcile line 0 INV-2026-0001                   what the book and the chain have of it

Days are matched by themselves at [reconciliation] at, and go on from there; by hand:
  quittance reconcile run 0 2026-11-25 --dry-run             what is wrong
  quittance reconcile run 0 2026-11-25
  quittance reconcile days 0
  quittance reconcile show 0 2026-11-25                      how far it is, and everything that happened to it
  quittance reconcile close 0 2026-11-25                     tries now what is tried again by itself
  quittance reconcile pay 0 2026-11-25                       after a payment that came to nothing
  quittance reconcile report 0 2026-11-25 --html             what a closed day came to, line by line

What was found wrong, and what comes of it:
  quittance reconcile breaks 0 --day 2026-11-25 --unfinished
  quittance reconcile break 0 INV-2026-0001
  quittance reconcile assign 0 INV-2026-0001 ann
  quittance reconcile accept 0 INV-2026-0001                 and propose, reject, comment

Each command explains itself: quittance reconcile import --help";

/// Books with other institutions: entries, files, days, breaks.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the books that the institution takes part in.
    Books(books::List),
    /// Shows one book.
    Book(books::Show),
    /// Signs a book's terms as one of its sides.
    SignTerms(books::Sign),
    /// Opens a book with both sides' signatures.
    OpenBook(books::Open),
    /// Records what customers paid, as the book's client.
    Record(entries::Record),
    /// Lists what the institution recorded as a book's client.
    Entries(entries::List),
    /// Shows an entry that the institution recorded, and how far it is.
    Entry(entries::Show),
    /// Imports a file into the institution's own book.
    Import(imports::Import),
    /// Lists the files that were imported.
    Imports(imports::List),
    /// Lists what the institution booked on a day.
    Lines(lines::List),
    /// Shows what the institution and the chain have of a payment.
    Line(lines::Show),
    /// Lists the days of a book.
    Days(days::List),
    /// Matches a day now, or shows what is wrong with it.
    Run(days::Run),
    /// Shows a day, and everything that happened to it.
    Show(days::Show),
    /// Tries now to have a day closed.
    Close(days::Close),
    /// Pays again what a closed day comes to.
    Pay(days::Pay),
    /// Writes the report of a closed day.
    Report(report::Args),
    /// Lists what runs found wrong in a book.
    Breaks(breaks::List),
    /// Shows a break, and what came of it.
    Break(breaks::Show),
    /// Says who sees to a break.
    Assign(breaks::Assign),
    /// Writes something down about a break.
    Comment(breaks::Comment),
    /// Proposes a correction to the other side.
    Propose(breaks::Propose),
    /// Accepts a correction.
    Accept(breaks::Accept),
    /// Rejects the correction that the other side proposed.
    Reject(breaks::Reject),
}

/// Which service is asked, and how it is shown.
#[derive(Debug, clap::Args)]
struct Output {
    #[command(flatten)]
    service: Service,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

/// A write.
#[derive(Debug, clap::Args)]
struct Write {
    #[command(flatten)]
    output: Output,
    /// Names the wish: the same wish under the same key is carried out once. A new key if it isn't said.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// A page of a list.
#[derive(Debug, clap::Args)]
struct Listed {
    /// At most how many, 1 to 100.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// The whole list as CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// The service can't be reached, or refuses; a file can't be read.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Books(args) => args.run().await,
        Command::Book(args) => args.run().await,
        Command::SignTerms(args) => args.run().await,
        Command::OpenBook(args) => args.run().await,
        Command::Record(args) => args.run().await,
        Command::Entries(args) => args.run().await,
        Command::Entry(args) => args.run().await,
        Command::Import(args) => args.run().await,
        Command::Imports(args) => args.run().await,
        Command::Lines(args) => args.run().await,
        Command::Line(args) => args.run().await,
        Command::Days(args) => args.run().await,
        Command::Run(args) => args.run().await,
        Command::Show(args) => args.run().await,
        Command::Close(args) => args.run().await,
        Command::Pay(args) => args.run().await,
        Command::Report(args) => args.run().await,
        Command::Breaks(args) => args.run().await,
        Command::Break(args) => args.run().await,
        Command::Assign(args) => args.run().await,
        Command::Comment(args) => args.run().await,
        Command::Propose(args) => args.run().await,
        Command::Accept(args) => args.run().await,
        Command::Reject(args) => args.run().await,
    }
}

impl Output {
    /// Reads a resource and shows it.
    async fn show<T: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        table: impl Fn(&T) -> comfy_table::Table,
    ) -> anyhow::Result<()> {
        let found: T = self.service.client()?.get(path).await?;
        self.print(&found, table)
    }

    fn print<T: Serialize>(&self, found: &T, table: impl Fn(&T) -> comfy_table::Table) -> anyhow::Result<()> {
        if self.json {
            return super::render::json(found);
        }
        println!("{}", table(found));
        Ok(())
    }
}

impl Listed {
    /// Reads a list and shows it. `query`: what is looked for, without the page.
    async fn show<T: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
        table: impl Fn(&T) -> comfy_table::Table,
    ) -> anyhow::Result<()> {
        let limit = if self.csv { 100 } else { self.limit };
        let mut path = format!("{path}?limit={limit}");
        for (name, value) in query {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", super::client::encode(value)));
            }
        }
        if self.csv {
            print!("{}", self.output.service.client()?.export(&path).await?);
            return Ok(());
        }
        self.output.show(&path, table).await
    }
}

impl Write {
    fn key(&self) -> String {
        let given = self.idempotency_key.clone();
        given.unwrap_or_else(|| Uuid::now_v7().to_string())
    }

    /// Has something done, and gives the answer.
    async fn send<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let api = self.output.service.client()?;
        Ok(api.write(Method::POST, path, &self.key(), body).await?.json().await?)
    }
}

/// A book's path.
fn of_book(book: u32, what: &str) -> String {
    format!("/v1/reconciliation/books/{book}/{what}")
}

/// A moment, as `2026-11-25T10:30:00+01:00`.
fn moment(text: &str) -> anyhow::Result<Timestamp> {
    let moment: jiff::Timestamp = text
        .parse()
        .with_context(|| format!("{text:?} is no time: write it like 2026-11-25T10:30:00+01:00"))?;
    Timestamp::try_from(moment.as_millisecond()).context("times begin in 1970")
}
