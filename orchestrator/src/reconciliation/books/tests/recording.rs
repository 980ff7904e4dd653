use protocol::{
    ids::TradeId,
    reconciliation::{BatchId, Side},
};

use super::{
    super::{BooksError, Payment},
    world::{at, day, payment, World, BOOK, CLIENT, CREDIT, DEBIT},
};
use crate::{
    reconciliation::{messages::Delivery, ports::Act},
    store::books::EntryState,
};

fn trade(id: &str) -> TradeId {
    TradeId::of(id)
}

#[tokio::test]
async fn what_customers_paid_is_recorded_and_told_to_both_sides_once() {
    let world = World::open().await;
    let written = world
        .client
        .record(BOOK, &[payment("A", 5), payment("B", 6)])
        .await
        .unwrap();
    assert!(written.iter().all(|row| row.state == EntryState::Waiting));
    for _ in 0..3 {
        world.client.round().await.unwrap();
    }
    let acts = world.chain.acts();
    let [(_, Act::Record { day: on, entries, .. })] = acts.as_slice() else {
        panic!("{acts:?}")
    };
    assert_eq!((*on, entries.len()), (day("2026-11-25"), 2));
    let row = world
        .store(CLIENT)
        .client_entry(BOOK, trade("A"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.state, EntryState::Recorded);
    assert!(row.debit_informed_at.is_some() && row.credit_informed_at.is_some());
    // The debit side books what it is told; the other only notes it.
    let lines = world.debit_lines(day("2026-11-25")).await;
    assert_eq!(lines.iter().map(|line| line.amount).sum::<u128>(), 11);
    assert_eq!(
        world
            .store(CREDIT)
            .delivered_count(BOOK, day("2026-11-25"))
            .await
            .unwrap(),
        2
    );
    assert_eq!(world.store(CREDIT).booked_days(BOOK).await.unwrap(), []);
}

#[tokio::test]
async fn the_same_entry_again_is_answered_as_it_stands_and_another_under_its_id_is_refused() {
    let world = World::open().await;
    world.client.record(BOOK, &[payment("A", 5)]).await.unwrap();
    world.client.round().await.unwrap();
    let again = world.client.record(BOOK, &[payment("A", 5)]).await.unwrap();
    assert_eq!(again[0].state, EntryState::Recorded);
    let refused = world.client.record(BOOK, &[payment("C", 1), payment("A", 6)]).await;
    assert!(
        matches!(refused, Err(BooksError::EntryDiffers(of)) if of == trade("A")),
        "{refused:?}"
    );
    assert_eq!(world.store(CLIENT).client_entry(BOOK, trade("C")).await.unwrap(), None);
    world.client.round().await.unwrap();
    assert_eq!(world.chain.acts().len(), 1);
}

#[tokio::test]
async fn an_entry_without_a_time_is_of_now_and_stays_of_then() {
    let world = World::open().await;
    let untimed = Payment {
        time: None,
        ..payment("A", 5)
    };
    let first = world.client.record(BOOK, &[untimed]).await.unwrap();
    assert_eq!(first[0].entry.time, at("2026-11-25T12:00:00Z"));
    world.set_now("2026-11-25T13:00:00Z");
    let again = world.client.record(BOOK, &[untimed]).await.unwrap();
    assert_eq!(again, first);
}

#[tokio::test]
async fn days_are_by_the_books_clocks() {
    let world = World::open().await;
    world.set_now("2026-11-26T08:00:00Z");
    let late = Payment {
        time: Some(at("2026-11-25T23:30:00Z")),
        ..payment("A", 5)
    };
    let rows = world.client.record(BOOK, &[late]).await.unwrap();
    assert_eq!(rows[0].day, day("2026-11-26"));
    let ahead = Payment {
        day: Some(day("2026-11-27")),
        ..payment("B", 5)
    };
    let refused = world.client.record(BOOK, &[ahead]).await;
    assert!(matches!(refused, Err(BooksError::DayInFuture(_))), "{refused:?}");
}

#[tokio::test]
async fn who_isnt_the_client_records_nothing() {
    let world = World::open().await;
    let refused = world.debit.record(BOOK, &[payment("A", 5)]).await;
    assert!(matches!(refused, Err(BooksError::NotTheClient { client, .. }) if client == CLIENT));
    let nothing = world.client.record(BOOK, &[payment("A", 0)]).await;
    assert!(matches!(nothing, Err(BooksError::ZeroAmount(_))));
    let none = world.client.record(BOOK, &[]).await;
    assert!(matches!(none, Err(BooksError::EntryCount { found: 0, .. })));
    let many = vec![payment("A", 5); 129];
    assert!(matches!(
        world.client.record(BOOK, &many).await,
        Err(BooksError::EntryCount { found: 129, .. })
    ));
}

#[tokio::test]
async fn entries_of_different_days_and_batches_go_in_calls_of_their_own() {
    let world = World::open().await;
    world.set_now("2026-11-26T08:00:00Z");
    let of_batch = |id: &str| Payment {
        batch: Some(BatchId::of("evening")),
        ..payment(id, 1)
    };
    let next_day = Payment {
        day: Some(day("2026-11-26")),
        ..payment("D", 1)
    };
    let all = [payment("A", 1), of_batch("B"), of_batch("C"), next_day, payment("E", 1)];
    world.client.record(BOOK, &all).await.unwrap();
    world.client.round().await.unwrap();
    let counts: Vec<usize> = world
        .chain
        .acts()
        .iter()
        .map(|(_, act)| match act {
            Act::Record { entries, .. } => entries.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(counts, [2, 2, 1]);
    assert_eq!(world.chain.has(trade("B")).unwrap().batch, Some(BatchId::of("evening")));
}

#[tokio::test]
async fn an_entry_whose_day_was_closed_meanwhile_is_recorded_for_the_next_one() {
    let world = World::open().await;
    world.client.record(BOOK, &[payment("A", 5)]).await.unwrap();
    // The client hasn't read of it.
    world.chain.close(BOOK, day("2026-11-25"));
    let call = world.store(CLIENT).form_entry_call(128).await.unwrap().unwrap();
    world.client.record_call(call).await.unwrap();
    assert_eq!(world.chain.has(trade("A")), None);
    world.client.round().await.unwrap();
    let row = world
        .store(CLIENT)
        .client_entry(BOOK, trade("A"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.dated, row.day), (day("2026-11-25"), day("2026-11-26")));
    assert_eq!(world.chain.has(trade("A")).unwrap().day, day("2026-11-26"));
    // Now it has: nothing is tried in vain.
    world.client.record(BOOK, &[payment("B", 5)]).await.unwrap();
    for _ in 0..2 {
        world.client.round().await.unwrap();
    }
    assert_eq!(world.chain.has(trade("B")).unwrap().day, day("2026-11-26"));
}

#[tokio::test]
async fn what_was_recorded_before_a_crash_is_found_and_not_recorded_again() {
    let world = World::open().await;
    let row = world
        .client
        .record(BOOK, &[payment("A", 5), payment("B", 6)])
        .await
        .unwrap()
        .remove(0);
    world.chain.record(BOOK, row.day, None, vec![row.entry]);
    world.client.round().await.unwrap();
    let acts = world.chain.acts();
    let [(_, Act::Record { entries, .. })] = acts.as_slice() else {
        panic!("{acts:?}")
    };
    assert_eq!(
        entries.iter().map(|entry| entry.trade).collect::<Vec<_>>(),
        [trade("B")]
    );
    let found = world
        .store(CLIENT)
        .client_entry(BOOK, trade("A"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.state, EntryState::Recorded);
}

#[tokio::test]
async fn an_id_that_the_chain_has_something_else_under_is_refused_for_good() {
    let world = World::open().await;
    let row = world.client.record(BOOK, &[payment("A", 5)]).await.unwrap().remove(0);
    let mut other = row.entry;
    other.amount = 7;
    world.chain.record(BOOK, row.day, None, vec![other]);
    world.client.round().await.unwrap();
    let refused = world
        .store(CLIENT)
        .client_entry(BOOK, trade("A"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(refused.state, EntryState::Refused);
    assert!(refused.refusal.unwrap().contains("another entry under this id"));
    assert_eq!(world.store(CLIENT).client_backlog(BOOK).await.unwrap(), (0, 0, 1));
}

#[tokio::test]
async fn a_side_that_is_away_keeps_the_other_from_nothing_and_is_told_later() {
    let world = World::open().await;
    world.mail.set_away(DEBIT, true);
    world.client.record(BOOK, &[payment("A", 5)]).await.unwrap();
    world.client.round().await.unwrap();
    // One after the other, the first failure ends the round; each by itself, as they run, it doesn't.
    world.client.round().await.unwrap_err();
    world.client.deliver(BOOK, Side::Credit).await.unwrap();
    assert_eq!(
        world
            .store(CREDIT)
            .delivered_count(BOOK, day("2026-11-25"))
            .await
            .unwrap(),
        1
    );
    assert_eq!(world.debit_lines(day("2026-11-25")).await, []);
    world.mail.set_away(DEBIT, false);
    world.client.round().await.unwrap();
    assert_eq!(world.debit_lines(day("2026-11-25")).await.len(), 1);
    assert_eq!(world.store(CLIENT).client_backlog(BOOK).await.unwrap(), (0, 0, 0));
}

#[tokio::test]
async fn what_is_told_twice_is_booked_once() {
    let world = World::open().await;
    world.client.record(BOOK, &[payment("A", 5)]).await.unwrap();
    world.client.round().await.unwrap();
    world.mail.set_deaf(true);
    world.client.deliver(BOOK, Side::Debit).await.unwrap_err();
    world.mail.set_deaf(false);
    assert_eq!(world.debit_lines(day("2026-11-25")).await.len(), 1);
    world.client.round().await.unwrap();
    assert_eq!(world.debit_lines(day("2026-11-25")).await.len(), 1);
}

#[tokio::test]
async fn a_side_takes_only_what_its_books_client_tells_it() {
    let world = World::open().await;
    let row = world.client.record(BOOK, &[payment("A", 5)]).await.unwrap().remove(0);
    let told = Delivery {
        book: BOOK,
        side: Side::Debit,
        day: row.day,
        batch: None,
        entries: vec![row.entry],
    };
    let stranger = world.debit.on_delivery(CREDIT, &told).await;
    assert!(matches!(stranger, Err(BooksError::NotFromClient { from, .. }) if from == CREDIT));
    let astray = world.credit.on_delivery(CLIENT, &told).await;
    assert!(matches!(astray, Err(BooksError::NotFromClient { .. })));
    let mut unknown = told.clone();
    unknown.book.0 = 9;
    assert!(matches!(
        world.debit.on_delivery(CLIENT, &unknown).await,
        Err(BooksError::UnknownBook(_))
    ));
    world.debit.on_delivery(CLIENT, &told).await.unwrap();
    let mut other = told.clone();
    other.entries[0].amount = 6;
    other.entries.insert(0, payment_entry("B"));
    let differs = world.debit.on_delivery(CLIENT, &other).await;
    assert!(matches!(differs, Err(BooksError::EntryDiffers(of)) if of == trade("A")));
    assert_eq!(world.debit_lines(row.day).await.len(), 1, "nothing of it is kept");
}

fn payment_entry(id: &str) -> protocol::reconciliation::Entry {
    let paid = payment(id, 1);
    protocol::reconciliation::Entry {
        trade: paid.trade,
        payer: paid.payer,
        amount: paid.amount,
        time: paid.time.unwrap(),
    }
}
