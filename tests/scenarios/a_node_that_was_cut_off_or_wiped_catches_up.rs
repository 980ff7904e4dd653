//! Four validators run the chain. One stands still for a minute, as if its network were cut (its process is stopped, SIGSTOP):
//! the others go on, and its institution's payments complete once it is back. Another loses its copy of the chain, and
//! gets it from the others, with its whole past.
use std::time::Duration;

use quittance::chain::Chain;
use tokio::time::{sleep_until, Instant};

use crate::consortium::{
    cleared, fails, follow, goes_on, paid_once, pay, ready, start, until, HOME_BANKS, THIRD_BANKS,
};

/// How long the node is cut off: longer than its connections last.
const CUT_OFF: Duration = Duration::from_secs(65);
/// How many blocks the others finalize meanwhile at least.
const MEANWHILE: u32 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_back_has_what_the_others_have() {
    let (_alone, mut test) = start().await;
    let before = test.balances().await;
    let nodes = &test.network.validators;

    // The home bank's node is cut off while a payment is on its way.
    let first = pay(&test).await;
    nodes[HOME_BANKS].suspend().await.unwrap();
    let healed = Instant::now() + CUT_OFF;
    // At once: when the connection is given up, the orchestrator says so instead.
    let why = fails(&test.network.home, "syncing").await;
    assert!(why.contains("doesn't answer"), "{why}");
    goes_on(&nodes[0], MEANWHILE).await;
    sleep_until(healed).await;
    let others = follow(&nodes[0]).await.head();
    nodes[HOME_BANKS].resume().await.unwrap();
    let has_caught_up = async || (follow(&nodes[HOME_BANKS]).await.head().number >= others.number).then_some(());
    until("the node has finalized what the others had", has_caught_up).await;
    for institution in test.network.institutions() {
        ready(institution).await;
    }
    let second = pay(&test).await;
    for payment in [&first, &second] {
        cleared(&test, payment).await;
    }
    paid_once(&test, &before, 2).await;

    // The third bank's node loses all that it has but its keys.
    let head = follow(&test.network.validators[0]).await.head();
    test.network.validators[THIRD_BANKS].wipe().await.unwrap();
    let wiped = &test.network.validators[THIRD_BANKS];
    let same = async || {
        let follower = follow(wiped).await;
        (follower.head().number >= head.number).then_some(())
    };
    until("the wiped node has finalized what the others had", same).await;
    ready(&test.network.others[0]).await;
    let chain = Chain::connect(&wiped.url).await.unwrap();
    let account = test.network.home.account().unwrap();
    let (there, here) = (
        chain.native_balance(&account, head.hash).await.unwrap(),
        test.network
            .chain()
            .await
            .unwrap()
            .native_balance(&account, head.hash)
            .await
            .unwrap(),
    );
    assert_eq!(there, here, "at the same block of the past");
    // It votes again: with another one gone, its vote is needed.
    test.network.validators[HOME_BANKS].kill().await.unwrap();
    goes_on(&test.network.validators[0], 2).await;
}
