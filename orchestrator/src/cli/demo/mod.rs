//! `quittance demo`: a chain, six banks, a notary, and every system on it; a second chain for credit across two.
mod credit;
mod dispute;
mod escrow;
mod netting;
mod prepaid;
mod reconciliation;
mod settlement;
mod transfer;

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use indicatif::{MultiProgress, ProgressBar};
use serde_json::{json, Value};

use super::render;
use crate::devnet::{Cards, CreditNode, Institution, Network, Node, Options};

const EXAMPLES: &str = "\
Examples:
  quittance demo                               starts everything, shows what happens, and ends it
  quittance demo --keep                        leaves chain and institutions running, and says where they are
  quittance demo --url ws://127.0.0.1:9944     uses a node that is running (a development chain)
  quittance demo --consortium                  on a chain that four validators run
  quittance demo --json | tail -n 1 | jq       for machines

Run scripts/demo instead to have everything built first.";

/// How many banks there are besides the two that show payments and trades.
const OTHER_BANKS: u16 = 4;
/// How many validators a consortium has: the fewest of which one may be missing.
const VALIDATORS: u16 = 4;

/// Runs six banks and a notary on a chain, a credit node between it and another chain, a card issuer with merchants' terminals,
/// and every system between them.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A node that is running already; without it, one is started.
    #[arg(long)]
    url: Option<String>,
    /// Four nodes with keys of their own run the chain, each an institution's, instead of one that seals alone.
    #[arg(long, conflicts_with = "url")]
    consortium: bool,
    /// Start everything and show no system; implies --keep.
    #[arg(long)]
    only_start: bool,
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
    let keep = args.keep || args.only_start;
    let options = Options {
        url: args.url,
        validators: if args.consortium { VALIDATORS } else { 0 },
        keep,
        others: OTHER_BANKS,
        in_full: true,
        ..Options::built(directory.clone())?
    };
    let bars = MultiProgress::new();
    let show = Show(bars.add(ProgressBar::new_spinner()), bars);
    let mut network = Network::start(options, &|step| show.step(step)).await?;
    let systems = match args.only_start {
        true => Ok(None),
        false => systems(&mut network, &show).await.map(Some),
    };
    show.0.finish_and_clear();

    let shown = systems.with_context(|| format!("the logs are in {}", directory.display()))?;
    let process = |id: Option<u32>| id.map_or_else(String::new, |id| format!(", process {id}"));
    show.line("");
    let nodes: Vec<&Node> = network.node.iter().chain(&network.validators).collect();
    if nodes.is_empty() {
        show.line(&format!("chain: {}", network.url));
    }
    for node in nodes {
        show.line(&format!("chain: {}{}", node.url, process(node.process_id())));
    }
    let mut institutions: Vec<&Institution> = network.institutions().collect();
    let mut result = json!({ "status": "started" });
    if let Some((systems, credit_node, cards)) = &shown {
        let other = &credit_node.other_node;
        show.line(&format!(
            "the payee's chain: {}{}",
            other.url,
            process(other.process_id())
        ));
        institutions.extend([
            &credit_node.institution,
            &credit_node.payees,
            &cards.issuer,
            &cards.acquirer,
        ]);
        result = systems.clone();
    }
    for institution in institutions {
        let process = process(institution.process_id());
        show.line(&format!("{}: {}/docs{process}", institution.name, institution.url));
    }
    show.line(&format!("logs, configurations, tokens: {}", directory.display()));
    if keep {
        show.line("all of it goes on running (--keep); end the processes when you are done");
    }
    if args.json {
        render::json(&result)?;
    }
    Ok(())
}

/// Every system in turn: a key for each. Credit node, card issuer and acquirer came with theirs.
async fn systems(network: &mut Network, show: &Show) -> anyhow::Result<(Value, CreditNode, Cards)> {
    let mut settlement = settlement::run(network, show).await?;
    settlement["transfer"] = transfer::run(network, show).await?;
    settlement["window"] = netting::run(network, show).await?;
    let contested = serde_json::from_value(settlement["voucher"].clone())?;
    settlement["dispute"] = dispute::run(network, contested, show).await?;
    // Trades wait for deadlines; the chain for credit starts meanwhile.
    let options = network.options.clone();
    let (escrow, other_node) = tokio::join!(escrow::run(network, show), Network::other_node(&options));
    let escrow = escrow?;
    let (credit, node) = credit::run(network, other_node?, show).await?;
    let (prepaid, cards) = prepaid::run(network, show).await?;
    let reconciliation = reconciliation::run(network, show).await?;
    Ok((
        json!({
            "settlement": settlement,
            "escrow": escrow,
            "credit": credit,
            "prepaid": prepaid,
            "reconciliation": reconciliation,
        }),
        node,
        cards,
    ))
}

/// Progress for people, on standard error: standard output is for machines.
struct Show(ProgressBar, MultiProgress);

impl Show {
    fn step(&self, step: &str) {
        self.line(&format!("• {step}"));
        self.0.set_message(step.to_owned());
    }

    /// A bar below the lines.
    fn below(&self, bar: ProgressBar) -> ProgressBar {
        self.1.add(bar)
    }

    fn line(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }
}
