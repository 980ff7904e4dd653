//! What endpoints are told, and the log of telling them.
use protocol::{settlement::Voucher, Timestamp, VoucherId};
use serde_json::{json, Value};
use sqlx::{sqlite::SqliteRow, Row, SqliteConnection};
use uuid::Uuid;

use super::{payments::time, users::corrupt, Store, StoreError};
use crate::{assets::AssetName, settlement::state::State};

/// Something happened.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// `payment.cleared`, `window.short`…
    pub kind: &'static str,
    /// What it is about: events of one subject are delivered in order.
    pub subject: String,
    /// What is told.
    pub data: Value,
    /// The finalized block that it comes from.
    pub origin: Option<Origin>,
}

/// Where on the chain an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The block's number.
    pub block: u32,
    /// The block's hash, and the place among all its events; `None` as long as that isn't looked up.
    pub found: Option<([u8; 32], u32)>,
}

/// An event whose place on the chain isn't known yet.
#[derive(Clone, Debug)]
pub struct Unlocated {
    /// The event's number here.
    pub number: i64,
    /// What happened.
    pub kind: String,
    /// To what.
    pub subject: String,
    /// In which finalized block.
    pub block: u32,
    /// The window that it may come from.
    pub window: Option<u32>,
    /// When it happened here.
    pub at: Timestamp,
}

/// A delivery that is due.
#[derive(Clone, Debug)]
pub struct Due {
    /// Its number in the log.
    pub number: i64,
    /// The event's id, the same each time.
    pub id: String,
    /// What happened.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// What is told.
    pub data: Value,
    /// Attempts so far.
    pub attempts: u32,
    /// When to give up.
    pub give_up_at: Timestamp,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint has it.
    Delivered {
        /// Its answer's status.
        status: u16,
    },
    /// It hasn't, and is told again at this time.
    Again {
        /// When.
        due_at: Timestamp,
        /// Its answer's status, if there was one.
        status: Option<u16>,
        /// What is wrong.
        problem: String,
    },
    /// It hasn't, and isn't told again by itself.
    GivenUp {
        /// Its answer's status, if there was one.
        status: Option<u16>,
        /// What is wrong.
        problem: String,
    },
}

/// A line of the delivery log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its number.
    pub number: i64,
    /// The event's id.
    pub event: String,
    /// What happened.
    pub kind: String,
    /// To what.
    pub subject: String,
    /// Who is told.
    pub endpoint: String,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// The latest answer's status.
    pub status: Option<u16>,
    /// Why the latest attempt failed.
    pub problem: Option<String>,
    /// When it is tried next, while it is pending.
    pub due_at: Option<Timestamp>,
    /// When it was delivered or given up.
    pub finished_at: Option<Timestamp>,
    /// When it was entered.
    pub created_at: Timestamp,
}

/// Which deliveries.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// To this endpoint.
    pub endpoint: Option<String>,
    /// `pending`, `delivered` or `failed`.
    pub state: Option<String>,
    /// Of this kind of event.
    pub kind: Option<String>,
    /// About this payment, window or cap.
    pub subject: Option<String>,
    /// Entered at or after.
    pub from: Option<Timestamp>,
    /// Entered before.
    pub to: Option<Timestamp>,
}

impl Store {
    /// Says who is told from now on. Who wasn't told before begins with what happens next; what is pending for somebody who
    /// isn't told any more is given up.
    ///
    /// # Errors
    /// The database failed.
    pub async fn set_webhook_endpoints(&self, names: &[String], now: Timestamp) -> Result<(), StoreError> {
        let listed = serde_json::to_string(names).map_err(|error| corrupt("endpoint", error))?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM webhook_endpoints WHERE name NOT IN (SELECT value FROM json_each(?))")
            .bind(&listed)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "UPDATE webhook_deliveries SET state = 'failed', finished_at = ?1, problem = 'the endpoint is not configured any more' \
             WHERE state = 'pending' AND endpoint NOT IN (SELECT value FROM json_each(?2))",
        )
        .bind(time(now)?)
        .bind(&listed)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO webhook_endpoints (name, seen) \
             SELECT value, (SELECT COALESCE(MAX(number), 0) FROM webhook_events) FROM json_each(?) WHERE true \
             ON CONFLICT DO NOTHING",
        )
        .bind(&listed)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Writes down what happened, if anybody is told.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tell(&self, at: Timestamp, event: &NewEvent) -> Result<(), StoreError> {
        insert(&mut *self.pool.acquire().await?, at, event).await
    }

    /// Writes down what happened up to a block, and that it was looked at: both or nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tell_of_blocks(&self, until: u32, at: Timestamp, events: &[NewEvent]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for event in events {
            insert(&mut transaction, at, event).await?;
        }
        sqlx::query(
            "INSERT INTO webhook_journal (one, block) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET block = excluded.block",
        )
        .bind(until)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The latest block that was looked at.
    ///
    /// # Errors
    /// The database failed.
    pub async fn told_until(&self) -> Result<Option<u32>, StoreError> {
        Ok(sqlx::query_scalar("SELECT block FROM webhook_journal")
            .fetch_optional(&self.pool)
            .await?)
    }

    /// The oldest event whose place on the chain has to be looked up.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn unlocated_event(&self) -> Result<Option<Unlocated>, StoreError> {
        let row = sqlx::query(
            "SELECT event.number, event.kind, event.subject, event.at, event.block, payment.window FROM webhook_events AS event \
             LEFT JOIN payments AS payment ON payment.voucher = event.subject \
             WHERE event.located = 0 ORDER BY event.number LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        let read = |row: SqliteRow| -> Result<Unlocated, StoreError> {
            Ok(Unlocated {
                number: row.try_get("number")?,
                kind: row.try_get("kind")?,
                subject: row.try_get("subject")?,
                block: row.try_get("block")?,
                window: row.try_get("window")?,
                at: moment(row.try_get("at")?)?,
            })
        };
        row.map(read).transpose()
    }

    /// Says where on the chain an event stands, as far as that can be found.
    ///
    /// # Errors
    /// The database failed.
    pub async fn locate_event(
        &self,
        number: i64,
        hash: Option<[u8; 32]>,
        place: Option<u32>,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE webhook_events SET block_hash = ?, place = ?, located = 1 WHERE number = ?")
            .bind(hash.map(|hash| protocol::text::to_hex(&hash)))
            .bind(place)
            .bind(number)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Enters into an endpoint's log what happened since, as far as its place on the chain is known.
    ///
    /// # Errors
    /// The database failed.
    pub async fn enter_deliveries(
        &self,
        endpoint: &str,
        now: Timestamp,
        give_up_at: Timestamp,
    ) -> Result<(), StoreError> {
        let news: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM webhook_endpoints AS place JOIN webhook_events AS event \
             ON event.number > place.seen WHERE place.name = ?)",
        )
        .bind(endpoint)
        .fetch_one(&self.pool)
        .await?;
        if !news {
            return Ok(());
        }
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let until: i64 = sqlx::query_scalar(
            "SELECT COALESCE((SELECT MIN(number) - 1 FROM webhook_events WHERE located = 0), \
             (SELECT MAX(number) FROM webhook_events), 0)",
        )
        .fetch_one(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO webhook_deliveries (event, endpoint, subject, state, created_at, due_at, give_up_at) \
             SELECT event.number, place.name, event.subject, 'pending', ?3, ?3, ?4 \
             FROM webhook_endpoints AS place JOIN webhook_events AS event ON event.number > place.seen \
             WHERE place.name = ?1 AND event.number <= ?2 ORDER BY event.number",
        )
        .bind(endpoint)
        .bind(until)
        .bind(time(now)?)
        .bind(time(give_up_at)?)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("UPDATE webhook_endpoints SET seen = MAX(seen, ?) WHERE name = ?")
            .bind(until)
            .bind(endpoint)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What an endpoint is to be told now: of each subject the first that it doesn't have.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn due_deliveries(&self, endpoint: &str, now: Timestamp, limit: u32) -> Result<Vec<Due>, StoreError> {
        let rows = sqlx::query(
            "SELECT delivery.number, delivery.attempts, delivery.give_up_at, event.id, event.kind, event.at, event.data, \
             event.block, event.block_hash, event.place \
             FROM webhook_deliveries AS delivery JOIN webhook_events AS event ON event.number = delivery.event \
             WHERE delivery.endpoint = ?1 AND delivery.state = 'pending' AND delivery.due_at <= ?2 AND NOT EXISTS \
             (SELECT 1 FROM webhook_deliveries AS earlier WHERE earlier.endpoint = ?1 AND earlier.state = 'pending' \
              AND earlier.subject = delivery.subject AND earlier.event < delivery.event) \
             ORDER BY delivery.due_at, delivery.event LIMIT ?3",
        )
        .bind(endpoint)
        .bind(time(now)?)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(due_from).collect()
    }

    /// Enters what became of an attempt.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_delivery(&self, number: i64, now: Timestamp, outcome: &Outcome) -> Result<(), StoreError> {
        let (state, due_at, status, problem) = match outcome {
            Outcome::Delivered { status } => ("delivered", None, Some(*status), None),
            Outcome::Again {
                due_at,
                status,
                problem,
            } => ("pending", Some(time(*due_at)?), *status, Some(problem)),
            Outcome::GivenUp { status, problem } => ("failed", None, *status, Some(problem)),
        };
        let finished_at = (state != "pending").then(|| time(now)).transpose()?;
        sqlx::query(
            "UPDATE webhook_deliveries SET state = ?, attempts = attempts + 1, due_at = COALESCE(?, due_at), status = ?, \
             problem = ?, finished_at = ? WHERE number = ?",
        )
        .bind(state)
        .bind(due_at)
        .bind(status)
        .bind(problem)
        .bind(finished_at)
        .bind(number)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Has a delivery sent again, whatever became of it. Returns whether there is such a one, to somebody who is still told.
    ///
    /// # Errors
    /// The database failed.
    pub async fn deliver_again(&self, number: i64, now: Timestamp, give_up_at: Timestamp) -> Result<bool, StoreError> {
        let changed = sqlx::query(
            "UPDATE webhook_deliveries SET state = 'pending', due_at = ?1, give_up_at = ?2, finished_at = NULL \
             WHERE number = ?3 AND endpoint IN (SELECT name FROM webhook_endpoints)",
        )
        .bind(time(now)?)
        .bind(time(give_up_at)?)
        .bind(number)
        .execute(&self.pool)
        .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// A line of the delivery log.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn delivery(&self, number: i64) -> Result<Option<DeliveryRow>, StoreError> {
        let query = format!("{DELIVERIES} WHERE delivery.number = ?");
        let row = sqlx::query(&query).bind(number).fetch_optional(&self.pool).await?;
        row.as_ref().map(delivery_from).transpose()
    }

    /// The delivery log: the newest first, those below `before`.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let query = format!(
            "{DELIVERIES} WHERE delivery.number < ?1 \
             AND (?2 IS NULL OR delivery.endpoint = ?2) AND (?3 IS NULL OR delivery.state = ?3) \
             AND (?4 IS NULL OR event.kind = ?4) AND (?5 IS NULL OR delivery.subject = ?5) \
             AND (?6 IS NULL OR delivery.created_at >= ?6) AND (?7 IS NULL OR delivery.created_at < ?7) \
             ORDER BY delivery.number DESC LIMIT ?8"
        );
        let rows = sqlx::query(&query)
            .bind(before.unwrap_or(i64::MAX))
            .bind(&filter.endpoint)
            .bind(&filter.state)
            .bind(&filter.kind)
            .bind(&filter.subject)
            .bind(filter.from.map(time).transpose()?)
            .bind(filter.to.map(time).transpose()?)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(delivery_from).collect()
    }
}

const DELIVERIES: &str = "SELECT delivery.*, event.id, event.kind FROM webhook_deliveries AS delivery \
                          JOIN webhook_events AS event ON event.number = delivery.event";

/// Tells of a payment that reached a state which matters to others than those who work on it: in the transaction that
/// moves it there.
pub(super) async fn tell_of_payment(
    connection: &mut SqliteConnection,
    voucher: &Voucher,
    state: State,
    at: Timestamp,
    detail: &str,
) -> Result<(), StoreError> {
    let kind = match state.as_str() {
        "retained" => "payment.retained",
        "cleared" => "payment.cleared",
        "refused" => "payment.refused",
        "expired" => "payment.expired",
        _ => return Ok(()),
    };
    let id: VoucherId = voucher.id();
    let row = sqlx::query("SELECT relation, retained_in, cleared_in, window FROM payments WHERE voucher = ?")
        .bind(id.to_string())
        .fetch_one(&mut *connection)
        .await?;
    let relation: Option<String> = row.try_get("relation")?;
    let window: Option<u32> = row.try_get("window")?;
    let block: Option<u32> = match kind {
        "payment.retained" => row.try_get("retained_in")?,
        "payment.cleared" => row.try_get("cleared_in")?,
        _ => None,
    };
    let refusal: Option<String> =
        sqlx::query_scalar("SELECT body FROM payment_documents WHERE voucher = ? AND kind = 'refusal'")
            .bind(id.to_string())
            .fetch_optional(&mut *connection)
            .await?;
    let refusal = refusal.map(|body| serde_json::from_str::<Value>(&body)).transpose();
    let event = NewEvent {
        kind,
        subject: id.to_string(),
        data: json!({
            "payment": id,
            "role": state.role().as_str(),
            "state": state.as_str(),
            "detail": detail,
            "originator": voucher.originator,
            "home": voucher.home,
            "asset": AssetName(voucher.asset).to_string(),
            "amount": voucher.amount.to_string(),
            "relation": relation,
            "window": window,
            "refusal": refusal.map_err(|error| corrupt("document", error))?,
        }),
        origin: block.map(|block| Origin { block, found: None }),
    };
    insert(connection, at, &event).await
}

/// Does nothing where nobody is told.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    at: Timestamp,
    event: &NewEvent,
) -> Result<(), StoreError> {
    let found = event.origin.and_then(|origin| origin.found);
    sqlx::query(
        "INSERT INTO webhook_events (id, kind, subject, at, data, block, block_hash, place, located) \
         SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM webhook_endpoints)",
    )
    .bind(format!("evt_{}", Uuid::now_v7().simple()))
    .bind(event.kind)
    .bind(&event.subject)
    .bind(time(at)?)
    .bind(event.data.to_string())
    .bind(event.origin.map(|origin| origin.block))
    .bind(found.map(|(hash, _)| protocol::text::to_hex(&hash)))
    .bind(found.map(|(_, place)| place))
    .bind(event.origin.is_none() || found.is_some())
    .execute(connection)
    .await?;
    Ok(())
}

fn due_from(row: &SqliteRow) -> Result<Due, StoreError> {
    let data: String = row.try_get("data")?;
    let mut data: Value = serde_json::from_str(&data).map_err(|error| corrupt("webhook event", error))?;
    let block: Option<u32> = row.try_get("block")?;
    let (hash, place): (Option<String>, Option<u32>) = (row.try_get("block_hash")?, row.try_get("place")?);
    if let Value::Object(fields) = &mut data {
        let chain = block.map(|block| json!({ "block": block, "block_hash": hash, "event_index": place }));
        fields.insert("chain".into(), chain.unwrap_or(Value::Null));
    }
    Ok(Due {
        number: row.try_get("number")?,
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        at: moment(row.try_get("at")?)?,
        data,
        attempts: row.try_get("attempts")?,
        give_up_at: moment(row.try_get("give_up_at")?)?,
    })
}

fn delivery_from(row: &SqliteRow) -> Result<DeliveryRow, StoreError> {
    let state: String = row.try_get("state")?;
    let finished_at: Option<i64> = row.try_get("finished_at")?;
    let due_at = if state == "pending" {
        Some(moment(row.try_get("due_at")?)?)
    } else {
        None
    };
    Ok(DeliveryRow {
        number: row.try_get("number")?,
        event: row.try_get("id")?,
        kind: row.try_get("kind")?,
        subject: row.try_get("subject")?,
        endpoint: row.try_get("endpoint")?,
        state,
        attempts: row.try_get("attempts")?,
        status: row.try_get("status")?,
        problem: row.try_get("problem")?,
        due_at,
        finished_at: finished_at.map(moment).transpose()?,
        created_at: moment(row.try_get("created_at")?)?,
    })
}

pub(super) fn moment(stored: i64) -> Result<Timestamp, StoreError> {
    Timestamp::try_from(stored).map_err(|error| corrupt("time", error))
}
