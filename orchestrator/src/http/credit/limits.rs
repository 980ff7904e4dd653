//! How much a payer may owe: to one payee, and to the credit node (S1.7, S1.8).
use axum::extract::State;
use protocol::{
    credit::{LimitOrder, Limits},
    settlement::Asset,
    AccountId, Amount, Signature,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        error::ApiError,
        extractor::{Json, OperationKey, Path, Query},
        schema, Api,
    },
    Acted, ChainId,
};
use crate::{assets::AssetName, credit::ports::Act};

/// The limits resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(set_node_limit))
        .routes(routes!(set_payee_limit))
        .routes(routes!(freeze))
        .routes(routes!(unfreeze))
}

/// Whose limits.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LimitsQuery {
    /// Who would owe: its account, `0x…`.
    #[serde(with = "protocol::text::account")]
    #[param(value_type = String)]
    payer: AccountId,
    /// Who would be paid: its account, `0x…`.
    #[serde(with = "protocol::text::account")]
    #[param(value_type = String)]
    payee: AccountId,
    /// In which asset: `native`, or the contract's account of a PSP22 token; `native` if it isn't said.
    #[param(value_type = Option<String>)]
    asset: Option<AssetName>,
}

/// How much a payer may owe to this institution, over all payees.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeLimitRequest {
    /// Who may owe.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub payer: AccountId,
    /// In what.
    #[schema(value_type = schema::Asset)]
    pub asset: Asset,
    /// In its smallest unit. Below what is owed already, nothing new fits.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub limit: Amount,
    /// Digest of what that was computed from. It stands on the chain.
    #[serde(with = "protocol::text::bytes")]
    #[schema(value_type = schema::Bytes32)]
    pub evidence: [u8; 32],
}

/// A payee's word on how much a payer may owe on payments to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayeeLimitRequest {
    /// What the payee says.
    #[schema(value_type = schema::credit::LimitOrder)]
    pub order: LimitOrder,
    /// The payee's, as `quittance credit order` makes it.
    #[schema(value_type = schema::Signature)]
    pub signature: Signature,
}

/// A payer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayerRequest {
    /// Its account.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub payer: AccountId,
}

/// The payee's and this institution's limit for a payer, and how much of each is taken, at the latest finalized block.
#[utoipa::path(get, path = "/v1/credit/chains/{chain}/limits", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), LimitsQuery),
    responses(
        (status = 200, description = "Limits of 0 where none was set", body = schema::credit::CreditLimits),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path(chain): Path<ChainId>,
    Query(query): Query<LimitsQuery>,
) -> Result<Json<Limits>, ApiError> {
    let asset = query.asset.map_or(Asset::Native, |asset| asset.0);
    Ok(Json(api.credit.limits(chain.0, query.payer, query.payee, asset).await?))
}

/// Says how much a payer may owe to this institution, over all payees, and waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/node-limits", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = NodeLimitRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn set_node_limit(
    api: State<Api>,
    caller: Caller,
    Path(chain): Path<ChainId>,
    key: OperationKey,
    Json(request): Json<NodeLimitRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::SetNodeLimit {
        payer: request.payer,
        asset: request.asset,
        limit: request.limit,
        evidence: request.evidence,
    };
    super::act(api, &caller, Permission::GiveCredit, chain, key, act).await
}

/// Hands in what a payee signed: how much a payer may owe on payments to it. Waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/payee-limits", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = PayeeLimitRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn set_payee_limit(
    api: State<Api>,
    caller: Caller,
    Path(chain): Path<ChainId>,
    key: OperationKey,
    Json(PayeeLimitRequest { order, signature }): Json<PayeeLimitRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::SetLimit { order, signature };
    super::act(api, &caller, Permission::HandInCreditPapers, chain, key, act).await
}

/// Takes nothing new of a payer on a chain, in any asset; what is owed can be repaid. Waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/freeze", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = PayerRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn freeze(
    api: State<Api>,
    caller: Caller,
    Path(chain): Path<ChainId>,
    key: OperationKey,
    Json(request): Json<PayerRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::Freeze(request.payer);
    super::act(api, &caller, Permission::GiveCredit, chain, key, act).await
}

/// Takes requests of a payer again, and waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/unfreeze", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = PayerRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn unfreeze(
    api: State<Api>,
    caller: Caller,
    Path(chain): Path<ChainId>,
    key: OperationKey,
    Json(request): Json<PayerRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::Unfreeze(request.payer);
    super::act(api, &caller, Permission::GiveCredit, chain, key, act).await
}
