//! A hundred payments at once share calls to the chain. Each settles once, though the notary and the home bank are killed
//! (SIGKILL) in the middle.
use std::collections::BTreeSet;

use futures::future::join_all;
use protocol::settlement::TransactionKind;
use quittance::{http::payments::PaymentView, settlement::ports::Ledger};

use crate::network::{restart, TestNetwork, AMOUNT, PATIENCE};

const PAYMENTS: usize = 100;

async fn pay_at_once(test: &TestNetwork) -> Vec<PaymentView> {
    let network = &test.network;
    let requests = (0..PAYMENTS).map(|_| network.request(TransactionKind::Purchase, AMOUNT).unwrap());
    let paid = join_all(requests.map(|request| async move { network.pay(&request).await }));
    paid.await.into_iter().map(Result::unwrap).collect()
}

/// How many batches the chain has them in.
async fn batches(test: &TestNetwork, payments: &[PaymentView]) -> usize {
    let mut numbers = BTreeSet::new();
    for payment in payments {
        let retention = test.ledger.retention(&payment.voucher).await.unwrap();
        numbers.insert(retention.expect("is retained").batch);
    }
    numbers.len()
}

async fn all_settled_once(test: &TestNetwork, payments: &[PaymentView], before: (u128, u128)) {
    let network = &test.network;
    for institution in [&network.originator, &network.home, &network.notary] {
        for payment in payments {
            let done = test.finished(institution, payment).await;
            assert_eq!(done.state, "cleared", "at {}", institution.name);
        }
    }
    let moved = AMOUNT * PAYMENTS as u128;
    let (originator, home) = test.balances().await;
    assert_eq!(
        (originator.available, home.available),
        (before.0 + moved, before.1 - moved)
    );
    assert_eq!(home.reserved, 0);
}

async fn available(test: &TestNetwork) -> (u128, u128) {
    let (originator, home) = test.balances().await;
    (originator.available, home.available)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_payments_at_once_share_calls_and_settle_once_whoever_dies() {
    let mut test = TestNetwork::start().await;
    let before = available(&test).await;
    let payments = pay_at_once(&test).await;
    all_settled_once(&test, &payments, before).await;
    let calls = batches(&test, &payments).await;
    assert!(calls < PAYMENTS, "{PAYMENTS} payments took {calls} calls");

    let before = available(&test).await;
    let payments = pay_at_once(&test).await;
    // The first one is delivered, most of the others are somewhere before.
    let some = payments.first().expect("there are some");
    let path = format!("/v1/payments/{}?wait_seconds={PATIENCE}&unless_state=", some.id);
    let api = test.network.originator.api().unwrap();
    for state in ["audited", "confirmed"] {
        let _: PaymentView = api.get(&format!("{path}{state}")).await.unwrap();
    }
    for institution in [&mut test.network.notary, &mut test.network.home] {
        restart(institution, &[]).await;
    }
    all_settled_once(&test, &payments, before).await;
}
