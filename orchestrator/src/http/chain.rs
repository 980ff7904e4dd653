//! The API's view of the chain: the institution's own ledger, and any contract by its metadata.
use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use protocol::{clearing::Balance, registry::Institution, settlement::Asset, AccountId, Amount, Member};

use super::{
    health::Check,
    ports::{ArgumentInfo, CallError, ChainApi, ContractCall, ContractInfo, DryRun, Executed, MessageInfo},
};
use crate::{
    chain::{
        bundle::Bundle,
        contracts::{self, Contract, StorageDeposit},
        deployment::{to_ss58, Deployed},
        health, Chain, ChainLedger, Deployment, Follower, Submitter,
    },
    settlement::ports::{Block, Ledger, LedgerError},
    store::{submissions::Sender, Store},
};

/// The chain as the institution `member` sees it.
pub struct HomeChain {
    /// This institution's index in the registry.
    pub member: Member,
    /// The connection.
    pub chain: Chain,
    /// Finalized blocks.
    pub follower: Follower,
    /// Sends this institution's transactions.
    pub submitter: Submitter,
    /// Registry and clearing contract.
    pub ledger: Arc<ChainLedger>,
    /// Where the contracts are.
    pub deployment: Deployment,
    /// What they understand.
    pub bundles: Vec<Bundle>,
    /// Where submissions are kept.
    pub store: Store,
    /// The node's log, if it is known here.
    pub log: Option<PathBuf>,
}

impl HomeChain {
    fn contract(&self, call: &ContractCall) -> Result<(Contract, &Bundle), CallError> {
        let unknown = || CallError::UnknownContract(call.contract.clone());
        let deployed = self.deployment.contract(&call.contract).map_err(|_| unknown())?;
        let bundle = self
            .bundles
            .iter()
            .find(|bundle| bundle.name() == deployed.bundle())
            .ok_or_else(unknown)?;
        if bundle.message(&call.message).is_err() {
            return Err(CallError::UnknownMessage(call.message.clone()));
        }
        let caller = self.submitter.account();
        let contract = Contract::new(self.chain.clone(), self.follower.clone(), deployed.address, caller);
        Ok((contract, bundle))
    }

    /// What a call would do at a block; `None` is the best one.
    async fn attempt(&self, call: &ContractCall, at: Option<[u8; 32]>) -> Result<Attempt, CallError> {
        let (contract, bundle) = self.contract(call)?;
        let input = bundle
            .encode(&call.message, &call.args)
            .map_err(|error| CallError::BadArguments(error.to_string()))?;
        let run = contract
            .dry_run(input.clone(), call.value, at)
            .await
            .map_err(LedgerError::from)?;
        let output = run.result.clone().map_err(LedgerError::Rejected)?;
        let result = bundle
            .decode_result(&call.message, &output.data)
            .map_err(|error| LedgerError::Rejected(format!("the contract's answer can't be read: {error}")))?;
        if output.reverted {
            return Err(CallError::Refused(result.to_string()));
        }
        let dry_run = DryRun {
            result,
            ref_time: run.gas_required.ref_time,
            proof_size: run.gas_required.proof_size,
            storage_deposit: signed(run.storage_deposit)?,
        };
        Ok(Attempt {
            contract,
            input,
            run,
            dry_run,
        })
    }
}

/// A call that was tried and would pass.
struct Attempt {
    contract: Contract,
    input: Vec<u8>,
    run: contracts::DryRun,
    dry_run: DryRun,
}

/// Above 0 is taken, below 0 given back.
fn signed(deposit: StorageDeposit) -> Result<i128, LedgerError> {
    let (StorageDeposit::Charge(amount) | StorageDeposit::Refund(amount)) = deposit;
    let amount = i128::try_from(amount)
        .map_err(|_| LedgerError::Rejected(format!("a storage deposit of {amount} is beyond reason")))?;
    Ok(match deposit {
        StorageDeposit::Charge(_) => amount,
        // Not above `i128::MAX`, so its negative exists.
        StorageDeposit::Refund(_) => amount.saturating_neg(),
    })
}

#[async_trait]
impl ChainApi for HomeChain {
    fn genesis(&self) -> [u8; 32] {
        self.ledger.genesis()
    }

    fn clearing(&self) -> AccountId {
        self.ledger.clearing()
    }

    fn member(&self) -> Member {
        self.member
    }

    fn finalized(&self) -> u32 {
        self.follower.head().number
    }

    async fn submissions_in_flight(&self) -> Result<u32, LedgerError> {
        let sender = Sender {
            genesis: self.chain.genesis(),
            account: self.submitter.account(),
        };
        let pending = self.store.pending_submissions(&sender).await;
        let pending = pending.map_err(|error| LedgerError::Unavailable(error.to_string()))?;
        u32::try_from(pending.len()).map_err(|error| LedgerError::Unavailable(error.to_string()))
    }

    async fn checks(&self) -> Vec<Check> {
        let checks = health::check(&self.chain, &self.follower, &self.deployment, self.log.as_deref()).await;
        checks.into_iter().map(Check::from).collect()
    }

    async fn balance(&self, asset: Asset) -> Result<Balance, LedgerError> {
        self.ledger.balance(self.member, asset).await
    }

    async fn deposit(&self, key: &str, asset: Asset, amount: Amount) -> Result<Block, LedgerError> {
        match asset {
            Asset::Native => self.ledger.deposit(key, self.member, amount).await,
            Asset::Psp22(_) => Err(LedgerError::Rejected(
                "the clearing contract takes native tokens only".to_owned(),
            )),
        }
    }

    async fn withdraw(&self, key: &str, asset: Asset, amount: Amount) -> Result<Block, LedgerError> {
        self.ledger.withdraw(key, self.member, asset, amount).await
    }

    async fn institutions(&self) -> Result<Vec<Institution>, LedgerError> {
        self.ledger.institutions().await
    }

    fn contracts(&self) -> Vec<ContractInfo> {
        let describe = |deployed: &Deployed| {
            let mut bundles = self.bundles.iter();
            let bundle = bundles.find(|bundle| bundle.name() == deployed.bundle())?;
            let messages = bundle.messages().into_iter().map(|message| MessageInfo {
                name: message.name,
                args: message
                    .arguments
                    .into_iter()
                    .map(|argument| ArgumentInfo {
                        name: argument.name,
                        kind: argument.type_name,
                    })
                    .collect(),
                mutates: message.mutates,
                payable: message.payable,
                docs: message.docs,
            });
            Some(ContractInfo {
                name: deployed.name.clone(),
                address: to_ss58(&deployed.address),
                messages: messages.collect(),
            })
        };
        self.deployment.contracts.iter().filter_map(describe).collect()
    }

    async fn dry_run(&self, call: &ContractCall) -> Result<DryRun, CallError> {
        let finalized = self.follower.head().hash;
        Ok(self.attempt(call, Some(finalized)).await?.dry_run)
    }

    async fn execute(&self, key: &str, call: &ContractCall) -> Result<Executed, CallError> {
        // Carried out or under way: trying it again might be refused because it was.
        if let Some(done) = self.submitter.find(key).await.map_err(LedgerError::from)? {
            return Ok(Executed {
                dry_run: None,
                block: done.block,
            });
        }
        let attempt = self.attempt(call, None).await?;
        let runtime = self.chain.runtime().map_err(LedgerError::from)?;
        let extrinsic = attempt
            .contract
            .call(&runtime, call.value, attempt.run.gas_required, attempt.input)
            .map_err(LedgerError::from)?;
        let done = self.submitter.submit(key, extrinsic).await.map_err(LedgerError::from)?;
        Ok(Executed {
            dry_run: Some(attempt.dry_run),
            block: done.block,
        })
    }
}
