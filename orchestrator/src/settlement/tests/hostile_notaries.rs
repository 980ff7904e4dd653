//! What a notary, or somebody who poses as one, can send that it should not; and answers that are forged.
use protocol::{
    registry::Roles,
    settlement::{Relation, TransactionKind},
    signing::MemberSignature,
    Member, VoucherId,
};
use serde_json::Value;

use super::{
    network::{Loss, Message},
    world::{World, BYSTANDER, HOME, LIFETIME, NOTARY, ORIGINATOR},
};
use crate::settlement::messages::{relation_payload, Answer, AttestationRequest, RelationDraft, RetentionVoucher};

/// A payment for which the notary has a draft ready that no party has seen.
async fn drafted(world: &World) -> (VoucherId, RelationDraft) {
    let id = world.order(TransactionKind::Purchase).await;
    for _ in 0..20 {
        world.network.lose(Message::RelationDraft, Loss::Request);
    }
    world.settle().await;
    assert_eq!(world.state(NOTARY, id).await, "related");
    (id, world.network.latest(Message::RelationDraft))
}

fn sign(world: &World, draft: &mut RelationDraft, notary: Member) {
    let payload = relation_payload(&world.domain(), &draft.relation, draft.expires_at);
    draft.notary = MemberSignature {
        member: notary,
        signature: world.key(notary).sign(&payload),
    };
}

async fn draft_is_rejected(world: &World, from: Member, draft: &RelationDraft, code: &str) {
    let before = world.snapshot().await;
    for party in [ORIGINATOR, HOME] {
        let answer = world.house(party).on_relation_draft(from, draft.clone()).await;
        let fault = answer.unwrap_err();
        assert_eq!(fault.code(), code, "{fault}");
    }
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn only_a_notarys_own_draft_is_considered() {
    let world = World::new().await;
    let (_, draft) = drafted(&world).await;
    draft_is_rejected(&world, BYSTANDER, &draft, "not-sender").await;
    let mut posed = draft.clone();
    sign(&world, &mut posed, BYSTANDER);
    draft_is_rejected(&world, BYSTANDER, &posed, "not-a-notary").await;
    let mut forged = draft.clone();
    sign(&world, &mut forged, BYSTANDER);
    forged.notary.member = NOTARY;
    draft_is_rejected(&world, NOTARY, &forged, "bad-signature").await;
    let mut stale = draft;
    stale.epoch -= 1;
    draft_is_rejected(&world, NOTARY, &stale, "wrong-epoch").await;
}

#[tokio::test]
async fn a_relation_that_does_not_follow_from_the_voucher_is_rejected() {
    let world = World::new().await;
    let (_, draft) = drafted(&world).await;
    let alterations: [fn(&mut RelationDraft); 4] = [
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
}

#[tokio::test]
async fn a_party_signs_one_relation_for_a_voucher_and_the_same_one_the_same() {
    let world = World::new().await;
    let (id, draft) = drafted(&world).await;
    let home = world.house(HOME);
    let first = home.on_relation_draft(NOTARY, draft.clone()).await.unwrap();
    let before = world.snapshot().await;
    assert_eq!(home.on_relation_draft(NOTARY, draft.clone()).await.unwrap(), first);

    let mut second = draft.clone();
    second.relation = Relation::of(&draft.voucher, &[], draft.relation.drawn_at + 1).unwrap();
    sign(&world, &mut second, NOTARY);
    let fault = home.on_relation_draft(NOTARY, second).await.unwrap_err();
    assert_eq!(fault.code(), "altered-content");
    assert_eq!(world.snapshot().await, before);

    // The notary's signature is randomised, the party's answer is the one that it keeps.
    let mut signed_anew = draft;
    sign(&world, &mut signed_anew, NOTARY);
    assert_eq!(home.on_relation_draft(NOTARY, signed_anew).await.unwrap(), first);
    for _ in 0..10 {
        world.settle().await;
    }
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}

#[tokio::test]
async fn an_originator_is_not_its_own_notary() {
    let world = World::new().await;
    let (_, mut draft) = drafted(&world).await;
    world
        .ledger
        .set_roles(ORIGINATOR, Roles::PARTICIPANT.with(Roles::NOTARY));
    draft.epoch = world.domain().epoch;
    sign(&world, &mut draft, ORIGINATOR);
    draft_is_rejected(&world, ORIGINATOR, &draft, "notary-is-party").await;
    let before = world.snapshot().await;
    let request = AttestationRequest { voucher: draft.voucher };
    for (from, code) in [(ORIGINATOR, "notary-is-party"), (BYSTANDER, "not-a-notary")] {
        let answer = world.house(HOME).on_attestation_request(from, request.clone()).await;
        assert_eq!(answer.unwrap_err().code(), code);
    }
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn an_originator_is_no_destination_and_a_notary_no_party() {
    let world = World::new().await;
    let (_, draft) = drafted(&world).await;
    let before = world.snapshot().await;
    let request = AttestationRequest {
        voucher: draft.voucher.clone(),
    };
    let answer = world.house(ORIGINATOR).on_attestation_request(NOTARY, request).await;
    assert_eq!(answer.unwrap_err().code(), "not-addressee");
    let answer = world.house(NOTARY).on_relation_draft(NOTARY, draft).await;
    assert_eq!(answer.unwrap_err().code(), "not-addressee");
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn nobody_attests_or_signs_what_it_never_confirmed() {
    let world = World::new().await;
    let (_, mut draft) = drafted(&world).await;
    draft.voucher.sequence += 1;
    draft.relation = Relation::of(&draft.voucher, &[], draft.relation.drawn_at).unwrap();
    sign(&world, &mut draft, NOTARY);
    draft_is_rejected(&world, NOTARY, &draft, "unknown-voucher").await;
    let before = world.snapshot().await;
    let request = AttestationRequest { voucher: draft.voucher };
    let fault = world
        .house(HOME)
        .on_attestation_request(NOTARY, request)
        .await
        .unwrap_err();
    assert_eq!(fault.code(), "unknown-voucher");
    assert_eq!(world.snapshot().await, before);
}

type Alteration = fn(&mut RetentionVoucher);

async fn voucher_is_rejected(world: &World, from: Member, voucher: &RetentionVoucher, code: &str) {
    let before = world.snapshot().await;
    for party in [ORIGINATOR, HOME] {
        let answer = world.house(party).on_retention_voucher(from, voucher.clone()).await;
        let fault = answer.unwrap_err();
        assert_eq!(fault.code(), code, "{fault}");
    }
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn a_retention_voucher_must_be_what_the_chain_holds_signed_by_everybody() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    for _ in 0..20 {
        world.network.lose(Message::RetentionVoucher, Loss::Request);
    }
    world.settle().await;
    assert_eq!(world.state(NOTARY, id).await, "retained");
    let honest: RetentionVoucher = world.network.latest(Message::RetentionVoucher);
    let alterations: [(Alteration, &str); 8] = [
        (|paper| paper.retained_in += 1, "altered-content"),
        (|paper| paper.relation.drawn_at += 1, "altered-content"),
        (|paper| paper.relation_signatures.truncate(2), "wrong-signers"),
        (|paper| paper.relation_signatures.reverse(), "wrong-signers"),
        (
            |paper| paper.relation_signatures[0].signature.0[0] ^= 1,
            "bad-signature",
        ),
        (|paper| paper.attestations.clear(), "wrong-signers"),
        (
            |paper| paper.attestations[0].signed.signature.0[0] ^= 1,
            "bad-signature",
        ),
        (|paper| paper.attestations[0].epoch += 1, "altered-content"),
    ];
    for (alter, code) in alterations {
        let mut altered = honest.clone();
        alter(&mut altered);
        voucher_is_rejected(&world, NOTARY, &altered, code).await;
    }
    voucher_is_rejected(&world, BYSTANDER, &honest, "not-a-notary").await;
    for _ in 0..10 {
        world.settle().await;
    }
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}

#[tokio::test]
async fn a_retention_voucher_for_what_the_chain_does_not_hold_is_rejected() {
    let world = World::new().await;
    let (_, draft) = drafted(&world).await;
    let signature = draft.notary;
    let invented = RetentionVoucher {
        voucher: draft.voucher,
        relation: draft.relation,
        epoch: draft.epoch,
        attestations: vec![],
        relation_signatures: vec![signature],
        retained_in: 1,
    };
    voucher_is_rejected(&world, NOTARY, &invented, "not-retained").await;
}

fn break_signatures(answer: &mut Value) {
    let broken = Value::String(format!("0x{}", "11".repeat(64)));
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "signature" {
                    *value = broken.clone();
                } else {
                    break_signatures(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(break_signatures),
        _ => {}
    }
}

#[tokio::test]
async fn forged_answers_are_not_believed_and_not_kept() {
    let asked = [
        (Message::Proposal, ORIGINATOR, "audited"),
        (Message::AttestationRequest, NOTARY, "accepted"),
        (Message::RelationDraft, NOTARY, "related"),
    ];
    for (message, asking, state) in asked {
        let world = World::new().await;
        world.network.forge_answers(message, break_signatures);
        let id = world.order(TransactionKind::Purchase).await;
        world.settle().await;
        assert_eq!(world.state(asking, id).await, state);
        let before = world.snapshot().await;
        world.settle().await;
        assert_eq!(world.snapshot().await, before);

        world.network.be_honest();
        world.settle().await;
        world.assert_settled_once(id, TransactionKind::Purchase).await;
    }
}

#[tokio::test]
async fn an_answer_about_another_voucher_is_not_kept() {
    let other = |answer: &mut Value| {
        let id = Value::String(format!("0x{}", "77".repeat(32)));
        for field in ["voucher", "relation"] {
            if let Some(found) = answer["agreed"].get_mut(field) {
                *found = id.clone();
            }
        }
    };
    for message in [Message::Proposal, Message::AttestationRequest, Message::RelationDraft] {
        let world = World::new().await;
        world.network.forge_answers(message, other);
        let id = world.order(TransactionKind::Purchase).await;
        world.settle().await;
        assert_eq!(world.ledger.chain().calls, [""; 0]);
        world.network.be_honest();
        world.settle().await;
        world.assert_settled_once(id, TransactionKind::Purchase).await;
    }
}

#[tokio::test]
async fn a_party_stands_by_what_it_confirmed_only_until_the_expiry() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(ORIGINATOR, id, "confirmed").await;
    let voucher = world.house(HOME).payment(id).await.unwrap().unwrap().voucher;
    let home = world.house(HOME);
    let request = AttestationRequest { voucher };
    let first = home.on_attestation_request(NOTARY, request.clone()).await.unwrap();
    assert!(matches!(first, Answer::Agreed(_)));
    assert_eq!(
        home.on_attestation_request(NOTARY, request.clone()).await.unwrap(),
        first
    );
    world.clock.pass(LIFETIME);
    let fault = home.on_attestation_request(NOTARY, request).await.unwrap_err();
    assert_eq!(fault.code(), "expired");
}
