//! How a line is compared with the chain's entry.
use protocol::{
    reconciliation::{Cause, Day, Kind, Side},
    settlement::Asset,
    Amount, Timestamp,
};

use crate::{
    findings::Tolerance,
    line::{ChainEntry, Line},
};

/// What a day is matched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Which day.
    pub day: Day,
    /// The book's asset.
    pub asset: Asset,
    /// How exactly the books must agree with the chain.
    pub tolerance: Tolerance,
    /// What is missing isn't missing yet if it is of a later time than this, in milliseconds since 1970.
    pub expected_since: Timestamp,
    /// The book's days up to this one are final.
    pub closed_through: Option<Day>,
}

impl Rules {
    /// What is wrong with a side's line of an entry.
    pub(crate) fn compare(&self, entry: &ChainEntry, line: &Line, side: Side, causes: &mut Vec<Cause>) {
        let mut off = |kind| causes.push(Cause { kind, side });
        if !self.agree(entry.entry.amount, line.amount) {
            off(Kind::Amount);
        }
        if line.asset != self.asset {
            off(Kind::Asset);
        }
        if line.payer.is_some_and(|payer| payer != entry.entry.payer) {
            off(Kind::Payer);
        }
        if line.day != entry.day && !self.is_near(entry, line) {
            off(Kind::WrongDay);
        }
    }

    pub(crate) const fn agree(&self, chain: Amount, book: Amount) -> bool {
        chain.abs_diff(book) <= self.tolerance.amount
    }

    pub(crate) const fn is_late(&self, time: Timestamp) -> bool {
        time > self.expected_since
    }

    pub(crate) fn is_closed(&self, day: Day) -> bool {
        self.closed_through.is_some_and(|through| day <= through)
    }

    fn is_near(&self, entry: &ChainEntry, line: &Line) -> bool {
        let tolerance = self.tolerance.time;
        tolerance > 0
            && line
                .time
                .is_some_and(|time| time.abs_diff(entry.entry.time) <= tolerance)
    }
}
