//! The chain's node is killed (SIGKILL) and started again in each wait of a trade: for the lock, for the seller, for the
//! buyer's word, for the claim, and for a deadline. Every trade ends as it would have.
use serde_json::json;

use crate::trading::{Market, Phases, PRICE, UNHURRIED};

const SHORT: Phases = Phases {
    accept: 20,
    reveal: 5,
    dispute: 5,
    ruling: 60,
};

async fn restart_node(market: &mut Market) {
    market.network.node.as_mut().unwrap().restart().await.unwrap();
    // Clients get 503 until the connection stands again.
    for institution in market.network.institutions() {
        institution.ready().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_whose_node_dies_in_each_wait_settles_once() {
    let mut market = Market::start().await;
    let offer = market.offer(UNHURRIED).await;
    let before = market.books().await;
    for stages in [
        &["proposed", "agreed", "locked", "accepted"][..],
        &["locked", "accepted"],
        &["accepted"],
    ] {
        let trade = market.network.home.propose(&offer, 1, json!({})).await.unwrap();
        market.network.home.sees(&trade, stages).await.unwrap();
        restart_node(&mut market).await;
        market.network.home.sees(&trade, &["accepted"]).await.unwrap();
        market.network.home.act(&trade, "confirm", json!({})).await.unwrap();
        market
            .network
            .home
            .sees(&trade, &["revealed", "settled"])
            .await
            .unwrap();
        restart_node(&mut market).await;
        for party in [&market.network.home, &market.network.originator] {
            party.sees(&trade, &["settled"]).await.unwrap();
        }
    }
    market.paid(&before, 3 * PRICE, "after three trades").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_whose_node_dies_before_a_deadline_is_refunded() {
    let mut market = Market::start().await;
    let offer = market.offer(SHORT).await;
    let before = market.books().await;
    let trade = market.network.home.propose(&offer, 1, json!({})).await.unwrap();
    market.network.home.sees(&trade, &["accepted"]).await.unwrap();
    restart_node(&mut market).await;
    // Neither says anything: each gets back what it paid in.
    for party in [&market.network.home, &market.network.originator] {
        party.sees(&trade, &["refunded"]).await.unwrap();
    }
    market.paid(&before, 0, "after a refund").await;
}
