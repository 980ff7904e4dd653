//! Payments that were taken, and disputes over them (S4.3).
use axum::extract::State;
use protocol::{
    prepaid::{CardNumber, Dispute, DisputeOrder, PaymentRecord},
    Amount, Member, Signature,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        auth::{Caller, Permission},
        credit::Acted,
        error::ApiError,
        extractor::{Json, OperationKey, Path},
        schema, Api,
    },
    CardId,
};
use crate::prepaid::ports::Act;

/// The payments resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(open))
        .routes(routes!(read_dispute))
        .routes(routes!(answer))
        .routes(routes!(decide))
        .routes(routes!(default))
}

/// A payment with a card that was taken.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CardPaymentView {
    /// Who paid.
    #[schema(value_type = u64)]
    pub card: CardNumber,
    /// The number that the card gave it.
    pub counter: u64,
    /// As the finalized chain shows it.
    #[schema(value_type = schema::prepaid::CardPaymentRecord)]
    pub record: PaymentRecord,
    /// What can still go back, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub returnable: Amount,
    /// The dispute over it, if there is one.
    #[schema(value_type = Option<schema::prepaid::CardDispute>)]
    pub dispute: Option<Dispute>,
}

/// A holder's objection to a payment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardDisputeRequest {
    /// What the holder says.
    #[schema(value_type = schema::prepaid::CardDisputeOrder)]
    pub order: DisputeOrder,
    /// The holder's, as `quittance card dispute` makes it.
    #[schema(value_type = schema::Signature)]
    pub signature: Signature,
}

/// What a dispute is answered with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardAnswerRequest {
    /// Digest of the answer. It stands on the chain.
    #[serde(with = "protocol::text::bytes")]
    #[schema(value_type = schema::Bytes32)]
    pub answer: [u8; 32],
}

/// How a dispute is decided.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardDecisionRequest {
    /// What goes back to the card, from 0 to what the holder wants, in the asset's smallest unit.
    #[serde(with = "protocol::text::amount")]
    #[schema(value_type = schema::Amount)]
    pub awarded: Amount,
}

/// A payment that was taken, and the dispute over it, at the latest finalized block.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/payments/{card}/{counter}", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("card" = u64, Path, description = "The card's number"), ("counter" = u64, Path, description = "The number that the card gave the payment")),
    responses(
        (status = 200, description = "As it stands", body = CardPaymentView),
        schema::ReadProblems
    ))]
async fn read(
    State(api): State<Api>,
    Path((issuer, card, counter)): Path<(Member, CardId, u64)>,
) -> Result<Json<CardPaymentView>, ApiError> {
    let card = card.into();
    let found = api.prepaid.payment(issuer, (card, counter)).await?;
    Ok(Json(CardPaymentView {
        card,
        counter,
        record: found.record,
        returnable: found.record.returnable(),
        dispute: found.dispute,
    }))
}

/// Hands in what a holder signed: it objects to a payment. Waits for finality. Until it is decided, the amount isn't paid out.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/disputes", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = CardDisputeRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn open(
    api: State<Api>,
    caller: Caller,
    Path(issuer): Path<Member>,
    key: OperationKey,
    Json(CardDisputeRequest { order, signature }): Json<CardDisputeRequest>,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::OpenDispute { order, signature };
    super::act(api, &caller, Permission::ServeCards, issuer, key, act).await
}

/// The dispute over a payment, at the latest finalized block.
#[utoipa::path(get, path = "/v1/prepaid/programmes/{issuer}/disputes/{card}/{counter}", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("card" = u64, Path, description = "The card's number"), ("counter" = u64, Path, description = "The number that the card gave the payment")),
    responses(
        (status = 200, description = "As it stands", body = schema::prepaid::CardDispute),
        schema::ReadProblems
    ))]
async fn read_dispute(
    State(api): State<Api>,
    Path((issuer, card, counter)): Path<(Member, CardId, u64)>,
) -> Result<Json<Dispute>, ApiError> {
    Ok(Json(api.prepaid.dispute(issuer, (card.into(), counter)).await?))
}

/// Answers a dispute for the merchant, as its acquirer, and waits for finality.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/disputes/{card}/{counter}/answer", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("card" = u64, Path, description = "The card's number"), ("counter" = u64, Path, description = "The number that the card gave the payment"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = CardAnswerRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn answer(
    api: State<Api>,
    caller: Caller,
    Path((issuer, card, counter)): Path<(Member, CardId, u64)>,
    key: OperationKey,
    Json(CardAnswerRequest { answer }): Json<CardAnswerRequest>,
) -> Result<Json<Acted>, ApiError> {
    let payment = (card.into(), counter);
    let act = Act::AnswerDispute { payment, answer };
    super::act(api, &caller, Permission::ServeCards, issuer, key, act).await
}

/// Decides a dispute, as the card issuer, and waits for finality. Final.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/disputes/{card}/{counter}/decide", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("card" = u64, Path, description = "The card's number"), ("counter" = u64, Path, description = "The number that the card gave the payment"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    request_body = CardDecisionRequest,
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn decide(
    api: State<Api>,
    caller: Caller,
    Path((issuer, card, counter)): Path<(Member, CardId, u64)>,
    key: OperationKey,
    Json(CardDecisionRequest { awarded }): Json<CardDecisionRequest>,
) -> Result<Json<Acted>, ApiError> {
    let payment = (card.into(), counter);
    let act = Act::DecideDispute { payment, awarded };
    super::act(api, &caller, Permission::RunCards, issuer, key, act).await
}

/// Has a dispute decided whose time is over, and waits for finality: for the merchant if its acquirer answered, for the holder if not. Final.
#[utoipa::path(post, path = "/v1/prepaid/programmes/{issuer}/disputes/{card}/{counter}/default", tag = "prepaid", security(("bearer" = [])),
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry"), ("card" = u64, Path, description = "The card's number"), ("counter" = u64, Path, description = "The number that the card gave the payment"), ("Idempotency-Key" = String, Header, description = "Names the wish: the same for repetitions")),
    responses(
        (status = 200, description = "It stands on the finalized chain", body = Acted),
        schema::WriteProblems
    ))]
async fn default(
    api: State<Api>,
    caller: Caller,
    Path((issuer, card, counter)): Path<(Member, CardId, u64)>,
    key: OperationKey,
) -> Result<Json<Acted>, ApiError> {
    let act = Act::DefaultDispute((card.into(), counter));
    super::act(api, &caller, Permission::ServeCards, issuer, key, act).await
}
