//! What terminals ask of their merchants' acquirer (S4.3): by the listener of all others, or by one of their own.
use axum::extract::State;
use protocol::Member;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        error::ApiError,
        extractor::{Json, Path},
        schema, Api,
    },
    rejection,
};
use crate::prepaid::messages::{IssuerFacts, OrderAnswer, TerminalMessage};

/// What terminals do.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(order)).routes(routes!(issuer))
}

/// A terminal sends an order for a card issuer, signed by it and sealed to the issuer. The same order again gets the same answer,
/// or the final one where it was pending: ask until it is final.
#[utoipa::path(post, path = "/terminal/v1/orders", tag = "terminals",
    request_body = schema::prepaid::TerminalMessage,
    responses(
        (status = 200, description = "Pending, approved, returned or declined", body = schema::prepaid::OrderAnswer),
        schema::TerminalProblems
    ))]
async fn order(State(api): State<Api>, Json(message): Json<TerminalMessage>) -> Result<Json<OrderAnswer>, ApiError> {
    Ok(Json(api.prepaid.on_message(&message).await.map_err(rejection)?))
}

/// What a terminal has to know of a card issuer before it takes that one's cards.
#[utoipa::path(get, path = "/terminal/v1/issuers/{issuer}", tag = "terminals",
    params(("issuer" = schema::Member, Path, description = "The card issuer's index in the registry")),
    responses(
        (status = 200, description = "Chain, contract, recipient and asset", body = schema::prepaid::CardIssuer),
        schema::TerminalProblems
    ))]
async fn issuer(State(api): State<Api>, Path(issuer): Path<Member>) -> Result<Json<IssuerFacts>, ApiError> {
    Ok(Json(api.prepaid.issuer_facts(issuer).await?))
}
