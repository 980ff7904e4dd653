//! Deliveries confirmed by a machine: a meter, a carrier, a warehouse. It has no token; its requests are signed as
//! Standard Webhooks says (<https://www.standardwebhooks.com>), with a secret that it shares with this institution.
use std::path::Path;

use axum::{
    body::Bytes,
    extract::{rejection::BytesRejection, State},
    http::{HeaderMap, StatusCode},
};
use protocol::AgreementId;
use serde::{Deserialize, Serialize};
use standardwebhooks::Webhook;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{error::ApiError, extractor::body_error, schema, Api};
use crate::{
    escrow::EscrowError,
    identity::webhook_secret::{self, WebhookSecretError},
};

/// The webhook resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(delivered))
}

/// Knows who may confirm deliveries.
pub struct DeliveryWebhook(Webhook);

impl DeliveryWebhook {
    /// Reads the secret from a file that only its owner can read.
    ///
    /// # Errors
    /// The file can't be read, others can read it, or it holds no secret.
    pub fn load(path: &Path) -> Result<Self, WebhookSecretError> {
        webhook_secret::load(path).map(Self)
    }

    fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), EscrowError> {
        self.0.verify(body, headers).map_err(|error| {
            tracing::warn!(%error, "a webhook is refused");
            EscrowError::BadWebhook
        })
    }
}

/// A delivery, as whoever saw it tells of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryNotice {
    /// The trade's id.
    #[schema(value_type = schema::Bytes32)]
    pub agreement: AgreementId,
    /// What proves it. A seller's trade needs it. At most 32 KiB.
    pub evidence: Option<String>,
}

/// Confirms a delivery, as `/v1/escrow/trades/{trade}/confirm` does. The first confirmation counts, so a repeated notice
/// changes nothing.
#[utoipa::path(post, path = "/webhooks/delivery", tag = "escrow", security(("webhook" = [])),
    params(
        ("webhook-id" = String, Header, description = "Names the notice"),
        ("webhook-timestamp" = String, Header, description = "Seconds since 1970, at most five minutes off"),
        ("webhook-signature" = String, Header, description = "`v1,` and the HMAC-SHA256 in base64"),
    ),
    request_body = DeliveryNotice,
    responses(
        (status = 204, description = "Confirmed"),
        schema::WebhookProblems
    ))]
async fn delivered(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    let webhook = api.delivery_webhook.as_ref().ok_or(ApiError::NoSuchRoute)?;
    let body = body.map_err(body_error)?;
    webhook.verify(&headers, &body)?;
    let notice: DeliveryNotice = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Malformed(format!("the body isn't what this request takes: {error}; see /docs")))?;
    let id = notice.agreement;
    super::trades::record(id);
    // The trade may have gone on since the first notice: that is no reason to send it again and again.
    let trade = api.escrow.trade(id).await?.ok_or(EscrowError::UnknownTrade(id))?;
    if trade.confirmed_at.is_none() {
        api.escrow.confirm(id, notice.evidence).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
