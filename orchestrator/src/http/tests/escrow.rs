//! Trading as clients, peers and machines see it. Nothing runs behind it: what is seen is what was stored at once.
use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, StatusCode},
    response::Response,
};
use protocol::{
    escrow::{Agreement, Parties, Party},
    signing::MemberSignature,
    Member,
};
use serde_json::{json, Value};

use super::{
    fakes::{key_of, DOMAIN},
    json as body_of, problem, status_is, text, Bank, AUDITOR, OPERATOR, TELLER,
};
use crate::{
    escrow::messages::{agreement_payload, Letter, Signed},
    http::escrow::{offers::OfferView, trades::TradeView, webhook::DeliveryWebhook},
    store::Store,
};

const OFFERS: &str = "/v1/escrow/offers";
const TRADES: &str = "/v1/escrow/trades";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr";

pub fn webhook() -> DeliveryWebhook {
    // Only its owner can read it.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SECRET).unwrap();
    DeliveryWebhook::load(file.path()).unwrap()
}

/// Bank 0 would buy up to 100 kWh.
fn wanted() -> String {
    json!({
        "side": "buy",
        "goods": "kWh",
        "quantity": 100,
        "least": 10,
        "asset": "Native",
        "unit_price": "30",
        "unit_bond": "5",
        "delivery": "meter 7",
        "arbiter": 2,
        "phases": { "accept": 10_000, "reveal": 10_000, "dispute": 10_000, "ruling": 10_000 },
        "expires_at": 60_000,
        "tell": [1],
    })
    .to_string()
}

async fn offered(bank: &Bank) -> OfferView {
    let made = bank.post(OFFERS, TELLER, Some("offer"), &wanted()).await;
    status_is(&made, StatusCode::CREATED);
    serde_json::from_str(&text(made).await).unwrap()
}

/// What bank 1 sends to take `quantity` units.
fn take(offer: &OfferView, quantity: u64, price: Option<u128>) -> (Agreement, Letter) {
    let party = |number| {
        let member = Member(number);
        Party {
            member,
            account: key_of(member).account(),
            key: key_of(member).public(),
        }
    };
    let parties = Parties {
        maker: party(0),
        taker: party(1),
        arbiter: party(2),
    };
    let mut agreement = offer.offer.fill([9; 16], &parties, quantity, 0).unwrap();
    agreement.price = price.unwrap_or(agreement.price);
    let signature = key_of(Member(1)).sign(&agreement_payload(&DOMAIN, &agreement));
    let letter = Letter::Proposal {
        agreement: agreement.clone(),
        instead_of: None,
        signed: Signed {
            epoch: DOMAIN.epoch,
            by: MemberSignature {
                member: Member(1),
                signature,
            },
        },
    };
    (agreement, letter)
}

async fn write_to(bank: &Bank, letter: &Letter) -> Response {
    let request = Request::post("/peer/v1/escrow-letters").header("content-type", "application/json");
    let body = serde_json::to_string(letter).unwrap();
    bank.send(request.body(Body::from(body)).unwrap()).await
}

/// A trade that both signed: bank 0 buys of bank 1.
async fn agreed(bank: &Bank) -> String {
    let (agreement, letter) = take(&offered(bank).await, 10, None);
    let reply = write_to(bank, &letter).await;
    status_is(&reply, StatusCode::OK);
    assert_eq!(body_of(reply).await["kind"], "accepted");
    agreement.id().to_string()
}

async fn trade(bank: &Bank, id: &str) -> TradeView {
    let read = bank.get(&format!("{TRADES}/{id}"), AUDITOR).await;
    status_is(&read, StatusCode::OK);
    serde_json::from_str(&text(read).await).unwrap()
}

/// A notice signed with the secret of a webhook.
async fn notify(bank: &Bank, secret: &str, body: &Value) -> Response {
    let (id, body) = ("msg_1", body.to_string());
    let now = i64::try_from(crate::http::now() / 1_000).unwrap();
    let signer = standardwebhooks::Webhook::new(secret).unwrap();
    let request = Request::post("/webhooks/delivery")
        .header("webhook-id", id)
        .header("webhook-timestamp", now)
        .header("webhook-signature", signer.sign(id, now, body.as_bytes()).unwrap());
    bank.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn an_auditor_reads_offers_and_trades_and_makes_none() {
    let bank = Bank::open().await;
    let id = agreed(&bank).await;
    for (path, body) in [
        (OFFERS.to_owned(), wanted()),
        (TRADES.to_owned(), json!({ "offer": id, "quantity": 10 }).to_string()),
        (format!("{TRADES}/{id}/confirm"), "{}".to_owned()),
        (format!("{TRADES}/{id}/cancel"), String::new()),
    ] {
        let refused = bank.post(&path, AUDITOR, Some(&path), &body).await;
        status_is(&refused, StatusCode::FORBIDDEN);
        assert_eq!(problem(refused).await.code, "forbidden", "{path}");
    }
    let offers = body_of(bank.get(OFFERS, AUDITOR).await).await;
    assert_eq!(offers["offers"].as_array().unwrap().len(), 1);
    assert_eq!(offers["offers"][0]["remaining"], 90);
    let trades = body_of(bank.get(&format!("{TRADES}?limit=1"), AUDITOR).await).await;
    assert_eq!(trades["trades"][0]["id"], id);
    assert_eq!(trades["trades"][0]["price"], "300");
    let next = trades["next"].as_str().unwrap();
    let rest = body_of(bank.get(&format!("{TRADES}?limit=1&cursor={next}"), AUDITOR).await).await;
    assert_eq!(rest["trades"].as_array().unwrap().len(), 0);
    assert!(trade(&bank, &id).await.confirmed_at.is_none());
}

#[tokio::test]
async fn a_repeated_wish_gives_the_same_offer_also_after_its_answer_was_lost() {
    let bank = Bank::open().await;
    let first = bank.post(OFFERS, OPERATOR, Some("k"), &wanted()).await;
    status_is(&first, StatusCode::CREATED);
    let place = first.headers()["location"].to_str().unwrap().to_owned();
    let first = body_of(first).await;
    assert_eq!(place, format!("{OFFERS}/{}", first["id"].as_str().unwrap()));
    // As after a crash: the offer is stored, the answer isn't.
    sqlx::query("UPDATE idempotency SET status = NULL")
        .execute(&bank.store.pool)
        .await
        .unwrap();
    let bank = Bank::reopen(bank.store.clone(), Arc::clone(&bank.chain));
    let again = body_of(bank.post(OFFERS, OPERATOR, Some("k"), &wanted()).await).await;
    assert_eq!(again, first);
    let other = body_of(bank.post(OFFERS, TELLER, Some("k"), &wanted()).await).await;
    assert_ne!(other["id"], first["id"], "another client's wish is another wish");
    assert_eq!(body_of(bank.get(&place, AUDITOR).await).await, first);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_its_code() {
    let bank = Bank::open().await;
    let offer = offered(&bank).await;
    let other = |from: &str, to: &str| {
        assert!(wanted().contains(from), "{from}");
        wanted().replace(from, to)
    };
    for (path, body, code) in [
        (OFFERS, other(r#""unit_bond":"5""#, r#""unit_bond":"0""#), "bad-terms"),
        (OFFERS, other(r#""least":10"#, r#""least":0"#), "bad-offer"),
        (OFFERS, other(r#""arbiter":2"#, r#""arbiter":1"#), "not-a-notary"),
        (
            TRADES,
            json!({ "offer": offer.id, "quantity": 10 }).to_string(),
            "own-offer",
        ),
    ] {
        let refused = bank.post(path, OPERATOR, Some(code), &body).await;
        status_is(&refused, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem(refused).await.code, code);
    }
    let malformed = bank
        .post(OFFERS, OPERATOR, Some("number"), &other(r#""30""#, "30"))
        .await;
    status_is(&malformed, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_withdrawn_offer_is_not_taken() {
    let bank = Bank::open().await;
    let offer = offered(&bank).await;
    let withdrawn = bank
        .post(&format!("{OFFERS}/{}/withdraw", offer.id), TELLER, Some("w"), "")
        .await;
    status_is(&withdrawn, StatusCode::OK);
    assert_eq!(body_of(withdrawn).await["withdrawn"], true);
    let reply = write_to(&bank, &take(&offer, 10, None).1).await;
    assert_eq!(body_of(reply).await["kind"], "declined");
}

#[tokio::test]
async fn an_unknown_trade_is_a_problem_and_a_peer_is_told_its_own_code() {
    let bank = Bank::open().await;
    let id = format!("0x{}", "0".repeat(64));
    let trade = format!("{TRADES}/{id}");
    for response in [
        bank.get(&trade, AUDITOR).await,
        bank.get(&format!("{OFFERS}/{id}"), AUDITOR).await,
        bank.post(&format!("{trade}/accept"), OPERATOR, Some("a"), "").await,
        bank.post(&format!("{trade}/confirm"), OPERATOR, Some("c"), "{}").await,
        bank.post(
            TRADES,
            OPERATOR,
            Some("t"),
            &json!({ "offer": id, "quantity": 1 }).to_string(),
        )
        .await,
        notify(&bank, SECRET, &json!({ "agreement": id })).await,
    ] {
        status_is(&response, StatusCode::NOT_FOUND);
        assert_eq!(problem(response).await.code, "not-found");
    }
    let letter = Letter::Decline {
        agreement: id.parse().unwrap(),
        reason: "no".into(),
    };
    // By this code it knows that a letter before this one is still on its way.
    let response = write_to(&bank, &letter).await;
    status_is(&response, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem(response).await.code, "unknown-trade");
}

#[tokio::test]
async fn a_proposal_of_other_terms_waits_for_a_person() {
    let bank = Bank::open().await;
    let (agreement, letter) = take(&offered(&bank).await, 10, Some(290));
    for _ in 0..2 {
        assert_eq!(body_of(write_to(&bank, &letter).await).await["kind"], "received");
    }
    let path = format!("{TRADES}/{}", agreement.id());
    let seen = body_of(
        bank.get(&format!("{path}?wait_seconds=5&unless_stage=proposed"), AUDITOR)
            .await,
    )
    .await;
    assert_eq!(seen["stage"], "received");
    assert_eq!(seen["role"], "buyer");
    assert_eq!(seen["agreement"]["price"], "290");
    let accepted = bank.post(&format!("{path}/accept"), TELLER, Some("a"), "").await;
    status_is(&accepted, StatusCode::OK);
    assert_eq!(body_of(accepted).await["stage"], "agreed");
    let late = bank
        .post(&format!("{path}/decline"), TELLER, Some("d"), r#"{"reason":"late"}"#)
        .await;
    assert_eq!(problem(late).await.code, "wrong-stage");
}

#[tokio::test]
async fn a_webhook_signed_with_the_secret_confirms_a_delivery_once() {
    let bank = Bank::open().await;
    let id = agreed(&bank).await;
    for evidence in ["meter 7: 1234.5 kWh", "something else"] {
        let notice = json!({ "agreement": id, "evidence": evidence });
        status_is(&notify(&bank, SECRET, &notice).await, StatusCode::NO_CONTENT);
        let trade = trade(&bank, &id).await;
        assert!(trade.confirmed_at.is_some());
        assert_eq!(trade.evidence.as_deref(), Some("meter 7: 1234.5 kWh"));
    }
}

#[tokio::test]
async fn a_webhook_that_nobody_with_the_secret_signed_confirms_nothing() {
    let bank = Bank::open().await;
    let id = agreed(&bank).await;
    let notice = json!({ "agreement": id });
    let another = SECRET.replace('M', "N");
    let unsigned = Request::post("/webhooks/delivery").body(Body::from(notice.to_string()));
    for refused in [
        notify(&bank, &another, &notice).await,
        bank.send(unsigned.unwrap()).await,
    ] {
        status_is(&refused, StatusCode::UNAUTHORIZED);
        assert_eq!(problem(refused).await.code, "bad-webhook-signature");
    }
    bank.chain.fail_check("finality");
    let bank = Bank::reopen(bank.store.clone(), Arc::clone(&bank.chain));
    let refused = notify(&bank, SECRET, &notice).await;
    assert_eq!(problem(refused).await.code, "not-ready");
    assert!(trade(&bank, &id).await.confirmed_at.is_none());
}

#[tokio::test]
async fn without_a_secret_there_is_no_webhook() {
    let bank = Bank::with(Store::in_memory().await.unwrap(), Arc::default(), None);
    let response = notify(&bank, SECRET, &json!({})).await;
    status_is(&response, StatusCode::NOT_FOUND);
    assert_eq!(problem(response).await.code, "no-such-route");
}
