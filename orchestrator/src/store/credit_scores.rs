//! The evidence of limits that a credit node set (S1.8).
use protocol::text::to_hex;

use super::{users::corrupt, Store, StoreError};
use crate::credit::score::Evidence;

impl Store {
    /// Keeps what a wish sets a limit from. A wish that has evidence already keeps that.
    ///
    /// # Errors
    /// The database failed; nothing was stored.
    pub async fn keep_credit_score(&self, key: &str, evidence: &Evidence) -> Result<(), StoreError> {
        let digest = to_hex(&evidence.digest());
        let document = serde_json::to_string(evidence).map_err(|error| corrupt("credit score", error))?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO credit_scores (digest, evidence) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(&digest)
            .bind(document)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO credit_score_wishes (key, digest) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(key)
            .bind(&digest)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What a wish sets its limit from, if that was computed.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn credit_score_of(&self, key: &str) -> Result<Option<Evidence>, StoreError> {
        let query = "SELECT evidence FROM credit_scores NATURAL JOIN credit_score_wishes WHERE key = ?";
        self.evidence(query, key).await
    }

    /// The evidence with this digest.
    ///
    /// # Errors
    /// As [`Store::credit_score_of`].
    pub async fn credit_score(&self, digest: [u8; 32]) -> Result<Option<Evidence>, StoreError> {
        let query = "SELECT evidence FROM credit_scores WHERE digest = ?";
        self.evidence(query, &to_hex(&digest)).await
    }

    async fn evidence(&self, query: &'static str, by: &str) -> Result<Option<Evidence>, StoreError> {
        let found: Option<String> = sqlx::query_scalar(query).bind(by).fetch_optional(&self.pool).await?;
        let read = |text: String| serde_json::from_str(&text).map_err(|error| corrupt("credit score", error));
        found.map(read).transpose()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::credit::score::tests::evidence;

    #[tokio::test]
    async fn a_wish_keeps_its_first_evidence_and_two_may_have_the_same() {
        let store = Store::in_memory().await.unwrap();
        let (first, mut second) = (evidence(), evidence());
        second.block.number += 1;
        assert_eq!(store.credit_score_of("a").await.unwrap(), None);
        for (key, evidence) in [("a", &first), ("a", &second), ("b", &first)] {
            store.keep_credit_score(key, evidence).await.unwrap();
        }
        for key in ["a", "b"] {
            assert_eq!(store.credit_score_of(key).await.unwrap(), Some(first));
        }
        assert_eq!(store.credit_score(first.digest()).await.unwrap(), Some(first));
        assert_eq!(store.credit_score([0; 32]).await.unwrap(), None);
    }
}
