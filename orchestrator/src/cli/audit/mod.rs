//! `quittance audit`: checks what institutions hand out against the chain, and believes nobody else.
use clap::{Parser, Subcommand};

mod report;

const EXAMPLES: &str = "\
Examples:
  quittance audit report 2026-11-25.json --url ws://127.0.0.1:9944 --deployment deployment.json

A merchant's statements and a card programme's books are audited by `quittance prepaid verify`.";

/// Checks documents against the chain.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks the report of a closed day of a book.
    Report(report::Args),
}

/// Runs it.
///
/// # Errors
/// The document can't be read, the chain can't be reached, or something is not as the document says.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Report(args) => args.run().await,
    }
}
