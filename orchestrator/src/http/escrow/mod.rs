//! Escrow: offers, trades, letters of other institutions, and the webhook that confirms deliveries.
use sha2::{Digest, Sha256};
use utoipa_axum::router::OpenApiRouter;

use super::{error::ApiError, extractor::OperationKey, Api};
use crate::escrow::EscrowError;

pub mod acts;
pub mod letters;
pub mod offers;
pub mod trades;
pub mod webhook;

/// What clients do.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(offers::router())
        .merge(trades::router())
        .merge(acts::router())
}

/// What a client's wish is called for good: the same for the same client and `Idempotency-Key`. A wish that is repeated
/// after a crash finds by it what it led to.
fn wish(OperationKey(key): &OperationKey) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"quittance/escrow wish\n")
        .chain_update(key)
        .finalize()
        .into()
}

impl From<EscrowError> for ApiError {
    fn from(error: EscrowError) -> Self {
        match error {
            EscrowError::UnknownOffer(id) => ApiError::NotFound {
                what: "offer",
                id: id.to_string(),
            },
            EscrowError::UnknownTrade(id) => ApiError::NotFound {
                what: "trade",
                id: id.to_string(),
            },
            EscrowError::Member(fault) => fault.into(),
            EscrowError::Ledger(error) => error.into(),
            EscrowError::Store(error) => error.into(),
            EscrowError::BadWebhook => ApiError::BadWebhook,
            // No request waits for another institution, or opens a secret.
            EscrowError::Peer(_) | EscrowError::Secret(_) => ApiError::Internal(error.to_string()),
            EscrowError::NotYourOffer(_)
            | EscrowError::OwnOffer(_)
            | EscrowError::OfferClosed(_)
            | EscrowError::BadOffer(_)
            | EscrowError::NotEnough { .. }
            | EscrowError::BelowLeast { .. }
            | EscrowError::BadTerms(_)
            | EscrowError::Altered(_)
            | EscrowError::NotYourPart { .. }
            | EscrowError::NotItsPart(_)
            | EscrowError::WrongStage(_)
            | EscrowError::TooLate { .. }
            | EscrowError::WrongEvidence
            | EscrowError::BadEvidence { .. }
            | EscrowError::AwardAbovePot { .. }
            | EscrowError::RuledBefore => refused(&error),
        }
    }
}

fn refused(error: &EscrowError) -> ApiError {
    ApiError::Refused {
        code: error.code().into(),
        detail: error.to_string(),
    }
}

/// `#[serde(with = …)]` for amounts that may be missing: a decimal string.
mod optional_amount {
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    #[allow(clippy::ref_option)] // serde's signature
    pub fn serialize<S: Serializer>(amount: &Option<u128>, serializer: S) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => serializer.collect_str(amount),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u128>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            D::Error::custom(format!(
                "{text:?} is no amount: write it as a string of digits, in the smallest unit"
            ))
        })
    }
}
