//! A card is frozen while payments that it signed wait at a terminal: each is declined with the code that says so, nothing is
//! taken, and once it is unfrozen only what is signed anew is paid.
use serde_json::json;

use crate::shops::{Shops, BALANCE, CARD, PRICE};

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_when_a_card_is_frozen_is_declined_for_good() {
    let shops = Shops::start().await;
    for _ in 0..3 {
        let said = shops.pay(0, &shops.card, &["--offline"]).await;
        assert_eq!(
            (said.code, &said.lines[0]["state"]),
            (Some(0), &"offline".into()),
            "{said:?}"
        );
    }
    let (cards, path) = (&shops.cards, format!("cards/{}", CARD.0));
    cards
        .write(&cards.issuer, &format!("{path}/freeze"), &json!({}))
        .await
        .unwrap();
    let said = shops.send(0).await;
    assert_eq!(said.code, Some(4), "{said:?}");
    let codes: Vec<_> = said.lines.iter().map(|line| &line["code"]).collect();
    assert_eq!(codes, ["card_frozen"; 3]);
    assert_eq!(shops.balance().await, BALANCE);

    cards
        .write(&cards.issuer, &format!("{path}/unfreeze"), &json!({}))
        .await
        .unwrap();
    let paid = shops.pay(0, &shops.card, &[]).await;
    assert_eq!((paid.code, &paid.lines[0]["counter"]), (Some(0), &4.into()), "{paid:?}");
    assert_eq!(shops.balance().await, BALANCE - PRICE);
    for counter in 1..=3 {
        assert!(shops.record(CARD, counter).await.is_none(), "{counter}");
    }
    shops.verified().await;
}
