//! Payments that more institutions than originator and home have a say in.
use protocol::{
    registry::Status,
    settlement::{TransactionKind, Voucher},
    Member, VoucherId,
};

use super::{
    network::{Loss, Message},
    world::{World, AMOUNT, BENEFICIARY, BYSTANDER, FUNDS, HOME, LIFETIME, NOTARY, ORIGINATOR, SAVINGS, USER},
};
use crate::settlement::{
    messages::{
        voucher_payload, Answer, PaymentRequest, Proposal, RefusalCode, RetentionVoucher, SignedPaymentRequest,
    },
    Payment,
};

const TRANSFER: TransactionKind = TransactionKind::CreditTransfer(BYSTANDER);

async fn order(world: &World, alter: impl FnOnce(&mut PaymentRequest)) -> Payment {
    let mut request = world.request(TRANSFER);
    alter(&mut request);
    let request: SignedPaymentRequest = world.signed(request);
    world.house(ORIGINATOR).request_payment(request).await.unwrap()
}

async fn refusal_code(world: &World, member: Member, id: VoucherId) -> RefusalCode {
    let payment = world.house(member).payment(id).await.unwrap().unwrap();
    payment.refusal.expect("is kept").code
}

#[tokio::test]
async fn a_credit_transfer_to_a_third_institution_settles_and_credits_the_beneficiary_once() {
    let world = World::new().await;
    let id = world.order(TRANSFER).await;
    world.settle().await;
    world.assert_settled_once(id, TRANSFER).await;
    let payment = world.house(BYSTANDER).payment(id).await.unwrap().unwrap();
    assert_eq!(payment.role.to_string(), "destination");
    let paper = payment.documents.iter().find(|paper| paper.kind == "retention-voucher");
    let kept: RetentionVoucher = paper.expect("is kept").read().unwrap();
    assert_eq!(kept.attestations.len(), 2);
    assert_eq!(kept.relation_signatures.len(), 4);
}

#[tokio::test]
async fn a_credit_transfer_to_the_originator_credits_its_user_once() {
    let kind = TransactionKind::CreditTransfer(ORIGINATOR);
    let world = World::new().await;
    let id = world.order(kind).await;
    world.settle().await;
    world.assert_settled_once(id, kind).await;
    assert_eq!(world.state(BYSTANDER, id).await, "unknown");
}

#[tokio::test]
async fn an_institution_that_is_only_named_has_to_agree_and_books_nothing() {
    let world = World::new().await;
    let mut request = world.request(TransactionKind::Purchase);
    request.others = vec![BYSTANDER, HOME, BYSTANDER];
    let request = world.signed(request);
    let id = world.house(ORIGINATOR).request_payment(request).await.unwrap().id;
    world.settle().await;
    world.assert_settled_once(id, TransactionKind::Purchase).await;
    assert_eq!(world.state(BYSTANDER, id).await, "cleared");
    assert_eq!(world.store(BYSTANDER).count("account_entries").await, 0);
}

#[tokio::test]
async fn the_beneficiary_is_credited_only_when_every_debtor_has_paid() {
    let world = World::new().await;
    let id = world.order(TRANSFER).await;
    world.settle_until(BYSTANDER, id, "retained").await;
    assert_eq!(world.account_of(BYSTANDER, BENEFICIARY).await, (0, 0));
    world.settle().await;
    world.assert_settled_once(id, TRANSFER).await;
}

#[tokio::test]
async fn the_payee_institution_refuses_a_beneficiary_that_it_does_not_know_or_has_blocked() {
    let world = World::new().await;
    let unknown = order(&world, |request| request.beneficiary = Some("nobody".into()))
        .await
        .id;
    world.settle().await;
    world.put_beneficiary(BYSTANDER, |user| user.blocked = true).await;
    let blocked = world.order(TRANSFER).await;
    world.settle().await;
    for (id, code) in [
        (unknown, RefusalCode::UnknownBeneficiary),
        (blocked, RefusalCode::BeneficiaryBlocked),
    ] {
        for member in [ORIGINATOR, BYSTANDER] {
            assert_eq!(world.state(member, id).await, "refused");
            assert_eq!(refusal_code(&world, member, id).await, code);
        }
        assert_eq!(world.state(NOTARY, id).await, "unknown");
    }
    // Where the home institution had agreed before the no came, it gives the money back when the voucher expires.
    let mut held = 0;
    for id in [unknown, blocked] {
        let state = world.state(HOME, id).await;
        assert!(["confirmed", "unknown"].contains(&state), "{state}");
        held += if state == "confirmed" { AMOUNT } else { 0 };
    }
    assert_eq!(world.account().await, (SAVINGS, held));
    world.clock.pass(LIFETIME);
    world.settle().await;
    world.assert_untouched().await;
}

#[tokio::test]
async fn the_originator_refuses_a_beneficiary_of_its_own_that_it_does_not_know() {
    let world = World::new().await;
    let payment = order(&world, |request| {
        request.kind = TransactionKind::CreditTransfer(ORIGINATOR);
        request.beneficiary = Some("nobody".into());
    })
    .await;
    assert!(payment.is_final);
    assert_eq!(payment.refusal.unwrap().code, RefusalCode::UnknownBeneficiary);
    world.settle().await;
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_destination_that_is_away_until_the_expiry_ends_the_payment_and_one_that_comes_back_settles_it() {
    for comes_back in [false, true] {
        let mut world = World::new().await;
        world.stop(BYSTANDER);
        let id = world.order(TRANSFER).await;
        world.settle().await;
        assert_eq!(world.state(ORIGINATOR, id).await, "audited");
        if comes_back {
            world.start(BYSTANDER);
            world.settle().await;
            world.assert_settled_once(id, TRANSFER).await;
        } else {
            world.clock.pass(LIFETIME);
            world.start(BYSTANDER);
            world.settle().await;
            assert_eq!(world.state(ORIGINATOR, id).await, "expired");
            assert_eq!(world.state(HOME, id).await, "expired");
            world.assert_untouched().await;
        }
    }
}

#[tokio::test]
async fn a_destination_whose_voucher_is_never_retained_lets_it_expire() {
    let mut world = World::new().await;
    let id = world.order(TRANSFER).await;
    world.settle_until(BYSTANDER, id, "confirmed").await;
    world.stop(NOTARY);
    world.clock.pass(LIFETIME);
    world.settle().await;
    for member in [ORIGINATOR, HOME, BYSTANDER] {
        assert_eq!(world.state(member, id).await, "expired");
    }
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_destination_that_consented_and_lost_every_message_since_asks_the_chain() {
    let mut world = World::new().await;
    let id = world.order(TRANSFER).await;
    world.network.lose(Message::RelationDraft, Loss::Answer);
    world.settle_until(NOTARY, id, "consented").await;
    world.stop(BYSTANDER);
    world.settle().await;
    world.clock.pass(10 * LIFETIME);
    world.ledger.seal();
    world.start(BYSTANDER);
    world.settle().await;
    world.assert_settled_once(id, TRANSFER).await;
}

#[tokio::test]
async fn a_suspended_destination_ends_the_payment() {
    let world = World::new().await;
    world.ledger.set_status(BYSTANDER, Status::Suspended);
    let payment = order(&world, |_| {}).await;
    assert_eq!(payment.refusal.unwrap().code, RefusalCode::InstitutionNotActive);
}

/// What an originator sends after it changed something; it signs anew.
async fn sent(world: &World, alter: impl FnOnce(&mut Proposal)) -> Proposal {
    let mut request = world.request(TRANSFER);
    request.nonce = [0xEE; 16];
    let request = world.signed(request);
    let voucher: Voucher = world.house(ORIGINATOR).write_voucher(&request).await.unwrap();
    let mut proposal = Proposal {
        request,
        epoch: world.domain().epoch,
        signature: protocol::Signature([0; 64]),
        voucher,
    };
    alter(&mut proposal);
    let payload = voucher_payload(&world.domain(), &proposal.voucher);
    proposal.signature = world.key(ORIGINATOR).sign(&payload);
    proposal
}

#[tokio::test]
async fn a_destination_refuses_a_voucher_that_asks_others_or_pays_another_than_the_user_wants() {
    let alterations: [fn(&mut Proposal); 4] = [
        |proposal| proposal.request.request.others = vec![Member(4)],
        |proposal| proposal.request.request.beneficiary = None,
        |proposal| proposal.request.request.kind = TransactionKind::Purchase,
        |proposal| proposal.request.request.user = "another".into(),
    ];
    for alter in alterations {
        let world = World::new().await;
        let proposal = sent(&world, alter).await;
        for member in [BYSTANDER, HOME] {
            let answer = world.house(member).on_proposal(ORIGINATOR, proposal.clone()).await;
            let Ok(Answer::Refused(refusal)) = answer else {
                panic!("{answer:?}")
            };
            assert_eq!(refusal.code, RefusalCode::BadVoucher);
        }
        world.assert_untouched().await;
    }
}

#[tokio::test]
async fn a_destination_rejects_a_proposal_with_another_home_than_the_users() {
    let world = World::new().await;
    let proposal = sent(&world, |proposal| proposal.request.request.home = BYSTANDER).await;
    let fault = world.house(BYSTANDER).on_proposal(ORIGINATOR, proposal).await;
    assert_eq!(fault.unwrap_err().code(), "altered-content");
}

#[tokio::test]
async fn an_institutions_own_user_pays_one_of_another_institution() {
    for beside in [vec![], vec![HOME]] {
        let world = World::new().await;
        world.move_user(|_| {}).await;
        let payment = order(&world, |request| {
            request.home = ORIGINATOR;
            request.others = beside.clone();
        })
        .await;
        assert_eq!(world.account_of(ORIGINATOR, USER).await, (SAVINGS, AMOUNT));
        world.settle().await;
        world.assert_settled_once(payment.id, TRANSFER).await;
        assert_eq!(world.ledger.available(ORIGINATOR), FUNDS - AMOUNT);
    }
}

#[tokio::test]
async fn an_own_users_payment_settles_once_whoever_dies_after_any_step() {
    let mut world = World::new().await;
    world.move_user(|_| {}).await;
    let payment = order(&world, |request| request.home = ORIGINATOR).await;
    let mut idle = 0;
    while idle < 4 {
        idle = if world.round().await { 0 } else { idle + 1 };
        for member in [ORIGINATOR, BYSTANDER, NOTARY] {
            world.restart(member);
        }
    }
    world.assert_settled_once(payment.id, TRANSFER).await;
}

#[tokio::test]
async fn an_own_users_money_is_released_when_its_payment_is_refused_or_expires() {
    let mut world = World::new().await;
    world.move_user(|_| {}).await;
    let refused = order(&world, |request| {
        request.home = ORIGINATOR;
        request.beneficiary = Some("nobody".into());
    })
    .await;
    assert_eq!(world.account_of(ORIGINATOR, USER).await, (SAVINGS, AMOUNT));
    world.settle().await;
    assert_eq!(world.state(ORIGINATOR, refused.id).await, "refused");
    assert_eq!(world.account_of(ORIGINATOR, USER).await, (SAVINGS, 0));

    world.stop(BYSTANDER);
    let expired = order(&world, |request| request.home = ORIGINATOR).await;
    assert_eq!(world.account_of(ORIGINATOR, USER).await, (SAVINGS, AMOUNT));
    world.clock.pass(LIFETIME);
    world.settle().await;
    assert_eq!(world.state(ORIGINATOR, expired.id).await, "expired");
    assert_eq!(world.account_of(ORIGINATOR, USER).await, (SAVINGS, 0));
    world.assert_untouched().await;
}

#[tokio::test]
async fn an_own_users_request_is_audited_like_any_other_user() {
    type Change = fn(&mut crate::store::users::User);
    let cases: [(Change, RefusalCode); 5] = [
        (|user| user.blocked = true, RefusalCode::UserBlocked),
        (|user| user.limit = AMOUNT - 1, RefusalCode::AboveUserLimit),
        (|user| user.balance = AMOUNT - 1, RefusalCode::InsufficientFunds),
        (|user| user.public_key = [1; 32], RefusalCode::BadUserSignature),
        (|user| user.daily_limit = Some(AMOUNT - 1), RefusalCode::AboveDailyLimit),
    ];
    for (change, code) in cases {
        let world = World::new().await;
        world.move_user(change).await;
        let payment = order(&world, |request| request.home = ORIGINATOR).await;
        assert!(payment.is_final);
        assert_eq!(payment.refusal.unwrap().code, code);
        assert_eq!(world.store(ORIGINATOR).count("holds").await, 0);
        world.settle().await;
        assert_eq!(world.state(BYSTANDER, payment.id).await, "unknown");
    }
    let world = World::new().await;
    let payment = order(&world, |request| request.home = ORIGINATOR).await;
    assert_eq!(payment.refusal.unwrap().code, RefusalCode::UnknownUser);
}
