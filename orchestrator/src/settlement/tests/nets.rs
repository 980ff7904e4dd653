//! Deferred net settlement: what is owed adds up in a window, and is paid when the notaries close it.
use protocol::{settlement::TransactionKind, VoucherId};

use super::world::{World, AMOUNT, FUNDS, HOME, NOTARY, ORIGINATOR, SAVINGS};
use crate::settlement::messages::RefusalCode;

const CAP: u128 = 2 * AMOUNT;

async fn states(world: &World, id: VoucherId) -> [&'static str; 3] {
    [
        world.state(ORIGINATOR, id).await,
        world.state(HOME, id).await,
        world.state(NOTARY, id).await,
    ]
}

#[tokio::test]
async fn a_user_gets_what_is_retained_and_the_banks_pay_when_the_window_is_closed() {
    let world = World::netting(CAP).await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    assert_eq!(states(&world, id).await, ["executed", "retained", "delivered"]);
    assert_eq!(world.store(ORIGINATOR).count("payouts").await, 1);
    assert_eq!(world.ledger.available(HOME), FUNDS, "nothing moved yet");
    assert_eq!(world.account().await, (SAVINGS, AMOUNT), "the user's money is on hold");

    assert_eq!(world.ledger.close_window(), []);
    world.settle().await;
    assert_eq!(states(&world, id).await, ["cleared"; 3]);
    assert_eq!(world.ledger.available(HOME), FUNDS - AMOUNT);
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS + AMOUNT);
    assert_eq!(world.account().await, (SAVINGS - AMOUNT, 0));
    assert_eq!(
        world.ledger.chain().calls,
        [format!("retain/{id}")],
        "nobody clears by itself"
    );
}

#[tokio::test]
async fn opposite_payments_cancel_out() {
    let world = World::netting(CAP).await;
    let there = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    let back = world.order(TransactionKind::CashDeposit).await;
    world.settle().await;
    assert_eq!(world.ledger.close_window(), []);
    world.settle().await;
    for id in [there, back] {
        assert_eq!(states(&world, id).await, ["cleared"; 3]);
    }
    assert_eq!(world.ledger.available(HOME), FUNDS);
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS);
    assert_eq!(world.account().await, (SAVINGS, 0));
}

#[tokio::test]
async fn a_net_payment_needs_no_balance_but_a_cap() {
    let world = World::netting(CAP).await;
    world.ledger.withdraw(HOME, FUNDS);
    let mut ids = vec![];
    for _ in 0..3 {
        ids.push(world.order(TransactionKind::Purchase).await);
        world.settle().await;
    }
    assert_eq!(world.state(ORIGINATOR, ids[1]).await, "executed");
    assert_eq!(
        world.state(ORIGINATOR, ids[2]).await,
        "refused",
        "two payments fill the cap"
    );
    let refused = world.house(ORIGINATOR).payment(ids[2]).await.unwrap().unwrap();
    assert_eq!(refused.refusal.unwrap().code, RefusalCode::NetDebitCapExceeded);

    // Money that comes the other way makes room in the same window.
    world.order(TransactionKind::CashDeposit).await;
    world.settle().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    assert_eq!(world.state(ORIGINATOR, id).await, "executed");
}

#[tokio::test]
async fn a_cap_that_is_full_at_the_retention_ends_the_payment_everywhere() {
    let world = World::netting(CAP).await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(NOTARY, id, "consented").await;
    world.ledger.set_cap(HOME, AMOUNT - 1);
    world.settle().await;
    let payment = world.house(NOTARY).payment(id).await.unwrap().unwrap();
    assert_eq!(payment.refusal.unwrap().code, RefusalCode::NetDebitCapExceeded);
    assert_eq!(world.store(ORIGINATOR).count("payouts").await, 0);
}

#[tokio::test]
async fn a_window_that_a_member_cannot_pay_waits_until_it_has_money() {
    let world = World::netting(CAP).await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    world.ledger.withdraw(HOME, FUNDS);
    assert_eq!(world.ledger.close_window(), [HOME]);
    world.settle().await;
    assert_eq!(states(&world, id).await, ["executed", "retained", "delivered"]);
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS);

    world.ledger.deposit(HOME, AMOUNT);
    assert_eq!(world.ledger.settle_window(0), []);
    world.settle().await;
    assert_eq!(states(&world, id).await, ["cleared"; 3]);
    assert_eq!(world.ledger.available(HOME), 0);
}

#[tokio::test]
async fn what_was_taken_out_of_a_window_is_paid_by_a_clearing_voucher_once_there_is_money() {
    let world = World::netting(CAP).await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    world.ledger.withdraw(HOME, FUNDS);
    assert_eq!(world.ledger.close_window(), [HOME]);
    world.ledger.take_out(id);
    assert_eq!(world.ledger.settle_window(0), [], "nothing is left in it");
    world.settle().await;
    assert_eq!(states(&world, id).await, ["executed", "discharge-signed", "delivered"]);

    world.ledger.deposit(HOME, FUNDS);
    world.settle().await;
    assert_eq!(states(&world, id).await, ["cleared"; 3]);
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS + AMOUNT);
    assert_eq!(world.account().await, (SAVINGS - AMOUNT, 0));
}

#[tokio::test]
async fn what_a_window_paid_can_be_paid_on() {
    let world = World::netting(CAP).await;
    world.order(TransactionKind::Purchase).await;
    world.settle().await;
    assert_eq!(world.ledger.close_window(), []);
    // The originator's last credit is the window now: its clearing voucher names that as the source.
    let next = world.order(TransactionKind::CashDeposit).await;
    world.settle().await;
    world.ledger.close_window();
    let last = world.order(TransactionKind::CashDeposit).await;
    world.settle().await;
    world.ledger.withdraw(ORIGINATOR, FUNDS);
    assert_eq!(world.ledger.close_window(), [ORIGINATOR]);
    world.ledger.take_out(last);
    world.ledger.deposit(ORIGINATOR, AMOUNT);
    world.settle().await;
    for id in [next, last] {
        assert_eq!(states(&world, id).await, ["cleared"; 3]);
    }
}

#[tokio::test]
async fn restarts_at_any_time_settle_net_payments_once() {
    for member in [ORIGINATOR, HOME, NOTARY] {
        let mut world = World::netting(CAP).await;
        let id = world.order(TransactionKind::Purchase).await;
        world.settle().await;
        world.restart(member);
        world.settle().await;
        world.ledger.close_window();
        world.restart(member);
        world.settle().await;
        assert_eq!(states(&world, id).await, ["cleared"; 3]);
        assert_eq!(world.store(ORIGINATOR).count("payouts").await, 1);
        assert_eq!(world.store(HOME).count("account_entries").await, 1);
    }
}
