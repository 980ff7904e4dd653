//! What clients told this institution of, as a side of books (S3.1).
use protocol::{
    reconciliation::{BookId, Day, Entry},
    settlement::Asset,
    Timestamp, TradeId,
};
use sqlx::SqliteConnection;

use super::{
    amount, batch, day, integer,
    lines::{insert, lines_of, OwnLine},
    payer, time, DELIVERED,
};
use crate::{
    reconciliation::{line::Line, messages::Delivery},
    store::{Store, StoreError},
};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It is kept, with so many entries that were new.
    Kept {
        /// How many.
        new: usize,
    },
    /// Something else was delivered under this id before. Nothing is changed.
    Differs(TradeId),
}

impl Store {
    /// Keeps what a client delivered, each entry once, all of them or none. With an asset, they are booked as they came.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_delivery(
        &self,
        delivery: &Delivery,
        booked_in: Option<Asset>,
        at: Timestamp,
    ) -> Result<Delivered, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut new = 0usize;
        for entry in &delivery.entries {
            let same = known(&mut transaction, delivery, entry).await?;
            match same {
                Some(true) => continue,
                Some(false) => return Ok(Delivered::Differs(entry.trade)),
                None => {}
            }
            sqlx::query(
                "INSERT INTO delivered_entries (book, trade, day, batch, payer, amount, time, delivered_at) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(delivery.book.0)
            .bind(entry.trade.0.as_slice())
            .bind(delivery.day.0)
            .bind(delivery.batch.map(|batch| batch.0.to_vec()))
            .bind(entry.payer.0.as_slice())
            .bind(entry.amount.to_string())
            .bind(integer(entry.time)?)
            .bind(integer(at)?)
            .execute(&mut *transaction)
            .await?;
            if let Some(asset) = booked_in {
                book_it(&mut transaction, delivery.book, delivery.day, asset, entry).await?;
            }
            new = new.saturating_add(1);
        }
        transaction.commit().await?;
        Ok(Delivered::Kept { new })
    }

    /// How many entries of a day clients delivered.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delivered_count(&self, book: BookId, day: Day) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM delivered_entries WHERE book = ? AND day = ?")
            .bind(book.0)
            .bind(day.0)
            .fetch_one(&self.pool)
            .await?;
        super::natural(count)
    }
}

/// Whether an entry was delivered before, and alike.
async fn known(
    connection: &mut SqliteConnection,
    delivery: &Delivery,
    entry: &Entry,
) -> Result<Option<bool>, StoreError> {
    let row = sqlx::query("SELECT day, batch, payer, amount, time FROM delivered_entries WHERE book = ? AND trade = ?")
        .bind(delivery.book.0)
        .bind(entry.trade.0.as_slice())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let kept = Entry {
        trade: entry.trade,
        payer: payer(&row)?,
        amount: amount(&row)?,
        time: time(&row, "time")?,
    };
    Ok(Some(
        (day(&row, "day")?, batch(&row)?, kept) == (delivery.day, delivery.batch, *entry),
    ))
}

/// Unless a correction was faster.
async fn book_it(
    connection: &mut SqliteConnection,
    book: BookId,
    day: Day,
    asset: Asset,
    entry: &Entry,
) -> Result<(), StoreError> {
    if !lines_of(connection, book, entry.trade).await?.is_empty() {
        return Ok(());
    }
    let line = Line {
        trade: entry.trade,
        number: DELIVERED,
        day,
        amount: entry.amount,
        asset,
        payer: Some(entry.payer),
        time: Some(entry.time),
    };
    let line = OwnLine {
        line,
        reference: None,
        import: None,
    };
    insert(connection, book, &line).await
}
