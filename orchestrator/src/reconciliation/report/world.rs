//! A chain with one closed day of a book, in memory: its state is a real trie, its proofs are that trie's nodes.
use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use protocol::{
    clearing::Discharge,
    ids::{PayerId, TradeId},
    reconciliation::{
        storage::{book_key, day_key, entry_key},
        BatchId, Book, BookId, Cause, Closed, Closing, Correction, Day, DayRecord, Entry, Kind, Side, Terms,
    },
    settlement::{Asset, ClearingVoucher, Obligation},
    AccountId, Amount, Member, RelationId, Signature, VoucherId,
};
use scale::{Compact, Encode};
use sp_core::{Blake2Hasher, H256};
use sp_crypto_hashing::blake2_256;
use sp_trie::{KeySpacedDBMut, LayoutV1, MemoryDB, TrieDBMutBuilder, TrieMut};

use super::{batch_line, draw_up, json::Json, ports::Prover, record, Form, Kept, Report, ReportError};
use crate::{
    audit::{
        report::{Emitted, Witness},
        state::{child_key, contract_key, storage_key, Nodes},
    },
    chain::ChainError,
    reconciliation::{
        line::{encode_lines, ChainEntry, Digest, Line},
        messages::{SignedStatement, Statement, PAGE},
        ports::{Event, Happened, LedgerError},
    },
    settlement::ports::Block,
    store::{days::DayRow, Store},
};

pub(crate) const GENESIS: [u8; 32] = [7; 32];
pub(crate) const CONTRACT: AccountId = AccountId([8; 32]);
pub(crate) const BOOK: BookId = BookId(3);
pub(crate) const DAY: Day = Day(20_782);
/// What the day is paid by.
pub(crate) const VOUCHER: VoucherId = VoucherId([5; 32]);
/// The block that reports are as of.
pub(crate) const HEAD: u32 = 50;
const OPENED: u32 = 5;
const RECORDED: u32 = 10;
const CORRECTED: u32 = 20;
const CLOSED: u32 = 30;
const CORRECTED_LATER: u32 = 40;
const TRIE: [u8; 32] = [9; 32];
/// More than two pages of everything.
const ENTRIES: u32 = 1_200;

type Layout = LayoutV1<Blake2Hasher>;

pub(crate) struct World {
    pub(crate) terms: Terms,
    /// The day's, by trade.
    pub(crate) entries: BTreeMap<TradeId, ChainEntry>,
    /// Those of the day before, corrected on this one.
    pub(crate) earlier: BTreeMap<TradeId, ChainEntry>,
    pub(crate) record: DayRecord,
    pub(crate) statements: HashMap<Side, (SignedStatement, Vec<Vec<Line>>)>,
    /// What corrections of earlier days' entries changed.
    changed: i128,
    happened: Vec<Happened>,
    /// The same, as the contract emitted it.
    events: BTreeMap<u32, Vec<Emitted>>,
    store: Store,
    nodes: Nodes,
    header: Vec<u8>,
    /// Blocks whose states the node has thrown away.
    pub(crate) forgotten_below: u32,
    /// What the debit side paid.
    pub(crate) discharge: Option<Discharge>,
}

pub(crate) fn trade(number: u32) -> TradeId {
    TradeId::of(&format!("INV-{number}"))
}

fn hash_of(block: u32) -> [u8; 32] {
    blake2_256(&block.encode())
}

impl World {
    /// A day of many entries: some booked in batches at the credit side, one corrected, one that came to nothing, one corrected
    /// after the closing, and one of the day before that was corrected on it.
    pub(crate) async fn new() -> Self {
        Self::knowing(&[Side::Debit, Side::Credit]).await
    }

    /// In which only these sides' books are known.
    pub(crate) async fn knowing(sides: &[Side]) -> Self {
        let terms = Terms {
            client: Member(3),
            debit: Member(1),
            credit: Member(2),
            asset: Asset::Native,
            zone: b"Europe/Berlin".to_vec(),
            patience: 86_400_000,
            number: 0,
        };
        let mut world = Self {
            terms,
            entries: BTreeMap::new(),
            earlier: BTreeMap::new(),
            record: DayRecord::default(),
            statements: HashMap::new(),
            changed: 0,
            happened: vec![],
            events: BTreeMap::new(),
            store: Store::in_memory().await.unwrap(),
            nodes: vec![],
            header: vec![],
            forgotten_below: 0,
            discharge: None,
        };
        let terms = world.terms.clone();
        world.emit(OPENED, 0, Event::BookOpened { book: BOOK, terms });
        world.record_entries();
        world.correct(trade(1), DAY, CORRECTED, 500);
        world.correct(trade(2), DAY, CORRECTED, 0);
        world.correct(trade(9_000), DAY, CORRECTED, 150);
        world.keep_books();
        world.close();
        world.pay();
        world.correct(trade(4), Day(DAY.0 + 1), CORRECTED_LATER, 77);
        world.seal();
        world.keep(sides).await;
        world
    }

    /// What an institution knows of it.
    async fn keep(&self, sides: &[Side]) {
        let member = self.terms.debit;
        let kept = self
            .store
            .keep_reconciliation(CONTRACT, member, &self.happened, HEAD)
            .await;
        kept.unwrap();
        for side in sides {
            let (signed, pages) = &self.statements[side];
            let id = self.store.begin_statement(BOOK, DAY, *side, 1).await.unwrap();
            let pages: Vec<Vec<u8>> = pages.iter().map(|page| encode_lines(page)).collect();
            self.store.add_pages(id, 0, &pages).await.unwrap();
            let signature = Some((signed.epoch, signed.signature));
            self.store
                .finish_statement(id, &signed.statement, signature)
                .await
                .unwrap();
        }
        let day = DayRow {
            voucher: Some(VOUCHER),
            ..DayRow::new(BOOK, DAY)
        };
        assert!(self.store.save_book_day(&day, None, 1).await.unwrap());
    }

    fn record_entries(&mut self) {
        let entry = |number: u32, day: Day, batch, event| ChainEntry {
            entry: Entry {
                trade: trade(number),
                payer: PayerId::of("4711"),
                amount: Amount::from(number) + 100,
                time: 1_795_500_000_000 + u64::from(number),
            },
            day,
            batch,
            corrections: 0,
            block: RECORDED,
            block_hash: hash_of(RECORDED),
            event,
        };
        let old = entry(9_000, Day(DAY.0 - 1), None, 0);
        self.emit(RECORDED, 0, recorded(&[old]));
        self.earlier.insert(old.entry.trade, old);
        let numbers: Vec<u32> = (0..ENTRIES).collect();
        for (call, numbers) in numbers.chunks(128).enumerate() {
            let event = u32::try_from(call).unwrap() * 2 + 1;
            let batch = (call % 2 == 1).then(|| BatchId::of(&format!("BATCH-{call}")));
            let all: Vec<ChainEntry> = numbers.iter().map(|number| entry(*number, DAY, batch, event)).collect();
            self.emit(RECORDED, event, recorded(&all));
            self.entries.extend(all.into_iter().map(|one| (one.entry.trade, one)));
        }
    }

    fn emit(&mut self, block: u32, event: u32, what: Event) {
        let emitted = Emitted {
            event,
            contract: CONTRACT,
            data: encoded(&what),
        };
        self.events.entry(block).or_default().push(emitted);
        let block = Block {
            number: block,
            hash: hash_of(block),
        };
        self.happened.push(Happened { block, event, what });
    }

    fn correct(&mut self, trade: TradeId, day: Day, block: u32, amount: Amount) {
        let event = u32::try_from(self.events.get(&block).map_or(0, Vec::len)).unwrap();
        let entry = self.entries.get_mut(&trade).or(self.earlier.get_mut(&trade)).unwrap();
        let cause = Cause {
            kind: Kind::Amount,
            side: Side::Debit,
        };
        let before = Some(entry.entry.amount);
        let correction = Correction {
            book: BOOK,
            trade,
            number: entry.corrections,
            day,
            causes: vec![cause],
            debit: Some(1),
            credit: before,
            amount,
            payer: entry.entry.payer,
            time: entry.entry.time,
            evidence: [1; 32],
            expires_at: 2,
        };
        if entry.day < day && day == DAY {
            self.changed += i128::try_from(amount).unwrap() - i128::try_from(entry.entry.amount).unwrap();
        }
        entry.entry.amount = amount;
        entry.corrections += 1;
        (entry.block, entry.block_hash, entry.event) = (block, hash_of(block), event);
        let what = Event::Corrected {
            book: BOOK,
            before,
            correction,
        };
        self.emit(block, event, what);
    }

    /// The debit side books each entry, the credit side one line for each batch.
    fn keep_books(&mut self) {
        let line = |trade, amount| Line {
            trade,
            number: 1,
            day: DAY,
            amount,
            asset: Asset::Native,
            payer: None,
            time: None,
        };
        let due = self.entries.values().filter(|one| one.entry.amount > 0);
        let mut books: HashMap<Side, BTreeMap<TradeId, Line>> = HashMap::new();
        for one in due {
            let booked = line(one.entry.trade, one.entry.amount);
            books.entry(Side::Debit).or_default().insert(booked.trade, booked);
            let trade = batch_line(one).unwrap_or(one.entry.trade);
            let credit = books.entry(Side::Credit).or_default();
            credit.entry(trade).or_insert_with(|| line(trade, 0)).amount += one.entry.amount;
        }
        for (side, book) in books {
            self.keep_book(side, book.into_values().collect());
        }
    }

    /// Gives a side this book.
    pub(crate) fn keep_book(&mut self, side: Side, lines: Vec<Line>) {
        let pages: Vec<Vec<Line>> = lines.chunks(PAGE).map(<[Line]>::to_vec).collect();
        let digest = pages
            .iter()
            .fold(Digest::EMPTY, |digest, page| digest.with(&encode_lines(page)))
            .bytes();
        let statement = Statement {
            book: BOOK,
            side,
            day: DAY,
            lines: u64::try_from(lines.len()).unwrap(),
            total: lines.iter().map(|line| line.amount).sum(),
            digest,
            at: 1,
        };
        let signed = SignedStatement {
            statement,
            epoch: 0,
            signature: Signature([3; 64]),
        };
        self.statements.insert(side, (signed, pages));
    }

    fn close(&mut self) {
        let total: Amount = self.entries.values().map(|one| one.entry.amount).sum();
        let due = self.entries.values().filter(|one| one.entry.amount > 0);
        let is_correction = |one: &&Happened| matches!(one.what, Event::Corrected { .. });
        let closing = Closing {
            book: BOOK,
            day: DAY,
            matched: u32::try_from(due.count()).unwrap(),
            breaks: u32::try_from(self.happened.iter().filter(is_correction).count()).unwrap(),
            total: i128::try_from(total).unwrap() + self.changed,
            debit_book: self.statements[&Side::Debit].0.statement.digest,
            credit_book: self.statements[&Side::Credit].0.statement.digest,
            expires_at: 0,
        };
        let closed = Closed {
            id: closing.id(),
            payable: Amount::try_from(closing.total).unwrap(),
            carried: 0,
            at: 1_795_600_000_000,
            is_default: false,
        };
        self.record = DayRecord {
            entries: closing.matched,
            corrections: closing.breaks,
            total: closing.total,
            closed: Some(closed),
        };
        let what = Event::DayClosed {
            book: BOOK,
            closing,
            closed,
        };
        self.emit(CLOSED, 3, what);
    }

    fn pay(&mut self) {
        let principal = Obligation {
            debtor: self.terms.debit,
            creditor: self.terms.credit,
            asset: self.terms.asset,
            amount: self.record.closed.unwrap().payable,
        };
        let clearing_voucher = ClearingVoucher {
            voucher: VOUCHER,
            relation: RelationId([1; 32]),
            issuer: self.terms.debit,
            discharged: vec![principal],
            sources: vec![],
            issued_at: 0,
            expires_at: 1,
        };
        self.discharge = Some(Discharge {
            clearing_voucher,
            cleared_in: CLOSED + 1,
        });
    }

    /// Makes the state, and the header with its root.
    pub(crate) fn seal(&mut self) {
        let mut nodes = MemoryDB::<Blake2Hasher>::default();
        let mut storage = H256::default();
        {
            let book = Book {
                terms: self.terms.clone(),
                open: vec![],
                closed_through: Some(DAY),
                carried: 0,
            };
            let mut spaced = KeySpacedDBMut::new(&mut nodes, &TRIE);
            let mut trie = TrieDBMutBuilder::<Layout>::new(&mut spaced, &mut storage).build();
            trie.insert(&storage_key(&book_key(BOOK)), &book.encode()).unwrap();
            trie.insert(&storage_key(&day_key(BOOK, DAY)), &self.record.encode())
                .unwrap();
            for one in self.entries.values().chain(self.earlier.values()) {
                let key = storage_key(&entry_key(BOOK, one.entry.trade));
                trie.insert(&key, &record(one).encode()).unwrap();
            }
        }
        let mut root = H256::default();
        {
            let mut trie = TrieDBMutBuilder::<Layout>::new(&mut nodes, &mut root).build();
            let info = (TRIE.to_vec(), [6u8; 32], 0u32, 0u32).encode();
            trie.insert(&contract_key(&CONTRACT), &info).unwrap();
            trie.insert(&child_key(&TRIE), &storage.encode()).unwrap();
        }
        self.nodes = nodes.drain().into_values().map(|(node, _)| node).collect();
        self.header = ([0u8; 32], Compact(HEAD), root.0, [0u8; 32], Vec::<u8>::new()).encode();
    }

    pub(crate) async fn report(&self) -> Result<Report, ReportError> {
        let text = self.draw(DAY, &mut Json::default()).await?;
        Ok(serde_json::from_slice(&text).unwrap())
    }

    pub(crate) async fn draw(&self, day: Day, form: &mut (dyn Form + Send)) -> Result<Vec<u8>, ReportError> {
        let mut text = vec![];
        let kept = Kept::new(self.store.clone(), CONTRACT);
        draw_up(&kept, self, (GENESIS, CONTRACT), (BOOK, day), form, &mut text).await?;
        Ok(text)
    }
}

fn recorded(entries: &[ChainEntry]) -> Event {
    Event::Recorded {
        book: BOOK,
        day: entries[0].day,
        batch: entries[0].batch,
        entries: entries.iter().map(|one| one.entry).collect(),
    }
}

/// As the contract lays it out.
fn encoded(event: &Event) -> Vec<u8> {
    match event {
        Event::BookOpened { book, terms } => (book, terms).encode(),
        Event::Recorded {
            book,
            day,
            batch,
            entries,
        } => (book, day, batch, entries).encode(),
        Event::Corrected {
            book,
            before,
            correction,
        } => (book, before, correction).encode(),
        Event::DayClosed { book, closing, closed } => (book, closing, closed).encode(),
    }
}

#[async_trait]
impl Prover for World {
    async fn header(&self, _: u32) -> Result<Vec<u8>, LedgerError> {
        Ok(self.header.clone())
    }

    async fn prove(&self, _: [u8; 32], _: &[Vec<u8>]) -> Result<Nodes, LedgerError> {
        Ok(self.nodes.clone())
    }

    async fn prove_child(&self, _: [u8; 32], _: &[u8], _: &[Vec<u8>]) -> Result<Nodes, LedgerError> {
        Ok(self.nodes.clone())
    }
}

#[async_trait]
impl Witness for World {
    fn genesis(&self) -> [u8; 32] {
        GENESIS
    }

    async fn finalized(&self) -> Result<u32, ChainError> {
        Ok(HEAD + 1)
    }

    async fn block_hash(&self, number: u32) -> Result<[u8; 32], ChainError> {
        Ok(if number == HEAD {
            blake2_256(&self.header)
        } else {
            hash_of(number)
        })
    }

    async fn discharge(
        &self,
        _: AccountId,
        voucher: VoucherId,
        debtor: Member,
    ) -> Result<Option<Discharge>, ChainError> {
        let paid = (voucher, debtor) == (VOUCHER, self.terms.debit);
        Ok(paid.then(|| self.discharge.clone()).flatten())
    }

    async fn emitted(&self, block: [u8; 32]) -> Result<Option<Vec<Emitted>>, ChainError> {
        let known = |number: &u32| hash_of(*number) == block;
        let number = (0..=HEAD).find(known).unwrap();
        if number < self.forgotten_below {
            return Ok(None);
        }
        Ok(Some(self.events.get(&number).cloned().unwrap_or_default()))
    }
}
