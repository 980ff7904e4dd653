//! The registry's institutions, and which chain and contracts this institution works on.
use axum::extract::State;
use protocol::{registry::Institution, AccountId, Member};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{error::ApiError, extractor::Json, schema, Api};

/// What a user's request is signed for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Deployment {
    /// This institution's index in the registry.
    #[schema(value_type = schema::Member)]
    pub member: Member,
    /// Hash of the chain's genesis block.
    #[serde(with = "protocol::text::bytes")]
    #[schema(value_type = schema::Bytes32)]
    pub genesis: [u8; 32],
    /// The clearing contract's account.
    #[serde(with = "protocol::text::account")]
    #[schema(value_type = schema::Bytes32)]
    pub clearing: AccountId,
}

/// The institutions resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(deployment))
}

/// All institutions, as the registry has them at the latest finalized block.
#[utoipa::path(get, path = "/v1/institutions", tag = "institutions", security(("bearer" = [])), responses(
    (status = 200, description = "In the order of registration", body = [schema::Institution]),
    schema::ReadProblems
))]
async fn list(State(api): State<Api>) -> Result<Json<Vec<Institution>>, ApiError> {
    Ok(Json(api.chain.institutions().await?))
}

/// Who this institution is and what its users sign for: every signature binds the chain and the clearing contract.
#[utoipa::path(get, path = "/v1/deployment", tag = "institutions", security(("bearer" = [])), responses(
    (status = 200, description = "Member, chain and contract", body = Deployment),
    schema::ReadProblems
))]
async fn deployment(State(api): State<Api>) -> Json<Deployment> {
    Json(Deployment {
        member: api.chain.member(),
        genesis: api.chain.genesis(),
        clearing: api.chain.clearing(),
    })
}
