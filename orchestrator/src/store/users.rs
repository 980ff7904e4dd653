//! The home institution's users and what is on hold on their accounts.
use protocol::{fees::Service, AccountId, Amount};
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
    /// The most that may be taken from its account in a day; a day is one of UTC.
    #[serde(default, with = "protocol::text::optional_amount")]
    pub daily_limit: Option<Amount>,
    /// The kinds of payments that it may use; all of them if it isn't said.
    #[serde(default)]
    pub services: Option<Vec<Service>>,
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
        let services = user.services.as_ref().map(serde_json::to_string).transpose();
        sqlx::query(
            "INSERT INTO users (number, public_key, wallet, balance, ceiling, blocked, daily_ceiling, services) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (number) DO UPDATE SET public_key = excluded.public_key, wallet = excluded.wallet, \
             ceiling = excluded.ceiling, blocked = excluded.blocked, daily_ceiling = excluded.daily_ceiling, \
             services = excluded.services",
        )
        .bind(&user.number)
        .bind(protocol::text::to_hex(&user.public_key))
        .bind(protocol::text::to_hex(&user.wallet.0))
        .bind(user.balance.to_string())
        .bind(user.limit.to_string())
        .bind(user.blocked)
        .bind(user.daily_limit.map(|limit| limit.to_string()))
        .bind(services.map_err(|error| corrupt("user", error))?)
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
    sum(&amounts)
}

/// What was taken from a user's account on a day, or is set aside since: what was given back doesn't count.
pub(super) async fn spent(connection: &mut SqliteConnection, number: &str, day: i64) -> Result<Amount, StoreError> {
    let query = "SELECT amount FROM holds WHERE user = ? AND day = ? AND state <> 'released'";
    let amounts: Vec<String> = sqlx::query_scalar(query)
        .bind(number)
        .bind(day)
        .fetch_all(connection)
        .await?;
    sum(&amounts)
}

pub(super) fn sum(amounts: &[String]) -> Result<Amount, StoreError> {
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

pub(super) fn from_row(row: &SqliteRow) -> Result<User, StoreError> {
    let bytes = |column| -> Result<[u8; 32], StoreError> {
        let text: String = row.try_get(column)?;
        protocol::text::from_hex(&text).map_err(|error| corrupt("user", error))
    };
    let daily: Option<String> = row.try_get("daily_ceiling")?;
    let services: Option<String> = row.try_get("services")?;
    let services = services.as_deref().map(serde_json::from_str).transpose();
    Ok(User {
        number: row.try_get("number")?,
        public_key: bytes("public_key")?,
        wallet: AccountId(bytes("wallet")?),
        balance: amount(row.try_get("balance")?)?,
        limit: amount(row.try_get("ceiling")?)?,
        daily_limit: daily.as_deref().map(amount).transpose()?,
        services: services.map_err(|error| corrupt("user", error))?,
        blocked: row.try_get("blocked")?,
    })
}
