//! The registry changes while payments are under way.
use protocol::{registry::Status, settlement::TransactionKind};

use super::world::{house_of, is_passed, World, BYSTANDER, HOME, NOTARY, ORIGINATOR};
use crate::settlement::{
    messages::{Confirmation, RefusalCode},
    State,
};

const KINDS: [TransactionKind; 3] = [
    TransactionKind::Purchase,
    TransactionKind::CashDeposit,
    TransactionKind::CreditTransfer(BYSTANDER),
];

/// Every step at which the epoch may turn, before and after it acts.
fn points() -> impl Iterator<Item = (State, &'static str)> {
    let open = State::ALL.iter().copied().filter(|state| is_passed(*state));
    open.flat_map(|state| ["acting", "acted"].map(|point| (state, point)))
}

#[tokio::test]
async fn an_epoch_change_at_any_point_has_the_same_content_signed_again() {
    for kind in KINDS {
        for (state, point) in points() {
            let world = World::new().await;
            let id = world.order(kind).await;
            world.run_to(house_of(state), &format!("{state}.{point}")).await;
            world.clock.pass(1);
            world.ledger.raise_epoch();
            world.settle().await;
            world.assert_settled_once(id, kind).await;
            for member in [ORIGINATOR, HOME] {
                let papers = world.store(member).documents(id).await.unwrap();
                let of_kind = |kind: &'static str| papers.iter().filter(move |paper| paper.kind == kind);
                // The relation is signed once for each epoch, but it is one relation.
                assert_eq!(of_kind("relation-draft").count(), 1);
                for paper in of_kind("confirmation") {
                    assert_eq!(paper.read::<Confirmation>().unwrap().voucher, id);
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_signs_again_before_the_epoch_change_is_finalized() {
    for kind in KINDS {
        for (state, point) in points() {
            let world = World::new().await;
            let id = world.order(kind).await;
            world.run_to(house_of(state), &format!("{state}.{point}")).await;
            world.ledger.hold_finality();
            world.ledger.raise_epoch();
            world.settle().await;
            world.ledger.finalize();
            world.settle().await;
            world.assert_settled_once(id, kind).await;
        }
    }
}

#[tokio::test]
async fn an_institution_that_gets_a_new_key_on_the_way_signs_the_rest_with_it() {
    let kind = TransactionKind::CreditTransfer(BYSTANDER);
    for member in [ORIGINATOR, HOME, NOTARY, BYSTANDER] {
        for (state, point) in points() {
            let mut world = World::new().await;
            let id = world.order(kind).await;
            world.run_to(house_of(state), &format!("{state}.{point}")).await;
            world.rotate_key(member);
            world.settle().await;
            world.assert_settled_once(id, kind).await;
        }
    }
}

#[tokio::test]
async fn an_institution_suspended_before_the_retention_ends_the_payment() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(NOTARY, id, "attested").await;
    world.ledger.set_status(HOME, Status::Suspended);
    world.settle().await;
    for member in [ORIGINATOR, NOTARY] {
        assert_eq!(world.state(member, id).await, "refused");
        let refusal = world.house(member).payment(id).await.unwrap().unwrap().refusal.unwrap();
        assert_eq!(refusal.code, RefusalCode::InstitutionNotActive);
    }
    assert_eq!(world.ledger.chain().calls, [""; 0]);
}

#[tokio::test]
async fn a_debtor_suspended_after_the_retention_pays_once_it_is_reinstated() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(HOME, id, "retained").await;
    world.ledger.set_status(HOME, Status::Suspended);
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "discharge-signed");

    world.ledger.set_status(HOME, Status::Active);
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}

#[tokio::test]
async fn a_change_that_concerns_others_does_not_stop_a_payment() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(ORIGINATOR, id, "confirmed").await;
    world.ledger.set_status(BYSTANDER, Status::Revoked);
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}
