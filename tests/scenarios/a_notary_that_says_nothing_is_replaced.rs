//! A notary whose process stands still: it accepts connections, and never answers. The others go on in its place, whether
//! it should lead or sign, and once it wakes up it knows what happened.
use std::process::Command;

use protocol::settlement::TransactionKind;

use crate::{network::AMOUNT, several_notaries::Notaries};

/// `STOP` has the process stand still, `CONT` has it go on.
fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status();
    assert!(sent.unwrap().success(), "{name} to {process}");
}

/// A payment during which a notary stands still, from before it to its end.
async fn completes_without(notaries: &mut Notaries, place: usize) {
    let before = notaries.test.balances().await;
    let process = notaries.notary(place).process_id().unwrap();
    signal(process, "STOP");
    let network = &notaries.test.network;
    let request = network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    let payment = network.pay(&request).await.unwrap();
    for institution in [&network.originator, &network.home] {
        let done = notaries.test.finished(institution, &payment).await;
        assert_eq!(done.state, "cleared", "at {} without notary {place}", institution.name);
    }
    signal(process, "CONT");
    let after = notaries.test.balances().await;
    assert_eq!(before.1.available - after.1.available, AMOUNT, "without notary {place}");
    assert_eq!(after.0.available - before.0.available, AMOUNT, "without notary {place}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_notary_stands_still_the_others_go_on() {
    let mut notaries = Notaries::start(0, "voucher_lifetime_seconds = 60").await;
    for place in [0, 1] {
        completes_without(&mut notaries, place).await;
    }
    // Both take part again.
    let network = &notaries.test.network;
    let request = network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    let payment = network.pay(&request).await.unwrap();
    for institution in [&network.originator, &network.notary, &network.others[0]] {
        let done = notaries.test.finished(institution, &payment).await;
        assert_eq!(done.state, "cleared", "at {}", institution.name);
    }
}
