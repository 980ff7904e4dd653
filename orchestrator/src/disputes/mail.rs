//! Documents from other institutions.
use protocol::Member;

use super::{
    messages::EvidenceLetter,
    saga::on_chain,
    state::{Over, Paper},
    DisputeError, Disputes,
};

impl Disputes {
    /// Takes another institution's document, if the finalized chain shows that it is the sender's. The same letter again
    /// changes nothing.
    ///
    /// # Errors
    /// It is wrong, or comes before the chain shows it here; nothing is stored.
    pub async fn on_evidence(&self, from: Member, letter: EvidenceLetter) -> Result<(), DisputeError> {
        let over = Over {
            voucher: letter.voucher,
            obligation: letter.obligation,
        };
        if !self.is_concerned(over).await? {
            return Err(DisputeError::NotConcerned(self.member));
        }
        let dispute = self.ledger.dispute(over.voucher, over.obligation).await?;
        let dispute = dispute.ok_or(DisputeError::NotShown(over))?;
        let its = Some((from, letter.document.digest()));
        let paper = [Paper::Claim, Paper::Answer]
            .into_iter()
            .find(|paper| on_chain(&dispute, *paper) == its);
        let paper = paper.ok_or(DisputeError::WrongEvidence { from, over })?;
        self.store
            .keep_evidence(over, &dispute, paper, &letter.document, self.clock.now())
            .await?;
        self.changed.notify_one();
        Ok(())
    }

    /// Whether this institution takes part in the payment, or rules.
    pub(super) async fn is_concerned(&self, over: Over) -> Result<bool, DisputeError> {
        if self.store.payment(over.voucher).await?.is_some() {
            return Ok(true);
        }
        Ok(self.ledger.notaries().await?.contains(&self.member))
    }
}
