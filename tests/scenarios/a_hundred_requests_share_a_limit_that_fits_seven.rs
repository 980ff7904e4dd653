//! A hundred requests at once against one limit that fits seven: exactly seven are paid, whichever limit it is.
use std::collections::BTreeMap;

use quittance::devnet::Wanted;

use crate::lending::{Lending, AMOUNT};

const FIT: u128 = 7;

#[tokio::test(flavor = "multi_thread")]
async fn exactly_seven_of_a_hundred_fit() {
    let lending = Lending::start().await;
    lending.node.payee_lets_owe(FIT * AMOUNT).await.unwrap();
    let requests: Vec<_> = (0..100)
        .map(|_| lending.node.request(Wanted::of(AMOUNT)).unwrap())
        .collect();
    let sent = requests.iter().map(|request| lending.node.pay(request));
    let sent = futures::future::join_all(sent).await;
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for payment in sent {
        let id = payment.unwrap().id;
        let end = loop {
            let payment = lending.node.payment(id, "confirmed").await.unwrap();
            if payment.is_final {
                break payment;
            }
        };
        if let Some(refusal) = end.refusal {
            assert_eq!(refusal.code, "above-payee-limit");
        }
        *ends.entry(end.stage).or_default() += 1;
    }
    assert_eq!(ends, BTreeMap::from([("confirmed".into(), 7), ("refused".into(), 93)]));
    lending.paid(FIT, "a hundred at once").await;
}
