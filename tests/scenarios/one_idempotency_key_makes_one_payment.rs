//! An impatient client: fifty requests at once under one `Idempotency-Key` are one payment, whether they ask for the same
//! or each for something else. What else is asked for under the key is refused, and changes nothing.
use futures::future::join_all;
use protocol::settlement::TransactionKind;
use quittance::{
    http::payments::{PaymentPage, PaymentView},
    settlement::messages::SignedPaymentRequest,
};
use reqwest::{Method, StatusCode};
use serde_json::{from_value, Value};

use crate::network::{TestNetwork, AMOUNT};

const TIMES: usize = 50;
const IN_PROGRESS: &str = "idempotency-in-progress";
const REUSED: &str = "idempotency-key-reused";

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_at_once_under_one_key_are_one_payment_and_anything_else_under_it_is_a_conflict() {
    let test = TestNetwork::start().await;
    let before = test.balances().await;
    let wishes: Vec<_> = (0..=TIMES).map(|_| a_wish(&test)).collect();
    let (wish, others) = wishes.split_first().unwrap();

    // The same, at once.
    let key = "an-impatient-client";
    let answers = join_all((0..TIMES).map(|_| ask(&test, key, wish))).await;
    let (first, refused) = sorted(answers);
    assert!(refused.iter().all(|code| code == IN_PROGRESS), "{refused:?}");
    let (status, body) = ask(&test, key, wish).await;
    assert!(status.is_success(), "{body}");
    let payment: PaymentView = from_value(body).unwrap();
    assert!(first.iter().all(|same| same.id == payment.id), "one payment");
    assert_eq!(test.finished(&test.network.originator, &payment).await.state, "cleared");

    // Something else each, at once and afterwards.
    let (none, refused) = sorted(join_all(others.iter().map(|other| ask(&test, key, other))).await);
    assert_eq!((none.len(), refused.len()), (0, TIMES));
    let (status, body) = ask(&test, key, &others[0]).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::CONFLICT, Some(REUSED)));

    // Something else each, before anything was asked for under the key: one of them is carried out.
    let key = "a-confused-client";
    let (carried_out, refused) = sorted(join_all(others.iter().map(|other| ask(&test, key, other))).await);
    let [payment] = &carried_out[..] else {
        panic!("{} of {TIMES} wishes were carried out", carried_out.len())
    };
    assert_eq!(refused.len(), TIMES - 1);
    assert_eq!(test.finished(&test.network.originator, payment).await.state, "cleared");

    for institution in [&test.network.originator, &test.network.home, &test.network.notary] {
        let list: PaymentPage = institution.api().unwrap().get("/v1/payments").await.unwrap();
        assert_eq!(list.payments.len(), 2, "at {}", institution.name);
    }
    let (originator, home) = test.balances().await;
    assert_eq!(originator.available - before.0.available, 2 * AMOUNT, "moved once each");
    assert_eq!(before.1.available - home.available, 2 * AMOUNT, "moved once each");
}

fn a_wish(test: &TestNetwork) -> SignedPaymentRequest {
    test.network.request(TransactionKind::Purchase, AMOUNT).unwrap()
}

/// What was carried out, and the codes of the conflicts. There are no other answers.
fn sorted(answers: Vec<(StatusCode, Value)>) -> (Vec<PaymentView>, Vec<String>) {
    let (mut payments, mut conflicts) = (Vec::new(), Vec::new());
    for (status, body) in answers {
        if status.is_success() {
            payments.push(from_value(body).unwrap());
        } else {
            let code = body["code"].as_str().unwrap();
            assert_eq!(status, StatusCode::CONFLICT, "{body}");
            assert!([REUSED, IN_PROGRESS].contains(&code), "{body}");
            conflicts.push(code.to_owned());
        }
    }
    (payments, conflicts)
}

/// One attempt, without the client's own repetitions.
async fn ask(test: &TestNetwork, key: &str, request: &SignedPaymentRequest) -> (StatusCode, Value) {
    let originator = &test.network.originator;
    let token = std::fs::read_to_string(originator.directory.join("operator.token")).unwrap();
    let response = reqwest::Client::new()
        .request(Method::POST, format!("{}/v1/payments", originator.url))
        .bearer_auth(token)
        .header("Idempotency-Key", key)
        .json(request)
        .send()
        .await
        .unwrap();
    (response.status(), response.json().await.unwrap())
}
