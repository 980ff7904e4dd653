//! Payments on credit from one chain to another: within both limits, above the payee's, above the credit node's and raised
//! on evidence, repaid. The credit node's limit is computed from the chain, and recomputed from it.
use anyhow::{bail, Context};
use protocol::{
    credit::{domain, RaiseRequest},
    disputes::evidence_digest,
    settlement::Asset,
    Amount, RequestId,
};
use serde_json::{json, Value};

use super::Show;
use crate::{
    cli::render,
    devnet::{CreditNode, Network, Node, Wanted, PAYER},
    http::credit::{
        debts::{DebtView, RepayRequest},
        payments::CreditPaymentView,
        raises::{DecideRequest, WishRequest},
    },
    identity::SigningKey,
};

/// What the payer buys for, in the smallest unit of either chain's native token.
const AMOUNT: Amount = 40_000_000_000;
/// How much the payee lets the payer owe on payments to it.
const BY_PAYEE: Amount = 200_000_000_000;
/// How much the credit node lets a payer owe that it doesn't know.
const BY_NODE: Amount = 50_000_000_000;
/// What the credit node can pay payees from.
const POOL: Amount = 1_000_000_000_000;
/// What shows that the payer can repay.
const EVIDENCE: &str = "annual accounts of 2025: a profit of 7 million";

/// Starts a credit node and makes the payments; the node goes on running.
pub(super) async fn run(network: &mut Network, other_node: Node, show: &Show) -> anyhow::Result<(Value, CreditNode)> {
    let node = network
        .add_credit_node_beside(other_node, &|step| show.step(step))
        .await?;
    node.fund(1, POOL).await?;
    node.payee_lets_owe(BY_PAYEE).await?;
    node.node_lets_owe(BY_NODE).await?;
    let before = node.payee_balance().await?;

    show.step("Anna buys a lathe of Paul on the other chain: within both limits");
    let within = pay(&node, AMOUNT, "confirmed", show).await?;

    show.step("she would buy for more than Paul gives credit for");
    let above_payee = pay(&node, BY_PAYEE, "refused", show).await?;

    show.step("she would buy for more than the credit node gives credit for, and is invited to ask for more");
    let above_node = pay(&node, 2 * AMOUNT, "short", show).await?;
    let wanted = 3 * AMOUNT;
    show.step("she asks with her accounts as evidence; the credit node grants it, and the payment goes on by itself");
    raise(&node, wanted).await?;
    let raised = follow(&node, above_node.id, "confirmed", show).await?;

    show.step("she repays the first debt in two parts");
    for part in [AMOUNT / 4, AMOUNT - AMOUNT / 4] {
        let repay = RepayRequest { amount: part };
        node.write(0, &format!("debts/{}/repay", within.id), &repay).await?;
    }
    let repaid: DebtView = node.read(0, &format!("debts/{}", within.id)).await?;
    let owed: DebtView = node.read(0, &format!("debts/{}", raised.id)).await?;

    show.step("the credit node computes its limit from what the chain tells of her; an auditor recomputes it from the chain alone");
    let scored = node.score().await?.score;
    match node.verify_score(&network.options, &scored).await? {
        Ok(said) => show.line(&format!("    {}", said.trim())),
        Err(differs) => bail!("the chain contradicts the limit's evidence: {differs}"),
    }

    let after = node.payee_balance().await?;
    let paid = 3 * AMOUNT;
    if after != before.saturating_add(paid) || repaid.principal_owed != 0 || owed.principal_owed != 2 * AMOUNT {
        bail!("the payee has {after} after {before}, the payer owes {repaid:?} and {owed:?}");
    }
    let mut table = render::table(["payment on credit", "amount", "came to", "is owed"]);
    for (payment, left) in [
        (&within, repaid.principal_owed),
        (&above_payee, 0),
        (&raised, owed.principal_owed),
    ] {
        table.add_row([
            payment.id.to_string(),
            payment.request.amount.to_string(),
            payment.stage.clone(),
            left.to_string(),
        ]);
    }
    show.line("");
    show.line(&table.to_string());
    let refusal = |payment: &CreditPaymentView| payment.refusal.as_ref().map(|refusal| refusal.code.clone());
    let result = json!({
        "status": "ok",
        "finalized_block": owed.debt.payout.map(|block| block.number),
        "chains": node.sites.each_ref().map(|site| protocol::text::to_hex(&site.deployment.genesis_hash)),
        "within_both_limits": within.id,
        "above_the_payees_limit": { "payment": above_payee.id, "code": refusal(&above_payee) },
        "above_the_nodes_limit": { "payment": raised.id, "code": refusal(&above_node), "raised_to": wanted.to_string() },
        "repaid": repaid.debt.repaid.to_string(),
        "owed": owed.principal_owed.to_string(),
        "score": {
            "limit": scored.evidence.score.limit.to_string(),
            "evidence": protocol::text::to_hex(&scored.digest),
            "recomputed_from_the_chain": true,
        },
        "payee_balance": { "before": before.to_string(), "after": after.to_string() },
    });
    Ok((result, node))
}

async fn pay(node: &CreditNode, amount: Amount, stage: &str, show: &Show) -> anyhow::Result<CreditPaymentView> {
    let request = node.request(Wanted::of(amount))?;
    let taken = node.pay(&request).await?;
    follow(node, taken.id, stage, show).await
}

/// Waits for a payment to come to a stage, and shows the way there.
async fn follow(node: &CreditNode, id: RequestId, stage: &str, show: &Show) -> anyhow::Result<CreditPaymentView> {
    let payment = node.payment(id, stage).await?;
    for step in &payment.history {
        show.line(&format!("    {}: {}", step.stage, step.detail));
    }
    if payment.stage != stage {
        bail!("the payment is {}, and should be {stage}", payment.stage);
    }
    Ok(payment)
}

async fn raise(node: &CreditNode, wanted: Amount) -> anyhow::Result<()> {
    let payer = SigningKey::load(PAYER).context("the payer's key")?;
    let leg = node.leg(0)?;
    let wish = RaiseRequest {
        payer: payer.account(),
        asset: Asset::Native,
        wanted,
        evidence: evidence_digest(EVIDENCE.as_bytes()),
        sequence: crate::http::now(),
    };
    let signature = payer.sign(&wish.payload(&domain(leg.genesis, leg.contract)));
    node.write(0, "raises", &WishRequest { wish, signature }).await?;
    let decision = DecideRequest {
        payer: payer.account(),
        asset: Asset::Native,
        granted: Some(wanted),
        digest: evidence_digest(EVIDENCE.as_bytes()),
    };
    node.write(0, "raises/decide", &decision).await?;
    Ok(())
}
