//! Documents of disputes, and the letters that they go to others with.
use protocol::{disputes::Dispute, text::to_hex, Member, Timestamp};
use sqlx::{sqlite::SqliteRow, Row, SqliteConnection};

use super::{disputes::show, escrow::word, users::corrupt, Store, StoreError};
use crate::disputes::{
    messages::{Document, EvidenceLetter},
    state::{Over, Paper},
};

/// A document that a client sent along with its wish.
#[derive(Clone, Copy, Debug)]
pub struct NewEvidence<'a> {
    /// Byte for byte.
    pub document: &'a Document,
    /// Names the wish.
    pub request: &'a str,
    /// Who wishes.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Keeps another institution's document, which the chain shows.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_evidence(
        &self,
        over: Over,
        shown: &Dispute,
        paper: Paper,
        document: &Document,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        show(&mut transaction, over, shown, at).await?;
        sqlx::query(
            "INSERT INTO dispute_evidence (dispute, paper, digest, document, own, done) VALUES (?, ?, ?, ?, 0, 1) \
             ON CONFLICT DO NOTHING",
        )
        .bind(over.to_string())
        .bind(paper.as_str())
        .bind(to_hex(&document.digest()))
        .bind(document.bytes())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Nothing more is to be done with a document of this institution's than to send these letters.
    ///
    /// # Errors
    /// The database failed.
    pub async fn evidence_done(
        &self,
        over: Over,
        paper: Paper,
        digest: [u8; 32],
        to: &[Member],
    ) -> Result<(), StoreError> {
        let (id, digest) = (over.to_string(), to_hex(&digest));
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let done = sqlx::query(
            "UPDATE dispute_evidence SET done = 1 WHERE dispute = ? AND paper = ? AND digest = ? AND done = 0",
        )
        .bind(&id)
        .bind(paper.as_str())
        .bind(&digest)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 1 {
            for recipient in to {
                sqlx::query("INSERT INTO dispute_letters (recipient, dispute, paper, digest) VALUES (?, ?, ?, ?)")
                    .bind(recipient.0)
                    .bind(&id)
                    .bind(paper.as_str())
                    .bind(&digest)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Letters that are not acknowledged, oldest first.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn evidence_letters(&self) -> Result<Vec<(i64, Member, EvidenceLetter)>, StoreError> {
        let rows = sqlx::query(
            "SELECT letter.number, letter.recipient, evidence.dispute, evidence.document FROM dispute_letters AS letter \
             JOIN dispute_evidence AS evidence ON evidence.dispute = letter.dispute AND evidence.paper = letter.paper \
             AND evidence.digest = letter.digest ORDER BY letter.number",
        )
        .fetch_all(&self.pool)
        .await?;
        let letter = |row: &SqliteRow| {
            let over: Over = word(row, "dispute")?;
            let letter = EvidenceLetter {
                voucher: over.voucher,
                obligation: over.obligation,
                document: document_from(row)?,
            };
            Ok((row.try_get("number")?, Member(row.try_get("recipient")?), letter))
        };
        rows.iter().map(letter).collect()
    }

    /// A letter was acknowledged.
    ///
    /// # Errors
    /// The database failed.
    pub async fn evidence_letter_answered(&self, number: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM dispute_letters WHERE number = ?")
            .bind(number)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A document of a dispute: the one with this digest, or this institution's own that isn't on chain yet.
    ///
    /// # Errors
    /// As [`Store::dispute`].
    pub async fn dispute_document(
        &self,
        over: Over,
        paper: Paper,
        digest: Option<[u8; 32]>,
    ) -> Result<Option<Document>, StoreError> {
        let row = sqlx::query(
            "SELECT document FROM dispute_evidence WHERE dispute = ?1 AND paper = ?2 \
             AND (digest = ?3 OR (?3 IS NULL AND done = 0)) LIMIT 1",
        )
        .bind(over.to_string())
        .bind(paper.as_str())
        .bind(digest.map(|digest| to_hex(&digest)))
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(document_from).transpose()
    }
}

/// Keeps a document of this institution's own that is to go on chain.
pub(super) async fn keep_own(
    connection: &mut SqliteConnection,
    over: Over,
    paper: Paper,
    evidence: &NewEvidence<'_>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO dispute_evidence (dispute, paper, digest, document, own, request, done) VALUES (?, ?, ?, ?, 1, ?, 0) \
         ON CONFLICT (dispute, paper, digest) DO UPDATE SET own = 1, done = 0",
    )
    .bind(over.to_string())
    .bind(paper.as_str())
    .bind(to_hex(&evidence.document.digest()))
    .bind(evidence.document.bytes())
    .bind(evidence.request)
    .execute(connection)
    .await?;
    Ok(())
}

fn document_from(row: &SqliteRow) -> Result<Document, StoreError> {
    Document::new(row.try_get("document")?).map_err(|error| corrupt("evidence", error))
}
