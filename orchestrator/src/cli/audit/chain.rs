//! `quittance audit` itself: all contracts of a chain, from their first block on (S4.6).
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use serde::Serialize;

use crate::{
    audit::{
        chain::{
            contracts::Contracts,
            findings::Finding,
            run::{Audit, Outcome, Scope, Step, Tally},
            tables::Tables,
            AuditError,
        },
        documents::{self, Copy, DOCUMENTS},
    },
    chain::{Chain, ChainArchive, Deployment},
    cli::render,
};

/// What is audited.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// The node: ws://host:port or wss://host:port. It has to keep all states (--state-pruning archive). Believed of it is
    /// which blocks are final, what contracts have of native and other tokens, that it leaves out no key of a contract's
    /// storage, and its runtime's metadata; all else is proven.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944")]
    url: String,
    /// What `quittance deploy` wrote.
    #[arg(long, value_name = "FILE", default_value = "deployment.json")]
    deployment: PathBuf,
    /// Directory of the contract bundles.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/contracts")]
    bundles: PathBuf,
    /// The first block: what contracts kept before it is believed, but for the registry. The chain's first one if it isn't
    /// said.
    #[arg(long, value_name = "BLOCK")]
    from: Option<u32>,
    /// The last block: contracts that were made later are told as not made yet. The latest finalized one if it isn't said.
    #[arg(long, value_name = "BLOCK")]
    to: Option<u32>,
    /// A copy of an institution's database (`VACUUM INTO`): each document in it is verified, and held against the chain. It is
    /// only read.
    #[arg(long, value_name = "FILE")]
    documents: Option<PathBuf>,
    /// Where the work is kept, and goes on if it was interrupted. A temporary file if it isn't said.
    #[arg(long, value_name = "FILE")]
    work: Option<PathBuf>,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

/// What was audited, and what came of it.
#[derive(Serialize)]
struct Audited<'a> {
    ok: bool,
    #[serde(with = "protocol::text::bytes")]
    genesis: [u8; 32],
    from: u32,
    /// Whether what was kept before the first block was believed.
    partial: bool,
    until: u32,
    #[serde(with = "protocol::text::bytes")]
    until_hash: [u8; 32],
    /// Contracts that weren't there yet after the last block.
    unmade: &'a BTreeSet<String>,
    /// Whether it was believed who the institutions were before the first block.
    registry_believed: bool,
    /// By the contract's name; `chain` for the blocks themselves, `documents` for those of the copy: documents count as its
    /// events, what was looked up on the chain for them as compared.
    contracts: &'a BTreeMap<String, Tally>,
    /// All that was found, counted; the first ones in `findings`.
    count: u64,
    findings: &'a [Finding],
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let deployment = Deployment::load(&self.deployment)?;
        let registry = deployment.contract("registry")?.address;
        let contracts = Contracts::of(&deployment, &self.bundles)?;
        let mut copy = match &self.documents {
            Some(file) => Some(Copy::open(file).await?),
            None => None,
        };
        let chain = Chain::connect(&self.url).await?;
        deployment.ensure_on(chain.genesis())?;
        let genesis = chain.genesis();
        let bar = render::bar("reading blocks")?;
        let shown = bar.clone();
        let audit = Audit::new(
            Arc::new(ChainArchive::new(chain)),
            contracts,
            registry,
            move |step| match step {
                Step::Past => {
                    shown.set_message("looking up who the institutions were");
                    shown.inc(1);
                }
                Step::Believed(count) => {
                    shown.set_message("taking over what is believed");
                    shown.inc(count);
                }
                Step::Block { number, last } => {
                    shown.set_message("reading blocks");
                    shown.set_length(last.into());
                    shown.set_position(number.into());
                }
                Step::Compared(count) => {
                    shown.set_message("comparing what is kept, after block");
                    shown.inc_length(count);
                    shown.inc(count);
                }
            },
        );
        let scope = Scope {
            from: self.from,
            to: self.to,
        };
        let mut tables = Tables::open(self.work.as_deref(), &audit.whose(scope))?;
        let outcome = audit.run(scope, &mut tables).await;
        let mut outcome = outcome.map_err(failed)?;
        if let Some(copy) = &mut copy {
            let clearing = deployment.contract("clearing")?.address;
            bar.set_message("verifying documents, after block");
            let watch = || {
                bar.inc_length(1);
                bar.inc(1);
            };
            documents::check(copy, (clearing, audit.place()), &mut tables, &mut outcome, &watch).await?;
        }
        bar.finish_and_clear();
        if self.json {
            render::json(&Audited {
                ok: outcome.findings.count == 0,
                genesis,
                from: outcome.from,
                partial: outcome.is_partial,
                until: outcome.until.number,
                until_hash: outcome.until.hash,
                unmade: &outcome.unmade,
                registry_believed: outcome.is_registry_believed,
                contracts: &outcome.tallies,
                count: outcome.findings.count,
                findings: &outcome.findings.first,
            })?;
        } else {
            show(&outcome);
        }
        let count = outcome.findings.count;
        anyhow::ensure!(count == 0, "{count} thing(s) are not as they should be");
        Ok(())
    }
}

/// What may pass exits with 3.
fn failed(error: AuditError) -> anyhow::Error {
    match error {
        AuditError::Chain(error) => error.into(),
        error => error.into(),
    }
}

fn show(outcome: &Outcome) {
    let mut table = render::table([
        "contract",
        "events",
        "signatures",
        "digests",
        "unseen",
        "values compared",
        "findings",
    ]);
    for (name, tally) in &outcome.tallies {
        let counts = [
            tally.events,
            tally.signatures,
            tally.digests,
            tally.unseen,
            tally.compared,
            tally.findings,
        ];
        let row = std::iter::once(name.clone()).chain(counts.map(|count| count.to_string()));
        table.add_row(row);
    }
    println!("{table}");
    let findings = &outcome.findings;
    for finding in &findings.first {
        println!("{}", line(finding));
    }
    let rest = usize::try_from(findings.count).unwrap_or(usize::MAX);
    let rest = rest.saturating_sub(findings.first.len());
    if rest > 0 {
        println!("… and {rest} more");
    }
    if outcome.is_partial {
        println!("What contracts kept before block {} was believed.", outcome.from);
    }
    if outcome.is_registry_believed {
        println!("The node has forgotten who the institutions were before that: what they signed then is unseen.");
    }
    for name in &outcome.unmade {
        println!("{name} isn't made yet after block {}.", outcome.until.number);
    }
    if findings.unseen > 0 {
        println!(
            "The documents of {} event(s) couldn't be seen: contracts handed them to contracts.",
            findings.unseen
        );
    }
    if let Some(tally) = outcome.tallies.get(DOCUMENTS) {
        println!(
            "Of the copy, {} document(s) were looked at; what is unseen can't be proven from the chain: users' keys above all.",
            tally.events
        );
    }
    if findings.count == 0 {
        println!(
            "OK: everything that the contracts keep after block {} ({}) follows from what happened since block {}",
            outcome.until.number,
            protocol::text::to_hex(&outcome.until.hash),
            outcome.from
        );
    }
}

fn line(finding: &Finding) -> String {
    let Finding {
        code,
        contract,
        block,
        event,
        detail,
    } = finding;
    match event {
        Some(event) => format!("{code}: {contract}, block {block}, event {event}: {detail}"),
        None => format!("{code}: {contract}, block {block}: {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_that_says_where() {
        let mut finding = Finding {
            code: "bad-signature".into(),
            contract: "clearing".into(),
            block: 12,
            event: Some(3),
            detail: "member 4 didn't sign voucher 0x01".into(),
        };
        assert_eq!(
            line(&finding),
            "bad-signature: clearing, block 12, event 3: member 4 didn't sign voucher 0x01"
        );
        finding.event = None;
        assert!(line(&finding).starts_with("bad-signature: clearing, block 12: "));
    }
}
