//! Two terminals of two merchants take payments as fast as they can while the merchants' cycles are closed again and again:
//! each payment is in one cycle, and the statements add up to all of them.
use std::fmt::Write as _;

use protocol::{
    prepaid::{CardNumber, Statement},
    Amount,
};

use crate::shops::{Shops, MERCHANTS, PRICE};

const PAYMENTS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn every_payment_lands_in_exactly_one_cycle() {
    let shops = Shops::start().await;
    let cards = [shops.card.clone(), shops.another_card(2).await];
    let shift = |place: usize| {
        let (shops, card) = (&shops, &cards[place]);
        async move {
            let file = shops.terminals[place].directory.join("sales.csv");
            let mut sales = "card,amount\n".to_owned();
            for _ in 0..PAYMENTS {
                writeln!(sales, "{},{PRICE}", card.display()).unwrap();
            }
            std::fs::write(&file, sales).unwrap();
            shops.terminals[place]
                .done("shift", &["--file", &file.display().to_string()])
                .await
                .unwrap()
        }
    };
    let both = futures::future::join(shift(0), shift(1));
    tokio::pin!(both);
    let receipts = loop {
        let close = futures::future::join_all(MERCHANTS.map(|merchant| shops.cards.close_cycle(merchant)));
        tokio::select! {
            receipts = &mut both => break receipts,
            closed = close => assert!(closed.iter().all(Result::is_ok), "{closed:?}"),
        }
    };
    let mut statements: Vec<Statement> = Vec::new();
    for merchant in MERCHANTS {
        shops.cards.close_cycle(merchant).await.unwrap();
        let closed = shops.cards.merchant(merchant).await.unwrap().cycle.number;
        assert!(closed > 3, "cycles were closed while payments arrived");
        for cycle in 0..closed {
            let path = format!("merchants/{}/cycles/{cycle}", merchant.0);
            statements.push(shops.cards.read(&path).await.unwrap());
        }
    }

    let (counts, gross) = statements
        .iter()
        .fold((0, 0), |(count, gross): (u32, Amount), statement| {
            (count + statement.cycle.count, gross + statement.cycle.gross)
        });
    assert_eq!(usize::try_from(counts).unwrap(), 2 * PAYMENTS);
    assert_eq!(gross, 2 * PRICE * Amount::try_from(PAYMENTS).unwrap());
    for receipt in receipts.0.iter().chain(&receipts.1) {
        let (card, counter) = (receipt["card"].as_u64().unwrap(), receipt["counter"].as_u64().unwrap());
        let record = shops.record(CardNumber(card), counter).await.unwrap();
        assert_eq!(receipt["cycle"], record.cycle, "what the merchant was told");
    }
    shops.verified().await;
}
