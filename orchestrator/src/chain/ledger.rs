//! The settlement contracts as the saga sees them.
mod disputes;

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use protocol::{
    clearing::{Balance, Current, Error, Retention},
    decisions::{Approval, Decision},
    disputes::Dispute,
    fees::FeeRule,
    registry::{self, Institution, Roles, SignerSet, Status, MAX_QUERY},
    settlement::{Asset, RetentionBatch, SignedClearingVoucher, Voucher},
    signing::MemberSignature,
    windows::{Closing, Position, Window},
    AccountId, Amount, Member, Timestamp, VoucherId,
};
use scale::{Decode, Encode};

use super::{
    calls::Call,
    contracts::{CallError, Contract},
    deployment::Deployment,
    Chain, ChainError, Follower, SubmitError, Submitter,
};
use crate::{
    decisions::ports::DecisionLedger,
    journal::{Event, Journal},
    settlement::ports::{Block, Ledger, LedgerError},
    together::Together,
    windows::ports::WindowLedger,
};

/// The most institutions that the registry hands out in one answer.
const PAGE: usize = 32;
/// The most blocks whose events are read to learn what has changed. After a longer time away all is read again.
const MAX_BLOCKS: u32 = 64;
/// The most retentions that are kept in mind.
const MAX_SEEN: usize = 10_000;

/// Registry and clearing contract of one deployment, called by one account.
#[derive(Clone)]
pub struct ChainLedger {
    chain: Chain,
    follower: Follower,
    submitter: Submitter,
    registry: Contract,
    clearing: Contract,
    seen: Arc<Mutex<Seen>>,
    /// Whose turn it is to read what is seen: at a new block all payments ask at once.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Questions for retentions, by the finalized block that is asked about: to load the contract costs the node much
    /// more than to answer for a voucher.
    looks: Arc<Looks>,
    /// Tells to which vouchers something happened, so that the others needn't be asked for at every block.
    journal: Option<Arc<dyn Journal>>,
    reading_events: Arc<tokio::sync::Mutex<()>>,
}

type Looks = Together<[u8; 32], Voucher, Result<Option<Retention>, LedgerError>>;

/// What needn't be read again: every payment asks for it at every look.
#[derive(Debug, Default)]
struct Seen {
    /// Retentions, and the block until which nothing has happened to them.
    retentions: HashMap<VoucherId, Option<Retention>>,
    until: u32,
    /// The registry's answers in one epoch, by who was asked for. Every change of the registry raises the epoch.
    signers: HashMap<Vec<Member>, SignerSet>,
    /// What is published never changes.
    schedules: BTreeMap<u32, Vec<FeeRule>>,
}

impl Seen {
    /// Something happened on chain: what it may have changed has to be read again.
    fn hear(&mut self, event: Event) {
        match event {
            Event::Retained { vouchers, .. } => {
                for voucher in vouchers {
                    self.retentions.remove(&voucher.id());
                }
            }
            Event::Cleared(clearing_voucher) => {
                self.retentions.remove(&clearing_voucher.voucher);
            }
            Event::TakenOut { vouchers, .. } => {
                for id in vouchers {
                    self.retentions.remove(&id);
                }
            }
            Event::WindowSettled(_) => self.retentions.clear(),
            Event::Deposited { .. }
            | Event::Withdrawn { .. }
            | Event::WindowShort { .. }
            | Event::DisputeOpened { .. }
            | Event::DisputeAnswered { .. }
            | Event::DisputeRuled { .. }
            | Event::AwardPaid { .. } => {}
        }
    }
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
            seen: Arc::default(),
            turn: Arc::default(),
            looks: Arc::new(Looks::new()),
            journal: None,
            reading_events: Arc::default(),
        })
    }

    /// Asks again only for what the journal says has changed.
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
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
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the retentions to which something has happened up to a block, as the contract tells; all of them where
    /// that can't be read.
    async fn forget_what_changed(&self, number: u32) {
        let _turn = self.reading_events.lock().await;
        let until = self.seen().until;
        let blocks = number.saturating_sub(until);
        if blocks == 0 {
            return;
        }
        let told = match &self.journal {
            Some(journal) if blocks <= MAX_BLOCKS => journal.told(until.saturating_add(1), number).await.ok(),
            _ => None,
        };
        let mut seen = self.seen();
        seen.until = number;
        match told {
            Some(told) if seen.retentions.len() < MAX_SEEN => told.into_iter().for_each(|told| seen.hear(told.event)),
            _ => seen.retentions.clear(),
        }
    }

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

/// Has a block made, because some chains make none while nobody submits.
pub(super) async fn make_block<E: Debug>(
    chain: &Chain,
    submitter: &Submitter,
    key: &str,
) -> Result<(), LedgerError<E>> {
    if submitter.find(key).await?.is_some() {
        return Ok(());
    }
    let call = Call::remark(&*chain.runtime()?, key)?;
    submitter.submit(key, call).await?;
    Ok(())
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

/// The registry's answer for these members, in this order, at a block.
pub(super) async fn signers<E: Debug>(
    registry: &Contract,
    members: &[Member],
    at: [u8; 32],
) -> Result<SignerSet, LedgerError<E>> {
    let answer = registry
        .try_read_at::<SignerSet, registry::Error>("members", &members, at)
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
        // One after the other: who waits finds what the one before read.
        let _turn = self.turn.lock().await;
        let at = self.follower.head().hash;
        if self.seen().signers.contains_key(members) {
            let epoch: u32 = self.registry.read_at("epoch", &(), at).await?;
            self.seen().signers.retain(|_, set| set.epoch == epoch);
        }
        let known = self.seen().signers.get(members).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let set = signers(&self.registry, members, at).await?;
        self.seen().signers.insert(members.to_vec(), set.clone());
        Ok(set)
    }

    async fn balance(&self, member: Member, asset: Asset) -> Result<Balance, LedgerError> {
        Ok(self.clearing.read("balance", &(member, asset)).await?)
    }

    async fn time(&self) -> Result<Timestamp, LedgerError> {
        Ok(self.follower.head().timestamp)
    }

    async fn retention(&self, voucher: &Voucher) -> Result<Option<Retention>, LedgerError> {
        let head = self.follower.head();
        let (number, at) = (head.number, head.hash);
        self.forget_what_changed(number).await;
        let id = voucher.id();
        let known = self.seen().retentions.get(&id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let ask = |vouchers: Vec<Voucher>| async move {
            let answer: Result<Vec<Option<Retention>>, _> = self.clearing.read_at("retentions", &vouchers, at).await;
            match answer.map_err(LedgerError::from) {
                Ok(retentions) => retentions.into_iter().map(Ok).collect(),
                Err(error) => vouchers.iter().map(|_| Err(error.clone())).collect(),
            }
        };
        let broken_off = || LedgerError::Unavailable("the question was broken off".into());
        let answer = self.looks.join(at, voucher.clone(), MAX_QUERY, ask).await;
        let retention = answer.map_or_else(|| Err(broken_off()), |(retention, _)| retention)?;
        let mut seen = self.seen();
        // Others may have followed the chain further meanwhile.
        if seen.until == number {
            seen.retentions.insert(id, retention.clone());
        }
        Ok(retention)
    }

    async fn current(&self) -> Result<Current, LedgerError> {
        // One after the other: who waits finds what the one before read.
        let _turn = self.turn.lock().await;
        Ok(self.clearing.read("current", &()).await?)
    }

    async fn schedule(&self, version: u32) -> Result<Option<Vec<FeeRule>>, LedgerError> {
        let at = self.follower.head().hash;
        let known = self.seen().schedules.get(&version).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let rules: Option<Vec<FeeRule>> = self.clearing.read_at("fees", &version, at).await?;
        if let Some(rules) = &rules {
            self.seen().schedules.insert(version, rules.clone());
        }
        Ok(rules)
    }

    async fn position(&self, window: u32, member: Member, asset: Asset) -> Result<Position, LedgerError> {
        Ok(self.clearing.read("position", &(window, member, asset)).await?)
    }

    async fn retain(
        &self,
        key: &str,
        batch: &RetentionBatch,
        signatures: &[MemberSignature],
    ) -> Result<Block, LedgerError> {
        self.write::<u32>(key, "retain_batch", &(batch, signatures), 0).await
    }

    async fn clear(&self, key: &str, vouchers: &[SignedClearingVoucher]) -> Result<Block, LedgerError> {
        self.write::<()>(key, "clear_batch", &vouchers, 0).await
    }

    async fn next_block(&self) {
        self.follower.next().await;
    }
}

#[async_trait]
impl DecisionLedger for ChainLedger {
    async fn notaries(&self) -> Result<Vec<Member>, LedgerError> {
        let mut all = self.institutions().await?;
        all.retain(|found| found.status == Status::Active && found.roles.contains(Roles::NOTARY));
        Ok(all.into_iter().map(|found| found.member).collect())
    }

    async fn window(&self, number: u32) -> Result<Option<Window>, LedgerError> {
        Ok(self.clearing.read("window", &number).await?)
    }

    async fn dispute(&self, voucher: VoucherId, obligation: u8) -> Result<Option<Dispute>, LedgerError> {
        Ok(self.clearing.read("dispute", &(voucher, obligation)).await?)
    }

    async fn carry_out(
        &self,
        key: &str,
        decision: &Decision,
        vouchers: &[Voucher],
        approval: &Approval,
    ) -> Result<Block, LedgerError> {
        match decision {
            Decision::SetFees(rules) => self.write::<u32>(key, "set_fees", &(rules, approval), 0).await,
            Decision::SetCap { member, asset, cap } => {
                let arguments = (member, asset, cap, approval);
                self.write::<()>(key, "set_cap", &arguments, 0).await
            }
            Decision::CloseWindow(window) => {
                let arguments = (window, approval);
                self.write::<Closing>(key, "close_window", &arguments, 0).await
            }
            Decision::TakeOut { window, .. } => {
                let arguments = (window, vouchers, approval);
                self.write::<()>(key, "take_out", &arguments, 0).await
            }
            Decision::Rule {
                voucher,
                obligation,
                ruling,
            } => {
                let arguments = (voucher, obligation, ruling, approval);
                self.write::<()>(key, "rule", &arguments, 0).await
            }
        }
    }
}

#[async_trait]
impl WindowLedger for ChainLedger {
    async fn members(&self) -> Result<Vec<Member>, LedgerError> {
        Ok(self
            .institutions()
            .await?
            .into_iter()
            .map(|found| found.member)
            .collect())
    }

    async fn try_settling(&self, window: u32) -> Result<Closing, LedgerError> {
        Ok(self
            .clearing
            .try_read::<Closing, Error>("settle_window", &window)
            .await?)
    }

    async fn settle(&self, key: &str, window: u32) -> Result<Block, LedgerError> {
        self.write::<Closing>(key, "settle_window", &window, 0).await
    }

    async fn time_of(&self, block: u32) -> Result<Option<Timestamp>, LedgerError> {
        let hash = self.chain.block_hash(block).await?;
        match self.chain.storage("Timestamp", "Now", (), hash).await {
            Ok(bytes) => Ok(bytes.and_then(|bytes| Timestamp::decode(&mut &bytes[..]).ok())),
            // Nodes keep states for some time only.
            Err(ChainError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
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

refusals_of!(
    protocol::clearing::Error,
    protocol::escrow::Error,
    protocol::credit::Error,
    protocol::prepaid::Error,
    protocol::reconciliation::Error
);
