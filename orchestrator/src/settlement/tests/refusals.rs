//! Payments that somebody refuses, and says why with a signature.
use protocol::{
    registry::{Roles, Status},
    settlement::{TransactionKind, Voucher},
    AccountId, Amount, Member, VoucherId,
};

use super::{
    network::Message,
    world::{World, AMOUNT, FUNDS, HOME, LIFETIME, LIMIT, NOTARY, ORIGINATOR, SAVINGS},
};
use crate::{
    identity::verify,
    settlement::messages::{PaymentRequest, Refusal, RefusalCode, SignedPaymentRequest},
    store::users::User,
};

/// The refusal as this institution keeps it, with its signature verified.
async fn refusal(world: &World, member: Member, id: VoucherId, by: Member) -> Refusal {
    assert_eq!(world.state(member, id).await, "refused");
    let payment = world.house(member).payment(id).await.unwrap().unwrap();
    let refusal = payment.refusal.expect("is kept");
    assert_eq!(refusal.signed.member, by);
    let payload = Refusal::payload(&world.domain(), &id, refusal.code, &refusal.detail, refusal.refused_at);
    assert!(verify(&world.key(by).public(), &payload, &refusal.signed.signature));
    refusal
}

/// The home institution refuses, both banks keep its signed reason, and nothing moves.
async fn is_refused_at_home(
    change: impl FnOnce(&mut User),
    ask: impl FnOnce(&World, PaymentRequest) -> SignedPaymentRequest,
    code: RefusalCode,
) {
    let world = World::new().await;
    world.change_user(change).await;
    let request = ask(&world, world.request(TransactionKind::Purchase));
    let originator = world.house(ORIGINATOR);
    let id = originator.request_payment(request.clone()).await.unwrap().id;
    world.settle().await;
    let kept = refusal(&world, HOME, id, HOME).await;
    assert_eq!(kept.code, code);
    assert_eq!(refusal(&world, ORIGINATOR, id, HOME).await, kept);
    assert_eq!(world.state(NOTARY, id).await, "unknown");
    assert_eq!(world.store(HOME).count("holds").await, 0);
    assert_eq!(world.ledger.chain().calls, [""; 0]);

    // Asked again, the answer is the same one.
    let before = world.snapshot().await;
    let again = originator.request_payment(request).await.unwrap();
    assert_eq!((again.id, again.refusal), (id, Some(kept)));
    world.settle().await;
    assert_eq!(world.snapshot().await, before);
}

fn as_it_is(world: &World, request: PaymentRequest) -> SignedPaymentRequest {
    world.signed(request)
}

#[tokio::test]
async fn an_unknown_user_is_refused() {
    let ask = |world: &World, mut request: PaymentRequest| {
        request.user = "nobody".into();
        world.signed(request)
    };
    is_refused_at_home(|_| {}, ask, RefusalCode::UnknownUser).await;
}

#[tokio::test]
async fn a_user_with_another_wallet_is_refused() {
    let moved = |user: &mut User| user.wallet = AccountId([0x44; 32]);
    is_refused_at_home(moved, as_it_is, RefusalCode::UnknownUser).await;
}

#[tokio::test]
async fn a_blocked_user_is_refused() {
    is_refused_at_home(|user| user.blocked = true, as_it_is, RefusalCode::UserBlocked).await;
}

#[tokio::test]
async fn an_amount_above_the_users_limit_is_refused() {
    let ask = |world: &World, mut request: PaymentRequest| {
        request.amount = LIMIT + 1;
        world.signed(request)
    };
    is_refused_at_home(|_| {}, ask, RefusalCode::AboveUserLimit).await;
}

#[tokio::test]
async fn an_amount_above_what_is_on_the_account_is_refused() {
    let ask = |world: &World, mut request: PaymentRequest| {
        request.amount = SAVINGS + 1;
        world.signed(request)
    };
    let rich_limit = |user: &mut User| user.limit = Amount::MAX;
    is_refused_at_home(rich_limit, ask, RefusalCode::InsufficientFunds).await;
}

#[tokio::test]
async fn a_request_that_somebody_else_signed_is_refused() {
    let ask = |world: &World, request: PaymentRequest| {
        let mut signed = world.signed(request.clone());
        signed.signature = world
            .key(ORIGINATOR)
            .sign(&request.payload(world.domain().genesis, world.domain().contract));
        signed
    };
    is_refused_at_home(|_| {}, ask, RefusalCode::BadUserSignature).await;
}

#[tokio::test]
async fn a_request_signed_for_another_chain_or_contract_is_refused() {
    let elsewhere = |world: &World, request: PaymentRequest| {
        let signature = world.user_key.sign(&request.payload([0; 32], world.domain().contract));
        SignedPaymentRequest { request, signature }
    };
    is_refused_at_home(|_| {}, elsewhere, RefusalCode::BadUserSignature).await;
    let other_contract = |world: &World, request: PaymentRequest| {
        let signature = world
            .user_key
            .sign(&request.payload(world.domain().genesis, AccountId([0; 32])));
        SignedPaymentRequest { request, signature }
    };
    is_refused_at_home(|_| {}, other_contract, RefusalCode::BadUserSignature).await;
}

/// The originator's own audit refuses: nobody else hears of it.
async fn is_refused_by_the_audit(world: &World, request: PaymentRequest, code: RefusalCode) {
    let request = world.signed(request);
    let payment = world.house(ORIGINATOR).request_payment(request).await.unwrap();
    assert!(payment.is_final);
    assert_eq!(refusal(world, ORIGINATOR, payment.id, ORIGINATOR).await.code, code);
    world.settle().await;
    for member in [HOME, NOTARY] {
        assert_eq!(world.state(member, payment.id).await, "unknown");
    }
    world.assert_untouched().await;
}

#[tokio::test]
async fn the_audit_refuses_an_expired_request() {
    let world = World::new().await;
    let mut request = world.request(TransactionKind::Purchase);
    request.expires_at = request.expires_at.saturating_sub(LIFETIME);
    is_refused_by_the_audit(&world, request, RefusalCode::Expired).await;
}

#[tokio::test]
async fn the_audit_refuses_institutions_that_are_unknown_or_suspended_or_the_notary() {
    let world = World::new().await;
    let mut request = world.request(TransactionKind::Purchase);
    request.home = Member(99);
    is_refused_by_the_audit(&world, request, RefusalCode::InstitutionNotActive).await;
    for member in [HOME, NOTARY] {
        let world = World::new().await;
        world.ledger.set_status(member, Status::Suspended);
        let request = world.request(TransactionKind::Purchase);
        is_refused_by_the_audit(&world, request, RefusalCode::InstitutionNotActive).await;
    }
    for (roles, code) in [
        (Roles::NOTARY, RefusalCode::InstitutionNotActive),
        (Roles::NOTARY.with(Roles::PARTICIPANT), RefusalCode::BadVoucher),
    ] {
        let world = World::new().await;
        world.ledger.set_roles(NOTARY, roles);
        let mut request = world.request(TransactionKind::CashDeposit);
        request.home = NOTARY;
        is_refused_by_the_audit(&world, request, code).await;
    }
}

#[tokio::test]
async fn the_audit_refuses_a_debtor_without_funds() {
    let world = World::new().await;
    for kind in [TransactionKind::Purchase, TransactionKind::CashDeposit] {
        let mut request = world.request(kind);
        request.amount = FUNDS + 1;
        is_refused_by_the_audit(&world, request, RefusalCode::InsufficientSettlementBalance).await;
        let mut request = world.request(kind);
        request.amount = Amount::MAX;
        is_refused_by_the_audit(&world, request, RefusalCode::InsufficientSettlementBalance).await;
    }
}

#[tokio::test]
async fn the_notary_refuses_a_debtor_that_spent_its_funds_meanwhile() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(ORIGINATOR, id, "confirmed").await;
    world.ledger.withdraw(HOME, FUNDS - AMOUNT + 1);
    world.settle().await;
    let kept = refusal(&world, NOTARY, id, NOTARY).await;
    assert_eq!(kept.code, RefusalCode::InsufficientSettlementBalance);
    assert_eq!(refusal(&world, ORIGINATOR, id, NOTARY).await, kept);
    // The home institution signed nothing for the chain, and gives the hold back at the expiry.
    world.clock.pass(LIFETIME);
    world.settle().await;
    assert_eq!(world.state(HOME, id).await, "expired");
    assert_eq!(world.account().await, (SAVINGS, 0));
}

#[tokio::test]
async fn what_the_contract_refuses_is_refused_for_good_only_when_it_can_not_be_retained_any_more() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(NOTARY, id, "consented").await;
    world.ledger.withdraw(HOME, FUNDS - AMOUNT + 1);
    world.settle().await;
    let kept = refusal(&world, NOTARY, id, NOTARY).await;
    assert_eq!(kept.code, RefusalCode::InsufficientSettlementBalance);
    // The notary holds every signature that the chain asks for: its word alone doesn't end the payment.
    let payment = world.house(ORIGINATOR).payment(id).await.unwrap().unwrap();
    assert_eq!(
        (payment.state.as_str(), payment.refusal),
        ("confirmed", Some(kept.clone()))
    );
    assert_eq!(world.account().await, (SAVINGS, AMOUNT));

    world.clock.pass(LIFETIME);
    world.ledger.seal();
    world.settle().await;
    assert_eq!(refusal(&world, ORIGINATOR, id, NOTARY).await, kept);
    assert_eq!(world.state(HOME, id).await, "expired");
    assert_eq!(world.account().await, (SAVINGS, 0));
}

#[tokio::test]
async fn a_refusal_survives_a_restart() {
    let mut world = World::new().await;
    world.change_user(|user| user.blocked = true).await;
    let id = world.order(TransactionKind::Purchase).await;
    assert!(world.run_to(ORIGINATOR, "originator.audited.acted").await);
    world.restart(HOME);
    world.restart(ORIGINATOR);
    world.settle().await;
    assert_eq!(
        refusal(&world, ORIGINATOR, id, HOME).await.code,
        RefusalCode::UserBlocked
    );
    assert_eq!(world.store(HOME).count("payments").await, 1);
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_refusal_that_the_destination_did_not_sign_is_not_believed() {
    let world = World::new().await;
    world.change_user(|user| user.blocked = true).await;
    world.network.forge_answers(Message::Proposal, |answer| {
        answer["refused"]["code"] = "insufficient-funds".into()
    });
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    assert_eq!(world.state(ORIGINATOR, id).await, "audited");
    world.network.be_honest();
    world.settle().await;
    assert_eq!(
        refusal(&world, ORIGINATOR, id, HOME).await.code,
        RefusalCode::UserBlocked
    );
}

#[tokio::test]
async fn what_a_destination_rejects_as_wrong_ends_with_the_originators_own_refusal() {
    let world = World::new().await;
    let first = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    // The originator lost its database and asks again: the home institution knows the request.
    let request: SignedPaymentRequest = {
        let papers = world.store(ORIGINATOR).documents(first).await.unwrap();
        let paper = papers.iter().find(|paper| paper.kind == "payment-request").unwrap();
        paper.read().unwrap()
    };
    let store = crate::store::Store::in_memory().await.unwrap();
    let forgetful = world.assemble(ORIGINATOR, store.clone());
    let second = forgetful.request_payment(request).await.unwrap();
    assert_ne!(second.id, first);
    forgetful.turn(second.id).await.unwrap();
    let payment = forgetful.payment(second.id).await.unwrap().unwrap();
    assert_eq!(payment.refusal.unwrap().code, RefusalCode::RejectedByPeer);
    let voucher: Voucher = payment.voucher;
    assert_eq!(world.state(HOME, voucher.id()).await, "unknown");
    world.assert_settled_once(first, TransactionKind::Purchase).await;
}
