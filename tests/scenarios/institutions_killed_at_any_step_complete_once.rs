//! Every process, killed (SIGKILL) before and after it acts in every state it can be in, and between keeping an answer
//! and sending it. After a restart the payment completes by itself, and everything has happened exactly once.
use protocol::settlement::TransactionKind;
use quittance::{
    devnet::{Institution, Network},
    settlement::state::{NotaryState, OriginatorState, Role, State},
};

use crate::network::{count, reached, restart, TestNetwork, AMOUNT};

fn role(network: &mut Network, role: Role) -> &mut Institution {
    match role {
        Role::Originator => &mut network.originator,
        Role::Home => &mut network.home,
        Role::Notary => &mut network.notary,
        Role::Destination => unreachable!("this network has no other destination than the home bank"),
    }
}

/// Kills `who` at each of its fail points in turn, each time in the middle of a payment of its own.
async fn killed_at_each_of(who: Role, answers: &[&str]) {
    let mut test = TestNetwork::start().await;
    test.network
        .deposit(&test.network.originator, AMOUNT * 100)
        .await
        .unwrap();
    let steps = State::ALL
        .iter()
        .filter(|state| state.role() == who && !state.is_final() && **state != OF_SEVERAL_NOTARIES);
    let points = steps
        .flat_map(|state| ["acting", "acted"].map(|phase| (format!("{state}.{phase}"), kind_with(*state))))
        .chain(
            answers
                .iter()
                .map(|answer| ((*answer).to_owned(), TransactionKind::Purchase)),
        );
    for (point, kind) in points {
        killed_at(&mut test, who, &point, kind).await;
    }
}

/// Only where there are several notaries: see `notaries_that_die_are_replaced.rs`.
const OF_SEVERAL_NOTARIES: State = State::Notary(NotaryState::Consulted);

/// The originator discharges only what a cash deposit made it owe.
fn kind_with(state: State) -> TransactionKind {
    match state {
        State::Originator(OriginatorState::DischargeSigned) => TransactionKind::CashDeposit,
        _ => TransactionKind::Purchase,
    }
}

async fn killed_at(test: &mut TestNetwork, who: Role, point: &str, kind: TransactionKind) {
    let before = test.balances().await;
    let institution = role(&mut test.network, who);
    restart(institution, &[("FAILPOINTS", &format!("{point}=pause"))]).await;

    // The originator may be killed before it answers: ask until it has the payment, always with the same request.
    let request = test.network.request(kind, AMOUNT).unwrap();
    let payment = test.network.pay(&request).await.unwrap();
    let institution = role(&mut test.network, who);
    reached(institution, point).await;
    restart(institution, &[]).await;

    for institution in [&test.network.originator, &test.network.home, &test.network.notary] {
        let done = test.finished(institution, &payment).await;
        assert_eq!(done.state, "cleared", "at {} after {point}", institution.name);
    }
    let (originator, home) = test.balances().await;
    let (paid, received) = match kind {
        TransactionKind::CashDeposit => (
            (before.0.available, originator.available),
            (home.available, before.1.available),
        ),
        _ => (
            (before.1.available, home.available),
            (originator.available, before.0.available),
        ),
    };
    assert_eq!(
        (paid.0 - paid.1, received.0 - received.1),
        (AMOUNT, AMOUNT),
        "moved once after {point}"
    );
    assert_eq!(
        (originator.reserved, home.reserved),
        (0, 0),
        "nothing stays set aside after {point}"
    );

    let of_it = |table: &str| format!("{table} WHERE voucher = '{}'", payment.id);
    let (originator, home) = (&test.network.originator, &test.network.home);
    assert_eq!(count(originator, &of_it("payouts")).await, 1, "after {point}");
    assert_eq!(count(home, &of_it("account_entries")).await, 1, "after {point}");
    let open = format!("{} AND state = 'placed'", of_it("holds"));
    assert_eq!(count(home, &open).await, 0, "after {point}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originator_killed_at_any_step_pays_once() {
    killed_at_each_of(
        Role::Originator,
        &["originator.consent.signed", "originator.retention.received"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_bank_killed_at_any_step_pays_once() {
    let answers = [
        "home.proposal.signed",
        "home.attestation.signed",
        "home.consent.signed",
        "home.retention.received",
    ];
    killed_at_each_of(Role::Home, &answers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_notary_killed_at_any_step_retains_once() {
    killed_at_each_of(Role::Notary, &["notary.retention.answered"]).await;
}
