//! What the schedule of windows has done.
use protocol::Timestamp;
use sqlx::Row;

use super::{users::corrupt, Store, StoreError};

/// How far the schedule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSchedule {
    /// The latest cut-off that is done with, in milliseconds since 1970; `None` before the first start.
    pub served: Option<Timestamp>,
    /// Every window below this one is paid.
    pub first_unsettled: u32,
}

impl Store {
    /// How far the schedule is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn window_schedule(&self) -> Result<WindowSchedule, StoreError> {
        let row = sqlx::query("SELECT served, first_unsettled FROM window_schedule")
            .fetch_one(&self.pool)
            .await?;
        let served: Option<i64> = row.try_get("served")?;
        let served = served.map(Timestamp::try_from).transpose();
        Ok(WindowSchedule {
            served: served.map_err(|error| corrupt("cut-off", error))?,
            first_unsettled: row.try_get("first_unsettled")?,
        })
    }

    /// This cut-off, and every one before it, is done with.
    ///
    /// # Errors
    /// The database failed.
    pub async fn serve_cut_off(&self, at: Timestamp) -> Result<(), StoreError> {
        let at = i64::try_from(at).map_err(|error| corrupt("cut-off", error))?;
        sqlx::query("UPDATE window_schedule SET served = MAX(COALESCE(served, 0), ?)")
            .bind(at)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Every window below this one is paid.
    ///
    /// # Errors
    /// The database failed.
    pub async fn settled_windows_below(&self, number: u32) -> Result<(), StoreError> {
        sqlx::query("UPDATE window_schedule SET first_unsettled = MAX(first_unsettled, ?)")
            .bind(number)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
