//! What the notaries decide together: drafts, signatures, history.
use protocol::{signing::MemberSignature, Member, Timestamp};
use sqlx::{sqlite::SqliteRow, Row, SqliteConnection};

use super::{users::corrupt, Page, Store, StoreError};
use crate::decisions::{
    messages::{DecisionId, Draft},
    State,
};

/// A decision as this notary knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// What is signed.
    pub draft: Draft,
    /// How far it is here.
    pub state: State,
    /// Who agreed here.
    pub agreed_by: Option<String>,
    /// Which other notary made it known here.
    pub told_by: Option<Member>,
    /// The block that carried it out, where this notary submitted it.
    pub block: Option<u32>,
    /// When it became known here, in milliseconds since 1970.
    pub created_at: Timestamp,
}

/// Somebody at this notary agrees.
#[derive(Clone, Copy, Debug)]
pub struct Agreement<'a> {
    /// Names the wish.
    pub request: Option<&'a str>,
    /// Who.
    pub by: &'a str,
    /// The epoch of the signature.
    pub epoch: u32,
    /// This notary's.
    pub signed: MemberSignature,
    /// When.
    pub at: Timestamp,
}

/// A step of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state entered.
    pub state: State,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// What happened, for people.
    pub detail: String,
}

impl Store {
    /// Stores that this notary agrees, with its signature. Not where it agreed to something else under the same number
    /// that is still good: that is returned.
    ///
    /// # Errors
    /// The database failed.
    pub async fn agree_decision(
        &self,
        draft: &Draft,
        agreement: &Agreement<'_>,
    ) -> Result<Option<DecisionRow>, StoreError> {
        let id = draft.id();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let others = sqlx::query(
            "SELECT * FROM decisions WHERE number = ? AND finished = 0 AND state = ? AND expires_at > ? AND id <> ?",
        )
        .bind(draft.number)
        .bind(State::Agreed.as_str())
        .bind(time(agreement.at)?)
        .bind(id.to_string())
        .fetch_all(&mut *transaction)
        .await?;
        for other in &others {
            let other = from_row(other)?;
            if other.draft.decision != draft.decision {
                return Ok(Some(other));
            }
        }
        insert(&mut transaction, draft, State::Proposed, None, agreement.at).await?;
        let moved =
            sqlx::query("UPDATE decisions SET state = ?, agreed_by = ?, request = ? WHERE id = ? AND state = ?")
                .bind(State::Agreed.as_str())
                .bind(agreement.by)
                .bind(agreement.request)
                .bind(id.to_string())
                .bind(State::Proposed.as_str())
                .execute(&mut *transaction)
                .await?;
        if moved.rows_affected() == 1 {
            let detail = format!("{} agreed", agreement.by);
            note(&mut transaction, id, State::Agreed, agreement.at, &detail).await?;
            keep(&mut transaction, id, agreement.epoch, &agreement.signed).await?;
        }
        transaction.commit().await?;
        Ok(None)
    }

    /// Stores that another notary agreed, with its signature.
    ///
    /// # Errors
    /// The database failed.
    pub async fn propose_decision(
        &self,
        draft: &Draft,
        from: Member,
        epoch: u32,
        signed: &MemberSignature,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let id = draft.id();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if insert(&mut transaction, draft, State::Proposed, Some(from), at).await? {
            let detail = format!("member {from} agreed");
            note(&mut transaction, id, State::Proposed, at, &detail).await?;
        }
        keep(&mut transaction, id, epoch, signed).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends a decision, if it hasn't ended.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_decision(
        &self,
        id: DecisionId,
        state: State,
        block: Option<u32>,
        detail: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let moved =
            sqlx::query("UPDATE decisions SET state = ?, finished = 1, block = ? WHERE id = ? AND finished = 0")
                .bind(state.as_str())
                .bind(block)
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await?;
        if moved.rows_affected() == 1 {
            note(&mut transaction, id, state, at, detail).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps a notary's signature and returns the one that counts: the first one kept.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_decision_signature(
        &self,
        id: DecisionId,
        epoch: u32,
        signed: &MemberSignature,
    ) -> Result<MemberSignature, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        keep(&mut transaction, id, epoch, signed).await?;
        let row = sqlx::query("SELECT * FROM decision_signatures WHERE decision = ? AND epoch = ? AND member = ?")
            .bind(id.to_string())
            .bind(epoch)
            .bind(signed.member.0)
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        signature_from(&row)
    }

    /// One decision.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn decision(&self, id: DecisionId) -> Result<Option<DecisionRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM decisions WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(from_row).transpose()
    }

    /// What a client's wish led to.
    ///
    /// # Errors
    /// As [`Store::decision`].
    pub async fn decision_for(&self, request: &str) -> Result<Option<DecisionRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM decisions WHERE request = ?")
            .bind(request)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(from_row).transpose()
    }

    /// What hasn't ended, oldest first; of one number or of all.
    ///
    /// # Errors
    /// As [`Store::decision`].
    pub async fn open_decisions(&self, number: Option<u32>) -> Result<Vec<DecisionRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM decisions WHERE finished = 0 AND (?1 IS NULL OR number = ?1) ORDER BY created_at, id",
        )
        .bind(number)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(from_row).collect()
    }

    /// How many open decisions this notary knows from another one only.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open_proposals(&self, from: Member) -> Result<u32, StoreError> {
        let query = "SELECT COUNT(*) FROM decisions WHERE finished = 0 AND state = ? AND told_by = ?";
        Ok(sqlx::query_scalar(query)
            .bind(State::Proposed.as_str())
            .bind(from.0)
            .fetch_one(&self.pool)
            .await?)
    }

    /// Decisions, newest first.
    ///
    /// # Errors
    /// As [`Store::decision`].
    pub async fn decisions(&self, page: &Page) -> Result<Vec<DecisionRow>, StoreError> {
        let (at, id) = page.bound()?;
        let rows = sqlx::query(
            "SELECT * FROM decisions WHERE (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?",
        )
        .bind(at)
        .bind(id)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(from_row).collect()
    }

    /// The signatures of an epoch, or of the latest one that there are any of; ascending by member.
    ///
    /// # Errors
    /// As [`Store::decision`].
    pub async fn decision_signatures(
        &self,
        id: DecisionId,
        epoch: Option<u32>,
    ) -> Result<Vec<MemberSignature>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM decision_signatures WHERE decision = ?1 AND epoch = COALESCE(?2, \
             (SELECT MAX(epoch) FROM decision_signatures WHERE decision = ?1)) ORDER BY member",
        )
        .bind(id.to_string())
        .bind(epoch)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(signature_from).collect()
    }

    /// Every step of a decision, oldest first.
    ///
    /// # Errors
    /// As [`Store::decision`].
    pub async fn decision_history(&self, id: DecisionId) -> Result<Vec<Step>, StoreError> {
        let rows = sqlx::query("SELECT * FROM decision_history WHERE decision = ? ORDER BY number")
            .bind(id.to_string())
            .fetch_all(&self.pool)
            .await?;
        let step = |row: &SqliteRow| {
            Ok(Step {
                state: state(row)?,
                at: moment(row.try_get("at")?)?,
                detail: row.try_get("detail")?,
            })
        };
        rows.iter().map(step).collect()
    }
}

/// Returns whether it is new.
async fn insert(
    connection: &mut SqliteConnection,
    draft: &Draft,
    state: State,
    told_by: Option<Member>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO decisions (id, number, expires_at, body, state, finished, told_by, created_at) \
         VALUES (?, ?, ?, ?, ?, 0, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(draft.id().to_string())
    .bind(draft.number)
    .bind(time(draft.expires_at)?)
    .bind(serde_json::to_string(draft).map_err(|error| corrupt("decision", error))?)
    .bind(state.as_str())
    .bind(told_by.map(|member| member.0))
    .bind(time(at)?)
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn keep(
    connection: &mut SqliteConnection,
    id: DecisionId,
    epoch: u32,
    signed: &MemberSignature,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO decision_signatures (decision, epoch, member, signature) VALUES (?, ?, ?, ?) \
         ON CONFLICT DO NOTHING",
    )
    .bind(id.to_string())
    .bind(epoch)
    .bind(signed.member.0)
    .bind(signed.signature.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

async fn note(
    connection: &mut SqliteConnection,
    id: DecisionId,
    state: State,
    at: Timestamp,
    detail: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO decision_history (decision, state, at, detail) VALUES (?, ?, ?, ?)")
        .bind(id.to_string())
        .bind(state.as_str())
        .bind(time(at)?)
        .bind(detail)
        .execute(connection)
        .await?;
    Ok(())
}

fn from_row(row: &SqliteRow) -> Result<DecisionRow, StoreError> {
    let body: String = row.try_get("body")?;
    Ok(DecisionRow {
        draft: serde_json::from_str(&body).map_err(|error| corrupt("decision", error))?,
        state: state(row)?,
        agreed_by: row.try_get("agreed_by")?,
        told_by: row.try_get::<Option<u16>, _>("told_by")?.map(Member),
        block: row.try_get("block")?,
        created_at: moment(row.try_get("created_at")?)?,
    })
}

fn signature_from(row: &SqliteRow) -> Result<MemberSignature, StoreError> {
    let signature: String = row.try_get("signature")?;
    Ok(MemberSignature {
        member: Member(row.try_get("member")?),
        signature: signature
            .parse()
            .map_err(|error| corrupt("decision's signature", error))?,
    })
}

fn state(row: &SqliteRow) -> Result<State, StoreError> {
    let text: String = row.try_get("state")?;
    text.parse().map_err(|error| corrupt("decision's state", error))
}

fn time(at: Timestamp) -> Result<i64, StoreError> {
    i64::try_from(at).map_err(|error| corrupt("time", error))
}

fn moment(at: i64) -> Result<Timestamp, StoreError> {
    Timestamp::try_from(at).map_err(|error| corrupt("time", error))
}
