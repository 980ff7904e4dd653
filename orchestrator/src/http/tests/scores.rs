//! Limits by payers' records as a credit node's clients see them.
use axum::http::StatusCode;
use protocol::text::to_hex;
use serde_json::{json, Value};

use super::{fakes, json, problem, status_is, Bank, AUDITOR, OPERATOR, TELLER};
use crate::credit::tests::{payee, payer};

fn at(place: usize, path: &str) -> String {
    format!("/v1/credit/chains/{}/{path}", to_hex(&fakes::CREDIT_CHAINS[place]))
}

fn account() -> String {
    to_hex(&payer().account().0)
}

fn wish() -> String {
    json!({ "payer": account(), "asset": "Native" }).to_string()
}

async fn node_limit(bank: &Bank, place: usize) -> Value {
    let payee = to_hex(&payee().account().0);
    let path = at(place, &format!("limits?payer={}&payee={payee}", account()));
    json(bank.get(&path, AUDITOR).await).await["node"].clone()
}

#[tokio::test]
async fn a_score_is_shown_with_each_term_and_changes_nothing() {
    let bank = Bank::open().await;
    bank.stories[0].repaid_on_time(2_000);
    let path = |place| at(place, &format!("score?payer={}", account()));
    let shown = json(bank.get(&path(0), AUDITOR).await).await;
    let evidence = &shown["evidence"];
    assert_eq!(evidence["record"]["repaid_on_time"], "2000");
    assert_eq!(evidence["score"]["on_time"], "1000");
    assert_eq!(evidence["score"]["limit"], "2200");
    assert_eq!(evidence["block"]["number"], 2);
    let elsewhere = json(bank.get(&path(1), AUDITOR).await).await;
    assert_eq!(elsewhere["evidence"]["score"]["limit"], "1000", "each chain by itself");
    assert_eq!(node_limit(&bank, 0).await["limit"], "0");
    let unset = format!("/v1/credit/scores/{}", shown["digest"].as_str().unwrap());
    status_is(&bank.get(&unset, AUDITOR).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_score_that_is_set_stands_with_its_digest_under_which_its_evidence_is_found() {
    let bank = Bank::open().await;
    bank.stories[0].repaid_on_time(2_000);
    let forbidden = bank.post(&at(0, "scores"), TELLER, Some("teller"), &wish()).await;
    assert_eq!(problem(forbidden).await.code, "forbidden");

    let set = bank.post(&at(0, "scores"), OPERATOR, Some("wish"), &wish()).await;
    status_is(&set, StatusCode::OK);
    let set = json(set).await;
    assert_eq!(set["block"]["number"], 1);
    let stands = node_limit(&bank, 0).await;
    assert_eq!(
        (&stands["limit"], &stands["evidence"]),
        (&json!("2200"), &set["digest"])
    );
    assert_eq!(node_limit(&bank, 1).await["limit"], "0");

    let kept = format!("/v1/credit/scores/{}", set["digest"].as_str().unwrap());
    let kept = json(bank.get(&kept, AUDITOR).await).await;
    assert_eq!((&kept["evidence"], &kept["digest"]), (&set["evidence"], &set["digest"]));

    // Repeated under its key, it is the same, also when the payer's record is another one by now.
    bank.stories[0].repaid_on_time(2_000);
    let again = bank.post(&at(0, "scores"), OPERATOR, Some("wish"), &wish()).await;
    assert_eq!(json(again).await, set);
    assert_eq!(bank.credit[0].acts(), 1);
}

#[tokio::test]
async fn what_names_no_chain_or_payer_of_this_node_is_refused() {
    let bank = Bank::open().await;
    let elsewhere = format!("/v1/credit/chains/{}/score?payer={}", to_hex(&[9; 32]), account());
    status_is(&bank.get(&elsewhere, AUDITOR).await, StatusCode::NOT_FOUND);
    status_is(
        &bank.get(&at(0, "score?payer=alice"), AUDITOR).await,
        StatusCode::BAD_REQUEST,
    );
    status_is(
        &bank.get("/v1/credit/scores/latest", AUDITOR).await,
        StatusCode::BAD_REQUEST,
    );
}
