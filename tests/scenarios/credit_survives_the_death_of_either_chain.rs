//! The node of the payer's or of the payee's chain is killed (SIGKILL), or stands still (SIGSTOP), at each step of a payment
//! on credit. Nothing is lost and nothing paid twice; a reservation outlives its payout.
use std::process::Command;

use protocol::credit::DebtState;
use quittance::devnet::{Node, Wanted};

use crate::{
    lending::{Lending, AMOUNT},
    network::{over, reached, restart, LOOK},
};

/// Long enough for a node to be killed meanwhile, in milliseconds.
const WHILE: u32 = 1_500;

impl Lending {
    fn chain(&mut self, place: usize) -> &mut Node {
        match place {
            0 => self.network.node.as_mut().unwrap(),
            _ => &mut self.node.other_node,
        }
    }

    /// Begins a payment that comes to a step while something happens to a chain.
    async fn at(&mut self, step: &str) -> protocol::RequestId {
        let point = format!("credit.node.{step}.acting");
        let sleep = format!("{point}=1*sleep({WHILE})");
        restart(&mut self.node.institution, &[("FAILPOINTS", &sleep)]).await;
        let id = self.pay().await;
        reached(&self.node.institution, &point).await;
        id
    }
}

fn signal(node: &Node, name: &str) {
    let process = node.process_id().unwrap().to_string();
    let sent = Command::new("kill").args(["-s", name, &process]).status();
    assert!(sent.unwrap().success(), "{name} to {process}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_dies_at_any_step_makes_the_payment_wait() {
    let mut lending = Lending::start().await;
    let mut paid = 0;
    for place in [0, 1] {
        for step in ["reserve", "pay", "commit", "receipt"] {
            let id = lending.at(step).await;
            lending.chain(place).kill().await.unwrap();
            tokio::time::sleep(LOOK).await;
            lending.chain(place).restart().await.unwrap();
            lending.node.institution.ready().await.unwrap();
            lending.confirmed(id, &format!("chain {place} died at {step}")).await;
            paid += 1;
            lending.paid(paid, &format!("chain {place} died at {step}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_stands_still_at_any_step_makes_the_payment_wait() {
    let mut lending = Lending::start().await;
    let mut paid = 0;
    for place in [0, 1] {
        for step in ["reserve", "pay", "commit"] {
            let id = lending.at(step).await;
            signal(lending.chain(place), "STOP");
            // The step runs into it.
            over(quittance::http::now() + u64::from(WHILE)).await;
            signal(lending.chain(place), "CONT");
            lending
                .confirmed(id, &format!("chain {place} stood still at {step}"))
                .await;
            paid += 1;
            lending
                .paid(paid, &format!("chain {place} stood still at {step}"))
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payees_chain_that_is_away_beyond_the_end_of_paying_costs_nobody_anything() {
    let mut lending = Lending::start().await;
    let point = "credit.node.pay.acting";
    let sleep = format!("{point}=1*sleep({WHILE})");
    restart(&mut lending.node.institution, &[("FAILPOINTS", &sleep)]).await;
    let short = Wanted {
        pay_within: 8_000,
        hold: 5_000,
        ..Wanted::of(AMOUNT)
    };
    let request = lending.node.request(short).unwrap();
    let id = lending.node.pay(&request).await.unwrap().id;
    reached(&lending.node.institution, point).await;
    lending.node.other_node.kill().await.unwrap();
    // The reservation would have ended; nobody knows yet whether the payee was paid.
    over(request.request.expires_at).await;
    let debt = lending.debt(id).await.unwrap();
    assert_eq!(debt.state, DebtState::Reserved);
    assert!(debt.until > request.request.expires_at, "it was extended: {debt:?}");
    lending.node.other_node.restart().await.unwrap();
    lending.sees(id, "lapsed").await;
    assert_eq!(lending.debt(id).await.unwrap().state, DebtState::Released);
    lending.paid(0, "nothing was paid").await;
}
