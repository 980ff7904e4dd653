//! What was answered to which write. A row is made before the write is carried out and completed with its answer, so
//! that a crash between the two leaves a row that the same request takes up again.
use protocol::Timestamp;

use super::{Store, StoreError};

/// sha256 of a request's method, path and body.
pub type Fingerprint = [u8; 32];

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// HTTP status code.
    pub status: u16,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The `Location` header.
    pub location: Option<String>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The key is new, or its request was interrupted: carry it out.
    Perform,
    /// The same request was answered before.
    Replay(StoredAnswer),
    /// The key belongs to another request.
    Reused,
}

type Row = (Vec<u8>, Option<i64>, Option<String>, Option<String>, Option<Vec<u8>>);

impl Store {
    /// Claims `key` of `client` for the request with this fingerprint.
    ///
    /// # Errors
    /// The database fails.
    pub async fn claim_key(
        &self,
        client: &str,
        key: &str,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let started_at = i64::try_from(now).unwrap_or(i64::MAX);
        sqlx::query(
            "INSERT INTO idempotency (client, key, fingerprint, started_at) VALUES (?, ?, ?, ?) \
             ON CONFLICT DO NOTHING",
        )
        .bind(client)
        .bind(key)
        .bind(fingerprint.as_slice())
        .bind(started_at)
        .execute(&self.pool)
        .await?;

        let (stored, status, content_type, location, body): Row = sqlx::query_as(
            "SELECT fingerprint, status, content_type, location, body FROM idempotency WHERE client = ? AND key = ?",
        )
        .bind(client)
        .bind(key)
        .fetch_one(&self.pool)
        .await?;

        if stored != fingerprint {
            return Ok(Claim::Reused);
        }
        let Some(status) = status else {
            return Ok(Claim::Perform);
        };
        let status = u16::try_from(status).map_err(|error| StoreError::Corrupt {
            what: "HTTP status",
            why: error.to_string(),
        })?;
        Ok(Claim::Replay(StoredAnswer {
            status,
            content_type,
            location,
            body: body.unwrap_or_default(),
        }))
    }

    /// Keeps the answer to `key` of `client`. The first answer stays.
    ///
    /// # Errors
    /// The database fails.
    pub async fn keep_answer(&self, client: &str, key: &str, answer: &StoredAnswer) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE idempotency SET status = ?, content_type = ?, location = ?, body = ? \
             WHERE client = ? AND key = ? AND status IS NULL",
        )
        .bind(i64::from(answer.status))
        .bind(answer.content_type.as_deref())
        .bind(answer.location.as_deref())
        .bind(answer.body.as_slice())
        .bind(client)
        .bind(key)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn answer(body: &str) -> StoredAnswer {
        StoredAnswer {
            status: 202,
            content_type: Some("application/json".into()),
            location: Some("/v1/payments/0x01".into()),
            body: body.as_bytes().to_vec(),
        }
    }

    #[tokio::test]
    async fn the_first_answer_is_replayed_to_the_same_request_only() {
        let store = Store::in_memory().await.unwrap();
        assert_eq!(
            store.claim_key("teller", "k", &[1; 32], 5).await.unwrap(),
            Claim::Perform
        );
        // Interrupted: the same request takes it up again, another one may not.
        assert_eq!(
            store.claim_key("teller", "k", &[1; 32], 6).await.unwrap(),
            Claim::Perform
        );
        assert_eq!(
            store.claim_key("teller", "k", &[2; 32], 6).await.unwrap(),
            Claim::Reused
        );

        store.keep_answer("teller", "k", &answer("first")).await.unwrap();
        store.keep_answer("teller", "k", &answer("second")).await.unwrap();
        assert_eq!(
            store.claim_key("teller", "k", &[1; 32], 7).await.unwrap(),
            Claim::Replay(answer("first"))
        );
        assert_eq!(
            store.claim_key("teller", "k", &[2; 32], 7).await.unwrap(),
            Claim::Reused
        );
        // Another client's keys are its own.
        assert_eq!(
            store.claim_key("operator", "k", &[2; 32], 7).await.unwrap(),
            Claim::Perform
        );
    }
}
