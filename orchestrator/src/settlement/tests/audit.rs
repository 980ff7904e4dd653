//! Users' limits and eligibility, and what the ledger says of the institutions involved (S0.1).
use protocol::{
    clearing::Balance, fees::Service, settlement::TransactionKind, windows::Position, Amount, Member, VoucherId,
};

use super::world::{World, AMOUNT, HOME, LIFETIME, NOTARY, ORIGINATOR, SAVINGS};
use crate::settlement::{
    cover::{covers, has_headroom},
    messages::RefusalCode,
};

const DAY: u64 = 24 * 60 * 60 * 1_000;

async fn code(world: &World, id: VoucherId) -> Option<RefusalCode> {
    let payment = world.house(HOME).payment(id).await.unwrap().unwrap();
    payment.refusal.map(|refusal| refusal.code)
}

#[tokio::test]
async fn what_a_user_pays_in_a_day_stays_within_its_limit_and_the_next_day_counts_anew() {
    let world = World::new().await;
    world.change_user(|user| user.daily_limit = Some(2 * AMOUNT)).await;
    for expected in [None, None, Some(RefusalCode::AboveDailyLimit)] {
        let id = world.order(TransactionKind::Purchase).await;
        world.settle().await;
        assert_eq!(code(&world, id).await, expected);
    }
    world.clock.pass(DAY);
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "cleared");
    assert_eq!(world.account().await, (SAVINGS - 3 * AMOUNT, 0));
}

#[tokio::test]
async fn payments_that_come_together_can_not_exceed_the_daily_limit_together() {
    let world = World::new().await;
    world.change_user(|user| user.daily_limit = Some(2 * AMOUNT)).await;
    let orders = (0..4).map(|_| world.order(TransactionKind::Purchase));
    let ids = futures::future::join_all(orders).await;
    // Every one of them is confirmed or refused before the first is settled.
    let turns = ids.iter().map(|id| {
        let originator = world.house(ORIGINATOR);
        async move { originator.turn(*id).await.is_ok() }
    });
    assert!(futures::future::join_all(turns).await.iter().all(|done| *done));
    assert_eq!(world.account().await, (SAVINGS, 2 * AMOUNT));
    world.settle().await;
    let mut codes = Vec::new();
    for id in ids {
        codes.extend(code(&world, id).await);
    }
    assert_eq!(codes, [RefusalCode::AboveDailyLimit; 2]);
    assert_eq!(world.account().await, (SAVINGS - 2 * AMOUNT, 0));
}

#[tokio::test]
async fn what_was_given_back_does_not_count_for_the_day() {
    let mut world = World::new().await;
    world.change_user(|user| user.daily_limit = Some(AMOUNT)).await;
    world.stop(NOTARY);
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    world.clock.pass(LIFETIME);
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "expired");
    world.start(NOTARY);
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "cleared");
    assert_eq!(world.account().await, (SAVINGS - AMOUNT, 0));
}

#[tokio::test]
async fn money_that_a_user_gets_does_not_count_for_its_day() {
    let world = World::new().await;
    world.change_user(|user| user.daily_limit = Some(0)).await;
    let id = world.order(TransactionKind::CashDeposit).await;
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::CashDeposit).await;
}

#[tokio::test]
async fn a_user_may_use_the_kinds_that_it_is_eligible_for_and_no_other() {
    let world = World::new().await;
    world
        .change_user(|user| user.services = Some(vec![Service::Purchase, Service::CashDeposit]))
        .await;
    for (kind, expected) in [
        (TransactionKind::Purchase, None),
        (TransactionKind::CashDeposit, None),
        (TransactionKind::CashWithdrawal, Some(RefusalCode::UserNotEligible)),
    ] {
        let id = world.order(kind).await;
        world.settle().await;
        assert_eq!(code(&world, id).await, expected, "{kind:?}");
    }
}

#[test]
fn a_gross_payment_is_covered_by_what_can_be_spent() {
    let balance = |available, owed| Balance {
        available,
        owed,
        ..Balance::default()
    };
    for (available, owed, amount, is_covered) in [
        (100, 0, 100, true),
        (100, 0, 101, false),
        (100, 1, 100, false),
        (100, 1, 99, true),
        (Amount::MAX, 0, Amount::MAX, true),
    ] {
        let verdict = covers(Member(1), &balance(available, owed), amount);
        let code = verdict.err().map(|(code, _)| code);
        let expected = (!is_covered).then_some(RefusalCode::InsufficientSettlementBalance);
        assert_eq!(code, expected, "{available} {owed} {amount}");
    }
}

#[test]
fn a_net_payment_is_covered_by_the_caps_headroom() {
    let balance = |cap, unsettled| Balance {
        cap,
        unsettled,
        ..Balance::default()
    };
    let position = |owes, owed| Position { owes, owed };
    for (cap, unsettled, before, change, is_covered) in [
        (100, 0, position(0, 0), position(100, 0), true),
        (100, 0, position(0, 0), position(101, 0), false),
        (100, 1, position(0, 0), position(100, 0), false),
        (100, 0, position(60, 0), position(41, 0), false),
        (100, 0, position(60, 50), position(90, 0), true),
        // Who is owed more than it owes needs no headroom, even above its cap.
        (0, 50, position(0, 40), position(40, 0), true),
        (0, 50, position(0, 40), position(41, 0), false),
        // What comes in with the same payment counts.
        (10, 0, position(0, 0), position(30, 20), true),
        (Amount::MAX, 0, position(Amount::MAX, 0), position(Amount::MAX, 0), true),
    ] {
        let verdict = has_headroom(Member(1), &balance(cap, unsettled), before, change);
        let code = verdict.err().map(|(code, _)| code);
        let expected = (!is_covered).then_some(RefusalCode::NetDebitCapExceeded);
        assert_eq!(code, expected, "{cap} {unsettled} {before:?} {change:?}");
    }
}
