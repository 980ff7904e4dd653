//! What payers owe, and what payees were paid because of it (S1.9, S1.10).
use axum::extract::State;
use protocol::{
    credit::{Debt, Payout},
    Amount, RequestId, Signature,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        error::ApiError,
        extractor::{Json, OperationKey, Path},
        schema, Api,
    },
    Acted, ChainId,
};
use crate::credit::ports::Act;

/// The debts resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(payout))
        .routes(routes!(release))
        .routes(routes!(expire))
        .routes(routes!(mark_overdue))
        .routes(routes!(confirm_receipt))
        .routes(routes!(repay))
}

/// A debt, and what is left of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DebtView {
    /// The request that it came from.
    #[schema(value_type = schema::Bytes32)]
    pub id: RequestId,
    /// As it stands on the chain.
    #[schema(value_type = schema::credit::CreditDebt)]
    pub debt: Debt,
    /// The principal that is owed, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub principal_owed: Amount,
    /// The late fee that is owed, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub fee_owed: Amount,
}

/// A payee's word that its money arrived.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptRequest {
    /// The payee's, as `quittance credit receipt` makes it.
    #[schema(value_type = schema::Signature)]
    pub signature: Signature,
}

/// How much to repay.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepayRequest {
    /// In the debt's asset's smallest unit; principal first, then the late fee.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub amount: Amount,
}

/// What a payer owes because of a request, on the chain where it owes it; at the latest finalized block.
#[utoipa::path(get, path = "/v1/credit/chains/{chain}/debts/{request}", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("request" = schema::Bytes32, Path, description = "The id of the request to pay on credit")),
    responses(
        (status = 200, description = "How far it is", body = DebtView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path((chain, id)): Path<(ChainId, RequestId)>,
) -> Result<Json<DebtView>, ApiError> {
    let debt = api.credit.debt(chain.0, id).await?;
    Ok(Json(DebtView {
        id,
        debt,
        principal_owed: debt.principal_owed(),
        fee_owed: debt.fee_owed(),
    }))
}

/// What a payee was paid because of a request, on the chain where it was paid; at the latest finalized block.
#[utoipa::path(get, path = "/v1/credit/chains/{chain}/payouts/{request}", tag = "credit", security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("request" = schema::Bytes32, Path, description = "The id of the request to pay on credit")),
    responses(
        (status = 200, description = "Who was paid what and when", body = schema::credit::CreditPayout),
        schema::ReadProblems
    ))]
async fn payout(
    State(api): State<Api>,
    Path((chain, id)): Path<(ChainId, RequestId)>,
) -> Result<Json<Payout>, ApiError> {
    Ok(Json(api.credit.payout(chain.0, id).await?))
}

/// Ends a reservation because this institution won't pay, and waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/debts/{request}/release", tag = "credit",
    security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("request" = schema::Bytes32, Path, description = "The id of the request to pay on credit"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn release(
    State(api): State<Api>,
    caller: Caller,
    Path((chain, id)): Path<(ChainId, RequestId)>,
    key: OperationKey,
) -> Result<Json<Acted>, ApiError> {
    caller.require(Permission::GiveCredit)?;
    api.credit_payments.ensure_over(id).await?;
    let act = Act::Release(id);
    super::act(State(api), &caller, Permission::GiveCredit, chain, key, act).await
}

/// Ends a reservation whose time is over, and waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/debts/{request}/expire", tag = "credit",
    security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("request" = schema::Bytes32, Path, description = "The id of the request to pay on credit"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn expire(
    State(api): State<Api>,
    caller: Caller,
    Path((chain, id)): Path<(ChainId, RequestId)>,
    key: OperationKey,
) -> Result<Json<Acted>, ApiError> {
    caller.require(Permission::HandInCreditPapers)?;
    api.credit_payments.ensure_over(id).await?;
    let act = Act::Expire(id);
    super::act(State(api), &caller, Permission::HandInCreditPapers, chain, key, act).await
}

/// Charges the late fee of a debt that was not repaid in time, once, and waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/debts/{request}/overdue", tag = "credit",
    security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("request" = schema::Bytes32, Path, description = "The id of the request to pay on credit"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn mark_overdue(
    api: State<Api>,
    caller: Caller,
    Path((chain, id)): Path<(ChainId, RequestId)>,
    key: OperationKey,
) -> Result<Json<Acted>, ApiError> {
    super::act(
        api,
        &caller,
        Permission::HandInCreditPapers,
        chain,
        key,
        Act::MarkOverdue(id),
    )
    .await
}

/// Hands in what a payee signed: its money arrived. Waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/debts/{request}/receipt", tag = "credit",
    security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("request" = schema::Bytes32, Path, description = "The id of the request to pay on credit"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = ReceiptRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn confirm_receipt(
    api: State<Api>,
    caller: Caller,
    Path((chain, id)): Path<(ChainId, RequestId)>,
    key: OperationKey,
    Json(ReceiptRequest { signature }): Json<ReceiptRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::ConfirmReceipt { id, signature };
    super::act(api, &caller, Permission::HandInCreditPapers, chain, key, act).await
}

/// Repays a debt, or a part of it, from the institution's account: the payer settled with it elsewhere. Waits for finality.
#[utoipa::path(post, path = "/v1/credit/chains/{chain}/debts/{request}/repay", tag = "credit",
    security(("bearer" = [])),
    params(("chain" = schema::Bytes32, Path, description = "The chain's genesis hash"), ("request" = schema::Bytes32, Path, description = "The id of the request to pay on credit"),
        ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = RepayRequest,
    responses(
        (status = 200, description = "Finalized", body = Acted),
        schema::WriteProblems
    ))]
async fn repay(
    State(api): State<Api>,
    caller: Caller,
    Path((chain, id)): Path<(ChainId, RequestId)>,
    OperationKey(key): OperationKey,
    Json(RepayRequest { amount }): Json<RepayRequest>,
) -> Result<Json<Acted>, ApiError> {
    caller.require(Permission::MoveFunds)?;
    Ok(Json(api.credit.repay(chain.0, &key, id, amount).await?.into()))
}
