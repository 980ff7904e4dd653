//! Disputes: what the chain shows of them, what somebody here wants, history.
use protocol::{disputes::Dispute, settlement::Obligation, text::to_hex, Amount, Member, Timestamp, VoucherId};
use serde::Serialize;
use sqlx::{sqlite::SqliteRow, Row, SqliteConnection};

use super::{
    escrow::word,
    evidence::{keep_own, NewEvidence},
    payments::time,
    users::corrupt,
    webhooks::{insert as insert_event, moment, NewEvent},
    Page, Store, StoreError,
};
use crate::disputes::state::{describe, progress, Over, Paper, State};

/// A dispute as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeRow {
    /// What it is over.
    pub over: Over,
    /// How far it is.
    pub state: State,
    /// How much somebody here wants back.
    pub wanted: Option<Amount>,
    /// As the finalized chain showed it last.
    pub shown: Option<Dispute>,
    /// This institution's own documents with which something is still to be done; told of open disputes only.
    pub undone: Vec<(Paper, [u8; 32])>,
    /// When it became known here.
    pub created_at: Timestamp,
}

/// One line of a dispute's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DisputeLine {
    /// The state reached.
    pub state: State,
    /// When, in milliseconds since 1970.
    pub at: Timestamp,
    /// Why, for people.
    pub detail: String,
}

/// A dispute that somebody here wants to open.
#[derive(Clone, Copy, Debug)]
pub struct NewDispute<'a> {
    /// Over what.
    pub over: Over,
    /// This institution.
    pub claimant: Member,
    /// The obligation.
    pub contested: &'a Obligation,
    /// How much should go back.
    pub amount: Amount,
    /// What shows why.
    pub evidence: NewEvidence<'a>,
}

/// Which disputes: those for which all of it holds that is said.
#[derive(Clone, Debug, Default)]
pub struct DisputeFilter {
    /// How far it is.
    pub state: Option<State>,
    /// Who claims, owes or is owed.
    pub member: Option<Member>,
    /// Over obligations of this voucher.
    pub voucher: Option<VoucherId>,
    /// First seen here at or after.
    pub from: Option<Timestamp>,
    /// First seen here before.
    pub to: Option<Timestamp>,
}

impl Store {
    /// Writes down that somebody here wants a dispute, with the document. Returns whether it is new: where there is one,
    /// or somebody wants one already, nothing is changed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn want_dispute(&self, new: &NewDispute<'_>) -> Result<bool, StoreError> {
        let evidence = &new.evidence;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let wanted = sqlx::query(
            "INSERT INTO disputes (id, voucher, state, finished, wanted, claimant, debtor, creditor, created_at) \
             VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, finished = 0, wanted = excluded.wanted \
             WHERE state = ?9",
        )
        .bind(new.over.to_string())
        .bind(new.over.voucher.to_string())
        .bind(State::Wanted.as_str())
        .bind(new.amount.to_string())
        .bind(new.claimant.0)
        .bind(new.contested.debtor.0)
        .bind(new.contested.creditor.0)
        .bind(time(evidence.at)?)
        // What the contract refused may be wanted again.
        .bind(State::Refused.as_str())
        .execute(&mut *transaction)
        .await?;
        if wanted.rows_affected() == 0 {
            return Ok(false);
        }
        keep_own(&mut transaction, new.over, Paper::Claim, evidence).await?;
        let detail = format!("{} wants {} back", evidence.by, new.amount);
        note(&mut transaction, new.over, State::Wanted, evidence.at, &detail).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Writes down that somebody here wants to answer, with the document. Returns whether this is the answer: the first one
    /// counts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn want_answer(
        &self,
        over: Over,
        shown: &Dispute,
        evidence: &NewEvidence<'_>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        show(&mut transaction, over, shown, evidence.at).await?;
        let other: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM dispute_evidence WHERE dispute = ? AND paper = ? AND own = 1 AND digest <> ?)",
        )
        .bind(over.to_string())
        .bind(Paper::Answer.as_str())
        .bind(to_hex(&evidence.document.digest()))
        .fetch_one(&mut *transaction)
        .await?;
        if other {
            return Ok(false);
        }
        keep_own(&mut transaction, over, Paper::Answer, evidence).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Notes what the finalized chain shows of a dispute. What was noted later stays.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_dispute(&self, over: Over, shown: &Dispute, at: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        show(&mut transaction, over, shown, at).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Notes what a stretch of blocks told, what others are told of it, and that it was read: all of it or nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn read_disputes(
        &self,
        until: u32,
        at: Timestamp,
        shown: &[(Over, Dispute)],
        events: &[NewEvent],
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for (over, dispute) in shown {
            show(&mut transaction, *over, dispute, at).await?;
        }
        for event in events {
            insert_event(&mut transaction, at, event).await?;
        }
        sqlx::query(
            "INSERT INTO dispute_journal (one, block) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET block = excluded.block",
        )
        .bind(until)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The latest block that was read.
    ///
    /// # Errors
    /// The database failed.
    pub async fn disputes_read_until(&self) -> Result<Option<u32>, StoreError> {
        Ok(sqlx::query_scalar("SELECT block FROM dispute_journal")
            .fetch_optional(&self.pool)
            .await?)
    }

    /// The contract refuses what somebody here wants.
    ///
    /// # Errors
    /// The database failed.
    pub async fn refuse_dispute(&self, over: Over, why: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let refused = sqlx::query("UPDATE disputes SET state = ?, finished = 1 WHERE id = ? AND state = ?")
            .bind(State::Refused.as_str())
            .bind(over.to_string())
            .bind(State::Wanted.as_str())
            .execute(&mut *transaction)
            .await?;
        if refused.rows_affected() == 1 {
            sqlx::query("UPDATE dispute_evidence SET done = 1 WHERE dispute = ?")
                .bind(over.to_string())
                .execute(&mut *transaction)
                .await?;
            note(&mut transaction, over, State::Refused, at, why).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Disputes that go on, or with a document of this institution's with which something is still to be done.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn open_disputes(&self) -> Result<Vec<DisputeRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM disputes WHERE finished = 0 OR id IN (SELECT dispute FROM dispute_evidence WHERE done = 0) \
             ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut open: Vec<DisputeRow> = rows.iter().map(dispute_from).collect::<Result<_, _>>()?;
        let undone =
            sqlx::query("SELECT dispute, paper, digest FROM dispute_evidence WHERE done = 0 ORDER BY paper DESC")
                .fetch_all(&self.pool)
                .await?;
        for row in &undone {
            let over: Over = word(row, "dispute")?;
            let digest: String = row.try_get("digest")?;
            let digest = protocol::text::from_hex(&digest).map_err(|error| corrupt("digest", error))?;
            if let Some(dispute) = open.iter_mut().find(|dispute| dispute.over == over) {
                dispute.undone.push((word(row, "paper")?, digest));
            }
        }
        Ok(open)
    }

    /// One dispute.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn dispute(&self, over: Over) -> Result<Option<DisputeRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM disputes WHERE id = ?")
            .bind(over.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(dispute_from).transpose()
    }

    /// What a client's wish led to.
    ///
    /// # Errors
    /// As [`Store::dispute`].
    pub async fn dispute_for(&self, request: &str) -> Result<Option<Over>, StoreError> {
        let row = sqlx::query("SELECT dispute FROM dispute_evidence WHERE request = ?")
            .bind(request)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(|row| word(row, "dispute")).transpose()
    }

    /// The disputes that a filter lets through, newest first.
    ///
    /// # Errors
    /// As [`Store::dispute`].
    pub async fn disputes(&self, filter: &DisputeFilter, page: &Page) -> Result<Vec<DisputeRow>, StoreError> {
        let (at, id) = page.bound()?;
        let rows = sqlx::query(
            "SELECT * FROM disputes WHERE (created_at, id) < (?1, ?2) \
             AND (?3 IS NULL OR state = ?3) \
             AND (?4 IS NULL OR ?4 IN (claimant, debtor, creditor)) \
             AND (?5 IS NULL OR voucher = ?5) \
             AND (?6 IS NULL OR created_at >= ?6) AND (?7 IS NULL OR created_at < ?7) \
             ORDER BY created_at DESC, id DESC LIMIT ?8",
        )
        .bind(at)
        .bind(id)
        .bind(filter.state.map(State::as_str))
        .bind(filter.member.map(|member| member.0))
        .bind(filter.voucher.map(|voucher| voucher.to_string()))
        .bind(filter.from.map(time).transpose()?)
        .bind(filter.to.map(time).transpose()?)
        .bind(page.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(dispute_from).collect()
    }

    /// Every state of a dispute so far, oldest first.
    ///
    /// # Errors
    /// As [`Store::dispute`].
    pub async fn dispute_history(&self, over: Over) -> Result<Vec<DisputeLine>, StoreError> {
        let rows = sqlx::query("SELECT state, at, detail FROM dispute_history WHERE dispute = ? ORDER BY number")
            .bind(over.to_string())
            .fetch_all(&self.pool)
            .await?;
        let line = |row: &SqliteRow| {
            Ok(DisputeLine {
                state: word(row, "state")?,
                at: moment(row.try_get("at")?)?,
                detail: row.try_get("detail")?,
            })
        };
        rows.iter().map(line).collect()
    }
}

/// What is read later tells more than what was read earlier, whoever stores it first.
pub(super) async fn show(
    connection: &mut SqliteConnection,
    over: Over,
    shown: &Dispute,
    at: Timestamp,
) -> Result<(), StoreError> {
    let before = sqlx::query("SELECT * FROM disputes WHERE id = ?")
        .bind(over.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    let before = before.as_ref().map(dispute_from).transpose()?;
    let known = before.as_ref().and_then(|row| row.shown);
    if known.is_some_and(|known| progress(&known) >= progress(shown)) {
        return Ok(());
    }
    let state = State::of(shown);
    sqlx::query(
        "INSERT INTO disputes (id, voucher, state, finished, shown, claimant, debtor, creditor, created_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, \
         finished = excluded.finished, shown = excluded.shown, claimant = excluded.claimant",
    )
    .bind(over.to_string())
    .bind(over.voucher.to_string())
    .bind(state.as_str())
    .bind(state.is_final())
    .bind(serde_json::to_string(shown).map_err(|error| corrupt("dispute", error))?)
    .bind(shown.claimant.0)
    .bind(shown.contested.debtor.0)
    .bind(shown.contested.creditor.0)
    .bind(time(at)?)
    .execute(&mut *connection)
    .await?;
    let is_news = before.is_none_or(|row| row.state != state || State::Awarded == state);
    if is_news {
        note(connection, over, state, at, &describe(shown)).await?;
    }
    Ok(())
}

async fn note(
    connection: &mut SqliteConnection,
    over: Over,
    state: State,
    at: Timestamp,
    detail: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO dispute_history (dispute, state, at, detail) VALUES (?, ?, ?, ?)")
        .bind(over.to_string())
        .bind(state.as_str())
        .bind(time(at)?)
        .bind(detail)
        .execute(connection)
        .await?;
    Ok(())
}

fn dispute_from(row: &SqliteRow) -> Result<DisputeRow, StoreError> {
    let wanted: Option<String> = row.try_get("wanted")?;
    let wanted = wanted.map(|text| text.parse().map_err(|error| corrupt("claim", error)));
    let shown: Option<String> = row.try_get("shown")?;
    let shown = shown.map(|text| serde_json::from_str(&text).map_err(|error| corrupt("dispute", error)));
    Ok(DisputeRow {
        over: word(row, "id")?,
        state: word(row, "state")?,
        wanted: wanted.transpose()?,
        shown: shown.transpose()?,
        undone: vec![],
        created_at: moment(row.try_get("created_at")?)?,
    })
}
