//! Days of books: matched, closed, paid (S3.2, S3.3, S3.5).
use std::time::Duration;

use axum::{extract::State, response::Response};
use protocol::{reconciliation::Closed, text::to_hex, Timestamp, VoucherId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        error::ApiError,
        extractor::{Json, Path, Query},
        paging::{self, cell, Line, Shown},
        payments::HistoryView,
        schema::{self, reconciliation as shown},
        Api,
    },
    BookNumber, Date,
};
use crate::{
    reconciliation::{
        findings::{Finding, Summary},
        messages::SignedStatement,
        schedule, DayStanding, DryRun,
    },
    store::days::DayRow,
};

/// The longest that a client may wait for a run; shorter than [`super::super::TIMEOUT`].
const MAX_WAIT_SECONDS: u64 = 60;

/// The resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(run))
        .routes(routes!(close))
        .routes(routes!(pay))
}

/// A day of a book, as this side sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BookDayView {
    /// Of which book.
    pub book: u32,
    /// Which.
    pub day: String,
    /// `open`, `due`, `matched`, `correcting`, `clean`, `closing`, `closed`, `paying`, `paid`.
    pub state: String,
    /// How many runs were begun.
    pub runs: u32,
    /// Whether another one is wanted.
    pub is_wanted: bool,
    /// When the last one that was kept was begun.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub ran_at: Option<Timestamp>,
    /// The finalized block up to which it saw the chain.
    pub block: Option<u32>,
    /// What it counted.
    #[schema(value_type = Option<shown::RunSummary>)]
    pub summary: Option<Summary>,
    /// What the debit side's book said in it, signed.
    #[schema(value_type = Option<shown::SignedBookStatement>)]
    pub debit_statement: Option<SignedStatement>,
    /// What the credit side's book said in it, signed.
    #[schema(value_type = Option<shown::SignedBookStatement>)]
    pub credit_statement: Option<SignedStatement>,
    /// The id of the closing that is being signed.
    #[schema(value_type = Option<schema::Bytes32>)]
    pub closing: Option<String>,
    /// How it was closed on the finalized chain.
    #[schema(value_type = Option<shown::DayClosed>)]
    pub closed: Option<Closed>,
    /// Which payment of the total it is: counts up when an earlier one came to nothing.
    pub attempt: u32,
    /// The voucher that the total was cleared under.
    #[schema(value_type = Option<schema::Bytes32>)]
    pub voucher: Option<VoucherId>,
    /// Why it doesn't go on.
    pub failure: Option<String>,
    /// When it changed last.
    #[schema(value_type = schema::Timestamp)]
    pub updated_at: Timestamp,
}

/// A day with what is open on it and what happened to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BookDayDetails {
    /// How far it is.
    #[serde(flatten)]
    pub day: BookDayView,
    /// How many breaks aren't done.
    pub breaks: u64,
    /// How many trades may still come.
    pub expected: u64,
    /// What happened to it, in order.
    pub history: Vec<HistoryView>,
}

/// A page of days.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BookDayPage {
    /// The latest first.
    pub days: Vec<BookDayView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// What a run finds, of which nothing is kept.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DryRunView {
    /// The finalized block up to which it saw the chain.
    pub block: u32,
    /// What it counted.
    #[schema(value_type = shown::RunSummary)]
    pub summary: Summary,
    /// What the debit side's book says, signed.
    #[schema(value_type = shown::SignedBookStatement)]
    pub debit_statement: SignedStatement,
    /// What the credit side's book says, signed.
    #[schema(value_type = shown::SignedBookStatement)]
    pub credit_statement: SignedStatement,
    /// What is wrong: the first 1,000 of it.
    #[schema(value_type = Vec<shown::BreakFinding>)]
    pub findings: Vec<Finding>,
}

/// What a run came to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RunView {
    /// The day, as it stands.
    Kept(Box<BookDayDetails>),
    /// What a dry run finds.
    Dry(Box<DryRunView>),
}

/// Which page of days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DayQuery {
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

/// How a day is run.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// Only shows what it would find; nothing is kept.
    #[serde(default)]
    dry_run: bool,
    /// Wait this long for the run to be kept, 0 to 60; the answer says how far the day is either way.
    #[serde(default)]
    wait_seconds: u64,
}

/// How a day is closed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CloseQuery {
    /// By this side's signature only, once the book's patience with the other side is over.
    #[serde(default)]
    alone: bool,
}

impl Line for BookDayView {
    const COLUMNS: &'static [&'static str] = &[
        "book", "day", "state", "runs", "ran_at", "entries", "matched", "breaks", "expected", "total", "payable",
        "closing", "voucher", "failure",
    ];

    fn cells(&self) -> Vec<String> {
        let summary = self.summary.as_ref();
        vec![
            self.book.to_string(),
            self.day.clone(),
            self.state.clone(),
            self.runs.to_string(),
            cell(self.ran_at),
            cell(summary.map(|summary| summary.entries)),
            cell(summary.map(|summary| summary.matched)),
            cell(summary.map(|summary| summary.breaks)),
            cell(summary.map(|summary| summary.expected)),
            cell(summary.map(|summary| summary.total)),
            cell(self.closed.map(|closed| closed.payable)),
            cell(self.closed.map(|closed| to_hex(&closed.id))),
            cell(self.voucher),
            cell(self.failure.as_ref()),
        ]
    }
}

/// The days of a book on which something happened.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/days", tag = "reconciliation", security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"), DayQuery),
    responses(
        (status = 200, description = "The latest first; as CSV with `Accept: text/csv`",
            content((BookDayPage = "application/json"), (String = "text/csv"))),
        schema::ReadProblems
    ))]
async fn list(
    State(api): State<Api>,
    Path(book): Path<BookNumber>,
    Query(query): Query<DayQuery>,
    shown: Shown,
) -> Result<Response, ApiError> {
    let limit = paging::limit(query.limit);
    let before = paging::after(query.cursor.as_deref())?;
    let rows = api.reconciliation.days(book.into(), before, limit).await?;
    let is_full = u32::try_from(rows.len()).is_ok_and(|found| found >= limit);
    let last = rows.last().filter(|_| is_full);
    let next_cursor = last.map(|row| paging::cursor(&row.day)).transpose()?;
    let page = BookDayPage {
        days: rows.into_iter().map(BookDayView::from).collect(),
        next_cursor: next_cursor.clone(),
    };
    shown.answer(page, next_cursor.as_deref(), |page| page.days.clone())
}

/// A day of a book.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/days/{date}", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("date" = String, Path, description = "The day, such as `2026-11-25`")),
    responses(
        (status = 200, description = "How far it is", body = BookDayDetails),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path((book, date)): Path<(BookNumber, Date)>,
) -> Result<Json<BookDayDetails>, ApiError> {
    Ok(Json(api.reconciliation.day(book.into(), date.0).await?.into()))
}

/// Has a day matched now, whether or not its cut-off has come (S3.2). It then goes on by itself: what is found is corrected,
/// and the day is closed.
#[utoipa::path(post, path = "/v1/reconciliation/books/{book}/days/{date}/run", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("date" = String, Path, description = "The day, such as `2026-11-25`"), RunQuery,
        ("Idempotency-Key" = String, Header, description = "Names the request: the same for repetitions")),
    responses(
        (status = 200, description = "How far it is, or what a dry run finds", body = RunView),
        schema::WriteProblems
    ))]
async fn run(
    State(api): State<Api>,
    caller: Caller,
    Path((book, date)): Path<(BookNumber, Date)>,
    Query(query): Query<RunQuery>,
) -> Result<Json<RunView>, ApiError> {
    caller.require(Permission::Reconcile)?;
    if query.dry_run {
        let found = api.reconciliation.dry_run(book.into(), date.0).await?;
        return Ok(Json(RunView::Dry(Box::new(found.into()))));
    }
    let patience = Duration::from_secs(query.wait_seconds.min(MAX_WAIT_SECONDS));
    let standing = api
        .reconciliation
        .want(book.into(), date.0, caller.name(), patience)
        .await?;
    Ok(Json(RunView::Kept(Box::new(standing.into()))))
}

/// Tries now what is tried again by itself: to have a day closed on which the last run found nothing (S3.5).
#[utoipa::path(post, path = "/v1/reconciliation/books/{book}/days/{date}/close", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("date" = String, Path, description = "The day, such as `2026-11-25`"), CloseQuery,
        ("Idempotency-Key" = String, Header, description = "Names the request: the same for repetitions")),
    responses(
        (status = 200, description = "How far it is", body = BookDayDetails),
        schema::WriteProblems
    ))]
async fn close(
    State(api): State<Api>,
    caller: Caller,
    Path((book, date)): Path<(BookNumber, Date)>,
    Query(query): Query<CloseQuery>,
) -> Result<Json<BookDayDetails>, ApiError> {
    caller.require(Permission::Reconcile)?;
    let standing = api
        .reconciliation
        .close(book.into(), date.0, query.alone, caller.name())
        .await?;
    Ok(Json(standing.into()))
}

/// Pays again what a closed day comes to, after a payment that came to nothing (S3.5).
#[utoipa::path(post, path = "/v1/reconciliation/books/{book}/days/{date}/pay", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("date" = String, Path, description = "The day, such as `2026-11-25`"),
        ("Idempotency-Key" = String, Header, description = "Names the request: the same for repetitions")),
    responses(
        (status = 200, description = "How far it is", body = BookDayDetails),
        schema::WriteProblems
    ))]
async fn pay(
    State(api): State<Api>,
    caller: Caller,
    Path((book, date)): Path<(BookNumber, Date)>,
) -> Result<Json<BookDayDetails>, ApiError> {
    caller.require(Permission::MoveFunds)?;
    Ok(Json(api.reconciliation.pay(book.into(), date.0).await?.into()))
}

impl From<DayRow> for BookDayView {
    fn from(row: DayRow) -> Self {
        Self {
            book: row.book.0,
            day: schedule::write(row.day),
            state: row.state.to_string(),
            runs: row.runs,
            is_wanted: row.is_wanted,
            ran_at: row.ran_at,
            block: row.block,
            summary: row.summary,
            debit_statement: row.debit_statement,
            credit_statement: row.credit_statement,
            closing: row.closing.map(|signed| to_hex(&signed.closing.id())),
            closed: row.closed,
            attempt: row.attempt,
            voucher: row.voucher,
            failure: row.failure,
            updated_at: row.updated_at,
        }
    }
}

impl From<DayStanding> for BookDayDetails {
    fn from(standing: DayStanding) -> Self {
        let line = |line: crate::store::days::DayLine| HistoryView {
            state: line.state.to_string(),
            at: line.at,
            detail: line.detail,
        };
        Self {
            day: standing.row.into(),
            breaks: standing.breaks,
            expected: standing.expected,
            history: standing.history.into_iter().map(line).collect(),
        }
    }
}

impl From<DryRun> for DryRunView {
    fn from(found: DryRun) -> Self {
        Self {
            block: found.block,
            summary: found.summary,
            debit_statement: found.debit,
            credit_statement: found.credit,
            findings: found.findings,
        }
    }
}
