//! The settlement contracts as the saga sees them.
use std::fmt::Debug;

use async_trait::async_trait;
use protocol::{
    clearing::{Balance, Error, Retention},
    registry::{self, Institution, SignerSet},
    settlement::{Asset, RetentionBatch, SignedClearingVoucher},
    signing::MemberSignature,
    AccountId, Amount, Member, Timestamp, VoucherId,
};
use scale::{Decode, Encode};

use super::{
    contracts::{CallError, Contract},
    deployment::Deployment,
    Chain, ChainError, Follower, SubmitError, Submitter,
};
use crate::settlement::ports::{Block, Ledger, LedgerError};

/// The most institutions that the registry hands out in one answer.
const PAGE: usize = 32;

/// Registry and clearing contract of one deployment, called by one account.
#[derive(Clone, Debug)]
pub struct ChainLedger {
    chain: Chain,
    follower: Follower,
    submitter: Submitter,
    registry: Contract,
    clearing: Contract,
}

impl ChainLedger {
    /// The ledger of a deployment; writes go through `submitter`, reads come from its account too.
    ///
    /// # Errors
    /// The deployment lacks a contract, or is on another chain.
    pub fn new(
        chain: Chain,
        follower: Follower,
        submitter: Submitter,
        deployment: &Deployment,
    ) -> Result<Self, super::deployment::DeploymentError> {
        deployment.ensure_on(chain.genesis())?;
        let caller = submitter.account();
        let contract = |name: &str| -> Result<Contract, super::deployment::DeploymentError> {
            let address = deployment.contract(name)?.address;
            Ok(Contract::new(chain.clone(), follower.clone(), address, caller))
        };
        Ok(Self {
            registry: contract("registry")?,
            clearing: contract("clearing")?,
            chain,
            follower,
            submitter,
        })
    }

    /// Puts native tokens of this account into a member's settlement balance. The deposit's number, which a clearing
    /// voucher can name as a source, is then the balance's `last_credit`.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub async fn deposit(&self, key: &str, member: Member, amount: Amount) -> Result<Block, LedgerError> {
        self.write::<u64>(key, "deposit", &member, amount).await
    }

    /// Pays out from a member's settlement balance to the member's account, which must be this one.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub async fn withdraw(
        &self,
        key: &str,
        member: Member,
        asset: Asset,
        amount: Amount,
    ) -> Result<Block, LedgerError> {
        self.write::<()>(key, "withdraw", &(member, asset, amount), 0).await
    }

    /// An institution as the registry knows it.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub async fn institution(&self, member: Member) -> Result<Option<Institution>, LedgerError> {
        Ok(self.registry.read("institution", &member).await?)
    }

    /// The member whose account this is.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub async fn member_of(&self, account: &AccountId) -> Result<Option<Member>, LedgerError> {
        Ok(self.registry.read("member_of", account).await?)
    }

    /// Every institution, ascending by member.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub async fn institutions(&self) -> Result<Vec<Institution>, LedgerError> {
        let mut all: Vec<Institution> = Vec::new();
        let mut from = Member(0);
        loop {
            let page: Vec<Institution> = self.registry.read("institutions", &from).await?;
            let full = page.len() >= PAGE;
            all.extend(page);
            match all.last().and_then(|last| last.member.0.checked_add(1)) {
                Some(next) if full && next > from.0 => from = Member(next),
                _ => return Ok(all),
            }
        }
    }
}

impl ChainLedger {
    async fn write<T: Decode>(
        &self,
        key: &str,
        message: &str,
        arguments: &impl Encode,
        value: Amount,
    ) -> Result<Block, LedgerError> {
        write::<T, Error>(&self.submitter, &self.clearing, key, message, arguments, value).await
    }
}

/// Carries a step out once. Looks first whether it is in flight or done: a dry run of a step that was carried out would
/// be refused.
pub(super) async fn write<T: Decode, E: Decode + Debug>(
    submitter: &Submitter,
    contract: &Contract,
    key: &str,
    message: &str,
    arguments: &impl Encode,
    value: Amount,
) -> Result<Block, LedgerError<E>>
where
    LedgerError<E>: From<CallError<E>>,
{
    match submitter.find(key).await {
        Ok(Some(inclusion)) => return Ok(inclusion.block),
        // What was in flight failed just now: the dry run tells why.
        Ok(None) | Err(SubmitError::ContractReverted { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let call = contract.prepare::<T, E>(message, arguments, value).await?;
    match submitter.submit(key, call).await {
        Ok(inclusion) => Ok(inclusion.block),
        Err(reverted @ SubmitError::ContractReverted { .. }) => {
            // State moved between dry run and execution. A dry run that passes now means that it moved back.
            contract.prepare::<T, E>(message, arguments, value).await?;
            Err(LedgerError::Unavailable(reverted.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

/// The registry's answer for these members, in this order.
pub(super) async fn signers<E: Debug>(registry: &Contract, members: &[Member]) -> Result<SignerSet, LedgerError<E>> {
    let answer = registry
        .try_read::<SignerSet, registry::Error>("members", &members)
        .await;
    answer.map_err(|error| match error {
        CallError::Refused(refusal) => LedgerError::Rejected(format!("the registry refuses: {refusal:?}")),
        CallError::Chain(error) => error.into(),
        other => LedgerError::Rejected(other.to_string()),
    })
}

#[async_trait]
impl Ledger for ChainLedger {
    fn genesis(&self) -> [u8; 32] {
        self.chain.genesis()
    }

    fn clearing(&self) -> AccountId {
        self.clearing.address()
    }

    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError> {
        signers(&self.registry, members).await
    }

    async fn balance(&self, member: Member, asset: Asset) -> Result<Balance, LedgerError> {
        Ok(self.clearing.read("balance", &(member, asset)).await?)
    }

    async fn time(&self) -> Result<Timestamp, LedgerError> {
        Ok(self.follower.head().timestamp)
    }

    async fn retention(&self, voucher: VoucherId) -> Result<Option<Retention>, LedgerError> {
        Ok(self.clearing.read("relation", &voucher).await?)
    }

    async fn retain(
        &self,
        key: &str,
        batch: &RetentionBatch,
        signatures: &[MemberSignature],
    ) -> Result<Block, LedgerError> {
        self.write::<()>(key, "retain_batch", &(batch, signatures), 0).await
    }

    async fn clear(&self, key: &str, vouchers: &[SignedClearingVoucher]) -> Result<Block, LedgerError> {
        self.write::<()>(key, "clear_batch", &vouchers, 0).await
    }

    async fn next_block(&self) {
        self.follower.next().await;
    }
}

impl<E: Debug> From<ChainError> for LedgerError<E> {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Runtime(_) | ChainError::Unreadable { .. } => Self::Rejected(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl<E: Debug> From<SubmitError> for LedgerError<E> {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Failed { .. } | SubmitError::Rejected(_) => Self::Rejected(error.to_string()),
            SubmitError::ContractReverted { .. }
            | SubmitError::Unknown(_)
            | SubmitError::Unavailable(_)
            | SubmitError::Store(_)
            | SubmitError::Stopped => Self::Unavailable(error.to_string()),
        }
    }
}

/// A contract's own error, or none, is what the ledger of that contract tells.
macro_rules! refusals_of {
    ($($error:ty),*) => {$(
        impl From<CallError<$error>> for LedgerError<$error> {
            fn from(error: CallError<$error>) -> Self {
                match error {
                    CallError::Refused(refusal) => Self::Refused(refusal),
                    CallError::Chain(error) => error.into(),
                    other => Self::Rejected(other.to_string()),
                }
            }
        }

        impl From<CallError> for LedgerError<$error> {
            fn from(error: CallError) -> Self {
                match error {
                    CallError::Refused(never) => match never {},
                    CallError::Chain(error) => error.into(),
                    other => Self::Rejected(other.to_string()),
                }
            }
        }
    )*};
}

refusals_of!(protocol::clearing::Error, protocol::escrow::Error);
