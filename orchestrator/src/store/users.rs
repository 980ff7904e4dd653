//! The home institution's users and what is on hold on their accounts.
use protocol::{AccountId, Amount};
use serde::{Deserialize, Serialize};
use sqlx::{sqlite::SqliteRow, Row, SqliteConnection};

use super::{Store, StoreError};

/// A user of this institution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The number that the institution knows it by.
    pub number: String,
    /// The sr25519 key that signs its requests.
    #[serde(with = "protocol::text::bytes")]
    pub public_key: [u8; 32],
    /// Where its assets are.
    #[serde(with = "protocol::text::account")]
    pub wallet: AccountId,
    /// What is on its account, holds included, in the asset's smallest unit. Given when the user is new; from then
    /// on only payments move it.
    #[serde(with = "protocol::text::amount")]
    pub balance: Amount,
    /// The most that one transaction may move.
    #[serde(with = "protocol::text::amount")]
    pub limit: Amount,
    /// Whether all its requests are refused.
    pub blocked: bool,
}

impl Store {
    /// Adds a user, or changes everything of a user but its balance: a balance written from outside would undo
    /// payments that were booked since it was read.
    ///
    /// # Errors
    /// The database failed.
    pub async fn put_user(&self, user: &User) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO users (number, public_key, wallet, balance, ceiling, blocked) VALUES (?, ?, ?, ?, ?, ?) \
             ON CONFLICT (number) DO UPDATE SET public_key = excluded.public_key, wallet = excluded.wallet, \
             ceiling = excluded.ceiling, blocked = excluded.blocked",
        )
        .bind(&user.number)
        .bind(protocol::text::to_hex(&user.public_key))
        .bind(protocol::text::to_hex(&user.wallet.0))
        .bind(user.balance.to_string())
        .bind(user.limit.to_string())
        .bind(user.blocked)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The user with this number.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn user(&self, number: &str) -> Result<Option<User>, StoreError> {
        find(&mut *self.pool.acquire().await?, number).await
    }

    /// All users, by number.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let rows = sqlx::query("SELECT * FROM users ORDER BY number")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(from_row).collect()
    }

    /// What of a user's balance is set aside for payments under way.
    ///
    /// # Errors
    /// As [`Store::user`].
    pub async fn held(&self, number: &str) -> Result<Amount, StoreError> {
        held(&mut *self.pool.acquire().await?, number).await
    }
}

pub(super) async fn find(connection: &mut SqliteConnection, number: &str) -> Result<Option<User>, StoreError> {
    let row = sqlx::query("SELECT * FROM users WHERE number = ?").bind(number);
    row.fetch_optional(connection).await?.as_ref().map(from_row).transpose()
}

pub(super) async fn held(connection: &mut SqliteConnection, number: &str) -> Result<Amount, StoreError> {
    let amounts: Vec<String> = sqlx::query_scalar("SELECT amount FROM holds WHERE user = ? AND state = 'placed'")
        .bind(number)
        .fetch_all(connection)
        .await?;
    amounts.iter().try_fold(0, |sum: Amount, text| {
        let amount = amount(text)?;
        sum.checked_add(amount)
            .ok_or_else(|| corrupt("sum of holds", "it overflows"))
    })
}

pub(super) async fn set_balance(connection: &mut SqliteConnection, number: &str, to: Amount) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET balance = ? WHERE number = ?")
        .bind(to.to_string())
        .bind(number)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn amount(text: &str) -> Result<Amount, StoreError> {
    text.parse().map_err(|error| corrupt("amount", error))
}

pub(super) fn corrupt(what: &'static str, why: impl ToString) -> StoreError {
    StoreError::Corrupt {
        what,
        why: why.to_string(),
    }
}

fn from_row(row: &SqliteRow) -> Result<User, StoreError> {
    let bytes = |column| -> Result<[u8; 32], StoreError> {
        let text: String = row.try_get(column)?;
        protocol::text::from_hex(&text).map_err(|error| corrupt("user", error))
    };
    Ok(User {
        number: row.try_get("number")?,
        public_key: bytes("public_key")?,
        wallet: AccountId(bytes("wallet")?),
        balance: amount(row.try_get("balance")?)?,
        limit: amount(row.try_get("ceiling")?)?,
        blocked: row.try_get("blocked")?,
    })
}
