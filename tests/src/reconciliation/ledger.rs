//! The contract as an institution's orchestrator reaches it, without a node: every block is final as soon as it is made. Time
//! runs only when told to.
use std::sync::{
    atomic::{AtomicU64, Ordering},
    mpsc, Arc, Mutex,
};

use async_trait::async_trait;
use protocol::{
    reconciliation::{Book, BookId, Closed, Day, DayRecord, EntryRecord, Error},
    registry::{Error as RegistryError, SignerSet},
    AccountId, Member, Timestamp, TradeId,
};
use quittance::{
    chain::health::Check,
    reconciliation::ports::{Act, Clock, Event, Happened, LedgerError, ReconciliationLedger},
    settlement::ports::Block,
};
use scale::{Decode, Encode};
use tokio::sync::watch;

use super::{told::Told, Office};
use crate::{
    contract_chain::{Emitted, GENESIS, START},
    institutions::account,
};

type Job = Box<dyn FnOnce(&mut Office) + Send>;

/// A chain that several institutions reach.
pub struct OfficeChain {
    /// The chain's state is bound to its thread.
    jobs: Mutex<mpsc::Sender<Job>>,
    contract: AccountId,
    now: AtomicU64,
    /// One block after the other.
    making: Mutex<()>,
    blocks: watch::Sender<Blocks>,
}

/// What was made so far.
#[derive(Clone)]
struct Blocks {
    /// The latest: its number and time.
    head: (u32, Timestamp),
    happened: Vec<Happened>,
}

impl OfficeChain {
    /// A chain as `make` leaves it; what happened before can't be read.
    pub fn start(make: impl FnOnce() -> Office + Send + 'static) -> Arc<Self> {
        let (jobs, received) = mpsc::channel::<Job>();
        let (ready, made) = mpsc::channel();
        std::thread::spawn(move || {
            let mut office = make();
            ready.send(office.reconciliation).unwrap();
            for job in received {
                job(&mut office);
            }
        });
        let blocks = Blocks {
            head: (1, START),
            happened: Vec::new(),
        };
        Arc::new(Self {
            jobs: Mutex::new(jobs),
            contract: made.recv().unwrap(),
            now: AtomicU64::new(START),
            making: Mutex::default(),
            blocks: watch::Sender::new(blocks),
        })
    }

    /// As this institution reaches it.
    pub fn of(self: &Arc<Self>, member: Member) -> Arc<OfficeLedger> {
        Arc::new(OfficeLedger {
            chain: self.clone(),
            member,
        })
    }

    /// Does something with the office itself, as nobody else can.
    pub fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut Office) -> T + Send + 'static) -> T {
        let (answer, answered) = mpsc::channel();
        let job = move |office: &mut Office| answer.send(job(office)).unwrap();
        self.jobs.lock().unwrap().send(Box::new(job)).unwrap();
        answered.recv().unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.now.load(Ordering::Relaxed)
    }

    /// Time passes; on chain with the next block.
    pub fn pass_time(&self, by: Timestamp) {
        self.now.fetch_add(by, Ordering::Relaxed);
    }

    /// A block in which nothing happens.
    pub fn make_empty_block(&self) -> Block {
        self.block(|_| Ok(Vec::new())).unwrap()
    }

    /// Makes a block of what a job does and tells; none, if it is refused.
    fn block(
        &self,
        job: impl FnOnce(&mut Office) -> Result<Vec<Event>, Error> + Send + 'static,
    ) -> Result<Block, Error> {
        let _making = self.making.lock().unwrap();
        let now = self.now();
        let told = self.run(move |office| {
            office.chain.set_time(now);
            job(office)
        })?;
        let mut block = None;
        self.blocks.send_modify(|blocks| {
            let number = blocks.head.0 + 1;
            let made = Block {
                number,
                hash: hash(number),
            };
            blocks.head = (number, now);
            // An event of the block itself comes first.
            let happened = (1..).zip(told).map(|(event, what)| Happened {
                block: made,
                event,
                what,
            });
            blocks.happened.extend(happened);
            block = Some(made);
        });
        Ok(block.unwrap())
    }
}

/// The hash of a block.
pub fn hash(number: u32) -> [u8; 32] {
    sp_io::hashing::blake2_256(&number.encode())
}

/// The chain as one institution reaches it. Done or not is what the chain's state says: nothing here remembers keys, as if the
/// submitter's table were lost too.
pub struct OfficeLedger {
    chain: Arc<OfficeChain>,
    member: Member,
}

impl OfficeLedger {
    fn ask<T: Decode + Send + 'static>(&self, message: &'static str, args: impl Encode + Send + 'static) -> T {
        let by = self.member;
        self.chain.run(move |office| office.send(by, message, args))
    }

    fn list<T: Decode + Send + 'static>(
        &self,
        message: &'static str,
        args: impl Encode + Send + 'static,
    ) -> Result<T, LedgerError> {
        let answer: Result<T, Error> = self.ask(message, args);
        answer.map_err(LedgerError::Refused)
    }
}

impl Clock for OfficeLedger {
    fn now(&self) -> Timestamp {
        self.chain.now()
    }
}

#[async_trait]
impl ReconciliationLedger for OfficeLedger {
    fn genesis(&self) -> [u8; 32] {
        GENESIS
    }

    fn contract(&self) -> AccountId {
        self.chain.contract
    }

    fn head(&self) -> (u32, Timestamp) {
        self.chain.blocks.borrow().head
    }

    async fn next_block(&self) {
        let mut blocks = self.chain.blocks.subscribe();
        blocks.changed().await.unwrap();
    }

    async fn make_block(&self, _key: &str) -> Result<(), LedgerError> {
        self.chain.make_empty_block();
        Ok(())
    }

    async fn check(&self) -> Check {
        Check {
            name: "reconciliation-contract",
            ok: true,
            detail: "in this process".into(),
        }
    }

    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError> {
        let (by, members) = (account(self.member), members.to_vec());
        let set: Result<SignerSet, RegistryError> = self.chain.run(move |office| {
            let registry = office.registry;
            office.chain.call(by, registry, "members", members, 0).output
        });
        Ok(set.unwrap())
    }

    async fn books(&self, books: &[BookId]) -> Result<Vec<Option<Book>>, LedgerError> {
        self.list("books", books.to_vec())
    }

    async fn book_of(&self, terms: [u8; 32]) -> Result<Option<BookId>, LedgerError> {
        Ok(self.ask("book_of", terms))
    }

    async fn entries(&self, book: BookId, trades: &[TradeId]) -> Result<Vec<Option<EntryRecord>>, LedgerError> {
        self.list("entries", (book, trades.to_vec()))
    }

    async fn days(&self, book: BookId, days: &[Day]) -> Result<Vec<Option<DayRecord>>, LedgerError> {
        self.list("days", (book, days.to_vec()))
    }

    async fn first_block(&self) -> Result<u32, LedgerError> {
        Ok(1)
    }

    async fn events(&self, from: u32, to: u32) -> Result<Vec<Happened>, LedgerError> {
        let blocks = self.chain.blocks.borrow();
        let asked = blocks.happened.iter();
        Ok(asked
            .filter(|happened| (from..=to).contains(&happened.block.number))
            .cloned()
            .collect())
    }

    async fn carry_out(&self, _key: &str, act: &Act) -> Result<Block, LedgerError> {
        let (by, act) = (self.member, act.clone());
        self.chain
            .block(move |office| call(office, by, &act))
            .map_err(LedgerError::Refused)
    }
}

/// Sends what the act says; returns what the contract told.
fn call(office: &mut Office, by: Member, act: &Act) -> Result<Vec<Event>, Error> {
    let message = act.message();
    let emitted = match act {
        Act::OpenBook {
            terms,
            epoch,
            expires_at,
            debit,
            credit,
        } => done::<BookId>(office, by, message, (terms, epoch, expires_at, debit, credit)),
        Act::Record {
            book,
            day,
            batch,
            entries,
        } => done::<()>(office, by, message, (book, day, batch, entries)),
        Act::Correct { book, corrections } => done::<()>(office, by, message, (book, corrections)),
        Act::CloseDay {
            closing,
            epoch,
            debit,
            credit,
        } => done::<Closed>(office, by, message, (closing, epoch, debit, credit)),
    }?;
    let told = Told::default();
    Ok(emitted.iter().map(|event| told.event(event).unwrap()).collect())
}

fn done<T: Decode>(office: &mut Office, by: Member, message: &str, args: impl Encode) -> Result<Vec<Emitted>, Error> {
    let called = office.try_send::<Result<T, Error>>(by, message, args, 0).unwrap();
    called.output?;
    Ok(called.events)
}
