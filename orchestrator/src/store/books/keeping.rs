//! What the contract's events tell of books, into the tables.
use protocol::{
    reconciliation::{BatchId, BookId, Closed, Closing, Correction, Day, Entry},
    text::to_hex,
    AccountId, Amount, Member,
};
use sqlx::SqliteConnection;

use super::integer;
use crate::{
    reconciliation::ports::{Event, Happened},
    store::{escrow::json, Store, StoreError},
};

impl Store {
    /// Keeps what happened up to a block in the books that a member takes part in: all of it or nothing. What was kept before
    /// stays as it is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_reconciliation(
        &self,
        contract: AccountId,
        member: Member,
        events: &[Happened],
        through: u32,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let known: Option<u32> = sqlx::query_scalar("SELECT block FROM reconciliation_cursor WHERE contract = ?")
            .bind(to_hex(&contract.0))
            .fetch_optional(&mut *transaction)
            .await?;
        for happened in events
            .iter()
            .filter(|event| known.is_none_or(|known| event.block.number > known))
        {
            keep(&mut transaction, member, happened).await?;
        }
        sqlx::query(
            "INSERT INTO reconciliation_cursor (contract, block) VALUES (?, ?) ON CONFLICT DO UPDATE \
             SET block = max(block, excluded.block)",
        )
        .bind(to_hex(&contract.0))
        .bind(through)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

async fn keep(connection: &mut SqliteConnection, member: Member, happened: &Happened) -> Result<(), StoreError> {
    match &happened.what {
        Event::BookOpened { book, terms } => {
            if [terms.client, terms.debit, terms.credit].contains(&member) {
                sqlx::query("INSERT INTO chain_books (book, terms, block) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                    .bind(book.0)
                    .bind(json(terms)?)
                    .bind(happened.block.number)
                    .execute(connection)
                    .await?;
            }
        }
        Event::Recorded {
            book,
            day,
            batch,
            entries,
        } => {
            if is_known(connection, *book).await? {
                for entry in entries {
                    keep_entry(connection, happened, *book, *day, *batch, entry).await?;
                }
            }
        }
        Event::Corrected {
            book,
            before,
            correction,
        } => {
            if is_known(connection, *book).await? {
                keep_correction(connection, happened, *before, correction).await?;
            }
        }
        Event::DayClosed { book, closing, closed } => {
            if is_known(connection, *book).await? {
                keep_closing(connection, happened, closing, closed).await?;
            }
        }
    }
    Ok(())
}

async fn is_known(connection: &mut SqliteConnection, book: BookId) -> Result<bool, StoreError> {
    let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM chain_books WHERE book = ?")
        .bind(book.0)
        .fetch_optional(connection)
        .await?;
    Ok(known.is_some())
}

async fn keep_entry(
    connection: &mut SqliteConnection,
    happened: &Happened,
    book: BookId,
    day: Day,
    batch: Option<BatchId>,
    entry: &Entry,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO chain_entries (book, trade, day, payer, amount, time, batch, corrections, block, block_hash, event) \
         VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
    )
    .bind(book.0)
    .bind(entry.trade.0.as_slice())
    .bind(day.0)
    .bind(entry.payer.0.as_slice())
    .bind(entry.amount.to_string())
    .bind(integer(entry.time)?)
    .bind(batch.map(|batch| batch.0.to_vec()))
    .bind(happened.block.number)
    .bind(happened.block.hash.as_slice())
    .bind(happened.event)
    .execute(&mut *connection)
    .await?;
    // Lines that were booked on another day are that day's matter from now on, too.
    sqlx::query("UPDATE book_lines SET elsewhere = ?1 WHERE book = ?2 AND trade = ?3 AND day <> ?1")
        .bind(day.0)
        .bind(book.0)
        .bind(entry.trade.0.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

async fn keep_correction(
    connection: &mut SqliteConnection,
    happened: &Happened,
    before: Option<Amount>,
    correction: &Correction,
) -> Result<(), StoreError> {
    let Correction { book, trade, .. } = *correction;
    if before.is_none() {
        let entry = Entry {
            trade,
            payer: correction.payer,
            amount: correction.amount,
            time: correction.time,
        };
        keep_entry(connection, happened, book, correction.day, None, &entry).await?;
    }
    sqlx::query(
        "UPDATE chain_entries SET payer = ?, amount = ?, time = ?, corrections = ?, block = ?, block_hash = ?, event = ? \
         WHERE book = ? AND trade = ?",
    )
    .bind(correction.payer.0.as_slice())
    .bind(correction.amount.to_string())
    .bind(integer(correction.time)?)
    .bind(i64::from(correction.number).saturating_add(1))
    .bind(happened.block.number)
    .bind(happened.block.hash.as_slice())
    .bind(happened.event)
    .bind(book.0)
    .bind(trade.0.as_slice())
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO chain_corrections (book, trade, number, day, before, correction, block, block_hash, event) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(book.0)
    .bind(trade.0.as_slice())
    .bind(correction.number)
    .bind(correction.day.0)
    .bind(before.map(|before| before.to_string()))
    .bind(json(correction)?)
    .bind(happened.block.number)
    .bind(happened.block.hash.as_slice())
    .bind(happened.event)
    .execute(connection)
    .await?;
    Ok(())
}

async fn keep_closing(
    connection: &mut SqliteConnection,
    happened: &Happened,
    closing: &Closing,
    closed: &Closed,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE chain_books SET closed_through = ? WHERE book = ?")
        .bind(closing.day.0)
        .bind(closing.book.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO chain_closings (book, day, closing, closed, block, block_hash, event) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(closing.book.0)
    .bind(closing.day.0)
    .bind(json(closing)?)
    .bind(json(closed)?)
    .bind(happened.block.number)
    .bind(happened.block.hash.as_slice())
    .bind(happened.event)
    .execute(connection)
    .await?;
    Ok(())
}
