//! Fees: they follow from the schedule that the voucher names, and are owed and paid with the principal.
use protocol::{
    fees::{FeePayee, FeeRule, Service},
    settlement::{Asset, TransactionKind},
    Amount,
};

use super::world::{World, AMOUNT, FUNDS, HOME, NOTARY, ORIGINATOR};
use crate::settlement::messages::RefusalCode;

const FEE: Amount = 7;

fn fee_for(service: Service) -> Vec<FeeRule> {
    vec![FeeRule {
        service,
        asset: Asset::Native,
        payee: FeePayee::Originator,
        flat: FEE,
        parts_per_million: 0,
        at_most: FEE,
    }]
}

#[tokio::test]
async fn the_home_institution_pays_the_fee_with_the_principal_by_one_clearing_voucher() {
    let world = World::new().await;
    world.ledger.publish_fees(fee_for(Service::Purchase));
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    for member in [ORIGINATOR, HOME, NOTARY] {
        assert_eq!(world.state(member, id).await, "cleared");
    }
    assert_eq!(world.ledger.available(HOME), FUNDS - AMOUNT - FEE);
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS + AMOUNT + FEE);
    assert_eq!(
        world.ledger.chain().calls,
        [format!("retain/{id}"), format!("clear/{id}")]
    );
    let payment = world.house(HOME).payment(id).await.unwrap().unwrap();
    assert_eq!(payment.obligations.len(), 2);
    assert_eq!(payment.obligations[1].amount, FEE);
}

#[tokio::test]
async fn where_both_institutions_owe_each_signs_its_own_clearing_voucher() {
    let world = World::new().await;
    world.ledger.publish_fees(fee_for(Service::CashDeposit));
    let id = world.order(TransactionKind::CashDeposit).await;
    world.settle_until(ORIGINATOR, id, "executed").await;
    world.settle().await;
    for member in [ORIGINATOR, HOME, NOTARY] {
        assert_eq!(world.state(member, id).await, "cleared");
    }
    let chain = world.ledger.chain();
    let issuers = chain.retentions[&id].discharges.iter();
    let mut issuers: Vec<_> = issuers.map(|done| done.clearing_voucher.issuer).collect();
    issuers.sort_unstable();
    assert_eq!(issuers, [ORIGINATOR, HOME]);
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS - AMOUNT + FEE);
    assert_eq!(world.ledger.available(HOME), FUNDS + AMOUNT - FEE);
}

#[tokio::test]
async fn a_debtor_that_can_pay_the_principal_but_not_the_fee_is_not_taken() {
    let world = World::new().await;
    world.ledger.publish_fees(fee_for(Service::Purchase));
    world.ledger.withdraw(HOME, FUNDS - AMOUNT - FEE + 1);
    let id = world.order(TransactionKind::Purchase).await;
    let payment = world.house(ORIGINATOR).payment(id).await.unwrap().unwrap();
    assert_eq!(
        payment.refusal.unwrap().code,
        RefusalCode::InsufficientSettlementBalance
    );

    world.ledger.deposit(HOME, 1);
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "cleared");
    assert_eq!(world.ledger.available(HOME), 0);
}

#[tokio::test]
async fn a_debtor_of_nothing_but_a_fee_has_to_cover_that() {
    let world = World::new().await;
    world.ledger.publish_fees(fee_for(Service::CashDeposit));
    world.ledger.withdraw(HOME, FUNDS - FEE + 1);
    let id = world.order(TransactionKind::CashDeposit).await;
    let payment = world.house(ORIGINATOR).payment(id).await.unwrap().unwrap();
    assert_eq!(
        payment.refusal.unwrap().code,
        RefusalCode::InsufficientSettlementBalance
    );
}

#[tokio::test]
async fn a_payment_keeps_the_fees_that_it_was_co_signed_with() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(HOME, id, "confirmed").await;
    world.ledger.publish_fees(fee_for(Service::Purchase));
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "cleared");
    assert_eq!(world.ledger.available(HOME), FUNDS - AMOUNT);
}

#[tokio::test]
async fn fees_are_netted_with_the_principals() {
    let world = World::netting(2 * AMOUNT).await;
    world.ledger.publish_fees(fee_for(Service::Purchase));
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    assert_eq!(world.ledger.close_window(), []);
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "cleared");
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS + AMOUNT + FEE);
}

#[tokio::test]
async fn a_cap_has_to_cover_the_fee_too() {
    let world = World::netting(AMOUNT + FEE - 1).await;
    world.ledger.publish_fees(fee_for(Service::Purchase));
    let id = world.order(TransactionKind::Purchase).await;
    let payment = world.house(ORIGINATOR).payment(id).await.unwrap().unwrap();
    assert_eq!(payment.refusal.unwrap().code, RefusalCode::NetDebitCapExceeded);
}
