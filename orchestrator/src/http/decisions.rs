//! Decisions of the notaries: agreeing, and how far each is. What notaries ask each other is here too.
use std::time::{Duration, Instant};

use axum::{
    extract::State,
    http::{header, StatusCode},
    response::{IntoResponse, Response},
    Extension,
};
use protocol::{decisions::Decision, Member, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, OperationKey, Path, Query},
    paging::{self, PageQuery},
    schema, Api,
};
use crate::{
    decisions::{
        messages::{ApprovalAnswer, ApprovalRequest, DecisionId},
        DecisionError, Wish,
    },
    peers::Peer,
    store::{decisions::DecisionRow, Place},
};

/// The longest that a reader may wait for the end; shorter than [`super::TIMEOUT`].
const MAX_WAIT_SECONDS: u64 = 60;
/// How often a waiting reader looks into the database: a look costs microseconds.
const LOOK: Duration = Duration::from_millis(50);

/// The decisions resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(agree))
        .routes(routes!(read))
        .routes(routes!(list))
}

/// What other notaries ask.
pub fn peer_router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(approve))
}

/// What this notary agrees to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    /// What is decided.
    #[schema(value_type = schema::decisions::Decision)]
    pub decision: Decision,
    /// The number of decisions before it on chain. Left out, it is the next one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Until when the approval is good, in milliseconds since 1970. Left out, it is as another notary proposed, else an
    /// hour or two from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub expires_at: Option<Timestamp>,
}

/// A decision as this notary knows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    /// Its name: content, number and expiry are in it.
    #[schema(value_type = schema::Bytes32)]
    pub id: DecisionId,
    /// What is decided.
    #[schema(value_type = schema::decisions::Decision)]
    pub decision: Decision,
    /// The number of decisions before it on chain.
    pub number: u32,
    /// The approval is valid strictly before.
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
    /// `proposed` by another notary, `agreed` here, `carried-out`, `overtaken` by another decision of this number,
    /// `refused` by the contract, `expired`.
    pub state: String,
    /// Whether the state is the last one.
    pub is_final: bool,
    /// Who agreed here: a client's name, or `schedule`.
    pub agreed_by: Option<String>,
    /// Which other notary made it known here.
    #[schema(value_type = Option<schema::Member>)]
    pub told_by: Option<Member>,
    /// The notaries whose signatures are here.
    #[schema(value_type = Vec<schema::Member>)]
    pub signed_by: Vec<Member>,
    /// The finalized block that carried it out, where this notary submitted it.
    pub block: Option<u32>,
    /// When it became known here.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// Every state so far.
    pub history: Vec<DecisionStep>,
}

/// A step.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecisionStep {
    /// The state entered.
    pub state: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// What happened.
    pub detail: String,
}

/// A page of decisions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecisionPage {
    /// The newest first.
    pub decisions: Vec<DecisionView>,
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// Wait this long for the decision to end, 0 to 60; the answer says how far it is either way.
    #[serde(default)]
    wait_seconds: u64,
}

impl From<DecisionError> for ApiError {
    fn from(error: DecisionError) -> Self {
        let code = error.code();
        match error {
            DecisionError::Ledger(error) => error.into(),
            DecisionError::Store(error) => error.into(),
            DecisionError::Message(fault) => fault.into(),
            wrong => ApiError::Refused {
                code: code.into(),
                detail: wrong.to_string(),
            },
        }
    }
}

/// Agrees to a decision in this notary's name. It is signed, exchanged with the notaries that agree too, and carried out
/// by itself once enough did. The same decision again is the one that is under way.
#[utoipa::path(post, path = "/v1/decisions", tag = "notaries", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = DecisionRequest,
    responses(
        (status = 202, description = "Agreed and signed", body = DecisionView,
            headers(("Location" = String, description = "Where the decision is read"))),
        schema::WriteProblems
    ))]
async fn agree(
    State(api): State<Api>,
    caller: Caller,
    OperationKey(key): OperationKey,
    Json(request): Json<DecisionRequest>,
) -> Result<Response, ApiError> {
    caller.require(Permission::Decide)?;
    let wish = Wish {
        decision: request.decision,
        number: request.number,
        expires_at: request.expires_at,
    };
    let row = api.decisions.agree(wish, Some(&key), caller.name()).await?;
    let view = view(&api, row).await?;
    let location = [(header::LOCATION, format!("/v1/decisions/{}", view.id))];
    Ok((StatusCode::ACCEPTED, location, Json(view)).into_response())
}

/// One decision.
#[utoipa::path(get, path = "/v1/decisions/{decision}", tag = "notaries", security(("bearer" = [])),
    params(("decision" = schema::Bytes32, Path, description = "The decision's id"), WaitQuery),
    responses(
        (status = 200, description = "How far it is", body = DecisionView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path(id): Path<DecisionId>,
    Query(query): Query<WaitQuery>,
) -> Result<Json<DecisionView>, ApiError> {
    let wait = Duration::from_secs(query.wait_seconds.min(MAX_WAIT_SECONDS));
    let start = Instant::now();
    loop {
        let row = api.decisions.decision(id).await?;
        let row = row.ok_or_else(|| ApiError::NotFound {
            what: "decision",
            id: id.to_string(),
        })?;
        if row.state.is_final() || start.elapsed() >= wait {
            return Ok(Json(view(&api, row).await?));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The decisions that this notary agreed to or that others proposed, the newest first.
#[utoipa::path(get, path = "/v1/decisions", tag = "notaries", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = DecisionPage),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, Query(query): Query<PageQuery>) -> Result<Json<DecisionPage>, ApiError> {
    let page = query.page()?;
    let rows = api.decisions.decisions(&page).await?;
    let next = paging::next(&page, &rows, |row| Place {
        at: row.created_at,
        id: row.draft.id().to_string(),
    })?;
    let mut decisions = Vec::with_capacity(rows.len());
    for row in rows {
        decisions.push(view(&api, row).await?);
    }
    Ok(Json(DecisionPage { decisions, next }))
}

/// A notary tells that it agreed to a decision, and asks whether this one did.
#[utoipa::path(post, path = "/peer/v1/approvals", tag = "peers", security(("signature" = [])),
    request_body = schema::decisions::ApprovalRequest,
    responses(
        (status = 200, description = "This notary's signature, if its own people or its schedule agreed", body = schema::decisions::ApprovalAnswer),
        schema::PeerProblems
    ))]
async fn approve(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(request): Json<ApprovalRequest>,
) -> Result<Json<ApprovalAnswer>, ApiError> {
    Ok(Json(api.decisions.on_approval_request(from, request).await?))
}

async fn view(api: &Api, row: DecisionRow) -> Result<DecisionView, ApiError> {
    let id = row.draft.id();
    let history = api.decisions.history(id).await?;
    Ok(DecisionView {
        id,
        decision: row.draft.decision,
        number: row.draft.number,
        expires_at: row.draft.expires_at,
        state: row.state.to_string(),
        is_final: row.state.is_final(),
        agreed_by: row.agreed_by,
        told_by: row.told_by,
        signed_by: api.decisions.signers(id).await?,
        block: row.block,
        created_at: row.created_at,
        history: history
            .into_iter()
            .map(|step| DecisionStep {
                state: step.state.to_string(),
                at: step.at,
                detail: step.detail,
            })
            .collect(),
    })
}
