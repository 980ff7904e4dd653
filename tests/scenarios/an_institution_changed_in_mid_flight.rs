//! The registry changes while a payment is on its way. A bank that is suspended before the retention ends the payment, and
//! what was on hold is released; one that is suspended after it pays what it owes when it is active again. A bank that gets
//! a new key signs again, and the payment settles once.
use protocol::settlement::TransactionKind;
use quittance::{devnet::Institution, settlement::messages::RefusalCode};
use serde_json::json;

use crate::network::{count, reached, restart, says, TestNetwork, AMOUNT};

/// The notary has every attestation, and is about to draw up the relation.
const ATTESTED: &str = "notary.attested.acting";
/// The chain has the payment, and the home bank is about to pay what it owes.
const RETAINED: &str = "home.retained.acting";
/// What the user waits for at most, in milliseconds: a payment that ends is void before anybody loses patience.
const SHORT: u64 = 20_000;
const ON_HOLD: &str = "holds WHERE state = 'placed'";

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_suspended_before_the_retention_ends_the_payment_and_releases_the_hold() {
    let mut test = TestNetwork::start().await;
    let before = test.balances().await;
    pause_at(&mut test.network.notary, ATTESTED).await;
    let request = test.request(|request| request.expires_at = quittance::http::now() + SHORT);
    let payment = test.network.pay(&request).await.unwrap();
    reached(&test.network.notary, ATTESTED).await;

    set_status(&test, "Suspended").await;
    restart(&mut test.network.notary, &[]).await;

    for institution in [&test.network.originator, &test.network.notary] {
        let ended = test.finished(institution, &payment).await;
        assert_eq!(ended.state, "refused", "at {}", institution.name);
        assert_eq!(ended.refusal.unwrap().code, RefusalCode::InstitutionNotActive);
    }
    assert_eq!(test.finished(&test.network.home, &payment).await.state, "expired");
    assert_eq!(test.balances().await, before);
    let on_hold = count(&test.network.home, ON_HOLD).await;
    assert_eq!(on_hold, 0, "the user can spend its money again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_gets_a_new_key_signs_again_and_one_suspended_after_the_retention_pays_when_it_is_active() {
    let mut test = TestNetwork::start().await;
    let before = test.balances().await;
    pause_at(&mut test.network.notary, ATTESTED).await;
    let request = test.network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    let payment = test.network.pay(&request).await.unwrap();
    reached(&test.network.notary, ATTESTED).await;

    let home = &mut test.network.home;
    home.kill().await.unwrap();
    let rotated = home.change_signing_key("//BankB//vouchers//2").unwrap();
    test.network.govern(&rotated).await.unwrap();
    restart(&mut test.network.home, &[]).await;
    restart(&mut test.network.notary, &[]).await;

    for institution in [&test.network.originator, &test.network.home, &test.network.notary] {
        let done = test.finished(institution, &payment).await;
        assert_eq!(done.state, "cleared", "at {}", institution.name);
    }
    let (originator, home) = test.balances().await;
    assert_eq!(originator.available - before.0.available, AMOUNT);
    assert_eq!(before.1.available - home.available, AMOUNT);
    assert_eq!(count(&test.network.home, ON_HOLD).await, 0);

    suspended_after_the_retention(&mut test).await;
}

async fn suspended_after_the_retention(test: &mut TestNetwork) {
    let before = test.balances().await;
    pause_at(&mut test.network.home, RETAINED).await;
    let request = test.network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    let payment = test.network.pay(&request).await.unwrap();
    reached(&test.network.home, RETAINED).await;

    set_status(test, "Suspended").await;
    restart(&mut test.network.home, &[]).await;
    says(&test.network.home, "the contract refuses: NotActive").await;
    let (originator, home) = test.balances().await;
    assert_eq!((originator.available, home.reserved), (before.0.available, AMOUNT));
    assert_eq!(
        home.available,
        before.1.available - AMOUNT,
        "nothing else can be done with it"
    );

    set_status(test, "Active").await;
    for institution in [&test.network.originator, &test.network.home, &test.network.notary] {
        let done = test.finished(institution, &payment).await;
        assert_eq!(done.state, "cleared", "at {}", institution.name);
    }
    let (originator, home) = test.balances().await;
    assert_eq!(originator.available - before.0.available, AMOUNT, "once");
    assert_eq!((home.available, home.reserved), (before.1.available - AMOUNT, 0));
}

async fn pause_at(institution: &mut Institution, point: &str) {
    restart(institution, &[("FAILPOINTS", &format!("{point}=pause"))]).await;
}

/// Of the home bank.
async fn set_status(test: &TestNetwork, status: &str) {
    let change = json!({ "set_status": { "member": test.network.home.member, "status": status } });
    test.network.govern(&change).await.unwrap();
}
