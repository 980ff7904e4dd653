//! Prepaid cards: programmes, merchants, terminals, cards, payments, disputes (S4.1 to S4.5), and what terminals order.
use axum::extract::State;
use protocol::{
    prepaid::{CardNumber, MerchantNumber},
    AccountId, Member,
};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;

use super::{
    auth::{Caller, Permission},
    credit::Acted,
    error::ApiError,
    extractor::{Json, OperationKey},
    Api,
};
use crate::prepaid::{ports::Act, PrepaidError};

pub mod cards;
pub mod merchants;
pub mod orders;
pub mod payments;
pub mod programmes;
pub mod queries;
pub mod terminals;

/// What clients do.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(programmes::router())
        .merge(merchants::router())
        .merge(cards::router())
        .merge(payments::router())
        .merge(orders::router())
        .merge(queries::router())
}

/// Where the paths begin below which the issuers' contracts must be what they should be.
pub const PATHS: [&str; 5] = [
    "/v1/prepaid/",
    "/peer/v1/card-orders",
    "/peer/v1/card-recipients",
    "/terminal/",
    "/holder/",
];

/// A card's number in a path.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct CardId(pub u64);

/// A merchant's number in a path.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct MerchantId(pub u32);

/// A terminal's key in a path.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct TerminalId(#[serde(with = "protocol::text::account")] pub AccountId);

/// An order's reference in a path.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct Reference(#[serde(with = "protocol::text::bytes")] pub [u8; 32]);

impl From<CardId> for CardNumber {
    fn from(CardId(number): CardId) -> Self {
        Self(number)
    }
}

impl From<MerchantId> for MerchantNumber {
    fn from(MerchantId(number): MerchantId) -> Self {
        Self(number)
    }
}

/// Has an act carried out for a client that may have it.
async fn act(
    State(api): State<Api>,
    caller: &Caller,
    permission: Permission,
    issuer: Member,
    OperationKey(key): OperationKey,
    act: Act,
) -> Result<Json<Acted>, ApiError> {
    caller.require(permission)?;
    Ok(Json(api.prepaid.act(issuer, &key, &act).await?.into()))
}

impl From<PrepaidError> for ApiError {
    fn from(error: PrepaidError) -> Self {
        let not_found = |what, id| ApiError::NotFound { what, id };
        match error {
            PrepaidError::UnknownIssuer(member) => not_found("card issuer", member.to_string()),
            PrepaidError::UnknownCard(card) => not_found("card", card.0.to_string()),
            PrepaidError::UnknownMerchant(merchant) => not_found("merchant", merchant.0.to_string()),
            PrepaidError::UnknownTerminal(key) => not_found("terminal", protocol::text::to_hex(&key.0)),
            PrepaidError::UnknownPayment((card, counter)) => not_found("payment", format!("{}/{counter}", card.0)),
            PrepaidError::NotDisputed((card, counter)) => {
                not_found("dispute over the payment", format!("{}/{counter}", card.0))
            }
            PrepaidError::NoStatement(merchant, cycle) => {
                not_found("statement of the cycle", format!("{}/{cycle}", merchant.0))
            }
            PrepaidError::UnknownOrder(reference) => not_found("order", protocol::text::to_hex(&reference)),
            PrepaidError::Ledger(error) => error.into(),
            PrepaidError::Store(error) => error.into(),
            PrepaidError::NotKept(why) => ApiError::Internal(why),
            PrepaidError::Peer(_) | PrepaidError::NotYet(_) => ApiError::TryLater {
                code: "card-issuer-unreachable",
                detail: error.to_string(),
            },
            refusal => refused(&refusal),
        }
    }
}

fn refused(error: &PrepaidError) -> ApiError {
    ApiError::Refused {
        code: error.code().into(),
        detail: error.to_string(),
    }
}

/// Terminals and peers act on the code: what isn't there keeps its own.
fn rejection(error: PrepaidError) -> ApiError {
    match error {
        PrepaidError::UnknownIssuer(_) => refused(&error),
        other => other.into(),
    }
}
