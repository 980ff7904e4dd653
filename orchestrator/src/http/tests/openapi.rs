//! The description is true: what it says is routed, and what is routed it says.
use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use serde_json::Value;

use super::{json, status_is, text, Bank, OPERATOR};

async fn document(bank: &Bank) -> Value {
    let response = bank.get("/openapi.json", "").await;
    status_is(&response, StatusCode::OK);
    json(response).await
}

fn operations(document: &Value) -> BTreeSet<(String, Method)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (path.clone(), method.to_uppercase().parse().unwrap()))
        })
        .collect()
}

#[tokio::test]
async fn every_documented_operation_is_routed_and_every_routed_one_documented() {
    let bank = Bank::open().await;
    let documented = operations(&document(&bank).await);
    assert!(documented.len() > 28, "{documented:?}");
    let paths: BTreeSet<_> = documented.iter().map(|(path, _)| path.clone()).collect();
    // The router can't list its routes; every path is asked with every method instead.
    for path in &paths {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let concrete: String = path
                .replace("{voucher}", &format!("0x{}", "0".repeat(64)))
                .replace("{relation}", &format!("0x{}", "0".repeat(64)))
                .replace("{window}", "0")
                .replace("{delivery}", "1")
                .replace("{terminal}", &format!("0x{}", "0".repeat(64)))
                .replace("{reference}", &format!("0x{}", "0".repeat(64)))
                .replace("{issuer}", "0")
                .replace("{merchant}", "0")
                .replace("{cycle}", "0")
                .replace("{card}", "0")
                .replace("{counter}", "0")
                .replace(['{', '}'], "");
            let request = Request::builder()
                .method(method.clone())
                .uri(concrete)
                .header("authorization", format!("Bearer {OPERATOR}"))
                .body(Body::empty())
                .unwrap();
            let response = bank.send(request).await;
            let code = response.status();
            let body = text(response).await;
            let routed = code != StatusCode::METHOD_NOT_ALLOWED && !body.contains("no-such-route");
            assert_eq!(
                routed,
                documented.contains(&(path.clone(), method.clone())),
                "{method} {path}: {code}"
            );
        }
    }
}

#[tokio::test]
async fn escrow_is_described() {
    let bank = Bank::open().await;
    let described = operations(&document(&bank).await);
    let act = |act: &str| (format!("/v1/escrow/trades/{{trade}}/{act}"), Method::POST);
    let acts = ["accept", "decline", "confirm", "cancel", "dispute", "rule"].map(act);
    let others = [
        ("/v1/escrow/offers", Method::POST),
        ("/v1/escrow/offers", Method::GET),
        ("/v1/escrow/offers/{offer}", Method::GET),
        ("/v1/escrow/offers/{offer}/withdraw", Method::POST),
        ("/v1/escrow/trades", Method::POST),
        ("/v1/escrow/trades", Method::GET),
        ("/v1/escrow/trades/{trade}", Method::GET),
        ("/peer/v1/escrow-letters", Method::POST),
        ("/webhooks/delivery", Method::POST),
    ]
    .map(|(path, method)| (path.to_owned(), method));
    for operation in acts.into_iter().chain(others) {
        assert!(described.contains(&operation), "{operation:?}");
    }
}

#[tokio::test]
async fn credit_is_described() {
    let bank = Bank::open().await;
    let described = operations(&document(&bank).await);
    let at = |path: &str, method| (format!("/v1/credit/chains{path}"), method);
    for operation in [
        at("", Method::GET),
        at("/{chain}/pool", Method::GET),
        at("/{chain}/pool/fund", Method::POST),
        at("/{chain}/pool/withdraw", Method::POST),
        at("/{chain}/limits", Method::GET),
        at("/{chain}/node-limits", Method::POST),
        at("/{chain}/payee-limits", Method::POST),
        at("/{chain}/freeze", Method::POST),
        at("/{chain}/unfreeze", Method::POST),
        at("/{chain}/debts/{request}", Method::GET),
        at("/{chain}/payouts/{request}", Method::GET),
        at("/{chain}/raises", Method::GET),
        at("/{chain}/raises", Method::POST),
        at("/{chain}/raises/decide", Method::POST),
        at("/{chain}/score", Method::GET),
        at("/{chain}/scores", Method::POST),
        ("/v1/credit/scores/{digest}".to_owned(), Method::GET),
    ] {
        assert!(described.contains(&operation), "{operation:?}");
    }
    for act in ["release", "expire", "overdue", "receipt", "repay"] {
        let operation = at(&format!("/{{chain}}/debts/{{request}}/{act}"), Method::POST);
        assert!(described.contains(&operation), "{operation:?}");
    }
}

#[tokio::test]
async fn prepaid_cards_are_described() {
    let bank = Bank::open().await;
    let described = operations(&document(&bank).await);
    let at = |path: &str, method| (format!("/v1/prepaid/programmes{path}"), method);
    let mut expected = vec![
        at("", Method::GET),
        at("/{issuer}", Method::GET),
        at("/{issuer}", Method::POST),
        at("/{issuer}/merchants/{merchant}/cycles/{cycle}", Method::GET),
        at("/{issuer}/merchants/{merchant}/terminals", Method::POST),
        at("/{issuer}/payments/{card}/{counter}", Method::GET),
        at("/{issuer}/disputes", Method::POST),
        at("/{issuer}/disputes/{card}/{counter}", Method::GET),
        at("/{issuer}/terminals", Method::GET),
        at("/{issuer}/terminals/{terminal}", Method::GET),
        at("/{issuer}/terminals/{terminal}/revoke", Method::POST),
    ];
    for (resource, id, acts) in [
        (
            "merchants",
            "{merchant}",
            ["switch", "rules", "fund", "close-cycle"].as_slice(),
        ),
        (
            "cards",
            "{card}",
            ["top-up", "limits", "freeze", "unfreeze", "replace", "close"].as_slice(),
        ),
    ] {
        expected.push(at(&format!("/{{issuer}}/{resource}"), Method::GET));
        expected.push(at(&format!("/{{issuer}}/{resource}"), Method::POST));
        expected.push(at(&format!("/{{issuer}}/{resource}/{id}"), Method::GET));
        let acts = acts
            .iter()
            .map(|act| at(&format!("/{{issuer}}/{resource}/{id}/{act}"), Method::POST));
        expected.extend(acts);
    }
    for act in ["answer", "decide", "default"] {
        expected.push(at(
            &format!("/{{issuer}}/disputes/{{card}}/{{counter}}/{act}"),
            Method::POST,
        ));
    }
    for (path, method) in [
        ("/v1/prepaid/orders", Method::GET),
        ("/v1/prepaid/orders/{reference}", Method::GET),
        ("/v1/prepaid/messages", Method::GET),
        ("/peer/v1/card-orders", Method::POST),
        ("/peer/v1/card-recipients", Method::POST),
        ("/terminal/v1/orders", Method::POST),
        ("/terminal/v1/issuers/{issuer}", Method::GET),
    ] {
        expected.push((path.to_owned(), method));
    }
    for operation in expected {
        assert!(described.contains(&operation), "{operation:?}");
    }
}

#[tokio::test]
async fn every_reference_of_the_document_resolves() {
    let bank = Bank::open().await;
    let document = document(&bank).await;
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
async fn every_failure_documented_is_a_problem_and_every_write_takes_a_key() {
    let bank = Bank::open().await;
    let document = document(&bank).await;
    for (path, method) in operations(&document) {
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        for (status, response) in operation["responses"].as_object().unwrap() {
            if path != "/health/ready" && status.as_str() >= "400" {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
            }
        }
        if path.starts_with("/v1") && method != Method::GET {
            let mut parameters = operation["parameters"].as_array().unwrap().iter();
            assert!(
                parameters.any(|parameter| parameter["name"] == "Idempotency-Key"),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn every_list_takes_cursors_and_those_for_spreadsheets_are_csv_too() {
    let bank = Bank::open().await;
    let document = document(&bank).await;
    for (path, csv) in [
        ("/v1/payments", true),
        ("/v1/vouchers", true),
        ("/v1/relations", true),
        ("/v1/windows", true),
        ("/v1/positions", true),
        ("/v1/disputes", true),
        ("/v1/limits/users", true),
        ("/v1/limits/caps", true),
        ("/v1/webhooks/deliveries", true),
        ("/v1/prepaid/programmes/{issuer}/merchants", true),
        ("/v1/prepaid/programmes/{issuer}/terminals", true),
        ("/v1/prepaid/programmes/{issuer}/cards", true),
        ("/v1/prepaid/orders", true),
        ("/v1/prepaid/messages", true),
        ("/v1/decisions", false),
        ("/v1/escrow/offers", false),
        ("/v1/escrow/trades", false),
    ] {
        let operation = &document["paths"][path]["get"];
        let names: Vec<&str> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert!(
            names.contains(&"cursor") && names.contains(&"limit"),
            "{path}: {names:?}"
        );
        assert!(!names.contains(&"offset"), "{path}");
        let content = &operation["responses"]["200"]["content"];
        assert_eq!(content.get("text/csv").is_some(), csv, "{path}");
        assert!(content.get("application/json").is_some(), "{path}");
    }
}

#[tokio::test]
async fn the_rendered_page_is_served() {
    let bank = Bank::open().await;
    let response = bank.get("/docs/", "").await;
    status_is(&response, StatusCode::OK);
    assert!(text(response).await.contains("swagger-ui"));
}
