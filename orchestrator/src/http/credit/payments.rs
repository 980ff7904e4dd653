//! Payments on credit: a payer's request, and what became of it (S1.3 to S1.12).
use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use protocol::{credit::CreditRequest, Member, RequestId, Signature, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, Path, Query},
    paging::{self, PageQuery},
    schema, Api,
};
use crate::{
    credit::payments::{
        state::{Refusal, Stage},
        NewRequest, Payment,
    },
    identity::Person,
    store::Place,
};

/// The longest that a reader may wait for a change; shorter than [`crate::http::TIMEOUT`].
const MAX_WAIT_SECONDS: u64 = 60;

/// The payments resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(request, list))
        .routes(routes!(read))
}

/// A payer's request to be paid for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditPaymentRequest {
    /// What the payer asks for.
    #[schema(value_type = schema::credit::CreditRequest)]
    pub request: CreditRequest,
    /// The payer's, as `quittance credit request` makes it.
    #[schema(value_type = schema::Signature)]
    pub signature: Signature,
    /// The payer's certificate, PEM, leaf first. It binds the payer's account.
    pub certificate: String,
    /// The payee's institution, by its index in the registry of the payee's chain.
    #[schema(value_type = schema::Member)]
    pub payee_institution: Member,
}

/// A payment on credit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreditPaymentView {
    /// The request's id: the payment's name everywhere.
    #[schema(value_type = schema::Bytes32)]
    pub id: RequestId,
    /// How far it is: `asked`, `accepted`, `short`, `reserved`, `paid`, `owed`, `confirmed`, `refused`, `lapsed`, `lost`.
    pub stage: String,
    /// Whether the stage is the last one.
    pub is_final: bool,
    /// What the payer asks for.
    #[schema(value_type = schema::credit::CreditRequest)]
    pub request: CreditRequest,
    /// Who the payer is, by its certificate.
    #[schema(value_type = schema::credit::Person)]
    pub payer: Person,
    /// Who the payee is, by its certificate; once it takes the payment.
    #[schema(value_type = Option<schema::credit::Person>)]
    pub payee: Option<Person>,
    /// The payee's institution.
    #[schema(value_type = schema::Member)]
    pub payee_institution: Member,
    /// The payer's, under the request.
    #[schema(value_type = schema::Signature)]
    pub payer_signature: Signature,
    /// The payee's, under the request; once it takes the payment.
    #[schema(value_type = Option<schema::Signature>)]
    pub payee_signature: Option<Signature>,
    /// Why it is refused; or, in the stage `short`, how much more the credit node would have to let the payer owe.
    #[schema(value_type = Option<schema::credit::CreditRefusal>)]
    pub refusal: Option<Refusal>,
    /// When it was taken.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// Every stage so far, oldest first.
    pub history: Vec<CreditPaymentStep>,
}

/// A step of a payment on credit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreditPaymentStep {
    /// The stage reached.
    pub stage: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// Why, for people.
    pub detail: String,
}

/// A page of payments on credit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreditPaymentPage {
    /// The newest first.
    pub payments: Vec<CreditPaymentView>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
}

/// Whether to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// Wait up to this long for the last stage, at most 60 seconds.
    wait_seconds: Option<u64>,
    /// Wait for this stage, or a later one, only.
    #[param(value_type = Option<String>)]
    until: Option<Stage>,
}

/// Asks for a payment on credit: the payee is paid at once on its chain, the payer owes on its own. The same request again
/// changes nothing. It goes on by itself: read it to see how far it is.
#[utoipa::path(post, path = "/v1/credit/payments", tag = "credit", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = CreditPaymentRequest,
    responses(
        (status = 202, description = "In order; the payee is asked", body = CreditPaymentView),
        schema::WriteProblems
    ))]
async fn request(
    State(api): State<Api>,
    caller: Caller,
    Json(new): Json<CreditPaymentRequest>,
) -> Result<(StatusCode, Json<CreditPaymentView>), ApiError> {
    caller.require(Permission::HandInCreditPapers)?;
    let payment = api
        .credit_payments
        .request(NewRequest {
            request: new.request,
            signature: new.signature,
            certificate: new.certificate,
            payee_institution: new.payee_institution,
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Json(payment.into())))
}

/// A payment on credit, now or as soon as it is final.
#[utoipa::path(get, path = "/v1/credit/payments/{request}", tag = "credit", security(("bearer" = [])),
    params(("request" = schema::Bytes32, Path, description = "The request's id"), WaitQuery),
    responses(
        (status = 200, description = "How far it is", body = CreditPaymentView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path(id): Path<RequestId>,
    Query(query): Query<WaitQuery>,
) -> Result<Json<CreditPaymentView>, ApiError> {
    let patience = Duration::from_secs(query.wait_seconds.unwrap_or_default().min(MAX_WAIT_SECONDS));
    let mut moves = api.credit_payments.moves();
    let last = async {
        loop {
            moves.mark_unchanged();
            let payment = api.credit_payments.payment(id).await?;
            let stage = payment.row.stage;
            let view = CreditPaymentView::from(payment);
            let is_there = view.is_final || query.until.is_some_and(|until| stage >= until);
            // Without a sender nothing moves any more.
            if is_there || moves.changed().await.is_err() {
                return Ok(view);
            }
        }
    };
    match tokio::time::timeout(patience, last).await {
        Ok(found) => found.map(Json),
        Err(_) => Ok(Json(api.credit_payments.payment(id).await?.into())),
    }
}

/// Payments on credit, the newest first.
#[utoipa::path(get, path = "/v1/credit/payments", tag = "credit", security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = CreditPaymentPage),
        schema::ReadProblems
    ))]
async fn list(State(api): State<Api>, Query(query): Query<PageQuery>) -> Result<Json<CreditPaymentPage>, ApiError> {
    let page = query.page()?;
    let found = api.credit_payments.payments(&page).await?;
    let next_cursor = paging::next(&page, &found, |last| Place {
        at: last.row.created_at,
        id: last.row.id.to_string(),
    })?;
    Ok(Json(CreditPaymentPage {
        payments: found.into_iter().map(CreditPaymentView::from).collect(),
        next_cursor,
    }))
}

impl From<Payment> for CreditPaymentView {
    fn from(Payment { row, history }: Payment) -> Self {
        Self {
            id: row.id,
            stage: row.stage.to_string(),
            is_final: row.stage.is_final(),
            request: row.request,
            payer: row.payer_person,
            payee: row.payee_person,
            payee_institution: row.payee_institution,
            payer_signature: row.payer_signature,
            payee_signature: row.payee_signature,
            refusal: row.refusal,
            created_at: row.created_at,
            history: history
                .into_iter()
                .map(|line| CreditPaymentStep {
                    stage: line.stage.to_string(),
                    at: line.at,
                    detail: line.detail,
                })
                .collect(),
        }
    }
}
