//! A payment between two banks, and one that is refused.
use anyhow::{bail, Context};
use protocol::{
    clearing::Balance,
    settlement::{Asset, TransactionKind},
    Amount,
};
use serde_json::{json, Value};

use super::Show;
use crate::{chain::ChainLedger, cli::render, devnet::Network, http::payments::PaymentView, settlement::ports::Ledger};

/// What the home bank puts in before the payments.
const DEPOSIT: Amount = 5_000_000_000_000;
/// What the user pays.
const AMOUNT: Amount = 250_000_000_000;
/// More than the user's limit.
const TOO_MUCH: Amount = 900_000_000_000;
/// How long a payment may take on a chain that finalizes late, in seconds.
const PATIENCE: u64 = 60;

/// A payment that is settled, one that is refused, and what the chain says afterwards.
pub(super) async fn run(network: &Network, show: &Show) -> anyhow::Result<Value> {
    let ledger = network.ledger().await?;
    show.step("Bank B prefunds its settlement balance");
    network.deposit(&network.home, DEPOSIT).await?;
    let before = balances(network, &ledger).await?;

    show.step("a user of Bank B buys at Bank A");
    let payment = network
        .pay(&network.request(TransactionKind::Purchase, AMOUNT)?)
        .await?;
    let settled = follow(network, payment, show).await?;
    if settled.state != "cleared" {
        bail!("the payment ended as {} instead of cleared", settled.state);
    }
    let after = balances(network, &ledger).await?;
    let (paid, received) = (moved(&before.1, &after.1), moved(&after.0, &before.0));
    if paid != Some(AMOUNT) || received != Some(AMOUNT) {
        bail!("the payment was of {AMOUNT}, but {paid:?} went and {received:?} came");
    }

    show.step("the same user asks for more than Bank B allows it");
    let payment = network
        .pay(&network.request(TransactionKind::Purchase, TOO_MUCH)?)
        .await?;
    let refused = follow(network, payment, show).await?;
    let refusal = refused.refusal.context("the second payment should have been refused")?;
    let unmoved = balances(network, &ledger).await?;
    if unmoved != after {
        bail!("a refused payment moved money");
    }

    let relation = ledger
        .retention(&settled.voucher)
        .await?
        .context("the chain doesn't know the payment")?;
    let mut table = render::table(["settlement balance", "before", "after"]);
    for (institution, before, after) in [
        (&network.originator, &before.0, &after.0),
        (&network.home, &before.1, &after.1),
    ] {
        table.add_row([
            institution.name.clone(),
            before.available.to_string(),
            after.available.to_string(),
        ]);
    }
    show.line("");
    show.line(&table.to_string());
    show.line(&render::payment(&settled).to_string());
    Ok(json!({
        "status": "ok",
        "voucher": settled.id,
        "relation": relation.relation_id,
        "retained_block": settled.retained_in,
        "finalized_block": settled.cleared_in,
        "amount": AMOUNT.to_string(),
        "balances": {
            "before": { "originator": before.0, "home": before.1 },
            "after": { "originator": after.0, "home": after.1 },
        },
        "refused": refusal,
    }))
}

/// What the chain says that originator and home institution hold.
async fn balances(network: &Network, ledger: &ChainLedger) -> anyhow::Result<(Balance, Balance)> {
    let originator = ledger.balance(network.originator.member, Asset::Native).await?;
    let home = ledger.balance(network.home.member, Asset::Native).await?;
    Ok((originator, home))
}

fn moved(more: &Balance, less: &Balance) -> Option<Amount> {
    more.available.checked_sub(less.available)
}

/// Shows each step of a payment until the last.
pub(super) async fn follow(network: &Network, mut payment: PaymentView, show: &Show) -> anyhow::Result<PaymentView> {
    let api = network.originator.api()?;
    let mut shown = 0;
    loop {
        for step in payment.history.iter().skip(shown) {
            show.line(&format!("    {}", render::step(step)));
        }
        shown = payment.history.len();
        if payment.is_final {
            return Ok(payment);
        }
        let path = format!(
            "/v1/payments/{}?wait_seconds={PATIENCE}&unless_state={}",
            payment.id, payment.state
        );
        payment = api.get(&path).await?;
    }
}
