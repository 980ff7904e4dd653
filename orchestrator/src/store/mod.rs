//! The institution's own database: SQLite, one file, opened once. Each submodule owns its tables.
pub mod batches;
pub mod books;
pub mod counts;
pub mod credit;
pub mod credit_scores;
pub mod days;
pub mod decisions;
pub mod disputes;
pub mod escrow;
pub mod evidence;
pub mod idempotency;
pub mod listing;
mod nonces;
mod page;
pub mod payments;
pub mod policy;
pub mod prepaid;
pub mod statements;
pub mod submissions;
pub mod users;
pub mod webhooks;
pub mod windows;

use std::path::Path;

pub use page::{Page, Place};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// A handle to the database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: sqlx::SqlitePool,
}

/// The database refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own error.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored value can't be read back.
    #[error("a stored {what} can't be read back: {why}")]
    Corrupt {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl Store {
    /// Opens the database, makes it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// The file can't be opened, or holds something else.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        // `FULL` synchronises the disk at every commit: what was persisted before acting is there after a power cut.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        Self::connect(Self::pool(), options).await
    }

    /// A database that lives as long as its handle, for unit tests.
    #[cfg(test)]
    pub async fn in_memory() -> Result<Self, StoreError> {
        use std::str::FromStr;

        use sqlx::ConnectOptions;

        let options = SqliteConnectOptions::from_str("sqlite::memory:")?.foreign_keys(true);
        // The database is gone with its last connection, and a caller that goes away in the middle of a query takes the
        // pool's with it.
        std::mem::forget(options.clone().connect().await?);
        let pool = Self::pool().max_connections(1).idle_timeout(None).max_lifetime(None);
        Self::connect(pool, options).await
    }

    /// A caller that goes away while its transaction begins (a peer that hangs up) leaves the transaction open, and sqlx
    /// doesn't know of it: it would keep everybody else from writing. If there is anything to roll back when a connection
    /// comes back, the connection is closed. A file needs no ping before it is asked.
    fn pool() -> SqlitePoolOptions {
        SqlitePoolOptions::new()
            .test_before_acquire(false)
            .after_release(|connection, _| {
                Box::pin(async move {
                    let left_open = sqlx::query("ROLLBACK").execute(connection).await.is_ok();
                    Ok(!left_open)
                })
            })
    }

    async fn connect(pool: SqlitePoolOptions, options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let pool = pool.connect_with(options).await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        Ok(Self { pool })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn callers_that_go_away_at_any_point_of_a_transaction_lock_nobody_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.sqlite");
        let store = Store::open(&path).await.unwrap();
        for looks in 0..200 {
            let mut call = Box::pin(store.pool.begin_with("BEGIN IMMEDIATE"));
            for _ in 0..looks % 8 {
                if futures::poll!(&mut call).is_ready() {
                    break;
                }
                tokio::time::sleep(Duration::from_micros(50)).await;
            }
        }
        // By another connection: the one that was left would take this as a part of its transaction.
        let another = Store::open(&path).await.unwrap();
        let number = tokio::time::timeout(Duration::from_secs(30), another.next_sequence()).await;
        number.expect("the database is free").unwrap();
    }
}
