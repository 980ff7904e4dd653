//! Days that are right but for what is planted: all of it is found, nothing else is, and when it is corrected the books are
//! what the chain says.
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use protocol::{
    ids::TradeId,
    reconciliation::{Cause, Kind, Side},
};
use quittance_matching::{
    findings::{evidence, proposal, Tolerance},
    line::Line,
};

use super::{
    config,
    world::{cause, entry, in_batch, line, payer, rules, trade, World, AFTER, BEFORE, DAY, NOON, OTHER_ASSET},
};

/// What is planted in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Missing,
    Amount,
    Asset,
    Payer,
    Duplicate,
    WrongDay,
    AlteredId,
    /// Within the tolerance: nothing is wrong.
    Rounded,
    /// The book doesn't say who paid, or when: nothing is wrong.
    Terse,
}

/// What is planted in a batch that is booked as one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchFault {
    None,
    Amount,
    Asset,
    Duplicate,
}

#[derive(Clone, Debug)]
struct Payment {
    id: u64,
    payer: u64,
    debit: Vec<Fault>,
    credit: Vec<Fault>,
    is_late: bool,
    batch: Option<u64>,
}

/// Lines of which the chain has no entry on the day.
#[derive(Clone, Debug)]
enum Extra {
    /// At one side or both; they may say the same, and may be twice in a book.
    NoEntry {
        id: u64,
        debit: usize,
        credit: usize,
        do_agree: bool,
        is_late: bool,
    },
    /// The chain has it on another day.
    Elsewhere { id: u64, is_closed: bool, at: Side },
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    use Fault::{AlteredId, Amount, Asset, Duplicate, Missing, Payer, Rounded, Terse, WrongDay};
    let alone = prop_oneof![Just(Missing), Just(AlteredId), Just(Rounded), Just(Terse)].prop_map(|fault| vec![fault]);
    let together = proptest::sample::subsequence(vec![Amount, Asset, Payer, Duplicate, WrongDay], 1..3);
    prop_oneof![6 => Just(Vec::new()), 1 => alone, 1 => together]
}

fn payments() -> impl Strategy<Value = Vec<Payment>> {
    let one = (
        0u64..4,
        faults(),
        faults(),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.4, 0u64..4),
    );
    proptest::collection::vec(one, 0..60).prop_map(|payments| {
        let numbered = payments.into_iter().zip(0..);
        let made = numbered.map(|((payer, debit, credit, is_late, batch), id)| Payment {
            id,
            payer,
            debit,
            credit,
            is_late,
            batch,
        });
        made.collect()
    })
}

fn extras() -> impl Strategy<Value = Vec<Extra>> {
    let side = prop_oneof![Just(Side::Debit), Just(Side::Credit)];
    let one = prop_oneof![
        (0usize..3, 0usize..3, any::<bool>(), any::<bool>()).prop_map(|(debit, credit, do_agree, is_late)| {
            Extra::NoEntry {
                id: 0,
                debit,
                credit,
                do_agree,
                is_late,
            }
        }),
        (any::<bool>(), side).prop_map(|(is_closed, at)| Extra::Elsewhere { id: 0, is_closed, at }),
    ];
    proptest::collection::vec(one, 0..5).prop_map(|mut extras| {
        for (extra, number) in extras.iter_mut().zip(1_000..) {
            match extra {
                Extra::NoEntry { id, .. } | Extra::Elsewhere { id, .. } => *id = number,
            }
        }
        extras
    })
}

fn batch_fault() -> impl Strategy<Value = BatchFault> {
    prop_oneof![
        4 => Just(BatchFault::None),
        1 => Just(BatchFault::Amount),
        1 => Just(BatchFault::Asset),
        1 => Just(BatchFault::Duplicate),
    ]
}

/// Which batches a side booked as one line, and what is wrong with it.
fn batches() -> impl Strategy<Value = [Option<BatchFault>; 4]> {
    prop::array::uniform4(prop::option::of(batch_fault()))
}

type Expected = BTreeMap<TradeId, (BTreeSet<Cause>, bool)>;

/// A day, and what is wrong with it.
#[derive(Default)]
struct Planted {
    world: World,
    expected: Expected,
    number: u64,
}

/// No two payments are of one amount, and none is another's within what is planted.
const APART: u128 = 1_000;
const TOLERANCE: u128 = 2;
/// Altered ids begin here.
const ALTERED: u64 = 10_000;
/// The ids of batches begin here.
const BATCHES: u64 = 5_000;

impl Planted {
    fn expect(&mut self, trade: TradeId, kind: Kind, side: Side) {
        self.expected.entry(trade).or_default().0.insert(cause(kind, side));
    }

    fn book(&mut self, side: Side, mut line: Line) {
        self.number += 1;
        line.number = self.number;
        self.world.book(side).push(line);
    }

    fn payment(&mut self, payment: &Payment, booked: [&[Option<BatchFault>; 4]; 2]) {
        let mut made = entry(
            trade(payment.id),
            u128::from(payment.id + 1) * APART,
            payer(payment.payer),
        );
        made.entry.time += if payment.is_late { 2 } else { 0 };
        if let Some(batch) = payment.batch {
            made = in_batch(made, BATCHES + batch);
        }
        self.world.add(made);
        let sides = [(Side::Debit, &payment.debit), (Side::Credit, &payment.credit)];
        for ((side, faults), booked) in sides.into_iter().zip(booked) {
            let as_batch = payment.batch.and_then(|batch| booked[usize::try_from(batch).unwrap()]);
            if as_batch.is_none() {
                self.lines(side, faults, &line(&made, 0));
            }
        }
        // Only what is missing and nothing else may still come.
        if let Some((causes, is_expected)) = self.expected.get_mut(&made.entry.trade) {
            let off = [Side::Debit, Side::Credit].into_iter().zip(booked).any(|(_, booked)| {
                let fault = payment.batch.and_then(|batch| booked[usize::try_from(batch).unwrap()]);
                fault.is_some_and(|fault| fault != BatchFault::None)
            });
            *is_expected = payment.is_late && !off && causes.iter().all(|cause| cause.kind == Kind::Missing);
        }
    }

    fn lines(&mut self, side: Side, faults: &[Fault], right: &Line) {
        let mut made = right.clone();
        let mut times = 1;
        for fault in faults {
            let kind = match fault {
                Fault::Missing => {
                    times = 0;
                    Kind::Missing
                }
                Fault::Amount => {
                    made.amount += TOLERANCE + 1;
                    Kind::Amount
                }
                Fault::Asset => {
                    made.asset = OTHER_ASSET;
                    Kind::Asset
                }
                Fault::Payer => {
                    made.payer = Some(payer(99));
                    Kind::Payer
                }
                Fault::Duplicate => {
                    times = 2;
                    Kind::Duplicate
                }
                Fault::WrongDay => {
                    made.day = AFTER;
                    Kind::WrongDay
                }
                Fault::AlteredId => {
                    made.trade = trade(ALTERED + self.number);
                    Kind::AlteredId
                }
                Fault::Rounded => {
                    made.amount -= TOLERANCE;
                    continue;
                }
                Fault::Terse => {
                    (made.payer, made.time) = (None, None);
                    continue;
                }
            };
            self.expect(right.trade, kind, side);
        }
        for _ in 0..times {
            self.book(side, made.clone());
        }
    }

    /// Books a side's batches as one line each.
    fn batches(&mut self, side: Side, booked: &[Option<BatchFault>; 4]) {
        for (fault, batch) in booked.iter().zip(0u64..) {
            let Some(fault) = fault else { continue };
            let id = trade(BATCHES + batch);
            let of = |of: &&quittance_matching::line::ChainEntry| of.batch.is_some_and(|batch| batch.0 == id.0);
            let amounts: Vec<u128> = self
                .world
                .entries()
                .iter()
                .filter(of)
                .map(|of| of.entry.amount)
                .collect();
            if amounts.is_empty() {
                continue;
            }
            let mut made = line(&entry(id, amounts.iter().sum(), payer(0)), 0);
            made.payer = None;
            match fault {
                BatchFault::None => made.amount += TOLERANCE,
                BatchFault::Amount => {
                    made.amount -= 3;
                    self.expect(id, Kind::Amount, side);
                }
                BatchFault::Asset => {
                    made.asset = OTHER_ASSET;
                    self.expect(id, Kind::Asset, side);
                }
                BatchFault::Duplicate => {
                    self.book(side, made.clone());
                    self.expect(id, Kind::Duplicate, side);
                }
            }
            self.book(side, made);
        }
    }

    fn extra(&mut self, extra: &Extra) {
        match *extra {
            Extra::NoEntry {
                id,
                debit,
                credit,
                do_agree,
                is_late,
            } => {
                let mut made = line(&entry(trade(id), u128::from(id) * APART, payer(1)), 0);
                made.time = Some(if is_late { NOON + 1 } else { NOON });
                for (side, times) in [(Side::Debit, debit), (Side::Credit, credit)] {
                    for _ in 0..times {
                        self.book(side, made.clone());
                        self.expect(made.trade, Kind::Missing, Side::Chain);
                    }
                    if times > 1 {
                        self.expect(made.trade, Kind::Duplicate, side);
                    }
                    made.amount += if do_agree { 0 } else { 5 };
                }
                if let Some((causes, is_expected)) = self.expected.get_mut(&made.trade) {
                    *is_expected = is_late && causes.len() == 1;
                }
            }
            Extra::Elsewhere { id, is_closed, at } => {
                let mut made = entry(trade(id), u128::from(id) * APART, payer(1));
                let booked = line(&made, 0);
                made.day = if is_closed { BEFORE } else { AFTER };
                self.world.add(made);
                self.book(at, booked);
                if is_closed {
                    self.expect(made.entry.trade, Kind::WrongDay, at);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn all_that_is_planted_is_found_nothing_else_is_and_corrected_books_are_what_the_chain_says(
        payments in payments(),
        extras in extras(),
        debit in batches(),
        credit in batches(),
        page in 1usize..40,
        room in 1usize..40,
    ) {
        let mut planted = Planted::default();
        for payment in &payments {
            planted.payment(payment, [&debit, &credit]);
        }
        planted.batches(Side::Debit, &debit);
        planted.batches(Side::Credit, &credit);
        for extra in &extras {
            planted.extra(extra);
        }
        let Planted { mut world, expected, .. } = planted;
        let rules = rules(Tolerance { amount: TOLERANCE, time: 0 });

        let (findings, summary) = world.matched(rules, page, room);
        let found: Expected = findings
            .iter()
            .map(|finding| (finding.trade, (finding.causes.iter().copied().collect(), finding.is_expected)))
            .collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(found.len(), findings.len());
        let waiting = expected.values().filter(|(_, is_expected)| *is_expected).count() as u64;
        prop_assert_eq!((summary.breaks, summary.expected), (expected.len() as u64 - waiting, waiting));

        // Two findings may confirm the same entry of a batch: one after the other.
        for finding in findings.iter().filter(|finding| !finding.is_expected) {
            world.correct(finding);
        }
        let (left, summary) = world.matched(rules, page, room);
        prop_assert!(left.iter().all(|finding| finding.is_expected), "{:?}", left);
        let late = left.iter().filter(|finding| finding.entry.is_some()).count() as u64;
        prop_assert_eq!(summary.matched + late, summary.entries, "every entry matches that isn't awaited");

        // What is paid is what the credit side's book says, to the unit but for what is rounded.
        if left.is_empty() {
            let is_elsewhere = |line: &Line| world.chain.get(&line.trade).is_some_and(|entry| entry.day != DAY);
            let lines = world.statement(Side::Credit);
            let said: u128 = lines.iter().filter(|line| !is_elsewhere(line)).map(|line| line.amount).sum();
            prop_assert!(summary.total.abs_diff(said) <= TOLERANCE * lines.len() as u128);
        }
    }

    #[test]
    fn the_same_finding_proposes_the_same_whatever_the_clocks_say(amount in 1u128..100, is_late in any::<bool>()) {
        let mut world = World::default();
        let mut made = entry(trade(1), amount, payer(1));
        made.entry.time += u64::from(is_late) * 2;
        world.add(made);
        let (findings, _) = world.matched(rules(Tolerance::default()), 1, 1);
        let mut other = findings[0].clone();
        prop_assert_eq!(other.is_expected, is_late);
        other.is_expected = !is_late;
        prop_assert_eq!(evidence(&other), evidence(&findings[0]));
        prop_assert_eq!(proposal(&other), proposal(&findings[0]));
        other.day = AFTER;
        prop_assert!(evidence(&other) != evidence(&findings[0]));
    }
}
