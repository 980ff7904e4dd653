//! Two terminals of a merchant take payments as fast as they can while the merchant's cycles are closed again and again: each
//! payment is in one cycle, and the statements add up to all of them.
use std::fmt::Write as _;

use protocol::{
    prepaid::{CardNumber, Statement},
    Amount,
};
use quittance::{
    devnet::{Terminal, FLOOR_LIMIT},
    identity::SigningKey,
    prepaid::ports::PrepaidLedger,
};
use serde_json::Value;

use crate::tills::{Tills, MERCHANT, PRICE};

const PAYMENTS: usize = 40;

/// As many sales as that, with a card of its own.
async fn shift(tills: &Tills, terminal: &Terminal, number: u64) -> Vec<Value> {
    let holder = SigningKey::load(&format!("//Holder{number}")).unwrap().account();
    let options = &tills.network.options;
    let card = tills
        .cards
        .make_card(options, CardNumber(number), holder, 100 * FLOOR_LIMIT);
    let card = card.await.unwrap();
    let mut sales = "card,amount\n".to_owned();
    for _ in 0..PAYMENTS {
        writeln!(sales, "{},{PRICE}", card.display()).unwrap();
    }
    let file = terminal.directory.join("sales.csv");
    std::fs::write(&file, sales).unwrap();
    let file = file.display().to_string();
    terminal.done("shift", &["--file", &file]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payment_lands_in_exactly_one_cycle() {
    let tills = Tills::start().await;
    let (cards, options) = (&tills.cards, &tills.network.options);
    let first = cards.make_terminal(options, "first", MERCHANT).await.unwrap();
    let second = cards.make_terminal(options, "second", MERCHANT).await.unwrap();
    let both = futures::future::join(shift(&tills, &first, 1), shift(&tills, &second, 2));
    tokio::pin!(both);
    let (one, other) = loop {
        tokio::select! {
            receipts = &mut both => break receipts,
            closed = cards.close_cycle(MERCHANT) => assert!(closed.is_ok(), "{closed:?}"),
        }
    };
    cards.close_cycle(MERCHANT).await.unwrap();

    let closed = cards.merchant(MERCHANT).await.unwrap().cycle.number;
    let (mut count, mut gross, mut with_payments) = (0, 0, 0);
    for cycle in 0..closed {
        let path = format!("merchants/{}/cycles/{cycle}", MERCHANT.0);
        let statement: Statement = cards.read(&path).await.unwrap();
        count += statement.cycle.count;
        gross += statement.cycle.gross;
        with_payments += u32::from(statement.cycle.count > 0);
    }
    assert!(with_payments > 2, "cycles were closed while payments arrived");
    assert_eq!(usize::try_from(count).unwrap(), 2 * PAYMENTS);
    assert_eq!(gross, 2 * PRICE * Amount::try_from(PAYMENTS).unwrap());

    let ledger = tills.network.prepaid(cards).await.unwrap();
    for receipt in one.iter().chain(&other) {
        let number = CardNumber(receipt["card"].as_u64().unwrap());
        let key = (number, receipt["counter"].as_u64().unwrap());
        let record = ledger.payments(&[key]).await.unwrap()[0].unwrap();
        assert_eq!(receipt["cycle"], record.cycle, "what the merchant was told");
    }
    let said = cards.audit(options, &tills.network.url, &["verify", "--every-block"]);
    said.await.unwrap().unwrap_or_else(|differs| panic!("{differs}"));
}
