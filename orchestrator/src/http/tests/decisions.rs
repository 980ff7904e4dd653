//! Decisions of the notaries, fees and windows.
use axum::http::StatusCode;

use super::{json, problem, status_is, Bank, AUDITOR, OPERATOR, TELLER};

const CLOSE: &str = r#"{"decision":{"CloseWindow":0}}"#;

#[tokio::test]
async fn only_operators_decide() {
    let bank = Bank::open().await;
    for token in [TELLER, AUDITOR] {
        let refused = bank.post("/v1/decisions", token, Some("k"), CLOSE).await;
        status_is(&refused, StatusCode::FORBIDDEN);
        assert_eq!(problem(refused).await.code, "forbidden");
    }
    // An operator gets as far as the chain, which isn't there in this test.
    let unavailable = bank.post("/v1/decisions", OPERATOR, Some("k"), CLOSE).await;
    assert_eq!(problem(unavailable).await.code, "chain-unavailable");
    let listed = json(bank.get("/v1/decisions", AUDITOR).await).await;
    assert_eq!(listed["decisions"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_decision_that_makes_no_sense_is_told_what_is_wrong() {
    let bank = Bank::open().await;
    for body in [
        r#"{"decision":{"CloseWindow":"first"}}"#,
        r#"{"decision":{"Abolish":0}}"#,
        r#"{"decision":{"CloseWindow":0},"by":"me"}"#,
        r#"{"decision":{"SetCap":{"member":1,"asset":"Native","cap":"-5"}}}"#,
    ] {
        let refused = bank.post("/v1/decisions", OPERATOR, Some(body), body).await;
        assert_eq!(problem(refused).await.code, "malformed-request", "{body}");
    }
    let unknown = bank.get(&format!("/v1/decisions/0x{}", "0".repeat(64)), OPERATOR).await;
    assert_eq!(problem(unknown).await.code, "not-found");
}

#[tokio::test]
async fn the_latest_fee_schedule_is_read_without_its_version() {
    let bank = Bank::open().await;
    let latest = json(bank.get("/v1/fees", AUDITOR).await).await;
    assert_eq!(latest["version"], 0);
    assert_eq!(latest["rules"].as_array().unwrap().len(), 0);
    let named = json(bank.get("/v1/fees?version=3", AUDITOR).await).await;
    assert_eq!(named["version"], 3);
    let current = json(bank.get("/v1/current", AUDITOR).await).await;
    assert_eq!((&current["window"], &current["decisions"]), (&0.into(), &0.into()));
}
