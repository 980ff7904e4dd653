use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::{BatchId, Cause, Entry, Kind, Side},
    settlement::Asset,
    AccountId,
};

use super::{
    super::BooksError,
    world::{at, correction, day, World, BOOK, DEBIT},
};
use crate::{
    reconciliation::{
        findings::{Finding, Sums},
        line::Line,
    },
    store::books::{LineChange, OwnLine, CORRECTED},
};

const DAY: &str = "2026-11-25";

fn trade(id: &str) -> TradeId {
    TradeId::of(id)
}

fn entry(id: &str, amount: u128) -> Entry {
    Entry {
        trade: trade(id),
        payer: PayerId::of("4711"),
        amount,
        time: at("2026-11-25T10:00:00Z"),
    }
}

fn line(id: &str, number: u64, amount: u128) -> OwnLine {
    OwnLine {
        line: Line {
            trade: trade(id),
            number,
            day: day(DAY),
            amount,
            asset: Asset::Native,
            payer: None,
            time: None,
        },
        reference: Some(id.to_owned()),
        import: None,
    }
}

fn finding(id: &str, kind: Kind, lines: Vec<OwnLine>) -> Finding {
    Finding {
        trade: trade(id),
        day: day(DAY),
        causes: vec![Cause {
            kind,
            side: Side::Debit,
        }],
        entry: None,
        batch: None,
        debit: lines.into_iter().map(|own| own.line).collect(),
        credit: Vec::new(),
        is_expected: false,
    }
}

/// The debit side's book, and the chain's entries of the day.
async fn world(lines: Vec<OwnLine>, batch: Option<BatchId>, entries: Vec<Entry>) -> World {
    let world = World::open().await;
    if !entries.is_empty() {
        world.chain.record(BOOK, day(DAY), batch, entries);
    }
    world.debit.follow().await.unwrap();
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
    world
}

/// The chain says this is right; the book is corrected, twice.
async fn apply(world: &World, id: &str, number: u32, amount: u128, finding: &Finding) {
    let correction = correction(trade(id), number, day(DAY), amount);
    let early = world.debit.apply(BOOK, &correction, finding).await;
    assert!(matches!(early, Err(BooksError::NotYet(_))), "{early:?}");
    world.chain.correct(correction.clone());
    world.debit.follow().await.unwrap();
    world.debit.apply(BOOK, &correction, finding).await.unwrap();
    let changes = world.store(DEBIT).line_changes(BOOK, finding.trade).await.unwrap();
    let before = world.debit_lines(day(DAY)).await;
    world.debit.apply(BOOK, &correction, finding).await.unwrap();
    assert_eq!(
        world.debit_lines(day(DAY)).await,
        before,
        "repeated, it changes nothing"
    );
    assert_eq!(
        world.store(DEBIT).line_changes(BOOK, finding.trade).await.unwrap(),
        changes
    );
}

/// The book has one line of the trade, equal to the chain's entry.
async fn is_right(world: &World, id: &str, number: u64) {
    let entry = world.store(DEBIT).chain_entry(BOOK, trade(id)).await.unwrap().unwrap();
    let own = world.store(DEBIT).own_lines_of(BOOK, trade(id)).await.unwrap();
    let [own] = own.as_slice() else { panic!("{own:?}") };
    let right = Line {
        trade: trade(id),
        number,
        day: entry.day,
        amount: entry.entry.amount,
        asset: Asset::Native,
        payer: Some(entry.entry.payer),
        time: Some(entry.entry.time),
    };
    assert_eq!(own.line, right);
}

#[tokio::test]
async fn a_line_that_is_missing_is_booked() {
    let world = world(Vec::new(), None, vec![entry("A", 5)]).await;
    apply(&world, "A", 0, 5, &finding("A", Kind::Missing, Vec::new())).await;
    is_right(&world, "A", CORRECTED).await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_line_is_put_right() {
    let faults: [fn(&mut Line); 5] = [
        |line| line.amount = 6,
        |line| line.asset = Asset::Psp22(AccountId([1; 32])),
        |line| line.payer = Some(PayerId::of("somebody else")),
        |line| line.day.0 += 1,
        |line| line.day.0 -= 1,
    ];
    for fault in faults {
        let mut faulty = line("A", 9, 5);
        fault(&mut faulty.line);
        let world = world(vec![faulty.clone()], None, vec![entry("A", 5)]).await;
        apply(&world, "A", 0, 5, &finding("A", Kind::Amount, vec![faulty])).await;
        is_right(&world, "A", 9).await;
    }
}

#[tokio::test]
async fn of_duplicates_one_remains() {
    let lines = vec![line("A", 9, 5), line("A", 8, 5), line("A", 10, 7)];
    let world = world(lines.clone(), None, vec![entry("A", 5)]).await;
    apply(&world, "A", 0, 5, &finding("A", Kind::Duplicate, lines)).await;
    is_right(&world, "A", 8).await;
    let changes = world.store(DEBIT).line_changes(BOOK, trade("A")).await.unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].before.len(), changes[0].after.len()), (3, 1));
    assert!(
        changes[0].reason.starts_with("correction 0 of 0x"),
        "{}",
        changes[0].reason
    );
}

#[tokio::test]
async fn an_altered_id_is_put_right() {
    let lines = vec![line("A-", 9, 5), line("A-", 10, 6)];
    let world = world(lines.clone(), None, vec![entry("A", 5)]).await;
    // Another line of that id is another payment's.
    apply(&world, "A", 0, 5, &finding("A", Kind::AlteredId, lines[..1].to_vec())).await;
    is_right(&world, "A", 9).await;
    let left = world.store(DEBIT).own_lines_of(BOOK, trade("A-")).await.unwrap();
    assert_eq!(left, lines[1..]);
}

#[tokio::test]
async fn where_there_was_no_payment_no_line_remains() {
    let lines = vec![line("A", 9, 5)];
    let world = world(lines.clone(), None, Vec::new()).await;
    apply(&world, "A", 0, 0, &finding("A", Kind::Missing, lines)).await;
    assert_eq!(world.debit_lines(day(DAY)).await, []);
}

#[tokio::test]
async fn what_only_the_other_side_had_is_booked_where_the_chain_says_it_was_paid() {
    let world = world(Vec::new(), None, Vec::new()).await;
    let mut found = finding("A", Kind::Missing, Vec::new());
    found.causes[0].side = Side::Chain;
    apply(&world, "A", 0, 5, &found).await;
    is_right(&world, "A", CORRECTED).await;
}

#[tokio::test]
async fn a_batchs_line_becomes_the_sum_of_what_it_stands_for() {
    let batch = Some(BatchId::of("evening"));
    // One of the three has a line of its own.
    let lines = vec![line("evening", 9, 12), line("C", 10, 100)];
    let world = world(
        lines.clone(),
        batch,
        vec![entry("A", 5), entry("B", 6), entry("C", 100)],
    )
    .await;
    let off = Finding {
        batch: Some(Sums {
            debit: Some(11),
            credit: None,
        }),
        ..finding("evening", Kind::Amount, lines[..1].to_vec())
    };
    apply(&world, "A", 0, 5, &off).await;
    let own = world.store(DEBIT).own_lines_of(BOOK, trade("evening")).await.unwrap();
    assert_eq!(own.iter().map(|own| own.line.amount).collect::<Vec<_>>(), [11]);
    assert_eq!(world.debit_lines(day(DAY)).await.len(), 2);
}

#[tokio::test]
async fn a_correction_of_an_entry_in_a_batch_changes_the_batchs_line() {
    let batch = Some(BatchId::of("evening"));
    let world = world(vec![line("evening", 9, 11)], batch, vec![entry("A", 5), entry("B", 6)]).await;
    let mut found = finding("A", Kind::Amount, Vec::new());
    found.causes[0].side = Side::Credit;
    apply(&world, "A", 0, 9, &found).await;
    let sum = || async {
        world.store(DEBIT).own_lines_of(BOOK, trade("evening")).await.unwrap()[0]
            .line
            .amount
    };
    assert_eq!(sum().await, 15);
    apply(&world, "A", 1, 0, &found).await;
    assert_eq!(sum().await, 6);
    assert_eq!(world.store(DEBIT).own_lines_of(BOOK, trade("A")).await.unwrap(), []);
}

#[tokio::test]
async fn the_latest_correction_is_the_one_that_counts() {
    let lines = vec![line("A", 9, 7)];
    let world = world(lines.clone(), None, vec![entry("A", 5)]).await;
    let first = correction(trade("A"), 0, day(DAY), 6);
    world.chain.correct(first.clone());
    world.chain.correct(correction(trade("A"), 1, day(DAY), 8));
    world.debit.follow().await.unwrap();
    world
        .debit
        .apply(BOOK, &first, &finding("A", Kind::Amount, lines))
        .await
        .unwrap();
    is_right(&world, "A", 9).await;
}
