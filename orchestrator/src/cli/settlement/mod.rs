//! `quittance settlement`: fees, windows, positions, disputes, and what the notaries decide.
use clap::{Parser, Subcommand};

use super::client::Service;

mod decide;
mod decisions;
mod disputes;
mod evidence;
mod fees;
mod limits;
mod statement;
mod windows;

const EXAMPLES: &str = "\
Anybody looks:
  quittance settlement fees                        what payments cost
  quittance settlement windows                     which windows there are, and how far they are
  quittance settlement window 7 --verify           one, its certificate worked out again from the chain's events
  quittance settlement positions                   how near members are to their caps
  quittance settlement vouchers --state retained   what was signed
  quittance settlement relations --csv             who owes whom because of it, for a spreadsheet
  quittance settlement limits users                what users may move
  quittance settlement statement --date 2026-12-24 what moved on a day
  quittance settlement disputes                    what is contested
An institution of a payment contests what follows from it, and the other side answers:
  quittance settlement dispute open 0x7c…e1 --evidence 'order 17 never came'
  quittance settlement dispute answer 0x7c…e1 --evidence-file receipt.pdf
A notary decides; as many notaries as the registry asks for have to, each at its own service:
  quittance settlement decide fees fees.toml       publishes a fee schedule
  quittance settlement decide cap 3 250000         how far member 3 may go negative in windows
  quittance settlement decide close-window         closes the window that is open
  quittance settlement decide rule 0x7c…e1 reverse ends a dispute
  quittance settlement decisions                   what others propose, and how far everything is

Each command explains itself: quittance settlement decide --help";

/// Fees, windows, positions, disputes, and what the notaries decide.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows a fee schedule.
    Fees(fees::Args),
    /// Shows all windows of deferred net settlement.
    Windows(windows::List),
    /// Shows a window with its positions.
    Window(windows::Show),
    /// Shows positions in a window, and how near members are to their net debit caps.
    Positions(windows::Positions),
    /// Shows the vouchers of this institution's payments.
    Vouchers(evidence::Vouchers),
    /// Shows who owes whom because of this institution's retained payments.
    Relations(evidence::Relations),
    /// Shows what users may move, and how far members may go negative.
    Limits(limits::Args),
    /// Shows a day of the institution's account in the clearing contract.
    Statement(statement::Args),
    /// Shows disputes over this institution's payments.
    Disputes(disputes::List),
    /// Opens, answers or shows a dispute over what is owed because of a payment.
    Dispute(Box<disputes::Args>),
    /// Agrees to a decision in a notary's name.
    Decide(Box<decide::Args>),
    /// Shows decisions of the notaries.
    Decisions(decisions::Args),
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

/// Runs the command.
///
/// # Errors
/// The service can't be reached, or refuses.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Fees(args) => args.run().await,
        Command::Windows(args) => args.run().await,
        Command::Window(args) => args.run().await,
        Command::Positions(args) => args.run().await,
        Command::Vouchers(args) => args.run().await,
        Command::Relations(args) => args.run().await,
        Command::Limits(args) => args.run().await,
        Command::Statement(args) => args.run().await,
        Command::Disputes(args) => args.run().await,
        Command::Dispute(args) => args.run().await,
        Command::Decide(args) => args.run().await,
        Command::Decisions(args) => args.run().await,
    }
}
