//! The lines of a kept statement, one after the other, a page in memory at a time.
use std::collections::VecDeque;

use protocol::{
    ids::TradeId,
    reconciliation::{BookId, Side},
    Amount,
};

use super::{Kept, ReportError};
use crate::reconciliation::line::Line;

/// A side's book, as a statement has it.
pub(super) struct Pager<'a> {
    kept: &'a Kept,
    book: BookId,
    side: Side,
    digest: [u8; 32],
    next: u64,
    lines: VecDeque<Line>,
    is_over: bool,
}

impl<'a> Pager<'a> {
    pub(super) fn new(kept: &'a Kept, book: BookId, side: Side, digest: [u8; 32]) -> Self {
        Self {
            kept,
            book,
            side,
            digest,
            next: 0,
            lines: VecDeque::new(),
            is_over: false,
        }
    }

    /// The next page; `None` behind the last.
    pub(super) async fn page(&mut self) -> Result<Option<Vec<Line>>, ReportError> {
        if self.is_over {
            return Ok(None);
        }
        let Self {
            kept,
            book,
            side,
            digest,
            next,
            ..
        } = *self;
        let page = kept.page(book, side, digest, next).await?;
        let page = page.filter(|lines| !lines.is_empty());
        self.is_over = page.is_none();
        self.next = next.saturating_add(1);
        Ok(page)
    }

    /// How many lines of a trade there are and what they come to; `None` where there are none. Trades are asked for in
    /// ascending order, each once.
    pub(super) async fn lines_of(&mut self, trade: TradeId) -> Result<Option<(u64, Amount)>, ReportError> {
        let mut found: Option<(u64, Amount)> = None;
        loop {
            let Some(line) = self.lines.front() else {
                match self.page().await? {
                    Some(page) => self.lines = page.into(),
                    None => return Ok(found),
                }
                continue;
            };
            if line.trade > trade {
                return Ok(found);
            }
            if line.trade == trade {
                let (count, amount) = found.unwrap_or_default();
                let amount = amount.checked_add(line.amount).ok_or(ReportError::Overflow)?;
                found = Some((count.saturating_add(1), amount));
            }
            self.lines.pop_front();
        }
    }
}
