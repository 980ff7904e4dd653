//! What one pass over the streams leaves over: entries of which a side has no line, and lines of which the chain has no entry.
//! They are brought together by batch, then by what they say; what is still left is missing.
use protocol::{
    ids::TradeId,
    reconciliation::{Cause, Kind, Side},
};
use scale::{Decode, Encode};

use crate::{
    altered::{Candidate, Pairing},
    batches,
    findings::{Finding, Summary, Sums},
    line::{ChainEntry, Line},
    merge::SHOWN,
    rules::Rules,
    sorter::{Record, Records, Sorter},
    MatchError,
};

/// An entry of which at least one side has no line, and what the other's looks like.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) struct Open {
    pub(crate) entry: ChainEntry,
    pub(crate) causes: Vec<Cause>,
    pub(crate) debit: Vec<Line>,
    pub(crate) credit: Vec<Line>,
    pub(crate) is_rounded: bool,
}

/// What is known of a trade in the end.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) enum Known {
    /// The chain's entry.
    Open(Open),
    /// A side booked it with others as one line, rightly.
    Booked {
        trade: TradeId,
        side: Side,
        is_rounded: bool,
    },
    /// A side booked it with others as one line, whose sum is off.
    Off { trade: TradeId, side: Side },
    /// A side's line of it has another id.
    Altered { trade: TradeId, side: Side, line: Line },
    /// The trade is a batch's id; this is wrong with a side's line of it, if anything.
    Batch { side: Side, batch: batches::Booking },
    /// A side's line of which the chain has no entry.
    Stray { side: Side, line: Line },
}

impl Record for Known {
    type Key = (TradeId, u8, Side, u64);

    fn key(&self) -> Self::Key {
        match self {
            Self::Open(open) => (open.entry.entry.trade, 0, Side::Chain, 0),
            Self::Booked { trade, side, .. } | Self::Off { trade, side } | Self::Altered { trade, side, .. } => {
                (*trade, 1, *side, 0)
            }
            Self::Batch { side, batch } => (batch.trade, 2, *side, 0),
            Self::Stray { side, line } => (line.trade, 3, *side, line.number),
        }
    }
}

/// Takes what is left over.
pub(crate) struct Putting {
    batches: batches::Batches,
    pairs: Sorter<Candidate>,
    known: Sorter<Known>,
}

impl Putting {
    pub(crate) const fn new(room: usize) -> Self {
        Self {
            batches: batches::Batches::new(room),
            pairs: Sorter::new(room),
            known: Sorter::new(room),
        }
    }

    /// An entry of which a side has no line, or both.
    pub(crate) fn gap(&mut self, open: Open) -> Result<(), MatchError> {
        for (side, lines) in [(Side::Debit, &open.debit), (Side::Credit, &open.credit)] {
            if lines.is_empty() {
                match open.entry.batch {
                    Some(batch) => self.batches.gap(side, batch, open.entry)?,
                    None => self.pairs.push(Candidate::gap(side, &open.entry))?,
                }
            }
        }
        Ok(self.known.push(Known::Open(open))?)
    }

    /// A line of the day of which the chain has no entry on the day.
    pub(crate) fn stray(&mut self, side: Side, line: Line) -> Result<(), MatchError> {
        self.batches.stray(side, line)
    }

    /// Brings together what belongs together.
    pub(crate) fn judge(self, rules: Rules, summary: Summary) -> Result<Leftovers, MatchError> {
        let Self {
            batches,
            mut pairs,
            mut known,
        } = self;
        batches.judge(&rules, &mut |left| {
            match left {
                batches::Left::Gap { side, entry } => pairs.push(Candidate::gap(side, &entry))?,
                // A line in another asset can't be an entry's under another id.
                batches::Left::Stray { side, line } if line.asset == rules.asset => {
                    pairs.push(Candidate::Line { side, line })?;
                }
                batches::Left::Stray { side, line } => known.push(Known::Stray { side, line })?,
                batches::Left::Known(what) => known.push(what)?,
            }
            Ok(())
        })?;
        Pairing::judge(pairs, &mut |what| Ok(known.push(what)?))?;
        let known = known.sorted()?;
        let mut records = known.records()?;
        Ok(Leftovers {
            rules,
            summary,
            head: records.next()?,
            records,
        })
    }
}

/// Lines of which the chain has no entry on the day: whether it has one on another, has to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// What they are known by.
    pub trade: TradeId,
    debit: Vec<Line>,
    credit: Vec<Line>,
}

/// What is left of a trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Something is wrong with it.
    Finding(Box<Finding>),
    /// It may be another day's: [`Leftovers::resolve`].
    Loose(Loose),
}

/// What was left over, in ascending order of trades.
pub struct Leftovers {
    rules: Rules,
    summary: Summary,
    records: Records<Known>,
    head: Option<Known>,
}

/// All that is known of one trade.
#[derive(Default)]
struct Gathered {
    open: Option<Open>,
    marks: Vec<Known>,
    bookings: Vec<(Side, batches::Booking)>,
    debit: Vec<Line>,
    credit: Vec<Line>,
}

impl Leftovers {
    /// Goes on to the next trade, and adds what is wrong with it. False at the end.
    ///
    /// # Errors
    /// `Spill`.
    pub fn next(&mut self, rest: &mut Vec<Rest>) -> Result<bool, MatchError> {
        let Some(trade) = self.head.as_ref().map(trade_of) else {
            return Ok(false);
        };
        let mut gathered = Gathered::default();
        while let Some(known) = self.head.take_if(|known| trade_of(known) == trade) {
            match known {
                Known::Open(open) => gathered.open = Some(open),
                Known::Batch { side, batch } => gathered.bookings.push((side, batch)),
                Known::Stray { side, line } => show(line, side, &mut gathered.debit, &mut gathered.credit),
                mark => gathered.marks.push(mark),
            }
            self.head = self.records.next()?;
        }
        let Gathered {
            open,
            marks,
            bookings,
            debit,
            credit,
        } = gathered;
        if let Some(open) = open {
            rest.extend(self.entry(open, marks).map(Box::new).map(Rest::Finding));
        }
        if !bookings.is_empty() {
            rest.extend(
                self.batch(trade, bookings, debit, credit)
                    .map(Box::new)
                    .map(Rest::Finding),
            );
        } else if !debit.is_empty() || !credit.is_empty() {
            rest.push(Rest::Loose(Loose { trade, debit, credit }));
        }
        Ok(true)
    }

    /// What is wrong with lines, given what the chain has of their trade. Nothing, if that is of another day that is open:
    /// it is seen there.
    pub fn resolve(&mut self, loose: Loose, entry: Option<ChainEntry>) -> Option<Finding> {
        let entry = entry.filter(|entry| entry.entry.amount > 0 && entry.day != self.rules.day);
        let mut causes = Vec::new();
        let sides = [(Side::Debit, &loose.debit), (Side::Credit, &loose.credit)];
        for (side, lines) in sides {
            for line in lines {
                match &entry {
                    Some(entry) => self.rules.compare(entry, line, side, &mut causes),
                    None if line.asset != self.rules.asset => causes.push(at(Kind::Asset, side)),
                    None => {}
                }
            }
            if lines.len() > 1 {
                causes.push(at(Kind::Duplicate, side));
            }
        }
        match &entry {
            // By its time it is on the right day.
            Some(_) if !causes.iter().any(|cause| cause.kind == Kind::WrongDay) => return None,
            Some(entry) if !self.rules.is_closed(entry.day) => return None,
            Some(_) => {}
            None => causes.push(at(Kind::Missing, Side::Chain)),
        }
        let times = loose.debit.iter().chain(&loose.credit).filter_map(|line| line.time);
        let is_late = times.min().is_some_and(|time| self.rules.is_late(time));
        let is_expected = is_late && causes == [at(Kind::Missing, Side::Chain)];
        Some(self.found(Finding {
            trade: loose.trade,
            day: self.rules.day,
            causes,
            entry,
            batch: None,
            debit: loose.debit,
            credit: loose.credit,
            is_expected,
        }))
    }

    /// What the whole day came to, once all that was left over is resolved.
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// An entry of which a side has no line of its own.
    fn entry(&mut self, open: Open, marks: Vec<Known>) -> Option<Finding> {
        let Open {
            entry,
            mut causes,
            mut debit,
            mut credit,
            mut is_rounded,
        } = open;
        let mut missing: Vec<Side> = Vec::new();
        missing.extend(debit.is_empty().then_some(Side::Debit));
        missing.extend(credit.is_empty().then_some(Side::Credit));
        let (mut in_batch, mut is_off) = (false, false);
        for mark in marks {
            let of = match mark {
                Known::Booked {
                    side,
                    is_rounded: by_batch,
                    ..
                } => {
                    in_batch = true;
                    is_rounded |= by_batch;
                    side
                }
                Known::Off { side, .. } => {
                    is_off = true;
                    side
                }
                Known::Altered { side, line, .. } => {
                    causes.push(at(Kind::AlteredId, side));
                    show(line, side, &mut debit, &mut credit);
                    side
                }
                _ => continue,
            };
            missing.retain(|side| *side != of);
        }
        causes.extend(missing.into_iter().map(|side| at(Kind::Missing, side)));
        if causes.is_empty() {
            // Else what is wrong is found with the batch.
            if !is_off {
                self.summary.matched = self.summary.matched.saturating_add(1);
                self.summary.rounded = self.summary.rounded.saturating_add(u64::from(is_rounded));
                self.summary.in_batches = self.summary.in_batches.saturating_add(u64::from(in_batch));
            }
            return None;
        }
        let only_missing = causes.iter().all(|cause| cause.kind == Kind::Missing);
        let is_expected = only_missing && !is_off && self.rules.is_late(entry.entry.time);
        Some(self.found(Finding {
            trade: entry.entry.trade,
            day: self.rules.day,
            causes,
            entry: Some(entry),
            batch: None,
            debit,
            credit,
            is_expected,
        }))
    }

    /// A batch that a side booked as one line. Lines of it at a side that has booked all of its entries one by one are too
    /// many.
    fn batch(
        &mut self,
        trade: TradeId,
        bookings: Vec<(Side, batches::Booking)>,
        debit: Vec<Line>,
        credit: Vec<Line>,
    ) -> Option<Finding> {
        let mut finding = Finding {
            trade,
            day: self.rules.day,
            causes: Vec::new(),
            entry: None,
            batch: None,
            debit: Vec::new(),
            credit: Vec::new(),
            is_expected: false,
        };
        let mut sums = Sums::default();
        for (side, lines) in [(Side::Debit, debit), (Side::Credit, credit)] {
            let booking = bookings.iter().find(|(of, _)| *of == side).map(|(_, booking)| booking);
            let (causes, lines, sum) = match booking {
                Some(booking) => (booking.causes.clone(), booking.lines.clone(), booking.sum),
                None if lines.is_empty() => continue,
                None => (vec![at(Kind::Duplicate, side)], lines, 0),
            };
            if causes.is_empty() {
                continue;
            }
            finding.causes.extend(causes);
            match side {
                Side::Debit => (finding.debit, sums.debit) = (lines, Some(sum)),
                _ => (finding.credit, sums.credit) = (lines, Some(sum)),
            }
        }
        if finding.causes.is_empty() {
            return None;
        }
        let entries = bookings.into_iter().map(|(_, booking)| booking.first);
        finding.entry = entries.min_by_key(|entry| entry.entry.trade);
        finding.batch = Some(sums);
        Some(self.found(finding))
    }

    fn found(&mut self, mut finding: Finding) -> Finding {
        finding.causes.sort_unstable();
        finding.causes.dedup();
        let count = if finding.is_expected {
            &mut self.summary.expected
        } else {
            &mut self.summary.breaks
        };
        *count = count.saturating_add(1);
        finding
    }
}

pub(crate) const fn at(kind: Kind, side: Side) -> Cause {
    Cause { kind, side }
}

fn trade_of(known: &Known) -> TradeId {
    known.key().0
}

fn show(line: Line, side: Side, debit: &mut Vec<Line>, credit: &mut Vec<Line>) {
    let lines = if side == Side::Debit { debit } else { credit };
    if lines.len() < SHOWN {
        lines.push(line);
    }
}
