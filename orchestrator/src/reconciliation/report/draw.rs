//! Drawing a report up: page by page, into whatever form is asked for.
use std::{collections::HashSet, io};

use async_trait::async_trait;
use protocol::{
    ids::TradeId,
    reconciliation::{
        storage::{book_key, day_key, entry_key},
        Book, BookId, Day, DayRecord, EntryRecord, Side,
    },
    AccountId,
};

use super::{
    batch_line, pager::Pager, ports::Prover, EntryLine, EntryPage, Head, Kept, Place, ProvenAt, ReportError, Said,
    Status, Totals, PAGE,
};
use crate::{
    audit::state::{child_key, contract_key, storage_key, Header, Nodes, State},
    reconciliation::{
        line::{ChainEntry, Line},
        schedule,
    },
    store::books::KnownClosing,
};

/// What a report is written in: it is told the parts in this order.
pub trait Form {
    /// What it is of.
    ///
    /// # Errors
    /// It can't be written, as of all that follow.
    fn head(&mut self, head: &Head) -> io::Result<()>;
    /// Entries of earlier days.
    fn earlier(&mut self, page: &EntryPage) -> io::Result<()>;
    /// Entries of the day.
    fn entries(&mut self, page: &EntryPage) -> io::Result<()>;
    /// A page of a side's book: all of the debit side's, then all of the credit side's.
    fn lines(&mut self, side: Side, page: &[Line]) -> io::Result<()>;
    /// What all of it comes to.
    fn end(&mut self, totals: &Totals) -> io::Result<()>;
    /// What was written since this was called last.
    fn take(&mut self) -> io::Result<Vec<u8>>;
}

/// Where a report is written to.
#[async_trait]
pub trait Sink: Send {
    /// Adds to it.
    ///
    /// # Errors
    /// It can't be written.
    async fn put(&mut self, bytes: Vec<u8>) -> io::Result<()>;
}

#[async_trait]
impl Sink for Vec<u8> {
    async fn put(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.extend(bytes);
        Ok(())
    }
}

/// Draws up the report of a closed day of a book of `contract`, on the chain with this genesis.
///
/// # Errors
/// See [`ReportError`].
pub async fn draw_up(
    kept: &Kept,
    prover: &dyn Prover,
    (genesis, contract): ([u8; 32], AccountId),
    (book, day): (BookId, Day),
    form: &mut (dyn Form + Send),
    sink: &mut dyn Sink,
) -> Result<(), ReportError> {
    let terms = kept.terms(book).await?.ok_or(ReportError::UnknownBook(book))?;
    let known = kept.closing(book, day).await?.ok_or(ReportError::NotClosed(day))?;
    let KnownClosing { closing, closed, .. } = known;
    let through = kept.read_through().await?.unwrap_or(known.block);
    let proven = Proven::at(prover, contract, book, day, through).await?;
    let statement = |side, digest| kept.statement(book, day, side, digest);
    let debit = statement(Side::Debit, closing.debit_book).await?;
    let credit = statement(Side::Credit, closing.credit_book).await?;
    let head = Head {
        genesis,
        contract,
        book,
        terms,
        day,
        date: schedule::write(day),
        record: proven.record,
        closing,
        closed,
        closed_in: Place::of(&known),
        debit,
        credit,
        paid_by: kept.paid_by(book, day).await?,
        at: proven.at.clone(),
    };
    form.head(&head)?;

    let mut drawing = Drawing {
        of: Subject {
            kept,
            prover,
            proven,
            head,
        },
        form,
        sink,
        totals: Totals::default(),
    };
    drawing.earlier().await?;
    drawing.entries().await?;
    drawing.lines(Side::Debit).await?;
    drawing.lines(Side::Credit).await?;
    drawing.form.end(&drawing.totals)?;
    drawing.write().await
}

/// The block that everything is proven at.
struct Proven {
    at: ProvenAt,
    state_root: [u8; 32],
    /// The contract's child trie.
    trie: Vec<u8>,
    record: DayRecord,
}

impl Proven {
    async fn at(
        prover: &dyn Prover,
        contract: AccountId,
        book: BookId,
        day: Day,
        block: u32,
    ) -> Result<Self, ReportError> {
        let encoded = prover.header(block).await?;
        let header = Header::read(&encoded)?;
        let mut proof = prover.prove(header.hash, &[contract_key(&contract)]).await?;
        let trie = State::new(header.state_root, &proof).contract(&contract)?.trie;
        let (book_at, day_at) = (book_key(book), day_key(book, day));
        let keys = [storage_key(&book_at), storage_key(&day_at)];
        let of_storage = prover.prove_child(header.hash, &child_key(&trie), &keys).await?;
        proof.extend(of_storage);
        proof.sort_unstable();
        proof.dedup();

        let state = State::new(header.state_root, &proof);
        let storage = state.storage(&trie)?;
        storage
            .get::<Book>(&book_at, "the book")?
            .ok_or(ReportError::UnknownBook(book))?;
        let record = storage.get::<DayRecord>(&day_at, "the day")?;
        Ok(Self {
            record: record.ok_or(ReportError::NotClosed(day))?,
            at: ProvenAt {
                block: header.number,
                hash: header.hash,
                header: encoded,
                proof,
            },
            state_root: header.state_root,
            trie,
        })
    }
}

/// What is drawn up, and from what.
struct Subject<'a> {
    kept: &'a Kept,
    prover: &'a dyn Prover,
    proven: Proven,
    head: Head,
}

struct Drawing<'a> {
    of: Subject<'a>,
    form: &'a mut (dyn Form + Send),
    sink: &'a mut dyn Sink,
    totals: Totals,
}

impl Drawing<'_> {
    async fn earlier(&mut self) -> Result<(), ReportError> {
        let Head { book, day, .. } = self.of.head;
        let mut after = None;
        loop {
            let entries = self.of.kept.corrected_on(book, day, after, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(()) };
            after = Some(last.entry.trade);
            let mut lines = Vec::with_capacity(entries.len());
            for entry in &entries {
                let line = self.of.line(entry, Said::UNKNOWN, Said::UNKNOWN).await?;
                self.totals = self.totals.with_earlier(&line, day).ok_or(ReportError::Overflow)?;
                lines.push(line);
            }
            let page = self.of.proven_page(lines).await?;
            self.form.earlier(&page)?;
            self.write().await?;
        }
    }

    async fn entries(&mut self) -> Result<(), ReportError> {
        let Head { book, day, .. } = self.of.head;
        let mut debit = Told::by(&self.of, Side::Debit).await?;
        let mut credit = Told::by(&self.of, Side::Credit).await?;
        let mut after = None;
        loop {
            let entries = self.of.kept.entries(book, day, after, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(()) };
            after = Some(last.entry.trade);
            let mut lines = Vec::with_capacity(entries.len());
            for entry in &entries {
                let line = self
                    .of
                    .line(entry, debit.says(entry).await?, credit.says(entry).await?)
                    .await?;
                self.totals = self.totals.with(&line, day).ok_or(ReportError::Overflow)?;
                lines.push(line);
            }
            let page = self.of.proven_page(lines).await?;
            self.form.entries(&page)?;
            self.write().await?;
        }
    }

    async fn lines(&mut self, side: Side) -> Result<(), ReportError> {
        let Some(mut pager) = self.of.pager(side) else {
            return Ok(());
        };
        while let Some(page) = pager.page().await? {
            for line in &page {
                self.totals = self.totals.with_line(side, line).ok_or(ReportError::Overflow)?;
            }
            self.form.lines(side, &page)?;
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), ReportError> {
        let bytes = self.form.take()?;
        Ok(self.sink.put(bytes).await?)
    }
}

impl<'a> Subject<'a> {
    /// What a side's book said at the closing; `None` where it isn't known.
    fn pager(&self, side: Side) -> Option<Pager<'a>> {
        let Head { book, .. } = self.head;
        let statement = match side {
            Side::Debit => self.head.debit,
            Side::Credit => self.head.credit,
            Side::Chain => None,
        };
        let digest = statement?.statement.digest;
        Some(Pager::new(self.kept, book, side, digest))
    }

    async fn line(&self, entry: &ChainEntry, debit: Said, credit: Said) -> Result<EntryLine, ReportError> {
        let corrections = match entry.corrections {
            0 => vec![],
            _ => self.kept.corrections(self.head.book, entry.entry.trade).await?,
        };
        Ok(EntryLine {
            entry: *entry,
            status: Status::of(entry),
            debit,
            credit,
            corrections,
        })
    }

    /// The lines with the proof that the contract keeps just that.
    async fn proven_page(&self, entries: Vec<EntryLine>) -> Result<EntryPage, ReportError> {
        let Proven { at, trie, .. } = &self.proven;
        let key = |line: &EntryLine| entry_key(self.head.book, line.entry.entry.trade);
        let keys: Vec<Vec<u8>> = entries.iter().map(|line| storage_key(&key(line))).collect();
        let proof: Nodes = self.prover.prove_child(at.hash, &child_key(trie), &keys).await?;
        let state = State::new(self.proven.state_root, &proof);
        let storage = state.storage(trie)?;
        for line in &entries {
            // The chain is read on in the meantime: what it tells of is later than what is proven.
            if storage.get::<EntryRecord>(&key(line), "an entry")? != Some(record(&line.entry)) {
                return Err(ReportError::Changed);
            }
        }
        Ok(EntryPage { entries, proof })
    }
}

impl Place {
    const fn of(known: &KnownClosing) -> Self {
        Self {
            block: known.block,
            block_hash: known.block_hash,
            event: known.event,
        }
    }
}

/// What the contract keeps of an entry.
pub(crate) fn record(entry: &ChainEntry) -> EntryRecord {
    EntryRecord {
        payer: entry.entry.payer,
        amount: entry.entry.amount,
        time: entry.entry.time,
        day: entry.day,
        batch: entry.batch,
        corrections: entry.corrections,
    }
}

/// What a side's book said, entry by entry.
struct Told<'a> {
    lines: Option<Pager<'a>>,
    /// Batches that it has a line of.
    batches: HashSet<TradeId>,
}

impl<'a> Told<'a> {
    async fn by(drawing: &Subject<'a>, side: Side) -> Result<Self, ReportError> {
        let batches = match drawing.pager(side) {
            Some(mut pager) => booked_batches(drawing.kept, (drawing.head.book, drawing.head.day), &mut pager).await?,
            None => HashSet::new(),
        };
        let lines = drawing.pager(side);
        Ok(Self { lines, batches })
    }

    async fn says(&mut self, entry: &ChainEntry) -> Result<Said, ReportError> {
        let Some(pager) = &mut self.lines else {
            return Ok(Said::UNKNOWN);
        };
        let lines = pager.lines_of(entry.entry.trade).await?;
        let is_in_batch = batch_line(entry).is_some_and(|batch| self.batches.contains(&batch));
        Ok(Said::of(lines, is_in_batch && entry.entry.amount > 0))
    }
}

/// The day's batches that a book has a line of: few, next to entries.
async fn booked_batches(
    kept: &Kept,
    (book, day): (BookId, Day),
    pager: &mut Pager<'_>,
) -> Result<HashSet<TradeId>, ReportError> {
    let mut batches = HashSet::new();
    let mut after = None;
    loop {
        let entries = kept.entries(book, day, after, PAGE).await?;
        let Some(last) = entries.last() else { break };
        after = Some(last.entry.trade);
        batches.extend(entries.iter().filter_map(batch_line));
    }
    let mut booked = HashSet::new();
    if batches.is_empty() {
        return Ok(booked);
    }
    while let Some(page) = pager.page().await? {
        booked.extend(
            page.iter()
                .map(|line| line.trade)
                .filter(|trade| batches.contains(trade)),
        );
    }
    Ok(booked)
}
