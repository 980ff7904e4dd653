//! A credit transfer through a third bank: two destinations co-sign, one of them asks a fourth bank before, and the third
//! one earns a fee.
use anyhow::{bail, Context};
use protocol::{
    decisions::Decision,
    fees::{FeePayee, FeeRule, Service},
    settlement::{Asset, TransactionKind},
    Amount,
};
use serde_json::{json, Value};

use super::{settlement::follow, Show};
use crate::{
    chain::ChainLedger,
    devnet::{Institution, Network},
    settlement::{
        messages::{Answer, Assistance},
        ports::Ledger,
    },
};

/// What the user sends.
const AMOUNT: Amount = 80_000_000_000;
/// What Bank A gets for it: 1 million and a quarter of a percent.
const FEE: Amount = 1_000_000 + AMOUNT / 400;

/// The fee schedule of the demo.
pub(super) fn schedule() -> Vec<FeeRule> {
    let rule = |service, flat, parts_per_million| FeeRule {
        service,
        asset: Asset::Native,
        payee: FeePayee::Originator,
        flat,
        parts_per_million,
        at_most: AMOUNT,
    };
    vec![
        rule(Service::CreditTransfer, 1_000_000, 2_500),
        rule(Service::Purchase, 0, 1_000),
    ]
}

/// Publishes fees, and transfers.
pub(super) async fn run(network: &Network, show: &Show) -> anyhow::Result<Value> {
    let ledger = network.ledger().await?;
    let payee = network.others.first().context("the demo has other banks")?;
    show.step("the notary publishes a fee schedule");
    network.decide(Decision::SetFees(schedule())).await?;

    let parties = [&network.home, payee, &network.originator];
    let before = available(&ledger, parties).await?;
    show.step(&format!(
        "a user of Bank B sends money to one of {} at Bank A: both have to co-sign, and Bank B asks a fourth bank before",
        payee.name
    ));
    let kind = TransactionKind::CreditTransfer(payee.member);
    let request = network.request_at(&network.originator, &network.home, kind, AMOUNT)?;
    let settled = follow(network, network.pay(&request).await?, show).await?;
    if settled.state != "cleared" {
        bail!("the transfer ended as {} instead of cleared", settled.state);
    }
    let after = available(&ledger, parties).await?;
    let expected = [
        before[0].checked_sub(AMOUNT + FEE),
        before[1].checked_add(AMOUNT),
        before[2].checked_add(FEE),
    ];
    if after.map(Some) != expected {
        bail!("payer, payee and originator should have {expected:?} and have {after:?}");
    }

    let papers = network.home.payment(settled.id, 0).await?.documents;
    let paper = papers.iter().find(|paper| paper.kind == "assistance");
    let body = paper.context("Bank B kept no assistance")?.content.clone();
    let answer: Answer<Assistance> = serde_json::from_value(body)?;
    let Answer::Agreed(assistance) = answer else {
        bail!("the assisting bank refused: {answer:?}");
    };
    show.line(&format!(
        "    {AMOUNT} went from Bank B to {}, {FEE} to Bank A; member {} had nothing against it",
        payee.name, assistance.signed.member
    ));
    Ok(json!({
        "voucher": settled.id,
        "destinations": settled.voucher.destinations(),
        "assisted_by": assistance.signed.member,
        "amount": AMOUNT.to_string(),
        "fee": FEE.to_string(),
        "cleared_block": settled.cleared_in,
    }))
}

async fn available(ledger: &ChainLedger, of: [&Institution; 3]) -> anyhow::Result<[Amount; 3]> {
    let mut found = [0; 3];
    for (place, institution) in found.iter_mut().zip(of) {
        *place = ledger.balance(institution.member, Asset::Native).await?.available;
    }
    Ok(found)
}
