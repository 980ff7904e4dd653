use protocol::{
    ids::{TradeId, UserId},
    settlement::{Asset, Limit, Settlement, TransactionKind, Voucher},
    AccountId, Member,
};

use super::world::{at, day, World, BOOK, CLIENT, CREDIT, DEBIT};
use crate::{
    reconciliation::settings::Feed,
    store::{books::EntryFilter, Page, Store},
};

fn voucher(sequence: u64, kind: TransactionKind, home: Member) -> Voucher {
    Voucher {
        sequence,
        originator: CLIENT,
        home,
        others: Vec::new(),
        user: UserId::of(home, "4711"),
        wallet: AccountId([2; 32]),
        kind,
        asset: Asset::Native,
        amount: 50,
        limit: Limit::PerDay(60),
        settlement: Settlement::Gross,
        fees: 0,
        issued_at: 0,
        expires_at: 0,
    }
}

/// As a payment that this institution has a part in goes on.
async fn cleared(store: &Store, voucher: &Voucher, states: &[&str]) {
    let id = voucher.id().to_string();
    sqlx::query("INSERT INTO payments (voucher, role, state, finished, body, created_at) VALUES (?, ?, ?, 1, ?, 0)")
        .bind(&id)
        .bind("originator")
        .bind("originator.cleared")
        .bind(serde_json::to_string(voucher).unwrap())
        .execute(&store.pool)
        .await
        .unwrap();
    for state in states {
        sqlx::query("INSERT INTO payment_history (voucher, state, at, detail) VALUES (?, ?, ?, '')")
            .bind(&id)
            .bind(state)
            .bind(i64::try_from(at("2026-11-25T11:00:00Z")).unwrap())
            .execute(&store.pool)
            .await
            .unwrap();
    }
}

async fn recorded(world: &World) -> Vec<TradeId> {
    let rows = world
        .store(CLIENT)
        .client_entries(BOOK, &EntryFilter::default(), &Page::first(100))
        .await
        .unwrap();
    rows.into_iter().map(|row| row.entry.trade).collect()
}

#[tokio::test]
async fn payments_that_were_cleared_are_recorded_once_each_from_the_first_look_on() {
    let world = World::open().await;
    let store = world.store(CLIENT);
    let known = world.client.book(BOOK).await.unwrap();
    let all = ["originator.audited", "originator.retained", "originator.cleared"];
    cleared(store, &voucher(1, TransactionKind::Purchase, DEBIT), &all).await;
    assert!(!world.client.feed(&known, Feed::Settlement).await.unwrap());
    assert_eq!(recorded(&world).await, []);

    let after = voucher(2, TransactionKind::Purchase, DEBIT);
    cleared(store, &after, &all).await;
    cleared(store, &voucher(3, TransactionKind::Purchase, DEBIT), &all[..2]).await;
    for _ in 0..2 {
        world.client.feed(&known, Feed::Settlement).await.unwrap();
    }
    let rows = store
        .client_entries(BOOK, &EntryFilter::default(), &Page::first(100))
        .await
        .unwrap();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(row.entry.trade.0, after.id().0);
    assert_eq!((row.entry.amount, row.entry.payer.0), (50, after.user.0));
    assert_eq!((row.day, row.feed), (day("2026-11-25"), Some(Feed::Settlement)));
}

#[tokio::test]
async fn what_one_side_pays_the_other_and_what_is_given_back_is_no_entry() {
    let world = World::open().await;
    let store = world.store(CLIENT);
    let known = world.client.book(BOOK).await.unwrap();
    world.client.feed(&known, Feed::Settlement).await.unwrap();
    let other = voucher(4, TransactionKind::CreditTransfer(DEBIT), CREDIT);
    let mut gold = voucher(5, TransactionKind::Purchase, DEBIT);
    gold.asset = Asset::Psp22(AccountId([9; 32]));
    for voucher in [
        voucher(1, TransactionKind::CreditTransfer(CREDIT), DEBIT),
        voucher(2, TransactionKind::Refund(other.id()), DEBIT),
        gold,
        other.clone(),
    ] {
        cleared(store, &voucher, &["originator.cleared"]).await;
    }
    world.client.feed(&known, Feed::Settlement).await.unwrap();
    assert_eq!(recorded(&world).await, [TradeId(other.id().0)]);
}
