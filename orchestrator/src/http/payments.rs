//! Users' payment requests, and what became of them.
use std::time::{Duration, Instant};

use axum::{
    extract::State,
    http::{header, StatusCode},
    response::{IntoResponse, Response},
};
use protocol::{settlement::Voucher, Timestamp, VoucherId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, Path, Query},
    schema, Api,
};
use crate::settlement::{
    messages::{Refusal, SignedPaymentRequest},
    Page, Payment, SettlementError,
};

/// The longest that a reader may wait for a change; shorter than [`super::TIMEOUT`].
const MAX_WAIT_SECONDS: u64 = 60;
/// How often a waiting reader looks into the database: a look costs microseconds.
const LOOK: Duration = Duration::from_millis(50);
/// The most payments in one page.
const MAX_PAGE: u16 = 200;

/// The payments resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(request))
        .routes(routes!(read))
        .routes(routes!(list))
}

/// A payment as this institution knows it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PaymentView {
    /// The voucher's id: the payment's name everywhere.
    #[schema(value_type = schema::Bytes32)]
    pub id: VoucherId,
    /// What this institution is in it: `originator`, `home`, `notary`.
    pub role: String,
    /// How far it is, by this institution's role.
    pub state: String,
    /// Whether the state is the last one.
    pub is_final: bool,
    /// What is to be paid.
    #[schema(value_type = schema::Voucher)]
    pub voucher: Voucher,
    /// Who refused it, and why.
    #[schema(value_type = Option<schema::Refusal>)]
    pub refusal: Option<Refusal>,
    /// What was signed on the way, in order.
    pub documents: Vec<DocumentView>,
    /// Every state so far.
    pub history: Vec<HistoryView>,
    /// The finalized block that retained it.
    pub retained_in: Option<u32>,
    /// The finalized block that cleared it.
    pub cleared_in: Option<u32>,
}

/// A signed document, or the absence of one more.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// `request`, `confirmation`, `attestation`, `relation`, `retention-voucher`, `clearing-voucher`…
    pub kind: String,
    /// Word for word as it was exchanged.
    #[schema(value_type = Object)]
    pub content: serde_json::Value,
}

/// A step.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HistoryView {
    /// The state entered.
    pub state: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// What happened.
    pub detail: String,
}

/// A page of payments.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PaymentPage {
    /// The newest first.
    pub payments: Vec<PaymentView>,
    /// Send this as `before` for the next page; absent on the last one.
    pub next: Option<u64>,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Where the page before this one said it ends.
    before: Option<u64>,
    /// 1 to 200; 50 if it isn't said.
    limit: Option<u16>,
}

/// Whether to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadQuery {
    /// Wait this long for the payment to become final, 0 to 60; the answer says how far it is either way.
    #[serde(default)]
    wait_seconds: u64,
    /// Answer as soon as the state isn't this one any more, too.
    unless_state: Option<String>,
}

impl From<SettlementError> for ApiError {
    fn from(error: SettlementError) -> Self {
        match error {
            SettlementError::Store(error) => error.into(),
            SettlementError::Ledger(error) => error.into(),
            refused => ApiError::Refused {
                code: refused.code().into(),
                detail: refused.to_string(),
            },
        }
    }
}

/// Takes a user's signed request. The payment then goes on by itself; a request that is refused at once is a record
/// like any other, in state `refused`.
#[utoipa::path(post, path = "/v1/payments", tag = "payments", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names the request: the same for repetitions")),
    request_body = schema::SignedPaymentRequest,
    responses(
        (status = 202, description = "Recorded", body = PaymentView,
            headers(("Location" = String, description = "Where the payment is read"))),
        schema::WriteProblems
    ))]
async fn request(
    State(api): State<Api>,
    caller: Caller,
    Json(request): Json<SignedPaymentRequest>,
) -> Result<Response, ApiError> {
    caller.require(Permission::RequestPayments)?;
    let payment = view(api.settlement.request_payment(request).await?)?;
    tracing::Span::current().record("voucher", tracing::field::display(payment.id));
    let location = [(header::LOCATION, format!("/v1/payments/{}", payment.id))];
    Ok((StatusCode::ACCEPTED, location, Json(payment)).into_response())
}

/// One payment with its documents and history.
#[utoipa::path(get, path = "/v1/payments/{voucher}", tag = "payments", security(("bearer" = [])),
    params(("voucher" = schema::Bytes32, Path, description = "The voucher's id"), ReadQuery),
    responses(
        (status = 200, description = "How far it is", body = PaymentView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path(voucher): Path<VoucherId>,
    Query(query): Query<ReadQuery>,
) -> Result<Json<PaymentView>, ApiError> {
    tracing::Span::current().record("voucher", tracing::field::display(voucher));
    let wait = Duration::from_secs(query.wait_seconds.min(MAX_WAIT_SECONDS));
    let start = Instant::now();
    loop {
        let payment = api
            .settlement
            .payment(voucher)
            .await?
            .ok_or_else(|| ApiError::NotFound {
                what: "payment",
                id: voucher.to_string(),
            })?;
        let payment = view(payment)?;
        let changed = query.unless_state.as_ref().is_some_and(|state| *state != payment.state);
        if payment.is_final || changed || start.elapsed() >= wait {
            return Ok(Json(payment));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// All payments of this institution, the newest first.
#[utoipa::path(get, path = "/v1/payments", tag = "payments", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = PaymentPage),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, Query(query): Query<PageQuery>) -> Result<Json<PaymentPage>, ApiError> {
    let page = Page {
        before: query.before,
        limit: query.limit.unwrap_or(50).clamp(1, MAX_PAGE),
    };
    let found = api.settlement.payments(page).await?;
    Ok(Json(PaymentPage {
        payments: found.payments.into_iter().map(view).collect::<Result<_, _>>()?,
        next: found.next,
    }))
}

/// A payment for clients.
fn view(payment: Payment) -> Result<PaymentView, ApiError> {
    Ok(PaymentView {
        id: payment.voucher.id(),
        role: payment.role.to_string(),
        state: payment.state.to_string(),
        is_final: payment.is_final,
        voucher: payment.voucher,
        refusal: payment.refusal,
        documents: payment
            .documents
            .into_iter()
            .map(|(kind, content)| DocumentView { kind, content })
            .collect(),
        history: payment
            .history
            .into_iter()
            .map(|step| HistoryView {
                state: step.state.to_string(),
                at: step.at,
                detail: step.detail,
            })
            .collect(),
        retained_in: payment.retained_in,
        cleared_in: payment.cleared_in,
    })
}
