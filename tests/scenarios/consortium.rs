//! Four validators, each an institution's: two banks, a notary, a third bank.
use std::time::{Duration, Instant};

use protocol::{clearing::Balance, settlement::TransactionKind};
use quittance::{
    chain::{Chain, Follower},
    devnet::{Institution, Node},
    http::{health::Ready, payments::PaymentView},
};
use tokio::sync::{Mutex, MutexGuard};

use crate::network::{TestNetwork, AMOUNT, PATIENCE};

/// How long anything may take where nodes come and go, machines are busy and finality takes seconds.
const LONG: Duration = Duration::from_secs(240);
/// How long to wait between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// Where each institution's node is among the validators'.
pub const HOME_BANKS: usize = 1;
pub const NOTARYS: usize = 2;
pub const THIRD_BANKS: usize = 3;

/// One consortium at a time: twelve nodes on a small machine wouldn't finalize in time.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Started, and the only one as long as the guard is held.
pub async fn start() -> (MutexGuard<'static, ()>, TestNetwork) {
    let alone = ALONE.lock().await;
    let network = TestNetwork::start_with(|options| {
        options.validators = 4;
        options.others = 1;
    });
    (alone, network.await)
}

/// Hands in an ordinary payment.
pub async fn pay(test: &TestNetwork) -> PaymentView {
    let request = test.network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    test.network.pay(&request).await.unwrap()
}

/// Waits until a payment is cleared at every institution that is in it.
pub async fn cleared(test: &TestNetwork, payment: &PaymentView) {
    for institution in [&test.network.originator, &test.network.home, &test.network.notary] {
        let state = async || {
            // One request waits so long that a few are enough.
            let found = institution.payment(payment.id, PATIENCE).await.ok()?;
            found.is_final.then_some(found.state)
        };
        let ended = until(&format!("{} has the payment cleared", institution.name), state).await;
        assert_eq!(ended, "cleared", "at {}", institution.name);
    }
}

/// So many payments moved their amount, once each, since the balances were these.
pub async fn paid_once(test: &TestNetwork, before: &(Balance, Balance), payments: usize) {
    let (originator, home) = test.balances().await;
    let moved = AMOUNT * u128::try_from(payments).unwrap();
    assert_eq!(originator.available - before.0.available, moved, "received once each");
    assert_eq!(before.1.available - home.available, moved, "paid once each");
    assert_eq!((originator.reserved, home.reserved), (0, 0), "nothing stays set aside");
}

/// What a node has finalized.
pub async fn follow(node: &Node) -> Follower {
    let connect = async || Follower::start(Chain::connect(&node.url).await.ok()?).await.ok();
    until("a node can be followed", connect).await
}

/// Waits until a node has finalized so many blocks more.
pub async fn goes_on(node: &Node, blocks: u32) {
    let follower = follow(node).await;
    let wanted = follower.head().number + blocks;
    tokio::time::timeout(LONG, follower.reached(wanted))
        .await
        .unwrap_or_else(|_| panic!("block {wanted} is never final, only {}", follower.head().number));
}

/// What an institution says of itself.
pub async fn readiness(institution: &Institution) -> Ready {
    let url = format!("{}/health/ready", institution.url);
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// Waits until an institution says that a check fails.
pub async fn fails(institution: &Institution, check: &str) -> String {
    let failing = async || {
        let checks = readiness(institution).await.checks;
        checks.into_iter().find(|found| found.name == check && !found.ok)
    };
    until(&format!("{} says that {check} fails", institution.name), failing)
        .await
        .detail
}

/// Waits until an institution takes requests.
pub async fn ready(institution: &Institution) {
    let ready = async || readiness(institution).await.ready.then_some(());
    until(&format!("{} is ready", institution.name), ready).await;
}

/// Waits until there is what is looked for.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < LONG, "in vain until {what}");
        tokio::time::sleep(LOOK).await;
    }
}
