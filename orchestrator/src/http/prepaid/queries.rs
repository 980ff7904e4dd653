//! What holders, merchants and the regulator ask of a card programme (S4.5): answered from finalized blocks, not from the
//! issuer's database.
use axum::{
    extract::State,
    http::{header, HeaderMap},
    response::{IntoResponse, Response},
};
use protocol::Member;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        error::ApiError,
        extractor::{Json, Path, Query},
        schema, Api,
    },
    MerchantId,
};
use crate::prepaid::{
    messages::SignedQuery,
    queries::QueryError,
    report::{csv as report_csv, Bound, Parameters, Span},
    statements::{camt, csv as statement_csv, StatementError},
};

/// What clients ask.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(report))
        .routes(routes!(taken))
        .routes(routes!(statement))
}

/// What holders ask, who have no token: they sign.
pub fn holder_router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(card))
}

/// Which part of the past.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReportQuery {
    /// The first block; the contract's first, if it isn't said.
    from_block: Option<u32>,
    /// The last block; the latest finalized one, if it isn't said.
    to_block: Option<u32>,
    /// Looks the float up after each block of the part that changed it, not only after the last.
    #[serde(default)]
    covers_span: bool,
}

/// Which cycle.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TakenQuery {
    /// Its number; all of them, if it isn't said.
    cycle: Option<u32>,
}

/// The regulator's view: totals, the float's coverage, velocity, structuring, cards over limits, declines, disputes. As
/// `quittance prepaid report` shows it, which asks the chain and not this service.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/report", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ReportQuery),
    responses(
        (status = 200, description = "The report; as CSV where that is accepted", content((Object = "application/json"), (String = "text/csv"))),
        schema::ReadProblems
    ))]
async fn report(
    State(api): State<Api>,
    Path(issuer): Path<Member>,
    Query(asked): Query<ReportQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let span = Span {
        from: asked.from_block.map(Bound::Block),
        to: asked.to_block.map(Bound::Block),
    };
    let queries = api.card_books.of(issuer)?;
    let report = queries.report(span, Parameters::default(), asked.covers_span).await?;
    answer(&headers, &report, || report_csv::report(&report).map_err(unwritable))
}

/// What a merchant took: every payment, and what was declined. Merchants ask through their acquirer.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/merchants/{merchant}/payments", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("merchant" = u32, Path, description = "The merchant's number"), TakenQuery),
    responses(
        (status = 200, description = "The payments; as CSV where that is accepted", content((Object = "application/json"), (String = "text/csv"))),
        schema::ReadProblems
    ))]
async fn taken(
    State(api): State<Api>,
    Path((issuer, merchant)): Path<(Member, MerchantId)>,
    Query(asked): Query<TakenQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let queries = api.card_books.of(issuer)?;
    let (_, view) = queries.merchant(merchant.into(), asked.cycle).await?;
    answer(&headers, &view, || report_csv::merchant(&view).map_err(unwritable))
}

/// A merchant's statement of a closed cycle, recomputed from the chain, with what the merchant was told otherwise there.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/merchants/{merchant}/statements/{cycle}", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"),
        ("merchant" = u32, Path, description = "The merchant's number"),
        ("cycle" = u32, Path, description = "The cycle's number, from 0")),
    responses(
        (status = 200, description = "The statement; as CSV or camt.053 (two decimals, currency XXX) where that is accepted",
            content((Object = "application/json"), (String = "text/csv"), (String = "application/xml"))),
        schema::ReadProblems
    ))]
async fn statement(
    State(api): State<Api>,
    Path((issuer, merchant, cycle)): Path<(Member, MerchantId, u32)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let statement = api.card_books.of(issuer)?.statement(merchant.into(), cycle).await?;
    if accepts(&headers, "application/xml") {
        let text = camt::write(&statement, &camt::Money::default()).map_err(QueryError::from)?;
        return Ok(([(header::CONTENT_TYPE, "application/xml; charset=utf-8")], text).into_response());
    }
    answer(&headers, &statement, || {
        Ok(statement_csv::write(&statement).map_err(QueryError::from)?)
    })
}

/// A card's movements, for its holder, who signed the question within the last minutes: `quittance card query`.
#[utoipa::path(post, path = "/holder/v1/issuers/{issuer}/cards", tag = "holders",
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry")),
    request_body = schema::prepaid::SignedCardQuery,
    responses(
        (status = 200, description = "What it holds and paid; as CSV where that is accepted", content((Object = "application/json"), (String = "text/csv"))),
        schema::TerminalProblems
    ))]
async fn card(
    State(api): State<Api>,
    Path(issuer): Path<Member>,
    headers: HeaderMap,
    Json(asked): Json<SignedQuery>,
) -> Result<Response, ApiError> {
    let queries = api.card_books.of(issuer)?;
    let (_, view) = queries
        .holder(&asked.query, &asked.signature, crate::http::now())
        .await?;
    answer(&headers, &view, || report_csv::holder(&view).map_err(unwritable))
}

/// As JSON; as CSV where that is asked for.
fn answer(
    headers: &HeaderMap,
    value: &impl serde::Serialize,
    csv: impl FnOnce() -> Result<String, ApiError>,
) -> Result<Response, ApiError> {
    if accepts(headers, "text/csv") {
        return Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], csv()?).into_response());
    }
    Ok(axum::Json(value).into_response())
}

fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let first = accepted.unwrap_or_default().split([',', ';']).next();
    first.is_some_and(|first| first.trim() == kind)
}

fn unwritable(error: csv::Error) -> ApiError {
    ApiError::Internal(format!("CSV can't be written: {error}"))
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let not_found = |what, id| ApiError::NotFound { what, id };
        let refused = |code: &'static str, error: &QueryError| ApiError::Refused {
            code: code.into(),
            detail: error.to_string(),
        };
        match &error {
            QueryError::UnknownIssuer(member) => not_found("card issuer", member.to_string()),
            QueryError::UnknownCard(card) => not_found("card", card.0.to_string()),
            QueryError::Statement(StatementError::UnknownMerchant(merchant)) => {
                not_found("merchant", merchant.0.to_string())
            }
            QueryError::Statement(StatementError::NotClosed { merchant, cycle, .. }) => {
                not_found("closed cycle", format!("{}/{cycle}", merchant.0))
            }
            QueryError::Stale { .. } => refused("stale-question", &error),
            QueryError::BadHolderSignature { .. } => refused("bad-holder-signature", &error),
            QueryError::Statement(_) => refused("statement-unwritable", &error),
            QueryError::Ledger(_) => match error {
                QueryError::Ledger(error) => error.into(),
                other => ApiError::Internal(other.to_string()),
            },
        }
    }
}
