//! The chain's node is killed (SIGKILL) while payments are in flight, and started again: what its pool held is lost,
//! every connection breaks, and every payment completes by itself, once.
use protocol::settlement::TransactionKind;

use crate::network::{TestNetwork, AMOUNT};

const PAYMENTS: u8 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn payments_in_flight_when_the_node_dies_complete_once() {
    let mut test = TestNetwork::start().await;
    for _ in 0..3 {
        let before = test.balances().await;
        let mut payments = Vec::new();
        for _ in 0..PAYMENTS {
            let request = test.network.request(TransactionKind::Purchase, AMOUNT).unwrap();
            payments.push(test.network.pay(&request).await.unwrap());
        }
        // One is through, the others are somewhere on the way.
        test.finished(&test.network.originator, &payments[0]).await;
        test.network.node.as_mut().unwrap().restart().await.unwrap();
        // Those that were through all the same don't tell whether the connection is there again.
        for institution in test.network.institutions() {
            institution.ready().await.unwrap();
        }

        for payment in &payments {
            for institution in [&test.network.originator, &test.network.home, &test.network.notary] {
                let done = test.finished(institution, payment).await;
                assert_eq!(done.state, "cleared", "at {}", institution.name);
            }
        }
        // The test's own connection broke too.
        test.ledger = test.network.ledger().await.unwrap();
        let (originator, home) = test.balances().await;
        let moved = AMOUNT * u128::from(PAYMENTS);
        assert_eq!(originator.available - before.0.available, moved, "received once each");
        assert_eq!(before.1.available - home.available, moved, "paid once each");
        assert_eq!((originator.reserved, home.reserved), (0, 0), "nothing stays set aside");
    }
}
