//! Payments on credit across two chains (S1.1 to S1.12): reserve on the payer's chain, pay on the payee's, commit on the
//! payer's.
//!
//! [`Payments`] takes payers' requests (`intake`); its [`Payments::run`] looks at every open payment whenever something
//! changed, and does the one step that both finalized chains, the clock and what is stored call for (`saga`).
mod intake;
mod runner;
mod saga;
pub mod state;

use std::sync::Arc;

use protocol::{credit::CreditRequest, AccountId, RequestId, Signature, Timestamp};
use serde_json::json;
use tokio::sync::{watch, Notify};

pub use intake::{NewRequest, Offered, Terms};

use super::{
    ports::{Clock, Payees},
    Credit, CreditError,
};
use crate::{
    identity::{Person, PersonError, Persons},
    settlement::failpoints,
    store::{
        credit::{Move, PaymentLine, PaymentRow},
        webhooks::NewEvent,
        Page, Store,
    },
};
use state::{Refusal, Stage};

/// The payments of a credit node.
pub struct Payments {
    credit: Arc<Credit>,
    store: Store,
    payees: Arc<dyn Payees>,
    /// Who vouches for payers and payees. Without them nothing is taken.
    persons: Option<Arc<Persons>>,
    terms: Terms,
    clock: Arc<dyn Clock>,
    /// Something here changed: look at the payments.
    changed: Notify,
    /// Counts moves, for those who wait for one.
    moves: watch::Sender<u64>,
}

/// A payment with everything that is known of it.
#[derive(Clone, Debug)]
pub struct Payment {
    /// As it is stored.
    pub row: PaymentRow,
    /// Every stage so far, oldest first.
    pub history: Vec<PaymentLine>,
}

impl Payments {
    /// Puts the system together. Nothing happens before [`Payments::run`].
    pub fn new(
        credit: Arc<Credit>,
        store: Store,
        payees: Arc<dyn Payees>,
        persons: Option<Arc<Persons>>,
        terms: Terms,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            credit,
            store,
            payees,
            persons,
            terms,
            clock,
            changed: Notify::new(),
            moves: watch::Sender::new(0),
        })
    }

    /// A payment.
    ///
    /// # Errors
    /// There is none, or the database failed.
    pub async fn payment(&self, id: RequestId) -> Result<Payment, CreditError> {
        let row = self.store.credit_payment(id).await?;
        let row = row.ok_or(CreditError::UnknownPayment(id))?;
        let history = self.store.credit_history(id).await?;
        Ok(Payment { row, history })
    }

    /// Payments, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn payments(&self, page: &Page) -> Result<Vec<Payment>, CreditError> {
        let mut payments = Vec::new();
        for row in self.store.credit_payments(page).await? {
            let history = self.store.credit_history(row.id).await?;
            payments.push(Payment { row, history });
        }
        Ok(payments)
    }

    /// Lets nobody release by hand what a payment under way counts on.
    ///
    /// # Errors
    /// The payment is under way, or the database failed.
    pub async fn ensure_over(&self, id: RequestId) -> Result<(), CreditError> {
        match self.store.credit_payment(id).await? {
            Some(row) if !row.stage.is_final() => Err(CreditError::UnderWay(id)),
            _ => Ok(()),
        }
    }

    /// Tells of every payment that moves from now on.
    pub fn moves(&self) -> watch::Receiver<u64> {
        self.moves.subscribe()
    }

    /// Moves a payment to another stage, and tells those who are to be told.
    async fn enter(&self, row: &PaymentRow, to: Stage, entry: Entry) -> Result<(), CreditError> {
        failpoints::reach("credit.node.enter.acting".to_owned()).await;
        let Entry {
            detail,
            consent,
            refusal,
        } = entry;
        let step = Move {
            from: row.stage,
            to,
            event: told(&row.request, to, &detail, refusal.as_ref()),
            detail,
            consent,
            refusal,
            at: self.clock.now(),
        };
        if self.store.move_credit_payment(row.id, &step).await? {
            tracing::info!(from = %step.from, to = %step.to, detail = step.detail, "moved");
        }
        failpoints::reach("credit.node.enter.acted".to_owned()).await;
        self.changed();
        Ok(())
    }

    /// Who a certificate says that the account's holder is (S1.4); the inner result is the certificate's own fault.
    async fn identify(
        &self,
        certificate: &str,
        account: AccountId,
    ) -> Result<Result<Person, PersonError>, CreditError> {
        let persons = self.persons.clone().ok_or(CreditError::NoAuthorities)?;
        let (certificate, now) = (certificate.to_owned(), self.clock.now());
        // It looks whether the files with what is revoked have changed.
        let looked = tokio::task::spawn_blocking(move || persons.verify(&certificate, &account, now));
        looked.await.map_err(|_| CreditError::Stopping)
    }

    fn changed(&self) {
        self.moves.send_modify(|moves| *moves = moves.wrapping_add(1));
        self.changed.notify_one();
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// What is known at a stage, beyond the stage.
#[derive(Default)]
struct Entry {
    /// Why, for people.
    detail: String,
    /// The payee's signature, and who it is.
    consent: Option<(Signature, Person)>,
    /// Why it is refused, or waits.
    refusal: Option<Refusal>,
}

impl Entry {
    fn because(detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..Self::default()
        }
    }

    fn refused(refusal: Refusal) -> Self {
        Self {
            detail: refusal.detail.clone(),
            refusal: Some(refusal),
            ..Self::default()
        }
    }
}

/// What the payer, or who acts for it, is told by webhook (S1.10 to S1.12).
fn told(request: &CreditRequest, to: Stage, detail: &str, refusal: Option<&Refusal>) -> Option<NewEvent> {
    let kind = match to {
        Stage::Confirmed => "credit.confirmed",
        Stage::Refused => "credit.refused",
        Stage::Lapsed => "credit.lapsed",
        Stage::Lost => "credit.lost",
        Stage::Short => "credit.raise-invited",
        Stage::Owed => "credit.owed",
        Stage::Asked | Stage::Accepted | Stage::Reserved | Stage::Paid => return None,
    };
    let id = request.id();
    Some(NewEvent {
        kind,
        subject: id.to_string(),
        data: json!({ "payment": id, "request": request, "detail": detail, "code": refusal.map(|refusal| &refusal.code) }),
        origin: None,
    })
}

#[cfg(test)]
mod tests;
