//! What the other institutions of a book ask (S3.1 to S3.5). The layer in front has authenticated the sender.
use axum::{extract::State, Extension};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    error::ApiError,
    extractor::Json,
    schema::{self, reconciliation as shown},
    Api,
};
use crate::{
    peers::Peer,
    reconciliation::{
        line::Line,
        messages::{
            ClosingProposal, CoSigned, CorrectionProposal, Delivery, PageRequest, SignedStatement, StatementRequest,
        },
        ReconciliationError,
    },
};

/// The resources.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(deliver))
        .routes(routes!(statement))
        .routes(routes!(page))
        .routes(routes!(correct))
        .routes(routes!(close))
}

/// Peers act on the code: what isn't there keeps its own.
fn rejection(error: ReconciliationError) -> ApiError {
    match error {
        ReconciliationError::UnknownBook(_) | ReconciliationError::UnknownPage => super::refused(&error),
        other => other.into(),
    }
}

/// A book's client tells this side of entries (S3.1). Each is taken once.
#[utoipa::path(post, path = "/peer/v1/reconciliation-entries", tag = "peers", security(("signature" = [])),
    request_body = shown::BookDelivery,
    responses(
        (status = 200, description = "Kept: the body is `null`", body = ()),
        schema::PeerProblems
    ))]
async fn deliver(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(delivery): Json<Delivery>,
) -> Result<Json<()>, ApiError> {
    api.reconciliation
        .on_delivery(from, &delivery)
        .await
        .map_err(rejection)?;
    Ok(Json(()))
}

/// The other side asks what this side's book says of a day (S3.2).
#[utoipa::path(post, path = "/peer/v1/reconciliation-statements", tag = "peers", security(("signature" = [])),
    request_body = shown::BookStatementRequest,
    responses(
        (status = 200, description = "Signed; its pages are asked for by its digest", body = shown::SignedBookStatement),
        schema::PeerProblems
    ))]
async fn statement(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(request): Json<StatementRequest>,
) -> Result<Json<SignedStatement>, ApiError> {
    let signed = api.reconciliation.on_statement(from, &request).await;
    Ok(Json(signed.map_err(rejection)?))
}

/// The other side asks for a page of that.
#[utoipa::path(post, path = "/peer/v1/reconciliation-pages", tag = "peers", security(("signature" = [])),
    request_body = shown::BookPageRequest,
    responses(
        (status = 200, description = "At most 512 lines, ascending by trade and number", body = Vec<shown::BookLine>),
        schema::PeerProblems
    ))]
async fn page(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(request): Json<PageRequest>,
) -> Result<Json<Vec<Line>>, ApiError> {
    let lines = api.reconciliation.on_page(from, &request).await;
    Ok(Json(lines.map_err(rejection)?))
}

/// The other side proposes a correction (S3.4). The same question gets the same answer, or the final one where it was pending.
#[utoipa::path(post, path = "/peer/v1/reconciliation-corrections", tag = "peers", security(("signature" = [])),
    request_body = shown::CorrectionProposal,
    responses(
        (status = 200, description = "Signed, pending or refused", body = shown::CoSigned),
        schema::PeerProblems
    ))]
async fn correct(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(proposal): Json<CorrectionProposal>,
) -> Result<Json<CoSigned>, ApiError> {
    let answer = api.reconciliation.on_correction(from, &proposal).await;
    Ok(Json(answer.map_err(rejection)?))
}

/// The credit side proposes to close a day (S3.5). The same question gets the same answer, or the final one where it was
/// pending.
#[utoipa::path(post, path = "/peer/v1/reconciliation-closings", tag = "peers", security(("signature" = [])),
    request_body = shown::ClosingProposal,
    responses(
        (status = 200, description = "Signed, pending or refused", body = shown::CoSigned),
        schema::PeerProblems
    ))]
async fn close(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(proposal): Json<ClosingProposal>,
) -> Result<Json<CoSigned>, ApiError> {
    let answer = api.reconciliation.on_closing(from, &proposal).await;
    Ok(Json(answer.map_err(rejection)?))
}
