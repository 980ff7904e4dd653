//! `quittance credit verify-score`: an auditor recomputes a credit node's limit from the chain alone (S1.8).
use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{bail, Context};
use clap::Parser;
use protocol::{credit::NodeLimit, text::to_hex};
use serde_json::Value;

use super::read;
use crate::{
    chain::{bundle::Bundle, Chain, ChainCreditPast, Follower},
    cli::Unavailable,
    credit::{
        ports::LedgerError,
        score::{Evidence, VERSION},
    },
    http::credit::scores::ScoreView,
};

const EXAMPLES: &str = "\
Examples:
  quittance credit evidence 0x6b…d0 > evidence.json
  quittance credit verify-score evidence.json --node ws://127.0.0.1:9944
  quittance credit verify-score evidence.json --node ws://127.0.0.1:9944 --at 4711

Reads every event of the contract up to the evidence's block, from a node that keeps all states
(--state-pruning archive), computes record, limit and digest anew by the evidence's own parameters, and
compares them with the evidence and with the limit that stands in the contract. The parameters are the
credit node's choice: the digest binds it to them. Prints OK, or what differs and exits with 1.";

/// As an auditor, recomputes a limit from the chain alone. Asks no service.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The evidence, as `quittance credit evidence` prints it; - is standard input.
    #[arg(value_name = "FILE")]
    evidence: String,
    /// The node: ws://host:port or wss://host:port.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944")]
    node: String,
    /// Directory of the contract bundles.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/contracts")]
    bundles: PathBuf,
    /// The finalized block whose state the limit must stand in, such as the one that set it; the latest if it isn't said.
    #[arg(long, value_name = "NUMBER")]
    at: Option<u32>,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let document: ScoreView =
            serde_json::from_slice(&read(&self.evidence)?).context("this is no evidence of a limit")?;
        let claimed = &document.evidence;
        if claimed.version != VERSION {
            bail!(
                "the evidence has version {}, this program computes version {VERSION}: take the program of that version",
                claimed.version
            );
        }
        let bundle = Bundle::find(&self.bundles, "credit")?;
        let chain = Chain::connect(&self.node).await?;
        if chain.genesis() != claimed.subject.genesis {
            bail!(
                "the evidence is of the chain with genesis {}, the node serves that with {}",
                to_hex(&claimed.subject.genesis),
                to_hex(&chain.genesis())
            );
        }
        let follower = Follower::start(chain.clone()).await?;
        let at = self.at.unwrap_or(follower.head().number);
        let past = ChainCreditPast::new(chain, follower, claimed.subject.contract, &bundle)?;
        let found = recompute(claimed, &past).await.map_err(failed)?;
        let stands = standing(claimed, &past, at).await.map_err(failed)?;

        let mut differences = between(claimed, &found)?;
        differences.extend(outside(&document, &found, &stands, at));
        if differences.is_empty() {
            println!(
                "OK: the limit {} follows from the chain up to block {} ({}) and stands in the contract at block {at}, \
                 with the digest {}",
                found.score.limit,
                found.block.number,
                to_hex(&found.block.hash),
                to_hex(&document.digest)
            );
            return Ok(());
        }
        for difference in &differences {
            println!("{difference}");
        }
        bail!("the chain contradicts the evidence in {} point(s)", differences.len());
    }
}

/// The evidence as the chain has it.
async fn recompute(claimed: &Evidence, past: &ChainCreditPast) -> Result<Evidence, LedgerError> {
    let subject = claimed.subject;
    let parameters = claimed.parameters;
    let block = past.block(claimed.block.number).await?;
    let record = past
        .record_at(&block, subject.payer, subject.asset, parameters.window())
        .await?;
    Ok(Evidence::new(subject, block, parameters, record))
}

/// The limit that stands in the contract at a block.
async fn standing(claimed: &Evidence, past: &ChainCreditPast, at: u32) -> Result<NodeLimit, LedgerError> {
    let block = past.block(at).await?;
    past.node_limit_at(&block, claimed.subject.payer, claimed.subject.asset)
        .await
}

/// Each value of the evidence that the chain has otherwise.
fn between(claimed: &Evidence, found: &Evidence) -> anyhow::Result<Vec<String>> {
    let (claimed, found) = (values(claimed)?, values(found)?);
    let differs = |(name, claim): (&String, &Value)| {
        let here = found.get(name).unwrap_or(&Value::Null);
        (claim != here).then(|| format!("{name}: the evidence says {claim}, the chain {here}"))
    };
    Ok(claimed.iter().filter_map(differs).collect())
}

/// What of the digest and of the contract's limit doesn't follow from what was found.
fn outside(document: &ScoreView, found: &Evidence, stands: &NodeLimit, at: u32) -> Vec<String> {
    let digest = found.digest();
    let mut differences = Vec::new();
    if document.digest != digest {
        differences.push(format!(
            "digest: the evidence says {}, the chain leads to {}",
            to_hex(&document.digest),
            to_hex(&digest)
        ));
    }
    if (stands.limit, stands.evidence) != (found.score.limit, digest) {
        differences.push(format!(
            "contract: at block {at} the limit {} stands there with the digest {}, and not {} with {}",
            stands.limit,
            to_hex(&stands.evidence),
            found.score.limit,
            to_hex(&digest)
        ));
    }
    differences
}

/// Every value by its name: `record.overdue`.
fn values(evidence: &Evidence) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    let Value::Object(parts) = serde_json::to_value(evidence)? else {
        bail!("evidence is an object");
    };
    for (part, value) in parts {
        match value {
            Value::Object(fields) => {
                let named = |(field, value)| (format!("{part}.{field}"), value);
                values.extend(fields.into_iter().map(named));
            }
            value => {
                values.insert(part, value);
            }
        }
    }
    Ok(values)
}

/// What may pass exits with 3.
fn failed(error: LedgerError) -> anyhow::Error {
    match error {
        LedgerError::Unavailable(_) => Unavailable(error.to_string()).into(),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::credit::score::tests::evidence;

    fn document() -> ScoreView {
        evidence().into()
    }

    fn set() -> NodeLimit {
        NodeLimit {
            limit: evidence().score.limit,
            evidence: evidence().digest(),
            ..NodeLimit::default()
        }
    }

    #[test]
    fn what_the_chain_confirms_has_no_differences() {
        assert!(between(&evidence(), &evidence()).unwrap().is_empty());
        assert!(outside(&document(), &evidence(), &set(), 9).is_empty());
    }

    #[test]
    fn each_value_that_the_chain_has_otherwise_is_named() {
        let mut claimed = evidence();
        claimed.block.hash = [6; 32];
        claimed.record.overdue = 0;
        claimed.score.limit = 5_680;
        let differences = between(&claimed, &evidence()).unwrap();
        let names: Vec<&str> = differences.iter().filter_map(|one| one.split(':').next()).collect();
        assert_eq!(names, ["block.hash", "record.overdue", "score.limit"]);
        assert!(differences[2].contains("\"5680\"") && differences[2].contains("\"4680\""));
    }

    #[test]
    fn another_digest_and_another_limit_in_the_contract_are_named() {
        let mut forged = document();
        forged.digest = [0; 32];
        assert!(outside(&forged, &evidence(), &set(), 9)[0].starts_with("digest:"));
        let otherwise = NodeLimit { limit: 1, ..set() };
        let differences = outside(&document(), &evidence(), &otherwise, 9);
        assert!(differences[0].contains("at block 9 the limit 1"), "{differences:?}");
        let by_hand = NodeLimit {
            evidence: [4; 32],
            ..set()
        };
        assert_eq!(outside(&document(), &evidence(), &by_hand, 9).len(), 1);
    }

    #[test]
    fn evidence_is_read_as_the_service_answers_it_with_the_block_that_set_it_or_without() {
        let mut answer = serde_json::to_value(document()).unwrap();
        answer["block"] = serde_json::json!({ "number": 1, "hash": "0x" });
        let read: ScoreView = serde_json::from_value(answer).unwrap();
        assert_eq!(read.evidence, evidence());
    }
}
