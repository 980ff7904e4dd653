//! Days of books, what was found wrong on them, and the payments of what they come to.
mod breaks;

use protocol::{
    reconciliation::{BookId, Closed, Day},
    Timestamp, VoucherId,
};
use serde::Serialize;
use serde_json::json;
use sqlx::{sqlite::SqliteRow, Row, SqliteConnection};

pub use self::breaks::{kind_name, side_name, BreakFilter, BreakLine, BreakRow, Found, Took};
use super::{
    escrow::{integer, json as stored, natural, read, read_optional, word},
    webhooks::{insert as insert_event, NewEvent},
    Store, StoreError,
};
use crate::{
    reconciliation::{
        days::state::{DayState, SignedClosing},
        findings::Summary,
        messages::SignedStatement,
        schedule,
    },
    settlement::messages::SignedPaymentRequest,
};

/// A day as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRow {
    /// Of which book.
    pub book: BookId,
    /// Which.
    pub day: Day,
    /// How far it is.
    pub state: DayState,
    /// How many runs were begun.
    pub runs: u32,
    /// Which one was kept last; 0: none.
    pub kept_run: u32,
    /// When that was begun.
    pub ran_at: Option<Timestamp>,
    /// The finalized block up to which it saw the chain.
    pub block: Option<u32>,
    /// What it counted.
    pub summary: Option<Summary>,
    /// What the debit side's book said in it.
    pub debit_statement: Option<SignedStatement>,
    /// What the credit side's book said in it.
    pub credit_statement: Option<SignedStatement>,
    /// Whether another run is wanted.
    pub is_wanted: bool,
    /// Since when the other side waits for one.
    pub asked_at: Option<Timestamp>,
    /// What is signed of its closing.
    pub closing: Option<SignedClosing>,
    /// How it was closed, on the finalized chain.
    pub closed: Option<Closed>,
    /// The payment of the total: counts up when an earlier one came to nothing.
    pub attempt: u32,
    /// What it was cleared under.
    pub voucher: Option<VoucherId>,
    /// Why it doesn't go on.
    pub failure: Option<String>,
    /// How often in a row that was so.
    pub failures: u32,
    /// When it is tried again.
    pub retry_at: Timestamp,
    /// Counts changes: a change is stored only in the place of what it was made from.
    pub version: u32,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// One line of a day's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayLine {
    /// The state that it had, or came to.
    pub state: DayState,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// What happened.
    pub detail: String,
}

impl DayRow {
    /// A day of which nothing is known yet.
    pub const fn new(book: BookId, day: Day) -> Self {
        Self {
            book,
            day,
            state: DayState::Open,
            runs: 0,
            kept_run: 0,
            ran_at: None,
            block: None,
            summary: None,
            debit_statement: None,
            credit_statement: None,
            is_wanted: false,
            asked_at: None,
            closing: None,
            closed: None,
            attempt: 0,
            voucher: None,
            failure: None,
            failures: 0,
            retry_at: 0,
            version: 0,
            updated_at: 0,
        }
    }
}

impl Store {
    /// A day of a book.
    ///
    /// # Errors
    /// The database failed.
    pub async fn book_day(&self, book: BookId, day: Day) -> Result<Option<DayRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM book_days WHERE book = ? AND day = ?")
            .bind(book.0)
            .bind(day.0)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(day_from).transpose()
    }

    /// Days of a book, the latest first: those before `before`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn book_days(&self, book: BookId, before: Option<Day>, limit: u32) -> Result<Vec<DayRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM book_days WHERE book = ? AND day < ? ORDER BY day DESC LIMIT ?")
            .bind(book.0)
            .bind(before.map_or(i64::MAX, |before| i64::from(before.0)))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(day_from).collect()
    }

    /// The days of a book with which something is left to do, the oldest first. For the credit side a closed day is done;
    /// the debit side also pays it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unfinished_book_days(&self, book: BookId, pays: bool) -> Result<Vec<DayRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM book_days WHERE book = ?1 AND (is_wanted OR state NOT IN ('closed', 'paid') \
             OR (?2 AND state = 'closed')) ORDER BY day",
        )
        .bind(book.0)
        .bind(pays)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(day_from).collect()
    }

    /// Stores a day in the place of what it was made from, with a line of its history; false where that changed meanwhile:
    /// then nothing is stored.
    ///
    /// # Errors
    /// The database failed.
    pub async fn save_book_day(&self, row: &DayRow, line: Option<&str>, at: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let saved = save_day(&mut transaction, row, line, at).await?;
        transaction.commit().await?;
        Ok(saved)
    }

    /// Stores a day after a run whose findings are kept, as [`Store::save_book_day`] does; what it didn't find any more and
    /// nobody signed for is resolved. Returns how many breaks and how many expected trades are left, or nothing where the day
    /// changed meanwhile.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_book_run(&self, row: &DayRow, line: &str, at: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let saved = save_day(&mut transaction, row, Some(line), at).await?;
        if saved {
            breaks::resolve(&mut transaction, row, at).await?;
            transaction.commit().await?;
        }
        Ok(saved)
    }

    /// What happened to a day, in order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn book_day_history(&self, book: BookId, day: Day) -> Result<Vec<DayLine>, StoreError> {
        let rows =
            sqlx::query("SELECT state, at, detail FROM book_day_history WHERE book = ? AND day = ? ORDER BY number")
                .bind(book.0)
                .bind(day.0)
                .fetch_all(&self.pool)
                .await?;
        let line = |row: &SqliteRow| {
            Ok(DayLine {
                state: word(row, "state")?,
                at: natural(row.try_get("at")?)?,
                detail: row.try_get("detail")?,
            })
        };
        rows.iter().map(line).collect()
    }

    /// The treasury's request to pay what a day comes to: the one that was kept first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_book_payment(
        &self,
        closing: &[u8; 32],
        attempt: u32,
        request: &SignedPaymentRequest,
    ) -> Result<SignedPaymentRequest, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO book_payments (closing, attempt, request) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(protocol::text::to_hex(closing))
            .bind(attempt)
            .bind(stored(request)?)
            .execute(&mut *transaction)
            .await?;
        let row = sqlx::query("SELECT request FROM book_payments WHERE closing = ? AND attempt = ?")
            .bind(protocol::text::to_hex(closing))
            .bind(attempt)
            .fetch_one(&mut *transaction)
            .await?;
        let kept = read(&row, "request")?;
        transaction.commit().await?;
        Ok(kept)
    }

    /// The treasury's request to pay what a day comes to, if one was kept.
    ///
    /// # Errors
    /// The database failed.
    pub async fn book_payment(
        &self,
        closing: &[u8; 32],
        attempt: u32,
    ) -> Result<Option<SignedPaymentRequest>, StoreError> {
        let row = sqlx::query("SELECT request FROM book_payments WHERE closing = ? AND attempt = ?")
            .bind(protocol::text::to_hex(closing))
            .bind(attempt)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(|row| read(row, "request")).transpose()
    }
}

async fn save_day(
    connection: &mut SqliteConnection,
    row: &DayRow,
    line: Option<&str>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    if row.version == 0 {
        sqlx::query(
            "INSERT INTO book_days (book, day, state, runs, kept_run, is_wanted, attempt, failures, retry_at, version, \
             updated_at) VALUES (?, ?, 'open', 0, 0, 0, 0, 0, 0, 0, ?) ON CONFLICT DO NOTHING",
        )
        .bind(row.book.0)
        .bind(row.day.0)
        .bind(integer(at)?)
        .execute(&mut *connection)
        .await?;
    }
    let before: String = sqlx::query_scalar("SELECT state FROM book_days WHERE book = ? AND day = ?")
        .bind(row.book.0)
        .bind(row.day.0)
        .fetch_one(&mut *connection)
        .await?;
    let saved = sqlx::query(
        "UPDATE book_days SET state = ?, runs = ?, kept_run = ?, ran_at = ?, block = ?, summary = ?, debit_statement = ?, \
         credit_statement = ?, is_wanted = ?, asked_at = ?, closing = ?, closed = ?, attempt = ?, voucher = ?, failure = ?, \
         failures = ?, retry_at = ?, version = version + 1, updated_at = ? WHERE book = ? AND day = ? AND version = ?",
    )
    .bind(row.state.as_str())
    .bind(row.runs)
    .bind(row.kept_run)
    .bind(row.ran_at.map(integer).transpose()?)
    .bind(row.block)
    .bind(row.summary.as_ref().map(stored).transpose()?)
    .bind(row.debit_statement.as_ref().map(stored).transpose()?)
    .bind(row.credit_statement.as_ref().map(stored).transpose()?)
    .bind(row.is_wanted)
    .bind(row.asked_at.map(integer).transpose()?)
    .bind(row.closing.as_ref().map(stored).transpose()?)
    .bind(row.closed.as_ref().map(stored).transpose()?)
    .bind(row.attempt)
    .bind(row.voucher.map(|voucher| voucher.to_string()))
    .bind(&row.failure)
    .bind(row.failures)
    .bind(integer(row.retry_at)?)
    .bind(integer(at)?)
    .bind(row.book.0)
    .bind(row.day.0)
    .bind(row.version)
    .execute(&mut *connection)
    .await?;
    if saved.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(event) = told(row).filter(|_| before != row.state.as_str()) {
        insert_event(&mut *connection, at, &event).await?;
    }
    if let Some(detail) = line {
        sqlx::query("INSERT INTO book_day_history (book, day, state, at, detail) VALUES (?, ?, ?, ?, ?)")
            .bind(row.book.0)
            .bind(row.day.0)
            .bind(row.state.as_str())
            .bind(integer(at)?)
            .bind(detail)
            .execute(connection)
            .await?;
    }
    Ok(true)
}

/// What those who keep books are told by webhook (S3.3): that nothing is wrong with a day, or something is; that it is closed, and
/// paid.
fn told(row: &DayRow) -> Option<NewEvent> {
    let kind = match row.state {
        DayState::Clean => "day.clean",
        DayState::Correcting => "day.correcting",
        DayState::Closed => "day.closed",
        DayState::Paid => "day.paid",
        DayState::Open | DayState::Due | DayState::Matched | DayState::Closing | DayState::Paying => return None,
    };
    let day = schedule::write(row.day);
    Some(NewEvent {
        kind,
        subject: format!("{}/{day}", row.book.0),
        data: json!({
            "book": row.book.0,
            "day": day,
            "summary": row.summary,
            "closed": row.closed,
            "voucher": row.voucher,
        }),
        origin: None,
    })
}

fn day_from(row: &SqliteRow) -> Result<DayRow, StoreError> {
    let time = |column| row.try_get::<Option<i64>, _>(column).map_err(StoreError::from);
    let voucher: Option<String> = row.try_get("voucher")?;
    Ok(DayRow {
        book: BookId(row.try_get("book")?),
        day: Day(row.try_get("day")?),
        state: word(row, "state")?,
        runs: row.try_get("runs")?,
        kept_run: row.try_get("kept_run")?,
        ran_at: time("ran_at")?.map(natural).transpose()?,
        block: row.try_get("block")?,
        summary: read_optional(row, "summary")?,
        debit_statement: read_optional(row, "debit_statement")?,
        credit_statement: read_optional(row, "credit_statement")?,
        is_wanted: row.try_get("is_wanted")?,
        asked_at: time("asked_at")?.map(natural).transpose()?,
        closing: read_optional(row, "closing")?,
        closed: read_optional(row, "closed")?,
        attempt: row.try_get("attempt")?,
        voucher: voucher.map(|id| super::payments::parse_id(&id)).transpose()?,
        failure: row.try_get("failure")?,
        failures: row.try_get("failures")?,
        retry_at: natural(row.try_get("retry_at")?)?,
        version: row.try_get("version")?,
        updated_at: natural(row.try_get("updated_at")?)?,
    })
}
