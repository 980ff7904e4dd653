//! Settlement: a cross-institution payment, co-signed off-chain, retained by a notary, cleared on chain (S0.1 to S0.12).
//!
//! [`Settlement`] answers clients and peers; its [`Settlement::run`] drives every payment with one loop, whatever the
//! institution's role in it. `originator`, `home` and `notary` say what each state's step does.
mod discharge;
pub mod failpoints;
pub mod fault;
mod home;
pub(crate) mod members;
pub mod messages;
mod notary;
mod originator;
mod party;
pub mod ports;
mod runner;
pub mod state;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use protocol::{
    registry::Roles,
    settlement::{Relation, Voucher},
    signing::{Domain, MemberSignature, Purpose, PAYLOAD_LENGTH},
    Member, RelationId, Timestamp, VoucherId,
};
use serde::Serialize;
use tokio::sync::{mpsc, Notify, Semaphore};

pub use fault::{Fault, SettlementError};
pub use state::{Role, State};

use crate::{
    identity::SigningKey,
    store::{
        payments::{Document, Effect, HistoryLine, Opened, PaymentRow},
        users::User,
        Store, StoreError,
    },
};
use fault::MAX_USER_NUMBER;
use members::Members;
use messages::{relation_payload, voucher_payload, Confirmation, Consent, Refusal, RefusalCode};
use ports::{Clock, Ledger, LedgerError, Peers};

/// The most payments that one page lists.
pub const MAX_PAGE: u32 = 100;

/// Who this institution is, and with whom it settles.
#[derive(Clone, Copy, Debug)]
pub struct SettlementConfig {
    /// This institution's index in the registry.
    pub member: Member,
    /// The notary that keeps what this institution originates.
    pub notary: Member,
    /// How long vouchers and clearing vouchers are valid, in milliseconds.
    pub voucher_lifetime: Timestamp,
}

/// The settlement of one institution.
pub struct Settlement {
    member: Member,
    notary: Member,
    voucher_lifetime: Timestamp,
    store: Store,
    key: SigningKey,
    ledger: Arc<dyn Ledger>,
    peers: Arc<dyn Peers>,
    clock: Arc<dyn Clock>,
    wakers: Mutex<HashMap<VoucherId, Arc<Notify>>>,
    new_payments: mpsc::UnboundedSender<VoucherId>,
    arrivals: tokio::sync::Mutex<mpsc::UnboundedReceiver<VoucherId>>,
    permits: Semaphore,
    #[cfg(test)]
    stop: Mutex<Option<String>>,
    #[cfg(test)]
    stopped: Notify,
}

/// A payment as this institution knows it.
#[derive(Clone, Debug, Serialize)]
pub struct Payment {
    /// The voucher's id.
    pub id: VoucherId,
    /// What this institution is in it.
    pub role: Role,
    /// How far it is.
    pub state: State,
    /// Whether nothing more happens.
    pub is_final: bool,
    /// What is paid.
    pub voucher: Voucher,
    /// The signed no, where there is one (S0.5).
    pub refusal: Option<Refusal>,
    /// The clearing relation, once retained.
    pub relation: Option<RelationId>,
    /// The block that retained it.
    pub retained_in: Option<u32>,
    /// The block in which the last debtor paid.
    pub cleared_in: Option<u32>,
    /// When the originator delivered to the user.
    pub paid_out_at: Option<Timestamp>,
    /// When this institution first saw it, in milliseconds since 1970.
    pub created_at: Timestamp,
    /// Every signed paper.
    pub documents: Vec<Document>,
    /// Every state so far, oldest first.
    pub history: Vec<HistoryLine>,
}

/// A part of the list of payments, newest first.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// How many, at most [`MAX_PAGE`].
    pub limit: u32,
    /// How many newer ones to skip.
    pub offset: u32,
}

impl Settlement {
    /// Puts the institution together. Nothing happens before [`Settlement::run`] but answers to peers.
    pub fn new(
        config: SettlementConfig,
        store: Store,
        key: SigningKey,
        ledger: Arc<dyn Ledger>,
        peers: Arc<dyn Peers>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let (new_payments, arrivals) = mpsc::unbounded_channel();
        Arc::new(Self {
            member: config.member,
            notary: config.notary,
            voucher_lifetime: config.voucher_lifetime,
            store,
            key,
            ledger,
            peers,
            clock,
            wakers: Mutex::default(),
            new_payments,
            arrivals: tokio::sync::Mutex::new(arrivals),
            permits: Semaphore::new(runner::MAX_STEPS),
            #[cfg(test)]
            stop: Mutex::default(),
            #[cfg(test)]
            stopped: Notify::new(),
        })
    }

    /// One payment with all its evidence.
    ///
    /// # Errors
    /// The database failed.
    pub async fn payment(&self, id: VoucherId) -> Result<Option<Payment>, SettlementError> {
        let Some(row) = self.store.payment(id).await? else {
            return Ok(None);
        };
        Ok(Some(Payment {
            id,
            role: row.state.role(),
            state: row.state,
            is_final: row.state.is_final(),
            voucher: row.voucher,
            refusal: self.refusal(id).await?,
            relation: row.relation,
            retained_in: row.retained_in,
            cleared_in: row.cleared_in,
            paid_out_at: self.store.paid_out_at(id).await?,
            created_at: row.created_at,
            documents: self.store.documents(id).await?,
            history: self.store.history(id).await?,
        }))
    }

    /// Payments, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn payments(&self, page: Page) -> Result<Vec<Payment>, SettlementError> {
        let mut payments = Vec::new();
        for id in self.store.payments(page.limit.min(MAX_PAGE), page.offset).await? {
            payments.extend(self.payment(id).await?);
        }
        Ok(payments)
    }

    /// Adds a user, or changes everything of a user but its balance.
    ///
    /// # Errors
    /// The number is empty or too long, or the database failed.
    pub async fn put_user(&self, user: &User) -> Result<(), SettlementError> {
        if user.number.is_empty() || user.number.len() > MAX_USER_NUMBER {
            return Err(SettlementError::BadUserNumber);
        }
        Ok(self.store.put_user(user).await?)
    }

    /// The user with this number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn user(&self, number: &str) -> Result<Option<User>, SettlementError> {
        Ok(self.store.user(number).await?)
    }

    /// All users, by number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn users(&self) -> Result<Vec<User>, SettlementError> {
        Ok(self.store.users().await?)
    }

    async fn existing(&self, id: VoucherId) -> Result<Payment, SettlementError> {
        let missing = || StoreError::Corrupt {
            what: "payment",
            why: format!("{id} is gone"),
        };
        Ok(self.payment(id).await?.ok_or_else(missing)?)
    }

    /// Stores a new payment and has it driven.
    async fn open(
        &self,
        voucher: &Voucher,
        request: Option<[u8; 32]>,
        state: State,
        detail: &str,
        effects: &[Effect],
    ) -> Result<Opened, StoreError> {
        let now = self.clock.now();
        let opened = self
            .store
            .open_payment(voucher, request, state, detail, now, effects)
            .await?;
        if opened == Opened::New && !state.is_final() && self.new_payments.send(voucher.id()).is_err() {
            tracing::debug!("the runner is gone: the payment is resumed when it is back");
        }
        Ok(opened)
    }

    async fn refusal(&self, id: VoucherId) -> Result<Option<Refusal>, StoreError> {
        let papers = self.store.documents(id).await?;
        let paper = papers.iter().find(|paper| paper.kind == "refusal");
        paper.map(Document::read).transpose()
    }

    /// Everybody whom the registry has to know: the parties and the notary, ascending.
    fn involved(&self, voucher: &Voucher) -> Vec<Member> {
        let mut involved = voucher.parties();
        involved.push(self.notary);
        involved.sort_unstable();
        involved.dedup();
        involved
    }

    fn ensure_active(&self, voucher: &Voucher, members: &Members) -> Result<(), Fault> {
        for party in voucher.parties() {
            members.active(party, Roles::PARTICIPANT)?;
        }
        members.active(self.notary, Roles::NOTARY).map(|_| ())
    }

    /// Whether the principal's debtor can pay. The inner error is what is recorded.
    async fn ensure_covered(&self, voucher: &Voucher) -> Result<Result<(), (RefusalCode, String)>, LedgerError> {
        let owed = voucher.principal();
        let balance = self.ledger.balance(owed.debtor, owed.asset).await?;
        if balance.available >= owed.amount {
            return Ok(Ok(()));
        }
        let detail = format!("member {}'s settlement balance does not cover the amount", owed.debtor);
        Ok(Err((RefusalCode::InsufficientSettlementBalance, detail)))
    }

    fn domain(&self, epoch: u32) -> Domain {
        Domain {
            genesis: self.ledger.genesis(),
            contract: self.ledger.clearing(),
            epoch,
        }
    }

    fn signed(&self, payload: &[u8; PAYLOAD_LENGTH]) -> MemberSignature {
        MemberSignature {
            member: self.member,
            signature: self.key.sign(payload),
        }
    }

    fn co_sign(&self, voucher: &Voucher, epoch: u32) -> Confirmation {
        Confirmation {
            voucher: voucher.id(),
            epoch,
            signed: self.signed(&voucher_payload(&self.domain(epoch), voucher)),
        }
    }

    /// This institution's signature under the voucher in this epoch: the one that was made first. `None` when the
    /// payment is in none of these states.
    async fn keep_co_signature(
        &self,
        voucher: &Voucher,
        epoch: u32,
        states: &[State],
    ) -> Result<Option<Confirmation>, StoreError> {
        let paper = Document::new("confirmation", self.member, epoch, &self.co_sign(voucher, epoch))?;
        let kept = self.store.keep_document(voucher.id(), states, &paper).await?;
        kept.as_ref().map(Document::read).transpose()
    }

    fn consent(&self, voucher: &Voucher, relation: &Relation, epoch: u32, expires_at: Timestamp) -> Consent {
        let domain = self.domain(epoch);
        // In a batch of one, parties and notary sign the same id.
        let batch = notary::batch_of(voucher.clone(), relation.clone(), epoch, expires_at);
        let id = batch.retention_id(None);
        let retention = protocol::signing::payload(&domain, Purpose::Retention, &id, expires_at, &());
        Consent {
            relation: relation.id(),
            relation_signature: self.signed(&relation_payload(&domain, relation, expires_at)),
            retention_signature: self.signed(&retention),
        }
    }

    async fn has_consented(&self, payment: &PaymentRow) -> Result<bool, StoreError> {
        let papers = self.store.documents(payment.voucher.id()).await?;
        Ok(papers.iter().any(|paper| paper.kind == "consent"))
    }

    fn refuse(&self, voucher: &Voucher, code: RefusalCode, detail: &str, epoch: u32) -> Refusal {
        let id = voucher.id();
        let refused_at = self.clock.now();
        let payload = Refusal::payload(&self.domain(epoch), &id, code, detail, refused_at);
        tracing::info!(voucher = %id, ?code, detail, "refused");
        Refusal {
            voucher: id,
            code,
            detail: detail.to_owned(),
            refused_at,
            epoch,
            signed: self.signed(&payload),
        }
    }

    /// Whether a refusal is what one of these members signed about this voucher.
    fn check_refusal(
        &self,
        members: &Members,
        voucher: &Voucher,
        from: &[Member],
        refusal: &Refusal,
    ) -> Result<(), Fault> {
        let signer = refusal.signed.member;
        if refusal.voucher != voucher.id() || !from.contains(&signer) {
            return Err(Fault::Altered("refusal"));
        }
        let domain = self.domain(refusal.epoch);
        let payload = Refusal::payload(
            &domain,
            &refusal.voucher,
            refusal.code,
            &refusal.detail,
            refusal.refused_at,
        );
        members.ensure_signed(signer, &refusal.signed, &payload, "refusal")
    }

    fn waker(&self, id: VoucherId) -> Arc<Notify> {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        wakers.entry(id).or_default().clone()
    }

    fn forget_waker(&self, id: VoucherId) {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Has a waiting payment looked at now.
    fn wake(&self, id: VoucherId) {
        if let Some(waker) = self.wakers.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            waker.notify_one();
        }
    }

    /// Stands for a crash: the step that reaches the named point never goes on.
    #[cfg(test)]
    async fn stop_at(&self, point: &str) {
        let is_here = self.stop.lock().expect("unpoisoned").as_deref() == Some(point);
        if is_here {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
    }
}
