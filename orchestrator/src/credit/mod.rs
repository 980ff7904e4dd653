//! Credit: what a credit node keeps on each of its chains (S1.1). Limits, its pool, debts, wishes for higher limits.
//!
//! [`Credit`] answers the institution's own people and programs (`desk`). The finalized chains are its only memory.
//! [`Payments`] makes payments across two of them; [`Consents`] answers for the payees.
mod desk;
pub mod fault;
pub mod messages;
pub mod past;
pub mod payee;
pub mod payments;
pub mod ports;
pub mod score;
pub mod scores;

use std::sync::Arc;

use protocol::{
    credit::{Debt, Limits, Payout, Raise},
    settlement::Asset,
    AccountId, Amount, Member, RequestId, Timestamp,
};

use tokio::sync::OnceCell;

pub use fault::CreditError;
pub use payee::Consents;
pub use payments::Payments;

use ports::{CreditLedger, LedgerError};

/// The chains that an institution gives credit on; none, if it is no credit node.
pub struct Credit {
    ledgers: Vec<Arc<dyn CreditLedger>>,
    /// Each contract's grace, which never changes; read once.
    graces: Vec<OnceCell<Timestamp>>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its genesis hash.
    pub genesis: [u8; 32],
    /// The credit node's contract there.
    pub contract: AccountId,
    /// The credit node's index in the registry there.
    pub node: Member,
    /// What stands in the contract; the chain may be out of reach.
    pub standing: Result<Standing, LedgerError>,
}

/// What stands in a credit contract, beyond its limits and debts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The least time from the end of paying out to the end of a reservation, in milliseconds.
    pub grace: Timestamp,
    /// What payees can be paid from, in native tokens.
    pub pool: Amount,
}

impl Credit {
    /// Credit on these chains, each another one.
    pub fn new(ledgers: Vec<Arc<dyn CreditLedger>>) -> Arc<Self> {
        let graces = ledgers.iter().map(|_| OnceCell::new()).collect();
        Arc::new(Self { ledgers, graces })
    }

    /// Each chain's contract.
    pub fn ledgers(&self) -> &[Arc<dyn CreditLedger>] {
        &self.ledgers
    }

    /// Every chain, also those out of reach.
    pub async fn sites(&self) -> Vec<Site> {
        let look = |ledger: &Arc<dyn CreditLedger>| {
            let ledger = ledger.clone();
            async move {
                Site {
                    genesis: ledger.genesis(),
                    contract: ledger.credit(),
                    node: ledger.node(),
                    standing: standing(&*ledger).await,
                }
            }
        };
        futures::future::join_all(self.ledgers.iter().map(look)).await
    }

    /// What payees can be paid from on a chain, in the asset's smallest unit (S1.9).
    ///
    /// # Errors
    /// No credit is given there, or the chain can't be read.
    pub async fn pool(&self, genesis: [u8; 32], asset: Asset) -> Result<Amount, CreditError> {
        Ok(self.ledger(genesis)?.pool(asset).await?)
    }

    /// Both limits that payments of a payer to a payee must keep to, and what counts against them (S1.7, S1.8).
    ///
    /// # Errors
    /// No credit is given there, or the chain can't be read.
    pub async fn limits(
        &self,
        genesis: [u8; 32],
        payer: AccountId,
        payee: AccountId,
        asset: Asset,
    ) -> Result<Limits, CreditError> {
        Ok(self.ledger(genesis)?.limits(payer, payee, asset).await?)
    }

    /// What a payer owes because of a request, or would owe.
    ///
    /// # Errors
    /// Nothing was reserved for it on this chain, or the chain can't be read.
    pub async fn debt(&self, genesis: [u8; 32], id: RequestId) -> Result<Debt, CreditError> {
        desk::debt(self.ledger(genesis)?, id).await
    }

    /// What a payee was paid because of a request (S1.9).
    ///
    /// # Errors
    /// Nobody was paid for it on this chain, or the chain can't be read.
    pub async fn payout(&self, genesis: [u8; 32], id: RequestId) -> Result<Payout, CreditError> {
        let found = self.ledger(genesis)?.payouts(&[id]).await?;
        found.into_iter().flatten().next().ok_or(CreditError::UnknownPayout(id))
    }

    /// A payer's latest wish for a higher limit, and what came of it (S1.12).
    ///
    /// # Errors
    /// There was none, or the chain can't be read.
    pub async fn raise(&self, genesis: [u8; 32], payer: AccountId, asset: Asset) -> Result<Raise, CreditError> {
        let found = self.ledger(genesis)?.raise(payer, asset).await?;
        found.ok_or(CreditError::UnknownRaise)
    }

    /// The least time from the end of paying out to the end of a reservation, in milliseconds.
    async fn grace(&self, genesis: [u8; 32]) -> Result<Timestamp, CreditError> {
        let mut kept = self.ledgers.iter().zip(&self.graces);
        let found = kept.find(|(ledger, _)| ledger.genesis() == genesis);
        let (ledger, grace) = found.ok_or(CreditError::UnknownChain(genesis))?;
        let read = || async { Ok::<_, LedgerError>(ledger.constants().await?.grace) };
        Ok(*grace.get_or_try_init(read).await?)
    }

    fn ledger(&self, genesis: [u8; 32]) -> Result<&dyn CreditLedger, CreditError> {
        let mut ledgers = self.ledgers.iter();
        let found = ledgers.find(|ledger| ledger.genesis() == genesis);
        found.map(|found| &**found).ok_or(CreditError::UnknownChain(genesis))
    }
}

async fn standing(ledger: &dyn CreditLedger) -> Result<Standing, LedgerError> {
    Ok(Standing {
        grace: ledger.constants().await?.grace,
        pool: ledger.pool(Asset::Native).await?,
    })
}

#[cfg(test)]
pub(crate) mod tests;
