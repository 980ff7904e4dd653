//! A card issuer's desk as its clients see it, and what acquirers and terminals send.
use axum::{
    body::Body,
    http::{header, Request, StatusCode},
    response::Response,
};
use protocol::text::to_hex;
use serde_json::{json, Value};
use tower::ServiceExt;

use super::{json, problem, status_is, text, Bank, AUDITOR, OPERATOR, TELLER};
use crate::prepaid::{
    messages::{SealedOrder, TerminalMessage, TerminalOrder},
    sealed::seal,
    tests::{card_key, holder, payment, signed, terminal_key, CARD, ISSUER, MERCHANT, START},
};

fn at(path: &str) -> String {
    format!("/v1/prepaid/programmes/0/{path}")
}

fn issue() -> String {
    let limits = json!({ "balance": "1000", "per_payment": "1000", "per_day": "1000" });
    json!({
        "card": CARD, "key": to_hex(&card_key().account().0), "holder": to_hex(&holder().account().0),
        "limits": limits, "expires_at": START + 1_000_000,
    })
    .to_string()
}

fn merchant(acquirer: u16) -> String {
    let rules = json!({ "flat": "1", "parts_per_million": 0, "least_payout": "0", "reserve_parts_per_million": 0 });
    let account = to_hex(&[3; 32]);
    json!({ "merchant": MERCHANT, "acquirer": acquirer, "account": account, "rules": rules }).to_string()
}

impl Bank {
    /// A write that goes well; its path is its key.
    async fn does(&self, token: &str, path: &str, body: &str) -> Value {
        let done = self.post(&at(path), token, Some(&path.replace('/', ".")), body).await;
        status_is(&done, StatusCode::OK);
        json(done).await
    }

    /// A card that holds 500, and a merchant of this acquirer with a terminal.
    async fn issues_cards(&self, acquirer: u16) {
        self.does(OPERATOR, "merchants", &merchant(acquirer)).await;
        let terminal = json!({ "terminal": to_hex(&terminal_key().account().0) }).to_string();
        self.does(OPERATOR, "merchants/12/terminals", &terminal).await;
        self.does(TELLER, "cards", &issue()).await;
        self.does(TELLER, "cards/4711/top-up", r#"{"amount":"500"}"#).await;
    }

    fn sealed(&self, order: &TerminalOrder) -> SealedOrder {
        SealedOrder {
            reference: order.reference(),
            terminal: order.terminal(),
            sealed: seal(&self.prepaid.recipient().unwrap(), order).unwrap(),
        }
    }

    async fn csv(&self, path: &str) -> String {
        let request = Request::get(path)
            .header(header::AUTHORIZATION, format!("Bearer {AUDITOR}"))
            .header(header::ACCEPT, "text/csv");
        text(self.send(request.body(Body::empty()).unwrap()).await).await
    }

    async fn till(&self, request: Request<Body>) -> Response {
        self.terminals.clone().oneshot(request).await.unwrap()
    }
}

fn order(counter: u64, amount: u128) -> TerminalOrder {
    let payment = payment(counter, amount);
    TerminalOrder::Pay { payment }
}

#[tokio::test]
async fn a_programme_its_merchants_terminals_and_cards_are_shown() {
    let bank = Bank::open().await;
    bank.issues_cards(1).await;
    let programmes = json(bank.get("/v1/prepaid/programmes", AUDITOR).await).await;
    assert_eq!(programmes[0]["issuer"], json!(0));
    assert_eq!(programmes[0]["is_own"], json!(true));
    assert_eq!(programmes[0]["float"], json!({ "cards": "500", "merchants": "0" }));
    assert_eq!(
        json(bank.get("/v1/prepaid/programmes/0", AUDITOR).await).await,
        programmes[0]
    );

    let card = json(bank.get(&at("cards/4711"), AUDITOR).await).await;
    assert_eq!((&card["balance"], &card["state"]), (&json!("500"), &json!("Active")));
    let cards = json(bank.get(&at("cards"), AUDITOR).await).await;
    assert_eq!(
        (&cards["cards"][0]["card"], &cards["cards"][0]["standing"]),
        (&json!(4711), &card)
    );
    let csv = bank.csv(&at("cards")).await;
    assert!(
        csv.starts_with("card,state,balance,holder,") && csv.contains("4711,active,500,0x"),
        "{csv}"
    );
    let merchants = bank.csv(&at("merchants")).await;
    assert!(merchants.contains("\n12,1,0x"), "{merchants}");
    let terminals = bank.csv(&at("terminals")).await;
    assert!(terminals.contains(",12,false,"), "{terminals}");

    for path in [
        "cards/1",
        "merchants/1",
        "payments/4711/1",
        "disputes/4711/1",
        "merchants/12/cycles/0",
    ] {
        status_is(&bank.get(&at(path), AUDITOR).await, StatusCode::NOT_FOUND);
    }
    let other = bank.get("/v1/prepaid/programmes/9/cards", AUDITOR).await;
    status_is(&other, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn money_is_put_in_once_for_one_key() {
    let bank = Bank::open().await;
    bank.issues_cards(1).await;
    let acts = bank.cards.acts();
    bank.does(TELLER, "cards/4711/top-up", r#"{"amount":"500"}"#).await;
    assert_eq!(bank.cards.acts(), acts);
    let more = bank
        .post(&at("cards/4711/top-up"), TELLER, Some("more"), r#"{"amount":"7"}"#)
        .await;
    status_is(&more, StatusCode::OK);
    let reference = to_hex(&[5; 32]);
    let named = json!({ "amount": "1", "reference": reference }).to_string();
    status_is(
        &bank.post(&at("cards/4711/top-up"), TELLER, Some("named"), &named).await,
        StatusCode::OK,
    );
    let again = bank
        .post(&at("cards/4711/top-up"), TELLER, Some("named again"), &named)
        .await;
    assert_eq!(problem(again).await.code, "idempotency-key-missing");
    let again = bank
        .post(&at("cards/4711/top-up"), TELLER, Some("named-again"), &named)
        .await;
    assert_eq!(problem(again).await.code, "reference-used");
    let card = json(bank.get(&at("cards/4711"), AUDITOR).await).await;
    assert_eq!(card["balance"], "508");
}

#[tokio::test]
async fn nobody_acts_beyond_its_role() {
    let bank = Bank::open().await;
    bank.issues_cards(1).await;
    bank.does(TELLER, "cards/4711/freeze", "").await;
    let acts = bank.cards.acts();
    for (token, path, body) in [
        (TELLER, "cards/4711/unfreeze", ""),
        (TELLER, "cards/4711/close", ""),
        (TELLER, "merchants/12/switch", r#"{"is_active":false}"#),
        (TELLER, "merchants/12/fund", r#"{"amount":"1"}"#),
        (TELLER, "merchants/12/close-cycle", r#"{"cycle":0}"#),
        (TELLER, "disputes/4711/1/decide", r#"{"awarded":"0"}"#),
        (AUDITOR, "cards/4711/freeze", ""),
        (AUDITOR, "cards/4711/top-up", r#"{"amount":"1"}"#),
    ] {
        let key = format!("{token}{path}").replace(['/', ' ', '\''], ".");
        let refused = bank.post(&at(path), token, Some(&key), body).await;
        assert_eq!(problem(refused).await.code, "forbidden", "{path}");
    }
    assert_eq!(bank.cards.acts(), acts);
    bank.does(OPERATOR, "cards/4711/unfreeze", "").await;
}

#[tokio::test]
async fn what_an_acquirer_hands_in_is_decided_and_listed() {
    let bank = Bank::open().await;
    bank.issues_cards(1).await;
    let order = order(1, 120);
    let body = serde_json::to_string(&bank.sealed(&order)).unwrap();
    let pending = bank.post("/peer/v1/card-orders", "", None, &body).await;
    status_is(&pending, StatusCode::OK);
    assert_eq!(json(pending).await["kind"], "pending");
    bank.prepaid.round().await.unwrap();
    let answer = json(bank.post("/peer/v1/card-orders", "", None, &body).await).await;
    assert_eq!(
        (&answer["kind"], &answer["balance"]),
        (&json!("approved"), &json!("380"))
    );

    let reference = to_hex(&order.reference());
    let shown = json(bank.get(&format!("/v1/prepaid/orders/{reference}"), AUDITOR).await).await;
    assert_eq!((&shown["kind"], &shown["answer"]), (&json!("pay"), &answer));
    assert_eq!((&shown["card"], &shown["counter"]), (&json!(4711), &json!(1)));
    let list = json(bank.get("/v1/prepaid/orders", AUDITOR).await).await;
    assert_eq!(list["orders"][0], shown);
    let csv = bank.csv("/v1/prepaid/orders").await;
    assert!(
        csv.contains("pay,1,4711,1,0x") && csv.contains("approved,120,"),
        "{csv}"
    );
    let payment = json(bank.get(&at("payments/4711/1"), AUDITOR).await).await;
    assert_eq!(
        (&payment["returnable"], &payment["dispute"]),
        (&json!("120"), &json!(null))
    );

    let terminal = to_hex(&terminal_key().account().0);
    let garbage = json!({ "reference": to_hex(&[5; 32]), "terminal": terminal, "sealed": "garbage" }).to_string();
    let declined = json(bank.post("/peer/v1/card-orders", "", None, &garbage).await).await;
    assert_eq!(declined["code"], "garbage_ciphertext");
    assert!(bank.csv("/v1/prepaid/orders").await.contains("garbage_ciphertext"));

    bank.does(OPERATOR, "merchants/12/close-cycle", r#"{"cycle":0}"#).await;
    let statement = json(bank.get(&at("merchants/12/cycles/0"), AUDITOR).await).await;
    assert_eq!((&statement["paid"], &statement["fee"]), (&json!("119"), &json!("1")));
}

#[tokio::test]
async fn terminals_of_the_banks_own_merchants_order_by_either_listener() {
    let bank = Bank::open().await;
    bank.issues_cards(0).await;
    let facts = bank
        .till(Request::get("/terminal/v1/issuers/0").body(Body::empty()).unwrap())
        .await;
    status_is(&facts, StatusCode::OK);
    let facts = json(facts).await;
    assert_eq!(facts["recipient"], json!(bank.prepaid.recipient().unwrap()));
    assert_eq!(facts, json(bank.get("/terminal/v1/issuers/0", "").await).await);
    status_is(&bank.get("/terminal/v1/issuers/9", "").await, StatusCode::NOT_FOUND);

    let sealed = bank.sealed(&order(1, 120));
    let message = signed(TerminalMessage {
        issuer: ISSUER,
        reference: sealed.reference,
        terminal: terminal_key().account(),
        sent_at: START,
        sealed: sealed.sealed,
        signature: protocol::Signature([0; 64]),
    });
    let body = serde_json::to_string(&message).unwrap();
    let post = |body: String| {
        Request::post("/terminal/v1/orders")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap()
    };
    assert_eq!(json(bank.till(post(body.clone())).await).await["kind"], "pending");
    for _ in 0..3 {
        bank.prepaid.round().await.unwrap();
    }
    let answer = json(bank.send(post(body)).await).await;
    assert_eq!((&answer["kind"], &answer["taken"]), (&json!("approved"), &json!("120")));
    let csv = bank.csv("/v1/prepaid/messages").await;
    assert!(csv.contains(",12,approved,120,"), "{csv}");

    let mut altered = message;
    altered.reference = [6; 32];
    let refused = bank.till(post(serde_json::to_string(&altered).unwrap())).await;
    status_is(&refused, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem(refused).await.code, "bad-terminal-signature");
    let long = bank.till(post("a".repeat(40_000))).await;
    status_is(&long, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_terminals_listener_serves_nothing_else() {
    let bank = Bank::open().await;
    for path in [
        "/v1/prepaid/programmes",
        "/health/ready",
        "/docs/",
        "/metrics",
        "/peer/v1/card-orders",
    ] {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {OPERATOR}"));
        let response = bank.till(request.body(Body::empty()).unwrap()).await;
        status_is(&response, StatusCode::NOT_FOUND);
        assert_eq!(problem(response).await.code, "no-such-route", "{path}");
    }
}

#[tokio::test]
async fn a_contract_that_is_not_the_issuers_stops_cards_and_nothing_else() {
    let bank = Bank::open().await;
    bank.cards.fail_check();
    let refused = bank.post(&at("cards"), OPERATOR, Some("k"), &issue()).await;
    status_is(&refused, StatusCode::SERVICE_UNAVAILABLE);
    let problem = problem(refused).await;
    assert_eq!(problem.code, "not-ready");
    assert!(
        problem.detail.contains("prepaid-contract") && problem.detail.contains("card issuer 0"),
        "{problem:?}"
    );
    let deposit = json!({ "asset": "Native", "amount": "5" }).to_string();
    status_is(
        &bank.post("/v1/deposits", OPERATOR, Some("d"), &deposit).await,
        StatusCode::OK,
    );
    let ready = json(bank.get("/health/ready", "").await).await;
    let checks = ready["checks"].as_array().unwrap();
    let failing: Vec<_> = checks.iter().filter(|check| check["ok"] == false).collect();
    assert_eq!(failing.len(), 1, "{ready}");
    assert_eq!(failing[0]["issuer"], json!(0));
}

async fn asks(bank: &Bank, path: &str, accept: &str) -> Response {
    let request = Request::get(at(path))
        .header(header::AUTHORIZATION, format!("Bearer {AUDITOR}"))
        .header(header::ACCEPT, accept);
    bank.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_regulator_reads_totals_and_merchants_their_payments_and_statements() {
    let bank = Bank::open().await;
    let report = json(asks(&bank, "report?covers_span=true", "application/json").await).await;
    assert_eq!(report["totals"]["payments"]["count"], json!(3), "{report}");
    assert_eq!(report["coverage"]["shortfalls"], json!([]));
    let table = text(asks(&bank, "report", "text/csv").await).await;
    assert!(table.lines().count() > 5, "{table}");

    let taken = json(asks(&bank, "merchants/3/payments?cycle=0", "application/json").await).await;
    assert_eq!(taken["payments"].as_array().unwrap().len(), 3, "{taken}");
    let statement = json(asks(&bank, "merchants/3/statements/0", "application/json").await).await;
    assert_eq!(statement["statement"]["cycle"]["count"], json!(3), "{statement}");
    let bank_statement = text(asks(&bank, "merchants/3/statements/0", "application/xml").await).await;
    assert!(bank_statement.contains("camt.053.001.08"), "{bank_statement}");

    for unknown in ["merchants/4/payments", "merchants/3/statements/1"] {
        let response = asks(&bank, unknown, "application/json").await;
        status_is(&response, StatusCode::NOT_FOUND);
        assert_eq!(problem(response).await.code, "not-found", "{unknown}");
    }
}

#[tokio::test]
async fn a_holder_sees_its_card_by_its_signature_alone() {
    use crate::{http::now, identity::SigningKey, prepaid::queries::tests as asked};

    let bank = Bank::open().await;
    let holder = SigningKey::load(super::fakes::HOLDER).unwrap();
    let world = asked::world(&holder);
    let ask = |key: &SigningKey| {
        let (query, signature) = asked::signed(key, 7, now(), &world);
        let body = json!({ "query": query, "signature": signature }).to_string();
        let request = Request::post("/holder/v1/issuers/0/cards").header(header::CONTENT_TYPE, "application/json");
        bank.send(request.body(Body::from(body)).unwrap())
    };
    let seen = ask(&holder).await;
    status_is(&seen, StatusCode::OK);
    assert_eq!(json(seen).await["card"]["balance"], json!("500"));
    let refused = ask(&SigningKey::generate()).await;
    status_is(&refused, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem(refused).await.code, "bad-holder-signature");
}
