//! What this institution records as the client of books (S3.1): written down, then recorded on chain, then told to both sides.
use std::{fmt, str::FromStr};

use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::{BatchId, BookId, Day, Entry, Side},
    Amount, Timestamp,
};
use serde::{Deserialize, Serialize};
use sqlx::{sqlite::SqliteRow, QueryBuilder, Row, SqliteConnection};

use super::{amount, batch, book, day, integer, optional_time, payer, time, trade, word};
use crate::{
    reconciliation::settings::Feed,
    store::{Page, Store, StoreError},
};

/// An entry to be written down for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// What.
    pub entry: Entry,
    /// For which day.
    pub day: Day,
    /// What it may be booked under as one line.
    pub batch: Option<BatchId>,
    /// Which of the institution's own payments it comes from.
    pub feed: Option<Feed>,
}

/// How far an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// It isn't on the chain yet.
    Waiting,
    /// It is on the finalized chain.
    Recorded,
    /// The chain has something else under its id, or will never take it.
    Refused,
}

impl EntryState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Recorded => "recorded",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for EntryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EntryState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Waiting, Self::Recorded, Self::Refused]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no state of an entry: write waiting, recorded or refused"))
    }
}

/// An entry as the client keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Its place in the order of arrival.
    pub number: i64,
    /// In which book.
    pub book: BookId,
    /// What.
    pub entry: Entry,
    /// The day that it was meant for.
    pub dated: Day,
    /// The day that it is recorded for: a later one, if that was closed meanwhile.
    pub day: Day,
    /// What it may be booked under as one line.
    pub batch: Option<BatchId>,
    /// Which of the institution's own payments it comes from.
    pub feed: Option<Feed>,
    /// How far it is.
    pub state: EntryState,
    /// Why it is refused.
    pub refusal: Option<String>,
    /// When it came.
    pub created_at: Timestamp,
    /// When it was seen on the finalized chain.
    pub recorded_at: Option<Timestamp>,
    /// When the debit side took it.
    pub debit_informed_at: Option<Timestamp>,
    /// When the credit side took it.
    pub credit_informed_at: Option<Timestamp>,
}

/// What became of entries that were to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queued {
    /// They are written down.
    Kept(Vec<EntryRow>),
    /// Another entry was written down under this id before. Nothing is changed.
    Differs(Box<EntryRow>),
}

/// How a call ended for one of its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The finalized chain has it, for this day.
    Recorded(Day),
    /// It never will.
    Refused(String),
}

/// Which entries.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntryFilter {
    /// Of which day.
    pub day: Option<Day>,
    /// How far they are.
    pub state: Option<EntryState>,
}

impl Store {
    /// Writes entries down, all of them or none; those that are there alike stay as they are.
    ///
    /// # Errors
    /// The database failed.
    pub async fn queue_entries(&self, book: BookId, entries: &[NewEntry], at: Timestamp) -> Result<Queued, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut kept = Vec::with_capacity(entries.len());
        for new in entries {
            let row = queue(&mut transaction, book, new, at).await?;
            if (row.entry, row.dated, row.batch) != (new.entry, new.day, new.batch) {
                return Ok(Queued::Differs(Box::new(row)));
            }
            kept.push(row);
        }
        transaction.commit().await?;
        Ok(Queued::Kept(kept))
    }

    /// The calls that aren't settled, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open_entry_calls(&self) -> Result<Vec<i64>, StoreError> {
        let calls = sqlx::query_scalar(
            "SELECT DISTINCT call FROM book_entries WHERE state = 'waiting' AND call IS NOT NULL ORDER BY call",
        );
        Ok(calls.fetch_all(&self.pool).await?)
    }

    /// Puts entries of one book, day and batch that wait into a new call, in the order of arrival; its number, if there were
    /// any.
    ///
    /// # Errors
    /// The database failed.
    pub async fn form_entry_call(&self, most: usize) -> Result<Option<i64>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let call: i64 = sqlx::query_scalar("SELECT coalesce(max(call), 0) + 1 FROM book_entries")
            .fetch_one(&mut *transaction)
            .await?;
        let taken = sqlx::query(
            "WITH first AS (SELECT book, day, batch FROM book_entries INDEXED BY book_entries_waiting \
             WHERE state = 'waiting' AND call IS NULL ORDER BY number LIMIT 1) \
             UPDATE book_entries SET call = ? WHERE number IN (SELECT number FROM book_entries AS entry \
             INDEXED BY book_entries_waiting WHERE entry.state = 'waiting' AND entry.call IS NULL \
             AND (entry.book, entry.day) = (SELECT book, day FROM first) \
             AND entry.batch IS (SELECT batch FROM first) ORDER BY number LIMIT ?)",
        )
        .bind(call)
        .bind(most)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok((taken.rows_affected() > 0).then_some(call))
    }

    /// The entries of a call that aren't settled, in the order of arrival.
    ///
    /// # Errors
    /// The database failed.
    pub async fn entry_call(&self, call: i64) -> Result<Vec<EntryRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM book_entries WHERE call = ? AND state = 'waiting' ORDER BY number")
            .bind(call)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(entry_from).collect()
    }

    /// Notes how entries ended, all of them or none; one that is settled stays so.
    ///
    /// # Errors
    /// The database failed.
    pub async fn settle_entries(&self, settled: &[(i64, Settled)], at: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for (number, how) in settled {
            let query = match how {
                Settled::Recorded(day) => sqlx::query(
                    "UPDATE book_entries SET state = 'recorded', day = ?, recorded_at = ? \
                     WHERE number = ? AND state = 'waiting'",
                )
                .bind(day.0)
                .bind(integer(at)?),
                Settled::Refused(why) => sqlx::query(
                    "UPDATE book_entries SET state = 'refused', refusal = ? WHERE number = ? AND state = 'waiting'",
                )
                .bind(why),
            };
            query.bind(number).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Takes a call's entries out of it: they wait for another one, for this day.
    ///
    /// # Errors
    /// The database failed.
    pub async fn redate_entries(&self, call: i64, day: Day) -> Result<(), StoreError> {
        sqlx::query("UPDATE book_entries SET call = NULL, day = max(day, ?) WHERE call = ? AND state = 'waiting'")
            .bind(day.0)
            .bind(call)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Entries on the finalized chain that a side wasn't told of, in the order of arrival.
    ///
    /// # Errors
    /// The database failed.
    pub async fn undelivered_entries(&self, book: BookId, side: Side, limit: u32) -> Result<Vec<EntryRow>, StoreError> {
        let Some((column, index)) = informed(side) else {
            return Ok(Vec::new());
        };
        let rows = sqlx::query(&format!(
            "SELECT * FROM book_entries INDEXED BY {index} WHERE book = ? AND state = 'recorded' AND {column} IS NULL \
             ORDER BY number LIMIT ?"
        ))
        .bind(book.0)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(entry_from).collect()
    }

    /// Notes that a side took entries.
    ///
    /// # Errors
    /// The database failed.
    pub async fn entries_delivered(&self, side: Side, numbers: &[i64], at: Timestamp) -> Result<(), StoreError> {
        let Some((column, _)) = informed(side).filter(|_| !numbers.is_empty()) else {
            return Ok(());
        };
        let mut query = QueryBuilder::new(format!("UPDATE book_entries SET {column} = "));
        query.push_bind(integer(at)?).push(" WHERE number IN (");
        let mut listed = query.separated(", ");
        for number in numbers {
            listed.push_bind(*number);
        }
        query.push(")").build().execute(&self.pool).await?;
        Ok(())
    }

    /// An entry that this institution records as the client.
    ///
    /// # Errors
    /// The database failed.
    pub async fn client_entry(&self, book: BookId, trade: TradeId) -> Result<Option<EntryRow>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, book, trade).await
    }

    /// What this institution records as the client, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn client_entries(
        &self,
        book: BookId,
        filter: &EntryFilter,
        page: &Page,
    ) -> Result<Vec<EntryRow>, StoreError> {
        // A place's id is the row's number, in so many digits that it sorts like one.
        let (at, id) = page.bound()?;
        let below = id.parse().unwrap_or(i64::MAX);
        let rows = sqlx::query(
            "SELECT * FROM book_entries WHERE book = ?1 AND (created_at, number) < (?2, ?3) \
             AND (?4 IS NULL OR day = ?4) AND (?5 IS NULL OR state = ?5) \
             ORDER BY created_at DESC, number DESC LIMIT ?6",
        )
        .bind(book.0)
        .bind(at)
        .bind(below)
        .bind(filter.day.map(|day| day.0))
        .bind(filter.state.map(EntryState::as_str))
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(entry_from).collect()
    }

    /// How many entries wait to be recorded, are recorded and not delivered to both sides, and are refused.
    ///
    /// # Errors
    /// The database failed.
    pub async fn client_backlog(&self, book: BookId) -> Result<(u64, u64, u64), StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM book_entries INDEXED BY book_entries_waiting \
             WHERE book = ?1 AND state = 'waiting') AS waiting, \
             (SELECT count(*) FROM (SELECT number FROM book_entries INDEXED BY book_entries_debit \
             WHERE book = ?1 AND state = 'recorded' AND debit_informed_at IS NULL UNION \
             SELECT number FROM book_entries INDEXED BY book_entries_credit \
             WHERE book = ?1 AND state = 'recorded' AND credit_informed_at IS NULL)) AS undelivered, \
             (SELECT count(*) FROM book_entries WHERE book = ?1 AND state = 'refused') AS refused",
        )
        .bind(book.0)
        .fetch_one(&self.pool)
        .await?;
        let count = |column| super::natural(row.try_get(column)?);
        Ok((count("waiting")?, count("undelivered")?, count("refused")?))
    }
}

/// Which column says that a side was told, and which index has those that it wasn't told of.
const fn informed(side: Side) -> Option<(&'static str, &'static str)> {
    match side {
        Side::Debit => Some(("debit_informed_at", "book_entries_debit")),
        Side::Credit => Some(("credit_informed_at", "book_entries_credit")),
        Side::Chain => None,
    }
}

/// Writes an entry down, unless its id is taken; what is there then.
pub(super) async fn queue(
    connection: &mut SqliteConnection,
    book: BookId,
    new: &NewEntry,
    at: Timestamp,
) -> Result<EntryRow, StoreError> {
    sqlx::query(
        "INSERT INTO book_entries (book, trade, payer, amount, time, dated, day, batch, feed, state, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, 'waiting', ?9) ON CONFLICT DO NOTHING",
    )
    .bind(book.0)
    .bind(new.entry.trade.0.as_slice())
    .bind(new.entry.payer.0.as_slice())
    .bind(new.entry.amount.to_string())
    .bind(integer(new.entry.time)?)
    .bind(new.day.0)
    .bind(new.batch.map(|batch| batch.0.to_vec()))
    .bind(new.feed.map(Feed::as_str))
    .bind(integer(at)?)
    .execute(&mut *connection)
    .await?;
    let row = find(connection, book, new.entry.trade).await?;
    row.ok_or_else(|| StoreError::Database(sqlx::Error::RowNotFound))
}

async fn find(connection: &mut SqliteConnection, book: BookId, trade: TradeId) -> Result<Option<EntryRow>, StoreError> {
    let row = sqlx::query("SELECT * FROM book_entries WHERE book = ? AND trade = ?")
        .bind(book.0)
        .bind(trade.0.as_slice())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(entry_from).transpose()
}

fn entry_from(row: &SqliteRow) -> Result<EntryRow, StoreError> {
    let feed: Option<&str> = row.try_get("feed")?;
    let payer: PayerId = payer(row)?;
    let amount: Amount = amount(row)?;
    Ok(EntryRow {
        number: row.try_get("number")?,
        book: book(row)?,
        entry: Entry {
            trade: trade(row)?,
            payer,
            amount,
            time: time(row, "time")?,
        },
        dated: day(row, "dated")?,
        day: day(row, "day")?,
        batch: batch(row)?,
        feed: feed
            .map(|feed| feed.parse().map_err(|error| super::corrupt("feed", error)))
            .transpose()?,
        state: word(row, "state")?,
        refusal: row.try_get("refusal")?,
        created_at: time(row, "created_at")?,
        recorded_at: optional_time(row, "recorded_at")?,
        debit_informed_at: optional_time(row, "debit_informed_at")?,
        credit_informed_at: optional_time(row, "credit_informed_at")?,
    })
}
