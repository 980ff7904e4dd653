//! An auditor, a regulator and a merchant read a card programme from the chain alone, with no service's help: everything that
//! the contract keeps follows from its events, the statement adds up and carries the receipts' references, the float was covered
//! after every block.
use std::process::Output;

use protocol::{prepaid::Statement, text::to_hex};
use quittance::prepaid::{
    messages::TerminalOrder,
    report::{views::HolderView, Report},
    statements::{LineKind, MerchantStatement},
};
use serde_json::Value;
use tokio::process::Command;

use crate::tills::{Tills, BALANCE, CARD, MERCHANT, PRICE};

/// Asks the command line, which asks the node.
async fn asks(tills: &Tills, what: &[&str]) -> Output {
    let issuer = tills.cards.member().to_string();
    let mut command = Command::new(tills.network.options.programs.join("quittance"));
    command.arg("prepaid").args(what).args(["--issuer", &issuer]);
    command.args(["--url", &tills.network.url]);
    command.arg("--deployment").arg(&tills.cards.file);
    command.arg("--bundles").arg(&tills.network.options.bundles);
    command.output().await.unwrap()
}

async fn says(tills: &Tills, what: &[&str]) -> String {
    let output = asks(tills, what).await;
    let said = String::from_utf8(output.stdout).unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what:?}: {said}\n{complaints}");
    said
}

fn reference(order: &TerminalOrder) -> String {
    to_hex(&order.reference())
}

/// Sums of a CSV statement's amounts, and the closing balance it says.
fn sums(text: &str) -> (i128, i128) {
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|row| row.split(',').collect()).collect();
    let closing = rows.iter().position(|row| row[0] == "closing").unwrap();
    let amount = |row: &Vec<&str>| row[7].parse::<i128>().unwrap();
    (rows[..closing].iter().map(amount).sum(), amount(&rows[closing]))
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_follows_from_the_chain_and_statements_carry_the_receipts_references() {
    let tills = Tills::start().await;
    let orders: Vec<TerminalOrder> = (1..=4).map(|counter| tills.payment(counter, PRICE)).collect();
    for order in &orders {
        tills.answer(order).await;
    }
    tills.answer(&tills.payment(5, 2 * BALANCE)).await;
    tills.answer(&tills.void(2)).await;
    tills.answer(&tills.refund(3, PRICE / 4, 0)).await;
    let told: Statement = tills.cards.close_cycle(MERCHANT).await.unwrap();
    tills.answer(&tills.payment(6, PRICE)).await;

    let verified = says(&tills, &["verify", "--every-block"]).await;
    assert!(verified.starts_with("OK: all "), "{verified}");
    let outcome: Value = serde_json::from_str(&says(&tills, &["verify", "--json"]).await).unwrap();
    assert_eq!(
        (&outcome["mismatches"], &outcome["shortfalls"]),
        (&Value::Array(vec![]), &Value::Array(vec![]))
    );

    let merchant = MERCHANT.0.to_string();
    let cycle = ["statement", "--merchant", &merchant, "--cycle", "0"];
    let json = says(&tills, &[&cycle[..], &["--json"]].concat()).await;
    let statement: MerchantStatement = serde_json::from_str(&json).unwrap();
    assert_eq!(statement.statement, told, "as the service says");
    assert!(statement.adds_up());
    let kinds: Vec<LineKind> = statement.lines.iter().map(|line| line.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == LineKind::Payment).count(), 4);
    let csv = says(&tills, &[&cycle[..], &["--csv"]].concat()).await;
    let (sum, closing) = sums(&csv);
    assert_eq!(sum, closing);
    let camt = says(&tills, &[&cycle[..], &["--camt053", "--currency", "EUR"]].concat()).await;
    for order in &orders {
        assert!(csv.contains(&reference(order)) && camt.contains(&reference(order)));
    }
    let open = asks(&tills, &["statement", "--merchant", &merchant, "--cycle", "1"]).await;
    assert_eq!(open.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&open.stderr).contains("isn't closed"));

    let report = says(
        &tills,
        &["report", "--every-block", "--json", "--velocity-payments", "5"],
    )
    .await;
    let report: Report = serde_json::from_str(&report).unwrap();
    let totals = report.totals;
    assert_eq!(
        (totals.payments.count, totals.voids.count, totals.refunds.amount),
        (5, 1, PRICE / 4)
    );
    assert_eq!((totals.declined.count, report.declines.len()), (1, 1));
    assert_eq!((report.velocity.len(), report.velocity[0].payments), (1, 5));
    assert_eq!(report.coverage.shortfalls, []);
    assert!(report.coverage.blocks > 10, "{} blocks", report.coverage.blocks);
    let early = report.velocity[0].blocks.first.to_string();
    let earlier = says(&tills, &["report", "--to", &early, "--json"]).await;
    let earlier: Report = serde_json::from_str(&earlier).unwrap();
    assert_eq!(
        (earlier.until.number.to_string(), earlier.totals.fees.count),
        (early, 0)
    );

    let card = CARD.0.to_string();
    let history: HolderView =
        serde_json::from_str(&says(&tills, &["history", "--card", &card, "--json"]).await).unwrap();
    assert_eq!(history.card.balance, tills.balance().await);
    assert_eq!(history.movements.last().unwrap().balance, history.card.balance);
    let taken = says(&tills, &["history", "--merchant", &merchant, "--cycle", "0", "--csv"]).await;
    // Four payments, and what was declined.
    assert_eq!(taken.lines().count(), 6);
}
