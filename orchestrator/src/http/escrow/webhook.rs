//! Deliveries confirmed by a machine: a meter, a carrier, a warehouse. It has no token; its requests are signed as
//! Standard Webhooks says (<https://www.standardwebhooks.com>), with a secret that it shares with this institution.
use std::path::{Path, PathBuf};

use axum::{
    body::Bytes,
    extract::{rejection::BytesRejection, State},
    http::{HeaderMap, StatusCode},
};
use base64::{engine::general_purpose::STANDARD, Engine};
use protocol::AgreementId;
use serde::{Deserialize, Serialize};
use standardwebhooks::Webhook;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{error::ApiError, extractor::body_error, schema, Api};
use crate::{
    escrow::EscrowError,
    identity::private_file::{self, PrivateFileError},
};

const PREFIX: &str = "whsec_";
/// What Standard Webhooks asks of a secret, in bytes. An empty one would let everybody in.
const SECRET: std::ops::RangeInclusive<usize> = 24..=64;

/// The webhook resource.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(delivered))
}

/// Knows who may confirm deliveries.
pub struct DeliveryWebhook(Webhook);

/// The secret of the webhook can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhookSecretError {
    /// The file with it can't be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It is none.
    #[error(
        "{} holds no webhook secret: write `whsec_` and 24 to 64 random bytes in base64, such as \
         `echo \"whsec_$(openssl rand -base64 32)\"` prints",
        .0.display()
    )]
    Malformed(PathBuf),
}

impl DeliveryWebhook {
    /// Reads the secret from a file that only its owner can read.
    ///
    /// # Errors
    /// The file can't be read, others can read it, or it holds no secret.
    pub fn load(path: &Path) -> Result<Self, WebhookSecretError> {
        let text = private_file::read(path)?;
        Self::from_secret(&text).ok_or_else(|| WebhookSecretError::Malformed(path.to_owned()))
    }

    fn from_secret(text: &str) -> Option<Self> {
        let secret = STANDARD.decode(text.trim().strip_prefix(PREFIX)?).ok()?;
        if !SECRET.contains(&secret.len()) {
            return None;
        }
        Webhook::from_bytes(secret).ok().map(Self)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_has_its_prefix_and_length() {
        let secret = |bytes: usize| format!("whsec_{}\n", STANDARD.encode(vec![7; bytes]));
        assert!(DeliveryWebhook::from_secret(&secret(24)).is_some());
        assert!(DeliveryWebhook::from_secret(&secret(64)).is_some());
        for wrong in [
            secret(0),
            secret(23),
            secret(65),
            STANDARD.encode([7; 32]),
            "whsec_?".into(),
            String::new(),
        ] {
            assert!(DeliveryWebhook::from_secret(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("delivery.secret");
        private_file::write_new(&path, &format!("whsec_{}", STANDARD.encode([7; 32]))).unwrap();
        assert!(DeliveryWebhook::load(&path).is_ok());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            DeliveryWebhook::load(&path),
            Err(WebhookSecretError::File(PrivateFileError::TooOpen { .. }))
        ));
    }
}
