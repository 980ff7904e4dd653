//! A credit node, killed (SIGKILL) before and after each thing that it does in a payment. After a restart the payment goes
//! on by itself: the payee is paid once, the payer owes it once. The payout may be final while nobody on the payer's chain
//! knows of it.
use crate::{
    lending::Lending,
    network::{reached, restart},
};

#[tokio::test(flavor = "multi_thread")]
async fn wherever_it_is_killed_the_payee_is_paid_once_and_the_payer_owes_it_once() {
    let mut lending = Lending::start().await;
    let mut paid = 0;
    for step in ["ask", "reserve", "pay", "commit", "receipt", "enter"] {
        for moment in ["acting", "acted"] {
            let point = format!("credit.node.{step}.{moment}");
            restart(
                &mut lending.node.institution,
                &[("FAILPOINTS", &format!("{point}=pause"))],
            )
            .await;
            let id = lending.pay().await;
            reached(&lending.node.institution, &point).await;
            restart(&mut lending.node.institution, &[]).await;
            lending.confirmed(id, &point).await;
            paid += 1;
            lending.paid(paid, &point).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payees_bank_killed_before_it_answers_answers_afterwards() {
    let mut lending = Lending::start().await;
    lending.node.payees.kill().await.unwrap();
    let id = lending.pay().await;
    assert_eq!(lending.sees(id, "asked").await.stage, "asked");
    lending.node.payees.start(&[]).unwrap();
    lending.confirmed(id, "the bank is back").await;
    lending.paid(1, "the bank is back").await;
}
