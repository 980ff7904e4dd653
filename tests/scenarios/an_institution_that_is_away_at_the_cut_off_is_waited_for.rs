//! The debit side can't be reached when the credit side matches the day. Nothing is decided without it; when it is back, the day
//! goes on by itself.
use protocol::reconciliation::Side;
use quittance::devnet::reconciliation::{yesterday, Keeping, PlantedDay};

use crate::{
    network::{LOOK, PATIENCE},
    reckoning::Reckoning,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_day_waits_for_the_side_that_is_away_and_goes_on_by_itself() {
    let mut reckoning = Reckoning::open(Keeping::CSV, Keeping::CAMT).await;
    let had = reckoning.received().await;
    let planted = PlantedDay::with_every_break(yesterday().unwrap(), 60);
    reckoning.fill(&planted).await;
    reckoning.who(Side::Debit).kill().await.unwrap();

    reckoning
        .book
        .run(&reckoning.network, Side::Credit, planted.day)
        .await
        .unwrap();
    let start = std::time::Instant::now();
    loop {
        let day = reckoning
            .book
            .day(&reckoning.network, Side::Credit, planted.day)
            .await
            .unwrap();
        assert!(["open", "due"].contains(&day.day.state.as_str()), "{day:#?}");
        if day.day.failure.is_some() {
            break;
        }
        assert!(
            start.elapsed().as_secs() < PATIENCE,
            "it never says what is missing: {day:#?}"
        );
        tokio::time::sleep(LOOK).await;
    }
    let record = reckoning.record(planted.day).await;
    assert_eq!((record.closed, record.corrections), (None, 0));
    assert_eq!(reckoning.received().await, had);

    let debit = reckoning.who(Side::Debit);
    debit.start(&[]).unwrap();
    debit.ready().await.unwrap();
    reckoning.is_paid(&planted).await;
    assert_eq!(reckoning.received().await, had + planted.total);
    let corrections = usize::try_from(reckoning.record(planted.day).await.corrections);
    assert_eq!(corrections, Ok(planted.planted.len()));
}
