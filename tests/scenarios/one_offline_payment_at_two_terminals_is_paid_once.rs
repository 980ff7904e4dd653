//! A copied card pays at two terminals that are offline, under the same counter. Whichever is sent first is taken; the other
//! one's merchant learns that the counter was used. The card pays once.
use crate::shops::{Shops, BALANCE, CARD, MERCHANTS, PRICE};

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_was_presented_twice_pays_the_first() {
    let shops = Shops::start().await;
    let copy = shops.card.with_file_name("copy.json");
    std::fs::copy(&shops.card, &copy).unwrap();
    for (terminal, card) in [(0, &shops.card), (1, &copy)] {
        let said = shops.pay(terminal, card, &["--offline"]).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(said.lines[0]["state"], "offline");
        assert_eq!(said.lines[0]["counter"], 1, "both cards think that it is their first");
    }
    let second = shops.send(1).await;
    assert_eq!(
        (second.code, &second.lines[0]["state"]),
        (Some(0), &"approved".into()),
        "{second:?}"
    );
    let first = shops.send(0).await;
    assert_eq!(first.code, Some(4), "declined: {first:?}");
    assert_eq!(first.lines[0]["code"], "counter_used");

    assert_eq!(shops.balance().await, BALANCE - PRICE);
    assert_eq!(shops.record(CARD, 1).await.unwrap().merchant, MERCHANTS[1]);
    // Declined it stays, however often it is asked for.
    let again = shops.send(0).await;
    assert_eq!((again.code, again.lines.len()), (Some(0), 0), "{again:?}");
    assert_eq!(shops.cards.merchant(MERCHANTS[0]).await.unwrap().unpaid, 0);
    shops.verified().await;
}
