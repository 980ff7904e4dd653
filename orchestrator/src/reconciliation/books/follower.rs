//! Reads the contract's events into the database, block by block, each once.
use super::Books;
use crate::reconciliation::books::BooksError;

/// How many blocks are read at a time: their events are in memory at once.
const SPAN: u32 = 32;

impl Books {
    /// Reads what happened up to the latest finalized block; that block. A crash at any point is harmless: what was read is
    /// kept together with how far it was.
    ///
    /// # Errors
    /// The chain can't be read, or the database failed.
    pub async fn follow(&self) -> Result<u32, BooksError> {
        let _one = self.following.lock().await;
        let contract = self.ledger.contract();
        let (head, _) = self.ledger.head();
        let read = self.store.reconciliation_cursor(contract).await?;
        let mut next = match read {
            Some(block) => block.saturating_add(1),
            None => self.ledger.first_block().await?,
        };
        while next <= head {
            let last = next.saturating_add(SPAN).saturating_sub(1).min(head);
            let events = self.ledger.events(next, last).await?;
            self.store
                .keep_reconciliation(contract, self.member, &events, last)
                .await?;
            if !events.is_empty() {
                self.changed();
            }
            next = last.saturating_add(1);
        }
        Ok(read.map_or(head, |read| read.max(head)))
    }
}
