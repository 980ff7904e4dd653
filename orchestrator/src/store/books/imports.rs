//! Files that this institution imported into its own books: each in one piece, or not at all.
use protocol::{
    reconciliation::{BookId, Day},
    Amount, Timestamp,
};
use sqlx::{pool::PoolConnection, sqlite::SqliteRow, Connection, QueryBuilder, Row, Sqlite, SqliteConnection};

use super::{book, hash, integer, lines::OwnLine, natural, optional_day, time, word, CORRECTED};
use crate::{
    assets::AssetName,
    reconciliation::import::Format,
    store::{users::corrupt, Store, StoreError},
};

/// How many lines one statement stages: SQLite takes 32,766 values.
const STAGED_AT_ONCE: usize = 2_000;

/// A file to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// Into which book.
    pub book: BookId,
    /// What people call it.
    pub name: String,
    /// How it is written.
    pub format: Format,
    /// sha256 of it.
    pub digest: [u8; 32],
    /// What its lines come to, in the asset's smallest unit.
    pub total: Amount,
    /// Its oldest and newest days.
    pub days: Option<(Day, Day)>,
    /// Who imports it.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// The import in whose place it comes.
    pub replaces: Option<i64>,
}

/// A file that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// Its number.
    pub id: i64,
    /// Into which book.
    pub book: BookId,
    /// What people call it.
    pub name: String,
    /// How it is written.
    pub format: Format,
    /// sha256 of it.
    pub digest: [u8; 32],
    /// How many lines it has.
    pub lines: u64,
    /// What they come to, in the asset's smallest unit.
    pub total: Amount,
    /// Its oldest day.
    pub first_day: Option<Day>,
    /// Its newest day.
    pub last_day: Option<Day>,
    /// Who imported it.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// The import in whose place it came.
    pub replaces: Option<i64>,
    /// The import that came in its place.
    pub replaced_by: Option<i64>,
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// Its lines are booked.
    Booked(ImportRow),
    /// The same file was imported before. Nothing is changed.
    Known(ImportRow),
    /// There is no such import in whose place it could come.
    NothingToReplace,
    /// Another came in that one's place already.
    ReplacedBy(i64),
    /// The import in whose place it should come has lines of a day that is final.
    Final(Day),
}

/// Lines on their way into a book. They stand aside, and lock nobody out, until all are there.
pub struct Staging {
    connection: PoolConnection<Sqlite>,
    lines: u64,
}

impl Store {
    /// Begins an import. It holds a connection: nothing else of the store is to be waited for before it ends.
    ///
    /// # Errors
    /// The database failed.
    pub async fn stage_import(&self) -> Result<Staging, StoreError> {
        let mut connection = self.pool.acquire().await?;
        sqlx::query(
            "CREATE TEMP TABLE IF NOT EXISTS staged_lines (day INTEGER NOT NULL, trade BLOB NOT NULL, \
             number INTEGER NOT NULL, amount TEXT NOT NULL, asset TEXT NOT NULL, payer BLOB, time INTEGER, reference TEXT)",
        )
        .execute(&mut *connection)
        .await?;
        let mut staging = Staging { connection, lines: 0 };
        staging.clear().await?;
        Ok(staging)
    }

    /// An import of a file's content that nothing replaced.
    ///
    /// # Errors
    /// The database failed.
    pub async fn import_of(&self, book: BookId, digest: &[u8; 32]) -> Result<Option<ImportRow>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        same(&mut connection, book, digest).await
    }

    /// An import.
    ///
    /// # Errors
    /// The database failed.
    pub async fn book_import(&self, book: BookId, id: i64) -> Result<Option<ImportRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM book_imports WHERE id = ? AND book = ?")
            .bind(id)
            .bind(book.0)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(import_from).transpose()
    }

    /// A book's imports, newest first: those before one of them, at most so many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn book_imports(
        &self,
        book: BookId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ImportRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM book_imports WHERE book = ? AND id < ? ORDER BY id DESC LIMIT ?")
            .bind(book.0)
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(import_from).collect()
    }
}

impl Staging {
    /// Puts lines aside. Their numbers are those of the lines in the file.
    ///
    /// # Errors
    /// The database failed.
    pub async fn add(&mut self, lines: &[OwnLine]) -> Result<(), StoreError> {
        for some in lines.chunks(STAGED_AT_ONCE) {
            let mut rows = Vec::with_capacity(some.len());
            for OwnLine { line, reference, .. } in some {
                rows.push((
                    line,
                    reference,
                    integer(line.number)?,
                    line.time.map(integer).transpose()?,
                ));
            }
            let mut query = QueryBuilder::new(
                "INSERT INTO staged_lines (day, trade, number, amount, asset, payer, time, reference) ",
            );
            query.push_values(rows, |mut row, (line, reference, number, time)| {
                row.push_bind(line.day.0)
                    .push_bind(line.trade.0.to_vec())
                    .push_bind(number)
                    .push_bind(line.amount.to_string())
                    .push_bind(AssetName(line.asset).to_string())
                    .push_bind(line.payer.map(|payer| payer.0.to_vec()))
                    .push_bind(time)
                    .push_bind(reference);
            });
            query.build().execute(&mut *self.connection).await?;
            self.lines = self.lines.saturating_add(u64::try_from(some.len()).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// Books what was put aside, all of it in one transaction; nothing, where the same file was imported before.
    ///
    /// # Errors
    /// The database failed.
    pub async fn commit(mut self, new: &NewImport) -> Result<Imported, StoreError> {
        let imported = self.book(new).await;
        self.clear().await?;
        imported
    }

    /// Forgets what was put aside.
    ///
    /// # Errors
    /// The database failed.
    pub async fn abandon(mut self) -> Result<(), StoreError> {
        self.clear().await
    }

    async fn clear(&mut self) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM staged_lines")
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    async fn book(&mut self, new: &NewImport) -> Result<Imported, StoreError> {
        let lines = integer(self.lines)?;
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(known) = same(&mut transaction, new.book, &new.digest).await? {
            return Ok(Imported::Known(known));
        }
        if let Some(replaced) = new.replaces {
            if let Some(cannot) = why_not(&mut transaction, new.book, replaced).await? {
                return Ok(cannot);
            }
        }
        let (first, last) = new
            .days
            .map_or((None, None), |(first, last)| (Some(first.0), Some(last.0)));
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO book_imports (book, name, format, digest, lines, total, first_day, last_day, imported_by, \
             created_at, replaces) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(new.book.0)
        .bind(&new.name)
        .bind(new.format.as_str())
        .bind(new.digest.as_slice())
        .bind(lines)
        .bind(new.total.to_string())
        .bind(first)
        .bind(last)
        .bind(&new.by)
        .bind(integer(new.at)?)
        .bind(new.replaces)
        .fetch_one(&mut *transaction)
        .await?;
        if let Some(replaced) = new.replaces {
            replace(&mut transaction, new.book, replaced, id).await?;
        }
        sqlx::query(
            "INSERT INTO book_lines (book, day, trade, number, amount, asset, payer, time, reference, import, elsewhere) \
             SELECT ?1, staged.day, staged.trade, (?2 << 32) + staged.number, staged.amount, staged.asset, staged.payer, \
             staged.time, staged.reference, ?2, entry.day FROM staged_lines AS staged \
             LEFT JOIN chain_entries AS entry ON entry.book = ?1 AND entry.trade = staged.trade \
             AND entry.day <> staged.day ORDER BY staged.day, staged.trade, staged.number",
        )
        .bind(new.book.0)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        let row = sqlx::query("SELECT * FROM book_imports WHERE id = ?")
            .bind(id)
            .fetch_one(&mut *transaction)
            .await?;
        let row = import_from(&row)?;
        transaction.commit().await?;
        Ok(Imported::Booked(row))
    }
}

async fn same(
    connection: &mut SqliteConnection,
    book: BookId,
    digest: &[u8; 32],
) -> Result<Option<ImportRow>, StoreError> {
    let row = sqlx::query("SELECT * FROM book_imports WHERE book = ? AND digest = ? AND replaced_by IS NULL")
        .bind(book.0)
        .bind(digest.as_slice())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(import_from).transpose()
}

/// Why nothing can come in an import's place, if so.
async fn why_not(connection: &mut SqliteConnection, book: BookId, id: i64) -> Result<Option<Imported>, StoreError> {
    let row = sqlx::query("SELECT replaced_by FROM book_imports WHERE id = ? AND book = ?")
        .bind(id)
        .bind(book.0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else {
        return Ok(Some(Imported::NothingToReplace));
    };
    if let Some(by) = row.try_get("replaced_by")? {
        return Ok(Some(Imported::ReplacedBy(by)));
    }
    let closed: Option<u32> = sqlx::query_scalar(
        "SELECT min(line.day) FROM book_lines AS line, chain_books AS known \
         WHERE line.import = ? AND known.book = line.book AND line.day <= known.closed_through",
    )
    .bind(id)
    .fetch_one(connection)
    .await?;
    Ok(closed.map(|day| Imported::Final(Day(day))))
}

/// Takes an import's lines out of the book, and what corrections made of the trades that come now.
async fn replace(connection: &mut SqliteConnection, book: BookId, replaced: i64, by: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE book_imports SET replaced_by = ? WHERE id = ?")
        .bind(by)
        .bind(replaced)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM book_lines WHERE import = ?")
        .bind(replaced)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM book_lines WHERE book = ? AND number = ? AND trade IN (SELECT trade FROM staged_lines)")
        .bind(book.0)
        .bind(integer(CORRECTED)?)
        .execute(connection)
        .await?;
    Ok(())
}

fn import_from(row: &SqliteRow) -> Result<ImportRow, StoreError> {
    let format: &str = row.try_get("format")?;
    Ok(ImportRow {
        id: row.try_get("id")?,
        book: book(row)?,
        name: row.try_get("name")?,
        format: format.parse().map_err(|error| corrupt("format", error))?,
        digest: hash(row, "digest")?,
        lines: natural(row.try_get("lines")?)?,
        total: word(row, "total")?,
        first_day: optional_day(row, "first_day")?,
        last_day: optional_day(row, "last_day")?,
        by: row.try_get("imported_by")?,
        at: time(row, "created_at")?,
        replaces: row.try_get("replaces")?,
        replaced_by: row.try_get("replaced_by")?,
    })
}
