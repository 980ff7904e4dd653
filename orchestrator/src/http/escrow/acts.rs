//! What a person, or a program that stands for one, decides about a trade. What follows on chain goes on by itself.
use axum::extract::State;
use protocol::{AgreementId, Amount};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        error::ApiError,
        extractor::{Json, Path},
        schema, Api,
    },
    trades::{record, view, TradeView},
};

/// The acts on a trade.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(accept))
        .routes(routes!(decline))
        .routes(routes!(confirm))
        .routes(routes!(cancel))
        .routes(routes!(dispute))
        .routes(routes!(rule))
}

/// Why a proposal isn't wanted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclineRequest {
    /// For people.
    pub reason: String,
}

/// What proves a delivery.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmRequest {
    /// A seller must give it: it is its evidence if the buyer doesn't reveal. At most 32 KiB.
    pub evidence: Option<String>,
}

/// Why the arbiter is called, or what is answered to that.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeRequest {
    /// Word for word, at most 32 KiB. Its digest goes on chain, itself to the arbiter and the other party.
    pub evidence: String,
}

/// How the pot is split.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleRequest {
    /// What the seller gets of price and both bonds; the buyer gets the rest.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub to_seller: Amount,
}

/// Signs a proposal that was received: it is an agreement then.
#[utoipa::path(post, path = "/v1/escrow/trades/{trade}/accept", tag = "escrow", security(("bearer" = [])),
    params(
        ("trade" = schema::Bytes32, Path, description = "The trade's id"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions"),
    ),
    responses(
        (status = 200, description = "Agreed", body = TradeView),
        schema::WriteProblems
    ))]
async fn accept(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<AgreementId>,
) -> Result<Json<TradeView>, ApiError> {
    caller.require(Permission::Trade)?;
    record(id);
    Ok(Json(view(api.escrow.accept(id).await?)))
}

/// Says no to a proposal that was received.
#[utoipa::path(post, path = "/v1/escrow/trades/{trade}/decline", tag = "escrow", security(("bearer" = [])),
    params(
        ("trade" = schema::Bytes32, Path, description = "The trade's id"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions"),
    ),
    request_body = DeclineRequest,
    responses(
        (status = 200, description = "Declined", body = TradeView),
        schema::WriteProblems
    ))]
async fn decline(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<AgreementId>,
    Json(request): Json<DeclineRequest>,
) -> Result<Json<TradeView>, ApiError> {
    caller.require(Permission::Trade)?;
    record(id);
    Ok(Json(view(api.escrow.decline(id, request.reason).await?)))
}

/// The buyer has the goods, and pays: the secret is revealed as soon as the seller is bound. Or the seller says that it
/// delivered. The first time counts.
#[utoipa::path(post, path = "/v1/escrow/trades/{trade}/confirm", tag = "escrow", security(("bearer" = [])),
    params(
        ("trade" = schema::Bytes32, Path, description = "The trade's id"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions"),
    ),
    request_body = ConfirmRequest,
    responses(
        (status = 200, description = "Noted", body = TradeView),
        schema::WriteProblems
    ))]
async fn confirm(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<AgreementId>,
    Json(request): Json<ConfirmRequest>,
) -> Result<Json<TradeView>, ApiError> {
    caller.require(Permission::Trade)?;
    record(id);
    Ok(Json(view(api.escrow.confirm(id, request.evidence).await?)))
}

/// Signs that this party would call the deal off. Once the other one did too, each gets back what it paid in.
#[utoipa::path(post, path = "/v1/escrow/trades/{trade}/cancel", tag = "escrow", security(("bearer" = [])),
    params(
        ("trade" = schema::Bytes32, Path, description = "The trade's id"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions"),
    ),
    responses(
        (status = 200, description = "Signed, and on its way to the other party", body = TradeView),
        schema::WriteProblems
    ))]
async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<AgreementId>,
) -> Result<Json<TradeView>, ApiError> {
    caller.require(Permission::Trade)?;
    record(id);
    Ok(Json(view(api.escrow.cancel(id).await?)))
}

/// Has the arbiter called as soon as the buyer's time to reveal is over; or answers the other party's evidence.
#[utoipa::path(post, path = "/v1/escrow/trades/{trade}/dispute", tag = "escrow", security(("bearer" = [])),
    params(
        ("trade" = schema::Bytes32, Path, description = "The trade's id"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions"),
    ),
    request_body = DisputeRequest,
    responses(
        (status = 200, description = "Noted", body = TradeView),
        schema::WriteProblems
    ))]
async fn dispute(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<AgreementId>,
    Json(request): Json<DisputeRequest>,
) -> Result<Json<TradeView>, ApiError> {
    caller.require(Permission::Trade)?;
    record(id);
    Ok(Json(view(api.escrow.dispute(id, request.evidence).await?)))
}

/// The arbiter decides. The first decision counts.
#[utoipa::path(post, path = "/v1/escrow/trades/{trade}/rule", tag = "escrow", security(("bearer" = [])),
    params(
        ("trade" = schema::Bytes32, Path, description = "The trade's id"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions"),
    ),
    request_body = RuleRequest,
    responses(
        (status = 200, description = "Noted", body = TradeView),
        schema::WriteProblems
    ))]
async fn rule(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<AgreementId>,
    Json(request): Json<RuleRequest>,
) -> Result<Json<TradeView>, ApiError> {
    caller.require(Permission::Trade)?;
    record(id);
    Ok(Json(view(api.escrow.rule(id, request.to_seller).await?)))
}
