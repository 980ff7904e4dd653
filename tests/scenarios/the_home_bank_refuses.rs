//! S0.5: a refusal is signed, kept by both sides, and moves nothing.
use protocol::settlement::TransactionKind;
use quittance::settlement::messages::RefusalCode;

use crate::network::{TestNetwork, AMOUNT};

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_above_the_users_limit_is_refused_by_its_bank_and_the_reason_is_on_record() {
    let test = TestNetwork::start().await;
    let before = test.balances().await;

    let request = test.network.request(TransactionKind::Purchase, AMOUNT * 1_000).unwrap();
    let payment = test.network.pay(&request).await.unwrap();
    for institution in [&test.network.originator, &test.network.home] {
        let refused = test.finished(institution, &payment).await;
        assert_eq!(refused.state, "refused");
        let refusal = refused.refusal.unwrap();
        assert_eq!(refusal.code, RefusalCode::AboveUserLimit);
        assert_eq!(refusal.signed.member, test.network.home.member);
    }
    assert_eq!(test.balances().await, before);

    let again = test.network.pay(&request).await.unwrap();
    assert_eq!(again.id, payment.id, "the same request is the same payment");
    let next = test
        .network
        .pay(&test.network.request(TransactionKind::Purchase, AMOUNT).unwrap())
        .await
        .unwrap();
    assert_eq!(
        test.finished(&test.network.originator, &next).await.state,
        "cleared",
        "a refusal blocks nobody"
    );
}
