//! A credit node's contract on one chain, as the credit system sees it (S1.1, S1.2, S1.7 to S1.12).
use std::path::PathBuf;

use async_trait::async_trait;
use protocol::{
    credit::{Constants, Debt, Error, Limits, Payout, Raise},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, Member, RequestId, Timestamp,
};
use scale::{Decode, Encode};

use super::{
    contracts::Contract,
    deployment::{to_ss58, Deployment, DeploymentError},
    health::{self, in_time, Check},
    ledger::{make_block, write},
    token, Chain, Follower, Submitter,
};
use crate::{
    credit::ports::{Act, CreditLedger, LedgerError, PayeeLedger},
    settlement::ports::Block,
};

/// The credit contract of one credit node in one deployment, called by its account there.
#[derive(Clone, Debug)]
pub struct ChainCredit {
    chain: Chain,
    follower: Follower,
    submitter: Submitter,
    deployment: Deployment,
    node: Member,
    credit: Contract,
    log: Option<PathBuf>,
}

impl ChainCredit {
    /// The contract of the credit node that has the index `node` in the chain's registry; writes go through `submitter`,
    /// reads come from its account too.
    ///
    /// # Errors
    /// The deployment lacks the contract, or is on another chain.
    pub fn new(
        chain: Chain,
        follower: Follower,
        submitter: Submitter,
        deployment: Deployment,
        node: Member,
    ) -> Result<Self, DeploymentError> {
        deployment.ensure_on(chain.genesis())?;
        let address = deployment.credit_of(node)?.address;
        let credit = Contract::new(chain.clone(), follower.clone(), address, submitter.account());
        Ok(Self {
            chain,
            follower,
            submitter,
            deployment,
            node,
            credit,
            log: None,
        })
    }

    /// Looks into the node's log too, before requests are taken.
    #[must_use]
    pub fn with_log(mut self, log: Option<PathBuf>) -> Self {
        self.log = log;
        self
    }

    async fn write(
        &self,
        key: &str,
        message: &str,
        arguments: &impl Encode,
        value: Amount,
    ) -> Result<Block, LedgerError> {
        self.write_as::<()>(key, message, arguments, value).await
    }

    /// Of a message that answers with a `T`.
    async fn write_as<T: Decode>(
        &self,
        key: &str,
        message: &str,
        arguments: &impl Encode,
        value: Amount,
    ) -> Result<Block, LedgerError> {
        let block = write::<T, Error>(&self.submitter, &self.credit, key, message, arguments, value).await?;
        // What is looked at next shows what was done.
        self.follower.reached(block.number).await;
        Ok(block)
    }

    /// What goes along with a call that pays in: native tokens; of a token the contract is allowed to take them.
    async fn pay_in(&self, key: &str, asset: Asset, amount: Amount) -> Result<Amount, LedgerError> {
        let Asset::Psp22(token) = asset else {
            return Ok(amount);
        };
        let token = Contract::new(
            self.chain.clone(),
            self.follower.clone(),
            token,
            self.submitter.account(),
        );
        let key = format!("{key}/allowance");
        token::allow(&self.submitter, &key, &token, self.credit.address(), amount).await?;
        Ok(0)
    }

    /// Whether the contract is the one that the deployment says, for this credit node.
    async fn ours(&self) -> Result<String, String> {
        let expected = self
            .deployment
            .contract("registry")
            .map_err(|error| error.to_string())?;
        let found = self.constants().await.map_err(|error| error.to_string())?;
        let is_ours =
            found.genesis == self.chain.genesis() && found.registry == expected.address && found.node == self.node;
        if is_ours {
            return Ok(format!("the contract of member {} by the registry there", self.node));
        }
        Err(format!(
            "{} is the contract of member {} by the registry {} on the chain {}",
            to_ss58(&self.credit.address()),
            found.node,
            to_ss58(&found.registry),
            to_hex(&found.genesis)
        ))
    }
}

#[async_trait]
impl CreditLedger for ChainCredit {
    fn genesis(&self) -> [u8; 32] {
        self.chain.genesis()
    }

    fn credit(&self) -> AccountId {
        self.credit.address()
    }

    fn node(&self) -> Member {
        self.node
    }

    fn time(&self) -> Timestamp {
        self.follower.head().timestamp
    }

    async fn next_block(&self) {
        self.follower.next().await;
    }

    async fn make_block(&self, key: &str) -> Result<(), LedgerError> {
        make_block(&self.chain, &self.submitter, key).await
    }

    async fn block(&self, number: u32) -> Result<Block, LedgerError> {
        let hash = self.chain.block_hash(number).await?;
        Ok(Block { number, hash })
    }

    async fn checks(&self) -> Vec<Check> {
        let (mut checks, ours) = futures::join!(
            health::check(&self.chain, &self.follower, &self.deployment, self.log.as_deref()),
            in_time(self.ours())
        );
        checks.push(Check::new("credit-contract", ours));
        checks
    }

    async fn constants(&self) -> Result<Constants, LedgerError> {
        Ok(self.credit.read("constants", &()).await?)
    }

    async fn limits(&self, payer: AccountId, payee: AccountId, asset: Asset) -> Result<Limits, LedgerError> {
        Ok(self.credit.read("limits", &(payer, payee, asset)).await?)
    }

    async fn debts(&self, ids: &[RequestId]) -> Result<Vec<Option<Debt>>, LedgerError> {
        Ok(self.credit.try_read::<_, Error>("debts", &ids).await?)
    }

    async fn payouts(&self, ids: &[RequestId]) -> Result<Vec<Option<Payout>>, LedgerError> {
        Ok(self.credit.try_read::<_, Error>("payouts", &ids).await?)
    }

    async fn pool(&self, asset: Asset) -> Result<Amount, LedgerError> {
        Ok(self.credit.read("pool", &asset).await?)
    }

    async fn raise(&self, payer: AccountId, asset: Asset) -> Result<Option<Raise>, LedgerError> {
        Ok(self.credit.read("raise", &(payer, asset)).await?)
    }

    async fn carry_out(&self, key: &str, act: &Act) -> Result<Block, LedgerError> {
        let message = act.message();
        match act {
            Act::SetLimit { order, signature } => self.write(key, message, &(order, signature), 0).await,
            Act::SetNodeLimit {
                payer,
                asset,
                limit,
                evidence,
            } => self.write(key, message, &(payer, asset, limit, evidence), 0).await,
            Act::Freeze(payer) | Act::Unfreeze(payer) => self.write(key, message, payer, 0).await,
            Act::RequestRaise { wish, signature } => self.write(key, message, &(wish, signature), 0).await,
            Act::DecideRaise { payer, asset, decision } => {
                let arguments = (payer, asset, decision.granted, decision.digest);
                self.write(key, message, &arguments, 0).await
            }
            Act::Reserve { request, payer, payee } => {
                self.write_as::<RequestId>(key, message, &(&**request, payer, payee), 0)
                    .await
            }
            Act::Extend { id, until } => self.write(key, message, &(id, until), 0).await,
            Act::Pay(request) => self.write(key, message, &**request, 0).await,
            Act::Commit { id, payout } => self.write(key, message, &(id, payout), 0).await,
            Act::Release(id) | Act::Expire(id) | Act::MarkOverdue(id) => self.write(key, message, id, 0).await,
            Act::ConfirmReceipt { id, signature } => self.write(key, message, &(id, signature), 0).await,
            Act::Repay { id, asset, amount } => {
                let value = self.pay_in(key, *asset, *amount).await?;
                self.write(key, message, &(id, amount), value).await
            }
            Act::Fund { asset, amount } => {
                let value = self.pay_in(key, *asset, *amount).await?;
                match asset {
                    Asset::Native => self.write(key, message, &(), value).await,
                    Asset::Psp22(token) => self.write(key, message, &(token, amount), value).await,
                }
            }
            Act::Withdraw { asset, amount } => self.write(key, message, &(asset, amount), 0).await,
        }
    }
}

/// The contracts of credit nodes on an institution's own chain, as it reads them for its payees (S1.10).
#[derive(Clone, Debug)]
pub struct ChainCreditNodes {
    chain: Chain,
    follower: Follower,
    deployment: Deployment,
    reader: AccountId,
}

impl ChainCreditNodes {
    /// Those of a deployment, read from an account.
    pub const fn new(chain: Chain, follower: Follower, deployment: Deployment, reader: AccountId) -> Self {
        Self {
            chain,
            follower,
            deployment,
            reader,
        }
    }
}

#[async_trait]
impl PayeeLedger for ChainCreditNodes {
    fn genesis(&self) -> [u8; 32] {
        self.chain.genesis()
    }

    fn credit_of(&self, node: Member) -> Option<AccountId> {
        Some(self.deployment.credit_of(node).ok()?.address)
    }

    async fn payout(&self, node: Member, id: RequestId) -> Result<Option<Payout>, LedgerError> {
        let Some(address) = self.credit_of(node) else {
            return Ok(None);
        };
        let contract = Contract::new(self.chain.clone(), self.follower.clone(), address, self.reader);
        let found: Vec<Option<Payout>> = contract.try_read::<_, Error>("payouts", &vec![id]).await?;
        Ok(found.into_iter().flatten().next())
    }
}
