//! This institution's own lines of books.
use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::{BookId, Day},
    Timestamp,
};
use serde::{Deserialize, Serialize};
use sqlx::{sqlite::SqliteRow, Row, SqliteConnection};

use super::{above, amount, asset, day, integer, natural, optional_hash, optional_time, time, trade};
use crate::{
    assets::AssetName,
    reconciliation::line::Line,
    store::{
        escrow::{json, read},
        Store, StoreError,
    },
};

/// A line's place in a book.
pub type Place = (TradeId, u64);

/// A line with what only its own institution knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnLine {
    /// The line, as it is shown to the other side.
    pub line: Line,
    /// As the book writes the id.
    pub reference: Option<String>,
    /// The import that it came from.
    pub import: Option<i64>,
}

/// What a correction changed of the lines of a trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// The lines as they were.
    pub before: Vec<OwnLine>,
    /// The lines as they are.
    pub after: Vec<OwnLine>,
    /// Why, in words.
    pub reason: String,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
}

const LINE: &str = "trade, number, day, amount, asset, payer, time, reference, import";

impl Store {
    /// The lines of this institution's statement of a day, ascending by trade and number: those of that day, and those of
    /// other days whose trade the chain has on that day.
    ///
    /// # Errors
    /// The database failed.
    pub async fn own_lines(
        &self,
        book: BookId,
        day: Day,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Line>, StoreError> {
        let (trade, number) = bound(after)?;
        let rows = sqlx::query(&format!(
            "SELECT {LINE} FROM book_lines WHERE book = ?1 AND day = ?2 AND (trade, number) > (?3, ?4) UNION ALL \
             SELECT {LINE} FROM book_lines WHERE book = ?1 AND elsewhere = ?2 AND (trade, number) > (?3, ?4) \
             ORDER BY trade, number LIMIT ?5"
        ))
        .bind(book.0)
        .bind(day.0)
        .bind(trade)
        .bind(number)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(line_from).collect()
    }

    /// The lines that this institution booked on a day, ascending by trade and number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn booked_lines(
        &self,
        book: BookId,
        day: Day,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<OwnLine>, StoreError> {
        let (trade, number) = bound(after)?;
        let rows = sqlx::query(&format!(
            "SELECT {LINE} FROM book_lines WHERE book = ? AND day = ? AND (trade, number) > (?, ?) \
             ORDER BY trade, number LIMIT ?"
        ))
        .bind(book.0)
        .bind(day.0)
        .bind(trade)
        .bind(number)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(own_from).collect()
    }

    /// All own lines under an id, whatever their day, ascending by number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn own_lines_of(&self, book: BookId, trade: TradeId) -> Result<Vec<OwnLine>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        lines_of(&mut connection, book, trade).await
    }

    /// The days on which this institution has lines, ascending.
    ///
    /// # Errors
    /// The database failed.
    pub async fn booked_days(&self, book: BookId) -> Result<Vec<Day>, StoreError> {
        let days: Vec<u32> = sqlx::query_scalar(
            "WITH RECURSIVE booked (day) AS ( \
               SELECT min(day) FROM book_lines WHERE book = ?1 UNION ALL \
               SELECT (SELECT min(day) FROM book_lines WHERE book = ?1 AND day > booked.day) \
               FROM booked WHERE day IS NOT NULL) \
             SELECT day FROM booked WHERE day IS NOT NULL ORDER BY day",
        )
        .bind(book.0)
        .fetch_all(&self.pool)
        .await?;
        Ok(days.into_iter().map(Day).collect())
    }

    /// Puts lines in the place of others, and writes down why: all of it or nothing. Nothing, also where they are the same.
    ///
    /// # Errors
    /// The database failed.
    pub async fn change_lines(&self, book: BookId, of: TradeId, change: &LineChange) -> Result<(), StoreError> {
        if change.before == change.after {
            return Ok(());
        }
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for OwnLine { line, .. } in &change.before {
            sqlx::query("DELETE FROM book_lines WHERE book = ? AND day = ? AND trade = ? AND number = ?")
                .bind(book.0)
                .bind(line.day.0)
                .bind(line.trade.0.as_slice())
                .bind(integer(line.number)?)
                .execute(&mut *transaction)
                .await?;
        }
        for line in &change.after {
            insert(&mut transaction, book, line).await?;
        }
        sqlx::query("INSERT INTO book_changes (book, trade, before, after, reason, at) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(book.0)
            .bind(of.0.as_slice())
            .bind(json(&change.before)?)
            .bind(json(&change.after)?)
            .bind(&change.reason)
            .bind(integer(change.at)?)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What corrections changed of a trade's lines, in order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn line_changes(&self, book: BookId, of: TradeId) -> Result<Vec<LineChange>, StoreError> {
        let rows = sqlx::query("SELECT * FROM book_changes WHERE book = ? AND trade = ? ORDER BY number")
            .bind(book.0)
            .bind(of.0.as_slice())
            .fetch_all(&self.pool)
            .await?;
        let change = |row: &SqliteRow| {
            Ok(LineChange {
                before: read(row, "before")?,
                after: read(row, "after")?,
                reason: row.try_get("reason")?,
                at: time(row, "at")?,
            })
        };
        rows.iter().map(change).collect()
    }
}

pub(super) async fn lines_of(
    connection: &mut SqliteConnection,
    book: BookId,
    trade: TradeId,
) -> Result<Vec<OwnLine>, StoreError> {
    let rows = sqlx::query(&format!(
        "SELECT {LINE} FROM book_lines WHERE book = ? AND trade = ? ORDER BY number, day"
    ))
    .bind(book.0)
    .bind(trade.0.as_slice())
    .fetch_all(connection)
    .await?;
    rows.iter().map(own_from).collect()
}

/// Books a line, and notes where the chain has its trade on another day.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    book: BookId,
    OwnLine {
        line,
        reference,
        import,
    }: &OwnLine,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO book_lines (book, day, trade, number, amount, asset, payer, time, reference, import, elsewhere) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, \
         (SELECT day FROM chain_entries WHERE book = ?1 AND trade = ?3 AND day <> ?2))",
    )
    .bind(book.0)
    .bind(line.day.0)
    .bind(line.trade.0.as_slice())
    .bind(integer(line.number)?)
    .bind(line.amount.to_string())
    .bind(AssetName(line.asset).to_string())
    .bind(line.payer.map(|payer| payer.0.to_vec()))
    .bind(line.time.map(integer).transpose()?)
    .bind(reference)
    .bind(import)
    .execute(connection)
    .await?;
    Ok(())
}

/// What (trade, number) of every row of a part of a book is above.
fn bound(after: Option<Place>) -> Result<(Vec<u8>, i64), StoreError> {
    match after {
        None => Ok((Vec::new(), -1)),
        Some((trade, number)) => Ok((above(Some(trade)), integer(number)?)),
    }
}

fn line_from(row: &SqliteRow) -> Result<Line, StoreError> {
    Ok(Line {
        trade: trade(row)?,
        number: natural(row.try_get("number")?)?,
        day: day(row, "day")?,
        amount: amount(row)?,
        asset: asset(row)?,
        payer: optional_hash(row, "payer")?.map(PayerId),
        time: optional_time(row, "time")?,
    })
}

fn own_from(row: &SqliteRow) -> Result<OwnLine, StoreError> {
    Ok(OwnLine {
        line: line_from(row)?,
        reference: row.try_get("reference")?,
        import: row.try_get("import")?,
    })
}
