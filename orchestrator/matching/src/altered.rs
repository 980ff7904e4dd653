//! Lines that are an entry's but for the id: nothing else fits the one, and nothing else fits the other.
use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::Side,
    Amount,
};
use scale::{Decode, Encode};

use crate::{
    leftovers::Known,
    line::{ChainEntry, Line},
    sorter::{Record, Sorter},
    MatchError,
};

/// An entry that lacks a line at a side, or a line that lacks an entry; of one day and asset.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) enum Candidate {
    Line {
        side: Side,
        line: Line,
    },
    Gap {
        side: Side,
        trade: TradeId,
        amount: Amount,
        payer: PayerId,
    },
}

impl Candidate {
    pub(crate) const fn gap(side: Side, entry: &ChainEntry) -> Self {
        Self::Gap {
            side,
            trade: entry.entry.trade,
            amount: entry.entry.amount,
            payer: entry.entry.payer,
        }
    }
}

impl Record for Candidate {
    /// Lines that name no payer come before all entries of their amount, others before the entries of their payer.
    type Key = (Side, Amount, Option<PayerId>, bool, TradeId, u64);

    fn key(&self) -> Self::Key {
        match self {
            Self::Line { side, line } => (*side, line.amount, line.payer, false, line.trade, line.number),
            Self::Gap {
                side,
                trade,
                amount,
                payer,
            } => (*side, *amount, Some(*payer), true, *trade, 0),
        }
    }
}

/// One amount at one side.
pub(crate) struct Pairing<'a> {
    known: &'a mut dyn FnMut(Known) -> Result<(), MatchError>,
    side: Side,
    amount: Amount,
    /// Lines that name no payer: they fit every entry.
    nameless: Lines,
    /// The payer that is being read, its lines, and its entries.
    payer: Option<PayerId>,
    named: Lines,
    gaps: Gaps,
    /// Entries of all payers, and how many lines name the payer of the latest one.
    all: Gaps,
    named_beside: u64,
}

#[derive(Default)]
struct Lines {
    count: u64,
    first: Option<Line>,
}

#[derive(Default)]
struct Gaps {
    count: u64,
    first: Option<TradeId>,
}

impl Gaps {
    fn add(&mut self, trade: TradeId) {
        self.count = self.count.saturating_add(1);
        self.first.get_or_insert(trade);
    }

    fn only(&self) -> Option<TradeId> {
        self.first.filter(|_| self.count == 1)
    }
}

impl<'a> Pairing<'a> {
    /// Pairs candidates. Every line is told of, as that of an entry or as a stray one; an entry only with its line.
    pub(crate) fn judge(
        candidates: Sorter<Candidate>,
        known: &'a mut dyn FnMut(Known) -> Result<(), MatchError>,
    ) -> Result<(), MatchError> {
        let mut records = candidates.sorted()?.records()?;
        let mut pairing = Self {
            known,
            side: Side::Debit,
            amount: 0,
            nameless: Lines::default(),
            payer: None,
            named: Lines::default(),
            gaps: Gaps::default(),
            all: Gaps::default(),
            named_beside: 0,
        };
        while let Some(candidate) = records.next()? {
            pairing.take(candidate)?;
        }
        pairing.end_of_amount()
    }

    fn take(&mut self, candidate: Candidate) -> Result<(), MatchError> {
        let (side, amount, payer, ..) = candidate.key();
        if (side, amount) != (self.side, self.amount) {
            self.end_of_amount()?;
            (self.side, self.amount) = (side, amount);
        } else if payer != self.payer {
            self.end_of_payer()?;
        }
        self.payer = payer;
        match candidate {
            Candidate::Gap { trade, .. } => {
                self.gaps.add(trade);
                self.all.add(trade);
                self.named_beside = self.named.count;
            }
            Candidate::Line { line, .. } => {
                let lines = if payer.is_some() {
                    &mut self.named
                } else {
                    &mut self.nameless
                };
                lines.count = lines.count.saturating_add(1);
                if lines.count == 1 {
                    lines.first = Some(line);
                } else {
                    (self.known)(Known::Stray { side, line })?;
                }
            }
        }
        Ok(())
    }

    fn end_of_payer(&mut self) -> Result<(), MatchError> {
        let (named, gaps) = (std::mem::take(&mut self.named), std::mem::take(&mut self.gaps));
        let only = gaps.only().filter(|_| named.count == 1 && self.nameless.count == 0);
        self.end_of_lines(named, only)
    }

    fn end_of_amount(&mut self) -> Result<(), MatchError> {
        self.end_of_payer()?;
        let (nameless, all) = (std::mem::take(&mut self.nameless), std::mem::take(&mut self.all));
        let named = std::mem::take(&mut self.named_beside);
        self.payer = None;
        let only = all.only().filter(|_| nameless.count == 1 && named == 0);
        self.end_of_lines(nameless, only)
    }

    fn end_of_lines(&mut self, lines: Lines, entry: Option<TradeId>) -> Result<(), MatchError> {
        let (Some(line), side) = (lines.first, self.side) else {
            return Ok(());
        };
        (self.known)(match entry {
            Some(trade) => Known::Altered { trade, side, line },
            None => Known::Stray { side, line },
        })
    }
}
