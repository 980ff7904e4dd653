//! What a payee's institution takes, refuses and keeps. Payments in whole are in `payments/tests.rs`.
#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use protocol::{
    credit::{CreditRequest, Leg},
    Timestamp,
};

use super::*;
use crate::credit::{
    messages::ConsentRequest,
    tests::{payee, payer, Books, HERE, NATIVE, THERE},
};

const NOW: Timestamp = 1_000_000;

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        NOW
    }
}

async fn consents() -> Arc<Consents> {
    let payee = Payee {
        key: payee(),
        certificate: "PEM".into(),
        accept: vec![Rule {
            payer: Some(payer().account()),
            asset: NATIVE,
            up_to: 100,
        }],
        otherwise: Otherwise::Ask,
    };
    Consents::new(
        vec![payee],
        Store::in_memory().await.unwrap(),
        Books::of(THERE),
        Arc::new(Now),
    )
}

fn asked(change: impl FnOnce(&mut CreditRequest)) -> ConsentRequest {
    let leg = |genesis| Leg {
        genesis,
        contract: AccountId([9; 32]),
        asset: NATIVE,
    };
    let mut request = CreditRequest {
        nonce: [1; 16],
        payer: payer().account(),
        payee: payee().account(),
        debt: leg(HERE),
        payout: leg(THERE),
        amount: 100,
        goods: "a lathe".into(),
        pay_by: NOW + 1,
        expires_at: NOW + 2,
        due_at: NOW + 3,
        late_fee: 0,
    };
    change(&mut request);
    ConsentRequest {
        payer_signature: payer().sign(&request.payload()),
        request,
        payer_certificate: "PEM".into(),
    }
}

#[tokio::test]
async fn a_rule_takes_up_to_its_amount_of_its_payer_in_its_asset() {
    let consents = consents().await;
    let within = consents.on_request(Member(0), asked(|_| ())).await.unwrap();
    assert!(matches!(within, ConsentAnswer::Accepted { .. }));
    let above = consents
        .on_request(Member(0), asked(|request| request.amount = 101))
        .await
        .unwrap();
    assert_eq!(above, ConsentAnswer::Pending);
    let token = Asset::Psp22(AccountId([5; 32]));
    let other = consents
        .on_request(Member(0), asked(|request| request.payout.asset = token))
        .await
        .unwrap();
    assert_eq!(other, ConsentAnswer::Pending);
}

#[tokio::test]
async fn the_same_question_gets_the_same_answer() {
    let consents = consents().await;
    let question = asked(|_| ());
    let first = consents.on_request(Member(0), question.clone()).await.unwrap();
    let second = consents.on_request(Member(0), question.clone()).await.unwrap();
    assert_eq!(first, second, "the signature too");
    let anothers = consents.on_request(Member(1), question).await.unwrap_err();
    assert_eq!(anothers.code(), "unknown-consent", "it is for who asked first");
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_told_and_not_kept() {
    let consents = consents().await;
    let mut forged = asked(|_| ());
    forged.request.goods = "two lathes".into();
    let mut long = asked(|_| ());
    long.payer_certificate = "x".repeat(MAX_CERTIFICATE + 1);
    let questions = [
        (
            Member(0),
            asked(|request| request.payee = AccountId([8; 32])),
            "not-our-payee",
        ),
        (
            Member(0),
            asked(|request| request.payout.genesis = [8; 32]),
            "unknown-chain",
        ),
        (Member(1), asked(|_| ()), "unknown-credit-contract"),
        (
            Member(0),
            asked(|request| request.payout.contract = AccountId([8; 32])),
            "unknown-credit-contract",
        ),
        (Member(0), asked(|request| request.pay_by = NOW), "too-late"),
        (Member(0), asked(|request| request.amount = 0), "zero-amount"),
        (Member(0), forged, "bad-payer-signature"),
        (Member(0), long, "certificate-too-long"),
    ];
    for (from, question, code) in questions {
        let error = consents.on_request(from, question).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    assert!(consents.consents(&Page::first(9)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_receipt_is_given_to_who_was_accepted_and_only_once_the_money_is_there() {
    let consents = consents().await;
    let question = asked(|_| ());
    let id = question.request.id();
    let unknown = consents
        .on_arrival(Member(0), &ArrivalRequest { id })
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), "unknown-consent");
    consents.on_request(Member(0), question).await.unwrap();
    let early = consents.on_arrival(Member(0), &ArrivalRequest { id }).await.unwrap();
    assert_eq!(early, ArrivalAnswer::NotSeen);
    let anothers = consents
        .on_arrival(Member(1), &ArrivalRequest { id })
        .await
        .unwrap_err();
    assert_eq!(anothers.code(), "unknown-consent");
}

#[tokio::test]
async fn a_refusal_needs_a_reason() {
    let consents = consents().await;
    let question = asked(|request| request.amount = 101);
    let id = question.request.id();
    consents.on_request(Member(0), question).await.unwrap();
    for reason in ["", "  ", &"x".repeat(MAX_REASON + 1)] {
        assert_eq!(
            consents.refuse(id, reason, "chief").await.unwrap_err().code(),
            "bad-reason"
        );
    }
    let row = consents.refuse(id, "no", "chief").await.unwrap();
    assert_eq!(
        (row.decision, row.decided_by.as_deref()),
        (Decision::Refused, Some("chief"))
    );
    assert_eq!(consents.refuse(id, "no", "chief").await.unwrap(), row, "said again");
}
