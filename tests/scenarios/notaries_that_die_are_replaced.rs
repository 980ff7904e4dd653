//! Three notaries, two of which must sign: whichever dies, at whatever step, the others go on and everything has happened
//! once.
use protocol::{clearing::Balance, settlement::TransactionKind};
use quittance::settlement::state::{NotaryState, Role, State};

use crate::{
    network::{reached, restart, AMOUNT},
    several_notaries::Notaries,
};

const CONSULTED: State = State::Notary(NotaryState::Consulted);

/// A payment in whose course a notary is killed at a point. The others complete it, and the dead one catches up.
async fn completes_without(notaries: &mut Notaries, place: usize, point: &str) {
    let before = notaries.test.balances().await;
    restart(notaries.notary(place), &[("FAILPOINTS", &format!("{point}=pause"))]).await;
    let network = &notaries.test.network;
    let request = network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    let payment = network.pay(&request).await.unwrap();
    let notary = notaries.notary(place);
    reached(notary, point).await;
    notary.kill().await.unwrap();
    for institution in [&notaries.test.network.originator, &notaries.test.network.home] {
        let done = notaries.test.finished(institution, &payment).await;
        assert_eq!(done.state, "cleared", "at {} after {point}", institution.name);
    }
    let after = notaries.test.balances().await;
    assert_eq!(moved(&before, &after), (AMOUNT, AMOUNT), "after {point}");

    restart(notaries.notary(place), &[]).await;
    let network = &notaries.test.network;
    let notary = [&network.notary, &network.others[0]][place];
    let done = notaries.test.finished(notary, &payment).await;
    assert_eq!(done.state, "cleared", "at {} after {point}", notary.name);
    let after = notaries.test.balances().await;
    assert_eq!(moved(&before, &after), (AMOUNT, AMOUNT), "once, after {point}");
}

/// What went from the home bank, and what came to the originator. Nothing stays set aside.
fn moved(before: &(Balance, Balance), after: &(Balance, Balance)) -> (u128, u128) {
    assert_eq!((after.0.reserved, after.1.reserved), (0, 0));
    (
        before.1.available - after.1.available,
        after.0.available - before.0.available,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_notary_dies_at_whatever_step_the_others_go_on() {
    let mut notaries = Notaries::start(0, "voucher_lifetime_seconds = 40").await;
    let leading = State::ALL
        .iter()
        .filter(|state| state.role() == Role::Notary && !state.is_final() && **state != CONSULTED);
    for state in leading {
        for phase in ["acting", "acted"] {
            completes_without(&mut notaries, 0, &format!("{state}.{phase}")).await;
        }
    }
    completes_without(&mut notaries, 0, "notary.retention.answered").await;
    // The second one only signs: it dies before and after it has.
    for point in [
        "notary.consulted.acting",
        "notary.consulted.acted",
        "notary.draft.signed",
    ] {
        completes_without(&mut notaries, 1, point).await;
    }
}
