//! How much a payer may owe to this institution by its record on the chain, with the evidence (S1.8).
use axum::extract::State;
use protocol::{settlement::Asset, AccountId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        error::ApiError,
        extractor::{Json, OperationKey, Path, Query},
        ports::BlockInfo,
        schema, Api,
    },
    ChainId,
};
use crate::{
    assets::AssetName,
    credit::{score::Evidence, scores::ScoreError},
};

/// The scores resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(compute))
        .routes(routes!(set))
        .routes(routes!(read))
}

/// Whose limit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ScoreQuery {
    /// The payer's account, `0x…`.
    #[serde(with = "protocol::text::account")]
    #[param(value_type = String)]
    payer: AccountId,
    /// In which asset: `native`, or the contract's account of a PSP22 token; `native` if it isn't said.
    #[param(value_type = Option<String>)]
    asset: Option<AssetName>,
}

/// Whose limit to set.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreRequest {
    /// Who may owe.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub payer: AccountId,
    /// In what.
    #[schema(value_type = schema::Asset)]
    pub asset: Asset,
}

/// A limit with its evidence: what an auditor takes to recompute it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ScoreView {
    /// All that the limit was computed from, and the limit.
    #[schema(value_type = schema::credit::CreditEvidence)]
    pub evidence: Evidence,
    /// sha256 of a domain tag and the evidence's SCALE encoding: what stands on the chain beside a limit that is set.
    #[serde(with = "protocol::text::bytes")]
    #[schema(value_type = schema::Bytes32)]
    pub digest: [u8; 32],
}

/// A limit that was set.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ScoreSet {
    /// The limit with its evidence.
    #[serde(flatten)]
    pub score: ScoreView,
    /// The finalized block that set it; absent where the chain showed it before.
    pub block: Option<BlockInfo>,
}

/// A digest in a path.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
struct Digest(#[serde(with = "protocol::text::bytes")] [u8; 32]);

impl From<Evidence> for ScoreView {
    fn from(evidence: Evidence) -> Self {
        Self {
            digest: evidence.digest(),
            evidence,
        }
    }
}

/// How much a payer may owe by its record on a chain up to the latest finalized block. Nothing is changed. A chain that
/// was never read is read from the contract's first block on: that may take more than one request.
#[utoipa::path(get, path = "/v1/credit/chains/{chain}/score", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ScoreQuery),
    responses(
        (status = 200, description = "The limit, and each term that leads to it", body = ScoreView),
        schema::ReadProblems
    ))]
async fn compute(
    State(api): State<Api>,
    Path(chain): Path<ChainId>,
    Query(query): Query<ScoreQuery>,
) -> Result<Json<ScoreView>, ApiError> {
    let asset = query.asset.map_or(Asset::Native, |asset| asset.0);
    Ok(Json(api.scores.compute(chain.0, query.payer, asset).await?.into()))
}

/// Computes how much a payer may owe and sets it as this institution's limit, with the evidence's digest beside it. Waits for
/// finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/scores", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = ScoreRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = ScoreSet),
        schema::WriteProblems
    ))]
async fn set(
    State(api): State<Api>,
    caller: Caller,
    Path(chain): Path<ChainId>,
    OperationKey(key): OperationKey,
    Json(ScoreRequest { payer, asset }): Json<ScoreRequest>,
) -> Result<Json<ScoreSet>, ApiError> {
    caller.require(Permission::GiveCredit)?;
    let (evidence, block) = api.scores.set(chain.0, &key, payer, asset).await?;
    Ok(Json(ScoreSet {
        score: evidence.into(),
        block: block.map(BlockInfo::from),
    }))
}

/// The evidence of a limit that this institution set, by the digest that stands on the chain.
#[utoipa::path(get, path = "/v1/credit/scores/{digest}", tag = "credit", security(("bearer" = [])),
    params(("digest" = schema::Bytes32, Path, description = "The evidence's digest")),
    responses(
        (status = 200, description = "What the limit was computed from", body = ScoreView),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>, Path(Digest(digest)): Path<Digest>) -> Result<Json<ScoreView>, ApiError> {
    Ok(Json(api.scores.kept(digest).await?.into()))
}

impl From<ScoreError> for ApiError {
    fn from(error: ScoreError) -> Self {
        match error {
            ScoreError::UnknownScore(digest) => ApiError::NotFound {
                what: "evidence",
                id: protocol::text::to_hex(&digest),
            },
            ScoreError::Credit(error) => error.into(),
            ScoreError::Store(error) => error.into(),
        }
    }
}
