//! A submitter alone against a node: whatever dies in between, each step is carried out, and once. An account's nonce
//! counts what was included, so that it tells both.
use std::time::Duration;

use protocol::AccountId;
use quittance::{
    chain::{
        calls::Call,
        subxt::{config::SubstrateConfig, utils::AccountId32, OnlineClient},
        Chain, Follower, Inclusion, SubmitError, Submitter,
    },
    devnet::{Node, Options},
    identity::SigningKey,
    store::Store,
};
use tempfile::TempDir;

const STEPS: u64 = 20;
const AMOUNT: u128 = 1_000_000_000_000;
/// Much longer than it takes: a node that starts on a busy machine takes half a minute.
const PATIENCE: Duration = Duration::from_secs(300);
const SENDER: &str = "//Alice";
const RECEIVER: AccountId = AccountId([7; 32]);

struct Fixture {
    node: Node,
    directory: TempDir,
}

impl Fixture {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let node = Node::start(&Options::built(directory.path().to_owned()).unwrap())
            .await
            .unwrap();
        Self { node, directory }
    }

    /// A process of its own would begin like this; `database` is what outlives it.
    async fn submitter(&self, database: &str) -> (Chain, Submitter) {
        let chain = Chain::connect(&self.node.url).await.unwrap();
        let follower = Follower::start(chain.clone()).await.unwrap();
        let store = Store::open(&self.directory.path().join(database)).await.unwrap();
        let key = SigningKey::load(SENDER).unwrap();
        let submitter = Submitter::start(chain.clone(), follower, store, key).await.unwrap();
        (chain, submitter)
    }

    /// How many transactions of the sender were included.
    async fn included(&self) -> u64 {
        let chain = Chain::connect(&self.node.url).await.unwrap();
        let client = OnlineClient::<SubstrateConfig>::from_rpc_client(chain.rpc_client().unwrap())
            .await
            .unwrap();
        let account = AccountId32(SigningKey::load(SENDER).unwrap().account().0);
        let at = client.at_current_block().await.unwrap();
        at.transactions().account_nonce(&account).await.unwrap()
    }
}

async fn submit_all(chain: Chain, submitter: Submitter, prefix: &str) -> Vec<Result<Inclusion, SubmitError>> {
    let call = Call::transfer(&chain.runtime().unwrap(), &RECEIVER, AMOUNT).unwrap();
    let submit = |step| {
        let (submitter, call, key) = (submitter.clone(), call.clone(), format!("{prefix}/{step}"));
        tokio::spawn(async move { submitter.submit(&key, call).await })
    };
    let steps: Vec<_> = (0..STEPS).map(submit).collect();
    let mut outcomes = Vec::new();
    for step in steps {
        outcomes.push(tokio::time::timeout(PATIENCE, step).await.unwrap().unwrap());
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_submitter_takes_up_what_was_in_flight() {
    let fixture = Fixture::start().await;
    // A runtime of its own ends like a process: every task at once, anywhere between signing and finality.
    let fixture = tokio::task::spawn_blocking(move || {
        let process = tokio::runtime::Runtime::new().unwrap();
        process.block_on(async {
            let (chain, submitter) = fixture.submitter("a.sqlite").await;
            let _ = tokio::time::timeout(Duration::from_millis(30), submit_all(chain, submitter, "step")).await;
        });
        process.shutdown_background();
        fixture
    })
    .await
    .unwrap();

    let (chain, submitter) = fixture.submitter("a.sqlite").await;
    let first = submit_all(chain.clone(), submitter.clone(), "step").await;
    let again = submit_all(chain, submitter, "step").await;
    assert!(first.iter().all(Result::is_ok), "{first:?}");
    assert_eq!(first, again, "the same key has the same answer");
    assert_eq!(fixture.included().await, STEPS, "each was carried out once");
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_a_killed_node_forgets_are_sent_again() {
    let mut fixture = Fixture::start().await;
    let (chain, submitter) = fixture.submitter("a.sqlite").await;
    let outcomes = tokio::spawn(submit_all(chain.clone(), submitter.clone(), "step"));
    // As soon as there is one, the others are on their way.
    while submitter.find("step/0").await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    fixture.node.restart().await.unwrap();

    let outcomes = outcomes.await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(fixture.included().await, STEPS, "each was carried out once");
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_submitted_while_the_node_is_down_are_answered_so_and_can_be_tried_anew() {
    let mut fixture = Fixture::start().await;
    let (chain, submitter) = fixture.submitter("a.sqlite").await;
    let call = Call::transfer(&chain.runtime().unwrap(), &RECEIVER, AMOUNT).unwrap();
    fixture.node.kill().await.unwrap();
    while chain.runtime().is_ok() {
        tokio::task::yield_now().await;
    }
    let refused = submitter.submit("step", call.clone()).await;
    assert!(matches!(refused, Err(SubmitError::Unavailable(_))), "{refused:?}");

    fixture.node.restart().await.unwrap();
    chain.connected().await;
    submitter.submit("step", call).await.unwrap();
    assert_eq!(fixture.included().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_with_one_account_get_in_each_others_way_and_still_complete() {
    let fixture = Fixture::start().await;
    let (chain, one) = fixture.submitter("a.sqlite").await;
    let (other_chain, other) = fixture.submitter("b.sqlite").await;
    let (ones, others) = tokio::join!(submit_all(chain, one, "one"), submit_all(other_chain, other, "other"));
    assert!(ones.iter().chain(&others).all(Result::is_ok), "{ones:?} {others:?}");
    assert_eq!(fixture.included().await, 2 * STEPS, "each was carried out once");
}
