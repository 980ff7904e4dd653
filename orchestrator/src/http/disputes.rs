//! Disputes over this institution's payments: opening, answering, how far each is. The letters with documents are here too.
use std::time::{Duration, Instant};

use axum::{
    extract::State,
    http::{header, StatusCode},
    response::{IntoResponse, Response},
    Extension,
};
use protocol::{disputes::Dispute, Amount, Member, Timestamp, VoucherId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, OperationKey, Path, Query},
    paging::{self, cell, Line, Shown},
    schema, Api,
};
use crate::{
    assets::AssetName,
    disputes::{
        messages::{Document, EvidenceLetter},
        state::ruling_name,
        Details, DisputeError, NewClaim, Over, State as DisputeState,
    },
    peers::Peer,
    store::{
        disputes::{DisputeFilter, DisputeRow},
        Page, Place,
    },
};

/// The longest that a reader may wait for a change; shorter than [`super::TIMEOUT`].
const MAX_WAIT_SECONDS: u64 = 60;
/// How often a waiting reader looks into the database: a look costs microseconds.
const LOOK: Duration = Duration::from_millis(50);

/// The disputes resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(open, list))
        .routes(routes!(read))
        .routes(routes!(answer))
}

/// What other institutions send.
pub fn peer_router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(receive))
}

/// What is contested, and why.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The payment's voucher.
    #[schema(value_type = schema::Bytes32)]
    pub voucher: VoucherId,
    /// The place of the contested obligation in its relation: 0 is the principal, then the fees.
    #[serde(default)]
    pub obligation: u8,
    /// How much should go back to the obligation's debtor. Left out, it is all that can; who isn't the debtor leaves it
    /// out.
    #[serde(
        default,
        with = "protocol::text::optional_amount",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<schema::Amount>)]
    pub amount: Option<Amount>,
    /// What shows why. Its sha256 goes on chain, itself to the payment's other institutions and to the notaries.
    #[schema(value_type = schema::disputes::Document)]
    pub evidence: Document,
}

/// What a dispute is answered with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// Its sha256 goes on chain, itself to the payment's other institutions and to the notaries.
    #[schema(value_type = schema::disputes::Document)]
    pub evidence: Document,
}

/// How far a dispute is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DisputeSummary {
    /// The voucher.
    #[schema(value_type = schema::Bytes32)]
    pub voucher: VoucherId,
    /// The place of the contested obligation in its relation.
    pub obligation: u8,
    /// `wanted` here, `refused` by the contract, `opened`, `answered`, `upheld`, `awarded`, `paid`.
    pub state: String,
    /// Whether the state is the last one.
    pub is_final: bool,
    /// How much somebody here wants back.
    #[serde(with = "protocol::text::optional_amount")]
    #[schema(value_type = Option<schema::Amount>)]
    pub wanted: Option<Amount>,
    /// As the finalized chain showed it last; absent as long as it shows none.
    #[schema(value_type = Option<schema::disputes::Dispute>)]
    pub dispute: Option<Dispute>,
    /// When it became known here.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
}

/// A dispute with its documents and its history.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DisputeView {
    /// How far it is.
    #[serde(flatten)]
    pub summary: DisputeSummary,
    /// What shows why something should go back, once it is here.
    #[schema(value_type = Option<schema::disputes::Document>)]
    pub claim_evidence: Option<Document>,
    /// What the other side answered with, once it is here.
    #[schema(value_type = Option<schema::disputes::Document>)]
    pub answer_evidence: Option<Document>,
    /// Every state so far.
    pub history: Vec<DisputeStep>,
}

/// A step.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DisputeStep {
    /// The state entered.
    pub state: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// What happened.
    pub detail: String,
}

/// A page of disputes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DisputePage {
    /// The newest first.
    pub disputes: Vec<DisputeSummary>,
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

/// Which disputes: those for which all of it holds that is said.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DisputesQuery {
    /// How far it is, such as `opened`, `answered`, `awarded`.
    state: Option<String>,
    /// Who claims, owes or is owed.
    #[param(value_type = Option<schema::Member>, inline)]
    member: Option<Member>,
    /// Over obligations of this voucher.
    #[param(value_type = Option<schema::Bytes32>, inline)]
    voucher: Option<VoucherId>,
    /// First seen here at or after this time, in milliseconds since 1970.
    #[param(value_type = Option<u64>)]
    from: Option<Timestamp>,
    /// First seen here before this time, in milliseconds since 1970.
    #[param(value_type = Option<u64>)]
    to: Option<Timestamp>,
    /// At most how many, 1 to 100; 50 if it isn't said.
    limit: Option<u32>,
    /// Where the page before said that this one begins; the start of the list if it isn't said.
    cursor: Option<String>,
}

/// Whether to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DisputeQuery {
    /// Wait this long for the dispute to end, 0 to 60; the answer says how far it is either way.
    #[serde(default)]
    wait_seconds: u64,
    /// Answer as soon as the state isn't this one any more, too.
    unless_state: Option<String>,
}

impl DisputesQuery {
    fn read(self) -> Result<(DisputeFilter, Page), ApiError> {
        let page = paging::page(self.limit, self.cursor.as_deref())?;
        let state = self.state.map(|name| name.parse::<DisputeState>());
        let filter = DisputeFilter {
            state: state.transpose().map_err(|_| {
                ApiError::Malformed("no dispute is ever in this state: see /docs for the states".to_owned())
            })?,
            member: self.member,
            voucher: self.voucher,
            from: self.from,
            to: self.to,
        };
        Ok((filter, page))
    }
}

impl Line for DisputeSummary {
    const COLUMNS: &'static [&'static str] = &[
        "voucher",
        "obligation",
        "state",
        "claimant",
        "debtor",
        "creditor",
        "asset",
        "amount",
        "claimed",
        "opened_at",
        "rule_by",
        "answered_by",
        "ruling",
        "awarded",
        "is_due",
        "paid",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        let shown = self.dispute.as_ref();
        vec![
            self.voucher.to_string(),
            self.obligation.to_string(),
            self.state.clone(),
            cell(shown.map(|dispute| dispute.claimant)),
            cell(shown.map(|dispute| dispute.contested.debtor)),
            cell(shown.map(|dispute| dispute.contested.creditor)),
            cell(shown.map(|dispute| AssetName(dispute.contested.asset))),
            cell(shown.map(|dispute| dispute.contested.amount)),
            cell(shown.map(|dispute| dispute.claim.amount).or(self.wanted)),
            cell(shown.map(|dispute| dispute.opened_at)),
            cell(shown.map(|dispute| dispute.rule_by)),
            cell(
                shown
                    .and_then(|dispute| dispute.response)
                    .map(|response| response.member),
            ),
            cell(shown.and_then(|dispute| dispute.ruling).map(ruling_name)),
            cell(shown.map(|dispute| dispute.awarded)),
            cell(shown.map(|dispute| dispute.is_due)),
            cell(shown.map(|dispute| dispute.paid)),
            self.created_at.to_string(),
        ]
    }
}

impl From<DisputeError> for ApiError {
    fn from(error: DisputeError) -> Self {
        let code = error.code();
        match error {
            DisputeError::Ledger(error) => error.into(),
            DisputeError::Store(error) => error.into(),
            // No request waits for another institution.
            DisputeError::Peer(_) => ApiError::Internal(error.to_string()),
            wrong => ApiError::Refused {
                code: code.into(),
                detail: wrong.to_string(),
            },
        }
    }
}

/// Contests an obligation of a retained payment of this institution's. The document is stored; that it goes on chain, and to
/// everybody concerned, goes on by itself.
#[utoipa::path(post, path = "/v1/disputes", tag = "disputes", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = ClaimRequest,
    responses(
        (status = 202, description = "Stored, and on its way to the chain", body = DisputeView,
            headers(("Location" = String, description = "Where the dispute is read"))),
        schema::WriteProblems
    ))]
async fn open(
    State(api): State<Api>,
    caller: Caller,
    OperationKey(key): OperationKey,
    Json(request): Json<ClaimRequest>,
) -> Result<Response, ApiError> {
    caller.require(Permission::Contest)?;
    tracing::Span::current().record("voucher", tracing::field::display(request.voucher));
    let claim = NewClaim {
        voucher: request.voucher,
        obligation: request.obligation,
        amount: request.amount,
        evidence: request.evidence,
    };
    let row = api.disputes.open(claim, &key, caller.name()).await?;
    accepted(&api, row).await
}

/// Answers a dispute, as who owes or is owed what is contested. The first answer counts.
#[utoipa::path(post, path = "/v1/disputes/{voucher}/{obligation}/answer", tag = "disputes", security(("bearer" = [])),
    params(
        ("voucher" = schema::Bytes32, Path, description = "The voucher's id"),
        ("obligation" = u8, Path, description = "The place of the contested obligation in its relation"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions"),
    ),
    request_body = AnswerRequest,
    responses(
        (status = 202, description = "Stored, and on its way to the chain", body = DisputeView,
            headers(("Location" = String, description = "Where the dispute is read"))),
        schema::WriteProblems
    ))]
async fn answer(
    State(api): State<Api>,
    caller: Caller,
    OperationKey(key): OperationKey,
    Path((voucher, obligation)): Path<(VoucherId, u8)>,
    Json(request): Json<AnswerRequest>,
) -> Result<Response, ApiError> {
    caller.require(Permission::Contest)?;
    tracing::Span::current().record("voucher", tracing::field::display(voucher));
    let over = Over { voucher, obligation };
    let answered = api.disputes.answer(over, &request.evidence, &key, caller.name()).await;
    accepted(&api, answered?).await
}

/// One dispute with its documents and its history.
#[utoipa::path(get, path = "/v1/disputes/{voucher}/{obligation}", tag = "disputes", security(("bearer" = [])),
    params(
        ("voucher" = schema::Bytes32, Path, description = "The voucher's id"),
        ("obligation" = u8, Path, description = "The place of the contested obligation in its relation"),
        DisputeQuery,
    ),
    responses(
        (status = 200, description = "How far it is", body = DisputeView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path((voucher, obligation)): Path<(VoucherId, u8)>,
    Query(query): Query<DisputeQuery>,
) -> Result<Json<DisputeView>, ApiError> {
    tracing::Span::current().record("voucher", tracing::field::display(voucher));
    let over = Over { voucher, obligation };
    let wait = Duration::from_secs(query.wait_seconds.min(MAX_WAIT_SECONDS));
    let start = Instant::now();
    loop {
        let row = api.disputes.dispute(over).await?;
        let row = row.ok_or_else(|| ApiError::NotFound {
            what: "dispute",
            id: over.to_string(),
        })?;
        let state = row.state.as_str();
        let changed = query.unless_state.as_ref().is_some_and(|unless| unless != state);
        if row.state.is_final() || changed || start.elapsed() >= wait {
            return Ok(Json(view(api.disputes.details(row).await?)));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The disputes over this institution's payments, the newest first; at a notary, all that there are.
#[utoipa::path(get, path = "/v1/disputes", tag = "disputes", security(("bearer" = [])),
    params(DisputesQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((DisputePage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, shown: Shown, Query(query): Query<DisputesQuery>) -> Result<Response, ApiError> {
    let (filter, page) = query.read()?;
    let rows = api.disputes.disputes(&filter, &page).await?;
    let next = paging::next(&page, &rows, |row| Place {
        at: row.created_at,
        id: row.over.to_string(),
    })?;
    let page = DisputePage {
        disputes: rows.into_iter().map(summary).collect(),
        next: next.clone(),
    };
    shown.answer(page, next.as_deref(), |page| page.disputes.clone())
}

/// A party hands over the document behind its claim or its answer (S0.13).
#[utoipa::path(post, path = "/peer/v1/dispute-evidence", tag = "peers", security(("signature" = [])),
    request_body = schema::disputes::EvidenceLetter,
    responses(
        (status = 200, description = "The finalized chain shows it, and it is kept: the body is `null`", body = ()),
        schema::PeerProblems
    ))]
async fn receive(
    State(api): State<Api>,
    Extension(Peer(from)): Extension<Peer>,
    Json(letter): Json<EvidenceLetter>,
) -> Result<Json<()>, ApiError> {
    tracing::Span::current().record("voucher", tracing::field::display(letter.voucher));
    api.disputes.on_evidence(from, letter).await?;
    Ok(Json(()))
}

async fn accepted(api: &Api, row: DisputeRow) -> Result<Response, ApiError> {
    let location = [(header::LOCATION, format!("/v1/disputes/{}", row.over))];
    let view = view(api.disputes.details(row).await?);
    Ok((StatusCode::ACCEPTED, location, Json(view)).into_response())
}

fn summary(row: DisputeRow) -> DisputeSummary {
    DisputeSummary {
        voucher: row.over.voucher,
        obligation: row.over.obligation,
        state: row.state.to_string(),
        is_final: row.state.is_final(),
        wanted: row.wanted,
        dispute: row.shown,
        created_at: row.created_at,
    }
}

fn view(details: Details) -> DisputeView {
    DisputeView {
        summary: summary(details.dispute),
        claim_evidence: details.claim,
        answer_evidence: details.answer,
        history: details
            .history
            .into_iter()
            .map(|line| DisputeStep {
                state: line.state.to_string(),
                at: line.at,
                detail: line.detail,
            })
            .collect(),
    }
}
