//! A process that dies at any point of any step, and what a new one makes of it.
use protocol::{settlement::TransactionKind, Member};

use super::{
    ledger::Trouble,
    world::{house_of, is_passed, World, BYSTANDER, HOME, NOTARY, ORIGINATOR},
};
use crate::settlement::{Role, State};

const KINDS: [TransactionKind; 3] = [
    TransactionKind::Purchase,
    TransactionKind::CashDeposit,
    TransactionKind::CreditTransfer(BYSTANDER),
];
const EVERYBODY: [Member; 4] = [ORIGINATOR, HOME, NOTARY, BYSTANDER];

async fn dies_at_every_point_of(role: Role) {
    let states = State::ALL
        .iter()
        .filter(|state| state.role() == role && is_passed(**state));
    for state in states {
        for point in ["acting", "acted"] {
            let mut reached = false;
            for kind in KINDS {
                reached |= dies(*state, point, kind).await;
            }
            assert!(reached, "{state}.{point} was never reached");
        }
    }
}

/// Returns whether a payment of this kind comes to the point.
async fn dies(state: State, point: &str, kind: TransactionKind) -> bool {
    let mut world = World::new().await;
    let id = world.order(kind).await;
    let reached = world.run_to(house_of(state), &format!("{state}.{point}")).await;
    world.restart(house_of(state));
    world.settle().await;
    world.assert_settled_once(id, kind).await;
    reached
}

#[tokio::test]
async fn an_originator_that_dies_anywhere_settles_exactly_once() {
    dies_at_every_point_of(Role::Originator).await;
}

#[tokio::test]
async fn a_home_institution_that_dies_anywhere_settles_exactly_once() {
    dies_at_every_point_of(Role::Home).await;
}

#[tokio::test]
async fn another_destination_that_dies_anywhere_settles_exactly_once() {
    dies_at_every_point_of(Role::Destination).await;
}

#[tokio::test]
async fn a_notary_that_dies_anywhere_settles_exactly_once() {
    dies_at_every_point_of(Role::Notary).await;
}

#[tokio::test]
async fn all_of_them_die_after_every_step_and_the_payment_settles_exactly_once() {
    for kind in KINDS {
        let mut world = World::new().await;
        let id = world.order(kind).await;
        let mut idle = 0;
        while idle < 4 {
            idle = if world.round().await { 0 } else { idle + 1 };
            for member in EVERYBODY {
                world.restart(member);
            }
        }
        world.assert_settled_once(id, kind).await;
    }
}

#[tokio::test]
async fn calls_and_answers_lost_on_the_way_to_the_chain_change_nothing() {
    for trouble in [Trouble::CallLost, Trouble::AnswerLost] {
        for kind in KINDS {
            let world = World::new().await;
            let id = world.order(kind).await;
            // One for the retention, one for the clearing voucher, and one for the second try.
            for _ in 0..3 {
                world.ledger.trouble(trouble);
            }
            world.settle().await;
            // The chain shows what the lost answer was about, so that nothing is asked a second time.
            assert_eq!(world.ledger.has_trouble(), trouble == Trouble::AnswerLost);
            world.assert_settled_once(id, kind).await;
        }
    }
}

#[tokio::test]
async fn a_process_that_dies_while_its_call_is_in_flight_does_not_send_another() {
    for kind in KINDS {
        let mut world = World::new().await;
        let id = world.order(kind).await;
        for _ in 0..2 {
            world.ledger.hold_finality();
            world.settle().await;
            for member in EVERYBODY {
                world.restart(member);
            }
            world.settle().await;
            world.ledger.finalize();
            world.settle().await;
        }
        world.assert_settled_once(id, kind).await;
    }
}

#[tokio::test]
async fn an_institution_that_is_away_for_long_catches_up_with_the_chain() {
    let mut world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(NOTARY, id, "consented").await;
    world.stop(ORIGINATOR);
    world.stop(HOME);
    world.settle().await;
    // Nobody could take the retention voucher yet.
    assert_eq!(world.state(NOTARY, id).await, "retained");
    world.start(HOME);
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "cleared");
    world.start(ORIGINATOR);
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}
