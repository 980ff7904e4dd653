//! Disputes as clients and peers see them. Nothing runs behind it: what is seen is what was stored.
use axum::{
    body::Body,
    http::{header, Request, StatusCode},
};
use protocol::{
    disputes::{Claim, Dispute, Response, Ruling},
    settlement::{Asset, Obligation},
    Member, VoucherId,
};
use serde_json::json;

use super::{json as body_of, problem, status_is, text, Bank, AUDITOR, OPERATOR, TELLER};
use crate::{
    disputes::{messages::Document, state::Paper, Over},
    store::Store,
};

const DISPUTES: &str = "/v1/disputes";

fn over(number: u8) -> Over {
    Over {
        voucher: VoucherId([number; 32]),
        obligation: 0,
    }
}

fn receipt() -> Document {
    Document::new(b"a receipt".to_vec()).unwrap()
}

/// Member 1 claims something back of member 0, which is this bank.
fn opened() -> Dispute {
    Dispute {
        claimant: Member(1),
        originator: Member(0),
        sequence: 1,
        claim: Claim {
            obligation: 0,
            amount: 60,
            evidence: receipt().digest(),
        },
        contested: Obligation {
            debtor: Member(1),
            creditor: Member(0),
            asset: Asset::Native,
            amount: 100,
        },
        opened_at: 10,
        rule_by: 20,
        response: None,
        ruling: None,
        awarded: 0,
        is_due: false,
        paid: 0,
    }
}

fn ruled() -> Dispute {
    Dispute {
        response: Some(Response {
            member: Member(0),
            evidence: [2; 32],
        }),
        ruling: Some(Ruling::Partial(40)),
        awarded: 40,
        is_due: true,
        paid: 10,
        ..opened()
    }
}

async fn keep(store: &Store, number: u8, dispute: &Dispute) {
    store.note_dispute(over(number), dispute, number.into()).await.unwrap();
}

#[tokio::test]
async fn a_dispute_is_read_with_its_evidence_and_its_history() {
    let bank = Bank::open().await;
    keep(&bank.store, 1, &opened()).await;
    bank.store
        .keep_evidence(over(1), &ruled(), Paper::Claim, &receipt(), 5)
        .await
        .unwrap();
    // What was read earlier and is stored later changes nothing.
    keep(&bank.store, 1, &opened()).await;
    let path = format!("{DISPUTES}/{}", over(1));
    let read = body_of(
        bank.get(&format!("{path}?wait_seconds=5&unless_state=opened"), AUDITOR)
            .await,
    )
    .await;
    assert_eq!(read["state"], "awarded");
    assert_eq!(read["is_final"], false);
    assert_eq!(read["dispute"]["claim"]["amount"], "60");
    assert_eq!(read["dispute"]["ruling"], json!({ "Partial": "40" }));
    assert_eq!(read["dispute"]["paid"], "10");
    assert_eq!(read["dispute"]["rule_by"], 20);
    assert_eq!(read["claim_evidence"], json!({ "text": "a receipt" }));
    assert!(read["answer_evidence"].is_null(), "it isn't here yet");
    let states: Vec<&str> = read["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["opened", "awarded"]);
    let missing = bank.get(&format!("{DISPUTES}/{}", over(9)), AUDITOR).await;
    assert_eq!(problem(missing).await.code, "not-found");
}

#[tokio::test]
async fn disputes_are_found_by_what_they_are() {
    let bank = Bank::open().await;
    keep(&bank.store, 1, &opened()).await;
    keep(&bank.store, 2, &ruled()).await;
    let strangers = Dispute {
        claimant: Member(5),
        ..opened()
    };
    keep(&bank.store, 3, &strangers).await;
    let voucher = over(2).voucher;
    for (query, expected) in [
        (String::new(), vec![3, 2, 1]),
        ("state=opened".into(), vec![3, 1]),
        ("member=5".into(), vec![3]),
        ("member=0".into(), vec![3, 2, 1]),
        (format!("voucher={voucher}"), vec![2]),
        ("from=2&to=3".into(), vec![2]),
        ("limit=2".into(), vec![3, 2]),
    ] {
        let page = body_of(bank.get(&format!("{DISPUTES}?{query}"), AUDITOR).await).await;
        let found: Vec<String> = page["disputes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|dispute| dispute["voucher"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<String> = expected
            .into_iter()
            .map(|number| over(number).voucher.to_string())
            .collect();
        assert_eq!(found, expected, "{query}");
    }
    for query in ["state=gone", "cursor=x", "colour=red"] {
        let refused = bank.get(&format!("{DISPUTES}?{query}"), AUDITOR).await;
        assert_eq!(problem(refused).await.code, "malformed-request", "{query}");
    }
    let request = Request::get(format!("{DISPUTES}?state=awarded"))
        .header(header::AUTHORIZATION, format!("Bearer {OPERATOR}"))
        .header(header::ACCEPT, "text/csv");
    let rows = text(bank.send(request.body(Body::empty()).unwrap()).await).await;
    let row = rows.lines().nth(1).unwrap();
    assert!(
        row.contains(",awarded,1,1,0,native,100,60,10,20,0,partial,40,true,10,"),
        "{row}"
    );
}

#[tokio::test]
async fn an_auditor_contests_nothing_and_a_request_that_makes_no_sense_is_told_what_is_wrong() {
    let bank = Bank::open().await;
    let body = json!({ "voucher": over(1).voucher, "evidence": { "text": "a receipt" } }).to_string();
    let refused = bank.post(DISPUTES, AUDITOR, Some("k"), &body).await;
    status_is(&refused, StatusCode::FORBIDDEN);
    let unknown = bank.post(DISPUTES, TELLER, Some("k"), &body).await;
    assert_eq!(problem(unknown).await.code, "unknown-voucher");
    for (key, evidence) in [
        ("bare", json!("a receipt")),
        ("empty", json!({ "text": "" })),
        ("no-base64", json!({ "base64": "?" })),
    ] {
        let body = json!({ "voucher": over(1).voucher, "evidence": evidence }).to_string();
        let refused = bank.post(DISPUTES, OPERATOR, Some(key), &body).await;
        assert_eq!(problem(refused).await.code, "malformed-request", "{body}");
    }
    let path = format!("{DISPUTES}/{}/answer", over(1));
    let body = json!({ "evidence": { "text": "no" } }).to_string();
    status_is(
        &bank.post(&path, AUDITOR, Some("a"), &body).await,
        StatusCode::FORBIDDEN,
    );
}

#[tokio::test]
async fn evidence_that_cant_be_checked_is_not_kept_and_the_sender_told_to_come_again() {
    let bank = Bank::open().await;
    let letter = json!({ "voucher": over(1).voucher, "obligation": 0, "document": { "text": "a receipt" } });
    let request = Request::post("/peer/v1/dispute-evidence").header("content-type", "application/json");
    let response = bank.send(request.body(Body::from(letter.to_string())).unwrap()).await;
    status_is(&response, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem(response).await.code, "chain-unavailable");
    assert_eq!(bank.store.count("dispute_evidence").await, 0);
}
