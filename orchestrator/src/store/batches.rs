//! What this institution signed for retention batches (S0.9).
use protocol::{signing::MemberSignature, Member, RelationId, Timestamp, VoucherId};

use super::{payments::time, users::corrupt, Store, StoreError};
use crate::settlement::messages::Consent;

impl Store {
    /// Whether this institution (`own`) signed for a voucher's retention under this relation in this epoch: as a party, or
    /// as a notary for the one that leads (`lead`).
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn has_signed_retention(
        &self,
        id: VoucherId,
        relation: RelationId,
        epoch: u32,
        (own, lead): (Member, Member),
    ) -> Result<bool, StoreError> {
        let bodies: Vec<String> = sqlx::query_scalar(
            "SELECT body FROM payment_documents WHERE voucher = ?1 AND epoch = ?2 AND ((member = ?3 AND kind IN \
             ('consent', 'consent/' || ?4)) OR (member = ?5 AND kind = 'co-consent'))",
        )
        .bind(id.to_string())
        .bind(epoch)
        .bind(own.0)
        .bind(relation.to_string())
        .bind(lead.0)
        .fetch_all(&self.pool)
        .await?;
        for body in bodies {
            let consent: Consent = serde_json::from_str(&body).map_err(|error| corrupt("consent", error))?;
            if consent.relation == relation {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps this institution's signature for a batch and returns the one that counts: the first one that was made.
    ///
    /// # Errors
    /// The database failed, or holds what can't be read back.
    pub async fn keep_batch_signature(
        &self,
        id: [u8; 32],
        epoch: u32,
        expires_at: Timestamp,
        signed: &MemberSignature,
    ) -> Result<MemberSignature, StoreError> {
        let paper = serde_json::to_string(signed).map_err(|error| corrupt("signature", error))?;
        let kept: String = sqlx::query_scalar(
            "INSERT INTO batch_signatures (id, epoch, expires_at, signature) VALUES (?, ?, ?, ?) \
             ON CONFLICT DO UPDATE SET signature = signature RETURNING signature",
        )
        .bind(protocol::text::to_hex(&id))
        .bind(epoch)
        .bind(time(expires_at)?)
        .bind(paper)
        .fetch_one(&self.pool)
        .await?;
        serde_json::from_str(&kept).map_err(|error| corrupt("signature", error))
    }
}
