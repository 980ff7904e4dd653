//! A network of which every institution's keys are at the test's disposal, and what it takes for good and for bad.
use std::sync::{Arc, LazyLock, Weak};

use protocol::{
    clearing,
    settlement::{Asset, Limit, Relation, RetentionBatch, Settlement, Voucher},
    signing::{Domain, MemberSignature, PAYLOAD_LENGTH},
    Amount, Member, Signature, UserId,
};
use quittance::{
    chain::{Chain, Follower},
    devnet::USER_KEY,
    identity::{verify, SigningKey},
    settlement::{
        messages::{
            retention_payload, voucher_payload, Answer, Confirmation, Proposal, Refusal, RefusalCode,
            RetentionProgress, RetentionRequest, SignedPaymentRequest,
        },
        ports::{Ledger, LedgerError},
    },
};
use quittance_tests::impostor::Impostor;
use serde_json::json;
use tokio::{runtime::Runtime, sync::Mutex};

use super::snapshot::Snapshot;
use crate::network::TestNetwork;

pub struct Scene {
    pub test: TestNetwork,
    pub originator: Impostor,
    pub home: Impostor,
    pub notary: Impostor,
    follower: Follower,
}

/// Where everything runs: a test's own runtime would take the shared network's connections with it when it ends.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
/// Weak, because what a static owns is never dropped, and the processes would stay.
static SHARED: Mutex<Weak<Mutex<Scene>>> = Mutex::const_new(Weak::new());

/// Every case, whatever it uses, holds the shared network while it runs, so that it is seldom started twice.
async fn hold_shared() -> Arc<Mutex<Scene>> {
    let mut shared = SHARED.lock().await;
    if let Some(scene) = shared.upgrade() {
        return scene;
    }
    let scene = Arc::new(Mutex::new(Scene::start().await));
    *shared = Arc::downgrade(&scene);
    scene
}

/// Runs a case that leaves the network as it should be, on a network that such cases use one after the other.
pub fn on_the_shared_network(case: impl AsyncFnOnce(&Scene)) {
    RUNTIME.block_on(async {
        let shared = hold_shared().await;
        let scene = shared.lock().await;
        case(&scene).await;
    });
}

/// Runs a case that others would notice.
pub fn on_a_network_of_its_own(case: impl AsyncFnOnce(Scene)) {
    RUNTIME.block_on(async {
        let _shared = hold_shared().await;
        case(Scene::start().await).await;
    });
}

impl Scene {
    async fn start() -> Self {
        let test = TestNetwork::start().await;
        let chain = Chain::connect(&test.network.url).await.unwrap();
        Self {
            originator: Impostor::of(&test.network.originator),
            home: Impostor::of(&test.network.home),
            notary: Impostor::of(&test.network.notary),
            follower: Follower::start(chain).await.unwrap(),
            test,
        }
    }

    /// What honest institutions sign for.
    pub async fn domain(&self) -> Domain {
        self.test.domain().await
    }

    pub async fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.test, &self.follower).await
    }

    /// What an honest originator would make of a request, altered before it signs.
    pub async fn proposal_for(&self, request: SignedPaymentRequest, alter: impl FnOnce(&mut Voucher)) -> Proposal {
        let asked = &request.request;
        let mut voucher = Voucher {
            sequence: u64::from_le_bytes(asked.nonce[..8].try_into().unwrap()),
            originator: asked.originator,
            home: asked.home,
            others: vec![],
            user: UserId::of(asked.home, &asked.user),
            wallet: asked.wallet,
            kind: asked.kind,
            asset: Asset::Native,
            amount: asked.amount,
            limit: Limit::PerTransaction(asked.amount),
            settlement: Settlement::Gross,
            fees: 0,
            issued_at: quittance::http::now(),
            expires_at: asked.expires_at,
        };
        alter(&mut voucher);
        let domain = self.domain().await;
        Proposal {
            request,
            signature: self.originator.sign(&voucher_payload(&domain, &voucher)).signature,
            epoch: domain.epoch,
            voucher,
        }
    }

    /// A proposal that is right in every respect.
    pub async fn proposal(&self) -> Proposal {
        self.proposal_with(|_| {}).await
    }

    pub async fn proposal_with(&self, alter: impl FnOnce(&mut Voucher)) -> Proposal {
        self.proposal_for(self.test.request(|_| {}), alter).await
    }

    /// A request for retention with the signatures of both banks, whatever the voucher says.
    pub async fn co_signed(&self, voucher: Voucher) -> RetentionRequest {
        let domain = self.domain().await;
        self.co_signed_for(&domain, voucher)
    }

    pub fn co_signed_for(&self, domain: &Domain, voucher: Voucher) -> RetentionRequest {
        let payload = voucher_payload(domain, &voucher);
        RetentionRequest {
            epoch: domain.epoch,
            signatures: self.parties_sign(&voucher, &payload),
            voucher,
        }
    }

    /// A request for retention under which the home bank put its signature of its own free will.
    pub async fn agreed(&self, proposal: &Proposal) -> RetentionRequest {
        let answer = self
            .originator
            .send(&self.test.network.home, "proposals", &json!(proposal))
            .await
            .unwrap();
        let Answer::Agreed(confirmation) = serde_json::from_value::<Answer<Confirmation>>(answer).unwrap() else {
            panic!("the home bank refuses {proposal:?}")
        };
        let own = MemberSignature {
            member: self.originator.member,
            signature: proposal.signature,
        };
        let mut signatures = vec![own, confirmation.signed];
        signatures.sort_by_key(|signed| signed.member);
        RetentionRequest {
            voucher: proposal.voucher.clone(),
            epoch: proposal.epoch,
            signatures,
        }
    }

    /// The originator sends it, the home bank says what is wrong with it, and nothing changes anywhere.
    pub async fn home_rejects(&self, proposal: &Proposal, code: &str) {
        let before = self.snapshot().await;
        let answer = self
            .originator
            .send(&self.test.network.home, "proposals", &json!(proposal))
            .await;
        assert_eq!(answer, Err(code.to_owned()));
        assert_eq!(self.snapshot().await, before);
    }

    /// The originator sends it, the notary says what is wrong with it, and nothing changes anywhere.
    pub async fn notary_rejects(&self, request: &RetentionRequest, code: &str) {
        let before = self.snapshot().await;
        let answer = self
            .originator
            .send(&self.test.network.notary, "retentions", &json!(request))
            .await;
        assert_eq!(answer, Err(code.to_owned()));
        assert_eq!(self.snapshot().await, before);
    }

    /// The home bank signs a refusal. It is kept as the payment's end; nothing else changes anywhere.
    pub async fn home_refuses(&self, proposal: &Proposal, code: RefusalCode) {
        let before = self.snapshot().await;
        let home = &self.test.network.home;
        let answer = self.originator.send(home, "proposals", &json!(proposal)).await.unwrap();
        let Answer::Refused(refusal) = serde_json::from_value::<Answer<Confirmation>>(answer).unwrap() else {
            panic!("the home bank agrees to {proposal:?}")
        };
        let after = self.snapshot().await;
        assert_eq!(after.count(home, "payments"), before.count(home, "payments") + 1);
        self.is_all_that_changed(&proposal.voucher, &refusal, code, &self.home, [&before, &after])
            .await;
    }

    /// The notary signs a refusal. It is kept as the payment's end; nothing else changes anywhere.
    pub async fn notary_refuses(&self, request: &RetentionRequest, code: RefusalCode) {
        let before = self.snapshot().await;
        let notary = &self.test.network.notary;
        let answer = self
            .originator
            .send(notary, "retentions", &json!(request))
            .await
            .unwrap();
        let RetentionProgress::Refused(refusal) = serde_json::from_value(answer).unwrap() else {
            panic!("the notary accepts {request:?}")
        };
        let after = self.snapshot().await;
        assert_eq!(after.count(notary, "payments"), before.count(notary, "payments") + 1);
        self.is_all_that_changed(&request.voucher, &refusal, code, &self.notary, [&before, &after])
            .await;
    }

    async fn is_all_that_changed(
        &self,
        voucher: &Voucher,
        refusal: &Refusal,
        code: RefusalCode,
        by: &Impostor,
        [before, after]: [&Snapshot; 2],
    ) {
        assert_eq!(
            (refusal.voucher, refusal.code, refusal.signed.member),
            (voucher.id(), code, by.member)
        );
        let signed = Refusal::payload(
            &self.domain().await,
            &refusal.voucher,
            refusal.code,
            &refusal.detail,
            refusal.refused_at,
        );
        let signers = self.test.ledger.signers(&[by.member]).await.unwrap().signers;
        let key = signers[0].as_ref().unwrap().signing_key;
        assert!(
            verify(&key, &signed, &refusal.signed.signature),
            "anybody can check who refused"
        );

        assert_eq!(
            (&after.head, &after.balances, &after.money),
            (&before.head, &before.balances, &before.money)
        );
        let network = &self.test.network;
        for institution in [&network.originator, &network.home, &network.notary] {
            if institution.member == by.member {
                let kept = institution.payment(voucher.id(), 0).await.unwrap();
                assert_eq!((kept.state.as_str(), kept.refusal.as_ref()), ("refused", Some(refusal)));
            } else {
                for table in ["payments", "payment_documents", "payment_history"] {
                    assert_eq!(after.count(institution, table), before.count(institution, table));
                }
            }
        }
    }

    /// Everybody's signature, and still the clearing contract refuses, and nothing changes anywhere.
    pub async fn contract_refuses(&self, domain: &Domain, voucher: Voucher, why: clearing::Error) {
        let relation = Relation::of(&voucher, &[], quittance::http::now()).unwrap();
        let payload = retention_payload(domain, &voucher, &relation, voucher.expires_at);
        let batch = RetentionBatch {
            epoch: domain.epoch,
            drawn_at: relation.drawn_at,
            expires_at: voucher.expires_at,
            vouchers: vec![voucher],
            refunded: vec![],
        };
        let mut signatures = self.parties_sign(&batch.vouchers[0], &payload);
        signatures.push(self.notary.sign(&payload));
        signatures.sort_by_key(|signed| signed.member);
        self.contract_refuses_batch(&batch, &signatures, why).await;
    }

    pub async fn contract_refuses_batch(
        &self,
        batch: &RetentionBatch,
        signatures: &[MemberSignature],
        why: clearing::Error,
    ) {
        let before = self.snapshot().await;
        let key = format!("hostile/{}", batch.vouchers[0].id());
        match self.test.ledger.retain(&key, batch, signatures).await {
            Err(LedgerError::Refused(refusal)) => assert_eq!(refusal, why),
            other => panic!("{other:?} instead of {why:?}"),
        }
        assert_eq!(self.snapshot().await, before);
    }

    fn parties_sign(&self, voucher: &Voucher, payload: &[u8; PAYLOAD_LENGTH]) -> Vec<MemberSignature> {
        let sign = |party: &Member| match [&self.originator, &self.home]
            .into_iter()
            .find(|one| one.member == *party)
        {
            Some(party) => party.sign(payload),
            None => MemberSignature {
                member: *party,
                signature: Signature([1; 64]),
            },
        };
        voucher.parties().iter().map(sign).collect()
    }

    pub fn user_key(&self) -> SigningKey {
        SigningKey::load(USER_KEY).unwrap()
    }

    /// A user of the home bank with the ordinary user's key.
    pub async fn open_account(&self, number: &str, balance: Amount, limit: Amount) {
        self.test
            .network
            .put_user(number, USER_KEY, balance, limit)
            .await
            .unwrap();
    }
}
