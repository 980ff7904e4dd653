//! Client, debit side and credit side of a book, killed (SIGKILL) before and after each thing that they do with a day. After a
//! restart it goes on by itself: each entry is on the chain and in both books once, each break is corrected once, the day is
//! closed once and paid once.
use protocol::reconciliation::{Day, Kind, Side};
use quittance::devnet::reconciliation::{yesterday, Keeping, PlantedDay};

use crate::{
    network::{reached, restart},
    reckoning::Reckoning,
};

/// A batch that one side booked as one line, and two breaks.
fn small(day: Day) -> PlantedDay {
    let mut planted = PlantedDay::clean(day, 9);
    planted.plant(6, &[(Kind::Amount, Side::Credit)]);
    planted.plant(7, &[(Kind::Missing, Side::Debit)]);
    planted
}

/// The days up to yesterday, the oldest first: one for each point.
fn days(points: usize) -> Vec<Day> {
    let last = yesterday().unwrap().0;
    let count = u32::try_from(points).unwrap();
    (0..count).map(|back| Day(last + 1 + back - count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_client_is_killed_an_entry_is_recorded_and_delivered_once() {
    let points = ["record.acting", "record.acted", "deliver.acting", "deliver.acted"];
    let mut reckoning = Reckoning::open(Keeping::CSV, Keeping::CAMT).await;
    let mut paid = reckoning.received().await;
    for (point, day) in points.iter().zip(days(points.len())) {
        let planted = small(day);
        let point = format!("reconciliation.{point}");
        let failpoints = format!("{point}=pause");
        restart(reckoning.who(Side::Chain), &[("FAILPOINTS", &failpoints)]).await;
        reckoning
            .book
            .hand_in(&reckoning.network, &planted.payments)
            .await
            .unwrap();
        reached(reckoning.who(Side::Chain), &point).await;
        restart(reckoning.who(Side::Chain), &[]).await;

        reckoning.book.recorded(&reckoning.network).await.unwrap();
        assert_eq!(
            usize::try_from(reckoning.record(day).await.entries),
            Ok(planted.payments.len()),
            "{point}"
        );
        reckoning.import(&planted).await;
        reckoning.run(day).await;
        reckoning.is_paid(&planted).await;
        paid += planted.total;
        assert_eq!(reckoning.received().await, paid, "{point}");
    }
}

async fn killed_at(side: Side, points: &[&str]) {
    let mut reckoning = Reckoning::open(Keeping::CSV, Keeping::CAMT).await;
    let mut paid = reckoning.received().await;
    for (point, day) in points.iter().zip(days(points.len())) {
        let planted = small(day);
        reckoning.fill(&planted).await;
        let point = format!("reconciliation.{point}");
        let failpoints = format!("{point}=pause");
        restart(reckoning.who(side), &[("FAILPOINTS", &failpoints)]).await;
        reckoning.run(day).await;
        reached(reckoning.who(side), &point).await;
        restart(reckoning.who(side), &[]).await;

        reckoning.is_paid(&planted).await;
        paid += planted.total;
        assert_eq!(reckoning.received().await, paid, "{point}");
        assert_eq!(reckoning.record(day).await.corrections, 2, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_credit_side_is_killed_a_day_is_closed_and_paid_once() {
    killed_at(
        Side::Credit,
        &[
            "run.acting",
            "run.acted",
            "propose.acting",
            "propose.acted",
            "correct.acting",
            "correct.acted",
            "book.acting",
            "book.acted",
            "closing.acting",
            "closing.acted",
            "close.acting",
            "close.acted",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_debit_side_is_killed_a_day_is_closed_and_paid_once() {
    killed_at(
        Side::Debit,
        &[
            "run.acting",
            "run.acted",
            "correction.signed",
            "book.acting",
            "book.acted",
            "closing.signed",
            "pay.acting",
            "pay.acted",
        ],
    )
    .await;
}
