//! The notary is gone and doesn't rule: once its time is over, the parties' own processes end the dispute by the default,
//! on a chain that makes no block by itself.
use protocol::disputes::Ruling;
use quittance::http::disputes::DisputeView;
use serde_json::json;

use crate::{
    contesting::{available, paid, ruling},
    network::TestNetwork,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_silent_notary_does_not_rule_in_time_stands() {
    let mut test = TestNetwork::start_with(|options| options.ruling_seconds = Some(5)).await;
    let voucher = paid(&test).await;
    let before = available(&test).await;
    test.network.notary.kill().await.unwrap();
    test.network
        .home
        .open_dispute(voucher, "it never came", json!({}))
        .await
        .unwrap();
    let is_final = |seen: &DisputeView| seen.summary.is_final;
    for institution in [&test.network.home, &test.network.originator] {
        let ended = institution.sees_dispute(voucher, is_final).await.unwrap();
        assert_eq!(
            ended.summary.state, "upheld",
            "at {}: {:?}",
            institution.name, ended.history
        );
        let dispute = ended.summary.dispute.unwrap();
        assert_eq!((dispute.ruling, dispute.awarded), (Some(Ruling::Uphold), 0));
    }
    assert_eq!(available(&test).await, before);

    // It comes back, is told of everything, and has nothing to say any more.
    test.network.notary.start(&[]).unwrap();
    test.network.notary.ready().await.unwrap();
    let has_all = |seen: &DisputeView| seen.summary.is_final && seen.claim_evidence.is_some();
    test.network.notary.sees_dispute(voucher, has_all).await.unwrap();
    let late = test.network.decide(ruling(voucher, Ruling::Reverse)).await.unwrap_err();
    assert!(late.to_string().contains("no-open-dispute"), "{late}");
}
