//! Three notaries, two of which must sign: one that is away is replaced, one that lies is not believed.
use protocol::{
    registry::Status,
    settlement::{Relation, TransactionKind},
    signing::{members as signers_of, MemberSignature},
    Member, VoucherId,
};
use serde_json::Value;

use super::{
    network::{Loss, Message},
    world::{
        is_passed, World, AMOUNT, BYSTANDER, FUNDS, HOME, LIFETIME, NOTARY, ORIGINATOR, SAVINGS, SECOND, START, THIRD,
        TURN,
    },
};
use crate::settlement::{
    messages::{relation_payload, AttestationRequest, RefusalCode, RetentionDraft, RetentionVoucher},
    Role, State,
};

const KIND: TransactionKind = TransactionKind::Purchase;
const NOTARIES: [Member; 3] = [NOTARY, SECOND, THIRD];

/// Where a notary that leads can be when it dies.
fn steps() -> impl Iterator<Item = String> {
    let states = State::ALL
        .iter()
        .filter(|state| state.role() == Role::Notary && is_passed(**state));
    states.flat_map(|state| ["acting", "acted"].map(|point| format!("{state}.{point}")))
}

/// What the parties hold as evidence.
async fn retention_voucher(world: &World, id: VoucherId) -> RetentionVoucher {
    let papers = world.store(HOME).documents(id).await.unwrap();
    let paper = papers.iter().find(|paper| paper.kind == "retention-voucher");
    paper.expect("is kept").read().unwrap()
}

async fn count(world: &World, member: Member, id: VoucherId, kind: &str) -> usize {
    let papers = world.store(member).documents(id).await.unwrap();
    papers.iter().filter(|paper| paper.kind == kind).count()
}

#[tokio::test]
async fn two_of_three_notaries_sign_and_the_second_asks_every_destination_itself() {
    let world = World::with_three_notaries().await;
    let id = world.order(KIND).await;
    world.settle().await;
    world.assert_settled_once(id, KIND).await;
    let kept = retention_voucher(&world, id).await;
    assert_eq!(
        signers_of(&kept.relation_signatures),
        [ORIGINATOR, HOME, NOTARY, SECOND]
    );
    assert_eq!(world.state(SECOND, id).await, "cleared");
    for kind in ["retention-request", "attestation", "retention-draft", "co-consent"] {
        assert_eq!(count(&world, SECOND, id, kind).await, 1, "{kind}");
    }
    assert_eq!(world.state(THIRD, id).await, "unknown");
}

#[tokio::test]
async fn a_notary_that_is_down_is_passed_over_for_the_next() {
    let mut world = World::with_three_notaries().await;
    world.stop(SECOND);
    let id = world.order(KIND).await;
    world.settle().await;
    world.assert_settled_once(id, KIND).await;
    let kept = retention_voucher(&world, id).await;
    assert_eq!(signers_of(&kept.relation_signatures), [ORIGINATOR, HOME, NOTARY, THIRD]);
}

#[tokio::test]
async fn a_suspended_notary_is_passed_over_whatever_its_part() {
    for suspended in NOTARIES {
        for before in ["audited", "confirmed"] {
            let world = World::with_three_notaries().await;
            let id = world.order(KIND).await;
            world.settle_until(ORIGINATOR, id, before).await;
            world.ledger.set_status(suspended, Status::Suspended);
            world.settle().await;
            assert_eq!(
                world.state(ORIGINATOR, id).await,
                "cleared",
                "{suspended} suspended, {before}"
            );
            let signers = signers_of(&retention_voucher(&world, id).await.relation_signatures);
            assert!(!signers.contains(&suspended));
        }
    }
}

#[tokio::test]
async fn a_notary_that_is_suspended_while_it_leads_is_replaced_at_once() {
    for state in ["accepted", "attested", "related", "consented"] {
        let world = World::with_three_notaries().await;
        let id = world.order(KIND).await;
        let point = format!("notary.{state}.acting");
        assert!(world.run_to(NOTARY, &point).await, "{point} was never reached");
        world.ledger.set_status(NOTARY, Status::Suspended);
        world.settle().await;
        assert_eq!(world.state(ORIGINATOR, id).await, "cleared", "suspended in {state}");
        let signers = signers_of(&retention_voucher(&world, id).await.relation_signatures);
        assert_eq!(signers, [ORIGINATOR, HOME, SECOND, THIRD]);
        assert_eq!(world.state(NOTARY, id).await, "cleared");
    }
}

#[tokio::test]
async fn a_leading_notary_that_dies_anywhere_is_replaced_and_catches_up() {
    for point in steps() {
        let mut world = World::with_three_notaries().await;
        let id = world.order(KIND).await;
        assert!(world.run_to(NOTARY, &point).await, "{point} was never reached");
        world.stop(NOTARY);
        world.clock.pass(TURN);
        world.settle().await;
        assert_eq!(world.state(ORIGINATOR, id).await, "cleared", "after {point}");
        assert_eq!(world.state(HOME, id).await, "cleared", "after {point}");
        world.start(NOTARY);
        world.settle().await;
        world.assert_settled_once(id, KIND).await;
    }
}

#[tokio::test]
async fn a_notary_has_its_turn_to_the_last_millisecond() {
    let mut world = World::with_three_notaries().await;
    let id = world.order(KIND).await;
    world.settle_until(ORIGINATOR, id, "confirmed").await;
    world.stop(NOTARY);
    world.settle().await;
    world.clock.pass(TURN - 1);
    world.settle().await;
    assert_eq!(world.state(SECOND, id).await, "unknown");
    // The time of the first question outlives the process.
    world.restart(ORIGINATOR);
    world.settle().await;
    world.start(NOTARY);
    assert_eq!(world.state(ORIGINATOR, id).await, "cleared");
    let kept = retention_voucher(&world, id).await;
    assert_eq!(signers_of(&kept.relation_signatures), [ORIGINATOR, HOME, SECOND, THIRD]);
}

#[tokio::test]
async fn after_the_last_notary_the_first_one_has_its_turn_again() {
    let mut world = World::with_three_notaries().await;
    for notary in NOTARIES {
        world.stop(notary);
    }
    let id = world.order(KIND).await;
    world.settle().await;
    world.clock.pass(2 * TURN);
    world.settle().await;
    world.start(NOTARY);
    world.start(SECOND);
    world.settle().await;
    assert_eq!(world.state(NOTARY, id).await, "unknown");
    world.clock.pass(TURN);
    world.settle().await;
    world.assert_settled_once(id, KIND).await;
}

#[tokio::test]
async fn two_notaries_that_lead_at_once_retain_once() {
    for first in [
        "notary.related.acting",
        "notary.related.acted",
        "notary.consented.acting",
    ] {
        for second in steps() {
            let mut world = World::with_three_notaries().await;
            let id = world.order(KIND).await;
            assert!(world.run_to(NOTARY, first).await);
            world.stop(NOTARY);
            world.clock.pass(TURN);
            world.run_to(SECOND, &second).await;
            // Both go on from where they were, each with what it had stored.
            world.restart(SECOND);
            world.start(NOTARY);
            world.settle().await;
            world.assert_settled_once(id, KIND).await;
            assert_eq!(world.state(SECOND, id).await, "cleared", "{first} and {second}");
        }
    }
}

#[tokio::test]
async fn a_notary_that_signed_for_another_one_leads_with_the_same_relation() {
    let mut world = World::with_three_notaries().await;
    let id = world.order(KIND).await;
    assert!(world.run_to(NOTARY, "notary.consented.acting").await);
    world.stop(NOTARY);
    world.clock.pass(TURN);
    world.settle().await;
    assert_eq!(retention_voucher(&world, id).await.relation.drawn_at, START);
    // The parties signed it once.
    for party in [ORIGINATOR, HOME] {
        let papers = world.store(party).documents(id).await.unwrap();
        let signed = papers.iter().filter(|paper| paper.kind.starts_with("consent")).count();
        assert_eq!(signed, 1);
    }
}

#[tokio::test]
async fn each_notary_gets_its_own_relation_signed_if_the_first_one_was_seen_by_no_other() {
    let mut world = World::with_three_notaries().await;
    world.ledger.set_notary_threshold(1);
    let id = world.order(KIND).await;
    assert!(world.run_to(NOTARY, "notary.related.acted").await);
    world.stop(NOTARY);
    world.clock.pass(TURN);
    world.settle().await;
    world.start(NOTARY);
    world.settle().await;
    world.assert_settled_once(id, KIND).await;
    assert_eq!(retention_voucher(&world, id).await.relation.drawn_at, START + TURN);
    for party in [ORIGINATOR, HOME] {
        assert_eq!(count(&world, party, id, "relation-draft").await, 2);
    }
}

#[tokio::test]
async fn without_any_notary_everything_expires_and_nothing_stays_reserved() {
    for stage in ["audited", "confirmed"] {
        let mut world = World::with_three_notaries().await;
        let id = world.order(KIND).await;
        world.settle_until(ORIGINATOR, id, stage).await;
        for notary in NOTARIES {
            world.stop(notary);
        }
        world.settle().await;
        assert_eq!(world.account().await, (SAVINGS, AMOUNT));
        world.clock.pass(LIFETIME);
        world.settle().await;
        for member in [ORIGINATOR, HOME] {
            assert_eq!(world.state(member, id).await, "expired", "all dead from {stage} on");
        }
        world.assert_untouched().await;
    }
}

#[tokio::test]
async fn all_notaries_dead_at_any_step_before_the_chain_has_it_let_everything_expire() {
    for point in steps().take_while(|point| !point.starts_with("notary.consented.acted")) {
        let mut world = World::with_three_notaries().await;
        let id = world.order(KIND).await;
        assert!(world.run_to(NOTARY, &point).await, "{point} was never reached");
        for notary in NOTARIES {
            world.stop(notary);
        }
        world.clock.pass(LIFETIME);
        // Where signatures were given, only a block says that it is too late.
        world.ledger.seal();
        world.settle().await;
        for notary in NOTARIES {
            world.start(notary);
        }
        world.settle().await;
        for member in [ORIGINATOR, HOME, NOTARY] {
            assert_eq!(world.state(member, id).await, "expired", "all dead at {point}");
        }
        assert!(["expired", "unknown"].contains(&world.state(SECOND, id).await));
        world.assert_untouched().await;
    }
}

#[tokio::test]
async fn too_few_notaries_retain_nothing() {
    let mut world = World::with_three_notaries().await;
    world.stop(SECOND);
    world.stop(THIRD);
    let id = world.order(KIND).await;
    world.settle().await;
    assert_eq!(world.state(NOTARY, id).await, "related");
    // No party was asked to bind itself.
    assert_eq!(count(&world, HOME, id, "consent").await, 0);
    world.clock.pass(LIFETIME);
    world.settle().await;
    for member in [ORIGINATOR, HOME, NOTARY] {
        assert_eq!(world.state(member, id).await, "expired");
    }
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_payment_that_too_few_notaries_can_keep_is_refused_by_the_audit() {
    let world = World::with_three_notaries().await;
    world.ledger.set_status(SECOND, Status::Revoked);
    world.ledger.set_status(THIRD, Status::Revoked);
    let id = world.order(KIND).await;
    let payment = world.house(ORIGINATOR).payment(id).await.unwrap().unwrap();
    assert_eq!(payment.state.as_str(), "refused");
    assert!(payment.refusal.unwrap().detail.contains("2 notary signature(s)"));
}

#[tokio::test]
async fn every_message_between_notaries_may_get_lost() {
    for loss in [Loss::Request, Loss::Answer] {
        let world = World::with_three_notaries().await;
        world.network.lose(Message::RetentionDraft, loss);
        world.network.lose(Message::RetentionDraft, loss);
        let id = world.order(KIND).await;
        world.settle().await;
        assert!(world.network.is_calm());
        world.assert_settled_once(id, KIND).await;
    }
}

#[tokio::test]
async fn a_notary_that_dies_while_it_is_consulted_follows_the_chain_after_it() {
    for point in ["acting", "acted"] {
        let mut world = World::with_three_notaries().await;
        let id = world.order(KIND).await;
        assert!(world.run_to(SECOND, &format!("notary.consulted.{point}")).await);
        world.restart(SECOND);
        world.settle().await;
        world.assert_settled_once(id, KIND).await;
        assert_eq!(world.state(SECOND, id).await, "cleared");
    }
}

#[tokio::test]
async fn an_epoch_change_at_any_point_has_all_notaries_sign_again() {
    for point in steps() {
        let world = World::with_three_notaries().await;
        let id = world.order(KIND).await;
        world.run_to(NOTARY, &point).await;
        world.clock.pass(1);
        world.ledger.raise_epoch();
        world.settle().await;
        world.assert_settled_once(id, KIND).await;
    }
}

/// A payment for which the first notary has a draft ready that no other notary has seen.
async fn drafted(world: &World) -> RetentionDraft {
    let id = world.order(KIND).await;
    for _ in 0..40 {
        world.network.lose(Message::RetentionDraft, Loss::Request);
    }
    world.settle().await;
    assert_eq!(world.state(NOTARY, id).await, "related");
    world.network.latest(Message::RetentionDraft)
}

fn sign(world: &World, draft: &mut RetentionDraft, notary: Member) {
    let payload = relation_payload(&world.domain(), &draft.relation, draft.expires_at);
    draft.notary = MemberSignature {
        member: notary,
        signature: world.key(notary).sign(&payload),
    };
}

async fn draft_is_rejected(world: &World, from: Member, draft: &RetentionDraft, code: &str) {
    let before = world.snapshot().await;
    let fault = world
        .house(SECOND)
        .on_retention_draft(from, draft.clone())
        .await
        .unwrap_err();
    assert_eq!(fault.code(), code, "{fault}");
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn a_notary_signs_nothing_that_another_one_altered() {
    let world = World::with_three_notaries().await;
    let draft = drafted(&world).await;
    let alterations: [fn(&mut RetentionDraft); 4] = [
        |draft| draft.relation.obligations[0].amount += 1,
        |draft| draft.relation.obligations[0].creditor = BYSTANDER,
        |draft| draft.relation.obligations.push(draft.relation.obligations[0]),
        |draft| draft.expires_at += 1,
    ];
    for alter in alterations {
        let mut altered = draft.clone();
        alter(&mut altered);
        draft_is_rejected(&world, NOTARY, &altered, "bad-signature").await;
        sign(&world, &mut altered, NOTARY);
        draft_is_rejected(&world, NOTARY, &altered, "altered-content").await;
    }
    let mut unsigned = draft.clone();
    unsigned.request.signatures.truncate(1);
    draft_is_rejected(&world, NOTARY, &unsigned, "wrong-signers").await;
    let mut forged = draft.clone();
    forged.request.signatures[0].signature.0[0] ^= 1;
    draft_is_rejected(&world, NOTARY, &forged, "bad-signature").await;
    let mut stale = draft;
    stale.request.epoch -= 1;
    draft_is_rejected(&world, NOTARY, &stale, "wrong-epoch").await;
}

#[tokio::test]
async fn only_a_notarys_own_draft_is_considered_by_another() {
    let world = World::with_three_notaries().await;
    let draft = drafted(&world).await;
    draft_is_rejected(&world, BYSTANDER, &draft, "not-sender").await;
    let mut posed = draft.clone();
    sign(&world, &mut posed, BYSTANDER);
    draft_is_rejected(&world, BYSTANDER, &posed, "not-a-notary").await;
    let mut own = draft;
    sign(&world, &mut own, ORIGINATOR);
    draft_is_rejected(&world, ORIGINATOR, &own, "notary-is-party").await;
}

#[tokio::test]
async fn a_notary_that_leads_gets_one_relation_signed() {
    let world = World::with_three_notaries().await;
    let draft = drafted(&world).await;
    let second = world.house(SECOND);
    let first = second.on_retention_draft(NOTARY, draft.clone()).await.unwrap();
    let mut later = draft.clone();
    later.relation = Relation::of(&draft.request.voucher, &[], draft.relation.drawn_at + 1).unwrap();
    sign(&world, &mut later, NOTARY);
    draft_is_rejected(&world, NOTARY, &later, "altered-content").await;
    assert_eq!(second.on_retention_draft(NOTARY, draft).await.unwrap(), first);
}

#[tokio::test]
async fn a_notary_does_not_sign_what_a_destination_does_not_stand_by() {
    let world = World::with_three_notaries().await;
    let draft = drafted(&world).await;
    // The answers that the second notary gets are about another voucher.
    world.network.forge_answers(Message::AttestationRequest, |answer| {
        answer["agreed"]["voucher"] = Value::String(format!("0x{}", "77".repeat(32)));
    });
    let fault = world
        .house(SECOND)
        .on_retention_draft(NOTARY, draft.clone())
        .await
        .unwrap_err();
    assert_eq!(fault.code(), "not-now");
    let id = draft.request.voucher.id();
    assert_eq!(count(&world, SECOND, id, "attestation").await, 0);
    assert_eq!(count(&world, SECOND, id, "co-consent").await, 0);
}

#[tokio::test]
async fn what_no_destination_confirmed_is_not_kept_by_any_notary() {
    let world = World::with_three_notaries().await;
    let draft = drafted(&world).await;
    let mut voucher = draft.request.voucher.clone();
    voucher.sequence += 1;
    let request = AttestationRequest {
        voucher: voucher.clone(),
    };
    let answer = world.house(HOME).on_attestation_request(SECOND, request).await;
    assert_eq!(answer.unwrap_err().code(), "unknown-voucher");
    let mut invented = draft;
    invented.request.voucher = voucher;
    draft_is_rejected(&world, NOTARY, &invented, "bad-signature").await;
}

#[tokio::test]
async fn a_forged_signature_of_another_notary_is_neither_kept_nor_believed() {
    let world = World::with_three_notaries().await;
    world.network.forge_answers(Message::RetentionDraft, |answer| {
        answer["agreed"]["retention_signature"]["signature"] = Value::String(format!("0x{}", "11".repeat(64)));
    });
    let id = world.order(KIND).await;
    world.settle().await;
    assert_eq!(world.state(NOTARY, id).await, "related");
    assert_eq!(count(&world, NOTARY, id, "consent").await, 0);
    world.network.be_honest();
    world.settle().await;
    world.assert_settled_once(id, KIND).await;
}

#[tokio::test]
async fn a_retention_voucher_needs_the_signatures_of_enough_notaries() {
    let world = World::with_three_notaries().await;
    let id = world.order(KIND).await;
    for _ in 0..40 {
        world.network.lose(Message::RetentionVoucher, Loss::Request);
    }
    world.settle().await;
    assert_eq!(world.state(NOTARY, id).await, "retained");
    let honest: RetentionVoucher = world.network.latest(Message::RetentionVoucher);
    type Alteration = (fn(&mut RetentionVoucher), &'static str);
    let alterations: [Alteration; 4] = [
        (|paper| _ = paper.relation_signatures.remove(3), "wrong-signers"),
        (|paper| _ = paper.relation_signatures.remove(2), "wrong-signers"),
        (
            |paper| paper.relation_signatures[3].signature.0[0] ^= 1,
            "bad-signature",
        ),
        (|paper| paper.relation_signatures[3].member = BYSTANDER, "not-a-notary"),
    ];
    for (alter, code) in alterations {
        let mut altered = honest.clone();
        alter(&mut altered);
        for party in [ORIGINATOR, HOME] {
            let answer = world.house(party).on_retention_voucher(NOTARY, altered.clone()).await;
            assert_eq!(answer.unwrap_err().code(), code);
        }
    }
    let mut bystander = honest.clone();
    bystander.relation_signatures[3].member = Member(50);
    let answer = world.house(HOME).on_retention_voucher(NOTARY, bystander).await;
    assert_eq!(answer.unwrap_err().code(), "unknown-member");
}

#[tokio::test]
async fn a_notary_that_refuses_after_it_signed_for_another_one_follows_the_chain() {
    let mut world = World::with_three_notaries().await;
    let id = world.order(KIND).await;
    assert!(world.run_to(NOTARY, "notary.consented.acting").await);
    world.stop(NOTARY);
    world.clock.pass(TURN);
    assert!(world.run_to(SECOND, "notary.consented.acting").await);
    world.ledger.withdraw(HOME, FUNDS);
    world.settle().await;
    // It led and the contract refused. That ends nothing: the first notary holds its signature.
    assert_eq!(world.state(SECOND, id).await, "consulted");
    let refusal = world.house(SECOND).payment(id).await.unwrap().unwrap().refusal;
    assert_eq!(refusal.unwrap().code, RefusalCode::InsufficientSettlementBalance);
    world.ledger.deposit(HOME, FUNDS);
    world.start(NOTARY);
    world.settle().await;
    world.assert_settled_once(id, KIND).await;
    assert_eq!(world.state(SECOND, id).await, "cleared");
}
