//! `quittance escrow`: trades with other institutions, paid through the escrow contract.
use clap::{Parser, Subcommand};
use protocol::{AgreementId, OfferId};
use reqwest::Method;
use serde::{de::DeserializeOwned, Serialize};
use uuid::Uuid;

use super::client::{Api, Refused, Service};

mod acts;
mod list;
mod offer;
mod propose;
mod render;
mod show;

const EXAMPLES: &str = "\
How a trade goes, from the seller's offer to its money:
  seller   quittance escrow offer --sell --goods 'kWh, 1 December' --quantity 100 --least 10 \\
             --unit-price 30 --unit-bond 5 --delivery 'meter 7' --arbiter 2 --tell 1
  buyer    quittance escrow list offers
           quittance escrow accept 0xOFFER --quantity 40
  Both have signed: price and bond are locked. The seller delivers.
  buyer    quittance escrow confirm 0xTRADE
  Its bond comes back, the seller is paid.

Other terms: the buyer counters; the seller takes that, counters in turn, or declines.
    quittance escrow counter 0xOFFER --quantity 40 --price 1100
    quittance escrow accept 0xTRADE
    quittance escrow counter 0xOFFER --quantity 40 --price 1150 --instead-of 0xTRADE
    quittance escrow decline 0xTRADE --reason 'too cheap'
Both want out:
    quittance escrow cancel 0xTRADE
The goods came and the buyer doesn't confirm, or they didn't come: the arbiter splits the money.
    quittance escrow dispute 0xTRADE --evidence reading.txt
    quittance escrow rule 0xTRADE --to-seller 1200

Each command explains itself: quittance escrow offer --help";

/// Trades with other institutions: price and bond wait in a contract until the goods are there.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes an offer and tells it to others.
    Offer(Box<offer::Args>),
    /// Takes an own offer back; what was signed stands.
    Withdraw(offer::Withdraw),
    /// Takes units of an offer as it stands, or signs a proposal that was received.
    Accept(propose::Accept),
    /// Proposes other terms than an offer's.
    Counter(Box<propose::Counter>),
    /// Says no to a proposal that was received.
    Decline(acts::Decline),
    /// Shows all trades, or all offers.
    List(list::Args),
    /// Shows a trade or an offer with everything that is known of it.
    Show(show::Args),
    /// The buyer has the goods and pays, or the seller says that it delivered.
    Confirm(acts::Confirm),
    /// Signs that this institution would call the deal off; both must.
    Cancel(acts::Cancel),
    /// Has the arbiter called, or answers the other party's evidence.
    Dispute(acts::Dispute),
    /// As the arbiter, splits the money.
    Rule(acts::Rule),
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

/// Runs the command.
///
/// # Errors
/// The service can't be reached, or refuses.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Offer(args) => args.run().await,
        Command::Withdraw(args) => args.run().await,
        Command::Accept(args) => args.run().await,
        Command::Counter(args) => args.run().await,
        Command::Decline(args) => args.run().await,
        Command::List(args) => args.run().await,
        Command::Show(args) => args.run().await,
        Command::Confirm(args) => args.run().await,
        Command::Cancel(args) => args.run().await,
        Command::Dispute(args) => args.run().await,
        Command::Rule(args) => args.run().await,
    }
}

impl Write {
    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let key = match &self.idempotency_key {
            Some(key) => key.clone(),
            None => Uuid::now_v7().to_string(),
        };
        let api = self.output.service.client()?;
        Ok(api.write(Method::POST, path, &key, body).await?.json().await?)
    }
}

fn offer_path(id: OfferId) -> String {
    format!("/v1/escrow/offers/{id}")
}

fn trade_path(id: AgreementId) -> String {
    format!("/v1/escrow/trades/{id}")
}

/// Reads what may not be there.
async fn find<T: DeserializeOwned>(api: &Api, path: &str) -> anyhow::Result<Option<T>> {
    match api.get(path).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_not_found(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<Refused>()
        .is_some_and(|refused| refused.0.code == "not-found")
}
