//! The service as a client sees it, on a chain that only counts.
#![allow(clippy::unwrap_used)]
use axum::{
    body::Body,
    http::{header, Method, Request, StatusCode},
    response::Response,
    Extension, Router,
};
use http_body_util::BodyExt;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use super::{error::Problem, escrow::webhook::DeliveryWebhook, router, Api, Systems};
use crate::{
    config::{Role, Token},
    peers::Peer,
    store::Store,
};

mod books;
mod bulk;
mod credit;
mod decisions;
mod disputes;
mod escrow;
mod fakes;
mod idempotent;
mod lists;
mod no_books;
mod openapi;
mod prepaid;
mod scores;
mod webhooks;

const OPERATOR: &str = "operator's token";
const TELLER: &str = "teller's token";
const AUDITOR: &str = "auditor's token";

struct Bank {
    router: Router,
    chain: std::sync::Arc<fakes::CountingChain>,
    credit: [std::sync::Arc<crate::credit::tests::Books>; 2],
    stories: [std::sync::Arc<crate::credit::scores::tests::Story>; 2],
    cards: std::sync::Arc<crate::prepaid::tests::Books>,
    prepaid: std::sync::Arc<crate::prepaid::Prepaid>,
    terminals: Router,
    store: Store,
}

impl Bank {
    async fn open() -> Self {
        Self::reopen(Store::in_memory().await.unwrap(), std::sync::Arc::default())
    }

    /// The same bank in a new process.
    fn reopen(store: Store, chain: std::sync::Arc<fakes::CountingChain>) -> Self {
        Self::with(store, chain, Some(escrow::webhook()))
    }

    fn with(store: Store, chain: std::sync::Arc<fakes::CountingChain>, webhook: Option<DeliveryWebhook>) -> Self {
        let token = |name: &str, secret: &str, role| Token {
            name: name.into(),
            sha256: Sha256::digest(secret).into(),
            role,
            contract_messages: vec!["clearing.balance".into()],
        };
        let tokens = vec![
            token("chief", OPERATOR, Role::Operator),
            token("teller", TELLER, Role::Teller),
            token("auditor", AUDITOR, Role::Auditor),
        ];
        let metrics = metrics_exporter_prometheus::PrometheusBuilder::new()
            .build_recorder()
            .handle();
        let settlement = fakes::settlement(store.clone());
        let trading = fakes::escrow(store.clone());
        let decisions = fakes::decisions(store.clone());
        let windows = fakes::windows(store.clone(), decisions.clone());
        let credit = fakes::CREDIT_CHAINS.map(crate::credit::tests::Books::of);
        let stories = credit
            .clone()
            .map(|books| crate::credit::scores::tests::Story::of(&books));
        let cards = fakes::cards();
        let prepaid = fakes::prepaid(store.clone(), cards.clone());
        let [here, there] = credit.clone();
        let consents = fakes::consents(store.clone(), here.clone());
        let desk = crate::credit::Credit::new(vec![here, there]);
        let [here, there] = stories.clone();
        let systems = Systems {
            settlement,
            escrow: trading,
            credit_payments: fakes::credit_payments(store.clone(), desk.clone()),
            credit: desk.clone(),
            consents,
            scores: crate::credit::scores::tests::scores(desk, vec![here, there], store.clone()),
            prepaid: prepaid.clone(),
            card_books: fakes::card_books(),
            reconciliation: no_books::reconciliation(store.clone()),
            book_reports: no_books::reports(store.clone()),
            decisions,
            disputes: fakes::disputes(store.clone()),
            windows,
            statements: fakes::statements(store.clone()),
            webhooks: fakes::webhooks(store.clone()),
        };
        let api = Api::new(systems, chain.clone(), store.clone(), tokens, metrics);
        let api = match webhook {
            Some(webhook) => api.with_delivery_webhook(webhook),
            None => api,
        };
        let terminals = super::terminal_router(api.clone());
        let router = router(api, |peers| peers.layer(Extension(Peer(protocol::Member(1)))));
        Self {
            router,
            chain,
            credit,
            stories,
            cards,
            prepaid,
            terminals,
            store,
        }
    }

    async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str, token: &str) -> Response {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, token: &str, key: Option<&str>, body: &str) -> Response {
        let mut request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn json(response: Response) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

#[track_caller]
fn status_is(response: &Response, status: StatusCode) {
    assert_eq!(response.status(), status);
}

async fn problem(response: Response) -> Problem {
    assert_eq!(response.headers()[header::CONTENT_TYPE], super::error::PROBLEM_JSON);
    serde_json::from_str(&text(response).await).unwrap()
}

#[tokio::test]
async fn a_client_without_a_known_token_learns_nothing() {
    let bank = Bank::open().await;
    for response in [
        bank.get("/v1/payments", "wrong").await,
        bank.send(Request::get("/v1/payments").body(Body::empty()).unwrap())
            .await,
        bank.post("/v1/deposits", "wrong", Some("k"), "{}").await,
    ] {
        status_is(&response, StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(problem(response).await.code, "unauthenticated");
    }
}

#[tokio::test]
async fn an_auditor_reads_and_moves_nothing() {
    let bank = Bank::open().await;
    status_is(
        &bank.get("/v1/settlement-balance?asset=native", AUDITOR).await,
        StatusCode::OK,
    );
    let refused = bank
        .post("/v1/deposits", AUDITOR, Some("k"), r#"{"asset":"Native","amount":"5"}"#)
        .await;
    assert_eq!(problem(refused).await.code, "forbidden");
    assert_eq!(bank.chain.deposits(), 0);
}

#[tokio::test]
async fn every_failure_is_a_problem_with_the_requests_id() {
    let bank = Bank::open().await;
    let cases = [
        (bank.get("/nowhere", OPERATOR).await, 404, "no-such-route"),
        (bank.get("/v1/deposits", OPERATOR).await, 405, "method-not-allowed"),
        (bank.get("/v1/payments/0x12", OPERATOR).await, 400, "malformed-request"),
        (
            bank.get("/v1/settlement-balance?asset=gold", OPERATOR).await,
            400,
            "malformed-request",
        ),
        (
            bank.get(&format!("/v1/payments/0x{}", "0".repeat(64)), OPERATOR).await,
            404,
            "not-found",
        ),
        (
            bank.post("/v1/deposits", OPERATOR, Some("a"), "{").await,
            400,
            "malformed-request",
        ),
        (
            bank.post("/v1/deposits", OPERATOR, Some("b"), &" ".repeat(super::MAX_BODY + 1))
                .await,
            413,
            "body-too-large",
        ),
        (
            bank.post("/v1/contracts/clearing/withdraw", OPERATOR, None, "{}").await,
            403,
            "contract-message-not-allowed",
        ),
    ];
    for (response, status, code) in cases {
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(response.status().as_u16(), status, "{code}");
        let problem = problem(response).await;
        assert_eq!((problem.status, problem.code.as_str()), (status, code));
        assert_eq!(problem.instance, format!("urn:uuid:{id}"));
    }
}

#[tokio::test]
async fn writes_are_refused_while_a_check_fails_and_reads_are_not() {
    let bank = Bank::open().await;
    bank.chain.fail_check("finality");
    let refused = bank
        .post(
            "/v1/deposits",
            OPERATOR,
            Some("k"),
            r#"{"asset":"Native","amount":"5"}"#,
        )
        .await;
    status_is(&refused, StatusCode::SERVICE_UNAVAILABLE);
    let problem = problem(refused).await;
    assert_eq!(problem.code, "not-ready");
    assert!(problem.detail.contains("finality"));
    assert_eq!(bank.chain.deposits(), 0);

    status_is(&bank.get("/v1/institutions", OPERATOR).await, StatusCode::OK);
    status_is(&bank.get("/health/live", "").await, StatusCode::OK);
    let ready = bank.get("/health/ready", "").await;
    status_is(&ready, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(json(ready).await["checks"][0]["name"], "finality");
}

#[tokio::test]
async fn a_contract_message_is_tried_without_a_key_and_executed_with_one() {
    let bank = Bank::open().await;
    let path = "/v1/contracts/clearing/balance";
    let tried = bank.post(path, AUDITOR, None, "{}").await;
    status_is(&tried, StatusCode::OK);
    let tried = json(tried).await;
    assert_eq!(tried["dry_run"]["result"], "tried");
    assert!(tried["block"].is_null());

    let execute = r#"{"execute":true}"#;
    let refused = bank.post(path, AUDITOR, Some("k"), execute).await;
    assert_eq!(problem(refused).await.code, "forbidden");
    let refused = bank.post(path, OPERATOR, None, execute).await;
    assert_eq!(problem(refused).await.code, "idempotency-key-missing");
    let executed = bank.post(path, OPERATOR, Some("k"), execute).await;
    status_is(&executed, StatusCode::OK);
    assert_eq!(json(executed).await["block"]["number"], 7);
}

#[tokio::test]
async fn metrics_render_as_text() {
    let bank = Bank::open().await;
    status_is(&bank.get("/metrics", "").await, StatusCode::OK);
}

#[tokio::test]
async fn a_missing_key_stops_every_write_before_it_acts() {
    let bank = Bank::open().await;
    for (method, path) in [
        (Method::POST, "/v1/payments".to_owned()),
        (Method::PUT, "/v1/users/4711".to_owned()),
        (Method::POST, "/v1/deposits".to_owned()),
        (Method::POST, "/v1/withdrawals".to_owned()),
        (Method::POST, "/v1/decisions".to_owned()),
        (Method::POST, "/v1/disputes".to_owned()),
        (Method::POST, "/v1/webhooks/deliveries/1/send".to_owned()),
        (Method::POST, "/v1/escrow/offers".to_owned()),
        (Method::POST, "/v1/escrow/trades".to_owned()),
        (Method::POST, format!("/v1/escrow/trades/0x{}/accept", "0".repeat(64))),
        (Method::POST, format!("/v1/credit/chains/0x{}/freeze", "0".repeat(64))),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(&path)
            .header(header::AUTHORIZATION, format!("Bearer {OPERATOR}"))
            .body(Body::from("{}"))
            .unwrap();
        assert_eq!(
            problem(bank.send(request).await).await.code,
            "idempotency-key-missing",
            "{path}"
        );
    }
}
