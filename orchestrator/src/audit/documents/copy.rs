//! A copy of an institution's database, read row by row. Nothing in it is taken to be as it was written.
use std::path::{Path, PathBuf};

use sqlx::{
    sqlite::{SqliteConnectOptions, SqliteRow},
    Connection, Row, SqliteConnection,
};

use super::DocumentsError;
use crate::settlement::messages::SignedPaymentRequest;

/// A copy, opened for reading alone.
#[derive(Debug)]
pub struct Copy {
    connection: SqliteConnection,
}

/// A payment's row, and everything that was kept with it.
#[derive(Debug)]
pub(super) struct Payment {
    pub(super) id: String,
    pub(super) role: String,
    pub(super) body: Vec<u8>,
    /// The digest of the user's request.
    pub(super) request: Option<String>,
    pub(super) relation: Option<String>,
    pub(super) retained_in: Option<i64>,
    pub(super) papers: Vec<Paper>,
    /// The user's key, if the copy has its account.
    pub(super) user_key: Option<String>,
}

/// A row of `payment_documents`.
#[derive(Clone, Debug)]
pub(super) struct Paper {
    pub(super) voucher: String,
    pub(super) kind: String,
    pub(super) member: i64,
    pub(super) epoch: i64,
    pub(super) body: Vec<u8>,
}

/// A row of `dispute_evidence`.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) dispute: String,
    pub(super) paper: String,
    pub(super) digest: String,
    pub(super) document: Vec<u8>,
    /// Whether it was written at this institution.
    pub(super) is_own: bool,
    /// Whether nothing more is to be done with it.
    pub(super) is_done: bool,
    /// The dispute as the institution saw it on the chain.
    pub(super) shown: Option<Vec<u8>>,
}

/// Texts as bytes: altered ones may be no text any more.
const PAYMENTS: &str = "SELECT rowid, CAST(voucher AS BLOB) AS voucher, CAST(role AS BLOB) AS role, \
     CAST(body AS BLOB) AS body, CAST(request AS BLOB) AS request, CAST(relation AS BLOB) AS relation, retained_in \
     FROM payments WHERE rowid > ? ORDER BY rowid LIMIT 1";
const USERS: &str = "SELECT CAST(public_key AS BLOB) AS public_key FROM users WHERE number = ?";
const PAPERS: &str = "SELECT rowid, CAST(voucher AS BLOB) AS voucher, CAST(kind AS BLOB) AS kind, member, epoch, \
     CAST(body AS BLOB) AS body FROM payment_documents \
     WHERE voucher = (SELECT voucher FROM payments WHERE rowid = ?) ORDER BY kind, member, epoch";
const STRAYS: &str = "SELECT rowid, CAST(voucher AS BLOB) AS voucher, CAST(kind AS BLOB) AS kind, member, epoch, \
     CAST(body AS BLOB) AS body FROM payment_documents \
     WHERE rowid > ? AND voucher NOT IN (SELECT voucher FROM payments) ORDER BY rowid LIMIT 1";
const EVIDENCE: &str = "SELECT evidence.rowid, CAST(evidence.dispute AS BLOB) AS dispute, \
     CAST(evidence.paper AS BLOB) AS paper, CAST(evidence.digest AS BLOB) AS digest, evidence.document, evidence.own, \
     evidence.done, CAST(disputes.shown AS BLOB) AS shown FROM dispute_evidence AS evidence \
     LEFT JOIN disputes ON disputes.id = evidence.dispute WHERE evidence.rowid > ? ORDER BY evidence.rowid LIMIT 1";

impl Copy {
    /// Opens a copy: the file that `VACUUM INTO` wrote, or the database's file with what lies beside it.
    ///
    /// # Errors
    /// It isn't there, or is something else.
    pub async fn open(path: &Path) -> Result<Self, DocumentsError> {
        let refused = |error| DocumentsError::NoDatabase {
            path: path.display().to_string(),
            error,
        };
        // Without a journal beside it nothing but the file has to be looked at, and nothing is made beside it.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .immutable(!journal(path).exists());
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(refused)?;
        for query in ["BEGIN", PAYMENTS, USERS, PAPERS, STRAYS, EVIDENCE] {
            let mut asked = sqlx::query(query);
            if query != "BEGIN" {
                asked = asked.bind(0i64);
            }
            asked.fetch_optional(&mut connection).await.map_err(refused)?;
        }
        Ok(Self { connection })
    }

    /// The next payment after a row; the first one after none.
    pub(super) async fn payment_after(&mut self, after: Option<i64>) -> Result<Option<(i64, Payment)>, DocumentsError> {
        let Some(row) = self.next(PAYMENTS, after).await? else {
            return Ok(None);
        };
        let number: i64 = row.try_get("rowid")?;
        let papers = sqlx::query(PAPERS).bind(number).fetch_all(&mut self.connection).await?;
        let papers: Vec<Paper> = papers.iter().map(paper).collect::<Result<_, _>>()?;
        let payment = Payment {
            id: text(&row, "voucher")?,
            role: text(&row, "role")?,
            body: row.try_get("body")?,
            request: optional(&row, "request")?,
            relation: optional(&row, "relation")?,
            retained_in: row.try_get("retained_in")?,
            user_key: self.key_of_user(&papers).await?,
            papers,
        };
        Ok(Some((number, payment)))
    }

    /// The key of the user that a payment's request names, where the copy has its account.
    async fn key_of_user(&mut self, papers: &[Paper]) -> Result<Option<String>, DocumentsError> {
        let asked = papers.iter().find(|paper| paper.kind == "payment-request");
        let asked = asked.and_then(|paper| serde_json::from_slice::<SignedPaymentRequest>(&paper.body).ok());
        let Some(asked) = asked else { return Ok(None) };
        let row = sqlx::query(USERS)
            .bind(asked.request.user)
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row.as_ref().map(|row| text(row, "public_key")).transpose()?)
    }

    /// The next document that lies with no payment.
    pub(super) async fn stray_after(&mut self, after: Option<i64>) -> Result<Option<(i64, Paper)>, DocumentsError> {
        let row = self.next(STRAYS, after).await?;
        row.map(|row| Ok((row.try_get("rowid")?, paper(&row)?))).transpose()
    }

    /// The next document of a dispute.
    pub(super) async fn evidence_after(
        &mut self,
        after: Option<i64>,
    ) -> Result<Option<(i64, Evidence)>, DocumentsError> {
        let Some(row) = self.next(EVIDENCE, after).await? else {
            return Ok(None);
        };
        let evidence = Evidence {
            dispute: text(&row, "dispute")?,
            paper: text(&row, "paper")?,
            digest: text(&row, "digest")?,
            document: row.try_get("document")?,
            is_own: row.try_get("own")?,
            is_done: row.try_get("done")?,
            shown: row.try_get("shown")?,
        };
        Ok(Some((row.try_get("rowid")?, evidence)))
    }

    async fn next(&mut self, query: &'static str, after: Option<i64>) -> Result<Option<SqliteRow>, DocumentsError> {
        let row = sqlx::query(query)
            .bind(after.unwrap_or(i64::MIN))
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row)
    }
}

/// What SQLite writes beside a database that is in use.
fn journal(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn paper(row: &SqliteRow) -> Result<Paper, sqlx::Error> {
    Ok(Paper {
        voucher: text(row, "voucher")?,
        kind: text(row, "kind")?,
        member: row.try_get("member")?,
        epoch: row.try_get("epoch")?,
        body: row.try_get("body")?,
    })
}

fn text(row: &SqliteRow, column: &str) -> Result<String, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get(column)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn optional(row: &SqliteRow, column: &str) -> Result<Option<String>, sqlx::Error> {
    let bytes: Option<Vec<u8>> = row.try_get(column)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
