//! Both sides are down at the cut-offs of two days. When they are back, each day is matched, closed and paid, the older one
//! first, and never again.
use protocol::reconciliation::{Day, Side};
use quittance::{
    devnet::reconciliation::{Keeping, PlantedDay},
    http::now,
    windows::Calendar,
};

use crate::{
    network::{configure, restart},
    reckoning::Reckoning,
};

const DAY: u64 = 86_400_000;

/// The two days before the latest cut-off, which is at midnight on a banking day.
fn missed() -> [Day; 2] {
    let calendar = Calendar::new(["00:00".parse().unwrap()], []);
    let cut_off = u32::try_from(calendar.latest(now()).unwrap() / DAY).unwrap();
    [Day(cut_off - 2), Day(cut_off - 1)]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_missed_days_are_matched_once_each_the_older_one_first() {
    let mut reckoning = Reckoning::open(Keeping::CSV, Keeping::CAMT).await;
    let had = reckoning.received().await;
    let days = missed().map(|day| PlantedDay::clean(day, 20));
    for planted in &days {
        reckoning.fill(planted).await;
    }
    for side in [Side::Debit, Side::Credit] {
        let who = reckoning.who(side);
        who.kill().await.unwrap();
        configure(who, |text| {
            text.replace("[reconciliation]\n", "[reconciliation]\nat = \"00:00\"\n")
        });
    }
    for side in [Side::Debit, Side::Credit] {
        restart(reckoning.who(side), &[]).await;
    }
    for planted in &days {
        reckoning.is_paid(planted).await;
    }
    assert_eq!(reckoning.received().await, had + days[0].total + days[1].total);
    let closed = [reckoning.record(days[0].day).await, reckoning.record(days[1].day).await];
    let [first, second] = closed.map(|record| record.closed.unwrap().at);
    assert!(first <= second, "{first} {second}");

    // Started again, they find nothing to do: what follows is done, and these days are as they were.
    let mut runs = Vec::new();
    for side in [Side::Debit, Side::Credit] {
        for planted in &days {
            let day = reckoning.book.day(&reckoning.network, side, planted.day).await.unwrap();
            runs.push(day.day.runs);
        }
    }
    for side in [Side::Debit, Side::Credit] {
        restart(reckoning.who(side), &[]).await;
    }
    let today = PlantedDay::clean(Day(u32::try_from(now() / DAY).unwrap()), 3);
    reckoning
        .book
        .record(&reckoning.network, &today.payments[..1])
        .await
        .unwrap();
    let mut again = Vec::new();
    for side in [Side::Debit, Side::Credit] {
        for planted in &days {
            let day = reckoning.book.day(&reckoning.network, side, planted.day).await.unwrap();
            again.push(day.day.runs);
        }
    }
    assert_eq!(again, runs);
}
