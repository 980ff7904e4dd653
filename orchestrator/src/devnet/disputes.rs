//! What an institution's own people do in a dispute, over its API.
use anyhow::Context;
use protocol::VoucherId;
use serde_json::{json, Value};

use super::Institution;
use crate::http::disputes::DisputeView;

impl Institution {
    /// Contests what a payment's debtor owes its creditor; fields of the request that aren't given are left out.
    ///
    /// # Errors
    /// It can't be reached, or refuses.
    pub async fn open_dispute(&self, voucher: VoucherId, evidence: &str, more: Value) -> anyhow::Result<DisputeView> {
        let mut body = json!({ "voucher": voucher, "evidence": { "text": evidence } });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        Ok(serde_json::from_value(self.write("/v1/disputes", &body).await?)?)
    }

    /// Answers a dispute.
    ///
    /// # Errors
    /// It can't be reached, or refuses.
    pub async fn answer_dispute(&self, voucher: VoucherId, evidence: &str) -> anyhow::Result<DisputeView> {
        let body = json!({ "evidence": { "text": evidence } });
        let path = format!("/v1/disputes/{voucher}/0/answer");
        Ok(serde_json::from_value(self.write(&path, &body).await?)?)
    }

    /// Waits until it sees a dispute as it is wanted.
    ///
    /// # Errors
    /// It never does; the message tells how it saw it last.
    pub async fn sees_dispute(
        &self,
        voucher: VoucherId,
        wanted: impl Fn(&DisputeView) -> bool,
    ) -> anyhow::Result<DisputeView> {
        let read = |found: &Value| serde_json::from_value::<DisputeView>(found.clone());
        let path = format!("/v1/disputes/{voucher}/0");
        let found = self.wait_for(&path, |found| read(found).is_ok_and(|view| wanted(&view)));
        Ok(read(&found.await.context("waiting for a dispute")?)?)
    }
}
