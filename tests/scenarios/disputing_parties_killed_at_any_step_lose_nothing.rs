//! Who claims and who answers, killed (SIGKILL) before and after each thing that they do in a dispute. After a restart it goes
//! on by itself: there is one dispute, the evidence is with everybody, and what is awarded goes back once.
use protocol::{disputes::Ruling, settlement::Asset, VoucherId};
use quittance::{
    devnet::{Institution, Network},
    http::disputes::DisputeView,
    settlement::ports::Ledger,
};
use serde_json::json;

use crate::{
    contesting::{available, paid, ruling},
    network::{reached, TestNetwork, AMOUNT},
};

const CLAIM: &str = "order 17 never came";
const ANSWER: &str = "here is the receipt";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Claimant,
    Answerer,
}

fn victim(network: &mut Network, who: Who) -> &mut Institution {
    match who {
        Who::Claimant => &mut network.home,
        Who::Answerer => &mut network.originator,
    }
}

async fn restart(test: &mut TestNetwork, who: Who, environment: &[(&str, &str)]) {
    let victim = victim(&mut test.network, who);
    victim.kill().await.unwrap();
    victim.start(environment).unwrap();
    victim.ready().await.unwrap();
}

/// Has the process stop at the point while `act` goes on, and kills it there.
async fn killed_at(who: Who, point: &str) {
    let mut test = TestNetwork::start().await;
    let voucher = paid(&test).await;
    let before = available(&test).await;
    restart(&mut test, who, &[("FAILPOINTS", &format!("{point}=pause"))]).await;

    test.network.home.open_dispute(voucher, CLAIM, json!({})).await.unwrap();
    if who == Who::Claimant && !point.contains("award") {
        reached(victim(&mut test.network, who), point).await;
        restart(&mut test, who, &[]).await;
    }
    let has_claim = |seen: &DisputeView| seen.claim_evidence.is_some();
    test.network.originator.sees_dispute(voucher, has_claim).await.unwrap();
    test.network.originator.answer_dispute(voucher, ANSWER).await.unwrap();
    if who == Who::Answerer {
        reached(victim(&mut test.network, who), point).await;
        restart(&mut test, who, &[]).await;
    }
    let has_all = |seen: &DisputeView| seen.claim_evidence.is_some() && seen.answer_evidence.is_some();
    for institution in [&test.network.home, &test.network.originator, &test.network.notary] {
        let seen = institution.sees_dispute(voucher, has_all).await.unwrap();
        assert_eq!(seen.claim_evidence.unwrap().text(), Some(CLAIM), "{point}");
        assert_eq!(seen.answer_evidence.unwrap().text(), Some(ANSWER), "{point}");
    }
    if point.contains("award") {
        owed_and_paid_later(&mut test, voucher, point).await;
    } else {
        test.network.decide(ruling(voucher, Ruling::Reverse)).await.unwrap();
    }
    let is_final = |seen: &DisputeView| seen.summary.is_final;
    for institution in [&test.network.home, &test.network.originator] {
        let ended = institution.sees_dispute(voucher, is_final).await.unwrap();
        assert_eq!(ended.summary.state, "paid", "after {point}");
        assert_eq!(ended.summary.dispute.unwrap().paid, AMOUNT, "after {point}");
    }
    let after = available(&test).await;
    assert_eq!(after[1], before[1] + AMOUNT, "once, after {point}");
    assert_eq!(after[0], 0, "after {point}");
}

/// The bank that was paid has nothing left when the notary rules, and pays in later: the other one's process fetches the
/// award, and is killed at it.
async fn owed_and_paid_later(test: &mut TestNetwork, voucher: VoucherId, point: &str) {
    let all = json!({ "asset": Asset::Native, "amount": AMOUNT.to_string() });
    test.network.originator.write("/v1/withdrawals", &all).await.unwrap();
    test.network.decide(ruling(voucher, Ruling::Reverse)).await.unwrap();
    let ledger = test.network.ledger().await.unwrap();
    let member = test.network.originator.member;
    assert_eq!(ledger.balance(member, Asset::Native).await.unwrap().owed, AMOUNT);
    test.network.deposit(&test.network.originator, AMOUNT).await.unwrap();
    reached(&test.network.home, point).await;
    restart(test, Who::Claimant, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimant_killed_at_any_step_loses_nothing() {
    for point in ["dispute.open.acting", "dispute.open.acted", "dispute.evidence.sending"] {
        killed_at(Who::Claimant, point).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_killed_at_any_step_loses_nothing() {
    for point in ["dispute.answer.acting", "dispute.answer.acted"] {
        killed_at(Who::Answerer, point).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_award_is_paid_once_by_a_process_that_is_killed_at_it() {
    for point in ["dispute.award.acting", "dispute.award.acted"] {
        killed_at(Who::Claimant, point).await;
    }
}
