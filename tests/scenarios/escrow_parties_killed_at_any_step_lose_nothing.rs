//! Buyer and seller, killed (SIGKILL) before and after each thing that they do in a trade. After a restart the trade goes
//! on by itself: the seller is paid once, the buyer has its bond back.
use serde_json::json;

use crate::{
    network::{reached, restart},
    trading::{Market, PRICE, UNHURRIED},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Buyer,
    Seller,
}

async fn killed_at(market: &mut Market, offer: &str, who: Who, point: &str) {
    let before = market.books().await;
    let network = &mut market.network;
    let victim = match who {
        Who::Buyer => &mut network.home,
        Who::Seller => &mut network.originator,
    };
    restart(victim, &[("FAILPOINTS", &format!("{point}=pause"))]).await;

    let trade = network.home.propose(offer, 1, json!({})).await.unwrap();
    // Where the process stands still before the seller is bound, the buyer confirms afterwards.
    let is_late = ["reveal", "claim"].iter().any(|step| point.contains(step));
    if is_late {
        network.home.sees(&trade, &["accepted"]).await.unwrap();
        network.home.act(&trade, "confirm", json!({})).await.unwrap();
    }
    let victim = match who {
        Who::Buyer => &mut network.home,
        Who::Seller => &mut network.originator,
    };
    reached(victim, point).await;
    restart(victim, &[]).await;

    if !is_late {
        network.home.sees(&trade, &["accepted"]).await.unwrap();
        network.home.act(&trade, "confirm", json!({})).await.unwrap();
    }
    for party in [&network.home, &network.originator] {
        party.sees(&trade, &["settled"]).await.unwrap();
    }
    market.paid(&before, PRICE, &format!("after {point}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_killed_at_any_step_loses_nothing() {
    let mut market = Market::start().await;
    let offer = market.offer(UNHURRIED).await;
    for point in [
        "escrow.letter.proposal.sending",
        "escrow.buyer.lock.acting",
        "escrow.buyer.secret.stored",
        "escrow.buyer.lock.acted",
        "escrow.buyer.reveal.acting",
        "escrow.buyer.reveal.acted",
    ] {
        killed_at(&mut market, &offer, Who::Buyer, point).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_killed_at_any_step_loses_nothing() {
    let mut market = Market::start().await;
    let offer = market.offer(UNHURRIED).await;
    for point in [
        "escrow.seller.accept.acting",
        "escrow.seller.accept.acted",
        // The secret is out: the buyer has its bond, the seller not yet the price.
        "escrow.seller.claim.acting",
        "escrow.seller.claim.acted",
    ] {
        killed_at(&mut market, &offer, Who::Seller, point).await;
    }
}
