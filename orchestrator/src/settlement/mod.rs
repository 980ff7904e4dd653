//! Settlement: a cross-institution payment, co-signed off-chain, retained by a notary, cleared on chain (S0.1 to S0.12).
//!
//! [`Settlement`] answers clients and peers; its [`Settlement::run`] drives every payment with one loop, whatever the
//! institution's role in it. `originator`, `home` and `notary` say what each state's step does.
pub(crate) mod assistance;
mod batches;
mod co_notary;
mod cover;
mod destination;
mod discharge;
pub mod failpoints;
pub mod fault;
mod home;
pub(crate) mod members;
pub mod messages;
mod notary;
mod originator;
mod party;
mod patience;
pub mod policy;
pub mod ports;
mod runner;
pub mod state;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use protocol::{
    registry::Roles,
    settlement::{Obligation, Relation, Settlement as Mode, Voucher},
    signing::{Domain, MemberSignature, PAYLOAD_LENGTH},
    Member, RelationId, Timestamp, VoucherId,
};
use serde::Serialize;
use tokio::sync::{broadcast, mpsc, Notify, Semaphore};

pub use fault::{Fault, SettlementError};
pub(crate) use party::Draft;
pub use state::{Role, State};

use crate::{
    identity::SigningKey,
    store::{
        listing::{PaymentFilter, UserFilter, UserLimit},
        payments::{Advance, Document, Effect, HistoryLine, Opened, PaymentRow},
        users::User,
        Page, Store, StoreError,
    },
};
use batches::{Discharges, Retentions};
use fault::is_user_number;
use members::Members;
use messages::{relation_payload, retention_payload, voucher_payload, Confirmation, Consent, Refusal, RefusalCode};
use policy::Policy;
use ports::{Clock, Ledger, LedgerError, Peers};

/// How many moves a slow reader may be behind before it is told that there were many.
const MOVES: usize = 256;

/// Nothing against it, or the reason that is recorded.
type Verdict = Result<(), (RefusalCode, String)>;

/// Who this institution is, and with whom it settles.
#[derive(Clone, Debug)]
pub struct SettlementConfig {
    /// This institution's index in the registry.
    pub member: Member,
    /// The notaries that keep what this institution originates, the one that leads first; a notary asks the others for
    /// their signatures in this order.
    pub notaries: Vec<Member>,
    /// How long a leading notary may take before the next one is asked to lead, in percent of a voucher's lifetime.
    pub notary_patience_percent: u8,
    /// How long vouchers and clearing vouchers are valid, in milliseconds.
    pub voucher_lifetime: Timestamp,
    /// How what this institution originates is settled.
    pub mode: Mode,
    /// What this institution co-signs as a destination.
    pub policy: Policy,
}

/// The settlement of one institution.
pub struct Settlement {
    member: Member,
    notaries: Vec<Member>,
    notary_patience_percent: u8,
    voucher_lifetime: Timestamp,
    mode: Mode,
    policy: Policy,
    store: Store,
    key: SigningKey,
    ledger: Arc<dyn Ledger>,
    peers: Arc<dyn Peers>,
    clock: Arc<dyn Clock>,
    wakers: Mutex<HashMap<VoucherId, Arc<Notify>>>,
    /// Tells which payments came to another state, for those who wait for it.
    moves: broadcast::Sender<VoucherId>,
    /// The windows that unpaid payments are in, as far as they were read.
    windows: Mutex<HashMap<VoucherId, u32>>,
    retentions: Retentions,
    discharges: Discharges,
    new_payments: mpsc::UnboundedSender<VoucherId>,
    arrivals: tokio::sync::Mutex<mpsc::UnboundedReceiver<VoucherId>>,
    permits: Semaphore,
    #[cfg(test)]
    stop: Mutex<Option<String>>,
    #[cfg(test)]
    stopped: Notify,
}

/// Who waits for payments to come to another state.
#[derive(Debug)]
pub struct Moves(broadcast::Receiver<VoucherId>);

impl Moves {
    /// Returns when this payment may have come to another state since the last call.
    pub async fn of(&mut self, id: VoucherId) {
        loop {
            match self.0.recv().await {
                Ok(moved) if moved != id => {}
                // It, or so many that it may be among them.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
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
    /// Who owes whom what because of it, once drawn up: the principal, then the fees.
    pub obligations: Vec<Obligation>,
    /// The block that retained it.
    pub retained_in: Option<u32>,
    /// The window that it is settled in, once retained; `None`: by itself.
    pub window: Option<u32>,
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
            notaries: config.notaries,
            notary_patience_percent: config.notary_patience_percent,
            voucher_lifetime: config.voucher_lifetime,
            mode: config.mode,
            policy: config.policy,
            store,
            key,
            ledger,
            peers,
            clock,
            wakers: Mutex::default(),
            moves: broadcast::Sender::new(MOVES),
            windows: Mutex::default(),
            retentions: Retentions::new(),
            discharges: Discharges::new(),
            new_payments,
            arrivals: tokio::sync::Mutex::new(arrivals),
            permits: Semaphore::new(runner::MAX_STEPS),
            #[cfg(test)]
            stop: Mutex::default(),
            #[cfg(test)]
            stopped: Notify::new(),
        })
    }

    /// Payments that come to another state from now on.
    pub fn moves(&self) -> Moves {
        Moves(self.moves.subscribe())
    }

    /// One payment with all its evidence.
    ///
    /// # Errors
    /// The database failed.
    pub async fn payment(&self, id: VoucherId) -> Result<Option<Payment>, SettlementError> {
        let Some(row) = self.store.payment(id).await? else {
            return Ok(None);
        };
        let documents = self.store.documents(id).await?;
        let relation = documents.iter().find(|paper| paper.kind == "relation");
        let relation: Option<Relation> = relation.map(Document::read).transpose()?;
        Ok(Some(Payment {
            id,
            role: row.state.role(),
            state: row.state,
            is_final: row.state.is_final(),
            voucher: row.voucher,
            refusal: self.refusal(id).await?,
            relation: row.relation,
            obligations: relation.map_or_else(Vec::new, |relation| relation.obligations),
            retained_in: row.retained_in,
            window: row.window,
            cleared_in: row.cleared_in,
            paid_out_at: self.store.paid_out_at(id).await?,
            created_at: row.created_at,
            documents,
            history: self.store.history(id).await?,
        }))
    }

    /// The payment that a clearing relation follows from.
    ///
    /// # Errors
    /// The database failed.
    pub async fn payment_of(&self, relation: RelationId) -> Result<Option<Payment>, SettlementError> {
        match self.store.voucher_of(relation).await? {
            Some(id) => self.payment(id).await,
            None => Ok(None),
        }
    }

    /// The payments that a filter lets through, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn payments(&self, filter: &PaymentFilter, page: &Page) -> Result<Vec<Payment>, SettlementError> {
        let mut payments = Vec::new();
        for id in self.store.payments(filter, page).await? {
            payments.extend(self.payment(id).await?);
        }
        Ok(payments)
    }

    /// Adds a user, or changes everything of a user but its balance.
    ///
    /// # Errors
    /// The number is empty or too long, or the database failed.
    pub async fn put_user(&self, user: &User) -> Result<(), SettlementError> {
        if !is_user_number(&user.number) {
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

    /// What users may move, and how much of it they did today: by number, those after `after`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn user_limits(
        &self,
        filter: &UserFilter,
        after: &str,
        limit: u32,
    ) -> Result<Vec<UserLimit>, SettlementError> {
        Ok(self.store.user_limits(filter, after, limit, self.clock.now()).await?)
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

    /// Everybody whom the registry has to know: the parties, the notaries and this institution, ascending.
    fn involved(&self, voucher: &Voucher) -> Vec<Member> {
        let mut involved = voucher.parties();
        involved.extend(&self.notaries);
        involved.push(self.member);
        involved.sort_unstable();
        involved.dedup();
        involved
    }

    fn ensure_active(&self, voucher: &Voucher, members: &Members) -> Result<(), Fault> {
        for party in voucher.parties() {
            members.active(party, Roles::PARTICIPANT)?;
        }
        Ok(())
    }

    /// The notaries that can keep this voucher: active and no party to it, in the configured order. One that can't is no
    /// reason to give up, as long as enough others can.
    fn able_notaries(&self, voucher: &Voucher, members: &Members) -> Vec<Member> {
        let able = |notary: &Member| !voucher.involves(*notary) && members.active(*notary, Roles::NOTARY).is_ok();
        self.notaries.iter().copied().filter(able).collect()
    }

    fn ensure_enough_notaries(&self, able: usize, members: &Members) -> Result<(), Fault> {
        let needed = members.notary_threshold;
        if able >= usize::from(needed.max(1)) {
            return Ok(());
        }
        Err(Fault::TooFewNotaries { needed, able })
    }

    /// The relation that follows from a voucher under the published schedule that it names. `None` where there is no such
    /// schedule, or a fee is beyond what an amount can hold.
    async fn relation_of(&self, voucher: &Voucher, drawn_at: Timestamp) -> Result<Option<Relation>, LedgerError> {
        let schedule = self.ledger.schedule(voucher.fees).await?;
        Ok(schedule.and_then(|rules| Relation::of(voucher, &rules, drawn_at)))
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
        let retention = retention_payload(&domain, voucher, relation, expires_at);
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

    fn in_window(&self) -> MutexGuard<'_, HashMap<VoucherId, u32>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a payment's next state; false where it isn't any more where the step found it.
    async fn advance(&self, payment: &PaymentRow, advance: &Advance<'_>) -> Result<bool, StoreError> {
        let moved = self.store.advance_payment(&payment.voucher, advance).await?;
        if moved {
            // Nobody waits: that is no fault.
            let _ = self.moves.send(payment.voucher.id());
        }
        Ok(moved)
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
