//! A network in memory: every message travels as JSON, and can get lost or be forged on command.
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use protocol::{signing::MemberSignature, Member};
use serde::{de::DeserializeOwned, Serialize};
use serde_json::Value;

use crate::settlement::{
    messages::{
        Answer, Assistance, AssistanceRequest, Attestation, AttestationRequest, BatchDraft, Confirmation, Consent,
        Proposal, RelationDraft, RetentionDraft, RetentionProgress, RetentionRequest, RetentionVoucher,
    },
    ports::{PeerError, Peers},
    Fault, Settlement,
};

/// What institutions say to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    Proposal,
    AssistanceRequest,
    RetentionRequest,
    AttestationRequest,
    RetentionDraft,
    RelationDraft,
    BatchDraft,
    RetentionVoucher,
}

impl Message {
    /// Those of a payment with one notary.
    pub const ALL: [Message; 5] = [
        Message::Proposal,
        Message::RetentionRequest,
        Message::AttestationRequest,
        Message::RelationDraft,
        Message::RetentionVoucher,
    ];
}

/// What gets lost of the next such message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Request,
    Answer,
}

/// What an attacker does to an answer.
pub type Forgery = fn(&mut Value);

#[derive(Default)]
pub struct Network {
    houses: Mutex<BTreeMap<Member, Arc<Settlement>>>,
    losses: Mutex<Vec<(Message, Loss)>>,
    forgery: Mutex<Option<(Message, Forgery)>>,
    carried: Mutex<Vec<(Message, Value)>>,
}

impl Network {
    pub fn connect(&self, member: Member, house: Arc<Settlement>) {
        self.houses.lock().unwrap().insert(member, house);
    }

    pub fn disconnect(&self, member: Member) {
        self.houses.lock().unwrap().remove(&member);
    }

    pub fn lose(&self, message: Message, loss: Loss) {
        self.losses.lock().unwrap().push((message, loss));
    }

    pub fn is_calm(&self) -> bool {
        self.losses.lock().unwrap().is_empty()
    }

    pub fn forge_answers(&self, message: Message, forgery: Forgery) {
        *self.forgery.lock().unwrap() = Some((message, forgery));
    }

    pub fn be_honest(&self) {
        *self.forgery.lock().unwrap() = None;
    }

    /// The latest message of this kind that was sent.
    pub fn latest<M: DeserializeOwned>(&self, message: Message) -> M {
        let carried = self.carried.lock().unwrap();
        let found = carried.iter().rfind(|(kind, _)| *kind == message);
        serde_json::from_value(found.expect("was sent").1.clone()).expect("is what was sent")
    }

    fn loses(&self, message: Message, loss: Loss) -> bool {
        let mut losses = self.losses.lock().unwrap();
        let found = losses.iter().position(|lost| *lost == (message, loss));
        found.map(|index| losses.remove(index)).is_some()
    }

    async fn carry<Q, A, F>(
        &self,
        message: Message,
        to: Member,
        request: &Q,
        ask: impl FnOnce(Arc<Settlement>, Q) -> F,
    ) -> Result<A, PeerError>
    where
        Q: Serialize + DeserializeOwned,
        A: Serialize + DeserializeOwned,
        F: Future<Output = Result<A, Fault>>,
    {
        let unreachable = |why: &str| PeerError::Unreachable {
            member: to,
            why: why.into(),
        };
        let sent = serde_json::to_value(request).expect("can be sent");
        self.carried.lock().unwrap().push((message, sent.clone()));
        if self.loses(message, Loss::Request) {
            return Err(unreachable("the request was lost"));
        }
        let house = self.houses.lock().unwrap().get(&to).cloned();
        let house = house.ok_or_else(|| unreachable("it is down"))?;
        let request = serde_json::from_value(sent).expect("arrives as it was sent");
        let answer = ask(house, request).await.map_err(|fault| match fault {
            Fault::Store(_) | Fault::Unavailable(_) => unreachable(&fault.to_string()),
            wrong => PeerError::Rejected {
                member: to,
                code: wrong.code().into(),
                detail: wrong.to_string(),
            },
        })?;
        if self.loses(message, Loss::Answer) {
            return Err(unreachable("the answer was lost"));
        }
        let mut answer = serde_json::to_value(answer).expect("can be sent");
        if let Some((_, forge)) = self
            .forgery
            .lock()
            .unwrap()
            .as_ref()
            .filter(|(kind, _)| *kind == message)
        {
            forge(&mut answer);
        }
        Ok(serde_json::from_value(answer).expect("arrives as it was sent"))
    }
}

/// The network as one institution has it.
pub struct Line {
    pub from: Member,
    pub network: Arc<Network>,
}

#[async_trait]
impl Peers for Line {
    async fn propose(&self, to: Member, proposal: &Proposal) -> Result<Answer<Confirmation>, PeerError> {
        let ask = |house: Arc<Settlement>, sent| async move { house.on_proposal(self.from, sent).await };
        self.network.carry(Message::Proposal, to, proposal, ask).await
    }

    async fn assist(&self, to: Member, request: &AssistanceRequest) -> Result<Answer<Assistance>, PeerError> {
        let ask = |house: Arc<Settlement>, sent| async move { house.on_assistance_request(self.from, sent).await };
        self.network.carry(Message::AssistanceRequest, to, request, ask).await
    }

    async fn request_retention(&self, to: Member, request: &RetentionRequest) -> Result<RetentionProgress, PeerError> {
        let ask = |house: Arc<Settlement>, sent| async move { house.on_retention_request(self.from, sent).await };
        self.network.carry(Message::RetentionRequest, to, request, ask).await
    }

    async fn attest(&self, to: Member, request: &AttestationRequest) -> Result<Answer<Attestation>, PeerError> {
        let ask = |house: Arc<Settlement>, sent| async move { house.on_attestation_request(self.from, sent).await };
        self.network.carry(Message::AttestationRequest, to, request, ask).await
    }

    async fn co_sign(&self, to: Member, draft: &RetentionDraft) -> Result<Answer<Consent>, PeerError> {
        let ask = |house: Arc<Settlement>, sent| async move { house.on_retention_draft(self.from, sent).await };
        self.network.carry(Message::RetentionDraft, to, draft, ask).await
    }

    async fn consent(&self, to: Member, draft: &RelationDraft) -> Result<Answer<Consent>, PeerError> {
        let ask = |house: Arc<Settlement>, sent| async move { house.on_relation_draft(self.from, sent).await };
        self.network.carry(Message::RelationDraft, to, draft, ask).await
    }

    async fn sign_batch(&self, to: Member, draft: &BatchDraft) -> Result<MemberSignature, PeerError> {
        let ask = |house: Arc<Settlement>, sent| async move { house.on_batch_draft(self.from, sent).await };
        self.network.carry(Message::BatchDraft, to, draft, ask).await
    }

    async fn deliver(&self, to: Member, voucher: &RetentionVoucher) -> Result<(), PeerError> {
        let ask = |house: Arc<Settlement>, sent| async move { house.on_retention_voucher(self.from, sent).await };
        self.network.carry(Message::RetentionVoucher, to, voucher, ask).await
    }
}
