//! The chain's node is killed (SIGKILL) and started again in each wait of a trade: for the lock, for the seller, for the
//! buyer's word, for the claim, for a deadline, and for the arbiter. Every trade ends as it would have.
use protocol::Amount;
use serde_json::json;

use crate::{
    network::{reached, restart},
    trading::{Market, Phases, PRICE, SELLER_BOND, UNHURRIED},
};

const SHORT: Phases = Phases {
    accept: 20,
    reveal: 5,
    dispute: 5,
    ruling: 60,
};
/// For a trade that the arbiter rules on.
const CONTESTED: Phases = Phases {
    accept: 10,
    reveal: 5,
    dispute: 60,
    ruling: 120,
};
/// The seller has seen the lock.
const ACCEPTING: &str = "escrow.seller.accept.acting";
/// What the arbiter gives the seller.
const AWARD: Amount = PRICE / 4;

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
async fn trades_whose_node_dies_before_a_deadline_or_a_ruling_are_refunded_or_ruled() {
    let mut market = Market::start().await;
    let (offer, contested) = (market.offer(SHORT).await, market.offer(CONTESTED).await);
    let before = market.books().await;
    let network = &mut market.network;
    // One for which the seller calls the arbiter, one about which neither says anything, one that is never accepted.
    let disputed = network.home.propose(&contested, 1, json!({})).await.unwrap();
    network.originator.sees(&disputed, &["accepted"]).await.unwrap();
    let evidence = json!({ "evidence": "delivery note" });
    network.originator.act(&disputed, "confirm", evidence).await.unwrap();
    let left_alone = network.home.propose(&offer, 1, json!({})).await.unwrap();
    network.originator.sees(&left_alone, &["accepted"]).await.unwrap();
    restart(
        &mut network.originator,
        &[("FAILPOINTS", &format!("{ACCEPTING}=pause"))],
    )
    .await;
    let locked = network.home.propose(&offer, 1, json!({})).await.unwrap();
    reached(&network.originator, ACCEPTING).await;
    network.notary.sees(&disputed, &["disputed"]).await.unwrap();
    restart_node(&mut market).await;

    let network = &mut market.network;
    let award = json!({ "to_seller": AWARD.to_string() });
    network.notary.act(&disputed, "rule", award).await.unwrap();
    network.home.sees(&locked, &["refunded"]).await.unwrap();
    restart(&mut network.originator, &[]).await;
    for party in [&network.home, &network.originator] {
        party.sees(&disputed, &["ruled"]).await.unwrap();
        // Each gets back what it paid in.
        for trade in [&left_alone, &locked] {
            party.sees(trade, &["refunded"]).await.unwrap();
        }
    }
    market
        .paid(&before, AWARD - SELLER_BOND, "after two refunds and a ruling")
        .await;
}
