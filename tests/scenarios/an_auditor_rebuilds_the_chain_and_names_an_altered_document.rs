//! An auditor who has a copy of a bank's database finds nothing wrong with it, and names the document in which a digit of a
//! signature was altered; a file that is no such database is refused.
use std::{
    path::{Path, PathBuf},
    process::Output,
};

use protocol::settlement::TransactionKind;
use quittance::devnet::Institution;
use serde_json::Value;
use sqlx::{sqlite::SqliteConnectOptions, Connection, SqliteConnection};
use tokio::process::Command;

use crate::network::{TestNetwork, AMOUNT};

/// Asks the command line, which asks the node.
async fn audit(test: &TestNetwork, work: &Path, documents: &Path) -> Output {
    let options = &test.network.options;
    let mut command = Command::new(options.programs.join("quittance"));
    command.args(["audit", "--json", "--url", &test.network.url]);
    command
        .arg("--deployment")
        .arg(options.directory.join("deployment.json"));
    command.arg("--bundles").arg(&options.bundles);
    command.arg("--work").arg(work);
    command.arg("--documents").arg(documents);
    command.output().await.unwrap()
}

fn said(output: &Output) -> Value {
    let complaints = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {complaints}"))
}

async fn copy(institution: &Institution, folder: &Path) -> PathBuf {
    let path = folder.join(format!("{}.sqlite", institution.member));
    let options = SqliteConnectOptions::new().filename(institution.database());
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let into = path.to_str().unwrap();
    sqlx::query("VACUUM INTO ?")
        .bind(into)
        .execute(&mut database)
        .await
        .unwrap();
    path
}

/// Alters the first digit of the signature in a document.
async fn alter(copy: &Path, kind: &str) {
    let options = SqliteConnectOptions::new().filename(copy);
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let query = "SELECT body FROM payment_documents WHERE kind = ?";
    let body: String = sqlx::query_scalar(query)
        .bind(kind)
        .fetch_one(&mut database)
        .await
        .unwrap();
    let at = body.find("\"signature\":\"0x").unwrap() + "\"signature\":\"0x".len();
    let digit = if body.as_bytes()[at] == b'0' { "1" } else { "0" };
    let altered = format!("{}{digit}{}", &body[..at], &body[at + 1..]);
    sqlx::query("UPDATE payment_documents SET body = ? WHERE body = ?")
        .bind(altered)
        .bind(body)
        .execute(&mut database)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_document_is_named() {
    let test = TestNetwork::start().await;
    let network = &test.network;
    let request = network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    let payment = network.pay(&request).await.unwrap();
    let id = payment.id;
    for institution in network.institutions() {
        assert_eq!(test.finished(institution, &payment).await.state, "cleared");
    }
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("audit.work");

    for (institution, kind) in [
        (&network.originator, "attestation"),
        (&network.home, "clearing-voucher.000000"),
        (&network.notary, "retention-request"),
    ] {
        let copy = copy(institution, folder.path()).await;
        let before = std::fs::read(&copy).unwrap();
        let well = audit(&test, &work, &copy).await;
        let outcome = said(&well);
        assert!(well.status.success(), "{outcome:#}");
        let documents = &outcome["contracts"]["documents"];
        assert!(documents["events"].as_u64() > Some(5), "{documents}");
        assert!(documents["signatures"].as_u64() > Some(5), "{documents}");
        assert!(std::fs::read(&copy).unwrap() == before, "the copy is as it was");
        if kind == "attestation" {
            continue;
        }
        alter(&copy, kind).await;
        let found = audit(&test, &work, &copy).await;
        assert_eq!(found.status.code(), Some(1));
        let outcome = said(&found);
        assert_eq!(outcome["count"], 1, "{outcome:#}");
        let finding = &outcome["findings"][0];
        assert_eq!(finding["code"], "bad-signature");
        let detail = finding["detail"].as_str().unwrap();
        assert!(
            detail.starts_with(&format!("payment {id}, {kind} of member ")),
            "{detail}"
        );
    }

    let refused = audit(&test, &work, &work).await;
    assert_eq!(refused.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&refused.stderr);
    assert!(
        complaint.contains("no copy of an institution's database"),
        "{complaint}"
    );
}
