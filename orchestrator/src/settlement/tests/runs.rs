//! The loop itself, on real time: it drives new payments, resumes old ones, and stops when told.
use std::{future::Future, time::Duration};

use protocol::settlement::TransactionKind;
use tokio_util::sync::CancellationToken;

use super::{
    ledger::Trouble,
    world::{World, HOME, NOTARY, ORIGINATOR},
};
use crate::settlement::SettlementError;

const TOO_LONG: Duration = Duration::from_secs(60);

/// Runs all three institutions while `test` does its part.
async fn while_running(world: &World, test: impl Future<Output = ()>) {
    let shutdown = CancellationToken::new();
    let running: Vec<_> = [ORIGINATOR, HOME, NOTARY]
        .map(|member| tokio::spawn(world.house(member).run(shutdown.clone())))
        .into();
    tokio::time::timeout(TOO_LONG, test).await.expect("is done in time");
    shutdown.cancel();
    for house in running {
        house.await.unwrap().unwrap();
    }
}

async fn until_cleared(world: &World, id: protocol::VoucherId) {
    for member in [ORIGINATOR, HOME, NOTARY] {
        while world.state(member, id).await != "cleared" {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn new_payments_are_driven_to_their_end() {
    let world = World::new().await;
    while_running(&world, async {
        let id = world.order(TransactionKind::Purchase).await;
        until_cleared(&world, id).await;
        world.assert_settled_once(id, TransactionKind::Purchase).await;
    })
    .await;
}

#[tokio::test]
async fn unfinished_payments_are_resumed_after_a_restart() {
    let mut world = World::new().await;
    let id = world.order(TransactionKind::CashDeposit).await;
    assert!(world.run_to(NOTARY, "notary.related.acting").await);
    for member in [ORIGINATOR, HOME, NOTARY] {
        world.restart(member);
    }
    while_running(&world, until_cleared(&world, id)).await;
    world.assert_settled_once(id, TransactionKind::CashDeposit).await;
}

#[tokio::test]
async fn a_step_that_panics_is_tried_again() {
    let world = World::new().await;
    world.ledger.trouble(Trouble::Panic);
    world.ledger.trouble(Trouble::Panic);
    while_running(&world, async {
        let id = world.order(TransactionKind::Purchase).await;
        until_cleared(&world, id).await;
        assert!(!world.ledger.has_trouble());
        world.assert_settled_once(id, TransactionKind::Purchase).await;
    })
    .await;
}

#[tokio::test]
async fn an_institution_runs_once() {
    let world = World::new().await;
    let house = world.house(HOME);
    let shutdown = CancellationToken::new();
    let first = tokio::spawn(house.clone().run(shutdown.clone()));
    tokio::task::yield_now().await;
    let second = house.run(shutdown.clone()).await;
    assert!(matches!(second, Err(SettlementError::AlreadyRunning)));
    shutdown.cancel();
    first.await.unwrap().unwrap();
}
