//! Reconciliation: books, what is recorded and imported in them, their days and breaks (S3.1 to S3.5).
use protocol::{
    reconciliation::{BookId, Day},
    TradeId,
};
use serde::{Deserialize, Deserializer};
use utoipa_axum::router::OpenApiRouter;

use super::{error::ApiError, Api};
use crate::reconciliation::{
    books::BooksError, import::BadLine, matching::MatchFault, schedule, statements::StatementError, ReconciliationError,
};

pub mod books;
pub mod breaks;
pub mod days;
pub mod entries;
pub mod imports;
pub mod lines;
pub mod peer;
pub mod report;

/// What clients do.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(books::router())
        .merge(entries::router())
        .merge(imports::router())
        .merge(lines::router())
        .merge(report::router())
        .merge(days::router())
        .merge(breaks::router())
}

/// Where the paths begin below which the reconciliation contract must be what it should be.
pub const PATHS: [&str; 2] = ["/v1/reconciliation/", "/peer/v1/reconciliation-"];

/// A book's number in a path.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct BookNumber(pub u32);

/// A trade in a path: its id, or what books know it by.
#[derive(Clone, Copy, Debug)]
pub struct Trade(pub TradeId);

/// A day in a path or a query: `2026-11-25`.
#[derive(Clone, Copy, Debug)]
pub struct Date(pub Day);

impl From<BookNumber> for BookId {
    fn from(BookNumber(number): BookNumber) -> Self {
        Self(number)
    }
}

impl<'de> Deserialize<'de> for Trade {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(TradeId::of(&text)))
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        schedule::read(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl From<BooksError> for ApiError {
    fn from(error: BooksError) -> Self {
        let not_found = |what, id| ApiError::NotFound { what, id };
        match error {
            BooksError::UnknownBook(book) => not_found("book of this institution", book.0.to_string()),
            BooksError::UnknownEntry(trade) => not_found("entry", trade.to_string()),
            BooksError::UnknownImport { import, .. } => not_found("import", import.to_string()),
            BooksError::Ledger(error) => error.into(),
            BooksError::Store(error) => error.into(),
            BooksError::Unreadable(why) => ApiError::Internal(why),
            BooksError::Peer(_) | BooksError::NotYet(_) => ApiError::TryLater {
                code: "not-yet",
                detail: error.to_string(),
            },
            BooksError::BadFile(report) => {
                let detail = format!("nothing is imported: {}", report.summary());
                let problems: Vec<BadLine> = report.problems;
                ApiError::BadFile { detail, problems }
            }
            refusal => ApiError::Refused {
                code: refusal.code().into(),
                detail: refusal.to_string(),
            },
        }
    }
}

impl From<ReconciliationError> for ApiError {
    fn from(error: ReconciliationError) -> Self {
        let not_found = |what, id| ApiError::NotFound { what, id };
        match error {
            ReconciliationError::UnknownBook(book) => not_found("book of this institution", book.0.to_string()),
            ReconciliationError::UnknownDay(_, day) => not_found("day", schedule::write(day)),
            ReconciliationError::UnknownBreak(trade, _) => not_found("break", trade.to_string()),
            ReconciliationError::Books(error) => error.into(),
            ReconciliationError::Ledger(error) => error.into(),
            ReconciliationError::Store(error)
            | ReconciliationError::Statement(StatementError::Store(error))
            | ReconciliationError::Match(MatchFault::Store(error)) => error.into(),
            ReconciliationError::Peer(_)
            | ReconciliationError::NotYet(_)
            | ReconciliationError::Statement(StatementError::Peer(_) | StatementError::StaleEpoch { .. }) => {
                ApiError::TryLater {
                    code: "not-yet",
                    detail: error.to_string(),
                }
            }
            refusal => refused(&refusal),
        }
    }
}

fn refused(error: &ReconciliationError) -> ApiError {
    ApiError::Refused {
        code: error.code().into(),
        detail: error.to_string(),
    }
}
