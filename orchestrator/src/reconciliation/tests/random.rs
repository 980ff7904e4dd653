//! Random days with random breaks: all of them are found, nothing else is, the corrected books are what the chain has, and what
//! is paid is what the credit side's book comes to. `RECONCILED_DAYS` says how many days, 500 by default; `RECONCILED_FROM`, from
//! which of the random pairs of institutions on.
use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use protocol::{
    ids::{content_id, PayerId, TradeId},
    reconciliation::{Day, DayRecord, Entry},
    settlement::Asset,
    AccountId, Amount,
};
use rand::{rngs::StdRng, Rng, SeedableRng};

use super::world::{at, line, World, BOOK, BY_CHAIN, CREDIT, DEBIT, TUESDAY};
use crate::reconciliation::days::state::DayState;

/// How many days each pair of institutions has.
const DAYS: u32 = 20;

/// How many pairs of institutions reconcile at once.
const AT_ONCE: usize = 4;

/// What happens to an entry.
#[derive(Clone, Copy, Debug)]
enum Fate {
    InOrder,
    Missing,
    Amount,
    Asset,
    Payer,
    Duplicate,
    WrongDay,
    AlteredId,
    Unrecorded,
    Invented,
}

const FAULTS: [Fate; 9] = [
    Fate::Missing,
    Fate::Amount,
    Fate::Asset,
    Fate::Payer,
    Fate::Duplicate,
    Fate::WrongDay,
    Fate::AlteredId,
    Fate::Unrecorded,
    Fate::Invented,
];

/// Plants a day; the trades with something wrong.
async fn plant(world: &World, random: &mut StdRng, day: Day) -> BTreeSet<TradeId> {
    let mut planted = BTreeSet::new();
    let mut recorded = Vec::new();
    for _ in 0..random.gen_range(1..8) {
        let id: [u8; 32] = random.gen();
        let entry = Entry {
            trade: TradeId(id),
            payer: PayerId(content_id(b"payer", &id)),
            amount: random.gen_range(10..1_000),
            time: at(day, random.gen_range(0..24)),
        };
        let fate = match random.gen_bool(0.4) {
            true => FAULTS[random.gen_range(0..FAULTS.len())],
            false => Fate::InOrder,
        };
        let off = if random.gen() { DEBIT } else { CREDIT };
        if !matches!(fate, Fate::Unrecorded | Fate::Invented) {
            recorded.push(entry);
        }
        if !matches!(fate, Fate::InOrder) {
            planted.insert(entry.trade);
        }
        let right = line(&entry, day);
        for member in [DEBIT, CREDIT] {
            let mut wrong = right.clone();
            match fate {
                _ if member != off && !matches!(fate, Fate::Invented) => {}
                Fate::Missing => continue,
                Fate::Invented if member != off => continue,
                Fate::Amount => wrong.amount = entry.amount + random.gen_range(1..9),
                Fate::Asset => wrong.asset = Asset::Psp22(AccountId([8; 32])),
                Fate::Payer => wrong.payer = Some(PayerId([7; 32])),
                Fate::Duplicate => {
                    let mut again = right.clone();
                    again.number = 2;
                    world.book(member, again).await;
                }
                Fate::WrongDay => wrong.day = Day(day.0 - 1),
                Fate::AlteredId => wrong.trade = TradeId(content_id(b"altered", &id)),
                Fate::InOrder | Fate::Unrecorded | Fate::Invented => {}
            }
            world.book(member, wrong).await;
        }
    }
    if !recorded.is_empty() {
        world.record(day, &recorded, None);
    }
    planted
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_is_found_and_corrected_nothing_else_is_and_the_sums_are_paid() {
    let days = std::env::var("RECONCILED_DAYS").ok().and_then(|days| days.parse().ok());
    let days: u32 = days.unwrap_or(500);
    let first: u32 = std::env::var("RECONCILED_FROM")
        .ok()
        .and_then(|from| from.parse().ok())
        .unwrap_or(0);
    let worlds = (first..first + days.div_ceil(DAYS)).map(|seed| tokio::spawn(reconcile(u64::from(seed))));
    let mut done = futures::stream::iter(worlds).buffer_unordered(AT_ONCE);
    let mut reconciled: u32 = 0;
    while let Some(world) = done.next().await {
        world.unwrap();
        reconciled += DAYS;
        if reconciled.is_multiple_of(1_000) {
            eprintln!("{reconciled} of {days} days");
        }
    }
}

/// Both go on while a day is under way at either, but not for ever.
async fn until_quiet(world: &World, days: &[Day]) {
    for _ in 0..60 {
        world.rounds(2).await;
        let mut is_quiet = true;
        for (member, last) in [(DEBIT, DayState::Paid), (CREDIT, DayState::Closed)] {
            for day in days {
                let row = world.store(member).book_day(BOOK, *day).await.unwrap();
                // Nothing more happens with a day without anything on the chain.
                let is_bare = world.chain.day(*day) == DayRecord::default();
                is_quiet &= row.is_none_or(|row| {
                    row.state == DayState::Open || row.state == last || (is_bare && row.state == DayState::Clean)
                });
            }
        }
        if is_quiet {
            return;
        }
    }
}

async fn reconcile(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::open(BY_CHAIN).await;
    let mut planted = BTreeSet::new();
    let days: Vec<Day> = (0..DAYS).map(|n| Day(TUESDAY.0 + n)).collect();
    for day in &days {
        world.set(at(*day, 23));
        planted.extend(plant(&world, &mut random, *day).await);
        world.set(at(Day(day.0 + 1), 6));
        until_quiet(&world, &days).await;
    }
    // The last of them may be before a weekend.
    world.set(at(Day(TUESDAY.0 + DAYS + 3), 6));
    until_quiet(&world, &days).await;

    for member in [DEBIT, CREDIT] {
        let store = world.store(member);
        let mut found = BTreeSet::new();
        for day in &days {
            let page = crate::store::Page::first(1_000);
            let filter = crate::store::days::BreakFilter {
                day: Some(*day),
                ..Default::default()
            };
            let rows = store.breaks(BOOK, &filter, &page).await.unwrap();
            found.extend(rows.iter().map(|row| row.trade));
        }
        let missed: Vec<_> = planted.difference(&found).collect();
        let invented: Vec<_> = found.difference(&planted).collect();
        assert!(
            missed.is_empty() && invented.is_empty(),
            "seed {seed}, member {member}: missed {missed:?}, invented {invented:?}"
        );
    }
    let mut credited: Amount = 0;
    // Lines are booked on the day before the first one, too; and what is late counts on a day after the last one.
    for day in (TUESDAY.0 - 7..TUESDAY.0 + DAYS + 14).map(Day) {
        let entries = world.chain.entries_of(day);
        for member in [DEBIT, CREDIT] {
            let lines = world.lines(member, day).await;
            let booked: BTreeMap<TradeId, Amount> = lines.iter().map(|line| (line.trade, line.amount)).collect();
            assert_eq!(lines.len(), booked.len(), "seed {seed}: one line of each");
            assert_eq!(booked, entries, "seed {seed}, member {member}, day {}", day.0);
            if member == CREDIT {
                credited += booked.values().sum::<Amount>();
            }
        }
        let history = world.history(CREDIT, day).await;
        let mut states = Vec::new();
        for member in [DEBIT, CREDIT] {
            let row = world.store(member).book_day(BOOK, day).await.unwrap();
            states.push(row.map(|row| row.state));
        }
        let is_done = match (&states[..], entries.is_empty()) {
            ([Some(DayState::Paid), Some(DayState::Closed)], _) => true,
            // Of a day with nothing on the chain, only its end is matched once a later day was closed.
            ([None | Some(DayState::Clean), None | Some(DayState::Clean)], is_empty) => is_empty,
            _ => false,
        };
        assert!(is_done, "seed {seed}, day {}: {states:?}: {history}", day.0);
    }
    assert_eq!(world.purse.sum(), credited, "seed {seed}");
}
