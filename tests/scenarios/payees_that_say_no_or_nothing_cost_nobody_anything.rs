//! A payee whose institution never answers in time, whose answer comes twice, or whose receipt never comes.
use quittance::devnet::Wanted;

use crate::{
    lending::{Lending, AMOUNT},
    network::{count, says},
};

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_in_time_the_payment_lapses_and_nothing_is_left_of_it() {
    let mut lending = Lending::start().await;
    lending.node.payees.kill().await.unwrap();
    let short = Wanted {
        pay_within: 7_000,
        ..Wanted::of(AMOUNT)
    };
    let id = lending.pay_as(short).await;
    let lapsed = lending.sees(id, "lapsed").await;
    assert!(lapsed.history.last().unwrap().detail.contains("didn't answer"));
    assert_eq!(lending.debt(id).await, None);
    lending.node.payees.start(&[]).unwrap();
    lending.node.payees.ready().await.unwrap();
    lending.paid(0, "no answer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payee_that_is_asked_again_gives_the_same_answer_and_a_late_receipt_completes_the_payment() {
    let mut lending = Lending::start().await;
    // The answer is lost with the process that got it: the bank is asked twice.
    let point = "credit.node.ask.acted";
    crate::network::restart(
        &mut lending.node.institution,
        &[("FAILPOINTS", &format!("{point}=pause"))],
    )
    .await;
    let id = lending.pay().await;
    crate::network::reached(&lending.node.institution, point).await;
    crate::network::restart(&mut lending.node.institution, &[]).await;
    lending.confirmed(id, "asked twice").await;
    assert_eq!(count(&lending.node.payees, "credit_consents").await, 1);

    // The bank is away when its receipt is wanted: the payee was paid, the payer owes, and is told so.
    crate::network::restart(
        &mut lending.node.institution,
        &[("FAILPOINTS", "credit.node.receipt.acting=1*sleep(1000)")],
    )
    .await;
    let id = lending.pay().await;
    crate::network::reached(&lending.node.institution, "credit.node.receipt.acting").await;
    lending.node.payees.kill().await.unwrap();
    says(&lending.node.institution, "the step is tried again").await;
    assert_eq!(lending.sees(id, "owed").await.stage, "owed");
    lending.node.payees.start(&[]).unwrap();
    lending.confirmed(id, "the receipt came late").await;
    lending.paid(2, "the receipt came late").await;
}
