//! The escrow contract as the saga sees it.
use async_trait::async_trait;
use protocol::{
    escrow::{Deal, Error},
    registry::SignerSet,
    settlement::Asset,
    AccountId, Amount, DealId, Member, Timestamp,
};

use super::{
    contracts::Contract,
    deployment::{Deployment, DeploymentError},
    ledger::{make_block, signers, write},
    token, Chain, Follower, Submitter,
};
use crate::{
    escrow::ports::{Act, EscrowLedger, LedgerError},
    settlement::ports::Block,
};

/// Registry and escrow contract of one deployment, called by one account.
#[derive(Clone, Debug)]
pub struct ChainEscrow {
    chain: Chain,
    follower: Follower,
    submitter: Submitter,
    registry: Contract,
    escrow: Contract,
}

impl ChainEscrow {
    /// The escrow of a deployment; writes go through `submitter`, reads come from its account too.
    ///
    /// # Errors
    /// The deployment lacks a contract, or is on another chain.
    pub fn new(
        chain: Chain,
        follower: Follower,
        submitter: Submitter,
        deployment: &Deployment,
    ) -> Result<Self, DeploymentError> {
        deployment.ensure_on(chain.genesis())?;
        let contract = |name: &str| -> Result<Contract, DeploymentError> {
            let address = deployment.contract(name)?.address;
            Ok(Contract::new(
                chain.clone(),
                follower.clone(),
                address,
                submitter.account(),
            ))
        };
        Ok(Self {
            registry: contract("registry")?,
            escrow: contract("escrow")?,
            chain,
            follower,
            submitter,
        })
    }

    /// Pays in: native tokens go along with the call, of a token the contract is allowed to take them first. The
    /// allowance is added to, because several deals may be under way.
    async fn pay_in<T: scale::Decode>(
        &self,
        key: &str,
        (deal, message): (DealId, &str),
        arguments: &impl scale::Encode,
        asset: Asset,
        amount: Amount,
    ) -> Result<Block, LedgerError> {
        let value = match asset {
            Asset::Native => amount,
            Asset::Psp22(_) if amount == 0 => 0,
            Asset::Psp22(token) => {
                let key = format!("escrow/{deal}/{message}/allowance");
                let token = Contract::new(
                    self.chain.clone(),
                    self.follower.clone(),
                    token,
                    self.submitter.account(),
                );
                token::allow(&self.submitter, &key, &token, self.escrow.address(), amount).await?;
                0
            }
        };
        write::<T, Error>(&self.submitter, &self.escrow, key, message, arguments, value).await
    }
}

#[async_trait]
impl EscrowLedger for ChainEscrow {
    fn genesis(&self) -> [u8; 32] {
        self.chain.genesis()
    }

    fn escrow(&self) -> AccountId {
        self.escrow.address()
    }

    async fn gap(&self) -> Result<Timestamp, LedgerError> {
        Ok(self.escrow.read("gap", &()).await?)
    }

    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError> {
        signers(&self.registry, members, self.follower.head().hash).await
    }

    fn time(&self) -> Timestamp {
        self.follower.head().timestamp
    }

    async fn deals(&self, ids: &[DealId]) -> Result<Vec<Option<Deal>>, LedgerError> {
        Ok(self.escrow.try_read::<Vec<Option<Deal>>, Error>("deals", &ids).await?)
    }

    async fn carry_out(&self, key: &str, deal: DealId, act: &Act) -> Result<Block, LedgerError> {
        let message = act.message();
        let (submitter, escrow) = (&self.submitter, &self.escrow);
        match act {
            Act::Lock(terms) => {
                let stake = terms.buyer_stake().map_err(LedgerError::Refused)?;
                self.pay_in::<DealId>(key, (deal, message), &**terms, terms.asset, stake)
                    .await
            }
            Act::Accept { asset, bond } => self.pay_in::<()>(key, (deal, message), &deal, *asset, *bond).await,
            Act::Reveal(secret) | Act::Claim(secret) => {
                write::<(), Error>(submitter, escrow, key, message, &(deal, secret), 0).await
            }
            Act::Refund | Act::RuleByDefault => write::<(), Error>(submitter, escrow, key, message, &deal, 0).await,
            Act::Cancel {
                expires_at,
                buyer,
                seller,
            } => {
                let arguments = (deal, expires_at, buyer, seller);
                write::<(), Error>(submitter, escrow, key, message, &arguments, 0).await
            }
            Act::Dispute(evidence) => write::<(), Error>(submitter, escrow, key, message, &(deal, evidence), 0).await,
            Act::Rule(to_seller) => write::<(), Error>(submitter, escrow, key, message, &(deal, to_seller), 0).await,
        }
    }

    async fn make_block(&self, key: &str) -> Result<(), LedgerError> {
        make_block(&self.chain, &self.submitter, key).await
    }

    async fn next_block(&self) {
        self.follower.next().await;
    }
}
