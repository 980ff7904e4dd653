//! What credit nodes ask payees of this institution: queued for a person, or answered by a rule (S1.6, S1.10).
use axum::{extract::State, Extension};
use protocol::{credit::CreditRequest, Member, RequestId, Signature, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, Path, Query},
    paging::{self, PageQuery},
    schema, Api,
};
use crate::{
    credit::{
        messages::{ArrivalAnswer, ArrivalRequest, ConsentAnswer, ConsentRequest},
        CreditError,
    },
    peers::Peer,
    store::{credit::ConsentRow, Place},
};

/// What clients do.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(accept))
        .routes(routes!(refuse))
}

/// What credit nodes ask.
pub fn peer_router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(ask)).routes(routes!(ask_arrival))
}

/// A payment on credit that a payee of this institution is asked to take.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConsentView {
    /// The request's id: the payment's name everywhere.
    #[schema(value_type = schema::Bytes32)]
    pub id: RequestId,
    /// `pending`, `accepted`, `refused`.
    pub decision: String,
    /// The credit node that asks, by its index in the registry here.
    #[schema(value_type = schema::Member)]
    pub node: Member,
    /// What the payer asks for: amount, goods, terms.
    #[schema(value_type = schema::credit::CreditRequest)]
    pub request: CreditRequest,
    /// The payer's certificate, PEM, as the credit node checked it.
    pub payer_certificate: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// The payee's, under its decision.
    #[schema(value_type = Option<schema::Signature>)]
    pub signature: Option<Signature>,
    /// Who decided: a client's name, or `policy`.
    pub decided_by: Option<String>,
    /// When it was asked first.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// When it was decided.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub decided_at: Option<Timestamp>,
}

/// A page of what payees were asked.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConsentPage {
    /// The newest first.
    pub consents: Vec<ConsentView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// Why a payee doesn't take a payment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefuseRequest {
    /// For the payer, who is told.
    pub reason: String,
}

/// What payees of this institution were asked, the newest first.
#[utoipa::path(get, path = "/v1/credit/consents", tag = "credit", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = ConsentPage),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, Query(query): Query<PageQuery>) -> Result<Json<ConsentPage>, ApiError> {
    let page = query.page()?;
    let found = api.consents.consents(&page).await?;
    let next_cursor = paging::next(&page, &found, |last| Place {
        at: last.created_at,
        id: last.id.to_string(),
    })?;
    Ok(Json(ConsentPage {
        consents: found.into_iter().map(ConsentView::from).collect(),
        next_cursor,
    }))
}

/// What a payee of this institution was asked, and what it decided.
#[utoipa::path(get, path = "/v1/credit/consents/{request}", tag = "credit", security(("bearer" = [])),
    params(("request" = schema::Bytes32, Path, description = "The request's id")),
    responses(
        (status = 200, description = "What it was asked", body = ConsentView),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, Path(id): Path<RequestId>) -> Result<Json<ConsentView>, ApiError> {
    Ok(Json(api.consents.consent(id).await?.into()))
}

/// Takes a payment on credit in the payee's name, which signs. The credit node learns of it when it asks next.
#[utoipa::path(post, path = "/v1/credit/consents/{request}/accept", tag = "credit", security(("bearer" = [])),
    params(("request" = schema::Bytes32, Path, description = "The request's id"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    responses(
        (status = 200, description = "The payee takes it", body = ConsentView),
        schema::WriteProblems
    ))]
async fn accept(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<RequestId>,
) -> Result<Json<ConsentView>, ApiError> {
    caller.require(Permission::HandInCreditPapers)?;
    Ok(Json(api.consents.accept(id, caller.name()).await?.into()))
}

/// Refuses a payment on credit in the payee's name, which signs.
#[utoipa::path(post, path = "/v1/credit/consents/{request}/refuse", tag = "credit", security(("bearer" = [])),
    params(("request" = schema::Bytes32, Path, description = "The request's id"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = RefuseRequest,
    responses(
        (status = 200, description = "The payee doesn't take it", body = ConsentView),
        schema::WriteProblems
    ))]
async fn refuse(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<RequestId>,
    Json(RefuseRequest { reason }): Json<RefuseRequest>,
) -> Result<Json<ConsentView>, ApiError> {
    caller.require(Permission::HandInCreditPapers)?;
    Ok(Json(api.consents.refuse(id, &reason, caller.name()).await?.into()))
}

/// A credit node asks whether a payee takes a payment on credit (S1.6). The same question again gets the same answer, or
/// the final one where it was pending.
#[utoipa::path(post, path = "/peer/v1/credit-requests", tag = "peers", security(("signature" = [])),
    request_body = schema::credit::ConsentRequest,
    responses(
        (status = 200, description = "Pending, accepted or refused", body = schema::credit::ConsentAnswer),
        schema::PeerProblems
    ))]
async fn ask(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(asked): Json<ConsentRequest>,
) -> Result<Json<ConsentAnswer>, ApiError> {
    let answer = api.consents.on_request(from, asked).await;
    Ok(Json(answer.map_err(rejection)?))
}

/// A credit node asks whether its payout arrived (S1.10).
#[utoipa::path(post, path = "/peer/v1/credit-arrivals", tag = "peers", security(("signature" = [])),
    request_body = schema::credit::ArrivalRequest,
    responses(
        (status = 200, description = "The payee's receipt, or that the payout isn't seen yet", body = schema::credit::ArrivalAnswer),
        schema::PeerProblems
    ))]
async fn ask_arrival(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(asked): Json<ArrivalRequest>,
) -> Result<Json<ArrivalAnswer>, ApiError> {
    let answer = api.consents.on_arrival(from, &asked).await;
    Ok(Json(answer.map_err(rejection)?))
}

/// A peer acts on the code: what isn't there keeps its own.
fn rejection(error: CreditError) -> ApiError {
    match error {
        CreditError::UnknownConsent(_) | CreditError::UnknownChain(_) => super::refused(&error),
        other => other.into(),
    }
}

impl From<ConsentRow> for ConsentView {
    fn from(row: ConsentRow) -> Self {
        Self {
            id: row.id,
            decision: row.decision.to_string(),
            node: row.node,
            request: row.request,
            payer_certificate: row.payer_certificate,
            reason: row.reason,
            signature: row.signature,
            decided_by: row.decided_by,
            created_at: row.created_at,
            decided_at: row.decided_at,
        }
    }
}
