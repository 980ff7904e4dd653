//! Destinations co-sign by their policies, and ask assisting institutions before (S0.4, S0.5).
use protocol::{registry::Status, settlement::TransactionKind, Member, VoucherId};
use serde_json::Value;

use super::{
    network::{Loss, Message},
    world::{World, AMOUNT, BYSTANDER, HOME, LIFETIME, NOTARY, ORIGINATOR, SAVINGS},
};
use crate::settlement::{
    messages::{Answer, Assistance, AssistanceRequest, Proposal, RefusalCode},
    Payment,
};

const KIND: TransactionKind = TransactionKind::Purchase;
const DAY: u64 = 24 * 60 * 60 * 1_000;
const ASK: &str = "[[assistants]]\nmember = 3";

async fn payment(world: &World, member: Member, id: VoucherId) -> Payment {
    world.house(member).payment(id).await.unwrap().expect("is known")
}

async fn code(world: &World, id: VoucherId) -> Option<RefusalCode> {
    let codes = [ORIGINATOR, HOME].map(|member| async move {
        let payment = payment(world, member, id).await;
        payment.refusal.map(|refusal| refusal.code)
    });
    let [originator, home] = codes;
    let (originator, home) = (originator.await, home.await);
    assert_eq!(originator, home, "both know the reason");
    home
}

async fn assistance(world: &World, id: VoucherId) -> Answer<Assistance> {
    let papers = payment(world, HOME, id).await.documents;
    let paper = papers.iter().find(|paper| paper.kind == "assistance");
    let paper = paper.expect("is kept");
    assert_eq!(paper.member, BYSTANDER);
    paper.read().unwrap()
}

/// A proposal as the home institution gets it, with an answer to it that got lost.
async fn proposed(world: &World) -> Proposal {
    world.network.lose(Message::Proposal, Loss::Request);
    world.order(KIND).await;
    world.round().await;
    world.network.latest(Message::Proposal)
}

#[tokio::test]
async fn what_a_destinations_policy_forbids_is_refused_with_the_reason_and_holds_nothing() {
    for (policy, expected) in [
        ("[blocked]\ninstitutions = [0]", RefusalCode::BlockedByPolicy),
        ("[[limits]]\nper_payment = \"119\"", RefusalCode::AbovePolicyLimit),
        (
            "[[limits]]\nof = { asset = \"Native\" }\nper_day = \"119\"",
            RefusalCode::AbovePolicyLimit,
        ),
        // The world begins at 22:13 UTC.
        (
            "[hours]\nfrom = \"06:00\"\nuntil = \"20:00\"",
            RefusalCode::OutsideHours,
        ),
    ] {
        let mut world = World::new().await;
        world.set_policy(HOME, policy);
        let id = world.order(KIND).await;
        world.settle().await;
        assert_eq!(code(&world, id).await, Some(expected), "{policy}");
        assert_eq!(world.store(HOME).count("policy_uses").await, 0);
        world.assert_untouched().await;
    }
}

#[tokio::test]
async fn the_policy_of_a_payee_institution_counts_as_well() {
    let mut world = World::new().await;
    world.set_policy(BYSTANDER, "[blocked]\nusers = [{ home = 1, number = \"4711\" }]");
    let id = world.order(TransactionKind::CreditTransfer(BYSTANDER)).await;
    world.settle().await;
    assert_eq!(world.state(BYSTANDER, id).await, "refused");
    let refusal = payment(&world, ORIGINATOR, id).await.refusal.unwrap();
    assert_eq!(
        (refusal.signed.member, refusal.code),
        (BYSTANDER, RefusalCode::BlockedByPolicy)
    );
}

#[tokio::test]
async fn payments_of_a_day_stay_within_the_policys_limit_together_and_the_next_day_counts_anew() {
    let mut world = World::new().await;
    world.set_policy(
        HOME,
        "[[limits]]\nof = { asset = \"Native\", counterparty = 0 }\nper_day = \"240\"",
    );
    let orders = (0..4).map(|_| world.order(KIND));
    let ids = futures::future::join_all(orders).await;
    let turns = ids.iter().map(|id| {
        let originator = world.house(ORIGINATOR);
        async move { originator.turn(*id).await.is_ok() }
    });
    assert!(futures::future::join_all(turns).await.iter().all(|done| *done));
    world.settle().await;
    let mut refused = 0;
    for id in ids {
        refused += usize::from(code(&world, id).await == Some(RefusalCode::AbovePolicyLimit));
    }
    assert_eq!(refused, 2);
    world.clock.pass(DAY);
    let id = world.order(KIND).await;
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "cleared");
    assert_eq!(world.account().await, (SAVINGS - 3 * AMOUNT, 0));
}

#[tokio::test]
async fn what_expired_counts_no_more() {
    let mut world = World::new().await;
    world.set_policy(HOME, "[[limits]]\nof = { asset = \"Native\" }\nper_day = \"120\"");
    world.stop(NOTARY);
    let expired = world.order(KIND).await;
    world.settle().await;
    let above = world.order(KIND).await;
    world.settle().await;
    assert_eq!(code(&world, above).await, Some(RefusalCode::AbovePolicyLimit));
    world.clock.pass(LIFETIME);
    world.settle().await;
    assert_eq!(world.state(HOME, expired).await, "expired");
    world.start(NOTARY);
    let id = world.order(KIND).await;
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "cleared");
}

#[tokio::test]
async fn an_assisting_institution_is_asked_before_and_its_signed_word_is_kept() {
    let mut world = World::new().await;
    world.set_policy(HOME, ASK);
    let id = world.order(KIND).await;
    world.settle().await;
    world.assert_settled_once(id, KIND).await;
    let Answer::Agreed(given) = assistance(&world, id).await else {
        panic!("it has nothing against it")
    };
    assert_eq!(
        (given.voucher, given.asked_by, given.signed.member),
        (id, HOME, BYSTANDER)
    );
    // It is no party: it knows the question only.
    assert_eq!(world.state(BYSTANDER, id).await, "unknown");
}

#[tokio::test]
async fn an_assisting_institution_that_refuses_by_its_policy_ends_the_payment() {
    let mut world = World::new().await;
    world.set_policy(HOME, ASK);
    world.set_policy(BYSTANDER, "[[limits]]\nper_payment = \"119\"");
    let id = world.order(KIND).await;
    world.settle().await;
    assert_eq!(code(&world, id).await, Some(RefusalCode::AssistantRefused));
    let Answer::Refused(refusal) = assistance(&world, id).await else {
        panic!("it refuses")
    };
    assert_eq!(
        (refusal.signed.member, refusal.code),
        (BYSTANDER, RefusalCode::AbovePolicyLimit)
    );
    let reason = payment(&world, ORIGINATOR, id).await.refusal.unwrap().detail;
    assert!(
        reason.contains("member 3") && reason.contains(&refusal.detail),
        "{reason}"
    );
    world.assert_untouched().await;
}

#[tokio::test]
async fn an_assisting_institution_counts_for_the_day_what_it_agreed_to() {
    let mut world = World::new().await;
    world.set_policy(HOME, ASK);
    world.set_policy(BYSTANDER, "[[limits]]\nof = { asset = \"Native\" }\nper_day = \"239\"");
    let mut codes = Vec::new();
    for _ in 0..2 {
        let id = world.order(KIND).await;
        world.settle().await;
        codes.push(code(&world, id).await);
    }
    assert_eq!(codes, [None, Some(RefusalCode::AssistantRefused)]);
}

#[tokio::test]
async fn without_an_answer_nothing_is_decided_until_it_comes_or_the_voucher_expires() {
    for comes in [false, true] {
        let mut world = World::new().await;
        world.set_policy(HOME, ASK);
        world.stop(BYSTANDER);
        let id = world.order(KIND).await;
        world.settle().await;
        assert_eq!(world.state(HOME, id).await, "unknown");
        assert_eq!(world.state(ORIGINATOR, id).await, "audited");
        if comes {
            world.start(BYSTANDER);
            world.settle().await;
            world.assert_settled_once(id, KIND).await;
        } else {
            world.clock.pass(LIFETIME);
            world.settle().await;
            assert_eq!(world.state(ORIGINATOR, id).await, "expired");
            world.assert_untouched().await;
        }
    }
}

#[tokio::test]
async fn an_answer_that_gets_lost_is_given_again_and_counted_once() {
    let mut world = World::new().await;
    world.set_policy(HOME, ASK);
    world.set_policy(BYSTANDER, "[[limits]]\nof = { asset = \"Native\" }\nper_day = \"120\"");
    world.network.lose(Message::AssistanceRequest, Loss::Answer);
    let id = world.order(KIND).await;
    world.settle().await;
    assert!(world.network.is_calm());
    world.assert_settled_once(id, KIND).await;
    assert_eq!(world.store(BYSTANDER).count("assistances").await, 1);
}

#[tokio::test]
async fn an_assistance_that_its_institution_did_not_sign_is_not_believed() {
    let forgeries: [fn(&mut Value); 3] = [
        |answer| answer["agreed"]["signed"]["signature"] = Value::String(format!("0x{}", "11".repeat(64))),
        |answer| answer["agreed"]["voucher"] = Value::String(format!("0x{}", "77".repeat(32))),
        |answer| answer["agreed"]["asked_by"] = Value::from(0),
    ];
    for forgery in forgeries {
        let mut world = World::new().await;
        world.set_policy(HOME, ASK);
        world.network.forge_answers(Message::AssistanceRequest, forgery);
        let id = world.order(KIND).await;
        world.settle().await;
        assert_eq!(world.state(HOME, id).await, "unknown");
        world.network.be_honest();
        world.settle().await;
        world.assert_settled_once(id, KIND).await;
    }
}

#[tokio::test]
async fn a_suspended_assisting_institution_is_no_help() {
    let mut world = World::new().await;
    world.set_policy(HOME, ASK);
    world.ledger.set_status(BYSTANDER, Status::Suspended);
    let id = world.order(KIND).await;
    world.settle().await;
    assert_eq!(code(&world, id).await, Some(RefusalCode::AssistantRefused));
    world.assert_untouched().await;
}

#[tokio::test]
async fn only_a_destination_may_ask_and_only_about_what_the_originator_signed() {
    let world = World::new().await;
    let proposal = proposed(&world).await;
    let ask = |from, alter: fn(&mut Proposal)| {
        let mut proposal = proposal.clone();
        alter(&mut proposal);
        let request = AssistanceRequest { proposal };
        let house = world.house(BYSTANDER);
        async move { house.on_assistance_request(from, request).await.unwrap_err().code() }
    };
    assert_eq!(ask(ORIGINATOR, |_| {}).await, "not-addressee");
    assert_eq!(ask(NOTARY, |_| {}).await, "not-addressee");
    assert_eq!(ask(HOME, |proposal| proposal.voucher.amount += 1).await, "bad-voucher");
    assert_eq!(
        ask(HOME, |proposal| proposal.request.request.amount += 1).await,
        "altered-content"
    );
    assert_eq!(
        ask(HOME, |proposal| proposal.signature.0[0] ^= 1).await,
        "bad-signature"
    );
    assert_eq!(
        ask(HOME, |proposal| proposal.voucher.expires_at -= 1).await,
        "bad-signature"
    );
    assert_eq!(ask(HOME, |proposal| proposal.epoch -= 1).await, "wrong-epoch");
    assert_eq!(world.store(BYSTANDER).count("assistances").await, 0);
    // A party co-signs; it doesn't assist.
    let request = AssistanceRequest {
        proposal: proposal.clone(),
    };
    let fault = world.house(ORIGINATOR).on_assistance_request(HOME, request).await;
    assert_eq!(fault.unwrap_err().code(), "not-addressee");
}
