//! Transactions that were or will be sent. Written before sending, so that a crash can't lose one.
use protocol::AccountId;
use sqlx::{sqlite::SqliteRow, Row};

use super::{Store, StoreError};

/// Whose transactions: an account on one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Genesis hash of the chain.
    pub genesis: [u8; 32],
    /// The account.
    pub account: AccountId,
}

/// A transaction for one business step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Names the business step.
    pub key: String,
    /// Counted from 1; a new attempt follows a failed one.
    pub attempt: u32,
    /// SCALE of the call.
    pub call: Vec<u8>,
    /// blake2-256 of `call`.
    pub call_digest: [u8; 32],
    /// What was signed and when it can be included.
    pub signed: SignedBytes,
    /// How far it is.
    pub status: SubmissionStatus,
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBytes {
    /// What goes over the wire.
    pub extrinsic: Vec<u8>,
    /// blake2-256 of it.
    pub hash: [u8; 32],
    /// The account's nonce in it.
    pub nonce: u64,
    /// It can be included after this block…
    pub birth: u32,
    /// …and up to this one.
    pub death: u32,
}

/// How far a submission is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmissionStatus {
    /// Its fate is not known yet.
    Pending,
    /// Finalized and carried out.
    Done {
        /// Block number.
        block: u32,
        /// Block hash.
        block_hash: [u8; 32],
    },
    /// Finalized, and failed there.
    Failed {
        /// Block number.
        block: u32,
        /// Block hash.
        block_hash: [u8; 32],
        /// The chain's reason.
        failure: String,
    },
    /// Never taken by a node.
    Rejected {
        /// The node's reason.
        failure: String,
    },
}

impl Store {
    /// The latest attempt at a business step.
    ///
    /// # Errors
    /// The database fails.
    pub async fn submission(&self, sender: &Sender, key: &str) -> Result<Option<Submission>, StoreError> {
        sqlx::query(
            "SELECT * FROM submissions WHERE genesis = ? AND account = ? AND key = ? ORDER BY attempt DESC LIMIT 1",
        )
        .bind(sender.genesis.as_slice())
        .bind(sender.account.0.as_slice())
        .bind(key)
        .fetch_optional(&self.pool)
        .await?
        .map(|row| read(&row))
        .transpose()
    }

    /// Everything whose fate is not known, by nonce: what a restarted submitter takes up.
    ///
    /// # Errors
    /// The database fails.
    pub async fn pending_submissions(&self, sender: &Sender) -> Result<Vec<Submission>, StoreError> {
        sqlx::query("SELECT * FROM submissions WHERE genesis = ? AND account = ? AND status = 'pending' ORDER BY nonce")
            .bind(sender.genesis.as_slice())
            .bind(sender.account.0.as_slice())
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// Keeps a new attempt, before it is sent.
    ///
    /// # Errors
    /// The database fails, or has this attempt.
    pub async fn insert_submission(&self, sender: &Sender, submission: &Submission) -> Result<(), StoreError> {
        let signed = &submission.signed;
        sqlx::query(
            "INSERT INTO submissions
                 (genesis, account, key, attempt, call, call_digest, extrinsic, hash, nonce, birth, death, status)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')",
        )
        .bind(sender.genesis.as_slice())
        .bind(sender.account.0.as_slice())
        .bind(&submission.key)
        .bind(submission.attempt)
        .bind(&submission.call)
        .bind(submission.call_digest.as_slice())
        .bind(&signed.extrinsic)
        .bind(signed.hash.as_slice())
        .bind(nonce(signed)?)
        .bind(signed.birth)
        .bind(signed.death)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps new bytes for an attempt whose old ones can't be included any more, before they are sent.
    ///
    /// # Errors
    /// The database fails, or the attempt isn't open: then its bytes must not be sent.
    pub async fn resign_submission(
        &self,
        sender: &Sender,
        key: &str,
        attempt: u32,
        signed: &SignedBytes,
    ) -> Result<(), StoreError> {
        let changed = sqlx::query(
            "UPDATE submissions SET extrinsic = ?, hash = ?, nonce = ?, birth = ?, death = ?
             WHERE genesis = ? AND account = ? AND key = ? AND attempt = ? AND status = 'pending'",
        )
        .bind(&signed.extrinsic)
        .bind(signed.hash.as_slice())
        .bind(nonce(signed)?)
        .bind(signed.birth)
        .bind(signed.death)
        .bind(sender.genesis.as_slice())
        .bind(sender.account.0.as_slice())
        .bind(key)
        .bind(attempt)
        .execute(&self.pool)
        .await?;
        if changed.rows_affected() != 1 {
            return Err(corrupt(format!("attempt {attempt} at {key} isn't open")));
        }
        Ok(())
    }

    /// Keeps an attempt's fate.
    ///
    /// # Errors
    /// The database fails.
    pub async fn resolve_submission(
        &self,
        sender: &Sender,
        key: &str,
        attempt: u32,
        status: &SubmissionStatus,
    ) -> Result<(), StoreError> {
        let (name, block, block_hash, failure) = match status {
            SubmissionStatus::Pending => ("pending", None, None, None),
            SubmissionStatus::Done { block, block_hash } => ("done", Some(*block), Some(block_hash.as_slice()), None),
            SubmissionStatus::Failed {
                block,
                block_hash,
                failure,
            } => (
                "failed",
                Some(*block),
                Some(block_hash.as_slice()),
                Some(failure.as_str()),
            ),
            SubmissionStatus::Rejected { failure } => ("rejected", None, None, Some(failure.as_str())),
        };
        sqlx::query(
            "UPDATE submissions SET status = ?, block = ?, block_hash = ?, failure = ?
             WHERE genesis = ? AND account = ? AND key = ? AND attempt = ? AND status = 'pending'",
        )
        .bind(name)
        .bind(block)
        .bind(block_hash)
        .bind(failure)
        .bind(sender.genesis.as_slice())
        .bind(sender.account.0.as_slice())
        .bind(key)
        .bind(attempt)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn nonce(signed: &SignedBytes) -> Result<i64, StoreError> {
    i64::try_from(signed.nonce).map_err(|error| corrupt(error.to_string()))
}

fn corrupt(why: String) -> StoreError {
    StoreError::Corrupt {
        what: "submission",
        why,
    }
}

fn hash(row: &SqliteRow, column: &str) -> Result<[u8; 32], StoreError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    bytes
        .try_into()
        .map_err(|_| corrupt(format!("{column} doesn't have 32 bytes")))
}

fn read(row: &SqliteRow) -> Result<Submission, StoreError> {
    let status = match row.try_get::<String, _>("status")?.as_str() {
        "pending" => SubmissionStatus::Pending,
        "done" => SubmissionStatus::Done {
            block: row.try_get("block")?,
            block_hash: hash(row, "block_hash")?,
        },
        "failed" => SubmissionStatus::Failed {
            block: row.try_get("block")?,
            block_hash: hash(row, "block_hash")?,
            failure: row.try_get("failure")?,
        },
        "rejected" => SubmissionStatus::Rejected {
            failure: row.try_get("failure")?,
        },
        other => return Err(corrupt(format!("status {other:?} is unknown"))),
    };
    let nonce: i64 = row.try_get("nonce")?;
    Ok(Submission {
        key: row.try_get("key")?,
        attempt: row.try_get("attempt")?,
        call: row.try_get("call")?,
        call_digest: hash(row, "call_digest")?,
        signed: SignedBytes {
            extrinsic: row.try_get("extrinsic")?,
            hash: hash(row, "hash")?,
            nonce: u64::try_from(nonce).map_err(|error| corrupt(error.to_string()))?,
            birth: row.try_get("birth")?,
            death: row.try_get("death")?,
        },
        status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: Sender = Sender {
        genesis: [1; 32],
        account: AccountId([2; 32]),
    };

    fn submission(key: &str, attempt: u32, nonce: u64) -> Submission {
        Submission {
            key: key.into(),
            attempt,
            call: vec![1, 2, 3],
            call_digest: [3; 32],
            signed: SignedBytes {
                extrinsic: vec![4, 5],
                hash: [4; 32],
                nonce,
                birth: 10,
                death: 74,
            },
            status: SubmissionStatus::Pending,
        }
    }

    #[tokio::test]
    async fn pending_ones_come_back_by_nonce_after_a_restart() {
        let store = Store::in_memory().await.unwrap();
        for (key, nonce) in [("b", 8), ("a", 7), ("c", 9)] {
            let row = submission(key, 1, nonce);
            store.insert_submission(&SENDER, &row).await.unwrap();
        }
        let done = SubmissionStatus::Done {
            block: 11,
            block_hash: [9; 32],
        };
        store.resolve_submission(&SENDER, "c", 1, &done).await.unwrap();

        let pending = store.pending_submissions(&SENDER).await.unwrap();
        assert_eq!(pending, [submission("a", 1, 7), submission("b", 1, 8)]);
        assert_eq!(store.submission(&SENDER, "c").await.unwrap().unwrap().status, done);
        let elsewhere = Sender {
            genesis: [7; 32],
            ..SENDER
        };
        assert_eq!(store.submission(&elsewhere, "c").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_fate_is_final_and_a_new_attempt_stands_beside_it() {
        let store = Store::in_memory().await.unwrap();
        store.insert_submission(&SENDER, &submission("a", 1, 7)).await.unwrap();
        let failed = SubmissionStatus::Failed {
            block: 12,
            block_hash: [8; 32],
            failure: "Contracts::ContractReverted".into(),
        };
        store.resolve_submission(&SENDER, "a", 1, &failed).await.unwrap();
        store
            .resolve_submission(&SENDER, "a", 1, &SubmissionStatus::Pending)
            .await
            .unwrap();
        assert_eq!(store.submission(&SENDER, "a").await.unwrap().unwrap().status, failed);

        store.insert_submission(&SENDER, &submission("a", 2, 8)).await.unwrap();
        assert!(store.insert_submission(&SENDER, &submission("a", 2, 9)).await.is_err());
        assert_eq!(store.submission(&SENDER, "a").await.unwrap().unwrap().attempt, 2);
    }

    #[tokio::test]
    async fn new_bytes_replace_dead_ones() {
        let store = Store::in_memory().await.unwrap();
        store.insert_submission(&SENDER, &submission("a", 1, 7)).await.unwrap();
        let signed = SignedBytes {
            extrinsic: vec![6],
            hash: [6; 32],
            nonce: 7,
            birth: 80,
            death: 144,
        };
        store.resign_submission(&SENDER, "a", 1, &signed).await.unwrap();
        assert_eq!(store.submission(&SENDER, "a").await.unwrap().unwrap().signed, signed);

        let rejected = SubmissionStatus::Rejected { failure: "no".into() };
        store.resolve_submission(&SENDER, "a", 1, &rejected).await.unwrap();
        assert!(
            store.resign_submission(&SENDER, "a", 1, &signed).await.is_err(),
            "a closed attempt gets no new bytes"
        );
    }
}
