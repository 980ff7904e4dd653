//! The world, read as if it were on a chain.
use std::sync::Arc;

use async_trait::async_trait;
use protocol::{
    prepaid::{
        Card, CardNumber, Constants, Dispute, Float, Merchant, MerchantNumber, PaymentKey, PaymentRecord, Programme,
        Statement, Terminal,
    },
    AccountId,
};

use super::{hash, subject, Kept, World};
use crate::prepaid::{
    book::Book,
    past::{BookBlock, Holding, LedgerError, PrepaidPast, Storage},
};

#[async_trait]
impl PrepaidPast for World {
    fn genesis(&self) -> [u8; 32] {
        subject().genesis
    }

    fn contract(&self) -> AccountId {
        subject().contract
    }

    async fn constants(&self) -> Result<Constants, LedgerError> {
        Ok(Constants {
            genesis: subject().genesis,
            registry: AccountId([8; 32]),
            issuer: subject().issuer,
            asset: subject().asset,
        })
    }

    async fn block(&self, _: Option<u32>) -> Result<BookBlock, LedgerError> {
        Ok(self.here())
    }

    async fn book(&self, _: BookBlock) -> Result<Arc<Book>, LedgerError> {
        Ok(Arc::new(World::book(self)))
    }

    async fn holding(&self, block: u32) -> Result<Holding, LedgerError> {
        let kept = self.past.get(&block).unwrap_or(&self.kept);
        Ok(Holding {
            block: BookBlock {
                number: block,
                hash: hash(block),
                time: 0,
            },
            float: kept.float,
            // What it keeps to exist.
            has: kept.has + 1,
        })
    }
}

#[async_trait]
impl Storage for Kept {
    async fn programme(&self) -> Result<Programme, LedgerError> {
        Ok(self.programme.unwrap())
    }

    async fn float(&self) -> Result<Float, LedgerError> {
        Ok(self.float)
    }

    async fn cards(&self, numbers: &[CardNumber]) -> Result<Vec<Option<Card>>, LedgerError> {
        Ok(numbers.iter().map(|number| self.cards.get(number).copied()).collect())
    }

    async fn merchants(&self, numbers: &[MerchantNumber]) -> Result<Vec<Option<Merchant>>, LedgerError> {
        Ok(numbers
            .iter()
            .map(|number| self.merchants.get(number).copied())
            .collect())
    }

    async fn terminals(&self, keys: &[AccountId]) -> Result<Vec<Option<Terminal>>, LedgerError> {
        Ok(keys.iter().map(|key| self.terminals.get(key).copied()).collect())
    }

    async fn payments(&self, keys: &[PaymentKey]) -> Result<Vec<Option<PaymentRecord>>, LedgerError> {
        Ok(keys.iter().map(|key| self.payments.get(key).copied()).collect())
    }

    async fn disputes(&self, keys: &[PaymentKey]) -> Result<Vec<Option<Dispute>>, LedgerError> {
        Ok(keys.iter().map(|key| self.disputes.get(key).copied()).collect())
    }

    async fn statement(&self, merchant: MerchantNumber, cycle: u32) -> Result<Option<Statement>, LedgerError> {
        Ok(self.statements.get(&(merchant, cycle)).copied())
    }

    async fn is_used(&self, by: AccountId, reference: [u8; 32]) -> Result<bool, LedgerError> {
        Ok(self.references.contains(&(by, reference)))
    }
}
