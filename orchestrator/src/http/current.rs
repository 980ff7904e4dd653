//! What counts up in the clearing contract.
use axum::extract::State;
use protocol::clearing::Current;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{error::ApiError, extractor::Json, schema, Api};

/// The resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

/// The open window, the latest fee schedule and the number of decisions, at the latest finalized block.
#[utoipa::path(get, path = "/v1/current", tag = "windows", security(("bearer" = [])),
    responses(
        (status = 200, description = "Their numbers", body = schema::decisions::Current),
        schema::ReadProblems
    ))]
async fn read(State(api): State<Api>) -> Result<Json<Current>, ApiError> {
    Ok(Json(api.decisions.ledger().current().await?))
}
