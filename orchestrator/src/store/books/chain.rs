//! What the finalized chain has of books, as its events tell.
use protocol::{
    ids::TradeId,
    reconciliation::{BatchId, BookId, Closed, Closing, Correction, Day, Entry, Side, Terms},
    text::to_hex,
    AccountId, Amount, Member,
};
use sqlx::{sqlite::SqliteRow, QueryBuilder, Row};

use super::{above, amount, batch, book, day, hash, optional_day, payer, time, trade};
use crate::{
    reconciliation::line::ChainEntry,
    store::{escrow::read, users::corrupt, Store, StoreError},
};

/// A book that this institution takes part in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownBook {
    /// Its number.
    pub book: BookId,
    /// What both sides signed.
    pub terms: Terms,
    /// This day and all before it are final.
    pub closed_through: Option<Day>,
    /// The finalized block in which it was opened.
    pub block: u32,
}

impl KnownBook {
    /// Which side of it an institution is, if any.
    pub fn side_of(&self, member: Member) -> Option<Side> {
        if member == self.terms.debit {
            Some(Side::Debit)
        } else if member == self.terms.credit {
            Some(Side::Credit)
        } else {
            None
        }
    }

    /// Whether a day is final.
    pub fn is_closed(&self, day: Day) -> bool {
        self.closed_through.is_some_and(|through| day <= through)
    }
}

/// A correction that stands on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCorrection {
    /// What both sides signed.
    pub correction: Correction,
    /// What the chain had before, in the asset's smallest unit, if it had the entry.
    pub before: Option<Amount>,
    /// The finalized block.
    pub block: u32,
    /// Its hash.
    pub block_hash: [u8; 32],
    /// The event's place among all events of the block.
    pub event: u32,
}

/// A closing that stands on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownClosing {
    /// What was signed.
    pub closing: Closing,
    /// How.
    pub closed: Closed,
    /// The finalized block.
    pub block: u32,
    /// Its hash.
    pub block_hash: [u8; 32],
    /// The event's place among all events of the block.
    pub event: u32,
}

const ENTRY: &str = "trade, day, payer, amount, time, batch, corrections, block, block_hash, event";

impl Store {
    /// Up to which block the contract's events were read.
    ///
    /// # Errors
    /// The database failed.
    pub async fn reconciliation_cursor(&self, contract: AccountId) -> Result<Option<u32>, StoreError> {
        let block = sqlx::query_scalar("SELECT block FROM reconciliation_cursor WHERE contract = ?")
            .bind(to_hex(&contract.0))
            .fetch_optional(&self.pool)
            .await?;
        Ok(block)
    }

    /// The books that this institution takes part in, by number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn known_books(&self) -> Result<Vec<KnownBook>, StoreError> {
        let rows = sqlx::query("SELECT * FROM chain_books ORDER BY book")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(book_from).collect()
    }

    /// A book that this institution takes part in.
    ///
    /// # Errors
    /// The database failed.
    pub async fn known_book(&self, book: BookId) -> Result<Option<KnownBook>, StoreError> {
        let row = sqlx::query("SELECT * FROM chain_books WHERE book = ?")
            .bind(book.0)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(book_from).transpose()
    }

    /// The chain's entries of a day, ascending by trade, without those that came to nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn chain_entries(
        &self,
        book: BookId,
        day: Day,
        after: Option<TradeId>,
        limit: u32,
    ) -> Result<Vec<ChainEntry>, StoreError> {
        let rows = sqlx::query(&format!(
            "SELECT {ENTRY} FROM chain_entries INDEXED BY chain_entries_day WHERE book = ? AND day = ? AND trade > ? AND amount <> '0' \
             ORDER BY trade LIMIT ?"
        ))
        .bind(book.0)
        .bind(day.0)
        .bind(above(after))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(entry_from).collect()
    }

    /// The chain's entries of a day, ascending by trade, with those that came to nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn all_chain_entries(
        &self,
        book: BookId,
        day: Day,
        after: Option<TradeId>,
        limit: u32,
    ) -> Result<Vec<ChainEntry>, StoreError> {
        let rows = sqlx::query(&format!(
            "SELECT {ENTRY} FROM chain_entries INDEXED BY chain_entries_day WHERE book = ? AND day = ? AND trade > ? ORDER BY trade LIMIT ?"
        ))
        .bind(book.0)
        .bind(day.0)
        .bind(above(after))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(entry_from).collect()
    }

    /// The chain's entries of a batch, ascending by trade, without those that came to nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn chain_batch(
        &self,
        book: BookId,
        batch: BatchId,
        after: Option<TradeId>,
        limit: u32,
    ) -> Result<Vec<ChainEntry>, StoreError> {
        let rows = sqlx::query(&format!(
            "SELECT {ENTRY} FROM chain_entries INDEXED BY chain_entries_batch WHERE book = ? AND batch = ? AND trade > ? AND amount <> '0' \
             ORDER BY trade LIMIT ?"
        ))
        .bind(book.0)
        .bind(batch.0.as_slice())
        .bind(above(after))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(entry_from).collect()
    }

    /// The chain's entry of a trade, also one that came to nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn chain_entry(&self, book: BookId, trade: TradeId) -> Result<Option<ChainEntry>, StoreError> {
        let row = sqlx::query(&format!(
            "SELECT {ENTRY} FROM chain_entries WHERE book = ? AND trade = ?"
        ))
        .bind(book.0)
        .bind(trade.0.as_slice())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(entry_from).transpose()
    }

    /// The chain's entries of these trades, in any order, also those that came to nothing.
    ///
    /// # Errors
    /// The database failed, or there are more than it can look for at once: some ten thousand.
    pub async fn chain_entries_of(&self, book: BookId, trades: &[TradeId]) -> Result<Vec<ChainEntry>, StoreError> {
        let mut query = QueryBuilder::new(format!("SELECT {ENTRY} FROM chain_entries WHERE book = "));
        query.push_bind(book.0).push(" AND trade IN (");
        let mut listed = query.separated(", ");
        for trade in trades {
            listed.push_bind(trade.0.to_vec());
        }
        let rows = query.push(")").build().fetch_all(&self.pool).await?;
        rows.iter().map(entry_from).collect()
    }

    /// The days on which the chain has entries, or corrections that count, ascending.
    ///
    /// # Errors
    /// The database failed.
    pub async fn chain_days(&self, book: BookId) -> Result<Vec<Day>, StoreError> {
        // From one day to the next by the index: a day's million entries aren't looked at.
        let days: Vec<u32> = sqlx::query_scalar(
            "WITH RECURSIVE of_entries (day) AS ( \
               SELECT min(day) FROM chain_entries WHERE book = ?1 UNION ALL \
               SELECT (SELECT min(day) FROM chain_entries WHERE book = ?1 AND day > of_entries.day) \
               FROM of_entries WHERE day IS NOT NULL) \
             SELECT day FROM of_entries WHERE day IS NOT NULL UNION \
             SELECT day FROM chain_corrections WHERE book = ?1 ORDER BY 1",
        )
        .bind(book.0)
        .fetch_all(&self.pool)
        .await?;
        Ok(days.into_iter().map(Day).collect())
    }

    /// A correction, by what it is of and how often that was corrected before.
    ///
    /// # Errors
    /// The database failed.
    pub async fn chain_correction(
        &self,
        book: BookId,
        trade: TradeId,
        number: u32,
    ) -> Result<Option<KnownCorrection>, StoreError> {
        let row = sqlx::query("SELECT * FROM chain_corrections WHERE book = ? AND trade = ? AND number = ?")
            .bind(book.0)
            .bind(trade.0.as_slice())
            .bind(number)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(correction_from).transpose()
    }

    /// The corrections that count on a day, ascending by trade and number: after one of them, at most so many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn chain_corrections(
        &self,
        book: BookId,
        day: Day,
        after: Option<(TradeId, u32)>,
        limit: u32,
    ) -> Result<Vec<KnownCorrection>, StoreError> {
        let (trade, number) = after.map_or((None, -1), |(trade, number)| (Some(trade), i64::from(number)));
        let rows = sqlx::query(
            "SELECT * FROM chain_corrections WHERE book = ? AND day = ? AND (trade, number) > (?, ?) \
             ORDER BY trade, number LIMIT ?",
        )
        .bind(book.0)
        .bind(day.0)
        .bind(above(trade))
        .bind(number)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(correction_from).collect()
    }

    /// How a day was closed, if it was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn chain_closing(&self, book: BookId, day: Day) -> Result<Option<KnownClosing>, StoreError> {
        let row = sqlx::query("SELECT * FROM chain_closings WHERE book = ? AND day = ?")
            .bind(book.0)
            .bind(day.0)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(closing_from).transpose()
    }
}

fn book_from(row: &SqliteRow) -> Result<KnownBook, StoreError> {
    Ok(KnownBook {
        book: book(row)?,
        terms: read(row, "terms")?,
        closed_through: optional_day(row, "closed_through")?,
        block: row.try_get("block")?,
    })
}

fn entry_from(row: &SqliteRow) -> Result<ChainEntry, StoreError> {
    Ok(ChainEntry {
        entry: Entry {
            trade: trade(row)?,
            payer: payer(row)?,
            amount: amount(row)?,
            time: time(row, "time")?,
        },
        day: day(row, "day")?,
        batch: batch(row)?,
        corrections: row.try_get("corrections")?,
        block: row.try_get("block")?,
        block_hash: hash(row, "block_hash")?,
        event: row.try_get("event")?,
    })
}

fn correction_from(row: &SqliteRow) -> Result<KnownCorrection, StoreError> {
    let before: Option<String> = row.try_get("before")?;
    Ok(KnownCorrection {
        correction: read(row, "correction")?,
        before: before
            .map(|before| before.parse().map_err(|error| corrupt("before", error)))
            .transpose()?,
        block: row.try_get("block")?,
        block_hash: hash(row, "block_hash")?,
        event: row.try_get("event")?,
    })
}

fn closing_from(row: &SqliteRow) -> Result<KnownClosing, StoreError> {
    Ok(KnownClosing {
        closing: read(row, "closing")?,
        closed: read(row, "closed")?,
        block: row.try_get("block")?,
        block_hash: hash(row, "block_hash")?,
        event: row.try_get("event")?,
    })
}
