//! Payments on credit at the credit node, and what payees were asked at their institution.
use protocol::{credit::CreditRequest, text::to_hex, AccountId, Member, RequestId, Signature, Timestamp};
use serde::Serialize;
use sqlx::{sqlite::SqliteRow, Row, SqliteConnection};

use super::{
    escrow::{integer, json, natural, read, read_optional, word},
    webhooks::{insert as insert_event, NewEvent},
    Page, Store, StoreError,
};
use crate::{
    credit::{
        payee::Decision,
        payments::state::{Refusal, Stage},
    },
    identity::Person,
};

/// A payment on credit as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRow {
    /// Its name everywhere: the request's id.
    pub id: RequestId,
    /// The payee's institution, by its index in the registry of the payee's chain.
    pub payee_institution: Member,
    /// How far it is.
    pub stage: Stage,
    /// What the payer asks for.
    pub request: CreditRequest,
    /// The payer's.
    pub payer_signature: Signature,
    /// PEM, leaf first.
    pub payer_certificate: String,
    /// Who the payer is.
    pub payer_person: Person,
    /// The payee's, once it takes the payment.
    pub payee_signature: Option<Signature>,
    /// Who the payee is.
    pub payee_person: Option<Person>,
    /// Why it is refused, or waits for a higher limit.
    pub refusal: Option<Refusal>,
    /// When it was taken.
    pub created_at: Timestamp,
}

/// A payment to be written down for the first time.
#[derive(Clone, Debug)]
pub struct NewPayment<'a> {
    /// What the payer asks for.
    pub request: &'a CreditRequest,
    /// The payer's.
    pub payer_signature: Signature,
    /// PEM, leaf first.
    pub payer_certificate: &'a str,
    /// Who the payer is.
    pub payer_person: &'a Person,
    /// The payee's institution.
    pub payee_institution: Member,
    /// When.
    pub at: Timestamp,
}

/// A step of a payment, with what is known from then on.
#[derive(Clone, Debug)]
pub struct Move {
    /// Only if it is there still.
    pub from: Stage,
    /// The next one.
    pub to: Stage,
    /// Why, for people.
    pub detail: String,
    /// The payee's consent, and who it is.
    pub consent: Option<(Signature, Person)>,
    /// Why it is refused, or waits.
    pub refusal: Option<Refusal>,
    /// What others are told.
    pub event: Option<NewEvent>,
    /// When.
    pub at: Timestamp,
}

/// One line of a payment's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentLine {
    /// The stage reached.
    pub stage: Stage,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// Why, for people.
    pub detail: String,
}

/// What a payee was asked, as it is stored at its institution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRow {
    /// The request's id.
    pub id: RequestId,
    /// The credit node that asks.
    pub node: Member,
    /// What was decided.
    pub decision: Decision,
    /// What the payer asks for.
    pub request: CreditRequest,
    /// The payer's.
    pub payer_signature: Signature,
    /// PEM, leaf first.
    pub payer_certificate: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// The payee's, under its decision.
    pub signature: Option<Signature>,
    /// Who decided: a client's name, or that the policy did.
    pub decided_by: Option<String>,
    /// When it was asked first.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
}

/// A payee's decision.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Which.
    pub decision: Decision,
    /// Why, if it refuses.
    pub reason: Option<String>,
    /// The payee's.
    pub signature: Signature,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Writes a payment down, unless it is there.
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin_credit_payment(&self, payment: &NewPayment<'_>) -> Result<bool, StoreError> {
        let id = payment.request.id();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let begun = sqlx::query(
            "INSERT INTO credit_payments (id, payer, debt_chain, payee_institution, stage, finished, request, \
             payer_signature, payer_certificate, payer_person, created_at) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?) \
             ON CONFLICT DO NOTHING",
        )
        .bind(id.to_string())
        .bind(to_hex(&payment.request.payer.0))
        .bind(to_hex(&payment.request.debt.genesis))
        .bind(payment.payee_institution.0)
        .bind(Stage::Asked.as_str())
        .bind(json(payment.request)?)
        .bind(json(&payment.payer_signature)?)
        .bind(payment.payer_certificate)
        .bind(json(payment.payer_person)?)
        .bind(integer(payment.at)?)
        .execute(&mut *transaction)
        .await?;
        let is_new = begun.rows_affected() == 1;
        if is_new {
            let detail = "the payer's request and certificate are in order; the payee is asked";
            note(&mut transaction, id, Stage::Asked, payment.at, detail).await?;
            transaction.commit().await?;
        }
        Ok(is_new)
    }

    /// A payment on credit.
    ///
    /// # Errors
    /// The database failed.
    pub async fn credit_payment(&self, id: RequestId) -> Result<Option<PaymentRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM credit_payments WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(payment_from).transpose()
    }

    /// Payments on credit that are not final.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unfinished_credit_payments(&self) -> Result<Vec<PaymentRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM credit_payments WHERE finished = 0 ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(payment_from).collect()
    }

    /// Payments on credit, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn credit_payments(&self, page: &Page) -> Result<Vec<PaymentRow>, StoreError> {
        let (at, id) = page.bound()?;
        let rows = sqlx::query(
            "SELECT * FROM credit_payments WHERE (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?",
        )
        .bind(at)
        .bind(id)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(payment_from).collect()
    }

    /// Every stage of a payment so far, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn credit_history(&self, id: RequestId) -> Result<Vec<PaymentLine>, StoreError> {
        let rows = sqlx::query("SELECT stage, at, detail FROM credit_history WHERE payment = ? ORDER BY number")
            .bind(id.to_string())
            .fetch_all(&self.pool)
            .await?;
        let line = |row: &SqliteRow| {
            Ok(PaymentLine {
                stage: word(row, "stage")?,
                at: natural(row.try_get("at")?)?,
                detail: row.try_get("detail")?,
            })
        };
        rows.iter().map(line).collect()
    }

    /// The payments that a payer may owe for on a chain: all that came as far as a reservation.
    ///
    /// # Errors
    /// The database failed.
    pub async fn credit_taken(&self, payer: AccountId, chain: [u8; 32]) -> Result<Vec<RequestId>, StoreError> {
        let rows = sqlx::query(
            "SELECT id FROM credit_payments WHERE payer = ? AND debt_chain = ? AND stage IN (?, ?) ORDER BY id",
        )
        .bind(to_hex(&payer.0))
        .bind(to_hex(&chain))
        .bind(Stage::Owed.as_str())
        .bind(Stage::Confirmed.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| word(row, "id")).collect()
    }

    /// Moves a payment to its next stage, if it is still where it was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn move_credit_payment(&self, id: RequestId, step: &Move) -> Result<bool, StoreError> {
        let (signature, person) = step
            .consent
            .as_ref()
            .map(|(signature, person)| (signature, person))
            .unzip();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let moved = sqlx::query(
            "UPDATE credit_payments SET stage = ?, finished = ?, refusal = ?, \
             payee_signature = coalesce(payee_signature, ?), payee_person = coalesce(payee_person, ?) \
             WHERE id = ? AND stage = ?",
        )
        .bind(step.to.as_str())
        .bind(step.to.is_final())
        .bind(step.refusal.as_ref().map(json).transpose()?)
        .bind(signature.map(json).transpose()?)
        .bind(person.map(json).transpose()?)
        .bind(id.to_string())
        .bind(step.from.as_str())
        .execute(&mut *transaction)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        note(&mut transaction, id, step.to, step.at, &step.detail).await?;
        if let Some(event) = &step.event {
            insert_event(&mut transaction, step.at, event).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Writes down what a payee is asked, with what a rule decides, unless it is there.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_consent(&self, asked: &ConsentRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO credit_consents (id, node, decision, request, payer_signature, payer_certificate, reason, signature, \
             decided_by, created_at, decided_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(asked.id.to_string())
        .bind(asked.node.0)
        .bind(asked.decision.as_str())
        .bind(json(&asked.request)?)
        .bind(json(&asked.payer_signature)?)
        .bind(&asked.payer_certificate)
        .bind(&asked.reason)
        .bind(asked.signature.as_ref().map(json).transpose()?)
        .bind(&asked.decided_by)
        .bind(integer(asked.created_at)?)
        .bind(asked.decided_at.map(integer).transpose()?)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Decides what is pending; what was decided before stays as it is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn decide_consent(&self, id: RequestId, decided: &Decided) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE credit_consents SET decision = ?, reason = ?, signature = ?, decided_by = ?, decided_at = ? \
             WHERE id = ? AND decision = ?",
        )
        .bind(decided.decision.as_str())
        .bind(&decided.reason)
        .bind(json(&decided.signature)?)
        .bind(&decided.by)
        .bind(integer(decided.at)?)
        .bind(id.to_string())
        .bind(Decision::Pending.as_str())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What a payee was asked, and what it decided.
    ///
    /// # Errors
    /// The database failed.
    pub async fn consent(&self, id: RequestId) -> Result<Option<ConsentRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM credit_consents WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(consent_from).transpose()
    }

    /// What payees were asked, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn consents(&self, page: &Page) -> Result<Vec<ConsentRow>, StoreError> {
        let (at, id) = page.bound()?;
        let rows = sqlx::query(
            "SELECT * FROM credit_consents WHERE (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?",
        )
        .bind(at)
        .bind(id)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(consent_from).collect()
    }
}

async fn note(
    connection: &mut SqliteConnection,
    id: RequestId,
    stage: Stage,
    at: Timestamp,
    detail: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO credit_history (payment, stage, at, detail) VALUES (?, ?, ?, ?)")
        .bind(id.to_string())
        .bind(stage.as_str())
        .bind(integer(at)?)
        .bind(detail)
        .execute(connection)
        .await?;
    Ok(())
}

fn payment_from(row: &SqliteRow) -> Result<PaymentRow, StoreError> {
    Ok(PaymentRow {
        id: word(row, "id")?,
        payee_institution: Member(row.try_get("payee_institution")?),
        stage: word(row, "stage")?,
        request: read(row, "request")?,
        payer_signature: read(row, "payer_signature")?,
        payer_certificate: row.try_get("payer_certificate")?,
        payer_person: read(row, "payer_person")?,
        payee_signature: read_optional(row, "payee_signature")?,
        payee_person: read_optional(row, "payee_person")?,
        refusal: read_optional(row, "refusal")?,
        created_at: natural(row.try_get("created_at")?)?,
    })
}

fn consent_from(row: &SqliteRow) -> Result<ConsentRow, StoreError> {
    Ok(ConsentRow {
        id: word(row, "id")?,
        node: Member(row.try_get("node")?),
        decision: word(row, "decision")?,
        request: read(row, "request")?,
        payer_signature: read(row, "payer_signature")?,
        payer_certificate: row.try_get("payer_certificate")?,
        reason: row.try_get("reason")?,
        signature: read_optional(row, "signature")?,
        decided_by: row.try_get("decided_by")?,
        created_at: natural(row.try_get("created_at")?)?,
        decided_at: row.try_get::<Option<i64>, _>("decided_at")?.map(natural).transpose()?,
    })
}
