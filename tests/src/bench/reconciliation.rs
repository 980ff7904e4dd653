//! A day's books for the benchmark of matching.
use std::{
    io::{BufWriter, Write},
    path::Path,
};

use protocol::{
    ids::{content_id, PayerId, TradeId},
    reconciliation::{BookId, Day, Entry, Side},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, Timestamp,
};
use quittance::{
    reconciliation::{
        line::{encode_entries, encode_lines, ChainEntry, Digest, Line},
        messages::{Statement, PAGE},
    },
    store::Store,
};

/// The day.
pub const DAY: Day = Day(20_783);
const BEGIN: Timestamp = 20_783 * 86_400_000;
const OTHER_ASSET: Asset = Asset::Psp22(AccountId([9; 32]));
/// How many customers there are.
const PAYERS: u64 = 50_000;
/// How many pages are written at once.
const AT_ONCE: usize = 16;

/// Two institutions' books and the chain's entries, each in order.
pub struct Books {
    debit: Vec<Line>,
    credit: Vec<Line>,
    chain: Vec<ChainEntry>,
}

impl Books {
    /// So many entries that match, but for so many breaks: of each type in turn, at each side in turn.
    pub fn with(entries: usize, breaks: usize) -> Self {
        let mut books = Self {
            debit: Vec::with_capacity(entries),
            credit: Vec::with_capacity(entries),
            chain: Vec::with_capacity(entries),
        };
        let every = (entries / breaks.max(1)).max(1);
        for number in 0..entries {
            let entry = entry(number as u64);
            let right = line(&entry, number as u64);
            let (debit, credit) = (&mut books.debit, &mut books.credit);
            books.chain.push(entry);
            if number % every != 0 || number / every >= breaks {
                debit.push(right.clone());
                credit.push(right);
                continue;
            }
            let fault = number / every;
            let (off, other) = if fault.is_multiple_of(2) {
                (debit, credit)
            } else {
                (credit, debit)
            };
            let mut wrong = right.clone();
            match fault / 2 % 8 {
                0 => {
                    other.push(right);
                    continue;
                }
                1 => {
                    books.chain.pop();
                }
                2 => wrong.amount += 1,
                3 => wrong.asset = OTHER_ASSET,
                4 => wrong.payer = Some(PayerId([1; 32])),
                5 => off.push(Line {
                    number: u64::MAX,
                    ..right.clone()
                }),
                6 => wrong.day = Day(20_784),
                _ => wrong.trade = TradeId(content_id(b"altered", &right.trade)),
            }
            other.push(right);
            off.push(wrong);
        }
        books.debit.sort_by_key(|line| (line.trade, line.number));
        books.credit.sort_by_key(|line| (line.trade, line.number));
        books.chain.sort_by_key(|entry| entry.entry.trade);
        books
    }

    /// Keeps them as statements, as a run does: the debit side's is number 1, the credit side's 2, the chain's entries 3.
    pub async fn keep(&self, path: &Path) {
        let store = Store::open(path).await.unwrap();
        let lines = |book: &[Line]| book.chunks(PAGE).map(encode_lines).collect::<Vec<_>>();
        keep(&store, Side::Debit, self.debit.len(), &lines(&self.debit)).await;
        keep(&store, Side::Credit, self.credit.len(), &lines(&self.credit)).await;
        let entries: Vec<_> = self.chain.chunks(PAGE).map(encode_entries).collect();
        keep(&store, Side::Chain, self.chain.len(), &entries).await;
    }

    /// Writes them as CSV.
    pub fn write(&self, directory: &Path) {
        for (name, book) in [("debit", &self.debit), ("credit", &self.credit)] {
            let rows = book
                .iter()
                .map(|line| (line.trade, line.amount, line.asset, line.payer, line.day));
            write(&directory.join(name), rows);
        }
        let rows = self.chain.iter().map(|ChainEntry { entry, day, .. }| {
            let native = Asset::Native;
            (entry.trade, entry.amount, native, Some(entry.payer), *day)
        });
        write(&directory.join("chain"), rows);
    }
}

async fn keep(store: &Store, side: Side, lines: usize, pages: &[Vec<u8>]) {
    let id = store.begin_statement(BookId(0), DAY, side, 0).await.unwrap();
    for (some, first) in pages.chunks(AT_ONCE).zip((0u64..).step_by(AT_ONCE)) {
        store.add_pages(id, first, some).await.unwrap();
    }
    let digest = pages.iter().fold(Digest::EMPTY, |digest, page| digest.with(page));
    let statement = Statement {
        book: BookId(0),
        side,
        day: DAY,
        lines: lines as u64,
        total: 0,
        digest: digest.bytes(),
        at: 0,
    };
    store.finish_statement(id, &statement, None).await.unwrap();
}

fn write(path: &Path, rows: impl Iterator<Item = (TradeId, Amount, Asset, Option<PayerId>, Day)>) {
    let file = std::fs::File::create(path.with_extension("csv")).unwrap();
    let mut file = BufWriter::new(file);
    writeln!(file, "trade,amount,asset,payer,day").unwrap();
    for (trade, amount, asset, payer, day) in rows {
        let asset = if asset == Asset::Native { "native" } else { "other" };
        let payer = payer.map(|payer| to_hex(&payer.0)).unwrap_or_default();
        writeln!(file, "{},{amount},{asset},{payer},{}", to_hex(&trade.0), day.0).unwrap();
    }
    file.flush().unwrap();
}

fn entry(number: u64) -> ChainEntry {
    let random = content_id(b"benchmark", &number);
    let drawn = u64::from_le_bytes(random[..8].try_into().unwrap());
    ChainEntry {
        entry: Entry {
            trade: TradeId(random),
            payer: PayerId(content_id(b"payer", &(drawn % PAYERS))),
            // No two of them alike, so that an altered id has one entry only.
            amount: Amount::from(number * 1_000 + drawn % 1_000 + 2),
            time: BEGIN + drawn % 86_400_000,
        },
        day: DAY,
        batch: None,
        corrections: 0,
        block: 7,
        block_hash: [7; 32],
        event: 3,
    }
}

fn line(entry: &ChainEntry, number: u64) -> Line {
    Line {
        trade: entry.entry.trade,
        number,
        day: entry.day,
        amount: entry.entry.amount,
        asset: Asset::Native,
        payer: Some(entry.entry.payer),
        time: Some(entry.entry.time),
    }
}
