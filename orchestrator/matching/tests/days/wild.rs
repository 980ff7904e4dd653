//! Days on which hardly anything is right, with few ids, amounts and payers, so that everything collides with everything.
use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::{
    reconciliation::{Day, Side},
    settlement::Asset,
};
use quittance_matching::{
    findings::{proposal, Tolerance},
    line::{ChainEntry, Line},
};

use super::{
    config,
    plain::wrong,
    world::{entry, in_batch, payer, rules, trade, World, AFTER, BEFORE, DAY, NOON, OTHER_ASSET},
};

fn day() -> impl Strategy<Value = Day> {
    prop_oneof![8 => Just(DAY), 1 => Just(BEFORE), 1 => Just(AFTER)]
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(NOON - 5),
        Just(NOON - 1),
        Just(NOON),
        Just(NOON + 1),
        Just(NOON + 6)
    ]
}

/// Batches are known by the ids 100 to 102.
fn entries() -> impl Strategy<Value = Vec<ChainEntry>> {
    let one = (
        0u64..24,
        0u128..4,
        0u64..3,
        time(),
        day(),
        proptest::option::of(100u64..103),
    );
    let one = one.prop_map(|(id, amount, by, time, day, batch)| {
        let mut one = entry(trade(id), amount, payer(by));
        (one.entry.time, one.day) = (time, day);
        batch.map_or(one, |batch| in_batch(one, batch))
    });
    proptest::collection::vec(one, 0..30)
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let id = prop_oneof![6 => 0u64..30, 1 => 100u64..103];
    let asset = prop_oneof![9 => Just(Asset::Native), 1 => Just(OTHER_ASSET)];
    let amount = prop_oneof![9 => 0u128..5, 1 => 0u128..20];
    let one = (
        id,
        amount,
        asset,
        proptest::option::of(0u64..3),
        proptest::option::of(time()),
        day(),
    );
    let one = one.prop_map(|(id, amount, asset, by, time, day)| Line {
        trade: trade(id),
        number: 0,
        day,
        amount,
        asset,
        payer: by.map(payer),
        time,
    });
    proptest::collection::vec(one, 0..30).prop_map(|mut lines| {
        for (line, number) in lines.iter_mut().zip(0..) {
            line.number = number;
        }
        lines
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_the_books_say_is_judged_by_the_rules(
        entries in entries(),
        debit in lines(),
        credit in lines(),
        tolerance in (0u128..2, prop_oneof![Just(0u64), Just(2)]),
        page in 1usize..9,
        room in 1usize..20,
    ) {
        let rules = rules(Tolerance { amount: tolerance.0, time: tolerance.1 });
        let chain: BTreeMap<_, _> = entries.into_iter().map(|entry| (entry.entry.trade, entry)).collect();
        let world = World { chain, debit, credit };
        let (findings, summary) = world.matched(rules, page, room);
        let (expected, matched) = wrong(&world, &rules);
        let found: BTreeMap<_, _> = findings
            .iter()
            .map(|finding| (finding.trade, (finding.causes.iter().copied().collect(), finding.is_expected)))
            .collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(found.len(), findings.len(), "each trade once");
        prop_assert_eq!(summary.matched, matched);
        prop_assert_eq!(summary.breaks + summary.expected, findings.len() as u64);
        prop_assert_eq!(summary.entries, world.entries().len() as u64);
        prop_assert_eq!(summary.total, world.entries().iter().map(|entry| entry.entry.amount).sum::<u128>());
        prop_assert_eq!(summary.debit_lines, world.statement(Side::Debit).len() as u64);
        for finding in &findings {
            let ascend = finding.causes.windows(2).all(|pair| pair[0] < pair[1]);
            prop_assert!(ascend && !finding.causes.is_empty());
            prop_assert!(!proposal(finding).causes.is_empty());
        }
        // However little room there is, and however the pages fall.
        let (again, _) = world.matched(rules, 512, 1_000);
        prop_assert_eq!(findings, again);
    }
}
