use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::{BookId, Day, Entry},
    Member,
};

use super::world::{at, correction, day, terms, World, BOOK, CLIENT, DEBIT};
use crate::{
    reconciliation::{line::Line, ports::ReconciliationLedger},
    store::books::{LineChange, OwnLine},
};

fn entry(id: &str, amount: u128) -> Entry {
    Entry {
        trade: TradeId::of(id),
        payer: PayerId::of("4711"),
        amount,
        time: at("2026-11-25T10:00:00Z"),
    }
}

fn line(id: &str, number: u64, on: Day) -> OwnLine {
    OwnLine {
        line: Line {
            trade: TradeId::of(id),
            number,
            day: on,
            amount: 5,
            asset: protocol::settlement::Asset::Native,
            payer: None,
            time: None,
        },
        reference: Some(id.to_owned()),
        import: None,
    }
}

async fn book(world: &World, lines: Vec<OwnLine>) {
    let change = LineChange {
        before: Vec::new(),
        after: lines,
        reason: "by hand".into(),
        at: 0,
    };
    world
        .store(DEBIT)
        .change_lines(BOOK, TradeId([0; 32]), &change)
        .await
        .unwrap();
}

#[tokio::test]
async fn each_event_is_read_once_and_only_of_own_books() {
    let world = World::without_book().await;
    let mut strangers = terms();
    (strangers.client, strangers.debit, strangers.credit) = (Member(7), Member(8), Member(9));
    world.chain.open(BookId(0), terms());
    world.chain.open(BookId(1), strangers);
    let on = day("2026-11-25");
    world
        .chain
        .record(BookId(0), on, None, vec![entry("B", 2), entry("A", 1)]);
    world.chain.record(BookId(1), on, None, vec![entry("C", 3)]);
    for _ in 0..2 {
        assert_eq!(world.debit.follow().await.unwrap(), 4);
    }
    let store = world.store(DEBIT);
    assert_eq!(store.known_books().await.unwrap().len(), 1);
    assert_eq!(store.chain_entries(BookId(1), on, None, 9).await.unwrap(), []);
    let entries = store.chain_entries(BookId(0), on, None, 9).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries[0].entry.trade < entries[1].entry.trade);
    assert_eq!(
        (entries[0].block, entries[0].block_hash, entries[0].event),
        (3, [3; 32], 2)
    );
    // What comes later is read from where it stopped.
    world
        .chain
        .record(BookId(0), day("2026-11-26"), None, vec![entry("D", 4)]);
    assert_eq!(world.debit.follow().await.unwrap(), 5);
    assert_eq!(store.chain_days(BOOK).await.unwrap(), [on, day("2026-11-26")]);
    let after = store
        .chain_entries(BOOK, on, Some(entries[0].entry.trade), 9)
        .await
        .unwrap();
    assert_eq!(after, entries[1..]);
}

#[tokio::test]
async fn many_blocks_are_read_piece_by_piece() {
    let world = World::open().await;
    for number in 0..100 {
        world
            .chain
            .record(BOOK, day("2026-11-25"), None, vec![entry(&number.to_string(), 1)]);
    }
    assert_eq!(world.client.follow().await.unwrap(), 101);
    let entries = world
        .store(CLIENT)
        .chain_entries(BOOK, day("2026-11-25"), None, 1_000)
        .await
        .unwrap();
    assert_eq!(entries.len(), 100);
}

#[tokio::test]
async fn corrections_and_closings_are_kept_as_they_were_signed() {
    let world = World::open().await;
    let on = day("2026-11-25");
    world.chain.record(BOOK, on, None, vec![entry("A", 1)]);
    world.chain.correct(correction(TradeId::of("A"), 0, on, 0));
    world
        .chain
        .correct(correction(TradeId::of("B"), 0, day("2026-11-26"), 7));
    world.chain.close(BOOK, on);
    world.debit.follow().await.unwrap();
    let store = world.store(DEBIT);
    let gone = store.chain_entry(BOOK, TradeId::of("A")).await.unwrap().unwrap();
    assert_eq!(
        (gone.entry.amount, gone.corrections, gone.block, gone.day),
        (0, 1, 3, on)
    );
    // What came to nothing is nobody's line, and stays known.
    assert_eq!(store.chain_entries(BOOK, on, None, 9).await.unwrap(), []);
    assert_eq!(store.all_chain_entries(BOOK, on, None, 9).await.unwrap(), [gone]);
    let made = store.chain_entry(BOOK, TradeId::of("B")).await.unwrap().unwrap();
    assert_eq!(
        (made.entry.amount, made.corrections, made.day),
        (7, 1, day("2026-11-26"))
    );
    let known = store
        .chain_correction(BOOK, TradeId::of("A"), 0)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((known.before, known.correction.amount, known.block), (Some(1), 0, 3));
    let of_day = store.chain_corrections(BOOK, day("2026-11-26"), None, 9).await.unwrap();
    assert_eq!(of_day.iter().map(|known| known.before).collect::<Vec<_>>(), [None]);
    assert_eq!(store.chain_closing(BOOK, on).await.unwrap().unwrap().block, 5);
    assert!(store.known_book(BOOK).await.unwrap().unwrap().is_closed(on));
    assert_eq!(world.chain.head().0, 5);
}

#[tokio::test]
async fn a_days_lines_are_those_of_the_day_and_those_whose_trade_the_chain_has_on_it() {
    let world = World::open().await;
    let (on, next) = (day("2026-11-25"), day("2026-11-26"));
    // Booked before the chain has the entry, and after.
    book(
        &world,
        vec![line("A", 10, next), line("B", 11, on), line("C", 12, next)],
    )
    .await;
    world
        .chain
        .record(BOOK, on, None, vec![entry("A", 5), entry("B", 5), entry("D", 5)]);
    world.chain.record(BOOK, next, None, vec![entry("C", 5)]);
    world.debit.follow().await.unwrap();
    book(
        &world,
        vec![line("D", 13, next), line("D", 14, on), line("E", 15, next)],
    )
    .await;

    let ids = |lines: Vec<Line>| {
        lines
            .into_iter()
            .map(|line| (line.trade, line.number))
            .collect::<Vec<_>>()
    };
    let sorted = |ids: &[(&str, u64)]| {
        let mut ids: Vec<_> = ids.iter().map(|(id, number)| (TradeId::of(id), *number)).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(
        ids(world.debit_lines(on).await),
        sorted(&[("A", 10), ("B", 11), ("D", 13), ("D", 14)])
    );
    assert_eq!(
        ids(world.debit_lines(next).await),
        sorted(&[("A", 10), ("C", 12), ("D", 13), ("E", 15)])
    );
    // Page by page it is the same.
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = ids(world.store(DEBIT).own_lines(BOOK, on, after, 1).await.unwrap());
        let Some(last) = page.last() else { break };
        after = Some(*last);
        paged.extend(page);
    }
    assert_eq!(paged, sorted(&[("A", 10), ("B", 11), ("D", 13), ("D", 14)]));
    assert_eq!(world.store(DEBIT).booked_days(BOOK).await.unwrap(), [on, next]);
}
