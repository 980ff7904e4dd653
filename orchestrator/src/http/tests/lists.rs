//! Lists: pages that stay as they are while rows come, filters, CSV.
use axum::{
    body::Body,
    http::{header, Request, StatusCode},
};
use protocol::{
    settlement::{Asset, Limit, Settlement, TransactionKind, Voucher},
    AccountId, Amount, Member, Timestamp, UserId,
};
use serde_json::Value;

use super::{json, problem, status_is, text, Bank, AUDITOR, OPERATOR};
use crate::{
    settlement::state::{HomeState, OriginatorState, State},
    store::Store,
};

fn voucher(sequence: u64, home: Member, amount: Amount) -> Voucher {
    Voucher {
        sequence,
        originator: Member(0),
        home,
        others: vec![],
        user: UserId::of(home, "4711"),
        wallet: AccountId([1; 32]),
        kind: TransactionKind::Purchase,
        asset: Asset::Native,
        amount,
        limit: Limit::PerTransaction(amount),
        settlement: Settlement::Gross,
        fees: 0,
        issued_at: 1,
        expires_at: 2,
    }
}

async fn keep(store: &Store, voucher: &Voucher, state: State, at: Timestamp) {
    store
        .open_payment(voucher, None, state, "as the test wants it", at, &[])
        .await
        .unwrap();
}

const AUDITED: State = State::Originator(OriginatorState::Audited);
const REFUSED: State = State::Originator(OriginatorState::Refused);

async fn page(bank: &Bank, path: &str) -> (Vec<String>, Option<String>) {
    let page = json(bank.get(path, AUDITOR).await).await;
    let amounts = page["payments"].as_array().unwrap().iter();
    let amounts = amounts.map(|payment| payment["voucher"]["amount"].as_str().unwrap().to_owned());
    (amounts.collect(), page["next"].as_str().map(str::to_owned))
}

async fn csv(bank: &Bank, path: &str) -> (Option<String>, String) {
    let request = Request::get(path)
        .header(header::AUTHORIZATION, format!("Bearer {OPERATOR}"))
        .header(header::ACCEPT, "text/csv");
    let response = bank.send(request.body(Body::empty()).unwrap()).await;
    status_is(&response, StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let link = response.headers().get(header::LINK);
    let link = link.map(|link| link.to_str().unwrap().to_owned());
    (link, text(response).await)
}

#[tokio::test]
async fn payments_that_come_while_a_list_is_read_move_nothing_in_it() {
    let bank = Bank::open().await;
    // Of the same millisecond, and of others.
    for number in 0..7 {
        keep(
            &bank.store,
            &voucher(number, Member(1), 100 + u128::from(number)),
            AUDITED,
            10 + number / 3,
        )
        .await;
    }
    let (mut seen, mut next) = page(&bank, "/v1/payments?limit=2").await;
    let mut late = 100;
    while let Some(cursor) = next {
        keep(&bank.store, &voucher(late, Member(1), 5), AUDITED, 1_000).await;
        late += 1;
        let (part, further) = page(&bank, &format!("/v1/payments?limit=2&cursor={cursor}")).await;
        seen.extend(part);
        next = further;
    }
    seen.sort();
    let expected: Vec<String> = (100..107).map(|amount| amount.to_string()).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn payments_are_found_by_what_they_are() {
    let bank = Bank::open().await;
    let other = Voucher {
        asset: Asset::Psp22(AccountId([9; 32])),
        ..voucher(3, Member(3), 400)
    };
    let own = Voucher {
        originator: Member(1),
        ..voucher(4, Member(0), 500)
    };
    keep(&bank.store, &voucher(1, Member(1), 200), AUDITED, 20).await;
    keep(&bank.store, &voucher(2, Member(1), 300), REFUSED, 30).await;
    keep(&bank.store, &other, AUDITED, 40).await;
    keep(&bank.store, &own, State::Home(HomeState::Confirmed), 50).await;
    let contract = protocol::text::to_hex(&[9; 32]);
    let id = UserId::of(Member(1), "4711");
    for (query, amounts) in [
        (String::new(), vec!["500", "400", "300", "200"]),
        ("state=refused".into(), vec!["300"]),
        ("role=home".into(), vec!["500"]),
        ("counterparty=3".into(), vec!["400"]),
        ("counterparty=0".into(), vec!["500", "400", "300", "200"]),
        ("asset=native".into(), vec!["500", "300", "200"]),
        (format!("asset={contract}"), vec!["400"]),
        ("user=4711".into(), vec!["500"]),
        (format!("user={id}"), vec!["300", "200"]),
        ("from=30&to=50".into(), vec!["400", "300"]),
        ("window=0".into(), vec![]),
        ("state=audited&counterparty=1".into(), vec!["200"]),
    ] {
        assert_eq!(
            page(&bank, &format!("/v1/payments?{query}")).await.0,
            amounts,
            "{query}"
        );
    }
    for query in [
        "state=gone",
        "role=king",
        "asset=gold",
        "cursor=x",
        "colour=red",
        "role=home&state=audited",
    ] {
        let refused = bank.get(&format!("/v1/payments?{query}"), AUDITOR).await;
        assert_eq!(problem(refused).await.code, "malformed-request", "{query}");
    }
}

#[tokio::test]
async fn the_same_list_is_csv_where_that_is_accepted() {
    let bank = Bank::open().await;
    let (link, empty) = csv(&bank, "/v1/vouchers").await;
    assert_eq!((link, empty.lines().count()), (None, 1), "the columns have names");
    for number in 0..3 {
        keep(
            &bank.store,
            &voucher(number, Member(1), 100 + u128::from(number)),
            AUDITED,
            number,
        )
        .await;
    }
    let (link, rows) = csv(&bank, "/v1/payments?limit=2&state=audited").await;
    let rows: Vec<&str> = rows.lines().collect();
    assert_eq!(rows.len(), 3);
    let columns: Vec<&str> = rows[0].split(',').collect();
    let amount = columns.iter().position(|column| *column == "amount").unwrap();
    let amounts: Vec<&str> = rows[1..]
        .iter()
        .map(|row| row.split(',').nth(amount).unwrap())
        .collect();
    assert_eq!(amounts, ["102", "101"]);
    let next = link.unwrap();
    let path = next.strip_prefix('<').unwrap().split('>').next().unwrap();
    assert!(path.contains("state=audited") && path.contains("limit=2"), "{path}");
    let (link, rows) = csv(&bank, path).await;
    assert_eq!((link, rows.lines().count()), (None, 2));
    let (_, relations) = csv(&bank, "/v1/relations").await;
    assert_eq!(relations.lines().count(), 1, "nothing is retained");
    let (_, fees) = csv(&bank, "/v1/fees").await;
    assert_eq!(fees.lines().count(), 1, "there is no rule");
}

#[tokio::test]
async fn users_limits_are_listed_by_number() {
    let bank = Bank::open().await;
    for (number, limit, blocked) in [("12", "70", false), ("11", "60", true), ("13", "80", false)] {
        let body = format!(
            r#"{{"public_key":"0x{0}","wallet":"0x{0}","balance":"100","limit":"{limit}","blocked":{blocked}}}"#,
            "1".repeat(64)
        );
        let request = Request::put(format!("/v1/users/{number}"))
            .header(header::AUTHORIZATION, format!("Bearer {OPERATOR}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", number);
        status_is(
            &bank.send(request.body(Body::from(body)).unwrap()).await,
            StatusCode::NO_CONTENT,
        );
    }
    let numbers = |page: &Value| -> Vec<String> {
        let limits = page["limits"].as_array().unwrap().iter();
        limits.map(|limit| limit["user"].as_str().unwrap().to_owned()).collect()
    };
    let first = json(bank.get("/v1/limits/users?limit=2", AUDITOR).await).await;
    assert_eq!(numbers(&first), ["11", "12"]);
    assert_eq!(first["limits"][0]["per_transaction"], "60");
    assert_eq!(first["limits"][0]["spent_today"], "0");
    let path = format!("/v1/limits/users?limit=2&cursor={}", first["next"].as_str().unwrap());
    let second = json(bank.get(&path, AUDITOR).await).await;
    assert_eq!(
        (numbers(&second), second["next"].is_null()),
        (vec!["13".to_owned()], true)
    );
    let blocked = json(bank.get("/v1/limits/users?blocked=true", AUDITOR).await).await;
    assert_eq!(numbers(&blocked), ["11"]);
}

#[tokio::test]
async fn a_voucher_and_a_relation_that_are_not_there_are_not_found() {
    let bank = Bank::open().await;
    let voucher = voucher(1, Member(1), 10);
    keep(&bank.store, &voucher, AUDITED, 1).await;
    let found = json(bank.get(&format!("/v1/vouchers/{}", voucher.id()), AUDITOR).await).await;
    assert_eq!(
        (&found["state"], &found["role"]),
        (&"audited".into(), &"originator".into())
    );
    for path in ["/v1/vouchers/", "/v1/relations/"] {
        let missing = bank.get(&format!("{path}0x{}", "0".repeat(64)), AUDITOR).await;
        assert_eq!(problem(missing).await.code, "not-found");
    }
}
