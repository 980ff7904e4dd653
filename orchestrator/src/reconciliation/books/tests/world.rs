//! A chain without signatures, and institutions that keep books on it, wired to each other in one process.
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc, Mutex, OnceLock,
    },
};

use async_trait::async_trait;
use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::{
        BatchId, Book, BookId, Closed, Closing, Correction, Day, DayRecord, Entry, EntryRecord, Error, Terms,
    },
    registry::SignerSet,
    settlement::Asset,
    AccountId, Member, Timestamp,
};

use super::super::{Books, Payment};
use crate::{
    reconciliation::{
        line::Line,
        messages::{
            ClosingProposal, CoSigned, CorrectionProposal, Delivery, PageRequest, SignedStatement, StatementRequest,
        },
        ports::{Act, Block, Check, Clock, Event, Happened, LedgerError, Partners, PeerError, ReconciliationLedger},
        schedule,
        settings::{BookSettings, OwnBook},
    },
    store::Store,
};

pub const CLIENT: Member = Member(3);
pub const DEBIT: Member = Member(1);
pub const CREDIT: Member = Member(2);
pub const BOOK: BookId = BookId(0);

pub fn terms() -> Terms {
    Terms {
        client: CLIENT,
        debit: DEBIT,
        credit: CREDIT,
        asset: Asset::Native,
        zone: b"Europe/Berlin".to_vec(),
        patience: 1,
        number: 0,
    }
}

pub fn day(text: &str) -> Day {
    schedule::read(text).unwrap()
}

/// Of 2026-11-25, when nothing else is said.
pub fn at(text: &str) -> Timestamp {
    let moment: jiff::Timestamp = text.parse().unwrap();
    moment.as_millisecond().try_into().unwrap()
}

pub fn payment(id: &str, amount: u128) -> Payment {
    Payment {
        trade: TradeId::of(id),
        payer: PayerId::of("4711"),
        amount,
        time: Some(at("2026-11-25T10:00:00Z")),
        day: None,
        batch: None,
    }
}

#[derive(Default)]
struct State {
    books: BTreeMap<BookId, Book>,
    entries: BTreeMap<(BookId, TradeId), EntryRecord>,
    events: Vec<Happened>,
    head: u32,
    /// What was carried out, by key.
    acts: Vec<(String, Act)>,
}

/// What the contract does, without signatures.
#[derive(Default)]
pub struct Chain(Mutex<State>);

impl Chain {
    pub fn open(&self, book: BookId, terms: Terms) {
        let mut state = self.0.lock().unwrap();
        let opened = Book {
            terms: terms.clone(),
            open: Vec::new(),
            closed_through: None,
            carried: 0,
        };
        state.books.insert(book, opened);
        state.tell(Event::BookOpened { book, terms });
    }

    pub fn record(&self, book: BookId, day: Day, batch: Option<BatchId>, entries: Vec<Entry>) {
        self.0.lock().unwrap().record(book, day, batch, entries).unwrap();
    }

    pub fn correct(&self, correction: Correction) {
        let mut state = self.0.lock().unwrap();
        let key = (correction.book, correction.trade);
        let before = state.entries.get(&key).copied();
        let after = EntryRecord {
            payer: correction.payer,
            amount: correction.amount,
            time: correction.time,
            day: before.map_or(correction.day, |before| before.day),
            batch: before.and_then(|before| before.batch),
            corrections: correction.number + 1,
        };
        state.entries.insert(key, after);
        state.tell(Event::Corrected {
            book: correction.book,
            before: before.map(|before| before.amount),
            correction,
        });
    }

    pub fn close(&self, book: BookId, day: Day) {
        let mut state = self.0.lock().unwrap();
        state.books.get_mut(&book).unwrap().closed_through = Some(day);
        let closing = Closing {
            book,
            day,
            matched: 0,
            breaks: 0,
            total: 0,
            debit_book: [0; 32],
            credit_book: [0; 32],
            expires_at: 0,
        };
        let closed = Closed {
            id: closing.id(),
            payable: 0,
            carried: 0,
            at: 0,
            is_default: false,
        };
        state.tell(Event::DayClosed { book, closing, closed });
    }

    pub fn acts(&self) -> Vec<(String, Act)> {
        self.0.lock().unwrap().acts.clone()
    }

    pub fn has(&self, trade: TradeId) -> Option<EntryRecord> {
        self.0.lock().unwrap().entries.get(&(BOOK, trade)).copied()
    }
}

impl State {
    fn tell(&mut self, what: Event) {
        self.head += 1;
        let block = Block {
            number: self.head,
            hash: [u8::try_from(self.head % 256).unwrap(); 32],
        };
        self.events.push(Happened { block, event: 2, what });
    }

    fn record(&mut self, book: BookId, day: Day, batch: Option<BatchId>, entries: Vec<Entry>) -> Result<(), Error> {
        let known = self.books.get(&book).ok_or(Error::UnknownBook)?;
        if let Some(through) = known.closed_through.filter(|through| day <= *through) {
            return Err(Error::DayClosed { through });
        }
        if let Some(taken) = entries
            .iter()
            .find(|entry| self.entries.contains_key(&(book, entry.trade)))
        {
            return Err(Error::TradeExists(taken.trade));
        }
        for entry in &entries {
            let record = EntryRecord {
                payer: entry.payer,
                amount: entry.amount,
                time: entry.time,
                day,
                batch,
                corrections: 0,
            };
            self.entries.insert((book, entry.trade), record);
        }
        self.tell(Event::Recorded {
            book,
            day,
            batch,
            entries,
        });
        Ok(())
    }
}

#[async_trait]
impl ReconciliationLedger for Chain {
    fn genesis(&self) -> [u8; 32] {
        [7; 32]
    }
    fn contract(&self) -> AccountId {
        AccountId([8; 32])
    }
    fn head(&self) -> (u32, Timestamp) {
        (self.0.lock().unwrap().head, 0)
    }
    async fn next_block(&self) {
        std::future::pending().await
    }
    async fn make_block(&self, _: &str) -> Result<(), LedgerError> {
        unreachable!()
    }
    async fn check(&self) -> Check {
        unreachable!()
    }
    async fn signers(&self, _: &[Member]) -> Result<SignerSet, LedgerError> {
        unreachable!()
    }
    async fn books(&self, _: &[BookId]) -> Result<Vec<Option<Book>>, LedgerError> {
        unreachable!()
    }
    async fn book_of(&self, _: [u8; 32]) -> Result<Option<BookId>, LedgerError> {
        unreachable!()
    }
    async fn entries(&self, book: BookId, trades: &[TradeId]) -> Result<Vec<Option<EntryRecord>>, LedgerError> {
        let state = self.0.lock().unwrap();
        Ok(trades
            .iter()
            .map(|trade| state.entries.get(&(book, *trade)).copied())
            .collect())
    }
    async fn days(&self, _: BookId, _: &[Day]) -> Result<Vec<Option<DayRecord>>, LedgerError> {
        unreachable!()
    }
    async fn first_block(&self) -> Result<u32, LedgerError> {
        Ok(1)
    }
    async fn events(&self, from: u32, to: u32) -> Result<Vec<Happened>, LedgerError> {
        let state = self.0.lock().unwrap();
        let there = state
            .events
            .iter()
            .filter(|event| (from..=to).contains(&event.block.number));
        Ok(there.cloned().collect())
    }
    async fn carry_out(&self, key: &str, act: &Act) -> Result<Block, LedgerError> {
        let mut state = self.0.lock().unwrap();
        let Act::Record {
            book,
            day,
            batch,
            entries,
        } = act.clone()
        else {
            unreachable!()
        };
        state.record(book, day, batch, entries).map_err(LedgerError::Refused)?;
        state.acts.push((key.to_owned(), act.clone()));
        Ok(state.events.last().unwrap().block)
    }
}

/// The way to the others.
#[derive(Default)]
pub struct Mail {
    books: OnceLock<BTreeMap<Member, Arc<Books>>>,
    away: Mutex<HashSet<Member>>,
    /// The recipient takes it, and the sender doesn't hear.
    deaf: Mutex<bool>,
}

impl Mail {
    pub fn set_away(&self, member: Member, is_away: bool) {
        let mut away = self.away.lock().unwrap();
        if is_away {
            away.insert(member);
        } else {
            away.remove(&member);
        }
    }

    pub fn set_deaf(&self, is_deaf: bool) {
        *self.deaf.lock().unwrap() = is_deaf;
    }
}

fn unreachable<T>(member: Member) -> Result<T, PeerError> {
    Err(PeerError::Unreachable {
        member,
        why: "it is away".into(),
    })
}

#[async_trait]
impl Partners for Mail {
    async fn deliver(&self, to: Member, delivery: &Delivery) -> Result<(), PeerError> {
        if self.away.lock().unwrap().contains(&to) {
            return unreachable(to);
        }
        let recipient = self.books.get().unwrap()[&to].clone();
        recipient.on_delivery(CLIENT, delivery).await.unwrap();
        if *self.deaf.lock().unwrap() {
            return unreachable(to);
        }
        Ok(())
    }
    async fn statement(&self, to: Member, _: &StatementRequest) -> Result<SignedStatement, PeerError> {
        unreachable(to)
    }
    async fn page(&self, to: Member, _: &PageRequest) -> Result<Vec<Line>, PeerError> {
        unreachable(to)
    }
    async fn correct(&self, to: Member, _: &CorrectionProposal) -> Result<CoSigned, PeerError> {
        unreachable(to)
    }
    async fn close(&self, to: Member, _: &ClosingProposal) -> Result<CoSigned, PeerError> {
        unreachable(to)
    }
}

pub struct Now(AtomicU64);

impl Clock for Now {
    fn now(&self) -> Timestamp {
        self.0.load(Ordering::SeqCst)
    }
}

/// A client and two sides.
pub struct World {
    pub chain: Arc<Chain>,
    pub mail: Arc<Mail>,
    pub now: Arc<Now>,
    pub client: Arc<Books>,
    pub debit: Arc<Books>,
    pub credit: Arc<Books>,
    pub stores: BTreeMap<Member, Store>,
}

impl World {
    /// With a book whose client is a third institution; the debit side books what it is told, the credit side imports.
    pub async fn open() -> Self {
        let world = Self::without_book().await;
        world.chain.open(BOOK, terms());
        for books in [&world.client, &world.debit, &world.credit] {
            books.follow().await.unwrap();
        }
        world
    }

    pub async fn without_book() -> Self {
        let (chain, mail) = (Arc::new(Chain::default()), Arc::new(Mail::default()));
        let now = Arc::new(Now(AtomicU64::new(at("2026-11-25T12:00:00Z"))));
        let (mut stores, mut all) = (BTreeMap::new(), BTreeMap::new());
        for member in [CLIENT, DEBIT, CREDIT] {
            let store = Store::in_memory().await.unwrap();
            let own = if member == DEBIT {
                OwnBook::Delivered
            } else {
                OwnBook::Imported
            };
            let settings = BookSettings {
                own,
                ..BookSettings::default()
            };
            let books = Books::new(
                member,
                store.clone(),
                chain.clone(),
                mail.clone(),
                now.clone(),
                [(BOOK, settings)].into(),
            );
            stores.insert(member, store);
            all.insert(member, books);
        }
        let of = |member| all[&member].clone();
        let (client, debit, credit) = (of(CLIENT), of(DEBIT), of(CREDIT));
        assert!(mail.books.set(all).is_ok());
        Self {
            chain,
            mail,
            now,
            client,
            debit,
            credit,
            stores,
        }
    }

    pub fn store(&self, member: Member) -> &Store {
        &self.stores[&member]
    }

    pub fn set_now(&self, text: &str) {
        self.now.0.store(at(text), Ordering::SeqCst);
    }

    /// What the debit side has of a day.
    pub async fn debit_lines(&self, day: Day) -> Vec<Line> {
        self.store(DEBIT).own_lines(BOOK, day, None, 1_000).await.unwrap()
    }
}

/// Of an entry that is right as the chain has it now.
pub fn correction(trade: TradeId, number: u32, day: Day, amount: u128) -> Correction {
    Correction {
        book: BOOK,
        trade,
        number,
        day,
        causes: Vec::new(),
        debit: None,
        credit: None,
        amount,
        payer: PayerId::of("4711"),
        time: at("2026-11-25T10:00:00Z"),
        evidence: [0; 32],
        expires_at: 0,
    }
}
