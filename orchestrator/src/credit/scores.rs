//! The credit node's limits, computed from the finalized chain and set there with the digest of their evidence (S1.8).
use std::sync::Arc;

use protocol::{settlement::Asset, text::to_hex, AccountId};

use super::{
    past::CreditPast,
    ports::{Act, Block},
    score::{Evidence, Rules, Subject},
    Credit, CreditError,
};
use crate::store::{Store, StoreError};

/// Computes limits on the chains that an institution gives credit on, and keeps the evidence of those that it set.
pub struct Scores {
    credit: Arc<Credit>,
    pasts: Vec<Arc<dyn CreditPast>>,
    rules: Rules,
    store: Store,
}

/// Why a limit isn't computed or set.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// No limit was set from evidence with this digest.
    #[error("this institution set no limit from evidence with the digest {}", to_hex(.0))]
    UnknownScore([u8; 32]),
    /// The chain doesn't do it.
    #[error(transparent)]
    Credit(#[from] CreditError),
    /// The evidence can't be kept, or read back.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Scores {
    /// Limits on the chains that `credit` is given on; `pasts` are what those chains told.
    pub fn new(credit: Arc<Credit>, pasts: Vec<Arc<dyn CreditPast>>, rules: Rules, store: Store) -> Arc<Self> {
        Arc::new(Self {
            credit,
            pasts,
            rules,
            store,
        })
    }

    /// What a payer may owe on a chain, by the latest finalized block. Changes nothing.
    ///
    /// # Errors
    /// No credit is given there, or the chain can't be read.
    pub async fn compute(&self, genesis: [u8; 32], payer: AccountId, asset: Asset) -> Result<Evidence, ScoreError> {
        let mut pasts = self.pasts.iter();
        let found = pasts.find(|past| past.genesis() == genesis);
        let past = found.ok_or(CreditError::UnknownChain(genesis))?;
        let parameters = self.rules.of(asset);
        let record = past.record(payer, asset, parameters.window()).await;
        let (block, record) = record.map_err(CreditError::Ledger)?;
        let subject = Subject {
            genesis,
            contract: past.credit(),
            payer,
            asset,
        };
        Ok(Evidence::new(subject, block, parameters, record))
    }

    /// Computes what a payer may owe and sets it on the chain. `key` names the wish. The evidence is kept under it before
    /// anything is submitted: after a crash the same wish sets the limit of the same evidence, once, whatever the chain has
    /// told since. `None` where the finalized chain shows that limit already.
    ///
    /// # Errors
    /// No credit is given there, or contract or chain refuse.
    pub async fn set(
        &self,
        genesis: [u8; 32],
        key: &str,
        payer: AccountId,
        asset: Asset,
    ) -> Result<(Evidence, Option<Block>), ScoreError> {
        let evidence = match self.store.credit_score_of(key).await? {
            Some(kept) => kept,
            None => {
                let evidence = self.compute(genesis, payer, asset).await?;
                self.store.keep_credit_score(key, &evidence).await?;
                evidence
            }
        };
        let act = Act::SetNodeLimit {
            payer,
            asset,
            limit: evidence.score.limit,
            evidence: evidence.digest(),
        };
        let block = self.credit.act(genesis, key, &act).await?;
        Ok((evidence, block))
    }

    /// The evidence of a limit that was set, by its digest.
    ///
    /// # Errors
    /// There is none, or the database fails.
    pub async fn kept(&self, digest: [u8; 32]) -> Result<Evidence, ScoreError> {
        let kept = self.store.credit_score(digest).await?;
        kept.ok_or(ScoreError::UnknownScore(digest))
    }
}

#[cfg(test)]
#[path = "scores_tests.rs"]
pub(crate) mod tests;
