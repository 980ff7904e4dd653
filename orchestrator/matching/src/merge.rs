//! One pass over three sorted streams.
use protocol::{
    ids::TradeId,
    reconciliation::{Cause, Kind, Side},
    Amount,
};

use crate::{
    findings::{Finding, Summary},
    leftovers::{Leftovers, Open, Putting},
    line::{ChainEntry, Line},
    rules::Rules,
    MatchError,
};

/// How many of the leftovers of one sort are in memory at once.
pub const ROOM: usize = 16_384;
/// The most lines of one trade and side that a finding shows.
pub const SHOWN: usize = 16;

/// Takes the streams page by page, each in ascending order, and asks for what it needs next. The order of trades in which it
/// finds is ascending, but for leftovers, which come afterwards.
pub struct Matcher {
    rules: Rules,
    debit: Stream<Line>,
    credit: Stream<Line>,
    chain: Stream<ChainEntry>,
    group: Option<Group>,
    summary: Summary,
    leftovers: Putting,
}

/// What the three have of one trade.
struct Group {
    trade: TradeId,
    entry: Option<ChainEntry>,
    debit: Lines,
    credit: Lines,
}

/// A side's lines of one trade.
#[derive(Default)]
struct Lines {
    shown: Vec<Line>,
    count: u64,
}

impl Lines {
    fn take(&mut self, line: Line) {
        if self.shown.len() < SHOWN {
            self.shown.push(line);
        }
        self.count = self.count.saturating_add(1);
    }
}

impl Matcher {
    /// Begins a day.
    pub fn new(rules: Rules) -> Self {
        Self::with_room(rules, ROOM)
    }

    /// Begins a day, with so many leftovers of one sort in memory at once.
    pub fn with_room(rules: Rules, room: usize) -> Self {
        Self {
            rules,
            debit: Stream::default(),
            credit: Stream::default(),
            chain: Stream::default(),
            group: None,
            summary: Summary::default(),
            leftovers: Putting::new(room),
        }
    }

    /// Takes the next page of a side's book; an empty one is the end of it.
    ///
    /// # Errors
    /// `Unsorted`. `side` is the debit or the credit side.
    pub fn lines(&mut self, side: Side, page: Vec<Line>) -> Result<(), MatchError> {
        let (stream, count) = match side {
            Side::Debit => (&mut self.debit, &mut self.summary.debit_lines),
            _ => (&mut self.credit, &mut self.summary.credit_lines),
        };
        *count = count.saturating_add(page.len() as u64);
        stream.feed(page).ok_or(MatchError::Unsorted(side))
    }

    /// Takes the next page of the chain's entries of the day; an empty one is the end of them.
    ///
    /// # Errors
    /// `Unsorted`.
    pub fn entries(&mut self, page: Vec<ChainEntry>) -> Result<(), MatchError> {
        self.chain.feed(page).ok_or(MatchError::Unsorted(Side::Chain))
    }

    /// Goes as far as it can with what it was given. Returns whose next page it needs; nothing, at the end of all three.
    ///
    /// # Errors
    /// `Overflow`, `Spill`.
    pub fn merge(&mut self, found: &mut Vec<Finding>) -> Result<Option<Side>, MatchError> {
        loop {
            if let Some(side) = self.lacks() {
                return Ok(Some(side));
            }
            let entry = self.chain.head().map(|entry| entry.entry.trade);
            let (debit, credit) = (self.debit.head(), self.credit.head());
            let heads = [entry, debit.map(|line| line.trade), credit.map(|line| line.trade)];
            let Some(trade) = heads.into_iter().flatten().min() else {
                self.close(found)?;
                return Ok(None);
            };
            if self.group.as_ref().is_none_or(|group| group.trade != trade) {
                self.close(found)?;
                if self.pass(trade)? {
                    continue;
                }
                self.group = Some(Group {
                    trade,
                    entry: self.chain.next_if(|next| next.entry.trade == trade),
                    debit: Lines::default(),
                    credit: Lines::default(),
                });
            }
            if let Some(group) = &mut self.group {
                while let Some(line) = self.debit.next_if(|next| next.trade == trade) {
                    group.debit.take(line);
                }
                while let Some(line) = self.credit.next_if(|next| next.trade == trade) {
                    group.credit.take(line);
                }
            }
        }
    }

    /// What is left over when [`Self::merge`] needs no more.
    ///
    /// # Errors
    /// `Spill`.
    pub fn leftovers(self) -> Result<Leftovers, MatchError> {
        self.leftovers.judge(self.rules, self.summary)
    }

    fn lacks(&self) -> Option<Side> {
        let lacking = [
            (self.chain.is_dry(), Side::Chain),
            (self.debit.is_dry(), Side::Debit),
            (self.credit.is_dry(), Side::Credit),
        ];
        lacking.into_iter().find_map(|(is_dry, side)| is_dry.then_some(side))
    }

    /// Passes over a trade that all three have once and say the same of, as they do of most. Says whether it was one.
    fn pass(&mut self, trade: TradeId) -> Result<bool, MatchError> {
        let entry = self.chain.head().filter(|entry| entry.entry.trade == trade);
        let (Some(entry), Some(debit), Some(credit)) = (entry, self.debit.only(trade), self.credit.only(trade)) else {
            return Ok(false);
        };
        let amount = entry.entry.amount;
        let mut causes = Vec::new();
        self.rules.compare(entry, debit, Side::Debit, &mut causes);
        self.rules.compare(entry, credit, Side::Credit, &mut causes);
        if !causes.is_empty() {
            return Ok(false);
        }
        let is_rounded = debit.amount != amount || credit.amount != amount;
        self.entry(amount)?;
        self.matched(is_rounded);
        self.chain.skip();
        self.debit.skip();
        self.credit.skip();
        Ok(true)
    }

    fn entry(&mut self, amount: Amount) -> Result<(), MatchError> {
        self.summary.entries = self.summary.entries.saturating_add(1);
        let total = self.summary.total.checked_add(amount);
        self.summary.total = total.ok_or(MatchError::Overflow)?;
        Ok(())
    }

    fn matched(&mut self, is_rounded: bool) {
        self.summary.matched = self.summary.matched.saturating_add(1);
        self.summary.rounded = self.summary.rounded.saturating_add(u64::from(is_rounded));
    }

    fn close(&mut self, found: &mut Vec<Finding>) -> Result<(), MatchError> {
        let Some(group) = self.group.take() else {
            return Ok(());
        };
        let Some(entry) = group.entry else {
            return self.put_aside(group);
        };
        self.entry(entry.entry.amount)?;

        let mut causes = Vec::new();
        let mut is_rounded = false;
        for (side, lines) in [(Side::Debit, &group.debit), (Side::Credit, &group.credit)] {
            for line in &lines.shown {
                self.rules.compare(&entry, line, side, &mut causes);
                is_rounded |= line.amount != entry.entry.amount;
            }
            if lines.count > 1 {
                causes.push(Cause {
                    kind: Kind::Duplicate,
                    side,
                });
            }
        }
        if group.debit.count == 0 || group.credit.count == 0 {
            self.leftovers.gap(Open {
                entry,
                causes,
                debit: group.debit.shown,
                credit: group.credit.shown,
                is_rounded,
            })?;
        } else if causes.is_empty() {
            self.matched(is_rounded);
        } else {
            causes.sort_unstable();
            causes.dedup();
            self.summary.breaks = self.summary.breaks.saturating_add(1);
            found.push(Finding {
                trade: entry.entry.trade,
                day: self.rules.day,
                causes,
                entry: Some(entry),
                batch: None,
                debit: group.debit.shown,
                credit: group.credit.shown,
                is_expected: false,
            });
        }
        Ok(())
    }

    /// Lines without an entry. Those of other days are that day's matter.
    fn put_aside(&mut self, group: Group) -> Result<(), MatchError> {
        for (side, lines) in [(Side::Debit, group.debit), (Side::Credit, group.credit)] {
            for line in lines.shown {
                if line.day == self.rules.day {
                    self.leftovers.stray(side, line)?;
                }
            }
        }
        Ok(())
    }
}

/// A stream, as far as it was given.
struct Stream<T> {
    page: std::vec::IntoIter<T>,
    last: Option<(TradeId, u64)>,
    is_over: bool,
}

impl<T> Default for Stream<T> {
    fn default() -> Self {
        Self {
            page: Vec::new().into_iter(),
            last: None,
            is_over: false,
        }
    }
}

/// What a stream is in order by.
trait Placed {
    fn place(&self) -> (TradeId, u64);
}

impl Placed for Line {
    fn place(&self) -> (TradeId, u64) {
        (self.trade, self.number)
    }
}

impl Placed for ChainEntry {
    fn place(&self) -> (TradeId, u64) {
        (self.entry.trade, 0)
    }
}

impl<T: Placed> Stream<T> {
    /// Takes the next page.
    fn feed(&mut self, page: Vec<T>) -> Option<()> {
        self.is_over = page.is_empty();
        for item in &page {
            let place = item.place();
            if self.last.is_some_and(|last| last >= place) {
                return None;
            }
            self.last = Some(place);
        }
        if self.page.as_slice().is_empty() {
            self.page = page.into_iter();
        } else {
            let all: Vec<T> = self.page.by_ref().chain(page).collect();
            self.page = all.into_iter();
        }
        Some(())
    }

    fn head(&self) -> Option<&T> {
        self.page.as_slice().first()
    }

    /// The next one, if it is known to be the only one of this trade.
    fn only(&self, trade: TradeId) -> Option<&T> {
        let of_trade = |item: &T| item.place().0 == trade;
        match self.page.as_slice() {
            [only] if self.is_over && of_trade(only) => Some(only),
            [first, second, ..] if of_trade(first) && !of_trade(second) => Some(first),
            _ => None,
        }
    }

    fn skip(&mut self) {
        self.page.next();
    }

    fn next_if(&mut self, is_wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        if self.head().is_some_and(is_wanted) {
            self.page.next()
        } else {
            None
        }
    }

    fn is_dry(&self) -> bool {
        !self.is_over && self.page.as_slice().is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use protocol::{
        ids::PayerId,
        reconciliation::{Day, Entry},
        settlement::Asset,
    };

    use super::*;
    use crate::findings::Tolerance;

    const DAY: Day = Day(20_783);

    fn matcher() -> Matcher {
        Matcher::new(Rules {
            day: DAY,
            asset: Asset::Native,
            tolerance: Tolerance::default(),
            expected_since: u64::MAX,
            closed_through: None,
        })
    }

    fn line(trade: u8, number: u64) -> Line {
        Line {
            trade: TradeId([trade; 32]),
            number,
            day: DAY,
            amount: 100,
            asset: Asset::Native,
            payer: None,
            time: None,
        }
    }

    fn entry(trade: u8, amount: u128) -> ChainEntry {
        ChainEntry {
            entry: Entry {
                trade: TradeId([trade; 32]),
                payer: PayerId([1; 32]),
                amount,
                time: 1,
            },
            day: DAY,
            batch: None,
            corrections: 0,
            block: 7,
            block_hash: [7; 32],
            event: 3,
        }
    }

    #[test]
    fn a_stream_that_doesnt_ascend_is_refused_within_a_page_and_from_page_to_page() {
        for page in [
            vec![line(2, 0), line(1, 0)],
            vec![line(1, 1), line(1, 1)],
            vec![line(1, 1), line(1, 0)],
        ] {
            let refused = matcher().lines(Side::Credit, page.clone());
            assert!(matches!(refused, Err(MatchError::Unsorted(Side::Credit))), "{page:?}");
            let mut matcher = matcher();
            matcher.lines(Side::Credit, page[..1].to_vec()).unwrap();
            assert!(matcher.lines(Side::Credit, page[1..].to_vec()).is_err(), "{page:?}");
        }
        assert!(matcher().entries(vec![entry(1, 1), entry(1, 1)]).is_err());
        assert!(matcher()
            .lines(Side::Debit, vec![line(1, 0), line(1, 1), line(2, 0)])
            .is_ok());
    }

    #[test]
    fn a_day_that_comes_to_more_than_there_can_be_is_refused() {
        let mut matcher = matcher();
        matcher.entries(vec![entry(1, u128::MAX), entry(2, 1)]).unwrap();
        matcher.entries(Vec::new()).unwrap();
        matcher.lines(Side::Debit, Vec::new()).unwrap();
        matcher.lines(Side::Credit, Vec::new()).unwrap();
        assert!(matches!(matcher.merge(&mut Vec::new()), Err(MatchError::Overflow)));
    }

    #[test]
    fn a_trade_with_a_thousand_lines_shows_some_of_them_and_is_one_break() {
        let mut matcher = matcher();
        matcher.entries(vec![entry(1, 100)]).unwrap();
        matcher.entries(Vec::new()).unwrap();
        matcher.lines(Side::Credit, vec![line(1, 0)]).unwrap();
        matcher.lines(Side::Credit, Vec::new()).unwrap();
        let mut found = Vec::new();
        for number in 0..1_000 {
            assert_eq!(matcher.merge(&mut found).unwrap(), Some(Side::Debit));
            matcher.lines(Side::Debit, vec![line(1, number)]).unwrap();
        }
        matcher.merge(&mut found).unwrap();
        matcher.lines(Side::Debit, Vec::new()).unwrap();
        assert_eq!(matcher.merge(&mut found).unwrap(), None);
        let [finding] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(finding.has(Kind::Duplicate, Side::Debit));
        assert_eq!(
            (finding.causes.len(), finding.debit.len(), finding.credit.len()),
            (1, SHOWN, 1)
        );
        assert_eq!(matcher.leftovers().unwrap().summary().debit_lines, 1_000);
    }
}
