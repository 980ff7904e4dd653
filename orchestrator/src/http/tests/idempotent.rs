//! The same key never does a thing twice.
use std::sync::Arc;

use axum::http::StatusCode;

use super::{problem, status_is, text, Bank, OPERATOR};

const BODY: &str = r#"{"asset":"Native","amount":"5"}"#;

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let bank = Bank::open().await;
    let first = bank.post("/v1/deposits", OPERATOR, Some("k"), BODY).await;
    status_is(&first, StatusCode::OK);
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let again = bank.post("/v1/deposits", OPERATOR, Some("k"), BODY).await;
    status_is(&again, StatusCode::OK);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.headers()["content-type"], first.headers()["content-type"]);
    assert_eq!(text(first).await, text(again).await);
    assert_eq!(bank.chain.deposits(), 1);
}

#[tokio::test]
async fn a_key_serves_one_request_only() {
    let bank = Bank::open().await;
    bank.post("/v1/deposits", OPERATOR, Some("k"), BODY).await;
    let other_body = bank
        .post(
            "/v1/deposits",
            OPERATOR,
            Some("k"),
            r#"{"asset":"Native","amount":"6"}"#,
        )
        .await;
    status_is(&other_body, StatusCode::CONFLICT);
    assert_eq!(problem(other_body).await.code, "idempotency-key-reused");
    let other_path = bank.post("/v1/withdrawals", OPERATOR, Some("k"), BODY).await;
    assert_eq!(problem(other_path).await.code, "idempotency-key-reused");
    assert_eq!(bank.chain.deposits(), 1);
}

#[tokio::test]
async fn a_request_in_progress_is_not_begun_again() {
    let bank = Bank::open().await;
    bank.chain.hold();
    let first = bank.post("/v1/deposits", OPERATOR, Some("k"), BODY);
    let second = async {
        bank.chain.entered().await;
        let second = bank.post("/v1/deposits", OPERATOR, Some("k"), BODY).await;
        bank.chain.release();
        second
    };
    let (first, second) = tokio::join!(first, second);
    status_is(&first, StatusCode::OK);
    status_is(&second, StatusCode::CONFLICT);
    assert_eq!(problem(second).await.code, "idempotency-in-progress");
    assert_eq!(bank.chain.deposits(), 1);
}

#[tokio::test]
async fn a_request_interrupted_by_a_crash_is_taken_up_under_the_same_operation() {
    let bank = Bank::open().await;
    bank.chain.hold();
    tokio::select! {
        _ = bank.post("/v1/deposits", OPERATOR, Some("k"), BODY) => unreachable!("the chain holds it"),
        () = bank.chain.entered() => {}
    }
    bank.chain.release();
    let bank = Bank::reopen(bank.store.clone(), Arc::clone(&bank.chain));
    let again = bank.post("/v1/deposits", OPERATOR, Some("k"), BODY).await;
    status_is(&again, StatusCode::OK);
    // Asked twice, done once: both times under one key.
    assert_eq!(bank.chain.deposits(), 1);
}

#[tokio::test]
async fn an_unavailable_chain_leaves_the_key_open() {
    let bank = Bank::open().await;
    bank.chain.lose();
    let failed = bank.post("/v1/deposits", OPERATOR, Some("k"), BODY).await;
    status_is(&failed, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem(failed).await.code, "chain-unavailable");
    bank.chain.release();
    status_is(
        &bank.post("/v1/deposits", OPERATOR, Some("k"), BODY).await,
        StatusCode::OK,
    );
}
