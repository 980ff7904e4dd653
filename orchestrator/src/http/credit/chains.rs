//! The chains of a credit node, and its money there.
use axum::extract::State;
use protocol::{settlement::Asset, text::to_hex, Amount, Member, Timestamp};
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
use crate::{
    assets::AssetName,
    chain::deployment::to_ss58,
    credit::{ports::Act, Site},
};

/// The chains resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(pool))
        .routes(routes!(fund))
        .routes(routes!(withdraw))
}

/// A chain that this institution gives credit on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreditChainView {
    /// Its genesis hash: the chain's name here.
    #[schema(value_type = schema::Bytes32)]
    pub chain: String,
    /// The account of this institution's credit contract there: part of what payers and payees sign.
    #[schema(value_type = schema::Bytes32)]
    pub contract: String,
    /// The same in SS58.
    pub address: String,
    /// This institution's index in the registry there.
    #[schema(value_type = schema::Member)]
    pub member: Member,
    /// The least time from the end of paying out to the end of a reservation, in milliseconds; absent while the chain can't
    /// be read.
    pub grace: Option<Timestamp>,
    /// What payees can be paid from, in native tokens; absent while the chain can't be read.
    #[serde(with = "protocol::text::optional_amount")]
    #[schema(value_type = Option<schema::Amount>)]
    pub pool: Option<Amount>,
    /// Why the chain can't be read.
    pub problem: Option<String>,
}

/// Which pool.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PoolQuery {
    /// Of which asset: `native`, or the contract's account of a PSP22 token; `native` if it isn't said.
    #[param(value_type = Option<String>)]
    asset: Option<AssetName>,
}

/// What payees can be paid from, and how much of it to put in or take out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolAmount {
    /// In what.
    #[schema(value_type = schema::Asset)]
    pub asset: Asset,
    /// In its smallest unit.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub amount: Amount,
}

/// The chains that this institution gives credit on, each with its contract and its pool of native tokens. None, if it is
/// no credit node.
#[utoipa::path(get, path = "/v1/credit/chains", tag = "credit", security(("bearer" = [])),
    responses(
        (status = 200, description = "In the order of the configuration", body = Vec<CreditChainView>),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>) -> Json<Vec<CreditChainView>> {
    Json(api.credit.sites().await.into_iter().map(view).collect())
}

/// What payees can be paid from on a chain, at the latest finalized block.
#[utoipa::path(get, path = "/v1/credit/chains/{chain}/pool", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), PoolQuery),
    responses(
        (status = 200, description = "What is in it", body = PoolAmount),
        schema::ReadProblems
    ))]
async fn pool(
    State(api): State<Api>,
    Path(chain): Path<ChainId>,
    Query(query): Query<PoolQuery>,
) -> Result<Json<PoolAmount>, ApiError> {
    let asset = query.asset.map_or(Asset::Native, |asset| asset.0);
    let amount = api.credit.pool(chain.0, asset).await?;
    Ok(Json(PoolAmount { asset, amount }))
}

/// Pays from the institution's account into its pool on a chain, and waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/pool/fund", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = PoolAmount,
    responses(
        (status = 200, description = "Finalized", body = Acted),
        schema::WriteProblems
    ))]
async fn fund(
    api: State<Api>,
    caller: Caller,
    Path(chain): Path<ChainId>,
    key: OperationKey,
    Json(PoolAmount { asset, amount }): Json<PoolAmount>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::Fund { asset, amount };
    super::act(api, &caller, Permission::MoveFunds, chain, key, act).await
}

/// Pays from the pool on a chain to the institution's account, and waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/pool/withdraw", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = PoolAmount,
    responses(
        (status = 200, description = "Finalized", body = Acted),
        schema::WriteProblems
    ))]
async fn withdraw(
    api: State<Api>,
    caller: Caller,
    Path(chain): Path<ChainId>,
    key: OperationKey,
    Json(PoolAmount { asset, amount }): Json<PoolAmount>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::Withdraw { asset, amount };
    super::act(api, &caller, Permission::MoveFunds, chain, key, act).await
}

fn view(site: Site) -> CreditChainView {
    let (standing, problem) = match site.standing {
        Ok(standing) => (Some(standing), None),
        Err(error) => (None, Some(error.to_string())),
    };
    CreditChainView {
        chain: to_hex(&site.genesis),
        contract: to_hex(&site.contract.0),
        address: to_ss58(&site.contract),
        member: site.node,
        grace: standing.map(|standing| standing.grace),
        pool: standing.map(|standing| standing.pool),
        problem,
    }
}
