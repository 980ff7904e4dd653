//! Telling one endpoint.
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::future::join_all;
use protocol::Timestamp;
use reqwest::header::{HeaderValue, CONTENT_TYPE};
use serde_json::json;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use time::{format_description::well_known::Rfc3339, OffsetDateTime};

use super::{Endpoint, Webhooks, LOOK};
use crate::store::{
    webhooks::{Due, Outcome},
    StoreError,
};

/// The most events that an endpoint is told at once; each of another payment.
const AT_ONCE: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

impl Webhooks {
    /// Goes on until it is aborted.
    pub(super) async fn serve(&self, endpoint: &Endpoint) {
        loop {
            match self.round(endpoint).await {
                Ok(0) => tokio::time::sleep(LOOK).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, endpoint = endpoint.name, "the delivery log can't be read; tried again");
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
    }

    /// Tells everything that is due, and returns how much that was.
    ///
    /// # Errors
    /// The database failed.
    pub(super) async fn round(&self, endpoint: &Endpoint) -> Result<usize, StoreError> {
        let now = self.clock.now();
        self.store
            .enter_deliveries(&endpoint.name, now, self.give_up_at(now))
            .await?;
        let due = self.store.due_deliveries(&endpoint.name, now, AT_ONCE).await?;
        let outcomes = join_all(due.iter().map(|due| self.attempt(endpoint, due))).await;
        for (due, outcome) in due.iter().zip(outcomes) {
            self.store.note_delivery(due.number, self.clock.now(), &outcome).await?;
        }
        Ok(due.len())
    }

    async fn attempt(&self, endpoint: &Endpoint, due: &Due) -> Outcome {
        let (status, problem) = match self.send(endpoint, due).await {
            Ok(status) if status.is_success() => {
                tracing::debug!(endpoint = endpoint.name, event = due.id, "delivered");
                return Outcome::Delivered {
                    status: status.as_u16(),
                };
            }
            Ok(status) => (Some(status.as_u16()), format!("the endpoint answers {status}")),
            Err(problem) => (None, problem),
        };
        let now = self.clock.now();
        let due_at = now.saturating_add(pause(due.attempts));
        if due_at >= due.give_up_at {
            tracing::error!(
                endpoint = endpoint.name,
                event = due.id,
                problem,
                "given up: `quittance webhooks send` tries it again"
            );
            return Outcome::GivenUp { status, problem };
        }
        tracing::warn!(
            endpoint = endpoint.name,
            event = due.id,
            problem,
            "not delivered; tried again"
        );
        Outcome::Again {
            due_at,
            status,
            problem,
        }
    }

    /// One attempt; every attempt is signed anew, because a receiver doesn't take an old signature.
    async fn send(&self, endpoint: &Endpoint, due: &Due) -> Result<reqwest::StatusCode, String> {
        let body = json!({ "type": due.kind, "timestamp": rfc3339(due.at), "data": due.data }).to_string();
        let seconds = self.clock.now().checked_div(1_000).unwrap_or_default();
        let seconds = i64::try_from(seconds).map_err(|error| error.to_string())?;
        let signature = endpoint
            .signer
            .sign(&due.id, seconds, body.as_bytes())
            .map_err(|error| error.to_string())?;
        let request = self
            .client
            .post(endpoint.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(HEADER_WEBHOOK_ID, &due.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, seconds)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(body);
        // The URL may hold what only the endpoint should know.
        let response = request.send().await.map_err(|error| explain(error.without_url()))?;
        Ok(response.status())
    }
}

/// What went wrong, to the last cause: the first one says only that something did.
fn explain(error: reqwest::Error) -> String {
    let error = anyhow::Error::new(error);
    format!("{error:#}")
}

/// How long to wait after so many attempts, in milliseconds.
fn pause(attempts: u32) -> Timestamp {
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .build();
    // It is the longest one long before.
    let place = usize::try_from(attempts.min(32)).unwrap_or_default();
    let pause = pauses.nth(place).unwrap_or(LONGEST_PAUSE);
    Timestamp::try_from(pause.as_millis()).unwrap_or(Timestamp::MAX)
}

fn rfc3339(at: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at).saturating_mul(1_000_000))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| at.to_string())
}

#[cfg(test)]
mod pauses {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_one() {
        let longest = Timestamp::try_from(LONGEST_PAUSE.as_millis()).expect("fits");
        assert!((500..1_500).contains(&pause(0)));
        assert!((1_000..2_500).contains(&pause(1)));
        assert!(pause(4) > pause(0));
        assert!((longest..=2 * longest).contains(&pause(30)));
        assert!((longest..=2 * longest).contains(&pause(u32::MAX)));
    }
}
