//! What takes two notaries is carried out once both agreed, each at its own process, also when one is killed meanwhile.
use std::time::{Duration, Instant};

use protocol::{decisions::Decision, settlement::Asset};
use quittance::{
    devnet::{Institution, Network, Options},
    http::decisions::{DecisionPage, DecisionRequest, DecisionView},
    settlement::ports::Ledger,
};
use serde_json::json;

use crate::network::PATIENCE;

const CAP: u128 = 250_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_two_notaries_is_carried_out_once_both_agreed() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = Options::built(directory.path().to_owned()).unwrap();
    options.others = 1;
    let mut network = Network::start(options, &|_| ()).await.unwrap();
    let second = network.others[0].member;
    let roles = json!({ "set_roles": { "member": second, "roles": ["notary"] } });
    network.govern(&roles).await.unwrap();
    network.govern(&json!({ "set_notary_threshold": 2 })).await.unwrap();
    let member = network.home.member;
    let cap = Decision::SetCap {
        member,
        asset: Asset::Native,
        cap: CAP,
    };

    let first = agree(&network.notary, cap.clone()).await;
    assert_eq!(first.state, "agreed");
    let proposed = heard_of(&network.others[0], &first).await;
    assert_eq!(
        (proposed.state.as_str(), proposed.told_by),
        ("proposed", Some(network.notary.member))
    );
    let ledger = network.ledger().await.unwrap();
    assert_eq!(
        ledger.balance(member, Asset::Native).await.unwrap().cap,
        0,
        "one is too few"
    );

    network.notary.kill().await.unwrap();
    let second = agree(&network.others[0], cap).await;
    assert_eq!(
        (second.id, second.state.as_str()),
        (first.id, "agreed"),
        "it takes the proposal's expiry"
    );
    network.notary.start(&[]).unwrap();
    network.notary.ready().await.unwrap();
    for notary in [&network.notary, &network.others[0]] {
        let path = format!("/v1/decisions/{}?wait_seconds={PATIENCE}", first.id);
        let ended: DecisionView = notary.api().unwrap().get(&path).await.unwrap();
        assert_eq!(ended.state, "carried-out", "at {}: {:?}", notary.name, ended.history);
    }
    let ledger = network.ledger().await.unwrap();
    assert_eq!(ledger.balance(member, Asset::Native).await.unwrap().cap, CAP);
    assert_eq!(ledger.current().await.unwrap().decisions, 1, "once");
}

async fn agree(notary: &Institution, decision: Decision) -> DecisionView {
    let request = DecisionRequest {
        decision,
        number: None,
        expires_at: None,
    };
    let api = notary.api().unwrap();
    let answer = api.write(reqwest::Method::POST, "/v1/decisions", "cap", &request).await;
    answer.unwrap().json().await.unwrap()
}

async fn heard_of(notary: &Institution, decision: &DecisionView) -> DecisionView {
    let start = Instant::now();
    loop {
        let page: DecisionPage = notary.api().unwrap().get("/v1/decisions").await.unwrap();
        if let Some(found) = page.decisions.into_iter().find(|found| found.id == decision.id) {
            return found;
        }
        let patience = Duration::from_secs(PATIENCE);
        assert!(start.elapsed() < patience, "{} never hears of it", notary.name);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
