//! The debit side says what its book has, signs it, and books otherwise before the day is closed. The credit side sees that what
//! was signed isn't what is there: the day isn't closed, the altered line is a break like any other, and both signed statements
//! are kept.
use protocol::{
    ids::TradeId,
    reconciliation::{Cause, Kind, Side},
};
use quittance::{
    devnet::reconciliation::{csv, yesterday, Keeping, PlantedDay},
    reconciliation::import::Format,
};
use serde_json::json;

use crate::{
    network::{count, reached, restart},
    reckoning::Reckoning,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_line_altered_after_the_match_is_a_break_and_the_day_waits() {
    let mut reckoning = Reckoning::open(Keeping::CSV, Keeping::CAMT.by_hand()).await;
    let had = reckoning.received().await;
    let planted = PlantedDay::clean(yesterday().unwrap(), 20);
    let day = planted.day;
    reckoning
        .book
        .record(&reckoning.network, &planted.payments)
        .await
        .unwrap();
    let (network, book) = (&reckoning.network, reckoning.book);
    book.import(network, Side::Credit, ("statement", &planted.credit))
        .await
        .unwrap();
    let booked = book
        .import(network, Side::Debit, ("books", &planted.debit))
        .await
        .unwrap();

    // The day is clean, and the credit side is about to sign its closing.
    let point = "reconciliation.closing.acting";
    restart(
        reckoning.who(Side::Credit),
        &[("FAILPOINTS", &format!("{point}=pause"))],
    )
    .await;
    reckoning.run(day).await;
    reached(reckoning.who(Side::Credit), point).await;
    book.day_is(&reckoning.network, Side::Debit, day, &["clean"])
        .await
        .unwrap();

    let mut altered = planted.debit.clone();
    let line = altered
        .iter_mut()
        .find(|line| line.reference.starts_with("INV-"))
        .unwrap();
    line.amount -= 100;
    let trade = TradeId::of(&line.reference);
    let more = format!("&replaces={}", booked.import.unwrap().import);
    let other = ("books-2", Format::Csv, more.as_str());
    book.upload(&reckoning.network, Side::Debit, other, &csv(&altered))
        .await
        .unwrap();
    restart(reckoning.who(Side::Credit), &[]).await;

    let network = &reckoning.network;
    let waits = book.day_is(network, Side::Credit, day, &["correcting"]).await.unwrap();
    let breaks = book.breaks(network, Side::Credit, day).await.unwrap();
    let cause = Cause {
        kind: Kind::Amount,
        side: Side::Debit,
    };
    assert_eq!(breaks.len(), 1, "{breaks:?}");
    assert_eq!(breaks[&trade].causes, [cause]);
    assert_eq!(
        (reckoning.record(day).await.closed, reckoning.received().await),
        (None, had)
    );
    // The history names who altered its book, and both of its statements are kept as it signed them.
    let member = format!("member {}", book.of(Side::Debit));
    assert!(
        waits.history.iter().any(|line| line.detail.contains(&member)),
        "{:#?}",
        waits.history
    );
    let credit = book.side(network, Side::Credit).unwrap();
    let kept = format!("book_statements WHERE day = {} AND side = 'debit'", day.0);
    assert!(count(credit, &kept).await >= 2, "{}", count(credit, &kept).await);

    // Corrected as the chain says, it is closed and paid.
    book.act(network, Side::Credit, (trade, "accept"), &json!({}))
        .await
        .unwrap();
    reckoning.is_paid(&planted).await;
    assert_eq!(reckoning.received().await, had + planted.total);
}
