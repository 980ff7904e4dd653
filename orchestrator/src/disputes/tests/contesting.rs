//! Who contests what, who answers, and what comes of it.
use protocol::{disputes::Ruling, Member};

use super::{
    contract::{DISPUTE_PERIOD, RULING_PERIOD},
    world::{document, over, payment, World, AMOUNT, BANK, FUNDS, NOTARY, OTHER_NOTARY, SHOP, STRANGER, WITNESS},
};
use crate::disputes::{messages::EvidenceLetter, DisputeError, NewClaim, Over};

#[tokio::test]
async fn a_claim_is_answered_ruled_in_part_and_paid_and_everybody_concerned_has_the_evidence() {
    let world = World::new().await;
    let wanted = world.open(BANK, Some(60)).await.unwrap();
    assert_eq!((wanted.state.as_str(), wanted.wanted), ("wanted", Some(60)));
    assert!(world.dispute().is_none(), "stored before it acts");
    world.settle().await;
    world.answer(SHOP).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(BANK).await, "answered");
    world.rule(Ruling::Partial(40)).unwrap();
    world.settle().await;

    for member in [BANK, SHOP, WITNESS, NOTARY, OTHER_NOTARY] {
        let seen = world.seen(member).await.unwrap();
        assert_eq!(seen.dispute.state.as_str(), "paid", "at {member}");
        assert_eq!(seen.claim, Some(document("it never came")), "at {member}");
        assert_eq!(seen.answer, Some(document("here is the receipt")), "at {member}");
    }
    assert_eq!(world.state(STRANGER).await, "unknown");
    assert_eq!(world.held(), [FUNDS + 40, FUNDS - 40]);
    let arrived = world.net.arrived.lock().unwrap().len();
    assert_eq!(arrived, 8, "two documents, four receivers each");
}

#[tokio::test]
async fn a_dispute_whose_claimant_writes_to_nobody_is_seen_all_the_same() {
    let world = World::new().await;
    world.net.down.lock().unwrap().push(BANK);
    let claim = protocol::disputes::Claim {
        obligation: 0,
        amount: 60,
        evidence: [5; 32],
    };
    {
        let mut chain = world.chain.lock().unwrap();
        let events = chain.open(BANK, &payment(), claim).unwrap();
        let time = chain.time;
        chain.seal(time, events);
    }
    world.settle().await;
    for member in [SHOP, WITNESS, NOTARY, OTHER_NOTARY] {
        let seen = world.seen(member).await.unwrap();
        assert_eq!(
            (seen.dispute.state.as_str(), seen.claim),
            ("opened", None),
            "at {member}"
        );
    }
    assert_eq!(world.state(STRANGER).await, "unknown");
}

#[tokio::test]
async fn what_nobody_rules_stands_and_is_ended_by_the_parties() {
    let world = World::new().await;
    world.open(BANK, None).await.unwrap();
    world.settle().await;
    // The chain makes no block meanwhile: one is asked for.
    world.clock.pass(RULING_PERIOD + 2_000);
    world.settle().await;
    for member in [BANK, SHOP, NOTARY] {
        assert_eq!(world.state(member).await, "upheld");
    }
    assert_eq!(world.held(), [FUNDS, FUNDS]);
}

#[tokio::test]
async fn an_award_is_paid_bit_by_bit_as_money_comes() {
    let world = World::new().await;
    world.open(BANK, None).await.unwrap();
    world.settle().await;
    world.chain.lock().unwrap().held.insert(SHOP, 30);
    world.rule(Ruling::Reverse).unwrap();
    world.settle().await;
    assert_eq!((world.state(BANK).await, world.held()), ("awarded", [FUNDS + 30, 0]));
    for (more, back) in [(20, 50), (20, 70), (1_000, AMOUNT)] {
        *world.chain.lock().unwrap().held.get_mut(&SHOP).unwrap() += more;
        world.settle().await;
        assert_eq!(world.held()[0], FUNDS + back);
    }
    assert_eq!(world.state(BANK).await, "paid");
    assert_eq!(world.dispute().unwrap().paid, AMOUNT);
}

#[tokio::test]
async fn an_award_over_what_is_not_paid_yet_waits_for_it() {
    let world = World::new().await;
    world.chain.lock().unwrap().cleared.clear();
    world.open(BANK, None).await.unwrap();
    world.settle().await;
    world.rule(Ruling::Reverse).unwrap();
    world.settle().await;
    assert_eq!((world.state(BANK).await, world.held()), ("awarded", [FUNDS, FUNDS]));
    world.chain.lock().unwrap().cleared.insert(over().voucher);
    world.settle().await;
    assert_eq!(world.held(), [FUNDS + AMOUNT, FUNDS - AMOUNT]);
    assert_eq!(world.state(SHOP).await, "paid");
}

#[tokio::test]
async fn only_who_may_contest_does_and_only_what_can_go_back() {
    let world = World::new().await;
    let code = |result: Result<_, DisputeError>| result.map(|_: crate::store::disputes::DisputeRow| ()).unwrap_err();
    assert_eq!(code(world.open(SHOP, None).await).code(), "own-credit");
    assert_eq!(code(world.open(NOTARY, None).await).code(), "not-involved");
    assert_eq!(code(world.open(STRANGER, None).await).code(), "unknown-voucher");
    assert_eq!(
        code(world.open(WITNESS, Some(AMOUNT - 1)).await).code(),
        "claim-not-whole"
    );
    assert_eq!(code(world.open(BANK, Some(0)).await).code(), "bad-claim");
    assert_eq!(code(world.open(BANK, Some(AMOUNT + 1)).await).code(), "bad-claim");
    let fee = NewClaim {
        voucher: over().voucher,
        obligation: 1,
        amount: None,
        evidence: document("no"),
    };
    let refused = world.at(BANK).open(fee, "fee", "a teller").await;
    assert_eq!(code(refused).code(), "no-such-obligation");

    // Refunds gave most of it back.
    world.chain.lock().unwrap().returned.insert(over(), AMOUNT - 10);
    assert!(matches!(
        world.open(BANK, Some(11)).await,
        Err(DisputeError::AbovePaid { left: 10 })
    ));
    world.chain.lock().unwrap().returned.insert(over(), AMOUNT);
    assert!(matches!(
        world.open(WITNESS, None).await,
        Err(DisputeError::AbovePaid { left: 0 })
    ));
    world.chain.lock().unwrap().returned.insert(over(), AMOUNT - 10);
    assert_eq!(
        world.open(BANK, None).await.unwrap().wanted,
        Some(10),
        "all that can go back"
    );

    let world = World::new().await;
    world.clock.pass(DISPUTE_PERIOD);
    assert_eq!(code(world.open(BANK, None).await).code(), "dispute-too-late");
    world.chain.lock().unwrap().retained.clear();
    assert_eq!(code(world.open(BANK, None).await).code(), "not-retained");
    assert_eq!(world.state(BANK).await, "unknown");
}

#[tokio::test]
async fn only_the_other_side_answers_and_once() {
    let world = World::new().await;
    assert!(matches!(world.answer(SHOP).await, Err(DisputeError::UnknownDispute(_))));
    world.open(BANK, None).await.unwrap();
    world.settle().await;
    for member in [BANK, WITNESS, NOTARY] {
        assert!(matches!(world.answer(member).await, Err(DisputeError::NotYoursToAnswer(by)) if by == member));
    }
    world.answer(SHOP).await.unwrap();
    // Before the chain shows it.
    let other = world
        .at(SHOP)
        .answer(over(), &document("another"), "other", "a teller")
        .await;
    assert!(matches!(other, Err(DisputeError::AlreadyAnswered { by: SHOP })));
    world.settle().await;
    let other = world
        .at(SHOP)
        .answer(over(), &document("another"), "other", "a teller")
        .await;
    assert!(matches!(other, Err(DisputeError::AlreadyAnswered { by: SHOP })));
    world.rule(Ruling::Uphold).unwrap();
    let late = world
        .at(SHOP)
        .answer(over(), &document("another"), "other", "a teller")
        .await;
    assert!(matches!(late, Err(DisputeError::AlreadyRuled)));
}

#[tokio::test]
async fn the_same_wish_again_is_the_same_dispute() {
    let world = World::new().await;
    let first = world.open(BANK, Some(60)).await.unwrap();
    assert_eq!(world.open(BANK, Some(60)).await.unwrap(), first, "the same key");
    let claim = |amount, text: &str| NewClaim {
        voucher: over().voucher,
        obligation: 0,
        amount: Some(amount),
        evidence: document(text),
    };
    let house = world.at(BANK);
    let same = house.open(claim(60, "it never came"), "another key", "a teller").await;
    assert_eq!(same.unwrap(), first, "the same claim");
    let other = house.open(claim(50, "it never came"), "more", "a teller").await;
    assert!(matches!(other, Err(DisputeError::AlreadyWanted)));
    world.settle().await;
    let late = house.open(claim(50, "it never came"), "late", "a teller").await;
    assert!(matches!(late, Err(DisputeError::AlreadyDisputed { claimant: BANK })));
    // Also when it is over: the key names the wish for good.
    assert_eq!(world.open(BANK, Some(60)).await.unwrap().over, first.over);
    assert_eq!(world.chain.lock().unwrap().disputes.len(), 1);
}

#[tokio::test]
async fn of_two_claims_over_one_obligation_the_first_on_chain_counts_and_the_other_one_answers() {
    let world = World::new().await;
    world.open(BANK, Some(60)).await.unwrap();
    world.open(WITNESS, None).await.unwrap();
    world.at(WITNESS).round().await.unwrap();
    world.settle().await;
    let dispute = world.dispute().unwrap();
    assert_eq!((dispute.claimant, dispute.claim.amount), (WITNESS, AMOUNT));
    assert_eq!(world.state(BANK).await, "opened");
    world.answer(BANK).await.unwrap();
    world.settle().await;
    assert_eq!(world.dispute().unwrap().response.unwrap().member, BANK);
    assert_eq!(
        world.seen(SHOP).await.unwrap().answer,
        Some(document("here is the receipt"))
    );
    assert!(world.store(BANK).open_disputes().await.unwrap()[0].undone.is_empty());
}

#[tokio::test]
async fn a_letter_is_believed_of_the_chain_only() {
    let world = World::new().await;
    let letter = |text: &str| EvidenceLetter {
        voucher: over().voucher,
        obligation: 0,
        document: document(text),
    };
    let sent = |from: Member, text: &str| {
        let letter = letter(text);
        let house = world.at(SHOP);
        async move { house.on_evidence(from, letter).await }
    };
    assert!(matches!(
        sent(BANK, "it never came").await,
        Err(DisputeError::NotShown(_))
    ));
    world.net.down.lock().unwrap().push(SHOP);
    world.open(BANK, None).await.unwrap();
    world.settle().await;
    // Another document, or another one's.
    for (from, text) in [(BANK, "something else"), (WITNESS, "it never came")] {
        let refused = sent(from, text).await;
        assert!(matches!(refused, Err(DisputeError::WrongEvidence { .. })), "{text}");
    }
    assert_eq!(world.state(SHOP).await, "unknown");
    for _ in 0..2 {
        sent(BANK, "it never came").await.unwrap();
    }
    assert_eq!(world.seen(SHOP).await.unwrap().claim, Some(document("it never came")));
    let refused = world.at(STRANGER).on_evidence(BANK, letter("it never came")).await;
    assert!(matches!(refused, Err(DisputeError::NotConcerned(STRANGER))));
    let elsewhere = Over {
        obligation: 1,
        ..over()
    };
    assert!(world.at(SHOP).dispute(elsewhere).await.unwrap().is_none());
}
