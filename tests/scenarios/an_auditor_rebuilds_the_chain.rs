//! An auditor rebuilds what every contract keeps from the chain's blocks alone, and finds that it is what they keep; in two goes,
//! too. Who looks at other contracts than those that were deployed is told.
use std::process::Output;

use quittance::chain::Deployment;
use serde_json::Value;
use tokio::process::Command;

use crate::tills::{Tills, MERCHANT, PRICE};

/// Asks the command line, which asks the node.
async fn audit(tills: &Tills, deployment: &std::path::Path, what: &[&str]) -> Output {
    let mut command = Command::new(tills.network.options.programs.join("quittance"));
    command.arg("audit").args(["--url", &tills.network.url]);
    command.arg("--deployment").arg(deployment);
    command.arg("--bundles").arg(&tills.network.options.bundles);
    command.args(what).output().await.unwrap()
}

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// The outcome, which must be well.
fn well(output: &Output) -> Value {
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{complaints}", said(output));
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&outcome["ok"], &outcome["count"]),
        (&Value::Bool(true), &Value::from(0))
    );
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_contracts_keep_follows_from_the_blocks() {
    let tills = Tills::start().await;
    for counter in 1..=3 {
        tills.answer(&tills.payment(counter, PRICE)).await;
    }
    tills.answer(&tills.void(2)).await;
    tills.answer(&tills.refund(3, PRICE / 4, 0)).await;
    tills.cards.close_cycle(MERCHANT).await.unwrap();
    let deployment = &tills.cards.file;

    let outcome = well(&audit(&tills, deployment, &["--json"]).await);
    let prepaid = format!("prepaid_{}", tills.cards.member());
    for contract in ["registry", "clearing", &prepaid] {
        let tally = &outcome["contracts"][contract];
        assert!(tally["events"].as_u64() > Some(0), "{contract}: {tally}");
        assert!(tally["compared"].as_u64() > Some(0), "{contract}: {tally}");
    }
    let table = audit(&tills, deployment, &[]).await;
    assert!(said(&table).contains("OK: everything"), "{}", said(&table));

    // In two goes, it comes to the same.
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("audit.work");
    let work = work.to_str().unwrap();
    let until = outcome["until"].as_u64().unwrap();
    // All contracts were there by then.
    let (part, all) = ((until - 2).to_string(), until.to_string());
    well(&audit(&tills, deployment, &["--json", "--work", work, "--to", &part]).await);
    let again = well(&audit(&tills, deployment, &["--json", "--work", work, "--to", &all]).await);
    let whole = well(&audit(&tills, deployment, &["--json", "--to", &all]).await);
    assert_eq!(again, whole);
    let other = audit(&tills, deployment, &["--work", work, "--from", "2"]).await;
    assert_eq!(other.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&other.stderr);
    assert!(complaint.contains("belongs to another audit"), "{complaint}");

    // Two contracts are taken for each other.
    let mut wrong = Deployment::load(deployment).unwrap();
    let place = |name: &str| wrong.contracts.iter().position(|one| one.name == name).unwrap();
    let (registry, clearing) = (place("registry"), place("clearing"));
    let address = wrong.contracts[registry].address;
    wrong.contracts[registry].address = wrong.contracts[clearing].address;
    wrong.contracts[clearing].address = address;
    let file = folder.path().join("deployment.json");
    wrong.save(&file).unwrap();
    let found = audit(&tills, &file, &[]).await;
    assert_eq!(found.status.code(), Some(1));
    for code in ["other-code: registry", "unknown-event: clearing"] {
        assert!(said(&found).contains(code), "{}", said(&found));
    }
}
