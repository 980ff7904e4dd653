//! Users' payment requests, and what became of them.
use std::time::{Duration, Instant};

use axum::{
    extract::State,
    http::{header, StatusCode},
    response::{IntoResponse, Response},
};
use protocol::{
    settlement::{Obligation, Voucher},
    Member, RelationId, Timestamp, VoucherId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, Path, Query},
    filters::PaymentQuery,
    paging::{self, cell, Line, Shown},
    schema, Api,
};
use crate::{
    assets::AssetName,
    settlement::{
        messages::{Refusal, SignedPaymentRequest},
        Payment, SettlementError,
    },
    store::Place,
};

/// The longest that a reader may wait for a change; shorter than [`super::TIMEOUT`].
const MAX_WAIT_SECONDS: u64 = 60;

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
    /// What this institution is in it: `originator`, `home`, `destination`, `notary`.
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
    /// The clearing relation's id, once it is retained.
    #[schema(value_type = Option<schema::Bytes32>)]
    pub relation: Option<RelationId>,
    /// Who owes whom what because of it, once drawn up: the principal, then the fees.
    #[schema(value_type = Vec<schema::Obligation>)]
    pub obligations: Vec<Obligation>,
    /// The finalized block that retained it.
    pub retained_in: Option<u32>,
    /// The window that it is settled in, once retained; absent: by itself.
    pub window: Option<u32>,
    /// The finalized block in which the last debtor paid.
    pub cleared_in: Option<u32>,
    /// When the originator delivered to the user.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub paid_out_at: Option<Timestamp>,
    /// When this institution first saw it.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
}

/// A signed document.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// What it is.
    pub kind: String,
    /// Who signed it, or to whom it went.
    #[schema(value_type = schema::Member)]
    pub member: Member,
    /// The registry's epoch of the signature; 0 where the document is good in every epoch.
    pub epoch: u32,
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
    /// Send this as `cursor` for the next page; absent on the last one.
    pub next: Option<String>,
}

impl Line for PaymentView {
    const COLUMNS: &'static [&'static str] = &[
        "payment",
        "role",
        "state",
        "kind",
        "originator",
        "home",
        "others",
        "user",
        "asset",
        "amount",
        "settlement",
        "window",
        "relation",
        "retained_in",
        "cleared_in",
        "paid_out_at",
        "refused_by",
        "refusal",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        let voucher = &self.voucher;
        let others: Vec<String> = voucher.others.iter().map(ToString::to_string).collect();
        let refusal = self.refusal.as_ref();
        vec![
            self.id.to_string(),
            self.role.clone(),
            self.state.clone(),
            format!("{:?}", protocol::fees::Service::from(voucher.kind)),
            voucher.originator.to_string(),
            voucher.home.to_string(),
            others.join(" "),
            voucher.user.to_string(),
            AssetName(voucher.asset).to_string(),
            voucher.amount.to_string(),
            format!("{:?}", voucher.settlement),
            cell(self.window),
            cell(self.relation),
            cell(self.retained_in),
            cell(self.cleared_in),
            cell(self.paid_out_at),
            cell(refusal.map(|refusal| refusal.signed.member)),
            cell(refusal.map(|refusal| &refusal.detail)),
            self.created_at.to_string(),
        ]
    }
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
        let code = match error {
            SettlementError::NotOriginator { .. } => "not-originator",
            SettlementError::OwnUser => "own-user",
            SettlementError::ZeroAmount => "zero-amount",
            SettlementError::BadUserNumber => "bad-user-number",
            SettlementError::BadBeneficiary => "bad-beneficiary",
            SettlementError::BadVoucher(_) => "bad-voucher",
            SettlementError::Store(error) => return error.into(),
            SettlementError::Ledger(error) => return error.into(),
            SettlementError::AlreadyRunning => return ApiError::Internal(error.to_string()),
        };
        ApiError::Refused {
            code: code.into(),
            detail: error.to_string(),
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
    let payment = view(api.settlement.request_payment(request).await?);
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
    // Listen before looking, so that no move is missed in between.
    let mut moves = api.settlement.moves();
    loop {
        let payment = api
            .settlement
            .payment(voucher)
            .await?
            .ok_or_else(|| ApiError::NotFound {
                what: "payment",
                id: voucher.to_string(),
            })?;
        let payment = view(payment);
        let changed = query.unless_state.as_ref().is_some_and(|state| *state != payment.state);
        let left = wait.saturating_sub(start.elapsed());
        if payment.is_final || changed || left.is_zero() {
            return Ok(Json(payment));
        }
        // At the end of the time the payment is shown as it is then.
        let _ = tokio::time::timeout(left, moves.of(voucher)).await;
    }
}

/// All payments of this institution, the newest first.
#[utoipa::path(get, path = "/v1/payments", tag = "payments", security(("bearer" = [])),
    params(PaymentQuery),
    responses(
        (status = 200, description = "A page; as CSV where that is accepted", content((PaymentPage = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "The next page, if there is one"))),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, shown: Shown, Query(query): Query<PaymentQuery>) -> Result<Response, ApiError> {
    let (filter, page) = query.read(api.chain.member())?;
    let payments = api.settlement.payments(&filter, &page).await?;
    let next = paging::next(&page, &payments, |payment| Place {
        at: payment.created_at,
        id: payment.id.to_string(),
    })?;
    let page = PaymentPage {
        payments: payments.into_iter().map(view).collect(),
        next: next.clone(),
    };
    shown.answer(page, next.as_deref(), |page| page.payments.clone())
}

/// A payment for clients.
fn view(payment: Payment) -> PaymentView {
    PaymentView {
        id: payment.id,
        role: payment.role.to_string(),
        state: payment.state.as_str().to_owned(),
        is_final: payment.is_final,
        voucher: payment.voucher,
        refusal: payment.refusal,
        documents: payment
            .documents
            .into_iter()
            .map(|document| DocumentView {
                kind: document.kind,
                member: document.member,
                epoch: document.epoch,
                content: document.body,
            })
            .collect(),
        history: payment
            .history
            .into_iter()
            .map(|line| HistoryView {
                state: line.state.as_str().to_owned(),
                at: line.at,
                detail: line.detail,
            })
            .collect(),
        relation: payment.relation,
        obligations: payment.obligations,
        retained_in: payment.retained_in,
        window: payment.window,
        cleared_in: payment.cleared_in,
        paid_out_at: payment.paid_out_at,
        created_at: payment.created_at,
    }
}
