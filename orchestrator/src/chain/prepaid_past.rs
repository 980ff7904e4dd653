//! What a card issuer's contract told, read back from the events of finalized blocks (S4.4, S4.5).
use std::sync::Arc;

use async_trait::async_trait;
use protocol::{
    prepaid::{
        Card, CardNumber, Constants, Dispute, Error, Merchant, MerchantNumber, PaymentKey, PaymentRecord, Programme,
        Statement, Terminal,
    },
    settlement::Asset,
    AccountId, Amount, Timestamp,
};
use tokio::sync::{Mutex, OnceCell};

use super::{
    bundle::{Bundle, BundleError},
    contracts::Contract,
    events::{forgotten, time_of, ContractEvents, Emitted},
    prepaid_events::{event, Kind, KINDS},
    Chain, ChainError, Follower,
};
use crate::prepaid::{
    book::Book,
    past::{At, BookBlock, Event, Holding, LedgerError, PrepaidPast, Storage},
};

/// The blocks whose events are in memory at once. What was read stays read when the reader is interrupted between two
/// portions: a request that takes too long is shorter the next time.
const PORTION: u32 = 512;

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

/// Told how far the reading is: the last block that was read, and the last one that will be.
type Progress = Box<dyn Fn(u32, u32) + Send + Sync>;

/// Reads a prepaid contract's events, each block's once.
pub struct ChainPrepaidPast {
    chain: Chain,
    follower: Follower,
    contract: Contract,
    events: ContractEvents<Kind>,
    constants: OnceCell<Constants>,
    read: Mutex<Read>,
    progress: Option<Progress>,
}

/// What was read.
#[derive(Clone, Default)]
struct Read {
    /// Up to this block, which is finalized.
    through: u32,
    book: Arc<Book>,
}

impl ChainPrepaidPast {
    /// The events of the contract at `contract`, whose metadata is in `bundle`.
    ///
    /// # Errors
    /// The bundle is of a version that lacks one of them.
    pub fn new(chain: Chain, follower: Follower, contract: AccountId, bundle: &Bundle) -> Result<Self, BundleError> {
        let events = ContractEvents::new(chain.clone(), contract, bundle, KINDS)?;
        Ok(Self {
            chain: chain.clone(),
            follower: follower.clone(),
            // A question needs no key: the contract asks itself.
            contract: Contract::new(chain, follower, contract, contract),
            events,
            constants: OnceCell::new(),
            read: Mutex::default(),
            progress: None,
        })
    }

    /// Tells how far the reading is: the last block that was read, and the last one that will be.
    #[must_use]
    pub fn with_progress(mut self, progress: impl Fn(u32, u32) + Send + Sync + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// What the contract keeps after a block.
    pub fn storage_at(&self, block: BookBlock) -> StorageAt {
        StorageAt {
            contract: self.contract.clone(),
            block,
        }
    }

    /// The first finalized block of a time or later; `None` where there is none yet.
    ///
    /// # Errors
    /// The chain can't be read.
    pub async fn first_since(&self, time: Timestamp) -> Result<Option<u32>, LedgerError> {
        let head = self.follower.head().number;
        // The first block has no time of its own.
        let (mut low, mut high) = (1, head.saturating_add(1));
        while low < high {
            let middle = low.midpoint(high);
            let hash = self.chain.block_hash(middle).await?;
            if time_of(&self.chain, middle, hash).await? < time {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        Ok((low <= head).then_some(low))
    }

    /// Reads what wasn't read yet, up to a finalized block.
    async fn read_through(&self, read: &mut Read, last: u32) -> Result<(), LedgerError> {
        if read.through == 0 {
            read.through = self.events.first_block(last).await?.saturating_sub(1);
        }
        while read.through < last {
            let from = read.through.saturating_add(1);
            let to = read.through.saturating_add(PORTION).min(last);
            let told = self.told(from, to).await?;
            // Who still looks at the book as it was keeps that.
            let book = Arc::make_mut(&mut read.book);
            for (at, event) in told {
                if let Err(gap) = book.take(at, &event) {
                    // Half of the portion is taken in: the next reader begins anew.
                    *read = Read::default();
                    return Err(LedgerError::Rejected(gap.to_string()));
                }
            }
            read.through = to;
            if let Some(progress) = &self.progress {
                progress(to, last);
            }
        }
        Ok(())
    }

    async fn told(&self, from: u32, to: u32) -> Result<Vec<(At, Event)>, LedgerError> {
        let told = |(one, time): (Emitted<Kind>, Timestamp)| {
            let at = At {
                block: one.block.number,
                event: one.index,
                hash: one.block.hash,
                time,
            };
            Ok((at, event(one.kind, &one.data)?))
        };
        self.events.timed(from, to).await?.into_iter().map(told).collect()
    }

    async fn at(&self, number: u32) -> Result<BookBlock, LedgerError> {
        let head = self.follower.head();
        if number > head.number {
            return Err(LedgerError::Rejected(format!(
                "block {number} isn't finalized: the latest block that is has the number {}",
                head.number
            )));
        }
        let hash = self.chain.block_hash(number).await?;
        let time = time_of(&self.chain, number, hash).await?;
        Ok(BookBlock { number, hash, time })
    }

    /// What the contract's account has of the asset.
    async fn has(&self, block: &BookBlock) -> Result<Amount, LedgerError> {
        let account = self.contract.address();
        match self.constants().await?.asset {
            Asset::Native => {
                let found = self.chain.native_balance(&account, block.hash).await;
                found.map_err(|error| forgotten(block.number, error))
            }
            Asset::Psp22(token) => {
                let token = Contract::new(self.chain.clone(), self.follower.clone(), token, account);
                Ok(token.read_at("PSP22::balance_of", &account, block.hash).await?)
            }
        }
    }
}

#[async_trait]
impl PrepaidPast for ChainPrepaidPast {
    fn genesis(&self) -> [u8; 32] {
        self.chain.genesis()
    }

    fn contract(&self) -> AccountId {
        self.contract.address()
    }

    async fn constants(&self) -> Result<Constants, LedgerError> {
        let read = || async { Ok::<_, LedgerError>(self.contract.read("constants", &()).await?) };
        self.constants.get_or_try_init(read).await.copied()
    }

    async fn block(&self, number: Option<u32>) -> Result<BookBlock, LedgerError> {
        let head = self.follower.head();
        match number {
            Some(number) if number != head.number => self.at(number).await,
            _ => Ok(BookBlock {
                number: head.number,
                hash: head.hash,
                time: head.timestamp,
            }),
        }
    }

    async fn book(&self, through: BookBlock) -> Result<Arc<Book>, LedgerError> {
        let mut read = self.read.lock().await;
        if read.through <= through.number {
            self.read_through(&mut read, through.number).await?;
            return Ok(read.book.clone());
        }
        drop(read);
        // What others asked for is later: this one is read for itself.
        let mut earlier = Read::default();
        self.read_through(&mut earlier, through.number).await?;
        Ok(earlier.book)
    }

    async fn holding(&self, block: u32) -> Result<Holding, LedgerError> {
        let block = self.block(Some(block)).await?;
        let (float, has) = futures::future::try_join(
            async { Ok::<_, LedgerError>(self.contract.read_at("float", &(), block.hash).await?) },
            self.has(&block),
        )
        .await?;
        Ok(Holding { block, float, has })
    }
}

/// A prepaid contract's storage after one block.
pub struct StorageAt {
    contract: Contract,
    block: BookBlock,
}

impl StorageAt {
    async fn list<K: scale::Encode + Sync, V: scale::Decode>(
        &self,
        message: &str,
        keys: &[K],
    ) -> Result<Vec<Option<V>>, LedgerError> {
        let found = self.contract.try_read_at::<_, Error>(message, &keys, self.block.hash);
        Ok(found.await?)
    }
}

#[async_trait]
impl Storage for StorageAt {
    async fn programme(&self) -> Result<Programme, LedgerError> {
        Ok(self.contract.read_at("programme", &(), self.block.hash).await?)
    }

    async fn float(&self) -> Result<protocol::prepaid::Float, LedgerError> {
        Ok(self.contract.read_at("float", &(), self.block.hash).await?)
    }

    async fn cards(&self, numbers: &[CardNumber]) -> Result<Vec<Option<Card>>, LedgerError> {
        self.list("cards", numbers).await
    }

    async fn merchants(&self, numbers: &[MerchantNumber]) -> Result<Vec<Option<Merchant>>, LedgerError> {
        self.list("merchants", numbers).await
    }

    async fn terminals(&self, keys: &[AccountId]) -> Result<Vec<Option<Terminal>>, LedgerError> {
        self.list("terminals", keys).await
    }

    async fn payments(&self, keys: &[PaymentKey]) -> Result<Vec<Option<PaymentRecord>>, LedgerError> {
        self.list("payments", keys).await
    }

    async fn disputes(&self, keys: &[PaymentKey]) -> Result<Vec<Option<Dispute>>, LedgerError> {
        self.list("disputes", keys).await
    }

    async fn statement(&self, merchant: MerchantNumber, cycle: u32) -> Result<Option<Statement>, LedgerError> {
        let asked = (merchant, cycle);
        Ok(self.contract.read_at("statement", &asked, self.block.hash).await?)
    }

    async fn is_used(&self, by: AccountId, reference: [u8; 32]) -> Result<bool, LedgerError> {
        let asked = (by, reference);
        Ok(self.contract.read_at("is_used", &asked, self.block.hash).await?)
    }
}
