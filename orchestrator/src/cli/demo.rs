//! `quittance demo`: a chain, two banks, a notary, and every system on it.
use std::path::PathBuf;

use anyhow::{bail, Context};
use clap::Parser;
use indicatif::ProgressBar;
use protocol::{
    clearing::Balance,
    settlement::{Asset, TransactionKind},
    Amount,
};
use serde_json::{json, Value};

use super::render;
use crate::{
    chain::ChainLedger,
    devnet::{Network, Options},
    http::payments::PaymentView,
    settlement::ports::Ledger,
};

const EXAMPLES: &str = "\
Examples:
  quittance demo                               starts everything, shows what happens, and ends it
  quittance demo --keep                        leaves chain and institutions running, and says where they are
  quittance demo --url ws://127.0.0.1:9944     uses a node that is running (a development chain)
  quittance demo --json | tail -n 1 | jq       for machines

Run scripts/demo instead to have everything built first.";

/// What the home bank puts in before the payments.
const DEPOSIT: Amount = 5_000_000_000_000;
/// What the user pays.
const AMOUNT: Amount = 250_000_000_000;
/// More than the user's limit.
const TOO_MUCH: Amount = 900_000_000_000;
/// How long a payment may take on a chain that finalizes late, in seconds.
const PATIENCE: u64 = 60;

/// Runs two banks and a notary on a chain, and a payment between them.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A node that is running already; without it, one is started.
    #[arg(long)]
    url: Option<String>,
    /// Leave chain and institutions running.
    #[arg(long)]
    keep: bool,
    /// The last line of standard output is one JSON object with a key for each system.
    #[arg(long)]
    json: bool,
    /// Where keys, configurations, databases and logs go. Default: a new temporary folder.
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A step didn't do what it should.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let directory = match args.directory {
        Some(directory) => directory,
        None => tempfile::Builder::new().prefix("quittance-demo-").tempdir()?.keep(),
    };
    let options = Options {
        url: args.url,
        keep: args.keep,
        ..Options::built(directory.clone())?
    };
    let show = Show(ProgressBar::new_spinner());
    let network = Network::start(options, &|step| show.step(step)).await?;
    let settlement = settlement(&network, &show).await;
    show.0.finish_and_clear();

    let result = settlement.with_context(|| format!("the logs are in {}", directory.display()))?;
    show.line("");
    show.line(&format!("chain: {}", network.url));
    for institution in [&network.originator, &network.home, &network.notary] {
        let process = institution
            .process_id()
            .map_or_else(String::new, |id| format!(", process {id}"));
        show.line(&format!("{}: {}/docs{process}", institution.name, institution.url));
    }
    show.line(&format!("logs, configurations, tokens: {}", directory.display()));
    if args.keep {
        show.line("all of it goes on running (--keep); end the processes when you are done");
    }
    if args.json {
        render::json(&json!({ "settlement": result }))?;
    }
    Ok(())
}

/// Progress for people, on standard error: standard output is for machines.
struct Show(ProgressBar);

impl Show {
    fn step(&self, step: &str) {
        self.line(&format!("• {step}"));
        self.0.set_message(step.to_owned());
    }

    fn line(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }
}

/// A payment that is settled, one that is refused, and what the chain says afterwards.
async fn settlement(network: &Network, show: &Show) -> anyhow::Result<Value> {
    let ledger = network.ledger().await?;
    show.step("Bank B prefunds its settlement balance");
    network.deposit(&network.home, DEPOSIT).await?;
    let before = balances(network, &ledger).await?;

    show.step("a user of Bank B buys at Bank A");
    let payment = network
        .pay(&network.request(TransactionKind::Purchase, AMOUNT)?)
        .await?;
    let settled = follow(network, payment, show).await?;
    if settled.state != "cleared" {
        bail!("the payment ended as {} instead of cleared", settled.state);
    }
    let after = balances(network, &ledger).await?;
    let (paid, received) = (moved(&before.1, &after.1), moved(&after.0, &before.0));
    if paid != Some(AMOUNT) || received != Some(AMOUNT) {
        bail!("the payment was of {AMOUNT}, but {paid:?} went and {received:?} came");
    }

    show.step("the same user asks for more than Bank B allows it");
    let payment = network
        .pay(&network.request(TransactionKind::Purchase, TOO_MUCH)?)
        .await?;
    let refused = follow(network, payment, show).await?;
    let refusal = refused.refusal.context("the second payment should have been refused")?;
    let unmoved = balances(network, &ledger).await?;
    if unmoved != after {
        bail!("a refused payment moved money");
    }

    let relation = ledger
        .retention(settled.id)
        .await?
        .context("the chain doesn't know the payment")?;
    let mut table = render::table(["settlement balance", "before", "after"]);
    for (institution, before, after) in [
        (&network.originator, &before.0, &after.0),
        (&network.home, &before.1, &after.1),
    ] {
        table.add_row([
            institution.name.clone(),
            before.available.to_string(),
            after.available.to_string(),
        ]);
    }
    show.line("");
    show.line(&table.to_string());
    show.line(&render::payment(&settled).to_string());
    Ok(json!({
        "status": "ok",
        "voucher": settled.id,
        "relation": relation.relation_id,
        "retained_block": settled.retained_in,
        "finalized_block": settled.cleared_in,
        "amount": AMOUNT.to_string(),
        "balances": {
            "before": { "originator": before.0, "home": before.1 },
            "after": { "originator": after.0, "home": after.1 },
        },
        "refused": refusal,
    }))
}

/// What the chain says that originator and home institution hold.
async fn balances(network: &Network, ledger: &ChainLedger) -> anyhow::Result<(Balance, Balance)> {
    let originator = ledger.balance(network.originator.member, Asset::Native).await?;
    let home = ledger.balance(network.home.member, Asset::Native).await?;
    Ok((originator, home))
}

fn moved(more: &Balance, less: &Balance) -> Option<Amount> {
    more.available.checked_sub(less.available)
}

/// Shows each step of a payment until the last.
async fn follow(network: &Network, mut payment: PaymentView, show: &Show) -> anyhow::Result<PaymentView> {
    let api = network.originator.api()?;
    let mut shown = 0;
    loop {
        for step in payment.history.iter().skip(shown) {
            show.line(&format!("    {}", render::step(step)));
        }
        shown = payment.history.len();
        if payment.is_final {
            return Ok(payment);
        }
        let path = format!(
            "/v1/payments/{}?wait_seconds={PATIENCE}&unless_state={}",
            payment.id, payment.state
        );
        payment = api.get(&path).await?;
    }
}
