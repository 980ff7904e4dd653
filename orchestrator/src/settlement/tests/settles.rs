//! Payments that nothing stands in the way of.
use protocol::{
    settlement::{TransactionKind, VoucherFault},
    Member, VoucherId,
};

use super::world::{World, BYSTANDER, FUNDS, HOME, LIFETIME, NOTARY, ORIGINATOR, SAVINGS};
use crate::{
    settlement::messages::{PaymentRequest, RefusalCode, RetentionVoucher, SignedPaymentRequest},
    settlement::SettlementError,
    store::{listing::PaymentFilter, Page},
};

#[tokio::test]
async fn a_purchase_moves_exactly_the_amount_from_the_home_institution_to_the_originator() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}

#[tokio::test]
async fn a_cash_deposit_moves_exactly_the_amount_from_the_originator_to_the_home_institution() {
    let world = World::new().await;
    let id = world.order(TransactionKind::CashDeposit).await;
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::CashDeposit).await;
}

#[tokio::test]
async fn cash_and_securities_are_owed_by_the_home_institution() {
    for kind in [TransactionKind::CashWithdrawal, TransactionKind::SecuritiesTransfer] {
        let world = World::new().await;
        let id = world.order(kind).await;
        world.settle().await;
        world.assert_settled_once(id, kind).await;
    }
}

#[tokio::test]
async fn the_originator_delivers_only_what_the_finalized_chain_retains() {
    let world = World::new().await;
    world.ledger.hold_finality();
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    assert_eq!(world.state(NOTARY, id).await, "consented");
    assert_eq!(world.state(ORIGINATOR, id).await, "confirmed");
    assert_eq!(world.store(ORIGINATOR).count("payouts").await, 0);

    world.ledger.finalize();
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}

#[tokio::test]
async fn what_the_user_was_paid_from_can_be_paid_on() {
    let world = World::new().await;
    let first = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    // The originator's last credit is the first payment now: it names that as its source.
    let second = world.order(TransactionKind::CashDeposit).await;
    world.settle().await;
    for id in [first, second] {
        assert_eq!(world.state(ORIGINATOR, id).await, "cleared");
    }
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS);
    assert_eq!(world.ledger.available(HOME), FUNDS);
    assert_eq!(world.account().await, (SAVINGS, 0));
}

#[tokio::test]
async fn the_same_request_again_is_the_same_payment() {
    let world = World::new().await;
    let request = world.signed(world.request(TransactionKind::Purchase));
    let originator = world.house(ORIGINATOR);
    let (first, second) = tokio::join!(
        originator.request_payment(request.clone()),
        originator.request_payment(request.clone())
    );
    let id = first.unwrap().id;
    assert_eq!(second.unwrap().id, id);
    world.settle().await;
    assert_eq!(originator.request_payment(request).await.unwrap().id, id);
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}

#[tokio::test]
async fn money_on_hold_is_not_spent_twice() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let mut request = world.request(TransactionKind::Purchase);
        request.amount = SAVINGS / 2;
        let request = world.signed(request);
        ids.push(world.house(ORIGINATOR).request_payment(request).await.unwrap().id);
    }
    world.settle().await;
    let mut states = Vec::new();
    for id in ids {
        states.push(world.state(HOME, id).await);
    }
    states.sort_unstable();
    assert_eq!(states, ["cleared", "cleared", "refused"]);
    assert_eq!(world.account().await, (0, 0));
    assert_eq!(world.ledger.available(HOME), FUNDS - SAVINGS);
}

#[tokio::test]
async fn a_debit_whose_hold_is_gone_waits_for_a_person() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(HOME, id, "confirmed").await;
    let query = "UPDATE holds SET state = 'released'";
    sqlx::query(query).execute(&world.store(HOME).pool).await.unwrap();
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "discharge-signed");
    assert_eq!(world.account().await, (SAVINGS, 0));

    let query = "UPDATE holds SET state = 'placed'";
    sqlx::query(query).execute(&world.store(HOME).pool).await.unwrap();
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}

#[tokio::test]
async fn every_party_keeps_the_evidence() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    for member in [ORIGINATOR, HOME, NOTARY] {
        let payment = world.house(member).payment(id).await.unwrap().unwrap();
        let paper = payment.documents.iter().find(|paper| paper.kind == "retention-voucher");
        let kept: RetentionVoucher = paper.expect("is kept").read().unwrap();
        assert_eq!(kept.relation_signatures.len(), 3);
        assert_eq!(payment.relation, Some(kept.relation.id()));
        assert_eq!(payment.retained_in, Some(kept.retained_in));
        assert!(payment.cleared_in > payment.retained_in);
        assert_eq!(payment.history.last().unwrap().state, payment.state);
    }
    let listed = world
        .house(HOME)
        .payments(&PaymentFilter::default(), &Page::first(10))
        .await;
    assert_eq!(listed.unwrap().len(), 1);
}

#[tokio::test]
async fn a_refund_gives_a_purchase_back() {
    let world = World::new().await;
    let purchase = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    let refund = world.order(TransactionKind::Refund(purchase)).await;
    world.settle().await;
    for member in [ORIGINATOR, HOME, NOTARY] {
        assert_eq!(world.state(member, refund).await, "cleared");
    }
    assert_eq!(world.ledger.available(ORIGINATOR), FUNDS);
    assert_eq!(world.ledger.available(HOME), FUNDS);
    assert_eq!(world.account().await, (SAVINGS, 0));
}

#[tokio::test]
async fn a_refund_of_what_was_never_retained_is_refused() {
    let world = World::new().await;
    let refund = world.order(TransactionKind::Refund(VoucherId([7; 32]))).await;
    world.settle().await;
    let payment = world.house(ORIGINATOR).payment(refund).await.unwrap().unwrap();
    assert_eq!(payment.refusal.unwrap().code, RefusalCode::BadRelation);
    world.clock.pass(LIFETIME);
    world.ledger.seal();
    world.settle().await;
    world.assert_untouched().await;
}

#[tokio::test]
async fn an_impossible_request_is_an_error_and_leaves_no_trace() {
    let world = World::new().await;
    let before = world.snapshot().await;
    let ask = |change: fn(&mut PaymentRequest)| {
        let mut request = world.request(TransactionKind::Purchase);
        change(&mut request);
        let request: SignedPaymentRequest = world.signed(request);
        let originator = world.house(ORIGINATOR);
        async move { originator.request_payment(request).await.unwrap_err() }
    };
    let error = ask(|request| request.originator = HOME).await;
    assert!(matches!(error, SettlementError::NotOriginator { .. }));
    let error = ask(|request| request.home = ORIGINATOR).await;
    assert!(matches!(error, SettlementError::OwnUser));
    for payee in [HOME, ORIGINATOR] {
        // Nobody pays itself, wherever it asks for it.
        let mut request = world.request(TransactionKind::CreditTransfer(payee));
        request.home = payee;
        let asked = world.house(ORIGINATOR).request_payment(world.signed(request)).await;
        let error = asked.unwrap_err();
        let expected = if payee == HOME { "OneInstitution" } else { "OwnUser" };
        assert!(format!("{error:?}").contains(expected), "{error:?}");
    }
    let error = ask(|request| request.beneficiary = Some("0815".into())).await;
    assert!(matches!(error, SettlementError::BadBeneficiary));
    let error = ask(|request| request.kind = TransactionKind::CreditTransfer(BYSTANDER)).await;
    assert!(matches!(error, SettlementError::BadBeneficiary));
    let error = ask(|request| request.others = (10..20).map(Member).collect()).await;
    assert!(matches!(
        error,
        SettlementError::BadVoucher(VoucherFault::TooManyParties)
    ));
    let error = ask(|request| request.amount = 0).await;
    assert!(matches!(error, SettlementError::ZeroAmount));
    let error = ask(|request| request.user = String::new()).await;
    assert!(matches!(error, SettlementError::BadUserNumber));
    let error = ask(|request| request.user = "1".repeat(65)).await;
    assert!(matches!(error, SettlementError::BadUserNumber));
    assert_eq!(world.snapshot().await, before);
}
