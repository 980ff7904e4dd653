//! A credit node's desk as its clients see it.
use axum::http::StatusCode;
use protocol::{
    credit::{receipt, RaiseRequest},
    text::to_hex,
    RequestId,
};
use serde_json::json;

use super::{fakes, json, problem, status_is, Bank, AUDITOR, OPERATOR, TELLER};
use crate::credit::tests::{order, owed, payee, payer, NATIVE};

/// A path of one of the chains.
fn at(place: usize, path: &str) -> String {
    format!("/v1/credit/chains/{}/{path}", to_hex(&fakes::CREDIT_CHAINS[place]))
}

fn limits(place: usize) -> String {
    let (payer, payee) = (to_hex(&payer().account().0), to_hex(&payee().account().0));
    at(place, &format!("limits?payer={payer}&payee={payee}"))
}

fn node_limit(limit: &str) -> String {
    let payer = to_hex(&payer().account().0);
    let evidence = to_hex(&[4; 32]);
    json!({ "payer": payer, "asset": "Native", "limit": limit, "evidence": evidence }).to_string()
}

#[tokio::test]
async fn the_chains_of_a_credit_node_are_listed_with_their_pools() {
    let bank = Bank::open().await;
    let fund = json!({ "asset": "Native", "amount": "70" }).to_string();
    let funded = bank.post(&at(1, "pool/fund"), OPERATOR, Some("k"), &fund).await;
    status_is(&funded, StatusCode::OK);
    assert_eq!(json(funded).await["block"]["number"], 1);

    let chains = json(bank.get("/v1/credit/chains", AUDITOR).await).await;
    let shown: Vec<_> = (0..2)
        .map(|place| (&chains[place]["chain"], &chains[place]["pool"]))
        .collect();
    let [here, there] = fakes::CREDIT_CHAINS.map(|genesis| json!(to_hex(&genesis)));
    assert_eq!(shown, [(&here, &json!("0")), (&there, &json!("70"))]);
    let pool = json(bank.get(&at(1, "pool?asset=native"), AUDITOR).await).await;
    assert_eq!(pool, json!({ "asset": "Native", "amount": "70" }));

    let out = json!({ "asset": "Native", "amount": "71" }).to_string();
    let refused = bank.post(&at(1, "pool/withdraw"), OPERATOR, Some("out"), &out).await;
    status_is(&refused, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem(refused).await.code, "pool-short");
}

#[tokio::test]
async fn limits_are_set_by_the_node_and_by_what_a_payee_signed() {
    let bank = Bank::open().await;
    let set = bank
        .post(&at(0, "node-limits"), OPERATOR, Some("node"), &node_limit("120"))
        .await;
    status_is(&set, StatusCode::OK);
    let (order, signature) = order(&bank.credit[0], 100, 1);
    let paper = json!({ "order": order, "signature": signature }).to_string();
    let handed_in = bank.post(&at(0, "payee-limits"), TELLER, Some("payee"), &paper).await;
    status_is(&handed_in, StatusCode::OK);

    let shown = json(bank.get(&limits(0), AUDITOR).await).await;
    assert_eq!(shown["payee"]["limit"], "100");
    assert_eq!(shown["node"]["limit"], "120");
    assert_eq!(shown["node"]["evidence"], to_hex(&[4; 32]));
    let other = json(bank.get(&limits(1), AUDITOR).await).await;
    assert_eq!(
        (&other["payee"]["limit"], &other["node"]["limit"]),
        (&json!("0"), &json!("0"))
    );

    // For the other chain nobody signed.
    let refused = bank.post(&at(1, "payee-limits"), TELLER, Some("other"), &paper).await;
    assert_eq!(problem(refused).await.code, "bad-payee-signature");
    // The chain shows it: another wish leads to nothing new.
    let again = bank.post(&at(0, "payee-limits"), TELLER, Some("again"), &paper).await;
    assert!(json(again).await["block"].is_null());
    assert_eq!(bank.credit[0].acts(), 2);
}

#[tokio::test]
async fn a_payer_is_frozen_until_it_is_not() {
    let bank = Bank::open().await;
    let payer = json!({ "payer": to_hex(&payer().account().0) }).to_string();
    for (act, is_frozen) in [("freeze", true), ("unfreeze", false)] {
        let done = bank.post(&at(0, act), OPERATOR, Some(act), &payer).await;
        status_is(&done, StatusCode::OK);
        assert_eq!(json(bank.get(&limits(0), AUDITOR).await).await["is_frozen"], is_frozen);
    }
}

#[tokio::test]
async fn a_wish_for_a_higher_limit_is_shown_and_decided() {
    let bank = Bank::open().await;
    let account = to_hex(&payer().account().0);
    let path = at(0, &format!("raises?payer={account}"));
    status_is(&bank.get(&path, AUDITOR).await, StatusCode::NOT_FOUND);

    let wish = RaiseRequest {
        payer: payer().account(),
        asset: NATIVE,
        wanted: 200,
        evidence: [5; 32],
        sequence: 1,
    };
    let signature = payer().sign(&wish.payload(&bank.credit[0].domain()));
    let paper = json!({ "wish": wish, "signature": signature }).to_string();
    status_is(
        &bank.post(&at(0, "raises"), TELLER, Some("wish"), &paper).await,
        StatusCode::OK,
    );
    let open = json(bank.get(&path, AUDITOR).await).await;
    assert_eq!((&open["wanted"], &open["decision"]), (&json!("200"), &json!(null)));

    let digest = to_hex(&[6; 32]);
    let decision = json!({ "payer": account, "asset": "Native", "granted": null, "digest": digest }).to_string();
    let path_to_decide = at(0, "raises/decide");
    let forbidden = bank.post(&path_to_decide, TELLER, Some("teller"), &decision).await;
    assert_eq!(problem(forbidden).await.code, "forbidden");
    status_is(
        &bank.post(&path_to_decide, OPERATOR, Some("no"), &decision).await,
        StatusCode::OK,
    );
    let decided = json(bank.get(&path, AUDITOR).await).await;
    assert_eq!(decided["decision"], json!({ "granted": null, "digest": digest }));
}

#[tokio::test]
async fn a_debt_is_shown_confirmed_and_repaid() {
    let bank = Bank::open().await;
    let id = RequestId([7; 32]);
    let debt = |act: &str| at(0, &format!("debts/{id}{act}"));
    status_is(&bank.get(&debt(""), AUDITOR).await, StatusCode::NOT_FOUND);
    status_is(
        &bank.get(&at(0, &format!("payouts/{id}")), AUDITOR).await,
        StatusCode::NOT_FOUND,
    );
    let nothing = bank
        .post(&debt("/repay"), OPERATOR, Some("early"), r#"{"amount":"1"}"#)
        .await;
    status_is(&nothing, StatusCode::NOT_FOUND);

    bank.credit[0].keep(id, owed());
    let signature = payee().sign(&receipt(&bank.credit[0].domain(), &id));
    let paper = json!({ "signature": signature }).to_string();
    status_is(
        &bank.post(&debt("/receipt"), TELLER, Some("receipt"), &paper).await,
        StatusCode::OK,
    );
    status_is(
        &bank.post(&debt("/overdue"), TELLER, Some("overdue"), "").await,
        StatusCode::OK,
    );
    for _ in 0..2 {
        let repaid = bank
            .post(&debt("/repay"), OPERATOR, Some("repay"), r#"{"amount":"30"}"#)
            .await;
        status_is(&repaid, StatusCode::OK);
    }
    let shown = json(bank.get(&debt(""), AUDITOR).await).await;
    assert_eq!(
        (&shown["principal_owed"], &shown["fee_owed"]),
        (&json!("70"), &json!("5"))
    );
    assert_eq!(shown["debt"]["is_received"], true);
}

#[tokio::test]
async fn a_reservation_is_ended_by_the_node_or_by_its_time() {
    let bank = Bank::open().await;
    for (number, act, state) in [(1, "release", "Released"), (2, "expire", "Expired")] {
        let id = RequestId([number; 32]);
        bank.credit[0].keep(id, owed());
        let path = at(0, &format!("debts/{id}"));
        let done = bank.post(&format!("{path}/{act}"), OPERATOR, Some(act), "").await;
        status_is(&done, StatusCode::OK);
        assert_eq!(json(bank.get(&path, AUDITOR).await).await["debt"]["state"], state);
    }
}

#[tokio::test]
async fn a_chain_that_is_not_ready_stops_credit_and_nothing_else() {
    let bank = Bank::open().await;
    bank.credit[1].fail_check("finality");
    let there = to_hex(&fakes::CREDIT_CHAINS[1]);
    // Credit takes place on two chains: a request is refused whichever it names.
    let refused = bank
        .post(&at(0, "node-limits"), OPERATOR, Some("k"), &node_limit("120"))
        .await;
    status_is(&refused, StatusCode::SERVICE_UNAVAILABLE);
    let problem = problem(refused).await;
    assert_eq!(problem.code, "not-ready");
    assert!(
        problem.detail.contains("\"finality\"") && problem.detail.contains(&there),
        "{}",
        problem.detail
    );
    assert_eq!(bank.credit[0].acts(), 0);

    let deposit = json!({ "asset": "Native", "amount": "5" }).to_string();
    status_is(
        &bank.post("/v1/deposits", OPERATOR, Some("d"), &deposit).await,
        StatusCode::OK,
    );
    status_is(&bank.get(&limits(0), AUDITOR).await, StatusCode::OK);
    let chains = json(bank.get("/v1/credit/chains", AUDITOR).await).await;
    assert!(
        chains[1]["pool"].is_null() && chains[1]["problem"].is_string(),
        "{chains}"
    );

    let ready = bank.get("/health/ready", "").await;
    status_is(&ready, StatusCode::SERVICE_UNAVAILABLE);
    let ready = json(ready).await;
    let failing: Vec<_> = ready["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["ok"] == false)
        .collect();
    assert_eq!(failing.len(), 1, "{ready}");
    assert_eq!(
        (&failing[0]["name"], &failing[0]["chain"]),
        (&json!("finality"), &json!(there))
    );
}

#[tokio::test]
async fn nobody_acts_beyond_its_role_and_a_chain_without_credit_is_not_there() {
    let bank = Bank::open().await;
    for (token, path) in [
        (AUDITOR, at(0, "payee-limits")),
        (TELLER, at(0, "node-limits")),
        (TELLER, at(0, "pool/withdraw")),
    ] {
        let body = match path.rsplit('/').next().unwrap() {
            "node-limits" => node_limit("1"),
            "withdraw" => json!({ "asset": "Native", "amount": "1" }).to_string(),
            _ => {
                let (order, signature) = order(&bank.credit[0], 1, 1);
                json!({ "order": order, "signature": signature }).to_string()
            }
        };
        let refused = bank.post(&path, token, Some(&path), &body).await;
        assert_eq!(problem(refused).await.code, "forbidden", "{path}");
    }
    assert_eq!(bank.credit[0].acts(), 0);
    let elsewhere = format!("/v1/credit/chains/{}/pool", to_hex(&[9; 32]));
    status_is(&bank.get(&elsewhere, AUDITOR).await, StatusCode::NOT_FOUND);
    status_is(
        &bank.get("/v1/credit/chains/home/pool", AUDITOR).await,
        StatusCode::BAD_REQUEST,
    );
}
