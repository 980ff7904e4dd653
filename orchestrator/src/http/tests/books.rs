//! Books as a client sees them: what it records in them and imports into its own.
use protocol::{
    reconciliation::{BookId, Terms},
    settlement::Asset,
    AccountId, Member, TradeId,
};

use super::*;
use crate::reconciliation::ports::{Block, Event, Happened};

const IMPORTS: &str = "/v1/reconciliation/books/0/imports?format=csv&name=november.csv";
const FILE: &str = "id,amount,date\nA/1,5,2026-11-25\nB,6,2026-11-25\n";

/// A bank that is the debit side and the client of a book.
async fn bank() -> Bank {
    let bank = Bank::open().await;
    let terms = Terms {
        client: Member(0),
        debit: Member(0),
        credit: Member(2),
        asset: Asset::Native,
        zone: b"Europe/Berlin".to_vec(),
        patience: 1,
        number: 0,
    };
    let opened = Happened {
        block: Block {
            number: 4,
            hash: [4; 32],
        },
        event: 0,
        what: Event::BookOpened { book: BookId(0), terms },
    };
    let opened = [opened];
    let kept = bank
        .store
        .keep_reconciliation(AccountId([0; 32]), Member(0), &opened, 4);
    kept.await.unwrap();
    bank
}

async fn upload(bank: &Bank, path: &str, token: &str, key: Option<&str>, file: &str) -> Response {
    let mut request = Request::post(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    bank.send(request.body(Body::from(file.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_file_is_imported_once_whatever_the_key() {
    let bank = bank().await;
    let first = upload(&bank, IMPORTS, OPERATOR, Some("a"), FILE).await;
    status_is(&first, StatusCode::OK);
    let first = json(first).await;
    assert_eq!((&first["lines"], &first["total"]), (&2.into(), &"11".into()));
    assert_eq!(first["import"]["imported_by"], "chief");
    let replayed = upload(&bank, IMPORTS, OPERATOR, Some("a"), FILE).await;
    assert_eq!(replayed.headers()["idempotency-replayed"], "true");
    assert_eq!(json(replayed).await, first);
    let again = json(upload(&bank, IMPORTS, OPERATOR, Some("b"), FILE).await).await;
    assert_eq!((&again["is_known"], &again["import"]), (&true.into(), &first["import"]));
    let reused = upload(&bank, IMPORTS, OPERATOR, Some("a"), "id,amount,date\n").await;
    assert_eq!(problem(reused).await.code, "idempotency-key-reused");

    let imports = json(bank.get("/v1/reconciliation/books/0/imports", AUDITOR).await).await;
    assert_eq!(imports["imports"], Value::from(vec![first["import"].clone()]));
    let lines = json(
        bank.get("/v1/reconciliation/books/0/lines?day=2026-11-25", AUDITOR)
            .await,
    )
    .await;
    assert_eq!(lines["lines"].as_array().unwrap().len(), 2);
    // By what the book calls it.
    let line = json(bank.get("/v1/reconciliation/books/0/lines/A%2F1", AUDITOR).await).await;
    assert_eq!(line["lines"][0]["trade"], TradeId::of("A/1").to_string());
    assert_eq!(line["entry"], Value::Null);
}

#[tokio::test]
async fn a_file_may_be_larger_than_any_message() {
    let bank = bank().await;
    let mut file = String::from("id,amount,date\n");
    while file.len() <= crate::http::MAX_BODY {
        file.push_str(&format!("{},1,2026-11-25\n", file.len()));
    }
    let report = json(upload(&bank, IMPORTS, OPERATOR, Some("a"), &file).await).await;
    assert_eq!(report["lines"], file.lines().count() - 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_line_by_line() {
    let bank = bank().await;
    let file = FILE.to_owned() + "C,x,2026-11-25\nD,1,tomorrow\n";
    let refused = upload(&bank, IMPORTS, OPERATOR, Some("a"), &file).await;
    status_is(&refused, StatusCode::UNPROCESSABLE_ENTITY);
    let told = problem(refused).await;
    assert_eq!(told.code, "bad-file");
    let places: Vec<_> = told.problems.iter().map(|bad| (bad.line, bad.column)).collect();
    assert_eq!(places, [(4, 2), (5, 3)]);
    let lines = json(
        bank.get("/v1/reconciliation/books/0/lines?day=2026-11-25", AUDITOR)
            .await,
    )
    .await;
    assert_eq!(lines["lines"], Value::Array(Vec::new()));

    // A dry run tells the same, needs no key, and changes nothing.
    let dry = upload(&bank, &format!("{IMPORTS}&dry_run=true"), OPERATOR, None, &file).await;
    status_is(&dry, StatusCode::OK);
    let dry = json(dry).await;
    assert_eq!((&dry["is_dry_run"], &dry["import"]), (&true.into(), &Value::Null));
    assert_eq!(dry["problems"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn who_may_not_import_or_says_too_little_is_told_so() {
    let bank = bank().await;
    for (path, token, key, status, code) in [
        (IMPORTS, AUDITOR, Some("a"), 403, "forbidden"),
        (IMPORTS, TELLER, Some("a"), 403, "forbidden"),
        (IMPORTS, OPERATOR, None, 400, "idempotency-key-missing"),
        (
            "/v1/reconciliation/books/0/imports",
            OPERATOR,
            Some("b"),
            400,
            "malformed-request",
        ),
        (
            "/v1/reconciliation/books/0/imports?format=xls",
            OPERATOR,
            Some("c"),
            400,
            "malformed-request",
        ),
        (
            "/v1/reconciliation/books/9/imports?format=csv",
            OPERATOR,
            Some("d"),
            404,
            "not-found",
        ),
        (
            "/v1/reconciliation/books/0/imports?format=csv&replaces=7",
            OPERATOR,
            Some("e"),
            404,
            "not-found",
        ),
    ] {
        let refused = upload(&bank, path, token, key, FILE).await;
        assert_eq!(refused.status().as_u16(), status, "{path}");
        assert_eq!(problem(refused).await.code, code, "{path}");
    }
}

#[tokio::test]
async fn entries_are_written_down_and_listed() {
    let bank = bank().await;
    let path = "/v1/reconciliation/books/0/entries";
    let body = r#"{"entries":[{"id":"INV/1","payer":"4711","amount":"1250","time":1000},
        {"id":"INV/2","payer":"4712","amount":"7","time":2000,"day":"1970-01-01","batch":"evening"}]}"#;
    let written = bank.post(path, OPERATOR, Some("a"), body).await;
    // By this clock it is 1970.
    status_is(&written, StatusCode::OK);
    let written = json(written).await;
    assert_eq!(written["entries"][0]["state"], "waiting");
    let listed = json(bank.get(&format!("{path}?state=waiting&day=1970-01-01"), AUDITOR).await).await;
    assert_eq!(listed["entries"].as_array().unwrap().len(), 2);
    let one = json(bank.get(&format!("{path}/INV%2F1"), AUDITOR).await).await;
    assert_eq!(one, written["entries"][0]);
    let csv = Request::get(path)
        .header(header::AUTHORIZATION, format!("Bearer {AUDITOR}"))
        .header(header::ACCEPT, "text/csv");
    let csv = text(bank.send(csv.body(Body::empty()).unwrap()).await).await;
    assert_eq!(csv.lines().count(), 3);
    // Page by page, each once.
    let first = json(bank.get(&format!("{path}?limit=1"), AUDITOR).await).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = json(bank.get(&format!("{path}?limit=1&cursor={cursor}"), AUDITOR).await).await;
    assert_ne!(first["entries"], second["entries"]);

    let taken = r#"{"entries":[{"id":"INV/1","payer":"4711","amount":"9","time":1000}]}"#;
    assert_eq!(
        problem(bank.post(path, OPERATOR, Some("b"), taken).await).await.code,
        "entry-differs"
    );
    let nameless = r#"{"entries":[{"id":" ","payer":"4711","amount":"9"}]}"#;
    assert_eq!(
        problem(bank.post(path, OPERATOR, Some("c"), nameless).await).await.code,
        "malformed-request"
    );
    let unknown = bank.get(&format!("{path}/INV%2F9"), AUDITOR).await;
    status_is(&unknown, StatusCode::NOT_FOUND);
    assert_eq!(
        problem(bank.post(path, TELLER, Some("d"), body).await).await.code,
        "forbidden"
    );
}

#[tokio::test]
async fn books_are_shown_with_what_isnt_done_yet() {
    let bank = bank().await;
    let body = r#"{"entries":[{"id":"INV/1","payer":"4711","amount":"1250","time":1000}]}"#;
    bank.post("/v1/reconciliation/books/0/entries", OPERATOR, Some("a"), body)
        .await;
    let books = json(bank.get("/v1/reconciliation/books", AUDITOR).await).await;
    let book = json(bank.get("/v1/reconciliation/books/0", AUDITOR).await).await;
    assert_eq!(books, Value::from(vec![book.clone()]));
    assert_eq!((&book["side"], &book["is_client"]), (&"debit".into(), &true.into()));
    assert_eq!(book["terms"]["zone"], "Europe/Berlin");
    assert_eq!(book["backlog"]["waiting"], 1);
    assert_eq!(book["opened_in"], 4);
    status_is(
        &bank.get("/v1/reconciliation/books/9", AUDITOR).await,
        StatusCode::NOT_FOUND,
    );
}
