//! What an originator can send that it should not: to a home institution, and to a notary.
use protocol::{
    registry::Status,
    settlement::{Limit, TransactionKind, Voucher},
    signing::{Domain, MemberSignature},
    AccountId, Amount, Member, Signature,
};

use super::{
    network::Message,
    world::{World, AMOUNT, BYSTANDER, FUNDS, HOME, LIFETIME, NOBODY, NOTARY, ORIGINATOR},
};
use crate::{
    settlement::{
        messages::{voucher_payload, Answer, Proposal, RefusalCode, RetentionProgress, RetentionRequest},
        Fault,
    },
    store::Store,
};

fn resign(world: &World, proposal: &mut Proposal) {
    let payload = voucher_payload(&world.domain(), &proposal.voucher);
    proposal.signature = world.key(proposal.voucher.originator).sign(&payload);
    proposal.epoch = world.domain().epoch;
}

/// A proposal as an honest originator would send it, and hasn't.
async fn proposal(world: &World) -> Proposal {
    let request = world.signed(world.request(TransactionKind::Purchase));
    let originator = world.house(ORIGINATOR);
    let mut request = request;
    request.request.nonce = [0xEE; 16];
    let request = world.signed(request.request);
    let voucher = originator.write_voucher(&request).await.unwrap();
    let mut proposal = Proposal {
        request,
        voucher,
        epoch: 0,
        signature: Signature([0; 64]),
    };
    resign(world, &mut proposal);
    proposal
}

/// The home institution rejects it with this code, and nothing changes anywhere.
async fn rejects(world: &World, from: Member, proposal: Proposal, code: &str) {
    let before = world.snapshot().await;
    let fault = world.house(HOME).on_proposal(from, proposal).await.unwrap_err();
    assert_eq!(fault.code(), code, "{fault}");
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn a_voucher_altered_after_signing_is_rejected() {
    let world = World::new().await;
    let alterations: [fn(&mut Voucher); 5] = [
        |voucher| voucher.amount -= 1,
        |voucher| voucher.limit = Limit::PerDay(Amount::MAX),
        |voucher| voucher.wallet = AccountId([0x55; 32]),
        |voucher| voucher.expires_at += 1,
        |voucher| voucher.kind = TransactionKind::CashDeposit,
    ];
    for alter in alterations {
        let mut altered = proposal(&world).await;
        alter(&mut altered.voucher);
        rejects(&world, ORIGINATOR, altered, "bad-signature").await;
    }
}

#[tokio::test]
async fn another_members_signature_is_rejected() {
    let world = World::new().await;
    let mut forged = proposal(&world).await;
    let payload = voucher_payload(&world.domain(), &forged.voucher);
    forged.signature = world.key(BYSTANDER).sign(&payload);
    rejects(&world, ORIGINATOR, forged, "bad-signature").await;
    rejects(&world, BYSTANDER, proposal(&world).await, "not-originator").await;
}

#[tokio::test]
async fn a_signature_for_another_chain_contract_or_epoch_is_rejected() {
    let world = World::new().await;
    let here = world.domain();
    let elsewhere = [
        Domain {
            genesis: [0; 32],
            ..here
        },
        Domain {
            contract: AccountId([0; 32]),
            ..here
        },
        Domain {
            epoch: here.epoch - 1,
            ..here
        },
    ];
    for domain in elsewhere {
        let mut foreign = proposal(&world).await;
        foreign.signature = world.key(ORIGINATOR).sign(&voucher_payload(&domain, &foreign.voucher));
        rejects(&world, ORIGINATOR, foreign, "bad-signature").await;
    }
    let mut stale = proposal(&world).await;
    stale.epoch -= 1;
    rejects(&world, ORIGINATOR, stale, "wrong-epoch").await;
}

#[tokio::test]
async fn an_expired_voucher_is_rejected() {
    let world = World::new().await;
    let late = proposal(&world).await;
    world.clock.pass(LIFETIME);
    rejects(&world, ORIGINATOR, late, "expired").await;
}

#[tokio::test]
async fn amount_zero_and_an_amount_above_its_limit_are_rejected() {
    let world = World::new().await;
    for amount in [0, Amount::MAX] {
        let mut wrong = proposal(&world).await;
        wrong.voucher.amount = amount;
        resign(&world, &mut wrong);
        rejects(&world, ORIGINATOR, wrong, "bad-voucher").await;
    }
}

#[tokio::test]
async fn the_greatest_amount_is_refused_and_puts_nothing_on_hold() {
    for limit in [AMOUNT, Amount::MAX] {
        let world = World::new().await;
        world.change_user(|user| user.limit = limit).await;
        let mut greedy = proposal(&world).await;
        greedy.request.request.amount = Amount::MAX;
        greedy.request = world.signed(greedy.request.request);
        greedy.voucher.amount = Amount::MAX;
        greedy.voucher.limit = Limit::PerTransaction(Amount::MAX);
        resign(&world, &mut greedy);
        let answer = world.house(HOME).on_proposal(ORIGINATOR, greedy).await.unwrap();
        let Answer::Refused(refusal) = answer else {
            panic!("confirmed {}", Amount::MAX)
        };
        let expected = if limit == AMOUNT {
            RefusalCode::AboveUserLimit
        } else {
            RefusalCode::InsufficientFunds
        };
        assert_eq!(refusal.code, expected);
        assert_eq!(world.store(HOME).count("holds").await, 0);
        world.assert_untouched().await;
    }
}

#[tokio::test]
async fn unknown_and_suspended_members_are_rejected() {
    let world = World::new().await;
    let mut unknown = proposal(&world).await;
    unknown.voucher.originator = NOBODY;
    unknown.request.request.originator = NOBODY;
    rejects(&world, NOBODY, unknown, "unknown-member").await;

    let mut with_unknown = proposal(&world).await;
    with_unknown.voucher.others = vec![NOBODY];
    resign(&world, &mut with_unknown);
    rejects(&world, ORIGINATOR, with_unknown, "unknown-member").await;

    let mut with_notary = proposal(&world).await;
    with_notary.voucher.others = vec![NOTARY];
    resign(&world, &mut with_notary);
    rejects(&world, ORIGINATOR, with_notary, "not-a-participant").await;

    for member in [ORIGINATOR, BYSTANDER] {
        let world = World::new().await;
        world.ledger.set_status(member, Status::Suspended);
        let mut suspended = proposal(&world).await;
        suspended.voucher.others = vec![BYSTANDER];
        resign(&world, &mut suspended);
        rejects(&world, ORIGINATOR, suspended, "member-not-active").await;
    }
}

#[tokio::test]
async fn a_request_that_is_not_the_senders_or_not_for_this_institution_is_rejected() {
    let world = World::new().await;
    let mut stolen = proposal(&world).await;
    stolen.voucher.originator = BYSTANDER;
    resign(&world, &mut stolen);
    rejects(&world, BYSTANDER, stolen, "altered-content").await;

    let mut misdirected = proposal(&world).await;
    misdirected.voucher.home = BYSTANDER;
    resign(&world, &mut misdirected);
    rejects(&world, ORIGINATOR, misdirected, "not-addressee").await;
}

#[tokio::test]
async fn a_voucher_that_is_not_what_the_user_asked_for_is_refused() {
    let world = World::new().await;
    let mut other = proposal(&world).await;
    other.voucher.amount = AMOUNT - 1;
    resign(&world, &mut other);
    let answer = world.house(HOME).on_proposal(ORIGINATOR, other).await.unwrap();
    assert!(matches!(answer, Answer::Refused(refusal) if refusal.code == RefusalCode::BadVoucher));
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_replayed_proposal_gets_the_same_answer_and_no_second_hold() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle_until(ORIGINATOR, id, "confirmed").await;
    let sent: Proposal = world.network.latest(Message::Proposal);
    let before = world.snapshot().await;
    let home = world.house(HOME);
    let first = home.on_proposal(ORIGINATOR, sent.clone()).await.unwrap();
    let (second, third) = tokio::join!(
        home.on_proposal(ORIGINATOR, sent.clone()),
        home.on_proposal(ORIGINATOR, sent.clone())
    );
    assert_eq!(first, second.unwrap());
    assert_eq!(first, third.unwrap());
    assert_eq!(world.snapshot().await, before);

    // Another voucher for the same request would take the user's money twice.
    let mut twin = sent.clone();
    twin.voucher.sequence += 1;
    resign(&world, &mut twin);
    rejects(&world, ORIGINATOR, twin, "request-used").await;

    world.settle().await;
    let before = world.snapshot().await;
    assert_eq!(home.on_proposal(ORIGINATOR, sent).await.unwrap(), first);
    world.settle().await;
    assert_eq!(world.snapshot().await, before);
    world.assert_settled_once(id, TransactionKind::Purchase).await;
}

/// A request for retention with both banks' signatures, which the notary hasn't seen.
async fn retention_request(world: &World) -> RetentionRequest {
    let voucher = proposal(world).await.voucher;
    co_signed(world, voucher)
}

fn co_signed(world: &World, voucher: Voucher) -> RetentionRequest {
    let payload = voucher_payload(&world.domain(), &voucher);
    let sign = |member: &Member| MemberSignature {
        member: *member,
        signature: world.key(*member).sign(&payload),
    };
    RetentionRequest {
        signatures: voucher.parties().iter().map(sign).collect(),
        epoch: world.domain().epoch,
        voucher,
    }
}

async fn notary_rejects(world: &World, from: Member, request: RetentionRequest, code: &str) {
    let before = world.snapshot().await;
    let fault: Fault = world
        .house(NOTARY)
        .on_retention_request(from, request)
        .await
        .unwrap_err();
    assert_eq!(fault.code(), code, "{fault}");
    assert_eq!(world.snapshot().await, before);
}

#[tokio::test]
async fn a_notary_rejects_altered_vouchers_and_signatures_that_are_not_the_parties() {
    let world = World::new().await;
    let mut altered = retention_request(&world).await;
    altered.voucher.amount -= 1;
    notary_rejects(&world, ORIGINATOR, altered, "bad-signature").await;

    let mut forged = retention_request(&world).await;
    let payload = voucher_payload(&world.domain(), &forged.voucher);
    forged.signatures[1].signature = world.key(ORIGINATOR).sign(&payload);
    notary_rejects(&world, ORIGINATOR, forged, "bad-signature").await;

    let mut alone = retention_request(&world).await;
    alone.signatures.pop();
    notary_rejects(&world, ORIGINATOR, alone, "wrong-signers").await;
    let mut twice = retention_request(&world).await;
    twice.signatures[1] = twice.signatures[0];
    notary_rejects(&world, ORIGINATOR, twice, "wrong-signers").await;
    let mut disordered = retention_request(&world).await;
    disordered.signatures.reverse();
    notary_rejects(&world, ORIGINATOR, disordered, "wrong-signers").await;

    let honest = retention_request(&world).await;
    notary_rejects(&world, HOME, honest, "not-originator").await;
}

#[tokio::test]
async fn a_notary_rejects_signatures_for_another_chain_contract_or_epoch() {
    let world = World::new().await;
    let here = world.domain();
    for (genesis, contract) in [([0; 32], here.contract), (here.genesis, AccountId([0; 32]))] {
        let mut foreign = retention_request(&world).await;
        let domain = Domain {
            genesis,
            contract,
            ..here
        };
        foreign.signatures[1].signature = world.key(HOME).sign(&voucher_payload(&domain, &foreign.voucher));
        notary_rejects(&world, ORIGINATOR, foreign, "bad-signature").await;
    }
    let stale = retention_request(&world).await;
    world.ledger.raise_epoch();
    notary_rejects(&world, ORIGINATOR, stale, "wrong-epoch").await;
}

#[tokio::test]
async fn a_notary_rejects_vouchers_that_nobody_should_have_signed() {
    let world = World::new().await;
    let sent = |alter: fn(&mut Voucher)| {
        let world = &world;
        async move {
            let mut voucher = proposal(world).await.voucher;
            alter(&mut voucher);
            co_signed(world, voucher)
        }
    };
    let zero = sent(|voucher| voucher.amount = 0).await;
    notary_rejects(&world, ORIGINATOR, zero, "bad-voucher").await;
    let greedy = sent(|voucher| voucher.amount = Amount::MAX).await;
    notary_rejects(&world, ORIGINATOR, greedy, "bad-voucher").await;
    let partial = sent(|voucher| voucher.others = vec![NOTARY]).await;
    notary_rejects(&world, ORIGINATOR, partial, "notary-is-party").await;
    let mut unknown = retention_request(&world).await;
    unknown.voucher.home = NOBODY;
    notary_rejects(&world, ORIGINATOR, unknown, "unknown-member").await;
    world.ledger.set_status(HOME, Status::Suspended);
    let suspended = sent(|_| {}).await;
    notary_rejects(&world, ORIGINATOR, suspended, "member-not-active").await;
    world.ledger.set_status(HOME, Status::Active);
    let late = sent(|_| {}).await;
    world.clock.pass(LIFETIME);
    notary_rejects(&world, ORIGINATOR, late, "expired").await;
}

#[tokio::test]
async fn a_notary_refuses_debtors_without_funds_and_the_chain_stays_as_it_is() {
    let world = World::new().await;
    for amount in [FUNDS + 1, Amount::MAX] {
        let mut voucher = proposal(&world).await.voucher;
        voucher.amount = amount;
        voucher.limit = Limit::PerTransaction(amount);
        let request = co_signed(&world, voucher);
        let progress = world.house(NOTARY).on_retention_request(ORIGINATOR, request).await;
        let Ok(RetentionProgress::Refused(refusal)) = progress else {
            panic!("{progress:?}")
        };
        assert_eq!(refusal.code, RefusalCode::InsufficientSettlementBalance);
    }
    world.settle().await;
    world.assert_untouched().await;
}

#[tokio::test]
async fn what_the_home_institution_never_confirmed_is_refused_by_the_notary() {
    let world = World::new().await;
    let request = retention_request(&world).await;
    let id = request.voucher.id();
    let notary = world.house(NOTARY);
    let progress = notary.on_retention_request(ORIGINATOR, request).await.unwrap();
    assert_eq!(progress, RetentionProgress::Pending);
    world.settle().await;
    let payment = notary.payment(id).await.unwrap().unwrap();
    assert_eq!(payment.refusal.unwrap().code, RefusalCode::NotConfirmed);
    world.assert_untouched().await;
}

#[tokio::test]
async fn a_replayed_retention_is_answered_from_what_is_stored() {
    let world = World::new().await;
    let id = world.order(TransactionKind::Purchase).await;
    world.settle().await;
    let sent: RetentionRequest = world.network.latest(Message::RetentionRequest);
    let before = world.snapshot().await;
    let notary = world.house(NOTARY);
    for _ in 0..2 {
        let progress = notary.on_retention_request(ORIGINATOR, sent.clone()).await.unwrap();
        assert!(matches!(progress, RetentionProgress::Retained(kept) if kept.voucher.id() == id));
    }
    world.settle().await;
    assert_eq!(world.snapshot().await, before);
    world.assert_settled_once(id, TransactionKind::Purchase).await;

    // A notary that doesn't know it asks the chain.
    let store = Store::in_memory().await.unwrap();
    let stranger = world.assemble(NOTARY, store.clone());
    let fault = stranger.on_retention_request(ORIGINATOR, sent).await.unwrap_err();
    assert_eq!(fault.code(), "already-retained");
    assert_eq!(store.count("payments").await, 0);
}
