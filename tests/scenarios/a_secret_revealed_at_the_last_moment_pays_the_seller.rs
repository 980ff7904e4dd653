//! The buyer reveals in the last moment before the deadline, while the seller is down. The seller comes back when every
//! deadline of the reveal has passed, and is paid.
use serde_json::json;

use crate::trading::{deadline, Market, Phases, PRICE};

const PHASES: Phases = Phases {
    accept: 8,
    reveal: 6,
    dispute: 8,
    ruling: 8,
};
/// Some blocks' time: enough for one transaction on a busy machine.
const LAST_MOMENT: u64 = 1_500;

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_revealed_at_the_last_moment_pays_the_seller() {
    let mut market = Market::start().await;
    let offer = market.offer(PHASES).await;
    let before = market.books().await;
    let network = &mut market.network;
    let trade = network.home.propose(&offer, 1, json!({})).await.unwrap();
    let accepted = network.home.sees(&trade, &["accepted"]).await.unwrap();
    network.originator.sees(&trade, &["accepted"]).await.unwrap();
    network.originator.kill().await.unwrap();

    let reveal_by = deadline(&accepted, "reveal_by");
    until(reveal_by - LAST_MOMENT).await;
    network.home.act(&trade, "confirm", json!({})).await.unwrap();
    let revealed = network.home.sees(&trade, &["revealed"]).await.unwrap();
    assert!(revealed["history"].as_array().unwrap().len() >= 4);

    // Not even the dispute's deadline matters any more.
    until(deadline(&accepted, "dispute_by")).await;
    network.originator.start(&[]).unwrap();
    network.originator.ready().await.unwrap();
    for party in [&network.home, &network.originator] {
        party.sees(&trade, &["settled"]).await.unwrap();
    }
    market.paid(&before, PRICE, "after a late reveal").await;
}

/// Waits for a moment of the clock.
async fn until(moment: u64) {
    let left = moment.saturating_sub(quittance::http::now());
    tokio::time::sleep(std::time::Duration::from_millis(left)).await;
}
