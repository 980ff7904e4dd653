//! What a hostile institution may send: to the home bank, to the notary, to the clearing contract. Each gets a specific
//! reason, and neither the chain nor anybody's books change. A refusal for a matter of business is a record, signed by
//! who refuses: it is kept, and it is all that changes.
mod scene;
mod snapshot;

use std::time::{Duration, Instant};

use protocol::{
    clearing::Error,
    registry::{Institution as Registered, Status},
    settlement::{Limit, Relation, RetentionBatch, SignedClearingVoucher, TransactionKind, Voucher, VoucherFault},
    signing::{Domain, MemberSignature},
    Amount, Member,
};
use quittance::{
    devnet::Institution,
    http::payments::{DocumentView, PaymentView},
    settlement::{
        messages::{
            relation_payload, voucher_payload, AttestationRequest, Confirmation, Consent, PaymentRequest, Proposal,
            RefusalCode, RelationDraft, RetentionProgress, RetentionRequest, RetentionVoucher,
        },
        ports::{Ledger, LedgerError},
    },
};
use quittance_tests::impostor::Impostor;
use serde_json::{from_value, json, Value};

use self::scene::{on_a_network_of_its_own, on_the_shared_network, Scene};
use crate::network::{restart, AMOUNT, PATIENCE};

/// An index that the registry has given to nobody.
const NOBODY: Member = Member(99);
const LOOK: Duration = Duration::from_millis(10);

#[test]
fn a_voucher_altered_after_signing_is_rejected() {
    on_the_shared_network(async |scene| {
        let alterations: [fn(&mut Voucher); 4] = [
            |voucher| voucher.amount -= 1,
            |voucher| voucher.limit = Limit::PerDay(Amount::MAX),
            |voucher| voucher.kind = TransactionKind::CashDeposit,
            |voucher| voucher.expires_at += 1,
        ];
        for alter in alterations {
            let mut altered = scene.proposal().await;
            alter(&mut altered.voucher);
            scene.home_rejects(&altered, "bad-signature").await;
        }

        // The originator signs the altered voucher anew; the home bank agreed to another one.
        let mut altered = scene.agreed(&scene.proposal().await).await;
        altered.voucher.kind = TransactionKind::CashWithdrawal;
        scene.notary_rejects(&altered, "bad-signature").await;
        let own = scene
            .originator
            .sign(&voucher_payload(&scene.domain().await, &altered.voucher));
        put(&mut altered.signatures, own);
        scene.notary_rejects(&altered, "bad-signature").await;
    });
}

#[test]
fn another_members_signature_is_rejected() {
    on_the_shared_network(async |scene| {
        let network = &scene.test.network;
        let honest = scene.proposal().await;
        let payload = voucher_payload(&scene.domain().await, &honest.voucher);
        let mut forged = honest.clone();
        forged.signature = scene.notary.sign(&payload).signature;
        scene.home_rejects(&forged, "bad-signature").await;

        let mut forged = scene.co_signed(honest.voucher.clone()).await;
        let claimed = MemberSignature {
            member: scene.home.member,
            ..scene.originator.sign(&payload)
        };
        put(&mut forged.signatures, claimed);
        scene.notary_rejects(&forged, "bad-signature").await;
        let mut alone = scene.co_signed(honest.voucher.clone()).await;
        alone
            .signatures
            .retain(|signed| signed.member == scene.originator.member);
        scene.notary_rejects(&alone, "wrong-signers").await;

        // Everything signed by whom it should be, and sent by somebody else.
        let before = scene.snapshot().await;
        let answer = scene.notary.send(&network.home, "proposals", &json!(honest)).await;
        assert_eq!(code(answer), "not-originator");
        let posing = Impostor::of(&network.notary).posing_as(scene.originator.member);
        let answer = posing.send(&network.home, "proposals", &json!(honest)).await;
        assert_eq!(code(answer), "certificate-not-registered");
        let answer = scene
            .home
            .send(
                &network.notary,
                "retentions",
                &json!(scene.co_signed(honest.voucher).await),
            )
            .await;
        assert_eq!(code(answer), "not-originator");
        assert_eq!(scene.snapshot().await, before);
    });
}

#[test]
fn a_signature_for_another_contract_is_rejected() {
    on_the_shared_network(async |scene| {
        let contract = scene.test.network.deployment.contract("registry").unwrap().address;
        signatures_for_elsewhere_are_rejected(
            scene,
            Domain {
                contract,
                ..scene.domain().await
            },
        )
        .await;
    });
}

#[test]
fn a_signature_for_another_genesis_is_rejected() {
    on_the_shared_network(async |scene| {
        signatures_for_elsewhere_are_rejected(
            scene,
            Domain {
                genesis: [7; 32],
                ..scene.domain().await
            },
        )
        .await;
    });
}

async fn signatures_for_elsewhere_are_rejected(scene: &Scene, elsewhere: Domain) {
    let mut foreign = scene.proposal().await;
    let voucher = foreign.voucher.clone();
    foreign.signature = scene.originator.sign(&voucher_payload(&elsewhere, &voucher)).signature;
    scene.home_rejects(&foreign, "bad-signature").await;
    scene
        .notary_rejects(&scene.co_signed_for(&elsewhere, voucher.clone()), "bad-signature")
        .await;
    let first = scene.originator.member;
    scene
        .contract_refuses(&elsewhere, voucher, Error::BadSignature(first))
        .await;

    // A user's wish from elsewhere is none here.
    let mut request = scene.test.request(|_| {});
    let payload = request.request.payload(elsewhere.genesis, elsewhere.contract);
    request.signature = scene.user_key().sign(&payload);
    let wish = scene.proposal_for(request, |_| {}).await;
    scene.home_refuses(&wish, RefusalCode::BadUserSignature).await;
}

#[test]
fn a_replayed_request_is_rejected_also_after_the_receiver_restarted() {
    on_a_network_of_its_own(async |mut scene| {
        let proposal = scene.proposal().await;
        let sealed = scene
            .originator
            .seal(&scene.test.network.home, "proposals", &json!(proposal))
            .await;
        let first = scene.originator.deliver(&sealed).await.unwrap();
        assert!(first.get("agreed").is_some(), "{first}");

        let before = scene.snapshot().await;
        assert_eq!(code(scene.originator.deliver(&sealed).await), "replayed-request");
        let mut elsewhere = sealed.try_clone().unwrap();
        *elsewhere.url_mut() = sealed
            .url()
            .as_str()
            .replace(&scene.test.network.home.url, &scene.test.network.notary.url)
            .parse()
            .unwrap();
        assert_eq!(code(scene.originator.deliver(&elsewhere).await), "wrong-receiver");
        restart(&mut scene.test.network.home, &[]).await;
        assert_eq!(code(scene.originator.deliver(&sealed).await), "replayed-request");
        assert_eq!(scene.snapshot().await, before);

        // In a new envelope the same voucher gets the same answer, and the same wish makes no second voucher.
        let home = &scene.test.network.home;
        assert_eq!(
            scene
                .originator
                .send(home, "proposals", &json!(proposal))
                .await
                .unwrap(),
            first
        );
        assert_eq!(scene.snapshot().await, before);
        let twin = scene
            .proposal_for(proposal.request, |voucher| voucher.sequence += 1)
            .await;
        scene.home_rejects(&twin, "request-used").await;
    });
}

#[test]
fn a_replayed_retention_is_answered_from_the_record_and_retained_once() {
    on_the_shared_network(async |scene| {
        let network = &scene.test.network;
        let payment = settled(scene).await;
        let (id, voucher) = (payment.id, payment.voucher.clone());
        let request = RetentionRequest {
            signatures: signed_by_all(&payment),
            epoch: scene.domain().await.epoch,
            voucher: voucher.clone(),
        };
        let kept = network.notary.payment(id, 0).await.unwrap();
        let retention_voucher: RetentionVoucher =
            from_value(paper(&kept, "retention-voucher", scene.notary.member)).unwrap();
        let before = scene.snapshot().await;

        let sealed = scene
            .originator
            .seal(&network.notary, "retentions", &json!(request))
            .await;
        let answer: RetentionProgress = from_value(scene.originator.deliver(&sealed).await.unwrap()).unwrap();
        assert_eq!(answer, RetentionProgress::Retained(Box::new(retention_voucher.clone())));
        assert_eq!(code(scene.originator.deliver(&sealed).await), "replayed-request");

        // The notary has the parties sign again.
        let epoch = request.epoch;
        let relation = Relation::of(&voucher, &[], retention_voucher.relation.drawn_at + 1).unwrap();
        let notary = scene
            .notary
            .sign(&relation_payload(&scene.domain().await, &relation, voucher.expires_at));
        let draft = RelationDraft {
            voucher: voucher.clone(),
            relation,
            epoch,
            expires_at: voucher.expires_at,
            notary,
        };
        for party in [&network.originator, &network.home] {
            assert_eq!(
                code(scene.notary.send(party, "relations", &json!(draft)).await),
                "already-retained"
            );
        }
        let attest = json!(AttestationRequest {
            voucher: voucher.clone()
        });
        assert_eq!(
            code(scene.notary.send(&network.originator, "attestations", &attest).await),
            "not-addressee"
        );
        scene
            .notary
            .send(&network.home, "retention-vouchers", &json!(retention_voucher))
            .await
            .unwrap();
        assert_eq!(scene.snapshot().await, before);

        // The very signatures that were good once, from somebody else's account.
        let consent = |member| {
            let consent: Consent = from_value(paper(&kept, "consent", member)).unwrap();
            consent.retention_signature
        };
        let signers = [scene.originator.member, scene.home.member, scene.notary.member];
        let batch = RetentionBatch {
            epoch,
            drawn_at: retention_voucher.relation.drawn_at,
            expires_at: voucher.expires_at,
            vouchers: vec![voucher.clone()],
            refunded: vec![],
        };
        scene
            .contract_refuses_batch(&batch, &signers.map(consent), Error::VoucherUsed(id))
            .await;
    });
}

#[test]
fn a_replayed_discharge_is_refused_by_the_contract() {
    on_the_shared_network(async |scene| {
        let payment = settled(scene).await;
        let debtor = scene.home.member;
        let kept = scene.test.network.home.payment(payment.id, 0).await.unwrap();
        let discharge: SignedClearingVoucher = from_value(paper(&kept, "clearing-voucher", debtor)).unwrap();

        let before = scene.snapshot().await;
        match scene
            .test
            .ledger
            .clear(&format!("hostile/{}", payment.id), &[discharge])
            .await
        {
            Err(LedgerError::Refused(why)) => assert_eq!(why, Error::AlreadyCleared(payment.id, debtor)),
            other => panic!("{other:?}"),
        }
        assert_eq!(scene.snapshot().await, before);
    });
}

#[test]
fn an_expired_voucher_is_rejected() {
    on_the_shared_network(async |scene| {
        let late = scene
            .proposal_with(|voucher| {
                voucher.issued_at -= 120_000;
                voucher.expires_at = voucher.issued_at + 60_000;
            })
            .await;
        let voucher = late.voucher.clone();
        scene.home_rejects(&late, "expired").await;
        scene
            .notary_rejects(&scene.co_signed(voucher.clone()).await, "expired")
            .await;
        scene
            .contract_refuses(&scene.domain().await, voucher, Error::BatchExpired)
            .await;
    });
}

#[test]
fn amount_zero_is_rejected() {
    on_the_shared_network(async |scene| {
        let nothing = scene
            .proposal_for(scene.test.request(|request| request.amount = 0), |_| {})
            .await;
        let voucher = nothing.voucher.clone();
        scene.home_rejects(&nothing, "bad-voucher").await;
        scene
            .notary_rejects(&scene.co_signed(voucher.clone()).await, "bad-voucher")
            .await;
        let why = Error::BadVoucher(voucher.id(), VoucherFault::ZeroAmount);
        scene.contract_refuses(&scene.domain().await, voucher, why).await;
    });
}

#[test]
fn the_greatest_amount_is_rejected_or_refused_and_nothing_overflows() {
    on_the_shared_network(async |scene| {
        let above_its_limit = scene.proposal_with(|voucher| voucher.amount = Amount::MAX).await;
        scene.home_rejects(&above_its_limit, "bad-voucher").await;
        scene
            .notary_rejects(&scene.co_signed(above_its_limit.voucher).await, "bad-voucher")
            .await;

        let greedy = scene
            .proposal_for(scene.test.request(|request| request.amount = Amount::MAX), |_| {})
            .await;
        scene.home_refuses(&greedy, RefusalCode::AboveUserLimit).await;
        scene.open_account("boundless", AMOUNT, Amount::MAX).await;
        let boundless = |request: &mut PaymentRequest| {
            request.user = "boundless".into();
            request.amount = Amount::MAX;
        };
        let greedy = scene.proposal_for(scene.test.request(boundless), |_| {}).await;
        scene.home_refuses(&greedy, RefusalCode::InsufficientFunds).await;

        let voucher = greedy.voucher;
        let co_signed = scene.co_signed(voucher.clone()).await;
        scene
            .notary_refuses(&co_signed, RefusalCode::InsufficientSettlementBalance)
            .await;
        let available = scene.snapshot().await.balances.1.available;
        let why = Error::InsufficientBalance {
            member: scene.home.member,
            available,
            needed: Amount::MAX,
        };
        scene.contract_refuses(&scene.domain().await, voucher, why).await;
    });
}

#[test]
fn an_unknown_member_is_rejected() {
    on_the_shared_network(async |scene| {
        let network = &scene.test.network;
        let before = scene.snapshot().await;
        let nobody = Impostor::of(&network.originator).posing_as(NOBODY);
        let honest = scene.proposal().await;
        assert_eq!(
            code(nobody.send(&network.home, "proposals", &json!(honest)).await),
            "unknown-member"
        );
        let honest = scene.co_signed(honest.voucher).await;
        assert_eq!(
            code(nobody.send(&network.notary, "retentions", &json!(honest)).await),
            "unknown-member"
        );
        assert_eq!(scene.snapshot().await, before);

        let with_nobody = scene.proposal_with(|voucher| voucher.others = vec![NOBODY]).await;
        let voucher = with_nobody.voucher.clone();
        scene.home_rejects(&with_nobody, "unknown-member").await;
        scene
            .notary_rejects(&scene.co_signed(voucher.clone()).await, "unknown-member")
            .await;
        scene
            .contract_refuses(&scene.domain().await, voucher, Error::UnknownMember(NOBODY))
            .await;
    });
}

#[test]
fn a_suspended_member_is_rejected() {
    on_a_network_of_its_own(async |scene| {
        let network = &scene.test.network;
        // The home bank agreed while it could.
        let agreed = scene.agreed(&scene.proposal().await).await;
        let suspended = scene.originator.member;
        network
            .govern(&json!({ "set_status": { "member": suspended, "status": Status::Suspended } }))
            .await
            .unwrap();
        for institution in [&network.home, &network.notary] {
            sees_suspended(institution, suspended).await;
        }
        let start = Instant::now();
        while scene.domain().await.epoch == agreed.epoch {
            assert!(
                start.elapsed() < Duration::from_secs(PATIENCE),
                "the change is not to be seen"
            );
            tokio::time::sleep(LOOK).await;
        }

        scene.notary_rejects(&agreed, "member-not-active").await;
        scene.home_rejects(&scene.proposal().await, "member-not-active").await;
        scene
            .notary_rejects(&scene.co_signed(agreed.voucher.clone()).await, "member-not-active")
            .await;
        scene
            .contract_refuses(&scene.domain().await, agreed.voucher, Error::NotActive(suspended))
            .await;
    });
}

#[test]
fn a_debtor_without_funds_is_refused() {
    on_the_shared_network(async |scene| {
        scene.open_account("poor", AMOUNT - 1, AMOUNT).await;
        let poor = scene.test.request(|request| request.user = "poor".into());
        scene
            .home_refuses(&scene.proposal_for(poor, |_| {}).await, RefusalCode::InsufficientFunds)
            .await;

        let (originator, home) = scene.snapshot().await.balances;

        // The user has the money, its bank hasn't put enough into the clearing contract.
        let needed = home.available + 1;
        scene.open_account("rich", needed, needed).await;
        let rich = |request: &mut PaymentRequest| {
            request.user = "rich".into();
            request.amount = needed;
        };
        let rich = scene.proposal_for(scene.test.request(rich), |_| {}).await;
        uncovered(scene, &rich, (scene.home.member, home.available)).await;

        // The originator took more cash than it has put into the clearing contract.
        let cash = |request: &mut PaymentRequest| {
            request.kind = TransactionKind::CashDeposit;
            request.amount = originator.available + AMOUNT;
        };
        let cash = scene.proposal_for(scene.test.request(cash), |_| {}).await;
        uncovered(scene, &cash, (scene.originator.member, originator.available)).await;
    });
}

/// The home bank agrees; neither the notary nor the contract does.
async fn uncovered(scene: &Scene, proposal: &Proposal, (member, available): (Member, Amount)) {
    let agreed = scene.agreed(proposal).await;
    scene
        .notary_refuses(&agreed, RefusalCode::InsufficientSettlementBalance)
        .await;
    let needed = agreed.voucher.amount;
    let why = Error::InsufficientBalance {
        member,
        available,
        needed,
    };
    scene.contract_refuses(&scene.domain().await, agreed.voucher, why).await;
}

/// An honest payment, done everywhere, as the originator has it.
async fn settled(scene: &Scene) -> PaymentView {
    let network = &scene.test.network;
    let before = scene.snapshot().await.balances.0;
    let request = network.request(TransactionKind::Purchase, AMOUNT).unwrap();
    let payment = network.pay(&request).await.unwrap();
    let settled = scene.test.finished(&network.originator, &payment).await;
    for institution in [&network.home, &network.notary] {
        assert_eq!(scene.test.finished(institution, &payment).await.state, "cleared");
    }
    let after = scene.snapshot().await.balances.0;
    assert_eq!(
        (settled.state.as_str(), after.available),
        ("cleared", before.available + AMOUNT)
    );
    settled
}

/// The banks' signatures under the voucher, as the originator collected them.
fn signed_by_all(payment: &PaymentView) -> Vec<MemberSignature> {
    let sign = |party| {
        let confirmation: Confirmation = from_value(paper(payment, "confirmation", party)).unwrap();
        confirmation.signed
    };
    payment.voucher.parties().into_iter().map(sign).collect()
}

/// A document of which the kind begins like this.
fn paper(payment: &PaymentView, kind: &str, member: Member) -> Value {
    let is_it = |paper: &&DocumentView| paper.kind.starts_with(kind) && paper.member == member;
    payment.documents.iter().find(is_it).unwrap().content.clone()
}

fn put(signatures: &mut [MemberSignature], new: MemberSignature) {
    let place = signatures.iter_mut().find(|signed| signed.member == new.member);
    *place.unwrap() = new;
}

fn code(answer: Result<Value, String>) -> String {
    answer.expect_err("rejected")
}

async fn sees_suspended(institution: &Institution, member: Member) {
    let api = institution.api().unwrap();
    let start = Instant::now();
    loop {
        let registered: Vec<Registered> = api.get("/v1/institutions").await.unwrap();
        if registered
            .iter()
            .any(|found| found.member == member && found.status == Status::Suspended)
        {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_secs(PATIENCE),
            "{} doesn't see the change",
            institution.name
        );
        tokio::time::sleep(LOOK).await;
    }
}
