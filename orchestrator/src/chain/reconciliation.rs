//! The reconciliation contract, as the system that keeps books in order sees it (S3.1 to S3.5).
use async_trait::async_trait;
use protocol::{
    ids::TradeId,
    reconciliation::{Book, BookId, Closed, Constants, Day, DayRecord, EntryRecord, Error},
    registry::SignerSet,
    text::to_hex,
    AccountId, Member, Timestamp,
};
use scale::{Decode, Encode};
use tokio::sync::OnceCell;

use super::{
    bundle::{Bundle, BundleError},
    contracts::Contract,
    deployment::{to_ss58, Deployment, DeploymentError, RECONCILIATION},
    events::{forgotten, ContractEvents, Emitted},
    health::{in_time, Check},
    ledger::{make_block, signers, write},
    reconciliation_events::{event, Kind, KINDS},
    Chain, ChainError, Follower, Submitter,
};
use crate::{
    reconciliation::ports::{Act, Event, Happened, LedgerError, ReconciliationLedger},
    settlement::ports::Block,
};

/// An event by the name that the contract gives it, for who reads events otherwise than from a node; `None` where the contract
/// has no such event.
///
/// # Errors
/// Its fields are laid out otherwise.
pub fn event_named(name: &str, data: &[u8]) -> Result<Option<Event>, ChainError> {
    let mut kinds = KINDS.iter();
    let kind = kinds.find(|(known, _)| *known == name);
    kind.map(|(_, kind)| event(*kind, data)).transpose()
}

/// The contract can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ChainReconciliationError {
    /// The deployment lacks it, or is on another chain.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// The bundle is of another version.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// Registry and reconciliation contract of one deployment, called by this institution's account.
pub struct ChainReconciliation {
    chain: Chain,
    follower: Follower,
    submitter: Submitter,
    deployment: Deployment,
    registry: Contract,
    reconciliation: Contract,
    events: ContractEvents<Kind>,
    /// It never changes.
    first_block: OnceCell<u32>,
}

impl ChainReconciliation {
    /// The contract of a deployment, whose metadata is in `bundle`; writes go through `submitter`, reads come from its account
    /// too.
    ///
    /// # Errors
    /// The deployment lacks a contract, or is on another chain; the bundle is of another version.
    pub fn new(
        chain: Chain,
        follower: Follower,
        submitter: Submitter,
        deployment: Deployment,
        bundle: &Bundle,
    ) -> Result<Self, ChainReconciliationError> {
        deployment.ensure_on(chain.genesis())?;
        let contract = |name: &str| -> Result<Contract, DeploymentError> {
            let address = deployment.contract(name)?.address;
            let (chain, follower) = (chain.clone(), follower.clone());
            Ok(Contract::new(chain, follower, address, submitter.account()))
        };
        let registry = contract("registry")?;
        let reconciliation = contract(RECONCILIATION)?;
        let events = ContractEvents::new(chain.clone(), reconciliation.address(), bundle, KINDS)?;
        Ok(Self {
            registry,
            reconciliation,
            events,
            chain,
            follower,
            submitter,
            deployment,
            first_block: OnceCell::new(),
        })
    }

    /// Of a message that answers with a `T`.
    async fn write<T: Decode>(
        &self,
        key: &str,
        message: &str,
        arguments: &(impl Encode + Sync),
    ) -> Result<Block, LedgerError> {
        let block = write::<T, Error>(&self.submitter, &self.reconciliation, key, message, arguments, 0).await?;
        // What is looked at next shows what was done.
        self.follower.reached(block.number).await;
        Ok(block)
    }

    /// Whether the contract is the one that the deployment says.
    async fn ours(&self) -> Result<String, String> {
        let registry = self.deployment.contract("registry");
        let registry = registry.map_err(|error| error.to_string())?.address;
        let found: Constants = self
            .reconciliation
            .read("constants", &())
            .await
            .map_err(|error| error.to_string())?;
        if (found.genesis, found.registry) == (self.chain.genesis(), registry) {
            return Ok("the contract of the registry there".into());
        }
        Err(format!(
            "{} is a contract of the registry {} on the chain {}",
            to_ss58(&self.reconciliation.address()),
            to_ss58(&found.registry),
            to_hex(&found.genesis)
        ))
    }
}

#[async_trait]
impl ReconciliationLedger for ChainReconciliation {
    fn genesis(&self) -> [u8; 32] {
        self.chain.genesis()
    }

    fn contract(&self) -> AccountId {
        self.reconciliation.address()
    }

    fn head(&self) -> (u32, Timestamp) {
        let head = self.follower.head();
        (head.number, head.timestamp)
    }

    async fn next_block(&self) {
        self.follower.next().await;
    }

    async fn make_block(&self, key: &str) -> Result<(), LedgerError> {
        make_block(&self.chain, &self.submitter, key).await
    }

    async fn check(&self) -> Check {
        Check::new("reconciliation-contract", in_time(self.ours()).await)
    }

    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError> {
        signers(&self.registry, members, self.follower.head().hash).await
    }

    async fn books(&self, books: &[BookId]) -> Result<Vec<Option<Book>>, LedgerError> {
        Ok(self.reconciliation.try_read::<_, Error>("books", &books).await?)
    }

    async fn book_of(&self, terms: [u8; 32]) -> Result<Option<BookId>, LedgerError> {
        Ok(self.reconciliation.read("book_of", &terms).await?)
    }

    async fn entries(&self, book: BookId, trades: &[TradeId]) -> Result<Vec<Option<EntryRecord>>, LedgerError> {
        let asked = (book, trades);
        Ok(self.reconciliation.try_read::<_, Error>("entries", &asked).await?)
    }

    async fn days(&self, book: BookId, days: &[Day]) -> Result<Vec<Option<DayRecord>>, LedgerError> {
        let asked = (book, days);
        Ok(self.reconciliation.try_read::<_, Error>("days", &asked).await?)
    }

    async fn first_block(&self) -> Result<u32, LedgerError> {
        let made_in = || self.events.first_block(self.follower.head().number);
        self.first_block.get_or_try_init(made_in).await.copied()
    }

    async fn events(&self, from: u32, to: u32) -> Result<Vec<Happened>, LedgerError> {
        let emitted = self.events.of_blocks(from, to).await;
        let emitted = emitted.map_err(|error| forgotten(from, error))?;
        let happened = |one: Emitted<Kind>| {
            Ok(Happened {
                block: one.block,
                event: one.index,
                what: event(one.kind, &one.data)?,
            })
        };
        emitted.into_iter().map(happened).collect()
    }

    async fn carry_out(&self, key: &str, act: &Act) -> Result<Block, LedgerError> {
        let message = act.message();
        match act {
            Act::OpenBook {
                terms,
                epoch,
                expires_at,
                debit,
                credit,
            } => {
                let arguments = (terms, epoch, expires_at, debit, credit);
                self.write::<BookId>(key, message, &arguments).await
            }
            Act::Record {
                book,
                day,
                batch,
                entries,
            } => self.write::<()>(key, message, &(book, day, batch, entries)).await,
            Act::Correct { book, corrections } => self.write::<()>(key, message, &(book, corrections)).await,
            Act::CloseDay {
                closing,
                epoch,
                debit,
                credit,
            } => {
                let arguments = (closing, epoch, debit, credit);
                self.write::<Closed>(key, message, &arguments).await
            }
        }
    }
}
