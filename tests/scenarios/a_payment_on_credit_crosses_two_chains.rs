//! A payer on one chain pays a payee on another on credit: within both limits; above the payee's; above the credit node's,
//! raised on evidence; taken or refused by a person; repaid. Each as the finalized chains show it.
use protocol::{
    credit::{domain, DebtState, RaiseDecision, RaiseRequest},
    settlement::Asset,
};
use quittance::{
    devnet::{Wanted, PAYER},
    http::credit::{
        debts::{DebtView, RepayRequest},
        raises::{DecideRequest, WishRequest},
    },
    identity::{verify, SigningKey},
};
use reqwest::Method;
use serde_json::{json, Value};

use crate::lending::{account, code_of, Lending, AMOUNT, FIT};

#[tokio::test(flavor = "multi_thread")]
async fn within_both_limits_the_payee_has_the_money_and_the_payer_owes_it_until_it_repays() {
    let lending = Lending::start().await;
    let request = lending.node.request(Wanted::of(AMOUNT)).unwrap();
    let id = lending.node.pay(&request).await.unwrap().id;
    let again = lending.node.pay(&request).await.unwrap();
    assert_eq!(again.id, id, "the same request again");
    lending.confirmed(id, "within both limits").await;
    lending.paid(1, "the same request again paid nothing").await;

    let payment = lending.sees(id, "confirmed").await;
    assert_eq!(payment.payer.common_name.as_deref(), Some("Anna Payer"));
    assert_eq!(payment.payee.unwrap().common_name.as_deref(), Some("Paul Payee"));
    let debt = lending.debt(id).await.unwrap();
    let payout: protocol::credit::Payout = lending.node.read(1, &format!("payouts/{id}")).await.unwrap();
    assert_eq!(
        debt.payout.unwrap().number,
        payout.block,
        "the block of the other chain"
    );

    for (amount, left, state) in [
        (AMOUNT / 4, AMOUNT - AMOUNT / 4, DebtState::Owed),
        (AMOUNT - AMOUNT / 4, 0, DebtState::Settled),
    ] {
        lending
            .node
            .write(0, &format!("debts/{id}/repay"), &RepayRequest { amount })
            .await
            .unwrap();
        let view: DebtView = lending.node.read(0, &format!("debts/{id}")).await.unwrap();
        assert_eq!((view.principal_owed, view.debt.state), (left, state));
    }
    let too_much = RepayRequest { amount: 1 };
    let refused = lending.node.write(0, &format!("debts/{id}/repay"), &too_much).await;
    assert_eq!(code_of(&refused.unwrap_err()), "wrong-state");
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_payees_limit_it_is_refused_and_above_the_nodes_it_waits_for_a_raise() {
    let lending = Lending::start().await;
    let node = &lending.node;
    let too_much = lending.pay_as(Wanted::of(FIT * AMOUNT + 1)).await;
    let refused = lending.sees(too_much, "refused").await.refusal.unwrap();
    assert_eq!(refused.code, "above-payee-limit");
    assert!(refused.detail.contains("1 is missing"), "{}", refused.detail);
    assert_eq!(lending.debt(too_much).await, None);

    node.payee_lets_owe(3 * FIT * AMOUNT).await.unwrap();
    let wanted = 2 * FIT * AMOUNT;
    let short = lending.pay_as(Wanted::of(wanted)).await;
    let waiting = lending.sees(short, "short").await.refusal.unwrap();
    assert_eq!(waiting.code, "above-node-limit");
    assert!(
        waiting.detail.contains(&format!("at least {wanted}")),
        "{}",
        waiting.detail
    );

    let leg = node.leg(0).unwrap();
    let wish = RaiseRequest {
        payer: account(PAYER),
        asset: Asset::Native,
        wanted,
        evidence: protocol::disputes::evidence_digest(b"a profit of 7 million"),
        sequence: 1,
    };
    let signature = SigningKey::load(PAYER)
        .unwrap()
        .sign(&wish.payload(&domain(leg.genesis, leg.contract)));
    node.write(0, "raises", &WishRequest { wish, signature }).await.unwrap();
    let decision = RaiseDecision {
        granted: Some(wanted),
        digest: [8; 32],
    };
    let decide = DecideRequest {
        payer: account(PAYER),
        asset: Asset::Native,
        granted: decision.granted,
        digest: decision.digest,
    };
    node.write(0, "raises/decide", &decide).await.unwrap();
    // By itself.
    lending.confirmed(short, "after the raise").await;
    assert_eq!(lending.payee_has().await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_takes_a_person_at_the_payees_bank_takes_or_refuses() {
    let lending = Lending::start().await;
    // The rule takes up to 100 ordinary payments; the limits must not stand in the way.
    let much = 101 * AMOUNT;
    lending.node.fund(1, 2 * much).await.unwrap();
    lending.node.payee_lets_owe(2 * much).await.unwrap();
    lending.node.node_lets_owe(2 * much).await.unwrap();
    let (taken, refused) = (
        lending.pay_as(Wanted::of(much)).await,
        lending.pay_as(Wanted::of(much)).await,
    );
    let bank = lending.node.payees.api().unwrap();
    let pending = loop {
        let page: Value = bank.get("/v1/credit/consents").await.unwrap();
        if page["consents"].as_array().unwrap().len() == 2 {
            break page;
        }
        tokio::time::sleep(crate::network::LOOK).await;
    };
    for consent in pending["consents"].as_array().unwrap() {
        assert_eq!(
            (&consent["decision"], &consent["request"]["goods"]),
            (&json!("pending"), &json!("a lathe"))
        );
    }
    let decide = async |id, how: &str, body: Value| {
        let path = format!("/v1/credit/consents/{id}/{how}");
        bank.write(Method::POST, &path, &format!("{id}-{how}"), &body).await
    };
    decide(taken, "accept", json!({})).await.unwrap();
    decide(refused, "refuse", json!({ "reason": "the lathe was sold" }))
        .await
        .unwrap();
    let second = decide(refused, "accept", json!({})).await;
    assert_eq!(
        code_of(&second.unwrap_err()),
        "decided-before",
        "the payee's word is out"
    );

    lending.confirmed(taken, "taken by a person").await;
    let payment = lending.sees(refused, "refused").await;
    let refusal = payment.refusal.unwrap();
    assert_eq!(
        (refusal.code.as_str(), refusal.detail.as_str()),
        ("payee-refused", "the lathe was sold")
    );
    let payload = payment.request.refusal(&refusal.detail);
    assert!(
        verify(&payment.request.payee.0, &payload, &refusal.signature.unwrap()),
        "signed"
    );
    assert_eq!(lending.payee_has().await, much);
}
