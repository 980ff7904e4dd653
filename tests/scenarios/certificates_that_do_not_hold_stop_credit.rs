//! Payers and payees with certificates that are expired, revoked, of another CA, or bound to another account: each is told
//! its own reason, and nothing is reserved or paid.
use std::{path::Path, time::Duration};

use quittance::{
    devnet::{Wanted, PAYEE, PAYER},
    identity::development_ca::{DevelopmentCa, PersonRequest, Validity},
};

use crate::{
    lending::{account, code_of, Lending, AMOUNT},
    network::{configure, restart},
};

fn issue(ca: &DevelopmentCa, name: &str, key: &str, validity: Option<Validity>) -> String {
    let mut person = PersonRequest::named(name, account(key));
    if let Some(validity) = validity {
        person.validity = validity;
    }
    read(&ca.issue_person(&person).unwrap().certificate)
}

/// A day that was over a day ago.
fn past() -> Validity {
    let mut validity = Validity::days(1);
    let two_days = Duration::from_secs(2 * 86_400);
    validity.not_before -= two_days;
    validity.not_after -= two_days;
    validity
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_whose_certificate_does_not_hold_is_told_why_and_nobody_else_hears_of_it() {
    let lending = Lending::start().await;
    let ca = DevelopmentCa::open(&lending.node.persons).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let other_ca = DevelopmentCa::create(elsewhere.path()).unwrap();
    let revoked = ca
        .issue_person(&PersonRequest::named("Anna Lost", account(PAYER)))
        .unwrap();
    let cases = [
        ("certificate-expired", issue(&ca, "Anna Old", PAYER, Some(past()))),
        ("certificate-untrusted", issue(&other_ca, "Anna Elsewhere", PAYER, None)),
        (
            "certificate-of-another-account",
            issue(&ca, "Paul As Anna", PAYEE, None),
        ),
        ("certificate-malformed", "nothing".to_owned()),
    ];
    for (code, certificate) in cases {
        let mut request = lending.node.request(Wanted::of(AMOUNT)).unwrap();
        request.certificate = certificate;
        let refused = lending.node.pay(&request).await.unwrap_err();
        assert_eq!(code_of(&refused), code);
    }
    // A revocation counts at once, without a restart.
    let mut request = lending.node.request(Wanted::of(AMOUNT)).unwrap();
    request.certificate = read(&revoked.certificate);
    let id = lending.node.pay(&request).await.unwrap().id;
    lending.confirmed(id, "before the revocation").await;
    ca.revoke(&revoked.certificate).unwrap();
    let mut request = lending.node.request(Wanted::of(AMOUNT)).unwrap();
    request.certificate = read(&revoked.certificate);
    let refused = lending.node.pay(&request).await.unwrap_err();
    assert_eq!(code_of(&refused), "certificate-revoked");
    lending.paid(1, "only what was asked for before the revocation").await;
    let bank = lending.node.payees.api().unwrap();
    let heard: serde_json::Value = bank.get("/v1/credit/consents").await.unwrap();
    assert_eq!(heard["consents"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payee_whose_certificate_does_not_hold_is_not_paid() {
    let mut lending = Lending::start().await;
    let ca = DevelopmentCa::open(&lending.node.persons).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let other_ca = DevelopmentCa::create(elsewhere.path()).unwrap();
    let revoked = ca
        .issue_person(&PersonRequest::named("Paul Lost", account(PAYEE)))
        .unwrap();
    ca.revoke(&revoked.certificate).unwrap();
    let cases = [
        ("certificate-expired", issue(&ca, "Paul Old", PAYEE, Some(past()))),
        ("certificate-untrusted", issue(&other_ca, "Paul Elsewhere", PAYEE, None)),
        (
            "certificate-of-another-account",
            issue(&ca, "Anna As Paul", PAYER, None),
        ),
        ("certificate-revoked", read(&revoked.certificate)),
    ];
    let good = lending.node.payee_certificate.to_string_lossy().into_owned();
    let file = lending.directory.path().join("presented.pem");
    let presented = file.to_string_lossy().into_owned();
    configure(&lending.node.payees, |text| text.replace(&good, &presented));
    for (code, certificate) in cases {
        std::fs::write(&file, certificate).unwrap();
        restart(&mut lending.node.payees, &[]).await;
        let id = lending.pay().await;
        let refused = lending.sees(id, "refused").await.refusal.unwrap();
        assert_eq!(refused.code, code, "{}", refused.detail);
        assert_eq!(lending.debt(id).await, None);
    }
    lending.paid(0, "no certificate held").await;
}
