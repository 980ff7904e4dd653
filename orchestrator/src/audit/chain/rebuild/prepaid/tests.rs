//! Programmes whose calls can't be seen: what is rebuilt from their events is what they keep, and what contradicts the rules
//! is found.
#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::{prepaid::Verdict, Amount};
use scale::{Decode, Encode};

use super::*;
use crate::{
    audit::chain::{
        findings::{Finding, Findings},
        tables::Tables,
        Block, Place, Told,
    },
    prepaid::{
        book::tests::random,
        world::{payment, programme, subject, World, HOUR, RULES},
    },
};

const REGISTRY: AccountId = AccountId([8; 32]);

/// What was rebuilt.
struct Rebuilt {
    tables: Tables,
    findings: Findings,
    contract: AccountId,
}

impl Rebuilt {
    fn of(world: &World) -> Self {
        let subject = subject();
        let mut rebuilt = Self {
            tables: Tables::in_memory().unwrap(),
            findings: Findings::default(),
            contract: subject.contract,
        };
        let head = Head {
            genesis: subject.genesis,
            registry: REGISTRY,
            issuer: subject.issuer,
            asset: subject.asset,
            programme: programme(),
            float: Float::default(),
        };
        rebuilt.tables.of(subject.contract).set_head(&head).unwrap();
        for (at, event) in &world.told {
            let told = Told {
                contract: subject.contract,
                block: Block {
                    number: at.block,
                    hash: at.hash,
                    time: at.time,
                },
                index: at.event,
                transaction: 0,
                event: "something",
                fields: &[],
                call: None,
            };
            let place = Place {
                genesis: subject.genesis,
                registry: REGISTRY,
            };
            let mut scene = Scene {
                name: "prepaid_2",
                told: &told,
                place: &place,
                tables: &mut rebuilt.tables,
                findings: &mut rebuilt.findings,
            };
            apply(&mut scene, event).unwrap();
        }
        rebuilt
    }

    fn all<K: Ord + Encode + Decode, V: Encode + Decode>(&mut self, of: &Mapping<K, V>) -> BTreeMap<K, V> {
        let mut all = BTreeMap::new();
        let kept = self.tables.of(self.contract);
        of.each(&kept, |key, value| {
            all.insert(key, value);
        })
        .unwrap();
        all
    }

    fn head(&mut self) -> Head {
        self.tables.of(self.contract).head().unwrap().unwrap()
    }

    fn has(&mut self, world: &World) -> Amount {
        let until = Block {
            number: world.block,
            hash: [0; 32],
            time: world.now,
        };
        let (tables, findings) = (&mut self.tables, &mut self.findings);
        let sums = sums("prepaid_2", self.contract, until, tables, findings).unwrap();
        sums[&Asset::Native]
    }
}

/// Everything that was rebuilt is what the contract keeps.
fn ensure_same(world: &World) {
    let mut rebuilt = Rebuilt::of(world);
    let kept = &world.kept;
    assert_eq!(rebuilt.has(world), kept.has);
    assert_eq!(rebuilt.findings.first, []);
    assert_eq!(rebuilt.all(&CARDS), kept.cards);
    assert_eq!(rebuilt.all(&MERCHANTS), kept.merchants);
    assert_eq!(rebuilt.all(&TERMINALS), kept.terminals);
    assert_eq!(rebuilt.all(&PAYMENTS), kept.payments);
    assert_eq!(rebuilt.all(&DISPUTES), kept.disputes);
    assert_eq!(rebuilt.all(&STATEMENTS), kept.statements);
    assert!(rebuilt.all(&REFERENCES).into_keys().eq(kept.references.iter().copied()));
    let head = rebuilt.head();
    assert_eq!((Some(head.programme), head.float), (kept.programme, kept.float));
}

/// The codes of what is found once an event was altered.
fn altered(world: World, alter: impl Fn(&mut Event) -> bool) -> Vec<String> {
    let found = found(world, alter);
    found.into_iter().map(|one| one.code).collect()
}

fn found(mut world: World, alter: impl Fn(&mut Event) -> bool) -> Vec<Finding> {
    ensure_same(&world);
    let hits = world
        .told
        .iter_mut()
        .filter_map(|(_, event)| alter(event).then_some(()));
    assert_eq!(hits.count(), 1, "one event is altered");
    let mut rebuilt = Rebuilt::of(&world);
    rebuilt.has(&world);
    rebuilt.findings.first
}

fn paid() -> World {
    let mut world = World::small();
    let _ = world.pay(payment(7, 1, 100));
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_rebuilt_of_a_random_programme_is_what_the_contract_keeps(
        acts in prop::collection::vec(random::act(), 1..100),
    ) {
        let mut world = random::world();
        for act in &acts {
            random::do_it(&mut world, act);
        }
        ensure_same(&world);
    }
}

#[test]
fn a_verdict_that_doesnt_follow_is_found() {
    let found = altered(paid(), |event| match event {
        Event::PaymentsDecided(lines) => {
            lines[0].verdict = Verdict::Approved {
                taken: 90,
                balance: 710,
                cycle: 0,
            };
            true
        }
        _ => false,
    });
    assert_eq!(found, ["wrong-value"]);
    let found = altered(paid(), |event| match event {
        Event::PaymentsDecided(lines) => {
            lines[0].verdict = Verdict::Approved {
                taken: 100,
                balance: 701,
                cycle: 0,
            };
            true
        }
        _ => false,
    });
    assert_eq!(found, ["wrong-value", "contradiction"], "a unit more than it holds");
}

#[test]
fn a_statement_that_doesnt_follow_is_found() {
    let mut world = paid();
    world.close_cycle(3).unwrap();
    let found = found(world, |event| match event {
        Event::CycleClosed { statement, .. } => {
            statement.fee += 1;
            true
        }
        _ => false,
    });
    let is_found = |code: &str, what: &str| found.iter().any(|one| one.code == code && one.detail.contains(what));
    assert!(is_found("wrong-value", "cycle 0 is closed"), "{found:?}");
    assert!(is_found("contradiction", "doesn't add up"), "{found:?}");
}

#[test]
fn more_that_goes_back_than_was_taken_is_found() {
    let mut world = paid();
    world.fund(3, 500, 9).unwrap();
    world.refund(7, 1, 60).unwrap();
    let found = altered(world, |event| match event {
        Event::Refunded { amount, .. } => {
            *amount = 101;
            true
        }
        _ => false,
    });
    assert_eq!(found, ["above-paid", "contradiction"]);
}

#[test]
fn deadlines_and_limits_are_held() {
    let mut world = paid();
    world.dispute(7, 1, 50).unwrap();
    world.next(HOUR);
    world.rule(7, 1, Some(0)).unwrap();
    let found = altered(world, |event| match event {
        Event::DisputeDecided { is_default, .. } => {
            *is_default = true;
            true
        }
        _ => false,
    });
    assert_eq!(
        found,
        ["too-early", "wrong-value"],
        "too early, and the holder would have won"
    );

    let found = altered(World::small(), |event| match event {
        Event::ToppedUp { amount, .. } => {
            *amount = 901;
            true
        }
        _ => false,
    });
    assert_eq!(found, ["above-limit"]);
}

#[test]
fn what_names_something_that_never_came_to_be_is_found() {
    let mut world = paid();
    world.set_rules(3, RULES).unwrap();
    let found = altered(world, |event| match event {
        Event::RulesSet { merchant, .. } => {
            *merchant = MerchantNumber(4);
            true
        }
        _ => false,
    });
    assert_eq!(found, ["unknown"]);
    let mut world = paid();
    world.freeze(7, true).unwrap();
    let found = altered(world, |event| match event {
        Event::Frozen(card) => {
            *card = CardNumber(8);
            true
        }
        _ => false,
    });
    assert_eq!(found, ["unknown"]);
}
