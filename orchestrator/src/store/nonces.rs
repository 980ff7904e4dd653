//! Nonces of requests from other institutions: each is accepted once, also across a restart.
use protocol::{Member, Timestamp};

use super::{Store, StoreError};

impl Store {
    /// Remembers a nonce and says whether it is new. It is kept until `fresh_until`, after which its request would be
    /// refused as stale anyway; older ones are forgotten on the way.
    ///
    /// # Errors
    /// The database fails.
    pub async fn remember_nonce(
        &self,
        sender: Member,
        nonce: &str,
        fresh_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM peer_nonces WHERE fresh_until < ?")
            .bind(to_integer(now)?)
            .execute(&mut *transaction)
            .await?;
        let inserted = sqlx::query(
            "INSERT INTO peer_nonces (sender, nonce, fresh_until) VALUES (?, ?, ?) ON CONFLICT (sender, nonce) DO NOTHING",
        )
        .bind(i64::from(sender.0))
        .bind(nonce)
        .bind(to_integer(fresh_until)?)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(inserted.rows_affected() == 1)
    }
}

fn to_integer(time: Timestamp) -> Result<i64, StoreError> {
    i64::try_from(time).map_err(|_| StoreError::Corrupt {
        what: "time",
        why: format!("{time} milliseconds are beyond what SQLite counts"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_nonce_is_new_once_per_sender_while_it_is_fresh() {
        let store = Store::in_memory().await.unwrap();
        assert!(store.remember_nonce(Member(1), "n", 100, 50).await.unwrap());
        assert!(!store.remember_nonce(Member(1), "n", 100, 50).await.unwrap());
        assert!(!store.remember_nonce(Member(1), "n", 160, 100).await.unwrap());
        assert!(store.remember_nonce(Member(2), "n", 100, 100).await.unwrap());
        assert!(store.remember_nonce(Member(1), "n", 200, 101).await.unwrap());
    }

    #[tokio::test]
    async fn nonces_outlive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("quittance.sqlite");
        let store = Store::open(&path).await.unwrap();
        assert!(store.remember_nonce(Member(1), "n", 100, 50).await.unwrap());
        drop(store);
        let store = Store::open(&path).await.unwrap();
        assert!(!store.remember_nonce(Member(1), "n", 100, 50).await.unwrap());
    }
}
