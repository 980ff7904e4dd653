//! The institution's own lines: booked as the client delivers them, and changed by corrections that stand on the chain.
use protocol::{
    ids::TradeId,
    reconciliation::{BatchId, BookId, Correction},
    text::to_hex,
    Amount, Member,
};

use super::{Books, BooksError};
use crate::{
    reconciliation::{
        findings::Finding,
        line::{ChainEntry, Line},
        messages::{Delivery, MAX_DELIVERED},
        settings::OwnBook,
    },
    store::books::{Delivered, KnownBook, LineChange, OwnLine, CORRECTED},
};

/// How many entries of a batch are read at a time.
const PAGE: u32 = 512;

impl Books {
    /// Takes what a book's client delivers, each entry once. What it delivered before changes nothing.
    ///
    /// # Errors
    /// It isn't the client, or it delivered something else under an id before; nothing is kept then.
    pub async fn on_delivery(&self, from: Member, delivery: &Delivery) -> Result<(), BooksError> {
        let book = delivery.book;
        if !(1..=MAX_DELIVERED).contains(&delivery.entries.len()) {
            return Err(BooksError::EntryCount {
                limit: MAX_DELIVERED,
                found: delivery.entries.len(),
            });
        }
        // A book that was opened a moment ago may not have been read.
        if self.store.known_book(book).await?.is_none() {
            self.follow().await?;
        }
        let (known, side) = self.own(book).await?;
        if from != known.terms.client || delivery.side != side {
            return Err(BooksError::NotFromClient { book, from });
        }
        let is_booked = self.settings(book).own == OwnBook::Delivered;
        let booked_in = is_booked.then_some(known.terms.asset);
        match self.store.keep_delivery(delivery, booked_in, self.now()).await? {
            Delivered::Kept { .. } => Ok(()),
            Delivered::Differs(trade) => Err(BooksError::EntryDiffers(trade)),
        }
    }

    /// Makes the own lines of a trade what the chain has of it after a correction that stands there. Repeated, it changes
    /// nothing.
    ///
    /// # Errors
    /// The correction wasn't read from the chain yet, or the database failed.
    pub async fn apply(&self, book: BookId, correction: &Correction, finding: &Finding) -> Result<(), BooksError> {
        let (known, side) = self.own(book).await?;
        let entry = self.store.chain_entry(book, correction.trade).await?;
        let entry = entry
            .filter(|entry| entry.corrections > correction.number)
            .ok_or(BooksError::NotYet("the correction hasn't been read from the chain"))?;
        let reason = format!("correction {} of {}", correction.number, to_hex(&correction.id()));

        // One line stood for a whole batch, and its sum was off: the finding is the batch's.
        if finding.batch.is_some() {
            return self.set_batch(&known, BatchId(finding.trade.0), finding, reason).await;
        }
        let mut lines = self.store.own_lines_of(book, correction.trade).await?;
        for shown in finding.lines(side) {
            if shown.trade != correction.trade {
                let altered = self.store.own_lines_of(book, shown.trade).await?;
                lines.extend(altered.into_iter().filter(|line| line.line.number == shown.number));
            }
        }
        if lines.is_empty() {
            if let Some(batch) = entry.batch {
                if !self.store.own_lines_of(book, TradeId(batch.0)).await?.is_empty() {
                    return self.set_batch(&known, batch, finding, reason).await;
                }
            }
        }
        let after = corrected(&known, &entry, lines.iter().min_by_key(|line| line.line.number));
        self.change(book, correction.trade, lines, after.into_iter().collect(), reason)
            .await
    }

    /// Makes a batch's line the sum of the entries that it stands for: those that have no line of their own.
    async fn set_batch(
        &self,
        known: &KnownBook,
        batch: BatchId,
        finding: &Finding,
        reason: String,
    ) -> Result<(), BooksError> {
        let book = known.book;
        let trade = TradeId(batch.0);
        let lines = self.store.own_lines_of(book, trade).await?;
        let Some(first) = lines.first() else { return Ok(()) };
        let (mut sum, mut after): (Amount, Option<TradeId>) = (0, None);
        loop {
            let entries = self.store.chain_batch(book, batch, after, PAGE).await?;
            let Some(last) = entries.last() else { break };
            after = Some(last.entry.trade);
            for entry in entries.iter().filter(|entry| entry.day == finding.day) {
                if self.store.own_lines_of(book, entry.entry.trade).await?.is_empty() {
                    // Beyond what an amount holds, nothing could have been recorded.
                    sum = sum.saturating_add(entry.entry.amount);
                }
            }
        }
        let kept = OwnLine {
            line: Line {
                amount: sum,
                asset: known.terms.asset,
                day: finding.day,
                ..first.line.clone()
            },
            ..first.clone()
        };
        let after = if sum == 0 { Vec::new() } else { vec![kept] };
        self.change(book, trade, lines, after, reason).await
    }

    async fn change(
        &self,
        book: BookId,
        of: TradeId,
        before: Vec<OwnLine>,
        after: Vec<OwnLine>,
        reason: String,
    ) -> Result<(), BooksError> {
        let change = LineChange {
            before,
            after,
            reason,
            at: self.now(),
        };
        Ok(self.store.change_lines(book, of, &change).await?)
    }
}

/// The one line of a trade after a correction, in the place of an earlier one, if there was any; none, where there was no such
/// payment.
fn corrected(known: &KnownBook, entry: &ChainEntry, earlier: Option<&OwnLine>) -> Option<OwnLine> {
    if entry.entry.amount == 0 {
        return None;
    }
    let same_id = earlier.filter(|earlier| earlier.line.trade == entry.entry.trade);
    Some(OwnLine {
        line: Line {
            trade: entry.entry.trade,
            number: earlier.map_or(CORRECTED, |earlier| earlier.line.number),
            day: entry.day,
            amount: entry.entry.amount,
            asset: known.terms.asset,
            payer: Some(entry.entry.payer),
            time: Some(entry.entry.time),
        },
        reference: same_id.and_then(|earlier| earlier.reference.clone()),
        import: earlier.and_then(|earlier| earlier.import),
    })
}
