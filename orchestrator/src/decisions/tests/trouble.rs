//! Crashes, lost answers, changes of the registry, forgers.
use protocol::{clearing::Error, registry::Status};

use super::world::{cap, key, World, FIRST, SECOND, THIRD};
use crate::{decisions::messages::Draft, store::Page};

#[tokio::test]
async fn a_restart_goes_on_with_what_was_agreed() {
    let world = World::new().await;
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    world.restart(FIRST);
    world.agree(SECOND, cap(500)).await.unwrap();
    world.restart(SECOND);
    world.settle().await;
    assert_eq!(world.states(&row).await, ["carried-out"; 3]);
    assert_eq!(world.taken(), 1);
}

#[tokio::test]
async fn a_notary_that_is_down_is_not_needed_and_learns_of_it_later() {
    let world = World::new().await;
    world.net.down.lock().unwrap().push(THIRD);
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    world.agree(SECOND, cap(500)).await.unwrap();
    world.settle().await;
    assert_eq!(world.states(&row).await, ["carried-out", "carried-out", "unknown"]);
    world.net.down.lock().unwrap().clear();
    // What it agrees to now is the next decision.
    let next = world.agree(THIRD, cap(500)).await.unwrap();
    assert_eq!(next.draft.number, row.draft.number + 1);
}

#[tokio::test]
async fn lost_answers_are_asked_for_again() {
    let world = World::new().await;
    *world.net.lost_answers.lock().unwrap() = 3;
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    world.agree(SECOND, cap(500)).await.unwrap();
    world.settle().await;
    assert_eq!(world.states(&row).await, ["carried-out"; 3]);
}

#[tokio::test]
async fn the_signature_given_first_is_the_one_that_is_given_again() {
    let world = World::new().await;
    let row = world.agree(SECOND, cap(500)).await.unwrap();
    let ask = || async {
        let request = world.request(FIRST, row.draft.clone());
        world.at(SECOND).on_approval_request(FIRST, request).await.unwrap()
    };
    let first = ask().await;
    world.restart(SECOND);
    assert_eq!(ask().await, first);
}

#[tokio::test]
async fn signatures_are_collected_anew_when_the_registry_moves() {
    let world = World::new().await;
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    world.settle().await;
    world.govern(|chain| chain.signers[2].status = Status::Suspended);
    world.agree(SECOND, cap(500)).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(FIRST, &row).await, "carried-out");
    assert_eq!(world.cap(), 500);
}

#[tokio::test]
async fn a_suspended_notarys_signature_does_not_count() {
    let world = World::new().await;
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    world.net.down.lock().unwrap().push(FIRST);
    world.agree(SECOND, cap(500)).await.unwrap();
    world.govern(|chain| chain.signers[0].status = Status::Suspended);
    world.settle().await;
    assert_eq!(world.state(SECOND, &row).await, "agreed");
    assert_eq!(world.taken(), 0);
}

#[tokio::test]
async fn a_forged_signature_is_not_kept() {
    let world = World::new().await;
    *world.net.forger.lock().unwrap() = Some(SECOND);
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    world.agree(SECOND, cap(500)).await.unwrap();
    world.at(FIRST).round().await.unwrap();
    assert_eq!(world.at(FIRST).signers(row.draft.id()).await.unwrap(), [FIRST]);
    assert_eq!(world.taken(), 0);
}

#[tokio::test]
async fn a_request_that_its_sender_did_not_sign_is_refused() {
    let world = World::new().await;
    let draft = Draft {
        decision: cap(500),
        number: 0,
        expires_at: super::world::START + 1_000,
    };
    let good = world.request(THIRD, draft);
    let mut others_signature = good.clone();
    others_signature.signed.signature = key(SECOND).sign(b"something else");
    let mut other_content = good.clone();
    other_content.draft.decision = cap(501);
    let mut other_number = good.clone();
    other_number.draft.number = 1;
    let mut other_expiry = good.clone();
    other_expiry.draft.expires_at += 1;
    for bad in [others_signature, other_content, other_number, other_expiry] {
        let error = world.at(FIRST).on_approval_request(THIRD, bad).await.unwrap_err();
        assert_eq!(error.code(), "bad-signature");
    }
    let error = world
        .at(FIRST)
        .on_approval_request(SECOND, good.clone())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "bad-signature", "another sender");
    let mut other_epoch = good;
    other_epoch.epoch += 1;
    let error = world
        .at(FIRST)
        .on_approval_request(THIRD, other_epoch)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "wrong-epoch");
    assert!(world.at(FIRST).decisions(&Page::first(10)).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_the_contract_refuses_has_ended_and_frees_the_number() {
    let world = World::new().await;
    world.chain.chain.lock().unwrap().refusal = Some(Error::Overflow);
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    let second = world.agree(SECOND, cap(500)).await.unwrap();
    assert_eq!(second.draft, row.draft);
    world.at(FIRST).round().await.unwrap();
    assert_eq!(world.state(FIRST, &row).await, "refused");
    let history = world.at(FIRST).history(row.draft.id()).await.unwrap();
    assert!(history.last().unwrap().detail.contains("Overflow"));
    let next = world.agree(FIRST, cap(600)).await.unwrap();
    assert_eq!(next.draft.number, row.draft.number);
}
