//! Four validators run the chain. With one killed, payments go on. With two killed nothing is final any more: institutions
//! say so, take nothing on, and count nothing as done. When both are back, everything completes, once.
use quittance::chain::Follower;

use crate::{
    consortium::{cleared, fails, follow, goes_on, paid_once, pay, ready, start, NOTARYS, THIRD_BANKS},
    network::{configure, reached, restart},
};

/// The notary has had the payment retained, and has not yet written down that it is.
const RETAINED: &str = "notary.consented.acted";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_final_without_three_of_four_and_everything_is_once_they_are_back() {
    let (_alone, mut test) = start().await;
    let before = test.balances().await;
    let mut payments = Vec::new();

    // One killed: the third bank's.
    test.network.validators[THIRD_BANKS].kill().await.unwrap();
    payments.push(pay(&test).await);
    cleared(&test, &payments[0]).await;

    // The notary goes over to another node while a payment of its is on the way.
    restart(
        &mut test.network.notary,
        &[("FAILPOINTS", &format!("{RETAINED}=pause"))],
    )
    .await;
    payments.push(pay(&test).await);
    reached(&test.network.notary, RETAINED).await;
    let nodes = &test.network.validators;
    let [from, to] = [NOTARYS, 0].map(|place| (&nodes[place].url, nodes[place].log.display().to_string()));
    configure(&test.network.notary, |text| {
        text.replace(from.0, to.0).replace(&from.1, &to.1)
    });
    restart(&mut test.network.notary, &[]).await;
    cleared(&test, &payments[1]).await;

    // Two killed. Both banks' nodes are alive, and so are all orchestrators.
    test.network.validators[NOTARYS].kill().await.unwrap();
    let follower = follow(&test.network.validators[0]).await;
    let still = stands_still(&follower).await;
    let at_halt = test.balances().await;
    payments.push(pay(&test).await);
    for institution in [&test.network.originator, &test.network.home, &test.network.notary] {
        let why = fails(institution, "finality").await;
        assert!(why.contains("nothing was finalized"), "{}: {why}", institution.name);
    }
    let refused = test.network.pay(&test.request(|_| ())).await.map(|taken| taken.state);
    let refused = refused
        .expect_err("nothing is taken on while nothing becomes final")
        .to_string();
    assert!(refused.contains("finality"), "{refused}");
    let waiting = test.network.originator.payment(payments[2].id, 0).await.unwrap();
    assert!(!waiting.is_final, "the payment is {}", waiting.state);
    assert_eq!(
        (waiting.retained_in, waiting.cleared_in),
        (None, None),
        "at the originator"
    );
    assert_eq!(test.balances().await, at_halt, "nothing moved");
    assert_eq!(follower.head().number, still, "nothing is final");

    // Both back.
    for place in [NOTARYS, THIRD_BANKS] {
        test.network.validators[place].restart().await.unwrap();
    }
    goes_on(&test.network.validators[0], 2).await;
    for institution in test.network.institutions() {
        ready(institution).await;
    }
    payments.push(pay(&test).await);
    for payment in &payments {
        cleared(&test, payment).await;
    }
    paid_once(&test, &before, payments.len()).await;
}

/// Waits until a head stays where it is for as long as five slots take. Returns its number.
async fn stands_still(follower: &Follower) -> u32 {
    const STILL: std::time::Duration = std::time::Duration::from_secs(10);
    loop {
        let head = follower.head().number;
        // Also returns when the connection breaks, which it doesn't here.
        if tokio::time::timeout(STILL, follower.reached(head + 1)).await.is_err() {
            return head;
        }
    }
}
