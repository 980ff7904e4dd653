//! What the institution records as the client of books (S3.1).
use axum::{extract::State, response::Response};
use protocol::{ids::PayerId, reconciliation::BatchId, text::to_hex, Amount, Timestamp, TradeId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        error::ApiError,
        extractor::{Json, Path, Query},
        paging::{self, cell, Line, Shown},
        schema, Api,
    },
    BookNumber, Date, Trade,
};
use crate::{
    reconciliation::{
        books::{BooksError, Payment, Recorded},
        schedule,
        settings::Feed,
    },
    store::{
        books::{EntryFilter, EntryState},
        Place,
    },
};

/// The resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, record)).routes(routes!(read))
}

/// What customers paid.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRequest {
    /// 1 to 128 payments: all of them are taken, or none.
    pub entries: Vec<NewEntryView>,
}

/// What a customer paid.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntryView {
    /// What the payment is known by everywhere: an id as `0x` and 64 hex digits, or any other text, whose id is its hash.
    #[schema(example = "INV-2026-0001")]
    pub id: String,
    /// Who paid, alike.
    #[schema(example = "4711")]
    pub payer: String,
    /// In the asset's smallest unit.
    #[schema(value_type = schema::Amount)]
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// When the customer paid; now, where it isn't said.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub time: Option<Timestamp>,
    /// For which day, such as `2026-11-25`; that of the time by the book's clocks, where it isn't said.
    pub day: Option<String>,
    /// What the payment may be booked under as one line, with others.
    pub batch: Option<String>,
}

/// An entry, as the client has it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BookEntryView {
    /// What the payment is known by.
    #[schema(value_type = schema::Bytes32)]
    pub trade: TradeId,
    /// Who paid.
    #[schema(value_type = schema::Bytes32)]
    pub payer: PayerId,
    /// In the asset's smallest unit.
    #[schema(value_type = schema::Amount)]
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// When the customer paid.
    #[schema(value_type = schema::Timestamp)]
    pub time: Timestamp,
    /// The day that it was meant for.
    pub dated: String,
    /// The day that it is recorded for: a later one, if that was closed meanwhile.
    pub day: String,
    /// What it may be booked under as one line, with others.
    #[schema(value_type = Option<schema::Bytes32>)]
    pub batch: Option<String>,
    /// Which of the institution's own payments it comes from: `settlement`, `credit`, `prepaid`.
    #[schema(value_type = Option<String>)]
    pub feed: Option<Feed>,
    /// `waiting` until it is on the finalized chain, then `recorded`; `refused` where it never will be.
    #[schema(value_type = String)]
    pub state: EntryState,
    /// Why it is refused.
    pub refusal: Option<String>,
    /// When it came.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// When it was seen on the finalized chain.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub recorded_at: Option<Timestamp>,
    /// When the debit side took it.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub debit_informed_at: Option<Timestamp>,
    /// When the credit side took it.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub credit_informed_at: Option<Timestamp>,
}

/// A page of entries.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BookEntryPage {
    /// The newest first; those of a request in its order.
    pub entries: Vec<BookEntryView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// Which entries: those for which all of it holds that is said.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntryQuery {
    /// Of which day, such as `2026-11-25`.
    #[param(value_type = Option<String>)]
    day: Option<Date>,
    /// How far they are: `waiting`, `recorded`, `refused`.
    #[param(value_type = Option<String>)]
    state: Option<EntryState>,
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

impl Line for BookEntryView {
    const COLUMNS: &'static [&'static str] = &[
        "trade",
        "payer",
        "amount",
        "time",
        "dated",
        "day",
        "batch",
        "feed",
        "state",
        "refusal",
        "created_at",
        "recorded_at",
        "debit_informed_at",
        "credit_informed_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.trade.to_string(),
            self.payer.to_string(),
            self.amount.to_string(),
            self.time.to_string(),
            self.dated.clone(),
            self.day.clone(),
            cell(self.batch.as_ref()),
            cell(self.feed.map(Feed::as_str)),
            self.state.to_string(),
            cell(self.refusal.as_ref()),
            self.created_at.to_string(),
            cell(self.recorded_at),
            cell(self.debit_informed_at),
            cell(self.credit_informed_at),
        ]
    }
}

/// Records what customers paid. It is written down at once, recorded on the chain and delivered to both sides after that: read
/// an entry to see how far it is. An entry whose day is closed meanwhile is recorded for the next one.
#[utoipa::path(post, path = "/v1/reconciliation/books/{book}/entries", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = RecordRequest,
    responses(
        (status = 200, description = "Written down", body = BookEntryPage),
        schema::WriteProblems
    ))]
async fn record(
    State(api): State<Api>,
    caller: Caller,
    Path(book): Path<BookNumber>,
    Json(request): Json<RecordRequest>,
) -> Result<Json<BookEntryPage>, ApiError> {
    caller.require(Permission::Reconcile)?;
    let payments = request.entries.iter().map(payment).collect::<Result<Vec<_>, _>>()?;
    let recorded = api.reconciliation.books().record(book.into(), &payments).await?;
    Ok(Json(BookEntryPage {
        entries: recorded.iter().map(view).collect(),
        next_cursor: None,
    }))
}

/// What the institution records in a book as its client, page by page.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/entries", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"), EntryQuery),
    responses(
        (status = 200, description = "The newest first; as CSV with `Accept: text/csv`",
            content((BookEntryPage = "application/json"), (String = "text/csv"))),
        schema::ReadProblems
    ))]
async fn list(
    State(api): State<Api>,
    Path(book): Path<BookNumber>,
    Query(query): Query<EntryQuery>,
    shown: Shown,
) -> Result<Response, ApiError> {
    api.reconciliation.books().book(book.into()).await?;
    let page = paging::page(query.limit, query.cursor.as_deref())?;
    let filter = EntryFilter {
        day: query.day.map(|day| day.0),
        state: query.state,
    };
    let rows = api.store.client_entries(book.into(), &filter, &page).await?;
    let next_cursor = paging::next(&page, &rows, |row| Place {
        at: row.created_at,
        id: row.number.to_string(),
    })?;
    let page = BookEntryPage {
        entries: rows.iter().map(view).collect(),
        next_cursor: next_cursor.clone(),
    };
    shown.answer(page, next_cursor.as_deref(), |page| page.entries.clone())
}

/// An entry that the institution recorded in a book as its client.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/entries/{trade}", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("trade" = String, Path, description = "Its id, or what it is known by")),
    responses(
        (status = 200, description = "As it stands", body = BookEntryView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path((book, trade)): Path<(BookNumber, Trade)>,
) -> Result<Json<BookEntryView>, ApiError> {
    let row = api.store.client_entry(book.into(), trade.0).await?;
    Ok(Json(view(&row.ok_or(BooksError::UnknownEntry(trade.0))?)))
}

fn payment(new: &NewEntryView) -> Result<Payment, ApiError> {
    let empty = |what: &str| ApiError::Malformed(format!("the {what} of an entry is empty: say what it is known by"));
    if new.id.trim().is_empty() {
        return Err(empty("id"));
    }
    if new.payer.trim().is_empty() {
        return Err(empty("payer"));
    }
    let day = new.day.as_deref().map(schedule::read).transpose();
    Ok(Payment {
        trade: TradeId::of(&new.id),
        payer: PayerId::of(&new.payer),
        amount: new.amount,
        time: new.time,
        day: day.map_err(|error| ApiError::Malformed(error.to_string()))?,
        batch: new.batch.as_deref().map(BatchId::of),
    })
}

fn view(row: &Recorded) -> BookEntryView {
    BookEntryView {
        trade: row.entry.trade,
        payer: row.entry.payer,
        amount: row.entry.amount,
        time: row.entry.time,
        dated: schedule::write(row.dated),
        day: schedule::write(row.day),
        batch: row.batch.map(|batch| to_hex(&batch.0)),
        feed: row.feed,
        state: row.state,
        refusal: row.refusal.clone(),
        created_at: row.created_at,
        recorded_at: row.recorded_at,
        debit_informed_at: row.debit_informed_at,
        credit_informed_at: row.credit_informed_at,
    }
}
