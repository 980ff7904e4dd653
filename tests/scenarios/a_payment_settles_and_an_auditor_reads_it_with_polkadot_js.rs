//! S0.1 to S0.12 between separate processes, then S0.12 and S0.14 by somebody who trusts the chain only.
use std::{path::Path, process::Command};

use protocol::settlement::TransactionKind;
use serde_json::Value;

use crate::network::{TestNetwork, AMOUNT, DEPOSIT};

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_moves_exactly_its_amount_and_leaves_a_trail_that_polkadot_js_can_read() {
    let test = TestNetwork::start().await;
    let network = &test.network;
    let request = network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    let payment = network.pay(&request).await.unwrap();
    for institution in [&network.originator, &network.home, &network.notary] {
        assert_eq!(
            test.finished(institution, &payment).await.state,
            "cleared",
            "at {}",
            institution.name
        );
    }
    let (originator, home) = test.balances().await;
    assert_eq!((originator.available, home.available), (AMOUNT, DEPOSIT - AMOUNT));
    assert_eq!((originator.reserved, home.reserved), (0, 0));

    let voucher = payment.id.to_string();
    let report = read(&test, "audit.mjs", &["--voucher", &voucher]);
    let (debtor, creditor) = (network.home.member.0, network.originator.member.0);
    assert_eq!(report["institutions"].as_array().unwrap().len(), 3);
    assert_eq!(report["members"]["ok"]["signers"].as_array().unwrap().len(), 3);

    let owed = &report["relation"]["relation"]["obligations"][0];
    assert_eq!(
        (&owed["debtor"], &owed["creditor"]),
        (&Value::from(debtor), &Value::from(creditor))
    );
    assert_eq!(number(&owed["amount"]), AMOUNT);
    assert_eq!(
        report["relation"]["retainedIn"],
        Value::from(payment_block(&test, &payment.id).await)
    );

    let discharge = &report["discharges"][debtor.to_string()]["clearingVoucher"];
    assert_eq!(discharge["voucher"], Value::from(payment.id.to_string()));
    assert_eq!(
        discharge["sources"][0]["deposit"],
        Value::from(0),
        "it names the deposit it was paid from"
    );

    assert_eq!(number(&report["balances"][creditor.to_string()]["available"]), AMOUNT);
    assert_eq!(
        number(&report["balances"][debtor.to_string()]["available"]),
        DEPOSIT - AMOUNT
    );

    let events: Vec<&str> = report["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    let named = |name: &str| events.iter().filter(|event| event.ends_with(name)).count();
    assert_eq!(named("Created"), 1);
    assert_eq!(named("Changed"), 3);
    assert_eq!((named("Deposited"), named("Retained"), named("Cleared")), (1, 1, 1));
    assert_eq!(events.len(), 7, "and nothing else: {events:?}");

    the_typed_examples_agree(&test, &voucher, &report);
}

/// What `tests/audit/examples` reads, beside what the script read.
fn the_typed_examples_agree(test: &TestNetwork, voucher: &str, report: &Value) {
    let example = |arguments: &[&str]| read(test, "build/main.js", arguments);
    let institutions = example(&["institutions"]);
    assert_eq!(institutions.as_array().unwrap().len(), 3);
    assert_eq!(institutions[1]["signingKey"], report["institutions"][1]["signingKey"]);
    assert_eq!(
        institutions[1]["lei"].as_str().map(str::len),
        Some(20),
        "as letters, not bytes"
    );
    assert_eq!(example(&["balances"]), report["balances"]);
    assert_eq!(example(&["retention", "--voucher", voucher]), report["relation"]);

    let block = report["relation"]["retainedIn"].to_string();
    let events = example(&["events", "--from", &block, "--to", &block]);
    assert_eq!(events[0]["event"], "Retained");
    assert_eq!(events[0]["fields"]["vouchers"][0]["id"], voucher);
    assert_eq!(events.as_array().unwrap().len(), 1, "{events}");

    let network = &test.network;
    for institution in [&network.originator, &network.home, &network.notary] {
        let member = institution.member.0.to_string();
        let verified = example(&["signature", "--voucher", voucher, "--member", &member]);
        assert_eq!(verified["isGood"], true, "{verified}");
        assert_eq!(verified["vouchers"], 1, "{verified}");
    }
}

async fn payment_block(test: &TestNetwork, id: &protocol::VoucherId) -> u32 {
    test.network.notary.payment(*id, 0).await.unwrap().retained_in.unwrap()
}

/// Runs one of the auditor's programs and gives what it printed.
fn read(test: &TestNetwork, program: &str, arguments: &[&str]) -> Value {
    let options = &test.network.options;
    let output = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("audit").join(program))
        .args(arguments)
        .args(["--url", &test.network.url])
        .arg("--deployment")
        .arg(options.directory.join("deployment.json"))
        .arg("--bundles")
        .arg(&options.bundles)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// polkadot.js writes large numbers as hex strings and small ones as numbers.
fn number(value: &Value) -> u128 {
    match value.as_str() {
        Some(hex) => u128::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap(),
        None => u128::from(value.as_u64().unwrap()),
    }
}
