//! Vouchers that are not retained in time.
use protocol::{settlement::TransactionKind, VoucherId};

use super::{
    network::{Loss, Message},
    world::{World, AMOUNT, HOME, LIFETIME, NOTARY, ORIGINATOR, SAVINGS, START},
};
use crate::{
    settlement::{
        messages::{Proposal, RelationDraft},
        state::HomeState,
        Fault, State,
    },
    store::payments::{Advance, Effect},
};

async fn assert_expired(world: &World, id: VoucherId) {
    for member in [ORIGINATOR, HOME] {
        assert_eq!(world.state(member, id).await, "expired");
    }
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_hold_nobody_comes_back_for_is_released_at_the_expiry() {
    let mut world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(ORIGINATOR, id, "confirmed").await;
    world.stop(ORIGINATOR);
    world.settle().await;
    assert_eq!(world.account().await, (SAVINGS, AMOUNT));

    // No signature for the retention was given: the institution's own clock decides.
    world.clock.pass(LIFETIME);
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "expired");
    assert_eq!(world.account().await, (SAVINGS, 0));
    world.start(ORIGINATOR);
    world.settle().await;
    assert_expired(&world, id).await;
}

#[tokio::test]
async fn a_hold_is_kept_one_millisecond_before_the_expiry() {
    let mut world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(ORIGINATOR, id, "confirmed").await;
    world.stop(ORIGINATOR);
    world.clock.pass(LIFETIME - 1);
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "confirmed");
    assert_eq!(world.account().await, (SAVINGS, AMOUNT));
}

#[tokio::test]
async fn once_the_retention_is_signed_for_only_the_finalized_chain_says_that_it_is_too_late() {
    let mut world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(NOTARY, id, "consented").await;
    world.stop(NOTARY);
    world.clock.pass(LIFETIME);
    world.settle().await;
    for member in [ORIGINATOR, HOME] {
        assert_eq!(world.state(member, id).await, "confirmed");
    }
    assert_eq!(world.account().await, (SAVINGS, AMOUNT));

    world.ledger.seal();
    world.settle().await;
    assert_expired(&world, id).await;
    world.start(NOTARY);
    world.settle().await;
    assert_eq!(world.state(NOTARY, id).await, "expired");
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_retention_in_the_last_block_before_the_expiry_counts_although_it_is_finalized_after_it() {
    for kind in [TransactionKind::Purchase, TransactionKind::CashDeposit] {
        let world = World::new().await;
        let id = world.order(kind).await;
        world.ledger.hold_finality();
        world.clock.pass(LIFETIME - 1);
        world.settle().await;
        world.clock.pass(LIFETIME);
        world.settle().await;
        assert_eq!(world.state(HOME, id).await, "confirmed");
        world.ledger.finalize();
        world.settle().await;
        world.assert_settled_once(id, kind).await;
    }
}

#[tokio::test]
async fn a_party_that_gave_up_signs_no_more() {
    let mut world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    for _ in 0..100 {
        world.network.lose(Message::RelationDraft, Loss::Request);
    }
    world.settle().await;
    let draft: RelationDraft = world.network.latest(Message::RelationDraft);
    world.stop(NOTARY);
    world.clock.pass(LIFETIME);
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "expired");
    let before = world.snapshot().await;
    for member in [ORIGINATOR, HOME] {
        let answer = world.house(member).on_relation_draft(NOTARY, draft.clone()).await;
        assert!(matches!(answer, Err(Fault::Expired { .. })));
    }
    let proposal: Proposal = world.network.latest(Message::Proposal);
    let answer = world.house(HOME).on_proposal(ORIGINATOR, proposal).await;
    assert!(matches!(answer, Err(Fault::Expired { .. })));
    assert_eq!(world.snapshot().await, before);
    assert_expired(&world, id).await;
}

#[tokio::test]
async fn a_signature_given_at_the_last_moment_forbids_giving_up_on_the_own_clocks_word() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(NOTARY, id, "consented").await;
    let payment = world.store(HOME).payment(id).await.unwrap().unwrap();
    // What a step decided that looked before the signature was given.
    let late = Advance {
        from: payment.state,
        to: State::Home(HomeState::Expired),
        detail: "too late",
        at: START,
        effects: &[Effect::ReleaseHold],
        unless_kept: Some("consent"),
    };
    let before = world.snapshot().await;
    assert!(!world
        .store(HOME)
        .advance_payment(&payment.voucher, &late)
        .await
        .unwrap());
    assert_eq!(world.snapshot().await, before);
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}

#[tokio::test]
async fn an_originator_whose_destination_never_answers_gives_up_at_the_expiry() {
    let mut world = World::new().await;
    world.stop(HOME);
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    assert_eq!(world.state(ORIGINATOR, id).await, "audited");
    world.clock.pass(LIFETIME);
    world.settle().await;
    assert_eq!(world.state(ORIGINATOR, id).await, "expired");
    world.start(HOME);
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "unknown");
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_debtor_whose_clock_is_slow_writes_clearing_vouchers_by_the_chains() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(HOME, id, "retained").await;
    world.clock.pass(10 * LIFETIME);
    world.ledger.seal();
    world.clock.set_back(10 * LIFETIME);
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}

#[tokio::test]
async fn a_clearing_voucher_that_expired_on_the_way_is_written_again() {
    let mut world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(HOME, id, "discharge-signed").await;
    world.stop(HOME);
    world.clock.pass(LIFETIME);
    world.settle().await;
    world.start(HOME);
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
    let papers = world.store(HOME).documents(id).await.unwrap();
    let written = papers.iter().filter(|paper| paper.kind.starts_with("clearing-voucher"));
    assert_eq!(written.count(), 2);
}
