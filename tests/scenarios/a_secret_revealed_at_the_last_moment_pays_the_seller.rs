//! The buyer reveals in the last block before the deadline, while the seller is down. The seller comes back when every
//! deadline of the reveal has passed, and is paid.
use quittance::{
    chain::{Follower, Head},
    devnet::Network,
};
use serde_json::json;

use crate::{
    network::over,
    trading::{deadline, Market, Phases, PRICE},
};

const PHASES: Phases = Phases {
    accept: 8,
    reveal: 6,
    dispute: 8,
    ruling: 8,
};
/// Enough for one transaction on a busy machine, in milliseconds.
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
    over(reveal_by - LAST_MOMENT).await;
    network.home.act(&trade, "confirm", json!({})).await.unwrap();
    network.home.sees(&trade, &["revealed"]).await.unwrap();
    let revealed_in = head(network).await;
    let early = reveal_by.checked_sub(revealed_in.timestamp).unwrap();
    assert!((1..=LAST_MOMENT).contains(&early), "{early} ms before the deadline");

    // Not even the dispute's deadline matters any more.
    over(deadline(&accepted, "dispute_by")).await;
    assert_eq!(head(network).await, revealed_in, "the last block before the deadline");
    network.originator.start(&[]).unwrap();
    network.originator.ready().await.unwrap();
    for party in [&network.home, &network.originator] {
        party.sees(&trade, &["settled"]).await.unwrap();
    }
    market.paid(&before, PRICE, "after a late reveal").await;
}

/// The node's finalized head.
async fn head(network: &Network) -> Head {
    let chain = network.chain().await.unwrap();
    Follower::start(chain).await.unwrap().head()
}
