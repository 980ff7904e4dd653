//! Four validators run the chain. One stands still for a while, as if its network were cut (its process is stopped, SIGSTOP):
//! the others go on, and its institution's payments complete once it is back. Another loses its copy of the chain, and
//! gets it from the others, with its whole past.
use quittance::chain::Chain;

use crate::consortium::{
    cleared, fails, follow, goes_on, paid_once, pay, ready, start, until, HOME_BANKS, THIRD_BANKS,
};

/// How many blocks the others finalize meanwhile.
const MEANWHILE: u32 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_back_has_what_the_others_have() {
    let mut test = start().await;
    let before = test.balances().await;
    let nodes = &test.network.validators;

    // The home bank's node is cut off while a payment is on its way.
    let first = pay(&test).await;
    nodes[HOME_BANKS].suspend().await.unwrap();
    goes_on(&nodes[0], MEANWHILE).await;
    let why = fails(&test.network.home, "syncing").await;
    assert!(why.contains("doesn't answer"), "{why}");
    nodes[HOME_BANKS].resume().await.unwrap();
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
