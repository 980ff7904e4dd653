//! S0.9, S0.12: by somebody who believes the chain, the page that an institution serves, and nobody's database.
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use protocol::settlement::TransactionKind;
use quittance::http::payments::PaymentView;
use serde_json::Value;

use crate::network::{TestNetwork, AMOUNT};

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_page_verifies_a_payment_and_shows_altered_evidence_as_failed() {
    let test = TestNetwork::start().await;
    let network = &test.network;
    assert!(network.options.audit_page.is_some(), "scripts/test builds the page");

    let paid = network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    let paid = network.pay(&paid).await.unwrap();
    let paid = test.finished(&network.originator, &paid).await;
    assert_eq!(paid.state, "cleared");
    let refused = network.request(TransactionKind::Purchase, AMOUNT * 1_000).unwrap();
    let refused = network.pay(&refused).await.unwrap();
    let refused = test.finished(&network.originator, &refused).await;
    assert_eq!(refused.state, "refused");

    let seen = look(&test, &paid, &refused);
    assert!(seen["signatures_verified"].as_u64() >= Some(4), "{seen}");
    for altered in ["amount", "signature", "refusal"] {
        assert!(!seen["altered"][altered].as_array().unwrap().is_empty(), "{seen}");
    }
}

/// Has a browser look at both, and gives what it saw.
fn look(test: &TestNetwork, paid: &PaymentView, refused: &PaymentView) -> Value {
    let keep = |name: &str, payment: &PaymentView| -> PathBuf {
        let path = test.network.options.directory.join(name);
        std::fs::write(&path, serde_json::to_vec(payment).unwrap()).unwrap();
        path
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("audit/page/page.mjs");
    let output = Command::new("node")
        .arg(script)
        .args(["--url", &format!("{}/audit/", test.network.originator.url)])
        .args(["--voucher", &paid.id.to_string()])
        .arg("--evidence")
        .arg(keep("paid.json", paid))
        .arg("--refusal")
        .arg(keep("refused.json", refused))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(printed.lines().last().unwrap()).unwrap()
}
