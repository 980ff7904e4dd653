//! The `quittance` command. One file per subcommand, each with its `Args` and a `run`.
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::settlement::ports::LedgerError;

mod list;
mod render;

pub mod audit;
pub mod ca;
pub mod card;
pub mod client;
pub mod config;
pub mod contract;
pub mod credit;
pub mod demo;
pub mod deploy;
pub mod escrow;
pub mod govern;
pub mod key;
pub mod pay;
pub mod prepaid;
pub mod reconcile;
pub mod serve;
pub mod settlement;
pub mod status;
pub mod terminal;
pub mod user;
pub mod webhooks;

const EXAMPLES: &str = "\
A first payment, step by step:
  quittance deploy --url ws://127.0.0.1:9944 --bundles target/contracts --out deployment.json --key //Alice …
  quittance config sample > bank.toml       what an institution is told; edit it
  quittance config check bank.toml          what is wrong with it
  quittance serve --config bank.toml        runs the institution
  quittance user put 4711 --url http://127.0.0.1:8080 --public-key 0x… --balance 1000 --limit 500
  quittance pay --url http://127.0.0.1:8080 --user 4711 --user-key user.json --home 1 --kind purchase --amount 250 --wait
  quittance status --url http://127.0.0.1:8080

Or all of it at once: quittance demo

Trades between institutions: quittance escrow --help
Payments on credit, at a credit node: quittance credit --help
Prepaid cards, at their issuer and at merchants' acquirers: quittance prepaid --help
Books with other institutions, matched every day: quittance reconcile --help
A merchant's terminal, and a holder's card: quittance terminal --help, quittance card --help
All contracts, and what institutions report, against the chain: quittance audit --help

Each command explains itself: quittance pay --help

Exit codes:
  0  done
  1  failed, or refused
  2  wrong usage
  3  the service or the chain can't be reached, or isn't ready: try again later
  4  a card's payment, or its return, was declined

Tokens are read from --token-file or from QUITTANCE_TOKEN, never from the command line.";

/// Clearing and settlement between institutions.
#[derive(Debug, Parser)]
#[command(name = "quittance", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Puts the contracts on a chain, once.
    Deploy(deploy::Args),
    /// Runs an institution.
    Serve(serve::Args),
    /// Makes and shows keys.
    Key(key::Args),
    /// Checks a configuration, or prints a commented sample.
    Config(config::Args),
    /// Issues certificates for trying things out.
    Ca(ca::Args),
    /// Hands in a user's payment request.
    Pay(pay::Args),
    /// Shows a payment, or all of them.
    Status(status::Args),
    /// Keeps an institution's users.
    User(user::Args),
    /// Fees, windows, positions, disputes, and what the notaries decide.
    Settlement(settlement::Args),
    /// Shows who was told what happened, and tells again.
    Webhooks(webhooks::Args),
    /// Trades with other institutions, paid through the escrow contract.
    Escrow(escrow::Args),
    /// Limits, pools and debts of a credit node, on each of its chains.
    Credit(credit::Args),
    /// Prepaid cards: programmes, merchants, terminals, cards, payments, disputes, statements, reports.
    Prepaid(prepaid::Args),
    /// Books with other institutions: entries, files, days, breaks, reports.
    Reconcile(reconcile::Args),
    /// Makes a prepaid card, and signs for its holder.
    Card(card::Args),
    /// A merchant's terminal that takes prepaid cards.
    Terminal(terminal::Args),
    /// Checks all contracts, and what institutions hand out, against the chain.
    Audit(audit::Args),
    /// Changes the registry, by its governors.
    Govern(govern::Args),
    /// Tries or executes any message of a contract.
    Contract(contract::Args),
    /// Runs two banks and a notary on a chain, and a payment between them.
    Demo(demo::Args),
}

/// A command ran into something that passes: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// A card's payment, or its return, was declined: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Declined(pub String);

/// Runs the command that the process was started with.
pub async fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _armed = crate::settlement::failpoints::arm();
    let done = match Cli::parse().command {
        Command::Deploy(args) => deploy::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Key(args) => key::run(args).await,
        Command::Config(args) => config::run(args).await,
        Command::Ca(args) => ca::run(args).await,
        Command::Pay(args) => pay::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::User(args) => user::run(args).await,
        Command::Settlement(args) => settlement::run(args).await,
        Command::Webhooks(args) => webhooks::run(args).await,
        Command::Escrow(args) => escrow::run(args).await,
        Command::Credit(args) => credit::run(args).await,
        Command::Prepaid(args) => prepaid::run(args).await,
        Command::Reconcile(args) => reconcile::run(args).await,
        Command::Card(args) => card::run(args),
        Command::Terminal(args) => terminal::run(args).await,
        Command::Audit(args) => audit::run(args).await,
        Command::Govern(args) => govern::run(args).await,
        Command::Contract(args) => contract::run(args).await,
        Command::Demo(args) => demo::run(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

/// 3 where trying again later may help, 4 where a card was declined, else 1. Clap itself exits with 2 on wrong usage.
fn exit_code(error: &anyhow::Error) -> u8 {
    let passing = error.chain().any(|cause| {
        cause.is::<Unavailable>()
            || matches!(cause.downcast_ref::<LedgerError>(), Some(LedgerError::Unavailable(_)))
            || cause.downcast_ref().is_some_and(crate::chain::ChainError::is_retryable)
            || cause
                .downcast_ref()
                .is_some_and(|error: &reqwest::Error| error.is_connect() || error.is_timeout())
    });
    if passing {
        3
    } else if error.chain().any(|cause| cause.is::<Declined>()) {
        4
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_passes_exits_with_3() {
        let passing = anyhow::Error::new(Unavailable("the service is syncing".into())).context("paying");
        assert_eq!(exit_code(&passing), 3);
        let passing = anyhow::Error::new(<LedgerError>::Unavailable("gone".into())).context("deploying");
        assert_eq!(exit_code(&passing), 3);
        assert_eq!(exit_code(&anyhow::anyhow!("refused")), 1);
    }

    #[test]
    fn a_declined_card_exits_with_4() {
        assert_eq!(exit_code(&Declined("insufficient_funds".into()).into()), 4);
    }
}
