//! Breaks: what is wrong, where, by how much, and what comes of it (S3.4).
use axum::{extract::State, response::Response};
use protocol::{
    reconciliation::{Cause, Kind, Side},
    text::to_hex,
    Amount, Timestamp, TradeId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        error::ApiError,
        extractor::{Json, Path, Query},
        paging::{self, cell, Line, Shown},
        schema::{self, reconciliation as shown},
        Api,
    },
    BookNumber, Date, Trade,
};
use crate::{
    reconciliation::{
        breaks::state::{BreakState, Proposed, Refused},
        findings::{self, Finding},
        schedule, BreakStanding,
    },
    store::days::{kind_name, side_name, BreakFilter, BreakRow},
};

/// The resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(assign))
        .routes(routes!(comment))
        .routes(routes!(propose))
        .routes(routes!(accept))
        .routes(routes!(reject))
}

/// A break, traced.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BreakView {
    /// Which trade: the chain's id, where the chain has an entry.
    #[schema(value_type = schema::Bytes32)]
    pub trade: TradeId,
    /// On which day it was found.
    pub day: String,
    /// `expected`, `open`, `proposed`, `signed`, `recorded`, `booked`, `resolved`.
    pub state: String,
    /// What is wrong and where.
    #[schema(value_type = Vec<shown::BreakCause>)]
    pub causes: Vec<Cause>,
    /// By how much the debit side's book is off, in the asset's smallest unit: what it says less what the chain says.
    #[schema(value_type = shown::SignedAmount)]
    #[serde(with = "protocol::text::amount")]
    pub debit_off: i128,
    /// By how much the credit side's book is off.
    #[schema(value_type = shown::SignedAmount)]
    #[serde(with = "protocol::text::amount")]
    pub credit_off: i128,
    /// The finalized block since which the chain has its entry as it is.
    pub since_block: Option<u32>,
    /// That block's hash.
    #[schema(value_type = Option<schema::Bytes32>)]
    pub block_hash: Option<String>,
    /// The event's place among all events of the block.
    pub event: Option<u32>,
    /// The digest that a correction names as what shows it.
    #[schema(value_type = schema::Bytes32)]
    pub evidence: String,
    /// The lines and the entry that show it.
    #[schema(value_type = shown::BreakFinding)]
    pub finding: Finding,
    /// What is right by the chain's entry, in the asset's smallest unit; 0: there was no such payment.
    #[schema(value_type = schema::Amount)]
    #[serde(with = "protocol::text::amount")]
    pub right: Amount,
    /// Who sees to it.
    pub assigned: Option<String>,
    /// The correction that is proposed, with the signatures that are there.
    #[schema(value_type = Option<shown::ProposedCorrection>)]
    pub proposed: Option<Proposed>,
    /// The last no to a correction.
    #[schema(value_type = Option<shown::RefusedCorrection>)]
    pub refusal: Option<Refused>,
    /// When it was found first.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// When it changed last.
    #[schema(value_type = schema::Timestamp)]
    pub updated_at: Timestamp,
}

/// A step of a break.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BreakStepView {
    /// The state that it had, or came to.
    pub state: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// Who did it; absent, where nobody had to.
    pub who: Option<String>,
    /// What happened.
    pub detail: String,
}

/// A break with what happened to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BreakDetails {
    /// How far it is.
    #[serde(flatten)]
    pub found: BreakView,
    /// What happened to it, in order.
    pub history: Vec<BreakStepView>,
}

/// A page of breaks.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BreakPage {
    /// The newest first.
    pub breaks: Vec<BreakView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// Which breaks: those for which all of it holds that is said.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BreakQuery {
    /// Found on this day, such as `2026-11-25`.
    #[param(value_type = Option<String>)]
    day: Option<Date>,
    /// How far they are.
    state: Option<String>,
    /// With this among what is wrong: `missing`, `amount`, `asset`, `payer`, `duplicate`, `wrong_day`, `altered_id`.
    #[param(value_type = Option<shown::BreakKind>)]
    kind: Option<Kind>,
    /// With something wrong there: `debit`, `credit`, `chain`.
    #[param(value_type = Option<shown::BookSide>)]
    side: Option<Side>,
    /// Whom somebody sees to.
    assigned: Option<String>,
    /// Only those with which something is left to do.
    #[serde(default)]
    unfinished: bool,
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

/// Who sees to a break.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignRequest {
    /// Whoever it is; nobody, if it isn't said.
    pub to: Option<String>,
}

/// What is written down about a break.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentRequest {
    /// 1 to 1,000 characters.
    pub text: String,
}

/// A correction that is proposed to the other side.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeRequest {
    /// What is right, in the asset's smallest unit, 0: there was no such payment; by the chain's entry, if it isn't said.
    #[schema(value_type = Option<schema::Amount>)]
    #[serde(default, with = "protocol::text::optional_amount")]
    pub amount: Option<Amount>,
    /// What the other side's people are told.
    #[serde(default)]
    pub comment: Option<String>,
}

/// Why a correction is rejected.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectRequest {
    /// 1 to 1,000 characters; the other side is told.
    pub reason: String,
}

impl Line for BreakView {
    const COLUMNS: &'static [&'static str] = &[
        "trade",
        "day",
        "state",
        "causes",
        "debit_off",
        "credit_off",
        "right",
        "since_block",
        "block_hash",
        "event",
        "evidence",
        "assigned",
        "proposed",
        "refusal",
        "created_at",
        "updated_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.trade.to_string(),
            self.day.clone(),
            self.state.clone(),
            causes(&self.causes),
            self.debit_off.to_string(),
            self.credit_off.to_string(),
            self.right.to_string(),
            cell(self.since_block),
            cell(self.block_hash.as_ref()),
            cell(self.event),
            self.evidence.clone(),
            cell(self.assigned.as_ref()),
            cell(self.proposed.as_ref().map(|proposed| proposed.correction.amount)),
            cell(self.refusal.as_ref().map(|refusal| &refusal.reason)),
            self.created_at.to_string(),
            self.updated_at.to_string(),
        ]
    }
}

/// What is wrong and where, in a few words: `amount:debit missing:credit`.
pub fn causes(causes: &[Cause]) -> String {
    let words = causes
        .iter()
        .map(|cause| format!("{}:{}", kind_name(cause.kind), side_name(cause.side)));
    words.collect::<Vec<_>>().join(" ")
}

/// What runs found wrong in a book.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/breaks", tag = "reconciliation", security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"), BreakQuery),
    responses(
        (status = 200, description = "The newest first; as CSV with `Accept: text/csv`",
            content((BreakPage = "application/json"), (String = "text/csv"))),
        schema::ReadProblems
    ))]
async fn list(
    State(api): State<Api>,
    Path(book): Path<BookNumber>,
    Query(query): Query<BreakQuery>,
    shown: Shown,
) -> Result<Response, ApiError> {
    let page = paging::page(query.limit, query.cursor.as_deref())?;
    let state = query.state.as_deref().map(str::parse::<BreakState>).transpose();
    let filter = BreakFilter {
        day: query.day.map(|Date(day)| day),
        state: state.map_err(|error| ApiError::Malformed(error.to_string()))?,
        kind: query.kind,
        side: query.side,
        assigned: query.assigned,
        unfinished: query.unfinished,
    };
    let rows = api.reconciliation.breaks(book.into(), &filter, &page).await?;
    let next_cursor = paging::next(&page, &rows, BreakRow::place)?;
    let found = BreakPage {
        breaks: rows.into_iter().map(BreakView::from).collect(),
        next_cursor: next_cursor.clone(),
    };
    shown.answer(found, next_cursor.as_deref(), |page| page.breaks.clone())
}

/// What is wrong with a trade, and what came of it: of several days, the one with which something is left to do.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/breaks/{trade}", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("trade" = String, Path, description = "Its id, or what books know it by")),
    responses(
        (status = 200, description = "How far it is", body = BreakDetails),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path((book, trade)): Path<(BookNumber, Trade)>,
) -> Result<Json<BreakDetails>, ApiError> {
    Ok(Json(api.reconciliation.break_of(book.into(), trade.0).await?.into()))
}

/// Says who sees to a break.
#[utoipa::path(post, path = "/v1/reconciliation/books/{book}/breaks/{trade}/assign", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("trade" = String, Path, description = "Its id, or what books know it by"),
        ("Idempotency-Key" = String, Header, description = "Names the request: the same for repetitions")),
    request_body = AssignRequest,
    responses(
        (status = 200, description = "How far it is", body = BreakDetails),
        schema::WriteProblems
    ))]
async fn assign(
    State(api): State<Api>,
    caller: Caller,
    Path((book, trade)): Path<(BookNumber, Trade)>,
    Json(request): Json<AssignRequest>,
) -> Result<Json<BreakDetails>, ApiError> {
    caller.require(Permission::Reconcile)?;
    let to = request.to.as_deref();
    let standing = api
        .reconciliation
        .assign(book.into(), trade.0, to, caller.name())
        .await?;
    Ok(Json(standing.into()))
}

/// Writes something down about a break.
#[utoipa::path(post, path = "/v1/reconciliation/books/{book}/breaks/{trade}/comment", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("trade" = String, Path, description = "Its id, or what books know it by"),
        ("Idempotency-Key" = String, Header, description = "Names the request: the same for repetitions")),
    request_body = CommentRequest,
    responses(
        (status = 200, description = "How far it is", body = BreakDetails),
        schema::WriteProblems
    ))]
async fn comment(
    State(api): State<Api>,
    caller: Caller,
    Path((book, trade)): Path<(BookNumber, Trade)>,
    Json(request): Json<CommentRequest>,
) -> Result<Json<BreakDetails>, ApiError> {
    caller.require(Permission::Reconcile)?;
    let standing = api
        .reconciliation
        .comment(book.into(), trade.0, &request.text, caller.name())
        .await?;
    Ok(Json(standing.into()))
}

/// Proposes a correction to the other side (S3.4): signed now, it is asked for the other's signature by itself.
#[utoipa::path(post, path = "/v1/reconciliation/books/{book}/breaks/{trade}/propose", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("trade" = String, Path, description = "Its id, or what books know it by"),
        ("Idempotency-Key" = String, Header, description = "Names the request: the same for repetitions")),
    request_body = ProposeRequest,
    responses(
        (status = 200, description = "How far it is", body = BreakDetails),
        schema::WriteProblems
    ))]
async fn propose(
    State(api): State<Api>,
    caller: Caller,
    Path((book, trade)): Path<(BookNumber, Trade)>,
    Json(request): Json<ProposeRequest>,
) -> Result<Json<BreakDetails>, ApiError> {
    caller.require(Permission::Reconcile)?;
    let comment = request.comment.as_deref();
    let standing = api
        .reconciliation
        .propose(book.into(), trade.0, request.amount, comment, caller.name())
        .await?;
    Ok(Json(standing.into()))
}

/// Accepts a correction (S3.4): signs what the other side proposed; where it proposed nothing, proposes what follows from the
/// chain's entry.
#[utoipa::path(post, path = "/v1/reconciliation/books/{book}/breaks/{trade}/accept", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("trade" = String, Path, description = "Its id, or what books know it by"),
        ("Idempotency-Key" = String, Header, description = "Names the request: the same for repetitions")),
    responses(
        (status = 200, description = "How far it is", body = BreakDetails),
        schema::WriteProblems
    ))]
async fn accept(
    State(api): State<Api>,
    caller: Caller,
    Path((book, trade)): Path<(BookNumber, Trade)>,
) -> Result<Json<BreakDetails>, ApiError> {
    caller.require(Permission::Reconcile)?;
    let standing = api.reconciliation.accept(book.into(), trade.0, caller.name()).await?;
    Ok(Json(standing.into()))
}

/// Rejects what the other side proposed; it is told so, with the reason (S3.4).
#[utoipa::path(post, path = "/v1/reconciliation/books/{book}/breaks/{trade}/reject", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("trade" = String, Path, description = "Its id, or what books know it by"),
        ("Idempotency-Key" = String, Header, description = "Names the request: the same for repetitions")),
    request_body = RejectRequest,
    responses(
        (status = 200, description = "How far it is", body = BreakDetails),
        schema::WriteProblems
    ))]
async fn reject(
    State(api): State<Api>,
    caller: Caller,
    Path((book, trade)): Path<(BookNumber, Trade)>,
    Json(request): Json<RejectRequest>,
) -> Result<Json<BreakDetails>, ApiError> {
    caller.require(Permission::Reconcile)?;
    let standing = api
        .reconciliation
        .reject(book.into(), trade.0, &request.reason, caller.name())
        .await?;
    Ok(Json(standing.into()))
}

impl From<BreakRow> for BreakView {
    fn from(row: BreakRow) -> Self {
        let finding = row.finding;
        let own = findings::proposal(&finding);
        Self {
            trade: row.trade,
            day: schedule::write(row.day),
            state: row.state.to_string(),
            causes: finding.causes.clone(),
            debit_off: finding.off(Side::Debit),
            credit_off: finding.off(Side::Credit),
            since_block: finding.entry.map(|entry| entry.block),
            block_hash: finding.entry.map(|entry| to_hex(&entry.block_hash)),
            event: finding.entry.map(|entry| entry.event),
            evidence: to_hex(&own.evidence),
            right: own.amount,
            finding,
            assigned: row.assigned,
            proposed: row.proposed,
            refusal: row.refusal,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<BreakStanding> for BreakDetails {
    fn from(standing: BreakStanding) -> Self {
        let step = |line: crate::store::days::BreakLine| BreakStepView {
            state: line.state.to_string(),
            at: line.at,
            who: line.who,
            detail: line.detail,
        };
        Self {
            found: standing.row.into(),
            history: standing.history.into_iter().map(step).collect(),
        }
    }
}
