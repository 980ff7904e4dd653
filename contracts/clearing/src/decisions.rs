//! What the notaries decide: as many of them sign as for a retention, and each approval is good for one decision.
use ink::env::DefaultEnvironment;
use protocol::{
    clearing::Error,
    decisions::{Approval, Decision},
    signing,
};

use crate::{clearing::Clearing, signatures, Result};

impl Clearing {
    /// Enough notaries signed this decision, as the next one, in time. Counts it.
    pub(crate) fn ensure_decided(&mut self, decision: &Decision, approval: &Approval) -> Result<()> {
        if approval.number != self.decisions {
            return Err(Error::StaleApproval { next: self.decisions });
        }
        if ink::env::block_timestamp::<DefaultEnvironment>() >= approval.expires_at {
            return Err(Error::ApprovalExpired);
        }
        let set = self.look_up(&signing::members(&approval.signatures))?;
        let contract = ink::env::account_id::<DefaultEnvironment>();
        signatures::ensure_approved(self.genesis, contract, decision, approval, &set)?;
        self.decisions = approval.number.checked_add(1).ok_or(Error::Overflow)?;
        Ok(())
    }
}
