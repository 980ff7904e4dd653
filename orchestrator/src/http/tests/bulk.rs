//! Several requests of another institution in one.
use axum::{
    body::Body,
    http::{Request, StatusCode},
    response::Response,
};
use serde_json::{json, Value};

use super::{json as body_of, status_is, Bank};
use crate::peers::bulk::MAX_ITEMS;

async fn send(bank: &Bank, items: Value) -> Response {
    let request = Request::post("/peer/v1/bulk").header("content-type", "application/json");
    bank.send(request.body(Body::from(items.to_string())).unwrap()).await
}

#[tokio::test]
async fn each_request_of_several_is_answered_as_if_it_came_by_itself() {
    let bank = Bank::open().await;
    let strange = json!({"items": [], "epoch": 0, "expires_at": 1});
    let alone = Request::post("/peer/v1/batches").header("content-type", "application/json");
    let alone = bank.send(alone.body(Body::from(strange.to_string())).unwrap()).await;
    let status = alone.status();
    let alone = body_of(alone).await;

    let items = json!([
        {"resource": "batches", "message": strange},
        {"resource": "batches", "message": "not a batch"},
        {"resource": "no-such-thing", "message": {}},
        {"resource": "../../v1/payments", "message": {}},
        {"resource": "bulk", "message": []},
    ]);
    let answer = send(&bank, items).await;
    status_is(&answer, StatusCode::OK);
    let answers = body_of(answer).await;
    let of = |place: usize| {
        (
            answers[place]["status"].as_u64(),
            answers[place]["body"]["code"].as_str(),
        )
    };
    assert_eq!(of(0), (Some(u64::from(status.as_u16())), alone["code"].as_str()));
    assert_eq!(of(0).1, Some("batch-size"));
    assert_eq!(of(1), (Some(400), Some("malformed-request")));
    for place in 2..5 {
        assert_eq!(of(place), (Some(404), Some("no-such-route")), "{place}");
    }
}

#[tokio::test]
async fn none_or_too_many_requests_in_one_are_refused() {
    let bank = Bank::open().await;
    let item = json!({"resource": "batches", "message": {}});
    for count in [0, MAX_ITEMS + 1] {
        let answer = send(&bank, Value::Array(vec![item.clone(); count])).await;
        status_is(&answer, StatusCode::BAD_REQUEST);
    }
}
