//! Payers' wishes for a higher limit of this institution's, with evidence, and what it decides on them (S1.12).
use axum::extract::State;
use protocol::{
    credit::{Raise, RaiseDecision, RaiseRequest},
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

/// The raises resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(read, request))
        .routes(routes!(decide))
}

/// Whose wish.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RaiseQuery {
    /// The payer's account, `0x…`.
    #[serde(with = "protocol::text::account")]
    #[param(value_type = String)]
    payer: AccountId,
    /// In which asset: `native`, or the contract's account of a PSP22 token; `native` if it isn't said.
    #[param(value_type = Option<String>)]
    asset: Option<AssetName>,
}

/// A payer's wish for a higher limit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WishRequest {
    /// What the payer wishes.
    #[schema(value_type = schema::credit::RaiseRequest)]
    pub wish: RaiseRequest,
    /// The payer's, as `quittance credit wish` makes it.
    #[schema(value_type = schema::Signature)]
    pub signature: Signature,
}

/// What this institution decides on a payer's open wish.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRequest {
    /// Whose wish.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub payer: AccountId,
    /// In what.
    #[schema(value_type = schema::Asset)]
    pub asset: Asset,
    /// The limit from now on, in the asset's smallest unit, above the present one; `null` denies the wish.
    #[serde(with = "protocol::text::optional_amount")]
    #[schema(value_type = Option<schema::Amount>)]
    pub granted: Option<Amount>,
    /// Digest of what it was decided from. It stands on the chain.
    #[serde(with = "protocol::text::bytes")]
    #[schema(value_type = schema::Bytes32)]
    pub digest: [u8; 32],
}

/// A payer's latest wish for a higher limit, and what came of it; at the latest finalized block.
#[utoipa::path(get, path = "/v1/credit/chains/{chain}/raises", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), RaiseQuery),
    responses(
        (status = 200, description = "Without a decision it is open", body = schema::credit::CreditRaise),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path(chain): Path<ChainId>,
    Query(query): Query<RaiseQuery>,
) -> Result<Json<Raise>, ApiError> {
    let asset = query.asset.map_or(Asset::Native, |asset| asset.0);
    Ok(Json(api.credit.raise(chain.0, query.payer, asset).await?))
}

/// Hands in what a payer signed: it wishes for a higher limit. Waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/raises", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = WishRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn request(
    api: State<Api>,
    caller: Caller,
    Path(chain): Path<ChainId>,
    key: OperationKey,
    Json(WishRequest { wish, signature }): Json<WishRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::RequestRaise { wish, signature };
    super::act(api, &caller, Permission::HandInCreditPapers, chain, key, act).await
}

/// Grants a payer's open wish, more or less than it asks for, or denies it. What is granted is this institution's limit from
/// then on. Waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/raises/decide", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = DecideRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn decide(
    api: State<Api>,
    caller: Caller,
    Path(chain): Path<ChainId>,
    key: OperationKey,
    Json(request): Json<DecideRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::DecideRaise {
        payer: request.payer,
        asset: request.asset,
        decision: RaiseDecision {
            granted: request.granted,
            digest: request.digest,
        },
    };
    super::act(api, &caller, Permission::GiveCredit, chain, key, act).await
}
