//! The institution's own lines of books.
use axum::{extract::State, response::Response};
use protocol::{ids::PayerId, settlement::Asset, text::to_hex, Amount, Timestamp, TradeId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        error::ApiError,
        extractor::{Json, Path, Query},
        paging::{self, cell, Line, Shown},
        schema, Api,
    },
    BookNumber, Date, Trade,
};
use crate::{
    assets::AssetName,
    reconciliation::{line::ChainEntry, schedule},
    store::books::{LineChange, LinePlace, OwnLine},
};

/// The resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// A line of the institution's own book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BookLineView {
    /// What it is known by: a trade's id, or that of a batch that was booked as one line.
    #[schema(value_type = schema::Bytes32)]
    pub trade: TradeId,
    /// As the book writes it.
    pub reference: Option<String>,
    /// Tells lines of one id apart, and says where they came from.
    pub number: u64,
    /// On which day it is booked.
    pub day: String,
    /// In the asset's smallest unit.
    #[schema(value_type = schema::Amount)]
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// In what.
    #[schema(value_type = schema::Asset)]
    pub asset: Asset,
    /// Who paid, if the book says it.
    #[schema(value_type = Option<schema::Bytes32>)]
    pub payer: Option<PayerId>,
    /// When, if the book says more than the day.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub time: Option<Timestamp>,
    /// The import that it came from.
    pub import: Option<i64>,
}

/// A page of lines.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BookLinePage {
    /// By id.
    pub lines: Vec<BookLineView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// A bilateral entry, as the finalized chain has it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChainEntryView {
    /// What the payment is known by.
    #[schema(value_type = schema::Bytes32)]
    pub trade: TradeId,
    /// Who paid.
    #[schema(value_type = schema::Bytes32)]
    pub payer: PayerId,
    /// In the asset's smallest unit; 0: both sides agreed that there was no such payment.
    #[schema(value_type = schema::Amount)]
    #[serde(with = "protocol::text::amount")]
    pub amount: Amount,
    /// When the customer paid.
    #[schema(value_type = schema::Timestamp)]
    pub time: Timestamp,
    /// For which day.
    pub day: String,
    /// What it may be booked under as one line, with others.
    #[schema(value_type = Option<schema::Bytes32>)]
    pub batch: Option<String>,
    /// How often it was corrected.
    pub corrections: u32,
    /// The finalized block of the event that made it, or changed it last.
    pub block: u32,
    /// That block's hash.
    #[schema(value_type = schema::Bytes32)]
    pub block_hash: String,
    /// The event's place among all events of the block.
    pub event: u32,
}

/// What a correction changed of a trade's lines.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LineChangeView {
    /// The lines as they were.
    pub before: Vec<BookLineView>,
    /// The lines as they are.
    pub after: Vec<BookLineView>,
    /// Why.
    pub reason: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
}

/// What the institution and the chain have of a trade.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TradeLinesView {
    /// The lines as they are.
    pub lines: Vec<BookLineView>,
    /// What corrections changed of them, in order.
    pub changes: Vec<LineChangeView>,
    /// What the chain has.
    pub entry: Option<ChainEntryView>,
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LineQuery {
    /// Of which day, such as `2026-11-25`.
    #[param(value_type = String)]
    day: Date,
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

impl Line for BookLineView {
    const COLUMNS: &'static [&'static str] = &[
        "trade",
        "reference",
        "number",
        "day",
        "amount",
        "asset",
        "payer",
        "time",
        "import",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.trade.to_string(),
            cell(self.reference.as_ref()),
            self.number.to_string(),
            self.day.clone(),
            self.amount.to_string(),
            AssetName(self.asset).to_string(),
            cell(self.payer),
            cell(self.time),
            cell(self.import),
        ]
    }
}

/// What the institution booked on a day, page by page.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/lines", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"), LineQuery),
    responses(
        (status = 200, description = "By id; as CSV with `Accept: text/csv`",
            content((BookLinePage = "application/json"), (String = "text/csv"))),
        schema::ReadProblems
    ))]
async fn list(
    State(api): State<Api>,
    Path(book): Path<BookNumber>,
    Query(query): Query<LineQuery>,
    shown: Shown,
) -> Result<Response, ApiError> {
    api.reconciliation.books().own(book.into()).await?;
    let limit = paging::limit(query.limit);
    let after: Option<LinePlace> = paging::after(query.cursor.as_deref())?;
    let lines = api.store.booked_lines(book.into(), query.day.0, after, limit).await?;
    let is_full = u32::try_from(lines.len()).is_ok_and(|found| found >= limit);
    let last = lines.last().filter(|_| is_full);
    let next_cursor = last
        .map(|own| paging::cursor(&(own.line.trade, own.line.number)))
        .transpose()?;
    let page = BookLinePage {
        lines: lines.iter().map(line_view).collect(),
        next_cursor: next_cursor.clone(),
    };
    shown.answer(page, next_cursor.as_deref(), |page| page.lines.clone())
}

/// What the institution and the chain have of a trade, on whatever day.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/lines/{trade}", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("trade" = String, Path, description = "Its id, or what it is known by")),
    responses(
        (status = 200, description = "As it stands; empty where there is nothing", body = TradeLinesView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path((book, trade)): Path<(BookNumber, Trade)>,
) -> Result<Json<TradeLinesView>, ApiError> {
    api.reconciliation.books().book(book.into()).await?;
    let lines = api.store.own_lines_of(book.into(), trade.0).await?;
    let changes = api.store.line_changes(book.into(), trade.0).await?;
    let entry = api.store.chain_entry(book.into(), trade.0).await?;
    Ok(Json(TradeLinesView {
        lines: lines.iter().map(line_view).collect(),
        changes: changes.iter().map(change_view).collect(),
        entry: entry.as_ref().map(entry_view),
    }))
}

/// A line as it is shown.
pub fn line_view(own: &OwnLine) -> BookLineView {
    let line = &own.line;
    BookLineView {
        trade: line.trade,
        reference: own.reference.clone(),
        number: line.number,
        day: schedule::write(line.day),
        amount: line.amount,
        asset: line.asset,
        payer: line.payer,
        time: line.time,
        import: own.import,
    }
}

/// An entry of the chain as it is shown.
pub fn entry_view(known: &ChainEntry) -> ChainEntryView {
    ChainEntryView {
        trade: known.entry.trade,
        payer: known.entry.payer,
        amount: known.entry.amount,
        time: known.entry.time,
        day: schedule::write(known.day),
        batch: known.batch.map(|batch| to_hex(&batch.0)),
        corrections: known.corrections,
        block: known.block,
        block_hash: to_hex(&known.block_hash),
        event: known.event,
    }
}

fn change_view(change: &LineChange) -> LineChangeView {
    LineChangeView {
        before: change.before.iter().map(line_view).collect(),
        after: change.after.iter().map(line_view).collect(),
        reason: change.reason.clone(),
        at: change.at,
    }
}
