//! The institution's own money in the clearing contract: what it has prefunded.
use axum::extract::State;
use protocol::{clearing::Balance, settlement::Asset, Amount};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, OperationKey, Query},
    ports::BlockInfo,
    schema, Api,
};
use crate::assets::AssetName;

/// The settlement account resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(balance))
        .routes(routes!(deposit))
        .routes(routes!(withdraw))
}

/// Which balance.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BalanceQuery {
    /// Of which asset: `native`, or the contract's account of a PSP22 token; `native` if it isn't said.
    #[param(value_type = Option<String>)]
    asset: Option<AssetName>,
}

/// How much to pay in or out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// What.
    #[schema(value_type = schema::Asset)]
    asset: Asset,
    /// How much, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    amount: Amount,
}

/// Where it happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct Transferred {
    /// The finalized block.
    block: BlockInfo,
}

/// What the institution holds in the clearing contract, at the latest finalized block.
#[utoipa::path(get, path = "/v1/settlement-balance", tag = "settlement account", security(("bearer" = [])),
    params(BalanceQuery),
    responses(
        (status = 200, description = "Available and reserved", body = schema::SettlementBalance),
        schema::ReadProblems
    ))]
async fn balance(State(api): State<Api>, Query(query): Query<BalanceQuery>) -> Result<Json<Balance>, ApiError> {
    let asset = query.asset.map_or(Asset::Native, |asset| asset.0);
    Ok(Json(api.chain.balance(asset).await?))
}

/// Pays from the institution's account into its settlement balance, and waits for finality.
#[utoipa::path(post, path = "/v1/deposits", tag = "settlement account", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names the deposit: the same for repetitions")),
    request_body = Transfer,
    responses(
        (status = 200, description = "Finalized", body = Transferred),
        schema::WriteProblems
    ))]
async fn deposit(
    State(api): State<Api>,
    caller: Caller,
    OperationKey(key): OperationKey,
    Json(transfer): Json<Transfer>,
) -> Result<Json<Transferred>, ApiError> {
    caller.require(Permission::MoveFunds)?;
    let block = api.chain.deposit(&key, transfer.asset, transfer.amount).await?;
    Ok(Json(Transferred { block: block.into() }))
}

/// Pays from the settlement balance to the institution's account, and waits for finality.
#[utoipa::path(post, path = "/v1/withdrawals", tag = "settlement account", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names the withdrawal: the same for repetitions")),
    request_body = Transfer,
    responses(
        (status = 200, description = "Finalized", body = Transferred),
        schema::WriteProblems
    ))]
async fn withdraw(
    State(api): State<Api>,
    caller: Caller,
    OperationKey(key): OperationKey,
    Json(transfer): Json<Transfer>,
) -> Result<Json<Transferred>, ApiError> {
    caller.require(Permission::MoveFunds)?;
    let block = api.chain.withdraw(&key, transfer.asset, transfer.amount).await?;
    Ok(Json(Transferred { block: block.into() }))
}
