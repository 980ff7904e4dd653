//! The rules, written out plainly: everything is compared with everything.
use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    ids::TradeId,
    reconciliation::{Cause, Kind, Side},
};
use quittance_matching::{
    line::{ChainEntry, Line},
    Rules,
};

use super::world::{cause, World, DAY};

/// What is wrong with a trade: the causes, and whether it is only expected.
pub type Wrong = BTreeMap<TradeId, (BTreeSet<Cause>, bool)>;

const SIDES: [Side; 2] = [Side::Debit, Side::Credit];

/// What is wrong on the day, and how many entries match.
pub fn wrong(world: &World, rules: &Rules) -> (Wrong, u64) {
    let entries = world.entries();
    let mut causes: Wrong = BTreeMap::new();
    let mut unsure: BTreeSet<TradeId> = BTreeSet::new();
    let mut strays: Vec<(Side, Line)> = Vec::new();
    let mut batches: BTreeSet<TradeId> = BTreeSet::new();
    let mut add = |trade, what| causes.entry(trade).or_default().0.insert(what);
    for side in SIDES {
        let lines = world.statement(side);
        let of = |trade: TradeId| lines.iter().filter(move |line| line.trade == trade);
        for entry in &entries {
            for line in of(entry.entry.trade) {
                compare(rules, entry, line, &mut |kind| {
                    add(entry.entry.trade, cause(kind, side));
                });
            }
            if of(entry.entry.trade).count() > 1 {
                add(entry.entry.trade, cause(Kind::Duplicate, side));
            }
        }
        let mut gaps: Vec<&ChainEntry> = entries
            .iter()
            .filter(|entry| of(entry.entry.trade).next().is_none())
            .collect();
        let is_entry = |line: &Line| entries.iter().any(|entry| entry.entry.trade == line.trade);
        let mut left: Vec<Line> = lines
            .iter()
            .filter(|line| line.day == DAY && !is_entry(line))
            .cloned()
            .collect();

        let ids: BTreeSet<TradeId> = gaps
            .iter()
            .filter_map(|gap| gap.batch)
            .map(|batch| TradeId(batch.0))
            .collect();
        for id in ids {
            let of_batch = |gap: &&&ChainEntry| gap.batch.is_some_and(|batch| batch.0 == id.0);
            let sum = gaps.iter().filter(of_batch).map(|gap| gap.entry.amount).sum::<u128>();
            let booked: Vec<Line> = left.iter().filter(|line| line.trade == id).cloned().collect();
            if booked.is_empty() {
                continue;
            }
            batches.insert(id);
            let mut off = Vec::new();
            if booked
                .iter()
                .any(|line| line.amount.abs_diff(sum) > rules.tolerance.amount)
            {
                off.push(Kind::Amount);
            }
            if booked.iter().any(|line| line.asset != rules.asset) {
                off.push(Kind::Asset);
            }
            if booked.len() > 1 {
                off.push(Kind::Duplicate);
            }
            if !off.is_empty() {
                unsure.extend(gaps.iter().filter(of_batch).map(|gap| gap.entry.trade));
            }
            for kind in off {
                add(id, cause(kind, side));
            }
            left.retain(|line| line.trade != id);
            gaps.retain(|gap| gap.batch.is_none_or(|batch| batch.0 != id.0));
        }

        let fits = |gap: &ChainEntry, line: &Line| {
            line.asset == rules.asset
                && line.amount == gap.entry.amount
                && line.payer.is_none_or(|payer| payer == gap.entry.payer)
        };
        let mut paired: Vec<Line> = Vec::new();
        for gap in &gaps {
            let fitting: Vec<&Line> = left.iter().filter(|line| fits(gap, line)).collect();
            match fitting.as_slice() {
                [line] if gaps.iter().filter(|gap| fits(gap, line)).count() == 1 => {
                    add(gap.entry.trade, cause(Kind::AlteredId, side));
                    paired.push((*line).clone());
                }
                _ => {
                    add(gap.entry.trade, cause(Kind::Missing, side));
                }
            }
        }
        left.retain(|line| !paired.contains(line));
        strays.extend(left.into_iter().map(|line| (side, line)));
    }

    let ids: BTreeSet<TradeId> = strays.iter().map(|(_, line)| line.trade).collect();
    for id in ids {
        let of = |side| {
            strays
                .iter()
                .filter(move |(at, line)| *at == side && line.trade == id)
                .map(|(_, line)| line)
        };
        let elsewhere = world
            .chain
            .get(&id)
            .filter(|entry| entry.day != DAY && entry.entry.amount > 0);
        let mut found: BTreeSet<Cause> = BTreeSet::new();
        for side in SIDES {
            for line in of(side) {
                match elsewhere {
                    Some(entry) => compare(rules, entry, line, &mut |kind| {
                        found.insert(cause(kind, side));
                    }),
                    None if line.asset != rules.asset => {
                        found.insert(cause(Kind::Asset, side));
                    }
                    None => {}
                }
            }
            if of(side).count() > 1 || (batches.contains(&id) && of(side).next().is_some()) {
                found.insert(cause(Kind::Duplicate, side));
            }
        }
        if batches.contains(&id) {
            found.retain(|cause| cause.kind == Kind::Duplicate);
        } else if let Some(entry) = elsewhere {
            let is_wrong = found.iter().any(|cause| cause.kind == Kind::WrongDay);
            if !is_wrong || rules.closed_through.is_none_or(|through| entry.day > through) {
                continue;
            }
        } else {
            let times = SIDES.into_iter().flat_map(of).filter_map(|line| line.time);
            let is_late = times.min().is_some_and(|time| time > rules.expected_since);
            causes.entry(id).or_default().1 = is_late && found.is_empty();
            found.insert(cause(Kind::Missing, Side::Chain));
        }
        causes.entry(id).or_default().0.extend(found);
    }

    for entry in &entries {
        if let Some((causes, is_expected)) = causes.get_mut(&entry.entry.trade) {
            let only_missing = causes.iter().all(|cause| cause.kind == Kind::Missing);
            *is_expected =
                only_missing && !unsure.contains(&entry.entry.trade) && entry.entry.time > rules.expected_since;
        }
    }
    let in_order =
        |entry: &&ChainEntry| !causes.contains_key(&entry.entry.trade) && !unsure.contains(&entry.entry.trade);
    let matched = entries.iter().filter(in_order).count() as u64;
    (causes, matched)
}

fn compare(rules: &Rules, entry: &ChainEntry, line: &Line, off: &mut dyn FnMut(Kind)) {
    if line.amount.abs_diff(entry.entry.amount) > rules.tolerance.amount {
        off(Kind::Amount);
    }
    if line.asset != rules.asset {
        off(Kind::Asset);
    }
    if line.payer.is_some_and(|payer| payer != entry.entry.payer) {
        off(Kind::Payer);
    }
    let is_near = |time: u64| rules.tolerance.time > 0 && time.abs_diff(entry.entry.time) <= rules.tolerance.time;
    if line.day != entry.day && !line.time.is_some_and(is_near) {
        off(Kind::WrongDay);
    }
}
