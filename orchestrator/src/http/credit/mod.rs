//! Credit: the chains that a credit node works on, its pools there, limits, debts and wishes for higher limits (S1.1).
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{
    auth::{Caller, Permission},
    error::ApiError,
    extractor::{Json, OperationKey},
    ports::BlockInfo,
    Api,
};
use crate::credit::{ports::Act, CreditError};

pub mod chains;
pub mod consents;
pub mod debts;
pub mod limits;
pub mod payments;
pub mod raises;
pub mod scores;

/// What clients do.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(chains::router())
        .merge(limits::router())
        .merge(debts::router())
        .merge(raises::router())
        .merge(payments::router())
        .merge(consents::router())
        .merge(scores::router())
}

/// Where the paths below which every chain must be ready begin.
pub const PATHS: &str = "/v1/credit/";

/// A chain in a path: its genesis hash.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub struct ChainId(#[serde(with = "protocol::text::bytes")] pub [u8; 32]);

/// An act that was carried out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Acted {
    /// The finalized block that carried it out; absent where the chain showed before what it would lead to.
    pub block: Option<BlockInfo>,
}

impl From<Option<crate::credit::ports::Block>> for Acted {
    fn from(block: Option<crate::credit::ports::Block>) -> Self {
        Self {
            block: block.map(BlockInfo::from),
        }
    }
}

/// Has an act carried out for a client that may have it.
async fn act(
    State(api): State<Api>,
    caller: &Caller,
    permission: Permission,
    ChainId(chain): ChainId,
    OperationKey(key): OperationKey,
    act: Act,
) -> Result<Json<Acted>, ApiError> {
    caller.require(permission)?;
    Ok(Json(api.credit.act(chain, &key, &act).await?.into()))
}

impl From<CreditError> for ApiError {
    fn from(error: CreditError) -> Self {
        let not_found = |what, id| ApiError::NotFound { what, id };
        match error {
            CreditError::UnknownChain(genesis) => not_found("credit chain", protocol::text::to_hex(&genesis)),
            CreditError::UnknownDebt(id) => not_found("debt", id.to_string()),
            CreditError::UnknownPayout(id) => not_found("payout", id.to_string()),
            CreditError::UnknownRaise => not_found("wish for a higher limit", "of this payer in this asset".to_owned()),
            CreditError::UnknownPayment(id) => not_found("payment on credit", id.to_string()),
            CreditError::UnknownConsent(id) => {
                not_found("payment on credit that a payee here was asked to take", id.to_string())
            }
            CreditError::Ledger(error) => error.into(),
            CreditError::Store(error) => error.into(),
            // No request waits for another institution.
            CreditError::Peer(_) | CreditError::Stopping => ApiError::Internal(error.to_string()),
            CreditError::Person(error) if error.may_pass() => ApiError::TryLater {
                code: error.code(),
                detail: error.to_string(),
            },
            CreditError::NoAuthorities => ApiError::TryLater {
                code: "no-authorities",
                detail: error.to_string(),
            },
            refusal => refused(&refusal),
        }
    }
}

fn refused(error: &CreditError) -> ApiError {
    ApiError::Refused {
        code: error.code().into(),
        detail: error.to_string(),
    }
}
