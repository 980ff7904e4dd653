//! The delivery log.
use axum::http::StatusCode;
use serde_json::json;

use super::{json, problem, status_is, Bank, AUDITOR, OPERATOR, TELLER};
use crate::store::webhooks::{NewEvent, Outcome};

/// The log holds this many deliveries to `books`, the first one given up.
async fn log(bank: &Bank, events: u32) {
    bank.store.set_webhook_endpoints(&["books".into()], 1).await.unwrap();
    for number in 0..events {
        let event = NewEvent {
            kind: "window.short",
            subject: format!("window/{number}"),
            data: json!({ "window": number }),
            origin: None,
        };
        bank.store.tell(1, &event).await.unwrap();
    }
    bank.store.enter_deliveries("books", 5, 100).await.unwrap();
    let outcome = Outcome::GivenUp {
        status: Some(503),
        problem: "the endpoint answers 503".into(),
    };
    bank.store.note_delivery(1, 9, &outcome).await.unwrap();
}

#[tokio::test]
async fn the_log_is_found_by_state_and_read_page_by_page() {
    let bank = Bank::open().await;
    log(&bank, 5).await;
    let failed = json(bank.get("/v1/webhooks/deliveries?state=failed", AUDITOR).await).await;
    let [failed] = failed["deliveries"].as_array().unwrap().as_slice() else {
        panic!("one failed: {failed}");
    };
    assert_eq!((&failed["attempts"], &failed["status"]), (&1.into(), &503.into()));
    assert_eq!(
        (&failed["subject"], &failed["finished_at"]),
        (&"window/0".into(), &9.into())
    );
    assert!(failed["event"].as_str().unwrap().starts_with("evt_"));

    let (mut path, mut numbers) = ("/v1/webhooks/deliveries?limit=2".to_owned(), vec![]);
    loop {
        let page = json(bank.get(&path, AUDITOR).await).await;
        let deliveries = page["deliveries"].as_array().unwrap().iter();
        numbers.extend(deliveries.map(|delivery| delivery["number"].as_i64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/webhooks/deliveries?limit=2&cursor={next}");
    }
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    let refused = bank.get("/v1/webhooks/deliveries?state=lost", AUDITOR).await;
    assert_eq!(problem(refused).await.code, "malformed-request");
}

#[tokio::test]
async fn an_operator_has_a_delivery_sent_again() {
    let bank = Bank::open().await;
    log(&bank, 1).await;
    let path = "/v1/webhooks/deliveries/1/send";
    for token in [TELLER, AUDITOR] {
        let refused = bank.post(path, token, Some("k"), "").await;
        assert_eq!(problem(refused).await.code, "forbidden");
    }
    let sent = bank.post(path, OPERATOR, Some("k"), "").await;
    status_is(&sent, StatusCode::ACCEPTED);
    assert_eq!(json(sent).await["state"], "pending");
    let missing = bank
        .post("/v1/webhooks/deliveries/2/send", OPERATOR, Some("l"), "")
        .await;
    assert_eq!(problem(missing).await.code, "not-found");

    bank.store.set_webhook_endpoints(&[], 20).await.unwrap();
    let gone = json(bank.get("/v1/webhooks/deliveries/1", AUDITOR).await).await;
    assert_eq!(gone["state"], "failed");
    let refused = bank.post(path, OPERATOR, Some("m"), "").await;
    assert_eq!(problem(refused).await.code, "endpoint-not-configured");
}
