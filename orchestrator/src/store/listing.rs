//! Lists by what people look for.
use protocol::{settlement::Asset, Amount, Member, RelationId, Timestamp, UserId, VoucherId};

use super::{
    payments::{day, parse_id, time},
    users::{from_row, spent, User},
    Page, Store, StoreError,
};
use crate::{assets::AssetName, settlement::Role};

/// Which payments: those for which all of it holds that is said.
#[derive(Clone, Debug, Default)]
pub struct PaymentFilter {
    /// What this institution is in it.
    pub role: Option<Role>,
    /// How far it is: a state's name, whatever the role.
    pub state: Option<String>,
    /// An institution that is a party to it.
    pub counterparty: Option<Member>,
    /// What is paid.
    pub asset: Option<Asset>,
    /// Who pays, or is given back.
    pub user: Option<UserId>,
    /// The window that it is settled in.
    pub window: Option<u32>,
    /// First seen here at or after.
    pub from: Option<Timestamp>,
    /// First seen here before.
    pub to: Option<Timestamp>,
    /// Whether only those count that have a relation on chain.
    pub retained: bool,
}

/// Which users.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserFilter {
    /// Whether they are blocked.
    pub blocked: Option<bool>,
}

/// What a user may move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserLimit {
    /// Whose limits.
    pub user: User,
    /// What was taken from its account today, or is set aside since.
    pub spent_today: Amount,
}

impl Store {
    /// The payments that a filter lets through, newest first.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn payments(&self, filter: &PaymentFilter, page: &Page) -> Result<Vec<VoucherId>, StoreError> {
        let (at, id) = page.bound()?;
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT voucher FROM payments WHERE (created_at, voucher) < (?1, ?2) \
             AND (?3 IS NULL OR role = ?3) \
             AND (?4 IS NULL OR state = role || '.' || ?4) \
             AND (?5 IS NULL OR EXISTS (SELECT 1 FROM payment_parties AS party \
                                        WHERE party.voucher = payments.voucher AND party.member = ?5)) \
             AND (?6 IS NULL OR asset = ?6) \
             AND (?7 IS NULL OR user = ?7) \
             AND (?8 IS NULL OR window = ?8) \
             AND (?9 IS NULL OR created_at >= ?9) \
             AND (?10 IS NULL OR created_at < ?10) \
             AND (NOT ?11 OR relation IS NOT NULL) \
             ORDER BY created_at DESC, voucher DESC LIMIT ?12",
        )
        .bind(at)
        .bind(id)
        .bind(filter.role.map(Role::as_str))
        .bind(&filter.state)
        .bind(filter.counterparty.map(|member| member.0))
        .bind(filter.asset.map(|asset| AssetName(asset).to_string()))
        .bind(filter.user.map(|user| user.to_string()))
        .bind(filter.window)
        .bind(filter.from.map(time).transpose()?)
        .bind(filter.to.map(time).transpose()?)
        .bind(filter.retained)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        ids.iter().map(|id| parse_id(id)).collect()
    }

    /// The voucher that a clearing relation follows from.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn voucher_of(&self, relation: RelationId) -> Result<Option<VoucherId>, StoreError> {
        let id: Option<String> = sqlx::query_scalar("SELECT voucher FROM payments WHERE relation = ?")
            .bind(relation.to_string())
            .fetch_optional(&self.pool)
            .await?;
        id.map(|id| parse_id(&id)).transpose()
    }

    /// Users and what they moved on the day of `now`: by number, those after `after`.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn user_limits(
        &self,
        filter: &UserFilter,
        after: &str,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<UserLimit>, StoreError> {
        let day = day(now)?;
        let mut connection = self.pool.acquire().await?;
        let rows = sqlx::query(
            "SELECT * FROM users WHERE number > ?1 AND (?2 IS NULL OR blocked = ?2) ORDER BY number LIMIT ?3",
        )
        .bind(after)
        .bind(filter.blocked)
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
        let mut limits = Vec::with_capacity(rows.len());
        for row in &rows {
            let user = from_row(row)?;
            let spent_today = spent(&mut connection, &user.number, day).await?;
            limits.push(UserLimit { user, spent_today });
        }
        Ok(limits)
    }
}
