//! Statements of books, in pages.
use protocol::{
    reconciliation::{BookId, Day, Side},
    Signature, Timestamp,
};
use sqlx::{sqlite::SqliteRow, Row};

use super::{
    escrow::{integer, natural},
    users::{amount, corrupt},
    Store, StoreError,
};
use crate::reconciliation::messages::{SignedStatement, Statement};

/// How long pages may be on their way, in milliseconds: what wasn't finished by then never will be.
const UNFINISHED: Timestamp = 86_400_000;

/// A statement of which all pages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementRow {
    /// What its pages are known by.
    pub id: i64,
    /// What it says.
    pub statement: Statement,
    /// The side's signature, and the registry's epoch at signing; nothing, for the chain's entries.
    pub signature: Option<(u32, Signature)>,
}

impl StatementRow {
    /// As the side signed it.
    pub fn signed(&self) -> Option<SignedStatement> {
        self.signature.map(|(epoch, signature)| SignedStatement {
            statement: self.statement,
            epoch,
            signature,
        })
    }
}

impl Store {
    /// Begins a statement, whose pages come next; returns what they are known by. What was begun a day before and never
    /// finished is gone.
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin_statement(&self, book: BookId, day: Day, side: Side, at: Timestamp) -> Result<i64, StoreError> {
        sqlx::query(
            "DELETE FROM book_statements WHERE book = ? AND side = ? AND day = ? AND digest IS NULL AND at < ?",
        )
        .bind(book.0)
        .bind(as_str(side))
        .bind(day.0)
        .bind(integer(at.saturating_sub(UNFINISHED))?)
        .execute(&self.pool)
        .await?;
        let id = sqlx::query_scalar(
            "INSERT INTO book_statements (book, day, side, lines, total, at) VALUES (?, ?, ?, 0, '0', ?) RETURNING id",
        )
        .bind(book.0)
        .bind(day.0)
        .bind(as_str(side))
        .bind(integer(at)?)
        .fetch_one(&self.pool)
        .await?;
        Ok(id)
    }

    /// Keeps pages, the first of which has this number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn add_pages(&self, statement: i64, first: u64, pages: &[Vec<u8>]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for (page, number) in pages.iter().zip(first..) {
            sqlx::query("INSERT INTO book_pages (statement, page, lines) VALUES (?, ?, ?)")
                .bind(statement)
                .bind(integer(number)?)
                .bind(page.as_slice())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Says what the pages come to. Where a statement of the same lines is kept, that one stays, with the new signature and
    /// time, and the new pages go.
    ///
    /// # Errors
    /// The database failed.
    pub async fn finish_statement(
        &self,
        id: i64,
        statement: &Statement,
        signature: Option<(u32, Signature)>,
    ) -> Result<StatementRow, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let kept: Option<i64> =
            sqlx::query_scalar("SELECT id FROM book_statements WHERE book = ? AND side = ? AND day = ? AND digest = ?")
                .bind(statement.book.0)
                .bind(as_str(statement.side))
                .bind(statement.day.0)
                .bind(statement.digest.as_slice())
                .fetch_optional(&mut *transaction)
                .await?;
        if kept.is_some_and(|kept| kept != id) {
            sqlx::query("DELETE FROM book_statements WHERE id = ?")
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        }
        let id = kept.unwrap_or(id);
        sqlx::query(
            "UPDATE book_statements SET digest = ?, lines = ?, total = ?, at = ?, signature = ?, epoch = ? WHERE id = ?",
        )
        .bind(statement.digest.as_slice())
        .bind(integer(statement.lines)?)
        .bind(statement.total.to_string())
        .bind(integer(statement.at)?)
        .bind(signature.map(|(_, signature)| signature.0.to_vec()))
        .bind(signature.map(|(epoch, _)| epoch))
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(StatementRow {
            id,
            statement: *statement,
            signature,
        })
    }

    /// Drops a statement that comes to nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn drop_statement(&self, id: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM book_statements WHERE id = ?")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A side's statement of a day by its digest.
    ///
    /// # Errors
    /// The database failed.
    pub async fn statement(
        &self,
        book: BookId,
        side: Side,
        day: Day,
        digest: &[u8; 32],
    ) -> Result<Option<StatementRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM book_statements WHERE book = ? AND side = ? AND day = ? AND digest = ?")
            .bind(book.0)
            .bind(as_str(side))
            .bind(day.0)
            .bind(digest.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(statement_from).transpose()
    }

    /// All that a side said of a day, oldest first: once for each time that it said something else.
    ///
    /// # Errors
    /// The database failed.
    pub async fn statements(&self, book: BookId, side: Side, day: Day) -> Result<Vec<StatementRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM book_statements WHERE book = ? AND side = ? AND day = ? AND digest IS NOT NULL ORDER BY at, id",
        )
        .bind(book.0)
        .bind(as_str(side))
        .bind(day.0)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(statement_from).collect()
    }

    /// A page of a side's statement, by the statement's digest: statements of one digest have the same pages.
    ///
    /// # Errors
    /// The database failed.
    pub async fn statement_page(
        &self,
        book: BookId,
        side: Side,
        digest: &[u8; 32],
        page: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let lines = sqlx::query_scalar(
            "SELECT lines FROM book_pages WHERE page = ? AND statement = \
             (SELECT id FROM book_statements WHERE book = ? AND side = ? AND digest = ? LIMIT 1)",
        )
        .bind(integer(page)?)
        .bind(book.0)
        .bind(as_str(side))
        .bind(digest.as_slice())
        .fetch_optional(&self.pool)
        .await?;
        Ok(lines)
    }

    /// Pages of a statement, from this number on.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pages(&self, statement: i64, from: u64, limit: u32) -> Result<Vec<Vec<u8>>, StoreError> {
        let pages =
            sqlx::query_scalar("SELECT lines FROM book_pages WHERE statement = ? AND page >= ? ORDER BY page LIMIT ?")
                .bind(statement)
                .bind(integer(from)?)
                .bind(limit)
                .fetch_all(&self.pool)
                .await?;
        Ok(pages)
    }
}

fn statement_from(row: &SqliteRow) -> Result<StatementRow, StoreError> {
    let digest: Vec<u8> = row.try_get("digest")?;
    let signature: Option<Vec<u8>> = row.try_get("signature")?;
    let epoch: Option<u32> = row.try_get("epoch")?;
    let signature = signature
        .map(|bytes| <[u8; 64]>::try_from(bytes.as_slice()))
        .transpose();
    let signature = signature.map_err(|error| corrupt("statement", error))?;
    Ok(StatementRow {
        id: row.try_get("id")?,
        statement: Statement {
            book: BookId(row.try_get("book")?),
            side: side(row.try_get("side")?)?,
            day: Day(row.try_get("day")?),
            lines: natural(row.try_get("lines")?)?,
            total: amount(row.try_get("total")?)?,
            digest: digest
                .as_slice()
                .try_into()
                .map_err(|error| corrupt("statement", error))?,
            at: natural(row.try_get("at")?)?,
        },
        signature: epoch.zip(signature.map(Signature)),
    })
}

const fn as_str(side: Side) -> &'static str {
    match side {
        Side::Debit => "debit",
        Side::Credit => "credit",
        Side::Chain => "chain",
    }
}

fn side(text: &str) -> Result<Side, StoreError> {
    match text {
        "debit" => Ok(Side::Debit),
        "credit" => Ok(Side::Credit),
        "chain" => Ok(Side::Chain),
        other => Err(corrupt("side", format!("`{other}` is none"))),
    }
}
