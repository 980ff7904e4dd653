//! The report of a closed day (S3.3 to S3.5).
use axum::{
    body::Body,
    extract::{FromRequestParts, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{BookNumber, Date};
use crate::{
    http::{error::ApiError, extractor::Path, schema, Api},
    reconciliation::report::{Drawn, ReportError, Shape},
};

/// The reports resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

/// How the client wants the report: the first of the shapes there are that it names.
#[derive(Debug)]
pub struct Accepted(Shape);

impl<S: Send + Sync> FromRequestParts<S> for Accepted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let accepted = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let kinds = accepted.unwrap_or_default().split(',');
        let mut kinds = kinds.filter_map(|kind| kind.split(';').next()).map(str::trim);
        let shape = kinds.find_map(|kind| match kind {
            "text/csv" => Some(Shape::Csv),
            "text/html" => Some(Shape::Html),
            "application/json" | "application/*" | "*/*" => Some(Shape::Json),
            _ => None,
        });
        Ok(Self(shape.unwrap_or(Shape::Json)))
    }
}

const fn media_type(shape: Shape) -> &'static str {
    match shape {
        Shape::Json => "application/json",
        Shape::Csv => "text/csv; charset=utf-8",
        Shape::Html => "text/html; charset=utf-8",
    }
}

/// Draws up the report of a closed day: as JSON with a proof of each entry, which `quittance audit report` checks against the
/// chain; as CSV; or as a page of HTML to read and print.
#[utoipa::path(get, path = "/v1/reconciliation/books/{book}/days/{date}/report", tag = "reconciliation",
    security(("bearer" = [])),
    params(("book" = u32, Path, description = "The book's number"),
        ("date" = String, Path, description = "The day, such as `2026-11-25`")),
    responses(
        (status = 200, description = "The report; as CSV with `Accept: text/csv`, as a page with `Accept: text/html`",
            content((Object = "application/json"), (String = "text/csv"), (String = "text/html"))),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path((book, date)): Path<(BookNumber, Date)>,
    Accepted(shape): Accepted,
) -> Result<Response, ApiError> {
    let drawn = api.book_reports.draw(book.into(), date.0, shape).await?;
    let chunks = futures::stream::try_unfold(drawn, Drawn::next);
    let headers = [(header::CONTENT_TYPE, media_type(shape))];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> Self {
        let (code, detail) = (error.code(), error.to_string());
        match error {
            ReportError::UnknownBook(book) => Self::NotFound {
                what: "book",
                id: book.0.to_string(),
            },
            ReportError::NotClosed(_) | ReportError::Overflow => Self::Refused {
                code: code.into(),
                detail,
            },
            ReportError::Changed => Self::TryLater { code, detail },
            ReportError::Ledger(error) => error.into(),
            ReportError::Store(error) => error.into(),
            ReportError::Proof(_) | ReportError::Write(_) => Self::Internal(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::Request;

    use super::*;

    async fn accepted(accept: &str) -> Shape {
        let request = Request::builder().header(header::ACCEPT, accept).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let Accepted(shape) = Accepted::from_request_parts(&mut parts, &()).await.unwrap();
        shape
    }

    #[tokio::test]
    async fn a_report_comes_in_the_first_shape_that_is_asked_for() {
        assert_eq!(accepted("text/csv").await, Shape::Csv);
        assert_eq!(accepted("text/html,application/xhtml+xml,*/*;q=0.8").await, Shape::Html);
        assert_eq!(accepted("*/*").await, Shape::Json);
        assert_eq!(accepted("image/png").await, Shape::Json);
    }
}
