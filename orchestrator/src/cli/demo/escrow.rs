//! Three trades between two banks that don't trust each other: one goes well, one is never accepted, one is disputed.
use std::time::Duration;

use anyhow::bail;
use protocol::Amount;
use serde_json::{json, Value};

use super::Show;
use crate::{
    chain::costs::Costs,
    cli::render,
    devnet::{Books, Network},
    escrow::ports::EscrowLedger,
};

/// For one unit, in the smallest unit of the native token.
const PRICE: Amount = 1_000_000_000;
const BOND: Amount = 100_000_000;
const SELLER_BOND: Amount = 50_000_000;
/// The buyer's bond, the seller's, and the price, of the disputed trade's 30 units.
const POT: Amount = 30 * (PRICE + BOND + SELLER_BOND);
/// What the arbiter gives the seller of it.
const AWARD: Amount = 20 * PRICE;
/// Runs the trades.
pub(super) async fn run(network: &mut Network, show: &Show) -> anyhow::Result<Value> {
    let chain = network.chain().await?;
    let escrow = network.escrow().await?;
    let accounts = [network.home.account()?, network.originator.account()?, escrow.escrow()];
    // A chain that finalizes late needs longer phases.
    let begun = std::time::Instant::now();
    escrow.make_block(&format!("demo/{}", uuid::Uuid::now_v7())).await?;
    let unit = begun.elapsed().saturating_mul(3).max(Duration::from_millis(1_500));
    let before = Books::of(&chain, &accounts).await?;

    show.step("Bank B would buy 100 kWh, and tells Bank A");
    let offer = make_offer(network, unit).await?;
    network.originator.has_offer(&offer).await?;

    show.step("Bank A sells 40 of them: price and bond are locked, accepted, revealed, claimed (E1 to E4)");
    let good = network.originator.propose(&offer, 40, json!({})).await?;
    network.home.sees(&good, &["accepted"]).await?;
    network.home.act(&good, "confirm", json!({})).await?;
    let settled = follow(network, &good, "settled", show).await?;

    show.step("Bank A can't sell 61 more: 60 are left");
    let too_much = network.originator.propose(&offer, 61, json!({})).await?;
    network.originator.sees(&too_much, &["declined"]).await?;

    show.step("Bank A sells 30 more and delivers; Bank B doesn't say that it has them");
    let disputed = network.originator.propose(&offer, 30, json!({})).await?;
    network.originator.sees(&disputed, &["accepted"]).await?;
    let evidence = json!({ "evidence": "meter 7, 2026-12-01T18:00Z: 30 kWh fed in, signed by the grid operator" });
    network.originator.act(&disputed, "confirm", evidence).await?;
    network.notary.sees(&disputed, &["disputed"]).await?;
    show.step("the notary gives Bank A 20 units' price, and Bank B the rest");
    network
        .notary
        .act(&disputed, "rule", json!({ "to_seller": AWARD.to_string() }))
        .await?;
    let ruled = follow(network, &disputed, "ruled", show).await?;

    show.step("Bank A asks a higher price for the last 30 and is stopped; Bank B agrees and locks: nobody accepts");
    let dearer = json!({ "price": (31 * PRICE).to_string() });
    let lapsed = network.originator.propose(&offer, 30, dearer).await?;
    network.home.sees(&lapsed, &["received"]).await?;
    network.originator.kill().await?;
    network.home.act(&lapsed, "accept", json!({})).await?;
    let refunded = follow(network, &lapsed, "refunded", show).await?;
    network.originator.start(&[])?;
    network.originator.ready().await?;

    let after = Books::of(&chain, &accounts).await?;
    let left = before.less_costs(&after).await?;
    let paid = 40 * PRICE + (AWARD - 30 * SELLER_BOND);
    let [(buyer_left, buyer_costs), (seller_left, seller_costs), (contract_left, _)] = left[..] else {
        bail!("three accounts were asked for");
    };
    let expected = [
        buyer_left.checked_sub(paid),
        seller_left.checked_add(paid),
        Some(contract_left),
    ];
    let found: Vec<Option<Amount>> = after.balances.iter().copied().map(Some).collect();
    if found != expected {
        bail!("buyer, seller and contract should hold {expected:?} and hold {found:?}");
    }

    let mut table = render::table(["", "before", "after", "trades", "fees", "storage deposits"]);
    for (name, before, after, sign, costs) in [
        (
            &network.home.name,
            before.balances[0],
            after.balances[0],
            "-",
            &buyer_costs,
        ),
        (
            &network.originator.name,
            before.balances[1],
            after.balances[1],
            "+",
            &seller_costs,
        ),
    ] {
        table.add_row([
            name.clone(),
            before.to_string(),
            after.to_string(),
            format!("{sign}{paid}"),
            costs.fees.to_string(),
            costs.deposits.saturating_sub(costs.returned).to_string(),
        ]);
    }
    show.line("");
    show.line(&table.to_string());
    let balances = |books: &Books| {
        let [buyer, seller, escrow] = [0, 1, 2].map(|place| books.balances.get(place).map(Amount::to_string));
        json!({ "buyer": buyer, "seller": seller, "escrow": escrow })
    };
    let costs = |costs: &Costs| {
        json!({
            "fees": costs.fees.to_string(),
            "storage_deposits": costs.deposits.to_string(),
            "storage_deposits_returned": costs.returned.to_string(),
        })
    };
    Ok(json!({
        "status": "ok",
        "finalized_block": after.block,
        "offer": offer,
        "settled": settled["id"],
        "never_accepted": refunded["id"],
        "ruled": { "trade": ruled["id"], "pot": POT.to_string(), "to_seller": AWARD.to_string() },
        "paid_by_buyer_to_seller": paid.to_string(),
        "balances": { "before": balances(&before), "after": balances(&after) },
        "costs": { "buyer": costs(&buyer_costs), "seller": costs(&seller_costs) },
    }))
}

async fn make_offer(network: &Network, unit: Duration) -> anyhow::Result<String> {
    let phase = u64::try_from(unit.as_millis())?;
    let expires_at = crate::http::now().saturating_add(600_000);
    let offer = json!({
        "side": "buy",
        "goods": "kWh, 2026-12-01 18:00/19:00 UTC, feed-in point 7",
        "quantity": 100,
        "least": 10,
        "asset": "Native",
        "unit_price": PRICE.to_string(),
        "unit_bond": BOND.to_string(),
        "unit_seller_bond": SELLER_BOND.to_string(),
        "unit_default_award": "0",
        "delivery": "into the grid at feed-in point 7; the grid operator's meter reading proves it",
        "arbiter": network.notary.member,
        "phases": {
            "accept": phase.saturating_mul(4),
            "reveal": phase.saturating_mul(2),
            "dispute": phase.saturating_mul(4),
            "ruling": phase.saturating_mul(20),
        },
        "expires_at": expires_at,
        "tell": [network.originator.member],
    });
    network.home.make_offer(&offer).await
}

/// Waits for a trade's end, and shows each step that the buyer saw.
async fn follow(network: &Network, trade: &str, end: &str, show: &Show) -> anyhow::Result<Value> {
    let found = network.home.sees(trade, &[end]).await?;
    for line in found["history"].as_array().into_iter().flatten() {
        let (stage, detail) = (line["stage"].as_str(), line["detail"].as_str());
        show.line(&format!(
            "    {}: {}",
            stage.unwrap_or_default(),
            detail.unwrap_or_default()
        ));
    }
    Ok(found)
}
