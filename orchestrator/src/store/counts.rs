//! Numbers for the operator's metrics.
use super::{Store, StoreError};

impl Store {
    /// How many payments are in each state, by the state's name.
    ///
    /// # Errors
    /// The database fails.
    pub async fn payments_by_state(&self) -> Result<Vec<(String, u32)>, StoreError> {
        let counts = sqlx::query_as("SELECT state, COUNT(*) FROM payments GROUP BY state ORDER BY state")
            .fetch_all(&self.pool)
            .await?;
        Ok(counts)
    }
}
