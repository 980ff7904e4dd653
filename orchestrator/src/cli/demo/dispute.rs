//! A payment that was cleared is contested: claimed back by the bank that paid, answered by the one that was paid, given
//! back in part by the notary.
use anyhow::{bail, Context};
use protocol::{decisions::Decision, disputes::Ruling, settlement::Asset, Amount, VoucherId};
use serde_json::{json, Value};

use super::Show;
use crate::{cli::render, devnet::Network, settlement::ports::Ledger};

/// What the notary gives back of the payment.
const AWARD: Amount = 100_000_000_000;
const CLAIM: &str = "order 17 of user 4711: two of the five boxes never came, says the carrier's list of 2026-12-01";
const ANSWER: &str = "order 17: five boxes handed to the carrier on 2026-11-30; its receipt 8812 names all five";

/// Contests the payment under this voucher.
pub(super) async fn run(network: &Network, voucher: VoucherId, show: &Show) -> anyhow::Result<Value> {
    let (bank_a, bank_b, notary) = (&network.originator, &network.home, &network.notary);
    let before = held(network).await?;
    show.step("Bank B claims that payment back; the evidence's digest goes on chain, the evidence to all concerned");
    bank_b.open_dispute(voucher, CLAIM, json!({})).await?;
    for institution in [bank_a, notary] {
        let seen = institution.sees_dispute(voucher, |seen| seen.claim_evidence.is_some());
        seen.await?;
    }
    show.step("Bank A answers with its own");
    bank_a.answer_dispute(voucher, ANSWER).await?;
    let answered = notary
        .sees_dispute(voucher, |seen| seen.answer_evidence.is_some())
        .await?;
    show.step("the notary gives a part back, and it is paid");
    let ruling = Decision::Rule {
        voucher,
        obligation: 0,
        ruling: Ruling::Partial(AWARD),
    };
    let decision = network.decide(ruling).await?;
    let ended = bank_b.sees_dispute(voucher, |seen| seen.summary.is_final).await?;
    for step in &ended.history {
        show.line(&format!("    {}: {}", step.state, step.detail));
    }

    let after = held(network).await?;
    let [a, b] = [0, 1].map(|place| (before[place], after[place]));
    if b.1.checked_sub(b.0) != Some(AWARD) || a.0.checked_sub(a.1) != Some(AWARD) {
        bail!("{AWARD} should have gone from Bank A, {a:?}, to Bank B, {b:?}");
    }
    let dispute = ended.summary.dispute.context("the chain shows no dispute")?;
    let documents = [&answered.claim_evidence, &answered.answer_evidence].map(Option::as_ref);
    let digests = documents.map(|document| document.map(crate::disputes::messages::Document::digest));
    let on_chain = [
        Some(dispute.claim.evidence),
        dispute.response.map(|response| response.evidence),
    ];
    if digests != on_chain {
        bail!("the notary's evidence has other digests than the chain shows");
    }
    let mut table = render::table(["settlement balance", "before", "after"]);
    for (institution, (before, after)) in [(bank_a, a), (bank_b, b)] {
        table.add_row([institution.name.clone(), before.to_string(), after.to_string()]);
    }
    show.line("");
    show.line(&table.to_string());
    let balances = |held: [Amount; 2]| json!({ "originator": held[0].to_string(), "home": held[1].to_string() });
    Ok(json!({
        "voucher": voucher,
        "obligation": 0,
        "claimed": dispute.claim.amount.to_string(),
        "claim_evidence": protocol::text::to_hex(&dispute.claim.evidence),
        "answer_evidence": dispute.response.map(|response| protocol::text::to_hex(&response.evidence)),
        "decision": decision.id,
        "awarded": dispute.awarded.to_string(),
        "paid": dispute.paid.to_string(),
        "balances": { "before": balances(before), "after": balances(after) },
    }))
}

/// What Bank A and Bank B can spend, by a new connection: an older one may learn of a finalized block later than an
/// institution did.
async fn held(network: &Network) -> anyhow::Result<[Amount; 2]> {
    let ledger = network.ledger().await?;
    let mut held = [0; 2];
    for (place, institution) in held.iter_mut().zip([&network.originator, &network.home]) {
        *place = ledger.balance(institution.member, Asset::Native).await?.available;
    }
    Ok(held)
}
