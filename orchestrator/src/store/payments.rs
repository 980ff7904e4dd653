//! Payments: state, evidence, history and the book entries that belong to a change of state.
use protocol::{settlement::Voucher, Amount, Member, RelationId, Timestamp, VoucherId};
use serde::{de::DeserializeOwned, Serialize};
use sqlx::{sqlite::SqliteRow, Row, SqliteConnection};

use super::{
    policy,
    users::{corrupt, find, held, set_balance, spent},
    webhooks::tell_of_payment,
    Store, StoreError,
};
use crate::{
    assets::AssetName,
    settlement::{assistance::ABOVE_TODAY, messages::RefusalCode, policy::DayLimit, state::State},
};

/// A payment's row.
#[derive(Clone, Debug)]
pub struct PaymentRow {
    /// Role and state.
    pub state: State,
    /// What is paid.
    pub voucher: Voucher,
    /// The relation on chain.
    pub relation: Option<RelationId>,
    /// The block that retained it.
    pub retained_in: Option<u32>,
    /// The window that it is settled in, once retained; `None`: by itself.
    pub window: Option<u32>,
    /// The block in which the last debtor paid.
    pub cleared_in: Option<u32>,
    /// When this institution first saw it.
    pub created_at: Timestamp,
}

/// One signed paper of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// What it is.
    pub kind: String,
    /// Who signed it, or to whom it went.
    pub member: Member,
    /// The registry's epoch of the signature; 0 where a paper is good in every epoch.
    pub epoch: u32,
    /// The paper.
    pub body: serde_json::Value,
}

impl Document {
    /// A paper to be kept.
    ///
    /// # Errors
    /// It can't be written as JSON.
    pub fn new<T: Serialize>(kind: &str, member: Member, epoch: u32, body: &T) -> Result<Self, StoreError> {
        Ok(Self {
            kind: kind.to_owned(),
            member,
            epoch,
            body: serde_json::to_value(body).map_err(|error| corrupt("document", error))?,
        })
    }

    /// Reads the paper.
    ///
    /// # Errors
    /// It is another kind of paper.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        serde_json::from_value(self.body.clone()).map_err(|error| corrupt("document", error))
    }
}

/// One line of a payment's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// The state reached.
    pub state: State,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// Why, for people.
    pub detail: String,
}

/// What changes together with a payment's state, in the same transaction: all of it or nothing.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Keeps a paper; one of that kind, member and epoch that is there already stays.
    Keep(Document),
    /// Sets the amount aside on the user's account.
    PlaceHold {
        /// Whose account.
        user: String,
    },
    /// Counts the amount for the day against a limit of the institution's policy.
    CountToday(DayLimit),
    /// Gives the amount on hold back to the user, and counts the payment no more.
    ReleaseHold,
    /// Books the amount on hold out of the user's account.
    Debit,
    /// Books the amount into the user's account.
    Credit {
        /// Whose account.
        user: String,
    },
    /// The originator delivers to the user.
    PayOut,
    /// The finalized chain holds the relation.
    Retained {
        /// Its id.
        relation: RelationId,
        /// In which block.
        block: u32,
        /// The window that it is settled in; `None`: by itself.
        window: Option<u32>,
    },
    /// Every debtor paid by this finalized block.
    Cleared {
        /// In which block.
        block: u32,
    },
}

/// A change of a payment's state.
#[derive(Clone, Copy, Debug)]
pub struct Advance<'a> {
    /// Where it has to be.
    pub from: State,
    /// Where it is then.
    pub to: State,
    /// Why, for people.
    pub detail: &'a str,
    /// When.
    pub at: Timestamp,
    /// What changes together with it.
    pub effects: &'a [Effect],
    /// A kind of paper that forbids the move when it is there.
    pub unless_kept: Option<&'a str>,
}

/// What became of a new payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Stored.
    New,
    /// The voucher, or another one for the same request, is here already.
    Existing(VoucherId),
    /// The user's account doesn't cover the hold; nothing was stored.
    NotCovered,
    /// The hold would bring the user above its limit for the day; nothing was stored.
    AboveDailyLimit,
    /// The payment would bring what was co-signed that day above a limit of the policy; nothing was stored.
    AbovePolicyLimit,
}

impl Opened {
    /// Why a hold wasn't placed.
    pub(crate) fn shortfall(&self) -> Option<(RefusalCode, &'static str)> {
        match self {
            Opened::New | Opened::Existing(_) => None,
            Opened::NotCovered => Some((
                RefusalCode::InsufficientFunds,
                "the user's account does not cover the amount",
            )),
            Opened::AboveDailyLimit => Some((
                RefusalCode::AboveDailyLimit,
                "with what was paid today, the amount is above the user's limit for a day",
            )),
            Opened::AbovePolicyLimit => Some((RefusalCode::AbovePolicyLimit, ABOVE_TODAY)),
        }
    }
}

/// What became of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Applied {
    Done,
    /// The user's account doesn't have what is to be booked or set aside.
    NotCovered,
    AboveDailyLimit,
    AbovePolicyLimit,
}

impl Store {
    /// The next voucher's number. It isn't given out again, whether the voucher is stored or not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn next_sequence(&self) -> Result<u64, StoreError> {
        let number: i64 = sqlx::query_scalar("UPDATE voucher_sequence SET next = next + 1 RETURNING next - 1")
            .fetch_one(&self.pool)
            .await?;
        u64::try_from(number).map_err(|error| StoreError::Corrupt {
            what: "voucher sequence",
            why: error.to_string(),
        })
    }

    /// Stores a new payment with everything that belongs to its first state.
    ///
    /// # Errors
    /// The database failed; nothing was stored.
    pub async fn open_payment(
        &self,
        voucher: &Voucher,
        request: Option<[u8; 32]>,
        state: State,
        detail: &str,
        at: Timestamp,
        effects: &[Effect],
    ) -> Result<Opened, StoreError> {
        let id = voucher.id();
        let request = request.map(|digest| protocol::text::to_hex(&digest));
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let existing: Option<String> =
            sqlx::query_scalar("SELECT voucher FROM payments WHERE voucher = ?1 OR request = ?2")
                .bind(id.to_string())
                .bind(&request)
                .fetch_optional(&mut *transaction)
                .await?;
        if let Some(existing) = existing {
            return Ok(Opened::Existing(parse_id(&existing)?));
        }
        sqlx::query(
            "INSERT INTO payments (voucher, role, state, finished, request, body, created_at, asset, user) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id.to_string())
        .bind(state.role().as_str())
        .bind(state.to_string())
        .bind(state.is_final())
        .bind(request)
        .bind(serde_json::to_string(voucher).map_err(|error| corrupt("voucher", error))?)
        .bind(time(at)?)
        .bind(AssetName(voucher.asset).to_string())
        .bind(voucher.user.to_string())
        .execute(&mut *transaction)
        .await?;
        for party in voucher.parties() {
            sqlx::query("INSERT INTO payment_parties (member, voucher) VALUES (?, ?)")
                .bind(party.0)
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await?;
        }
        note(&mut transaction, id, state, at, detail).await?;
        for effect in effects {
            match apply(&mut transaction, id, voucher.amount, at, effect).await? {
                Applied::Done => {}
                Applied::NotCovered => return Ok(Opened::NotCovered),
                Applied::AboveDailyLimit => return Ok(Opened::AboveDailyLimit),
                Applied::AbovePolicyLimit => return Ok(Opened::AbovePolicyLimit),
            }
        }
        tell_of_payment(&mut transaction, voucher, state, at, detail).await?;
        transaction.commit().await?;
        Ok(Opened::New)
    }

    /// Moves a payment from one state to the next with everything that belongs to it.
    ///
    /// Returns whether it moved: false means that it wasn't in `from` any more or that the paper which forbids the
    /// move is there, and nothing changed.
    ///
    /// # Errors
    /// The database failed, or the user's account doesn't have what is to be booked; nothing changed.
    pub async fn advance_payment(&self, voucher: &Voucher, advance: &Advance<'_>) -> Result<bool, StoreError> {
        let id = voucher.id();
        let Advance {
            from,
            to,
            detail,
            at,
            effects,
            unless_kept,
        } = *advance;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let moved = sqlx::query(
            "UPDATE payments SET state = ?1, finished = ?2 WHERE voucher = ?3 AND state = ?4 AND NOT EXISTS \
             (SELECT 1 FROM payment_documents WHERE voucher = ?3 AND kind = ?5)",
        )
        .bind(to.to_string())
        .bind(to.is_final())
        .bind(id.to_string())
        .bind(from.to_string())
        .bind(unless_kept)
        .execute(&mut *transaction)
        .await?;
        if moved.rows_affected() != 1 {
            return Ok(false);
        }
        note(&mut transaction, id, to, at, detail).await?;
        for effect in effects {
            if apply(&mut transaction, id, voucher.amount, at, effect).await? != Applied::Done {
                return Err(corrupt("account", "it doesn't hold what is to be booked"));
            }
        }
        tell_of_payment(&mut transaction, voucher, to, at, detail).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Keeps a paper while the payment is in one of these states and returns the one that counts: the first one kept.
    /// `None`: the payment is in another state, and nothing was kept.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_document(
        &self,
        id: VoucherId,
        states: &[State],
        document: &Document,
    ) -> Result<Option<Document>, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let state: Option<String> = sqlx::query_scalar("SELECT state FROM payments WHERE voucher = ?")
            .bind(id.to_string())
            .fetch_optional(&mut *transaction)
            .await?;
        let permitted = |state: String| states.iter().any(|permitted| permitted.to_string() == state);
        if !state.is_some_and(permitted) {
            return Ok(None);
        }
        insert_document(&mut transaction, id, document).await?;
        let row =
            sqlx::query("SELECT * FROM payment_documents WHERE voucher = ? AND kind = ? AND member = ? AND epoch = ?")
                .bind(id.to_string())
                .bind(&document.kind)
                .bind(document.member.0)
                .bind(document.epoch)
                .fetch_one(&mut *transaction)
                .await?;
        let kept = document_from(&row)?;
        transaction.commit().await?;
        Ok(Some(kept))
    }

    /// One payment.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn payment(&self, id: VoucherId) -> Result<Option<PaymentRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM payments WHERE voucher = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(payment_from).transpose()
    }

    /// The voucher that a user's request led to.
    ///
    /// # Errors
    /// As [`Store::payment`].
    pub async fn payment_for(&self, request: [u8; 32]) -> Result<Option<VoucherId>, StoreError> {
        let id: Option<String> = sqlx::query_scalar("SELECT voucher FROM payments WHERE request = ?")
            .bind(protocol::text::to_hex(&request))
            .fetch_optional(&self.pool)
            .await?;
        id.as_deref().map(parse_id).transpose()
    }

    /// What has to be resumed after a restart.
    ///
    /// # Errors
    /// As [`Store::payment`].
    pub async fn unfinished_payments(&self) -> Result<Vec<VoucherId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar("SELECT voucher FROM payments WHERE finished = 0")
            .fetch_all(&self.pool)
            .await?;
        ids.iter().map(|id| parse_id(id)).collect()
    }

    /// A payment's papers, by kind, member and epoch.
    ///
    /// # Errors
    /// As [`Store::payment`].
    pub async fn documents(&self, id: VoucherId) -> Result<Vec<Document>, StoreError> {
        let rows = sqlx::query("SELECT * FROM payment_documents WHERE voucher = ? ORDER BY kind, member, epoch")
            .bind(id.to_string())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(document_from).collect()
    }

    /// A payment's history, oldest first.
    ///
    /// # Errors
    /// As [`Store::payment`].
    pub async fn history(&self, id: VoucherId) -> Result<Vec<HistoryLine>, StoreError> {
        let rows = sqlx::query("SELECT state, at, detail FROM payment_history WHERE voucher = ? ORDER BY number")
            .bind(id.to_string())
            .fetch_all(&self.pool)
            .await?;
        let line = |row: &SqliteRow| {
            Ok(HistoryLine {
                state: state(row)?,
                at: timestamp(row.try_get("at")?)?,
                detail: row.try_get("detail")?,
            })
        };
        rows.iter().map(line).collect()
    }

    /// When the originator delivered to the user, if it did.
    ///
    /// # Errors
    /// As [`Store::payment`].
    pub async fn paid_out_at(&self, id: VoucherId) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> = sqlx::query_scalar("SELECT at FROM payouts WHERE voucher = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        at.map(timestamp).transpose()
    }
}

async fn apply(
    connection: &mut SqliteConnection,
    id: VoucherId,
    sum: Amount,
    at: Timestamp,
    effect: &Effect,
) -> Result<Applied, StoreError> {
    match effect {
        Effect::Keep(document) => insert_document(connection, id, document).await?,
        Effect::PlaceHold { user } => return place_hold(connection, id, sum, at, user).await,
        Effect::CountToday(limit) => {
            if !policy::count(connection, id, sum, at, limit).await? {
                return Ok(Applied::AbovePolicyLimit);
            }
        }
        Effect::ReleaseHold => {
            end_hold(connection, id, "released").await?;
            policy::forget(connection, id).await?;
        }
        Effect::Debit => {
            // Nothing on hold means that the money was given back or booked before: a person has to look.
            return match end_hold(connection, id, "debited").await? {
                Some(user) => book(connection, id, &user, "debit", sum, at).await,
                None => Ok(Applied::NotCovered),
            };
        }
        Effect::Credit { user } => return book(connection, id, user, "credit", sum, at).await,
        Effect::PayOut => {
            sqlx::query("INSERT INTO payouts (voucher, amount, at) VALUES (?, ?, ?)")
                .bind(id.to_string())
                .bind(sum.to_string())
                .bind(time(at)?)
                .execute(connection)
                .await?;
        }
        Effect::Retained {
            relation,
            block,
            window,
        } => {
            sqlx::query("UPDATE payments SET relation = ?, retained_in = ?, window = ? WHERE voucher = ?")
                .bind(relation.to_string())
                .bind(block)
                .bind(window)
                .bind(id.to_string())
                .execute(connection)
                .await?;
        }
        Effect::Cleared { block } => {
            sqlx::query("UPDATE payments SET cleared_in = ? WHERE voucher = ?")
                .bind(block)
                .bind(id.to_string())
                .execute(connection)
                .await?;
        }
    }
    Ok(Applied::Done)
}

/// Sets the amount aside, and counts it for the day: all of this is one transaction that writes first, so that payments
/// that come together can't exceed balance or limit together.
async fn place_hold(
    connection: &mut SqliteConnection,
    id: VoucherId,
    sum: Amount,
    at: Timestamp,
    user: &str,
) -> Result<Applied, StoreError> {
    let Some(account) = find(connection, user).await? else {
        return Ok(Applied::NotCovered);
    };
    let free = account.balance.saturating_sub(held(connection, user).await?);
    if free < sum {
        return Ok(Applied::NotCovered);
    }
    let day = day(at)?;
    if let Some(limit) = account.daily_limit {
        let today = spent(connection, user, day).await?.checked_add(sum);
        if today.is_none_or(|today| today > limit) {
            return Ok(Applied::AboveDailyLimit);
        }
    }
    sqlx::query("INSERT INTO holds (voucher, user, amount, state, day) VALUES (?, ?, ?, 'placed', ?)")
        .bind(id.to_string())
        .bind(user)
        .bind(sum.to_string())
        .bind(day)
        .execute(connection)
        .await?;
    Ok(Applied::Done)
}

/// Returns the user whose hold it was; `None` when there is no hold to end.
async fn end_hold(connection: &mut SqliteConnection, id: VoucherId, to: &str) -> Result<Option<String>, StoreError> {
    let query = "UPDATE holds SET state = ? WHERE voucher = ? AND state = 'placed' RETURNING user";
    let user = sqlx::query_scalar(query).bind(to).bind(id.to_string());
    Ok(user.fetch_optional(connection).await?)
}

async fn book(
    connection: &mut SqliteConnection,
    id: VoucherId,
    user: &str,
    direction: &str,
    sum: Amount,
    at: Timestamp,
) -> Result<Applied, StoreError> {
    let Some(account) = find(connection, user).await? else {
        return Ok(Applied::NotCovered);
    };
    let balance = match direction {
        "debit" => account.balance.checked_sub(sum),
        _ => account.balance.checked_add(sum),
    };
    let Some(balance) = balance else {
        return Ok(Applied::NotCovered);
    };
    sqlx::query("INSERT INTO account_entries (voucher, user, direction, amount, at) VALUES (?, ?, ?, ?, ?)")
        .bind(id.to_string())
        .bind(user)
        .bind(direction)
        .bind(sum.to_string())
        .bind(time(at)?)
        .execute(&mut *connection)
        .await?;
    set_balance(connection, user, balance).await?;
    Ok(Applied::Done)
}

async fn insert_document(
    connection: &mut SqliteConnection,
    id: VoucherId,
    document: &Document,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO payment_documents (voucher, kind, member, epoch, body) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT DO NOTHING",
    )
    .bind(id.to_string())
    .bind(&document.kind)
    .bind(document.member.0)
    .bind(document.epoch)
    .bind(document.body.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

async fn note(
    connection: &mut SqliteConnection,
    id: VoucherId,
    state: State,
    at: Timestamp,
    detail: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO payment_history (voucher, state, at, detail) VALUES (?, ?, ?, ?)")
        .bind(id.to_string())
        .bind(state.to_string())
        .bind(time(at)?)
        .bind(detail)
        .execute(connection)
        .await?;
    Ok(())
}

fn payment_from(row: &SqliteRow) -> Result<PaymentRow, StoreError> {
    let body: String = row.try_get("body")?;
    let relation: Option<String> = row.try_get("relation")?;
    let parse = |text: String| text.parse().map_err(|error| corrupt("relation id", error));
    Ok(PaymentRow {
        state: state(row)?,
        voucher: serde_json::from_str(&body).map_err(|error| corrupt("voucher", error))?,
        relation: relation.map(parse).transpose()?,
        retained_in: row.try_get("retained_in")?,
        window: row.try_get("window")?,
        cleared_in: row.try_get("cleared_in")?,
        created_at: timestamp(row.try_get("created_at")?)?,
    })
}

fn document_from(row: &SqliteRow) -> Result<Document, StoreError> {
    let body: String = row.try_get("body")?;
    Ok(Document {
        kind: row.try_get("kind")?,
        member: Member(row.try_get("member")?),
        epoch: row.try_get("epoch")?,
        body: serde_json::from_str(&body).map_err(|error| corrupt("document", error))?,
    })
}

fn state(row: &SqliteRow) -> Result<State, StoreError> {
    let text: String = row.try_get("state")?;
    text.parse().map_err(|error| corrupt("state", error))
}

pub(super) fn parse_id(text: &str) -> Result<VoucherId, StoreError> {
    text.parse().map_err(|error| corrupt("voucher id", error))
}

pub(super) fn time(at: Timestamp) -> Result<i64, StoreError> {
    i64::try_from(at).map_err(|error| corrupt("time", error))
}

/// The day of UTC that a time is in, by this institution's clock. Not by the voucher's `issued_at`: the originator writes
/// that, and one that writes other days would let its users exceed every limit.
pub(super) fn day(at: Timestamp) -> Result<i64, StoreError> {
    const MILLISECONDS: Timestamp = 24 * 60 * 60 * 1_000;
    time(at.checked_div(MILLISECONDS).unwrap_or_default())
}

fn timestamp(stored: i64) -> Result<Timestamp, StoreError> {
    u64::try_from(stored).map_err(|error| corrupt("time", error))
}

#[cfg(test)]
impl Store {
    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        let query = format!("SELECT COUNT(*) FROM {table}");
        sqlx::query_scalar(&query).fetch_one(&self.pool).await.expect("counts")
    }
}
