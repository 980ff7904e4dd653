//! The disputes of the clearing contract.
use async_trait::async_trait;
use protocol::{clearing::Error, disputes::Claim, settlement::Voucher, Amount, Member, Timestamp, VoucherId};

use super::{make_block, ChainLedger};
use crate::{
    disputes::ports::DisputeLedger,
    settlement::ports::{Block, LedgerError},
};

#[async_trait]
impl DisputeLedger for ChainLedger {
    async fn dispute_periods(&self) -> Result<(Timestamp, Timestamp), LedgerError> {
        Ok(self.clearing.read("dispute_periods", &()).await?)
    }

    async fn returned(&self, voucher: VoucherId, obligation: u8) -> Result<Amount, LedgerError> {
        Ok(self.clearing.read("returned", &(voucher, obligation)).await?)
    }

    async fn open_dispute(
        &self,
        key: &str,
        member: Member,
        voucher: &Voucher,
        claim: &Claim,
    ) -> Result<Block, LedgerError> {
        let arguments = (member, voucher, claim);
        self.write::<()>(key, "open_dispute", &arguments, 0).await
    }

    async fn answer_dispute(
        &self,
        key: &str,
        member: Member,
        voucher: VoucherId,
        obligation: u8,
        evidence: [u8; 32],
    ) -> Result<Block, LedgerError> {
        let arguments = (member, voucher, obligation, evidence);
        self.write::<()>(key, "answer_dispute", &arguments, 0).await
    }

    async fn rule_by_default(&self, key: &str, voucher: VoucherId, obligation: u8) -> Result<Block, LedgerError> {
        self.write::<()>(key, "rule_by_default", &(voucher, obligation), 0)
            .await
    }

    async fn try_award(&self, voucher: VoucherId, obligation: u8) -> Result<Amount, LedgerError> {
        let arguments = (voucher, obligation);
        Ok(self.clearing.try_read::<Amount, Error>("pay_award", &arguments).await?)
    }

    async fn pay_award(&self, key: &str, voucher: VoucherId, obligation: u8) -> Result<Block, LedgerError> {
        self.write::<Amount>(key, "pay_award", &(voucher, obligation), 0).await
    }

    async fn make_block(&self, key: &str) -> Result<(), LedgerError> {
        make_block(&self.chain, &self.submitter, key).await
    }
}
