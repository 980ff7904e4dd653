//! What counts against a policy's limits for a day, and the answers to those who asked for assistance (S0.4).
use protocol::{Amount, Member, Timestamp, VoucherId};
use serde::{de::DeserializeOwned, Serialize};
use sqlx::SqliteConnection;

use super::{
    payments::{day, time},
    users::{corrupt, sum},
    Store, StoreError,
};
use crate::settlement::policy::DayLimit;

impl Store {
    /// What this institution answered before, if it did.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn assistance<T: DeserializeOwned>(
        &self,
        id: VoucherId,
        asked_by: Member,
    ) -> Result<Option<T>, StoreError> {
        let answer: Option<String> =
            sqlx::query_scalar("SELECT answer FROM assistances WHERE voucher = ? AND asked_by = ?")
                .bind(id.to_string())
                .bind(asked_by.0)
                .fetch_optional(&self.pool)
                .await?;
        let read = |text: String| serde_json::from_str(&text).map_err(|error| corrupt("assistance", error));
        answer.map(read).transpose()
    }

    /// Keeps an answer, and counts the payment against limits for the day, if `limits` is not empty: both or nothing.
    /// Returns whether it stays within them. An answer that is there already stays.
    ///
    /// # Errors
    /// The database failed; nothing was stored.
    pub async fn keep_assistance<T: Serialize + Sync>(
        &self,
        (id, asked_by): (VoucherId, Member),
        answer: &T,
        sum: Amount,
        limits: &[DayLimit],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let answer = serde_json::to_string(answer).map_err(|error| corrupt("assistance", error))?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for limit in limits {
            if !count(&mut transaction, id, sum, at, limit).await? {
                return Ok(false);
            }
        }
        sqlx::query(
            "INSERT INTO assistances (voucher, asked_by, answer, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(id.to_string())
        .bind(asked_by.0)
        .bind(answer)
        .bind(time(at)?)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Counts a payment against a limit for the day. Returns whether it stays within: all of this is one transaction that
/// writes first, so that payments that come together can't exceed the limit together.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    id: VoucherId,
    amount: Amount,
    at: Timestamp,
    limit: &DayLimit,
) -> Result<bool, StoreError> {
    let day = day(at)?;
    sqlx::query("INSERT INTO policy_uses (voucher, scope, day, amount) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(id.to_string())
        .bind(&limit.scope)
        .bind(day)
        .bind(amount.to_string())
        .execute(&mut *connection)
        .await?;
    let amounts: Vec<String> = sqlx::query_scalar("SELECT amount FROM policy_uses WHERE scope = ? AND day = ?")
        .bind(&limit.scope)
        .bind(day)
        .fetch_all(connection)
        .await?;
    Ok(sum(&amounts)? <= limit.most)
}

/// What never came to be counts no more.
pub(super) async fn forget(connection: &mut SqliteConnection, id: VoucherId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM policy_uses WHERE voucher = ?")
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
