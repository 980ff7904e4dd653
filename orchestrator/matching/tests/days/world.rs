//! A day in memory.
use std::collections::BTreeMap;

use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::{BatchId, Cause, Day, Entry, Kind, Side},
    settlement::Asset,
    AccountId, Amount,
};
use quittance_matching::{
    findings::{proposal, Finding, Summary, Tolerance},
    line::{ChainEntry, Line},
    Matcher, Rest, Rules,
};

pub const DAY: Day = Day(20_783);
/// Closed.
pub const BEFORE: Day = Day(20_782);
/// Open.
pub const AFTER: Day = Day(20_784);
/// Noon of the day: what is later is expected.
pub const NOON: u64 = 20_783 * 86_400_000 + 43_200_000;
pub const OTHER_ASSET: Asset = Asset::Psp22(AccountId([9; 32]));

pub fn rules(tolerance: Tolerance) -> Rules {
    Rules {
        day: DAY,
        asset: Asset::Native,
        tolerance,
        expected_since: NOON,
        closed_through: Some(BEFORE),
    }
}

/// What there is to be matched.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The chain's entries, of all days.
    pub chain: BTreeMap<TradeId, ChainEntry>,
    pub debit: Vec<Line>,
    pub credit: Vec<Line>,
}

pub fn trade(number: u64) -> TradeId {
    TradeId::of(&number.to_string())
}

pub fn payer(number: u64) -> PayerId {
    PayerId::of(&number.to_string())
}

pub fn entry(trade: TradeId, amount: Amount, payer: PayerId) -> ChainEntry {
    ChainEntry {
        entry: Entry {
            trade,
            payer,
            amount,
            time: NOON - 1,
        },
        day: DAY,
        batch: None,
        corrections: 0,
        block: 7,
        block_hash: [7; 32],
        event: 3,
    }
}

/// As a book has it that agrees with the chain.
pub fn line(entry: &ChainEntry, number: u64) -> Line {
    Line {
        trade: entry.entry.trade,
        number,
        day: entry.day,
        amount: entry.entry.amount,
        asset: Asset::Native,
        payer: Some(entry.entry.payer),
        time: Some(entry.entry.time),
    }
}

impl World {
    pub fn add(&mut self, entry: ChainEntry) {
        assert!(self.chain.insert(entry.entry.trade, entry).is_none());
    }

    pub fn book(&mut self, side: Side) -> &mut Vec<Line> {
        if side == Side::Debit {
            &mut self.debit
        } else {
            &mut self.credit
        }
    }

    /// The chain's entries of the day.
    pub fn entries(&self) -> Vec<ChainEntry> {
        let of_day = |entry: &&ChainEntry| entry.day == DAY && entry.entry.amount > 0;
        self.chain.values().filter(of_day).copied().collect()
    }

    /// What a side's statement of the day has.
    pub fn statement(&self, side: Side) -> Vec<Line> {
        let book = if side == Side::Debit { &self.debit } else { &self.credit };
        let on_day = |trade| self.chain.get(&trade).is_some_and(|entry| entry.day == DAY);
        let of_day = |line: &&Line| line.day == DAY || on_day(line.trade);
        let mut lines: Vec<Line> = book.iter().filter(of_day).cloned().collect();
        lines.sort_by_key(|line| (line.trade, line.number));
        lines
    }

    /// Matches it, with pages of so many lines and room for so many leftovers.
    pub fn matched(&self, rules: Rules, page: usize, room: usize) -> (Vec<Finding>, Summary) {
        let pages = |lines: Vec<Line>| lines.chunks(page).map(<[Line]>::to_vec).collect::<Vec<_>>().into_iter();
        let (mut debit, mut credit) = (pages(self.statement(Side::Debit)), pages(self.statement(Side::Credit)));
        let mut entries = self
            .entries()
            .chunks(page)
            .map(<[ChainEntry]>::to_vec)
            .collect::<Vec<_>>()
            .into_iter();
        let mut matcher = Matcher::with_room(rules, room);
        let mut found = Vec::new();
        while let Some(side) = matcher.merge(&mut found).unwrap() {
            match side {
                Side::Debit => matcher.lines(side, debit.next().unwrap_or_default()).unwrap(),
                Side::Credit => matcher.lines(side, credit.next().unwrap_or_default()).unwrap(),
                Side::Chain => matcher.entries(entries.next().unwrap_or_default()).unwrap(),
            }
        }
        assert!(
            found.is_sorted_by_key(|finding| finding.trade),
            "what is found at once ascends"
        );
        let mut leftovers = matcher.leftovers().unwrap();
        let mut rest = Vec::new();
        while leftovers.next(&mut rest).unwrap() {}
        for left in rest {
            match left {
                Rest::Finding(finding) => found.push(*finding),
                Rest::Loose(loose) => {
                    let entry = self.chain.get(&loose.trade).copied();
                    found.extend(leftovers.resolve(loose, entry));
                }
            }
        }
        (found, leftovers.summary())
    }

    /// Does what both sides sign for a finding: to the chain, and to the books that were off.
    pub fn correct(&mut self, finding: &Finding) {
        let right = proposal(finding);
        let before = self.chain.get(&right.trade).copied();
        let mut after = before.unwrap_or_else(|| entry(right.trade, right.amount, right.payer));
        after.entry = Entry {
            trade: right.trade,
            payer: right.payer,
            amount: right.amount,
            time: right.time,
        };
        after.corrections += 1;
        self.chain.insert(right.trade, after);
        for side in [Side::Debit, Side::Credit] {
            let is_off = finding
                .causes
                .iter()
                .any(|cause| cause.side == side || cause.side == Side::Chain);
            if !is_off {
                continue;
            }
            let shown: Vec<Line> = finding.lines(side).to_vec();
            let book = self.book(side);
            book.retain(|line| line.trade != finding.trade && !shown.contains(line));
            if finding.batch.is_some() {
                let sum = finding.due(side);
                let of_batch = shown.into_iter().next().filter(|_| sum > 0);
                book.extend(of_batch.map(|line| Line {
                    amount: sum,
                    asset: Asset::Native,
                    ..line
                }));
            } else if right.amount > 0 {
                book.push(line(&after, 0));
            }
        }
    }
}

pub fn cause(kind: Kind, side: Side) -> Cause {
    Cause { kind, side }
}

pub fn in_batch(entry: ChainEntry, batch: u64) -> ChainEntry {
    ChainEntry {
        batch: Some(BatchId(trade(batch).0)),
        ..entry
    }
}
