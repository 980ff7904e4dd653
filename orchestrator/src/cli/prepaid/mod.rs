//! `quittance prepaid`: card programmes.
use clap::{Parser, Subcommand};

mod history;
mod onchain;
mod report;
mod statement;
mod verify;

const EXAMPLES: &str = "\
As an auditor or a regulator, from the chain alone:
  quittance prepaid report --issuer 2 --from 2026-12-01 --to 2027-01-01
  quittance prepaid statement --issuer 2 --merchant 3 --cycle 0 --camt053 > statement.xml
  quittance prepaid history --issuer 2 --card 7
  quittance prepaid verify --issuer 2

Each command explains itself: quittance prepaid report --help";

/// Cards, merchants and cycles of a card issuer.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// As a regulator, shows totals, the float's coverage and what calls for a look. Asks no service.
    Report(Box<report::Args>),
    /// As a merchant or an auditor, draws up a merchant's statement of a closed cycle. Asks no service.
    Statement(statement::Args),
    /// Shows every movement of a card, or what a merchant took. Asks no service.
    History(history::Args),
    /// As an auditor, recomputes everything that the contract keeps. Asks no service.
    Verify(verify::Args),
}

/// Runs the command.
///
/// # Errors
/// The chain can't be reached, or contradicts itself.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Report(args) => args.run().await,
        Command::Statement(args) => args.run().await,
        Command::History(args) => args.run().await,
        Command::Verify(args) => args.run().await,
    }
}
