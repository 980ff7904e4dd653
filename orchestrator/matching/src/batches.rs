//! Lines that stand for a whole batch: for all its entries on the day that have no line of their own at that side.
use protocol::{
    ids::TradeId,
    reconciliation::{BatchId, Cause, Kind, Side},
    Amount,
};
use scale::{Decode, Encode};

use crate::{
    leftovers::{at, Known},
    line::{ChainEntry, Line},
    merge::SHOWN,
    rules::Rules,
    sorter::{Record, Records, Sorter},
    MatchError,
};

/// An entry of a batch, without a line of its own at a side.
#[derive(Clone, Debug, Encode, Decode)]
struct Gap {
    side: Side,
    batch: BatchId,
    entry: ChainEntry,
}

impl Record for Gap {
    type Key = (Side, [u8; 32], TradeId);

    fn key(&self) -> Self::Key {
        (self.side, self.batch.0, self.entry.entry.trade)
    }
}

/// A line without an entry.
#[derive(Clone, Debug, Encode, Decode)]
struct Stray {
    side: Side,
    line: Line,
}

impl Record for Stray {
    type Key = (Side, TradeId, u64);

    fn key(&self) -> Self::Key {
        (self.side, self.line.trade, self.line.number)
    }
}

/// How a side booked a batch.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) struct Booking {
    /// The batch's id.
    pub(crate) trade: TradeId,
    /// What is wrong with it.
    pub(crate) causes: Vec<Cause>,
    /// The first entry that it stands for.
    pub(crate) first: ChainEntry,
    /// What all that it stands for comes to.
    pub(crate) sum: Amount,
    pub(crate) lines: Vec<Line>,
}

/// What no batch explains, and what one does.
pub(crate) enum Left {
    Gap { side: Side, entry: ChainEntry },
    Stray { side: Side, line: Line },
    Known(Known),
}

pub(crate) struct Batches {
    gaps: Sorter<Gap>,
    strays: Sorter<Stray>,
}

impl Batches {
    pub(crate) const fn new(room: usize) -> Self {
        Self {
            gaps: Sorter::new(room),
            strays: Sorter::new(room),
        }
    }

    pub(crate) fn gap(&mut self, side: Side, batch: BatchId, entry: ChainEntry) -> Result<(), MatchError> {
        Ok(self.gaps.push(Gap { side, batch, entry })?)
    }

    pub(crate) fn stray(&mut self, side: Side, line: Line) -> Result<(), MatchError> {
        Ok(self.strays.push(Stray { side, line })?)
    }

    /// Merges entries by batch with lines by id. What a batch comes to is known only after its last entry, so that entries are
    /// read twice.
    pub(crate) fn judge(
        self,
        rules: &Rules,
        left: &mut dyn FnMut(Left) -> Result<(), MatchError>,
    ) -> Result<(), MatchError> {
        let (gaps, strays) = (self.gaps.sorted()?, self.strays.sorted()?);
        let mut ahead = Ahead::new(gaps.records()?)?;
        let mut gaps = gaps.records()?;
        let mut strays = Ahead::new(strays.records()?)?;
        while let Some(head) = &ahead.head {
            let (side, batch) = (head.side, head.batch);
            let first = head.entry;
            let (mut count, mut sum): (u64, Amount) = (0, 0);
            while let Some(gap) = ahead.next_if(|next| (next.side, next.batch) == (side, batch))? {
                count = count.saturating_add(1);
                sum = sum.checked_add(gap.entry.entry.amount).ok_or(MatchError::Overflow)?;
            }
            let place = (side, TradeId(batch.0));
            while let Some(before) = strays.next_if(|next| (next.side, next.line.trade) < place)? {
                left(before.left())?;
            }
            let mut lines = Vec::new();
            while let Some(of) = strays.next_if(|next| (next.side, next.line.trade) == place)? {
                if lines.len() < SHOWN {
                    lines.push(of.line);
                }
            }
            let booking = (!lines.is_empty()).then(|| Booking {
                trade: TradeId(batch.0),
                causes: causes(rules, side, sum, &lines),
                first,
                sum,
                lines,
            });
            let is_rounded = booking
                .as_ref()
                .is_some_and(|booking| booking.lines.iter().any(|line| line.amount != sum));
            for _ in 0..count {
                let Some(gap) = gaps.next()? else { break };
                let trade = gap.entry.entry.trade;
                left(match &booking {
                    None => Left::Gap { side, entry: gap.entry },
                    Some(booking) if booking.causes.is_empty() => Left::Known(Known::Booked {
                        trade,
                        side,
                        is_rounded,
                    }),
                    Some(_) => Left::Known(Known::Off { trade, side }),
                })?;
            }
            if let Some(batch) = booking {
                left(Left::Known(Known::Batch { side, batch }))?;
            }
        }
        while let Some(stray) = strays.next_if(|_| true)? {
            left(stray.left())?;
        }
        Ok(())
    }
}

impl Stray {
    fn left(self) -> Left {
        Left::Stray {
            side: self.side,
            line: self.line,
        }
    }
}

/// What is wrong with a side's lines of a batch. Who paid, such a line doesn't say.
fn causes(rules: &Rules, side: Side, sum: Amount, lines: &[Line]) -> Vec<Cause> {
    let mut causes = Vec::new();
    if lines.iter().any(|line| !rules.agree(sum, line.amount)) {
        causes.push(at(Kind::Amount, side));
    }
    if lines.iter().any(|line| line.asset != rules.asset) {
        causes.push(at(Kind::Asset, side));
    }
    if lines.len() > 1 {
        causes.push(at(Kind::Duplicate, side));
    }
    causes
}

/// Records, and the next one.
pub(crate) struct Ahead<T: Record> {
    pub(crate) head: Option<T>,
    records: Records<T>,
}

impl<T: Record> Ahead<T> {
    pub(crate) fn new(mut records: Records<T>) -> Result<Self, MatchError> {
        Ok(Self {
            head: records.next()?,
            records,
        })
    }

    pub(crate) fn next_if(&mut self, is_wanted: impl FnOnce(&T) -> bool) -> Result<Option<T>, MatchError> {
        let Some(next) = self.head.take_if(|next| is_wanted(next)) else {
            return Ok(None);
        };
        self.head = self.records.next()?;
        Ok(Some(next))
    }
}
