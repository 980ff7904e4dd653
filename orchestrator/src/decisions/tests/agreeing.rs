//! Who agrees to what, and what comes of it.
use protocol::{decisions::Decision, fees::MAX_FEE_RULES, Member, VoucherId};

use super::world::{cap, wish, World, BANK, FIRST, NOTARIES, SECOND, START, THIRD};
use crate::{
    decisions::{messages::Draft, DecisionError, Wish},
    store::Page,
};

#[tokio::test]
async fn what_two_of_three_notaries_agree_to_is_carried_out_once() {
    let world = World::new().await;
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    world.settle().await;
    assert_eq!(world.states(&row).await, ["agreed", "proposed", "proposed"]);
    assert_eq!(world.cap(), 0);

    let second = world.agree(SECOND, cap(500)).await.unwrap();
    assert_eq!(second.draft, row.draft, "it takes the proposal's expiry");
    world.settle().await;
    assert_eq!(world.states(&row).await, ["carried-out"; 3]);
    assert_eq!((world.cap(), world.taken()), (500, 1));
}

#[tokio::test]
async fn nobody_signs_what_nobody_there_agreed_to() {
    let world = World::new().await;
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    world.settle().await;
    for member in [SECOND, THIRD] {
        assert_eq!(world.at(member).signers(row.draft.id()).await.unwrap(), [FIRST]);
    }
    assert_eq!(world.at(FIRST).signers(row.draft.id()).await.unwrap(), [FIRST]);
    assert_eq!(world.taken(), 0);
}

#[tokio::test]
async fn all_notaries_may_submit_at_once() {
    let world = World::new().await;
    let mut rows = vec![];
    for member in NOTARIES {
        rows.push(world.agree(member, cap(500)).await.unwrap());
    }
    let [a, b, c] = NOTARIES.map(|member| world.at(member));
    let (a, b, c) = tokio::join!(a.round(), b.round(), c.round());
    a.and(b).and(c).unwrap();
    world.settle().await;
    assert_eq!(world.states(&rows[0]).await, ["carried-out"; 3]);
    assert_eq!(world.taken(), 1);
}

#[tokio::test]
async fn a_second_decision_of_the_same_number_waits_until_the_first_has_ended() {
    let world = World::new().await;
    let first = world.agree(FIRST, cap(500)).await.unwrap();
    let refused = world.agree(FIRST, cap(600)).await.unwrap_err();
    assert!(matches!(refused, DecisionError::Busy { id, .. } if id == first.draft.id()));

    // Expired: it can't be carried out any more.
    world.clock.pass(first.draft.expires_at - START);
    let second = world.agree(FIRST, cap(600)).await.unwrap();
    world.agree(SECOND, cap(600)).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(FIRST, &second).await, "carried-out");
    assert!(["expired", "overtaken"].contains(&world.state(FIRST, &first).await));

    // Done: the next number is free.
    let third = world.agree(FIRST, cap(700)).await.unwrap();
    assert_eq!(third.draft.number, second.draft.number + 1);
}

#[tokio::test]
async fn the_same_wish_again_is_the_same_decision() {
    let world = World::new().await;
    let house = world.at(FIRST);
    let row = house.agree(wish(cap(500)), Some("key"), "an operator").await.unwrap();
    assert_eq!(
        house.agree(wish(cap(500)), Some("key"), "an operator").await.unwrap(),
        row
    );
    assert_eq!(house.agree(wish(cap(500)), None, "another").await.unwrap(), row);
    world.agree(SECOND, cap(500)).await.unwrap();
    world.settle().await;
    // Also once it is carried out: the key names the wish for good.
    let again = house.agree(wish(cap(500)), Some("key"), "an operator").await.unwrap();
    assert_eq!(again.draft, row.draft);
    assert_eq!(world.taken(), 1);
}

#[tokio::test]
async fn of_two_decisions_with_one_number_the_other_is_overtaken() {
    let world = World::new().await;
    let lonely = world.agree(THIRD, cap(900)).await.unwrap();
    world.at(THIRD).round().await.unwrap();
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    world.agree(SECOND, cap(500)).await.unwrap();
    world.settle().await;
    assert_eq!(world.cap(), 500);
    assert_eq!(world.states(&row).await, ["carried-out"; 3]);
    assert_eq!(world.states(&lonely).await, ["overtaken"; 3]);
}

#[tokio::test]
async fn what_too_few_agree_to_expires_everywhere() {
    let world = World::new().await;
    let row = world.agree(FIRST, cap(500)).await.unwrap();
    world.settle().await;
    world.clock.pass(row.draft.expires_at - START);
    world.settle().await;
    assert_eq!(world.states(&row).await, ["expired"; 3]);
    let late = Wish {
        expires_at: Some(row.draft.expires_at),
        ..wish(cap(500))
    };
    let late = world.at(SECOND).agree(late, None, "an operator").await.unwrap_err();
    assert!(matches!(late, DecisionError::Expired { .. }));
}

#[tokio::test]
async fn what_the_contract_could_not_take_is_not_signed() {
    let world = World::new().await;
    let refused = |decision| world.agree(FIRST, decision);
    let rule = protocol::fees::FeeRule {
        service: protocol::fees::Service::Purchase,
        asset: protocol::settlement::Asset::Native,
        payee: protocol::fees::FeePayee::Originator,
        flat: 1,
        parts_per_million: 0,
        at_most: 1,
    };
    let error = refused(Decision::SetFees(vec![rule; MAX_FEE_RULES + 1]))
        .await
        .unwrap_err();
    assert!(matches!(error, DecisionError::TooManyRules { .. }));
    let stranger = Decision::SetCap {
        member: Member(99),
        asset: protocol::settlement::Asset::Native,
        cap: 1,
    };
    assert!(matches!(
        refused(stranger).await.unwrap_err(),
        DecisionError::UnknownMember(Member(99))
    ));
    let error = refused(Decision::CloseWindow(1)).await.unwrap_err();
    assert!(matches!(error, DecisionError::WrongWindow { open: 0 }));
    let take_out = |vouchers| Decision::TakeOut { window: 0, vouchers };
    let error = refused(take_out(vec![])).await.unwrap_err();
    assert!(matches!(error, DecisionError::VoucherCount { .. }));
    let error = refused(take_out(vec![VoucherId([1; 32])])).await.unwrap_err();
    assert!(matches!(error, DecisionError::UnknownVoucher(_)));
    let ruling = Decision::Rule {
        voucher: VoucherId([1; 32]),
        obligation: 0,
        ruling: protocol::disputes::Ruling::Uphold,
    };
    assert!(matches!(
        refused(ruling).await.unwrap_err(),
        DecisionError::NoDispute { .. }
    ));
    let early = Wish {
        number: Some(1),
        ..wish(cap(5))
    };
    let error = world.at(FIRST).agree(early, None, "an operator").await.unwrap_err();
    assert!(matches!(error, DecisionError::WrongNumber { next: 0 }));
    assert!(world.at(FIRST).decisions(&Page::first(10)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_bank_neither_decides_nor_proposes() {
    let world = World::new().await;
    let bank = world.process(BANK, crate::store::Store::in_memory().await.unwrap());
    let error = bank.agree(wish(cap(5)), None, "an operator").await.unwrap_err();
    assert!(matches!(error, DecisionError::NotNotary(BANK)));
    let draft = Draft {
        decision: cap(5),
        number: 0,
        expires_at: START + 1,
    };
    let request = world.request(BANK, draft);
    let error = world.at(FIRST).on_approval_request(BANK, request).await.unwrap_err();
    assert_eq!(error.code(), "not-a-notary");
    assert!(world.at(FIRST).decisions(&Page::first(10)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_notary_that_proposes_without_end_is_not_listened_to() {
    let world = World::new().await;
    let propose = |cap_of| {
        let draft = Draft {
            decision: cap(cap_of),
            number: 0,
            expires_at: START + 1_000,
        };
        let request = world.request(THIRD, draft);
        let house = world.at(FIRST);
        async move { house.on_approval_request(THIRD, request).await }
    };
    for cap_of in 0..16 {
        propose(cap_of).await.unwrap();
    }
    let error = propose(16).await.unwrap_err();
    assert!(matches!(error, DecisionError::TooManyProposals { from: THIRD, .. }));
    // The others are.
    world.agree(SECOND, cap(500)).await.unwrap();
    world.agree(FIRST, cap(500)).await.unwrap();
    world.settle().await;
    assert_eq!(world.cap(), 500);
}

#[tokio::test]
async fn notaries_who_agree_to_the_same_for_different_times_sign_the_shorter() {
    let world = World::new().await;
    let until = |member, expires_at| {
        let wish = Wish {
            expires_at: Some(expires_at),
            ..wish(cap(500))
        };
        let house = world.at(member);
        async move { house.agree(wish, None, "an operator").await.unwrap() }
    };
    let longer = until(FIRST, START + 2_000).await;
    let shorter = until(SECOND, START + 1_000).await;
    assert_ne!(longer.draft, shorter.draft);
    world.at(FIRST).round().await.unwrap();
    assert_eq!(
        world.at(SECOND).signers(longer.draft.id()).await.unwrap(),
        [FIRST],
        "not the longer"
    );
    world.settle().await;
    assert_eq!(world.state(SECOND, &shorter).await, "carried-out");
    assert_eq!((world.cap(), world.taken()), (500, 1));
}
