//! What books say of a day: drawn up from a side's own lines, signed, and fetched from the other side page by page. The chain's
//! entries are kept beside, in the same way: so the three that were matched are there to be looked at later, whatever is
//! corrected after.
use protocol::{
    ids::TradeId,
    reconciliation::{BookId, Day, Side},
    signing::Domain,
    Amount, Member, Timestamp,
};
use tokio::sync::mpsc;

use super::{
    line::{self, ChainEntry, Digest, Line},
    messages::{PageRequest, SignedStatement, Statement, StatementRequest, PAGE},
    ports::{Partners, PeerError},
};
use crate::{
    identity::{verify, SigningKey},
    store::{statements::StatementRow, Store, StoreError},
};

/// How many pages are written down at once.
const AT_ONCE: usize = 16;
/// The most lines that another side's statement may have: 2^26.
pub const MOST_LINES: u64 = 1 << 26;

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The other side can't be reached, or answers something else than asked.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The other side signed with keys of another time: ask again.
    #[error("member {member} signed its statement in epoch {given} of the registry, which is at {current}: ask again")]
    StaleEpoch {
        /// Who.
        member: Member,
        /// The signature's.
        given: u32,
        /// The registry's.
        current: u32,
    },
    /// The other side's statement isn't what was asked for, isn't signed by it, or isn't what its pages say.
    #[error("the statement of member {member} isn't good: {why}")]
    Bad {
        /// Who.
        member: Member,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Amounts add up to more than there can be.
    #[error(
        "the lines of the day add up to more than there can be: see which of them are wrong, and import them again"
    )]
    Overflow,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who draws a statement up.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// Its key.
    pub key: &'a SigningKey,
    /// Where it signs.
    pub domain: Domain,
}

/// Who is asked for one.
#[derive(Clone, Copy)]
pub struct Other<'a> {
    /// The way to it.
    pub partners: &'a dyn Partners,
    /// Who it is.
    pub member: Member,
    /// Which side of the book.
    pub side: Side,
    /// Its key, by the registry.
    pub key: &'a [u8; 32],
    /// Where it signs, at the registry's epoch.
    pub domain: Domain,
}

/// Draws up what the own book says of a day, signs it and keeps it. A book that hasn't changed since has the same digest, and
/// is kept once.
///
/// # Errors
/// `Overflow`, `Store`.
pub async fn draw_up(
    store: &Store,
    book: BookId,
    side: Side,
    day: Day,
    signer: Signer<'_>,
    at: Timestamp,
) -> Result<StatementRow, StatementError> {
    let mut draft = Draft::begin(store, book, side, day, at).await?;
    let mut after = None;
    loop {
        let lines = store.own_lines(book, day, after, PAGE_LIMIT).await?;
        let Some(last) = lines.last() else { break };
        after = Some((last.trade, last.number));
        let count = lines.len();
        let total = sum(lines.iter().map(|line| line.amount))?;
        draft.add(line::encode_lines(&lines), count, total).await?;
        if count < PAGE {
            break;
        }
    }
    let (id, statement) = draft.end().await?;
    let signature = signer.key.sign(&statement.payload(&signer.domain));
    let signature = Some((signer.domain.epoch, signature));
    Ok(store.finish_statement(id, &statement, signature).await?)
}

/// Keeps what the chain has of a day, as far as its events were read.
///
/// # Errors
/// `Overflow`, `Store`.
pub async fn snapshot(store: &Store, book: BookId, day: Day, at: Timestamp) -> Result<StatementRow, StatementError> {
    let mut draft = Draft::begin(store, book, Side::Chain, day, at).await?;
    let mut after = None;
    loop {
        let entries = store.chain_entries(book, day, after, PAGE_LIMIT).await?;
        let Some(last) = entries.last() else { break };
        after = Some(last.entry.trade);
        let count = entries.len();
        let total = sum(entries.iter().map(|entry| entry.entry.amount))?;
        draft.add(line::encode_entries(&entries), count, total).await?;
        if count < PAGE {
            break;
        }
    }
    let (id, statement) = draft.end().await?;
    Ok(store.finish_statement(id, &statement, None).await?)
}

/// Fetches what the other side's book says of a day, verifies it and keeps it. Pages that are kept aren't fetched again.
///
/// # Errors
/// `Peer`, `StaleEpoch`, `Bad`, `Store`.
pub async fn fetch(
    store: &Store,
    other: Other<'_>,
    request: &StatementRequest,
) -> Result<StatementRow, StatementError> {
    let signed = other.partners.statement(other.member, request).await?;
    check(&signed, &other, request)?;
    let statement = signed.statement;
    let signature = Some((signed.epoch, signed.signature));
    let kept = store
        .statement(statement.book, statement.side, statement.day, &statement.digest)
        .await?;
    // The digest doesn't cover how many lines there are and what they come to.
    if let Some(kept) = kept {
        if (kept.statement.lines, kept.statement.total) != (statement.lines, statement.total) {
            return Err(other.bad("its pages come to something else"));
        }
        return Ok(store.finish_statement(kept.id, &statement, signature).await?);
    }
    let mut draft = Draft::begin(store, statement.book, statement.side, statement.day, statement.at).await?;
    let id = draft.id;
    match pages(&mut draft, &other, &statement).await {
        Ok(()) => Ok(store.finish_statement(id, &statement, signature).await?),
        Err(error) => {
            store.drop_statement(id).await?;
            Err(error)
        }
    }
}

/// Verifies a statement: that it is what was asked for, and that the side signed it.
///
/// # Errors
/// `StaleEpoch`, `Bad`.
pub fn check(signed: &SignedStatement, other: &Other<'_>, request: &StatementRequest) -> Result<(), StatementError> {
    let statement = &signed.statement;
    if signed.epoch != other.domain.epoch {
        return Err(StatementError::StaleEpoch {
            member: other.member,
            given: signed.epoch,
            current: other.domain.epoch,
        });
    }
    if !verify(other.key, &statement.payload(&other.domain), &signed.signature) {
        return Err(other.bad("it didn't sign it"));
    }
    if (statement.book, statement.day, statement.side) != (request.book, request.day, other.side) {
        return Err(other.bad("it is of another book, day or side than was asked for"));
    }
    if statement.lines > MOST_LINES {
        return Err(other.bad("it has more lines than any day"));
    }
    Ok(())
}

/// Fetches all pages, and verifies that they are what was signed.
async fn pages(draft: &mut Draft<'_>, other: &Other<'_>, statement: &Statement) -> Result<(), StatementError> {
    let mut last: Option<(TradeId, u64)> = None;
    let mut left = statement.lines;
    let mut page = 0;
    while left > 0 {
        let request = PageRequest {
            book: statement.book,
            digest: statement.digest,
            page,
        };
        let lines = other.partners.page(other.member, &request).await?;
        let due = usize::try_from(left).map_or(PAGE, |left| left.min(PAGE));
        if lines.len() != due {
            return Err(other.bad("a page of it has more or fewer lines than it should"));
        }
        for line in &lines {
            let place = Some((line.trade, line.number));
            if last >= place {
                return Err(other.bad("its lines don't ascend by id and number"));
            }
            last = place;
        }
        let total = sum(lines.iter().map(|line| line.amount)).map_err(|_| other.bad("its lines come to too much"))?;
        draft.add(line::encode_lines(&lines), lines.len(), total).await?;
        left = left.saturating_sub(lines.len() as u64);
        page = page.saturating_add(1);
    }
    let (_, drawn) = draft.end().await?;
    if (drawn.digest, drawn.total) != (statement.digest, statement.total) {
        return Err(other.bad("its pages come to something else"));
    }
    Ok(())
}

impl Other<'_> {
    const fn bad(&self, why: &'static str) -> StatementError {
        StatementError::Bad {
            member: self.member,
            why,
        }
    }
}

/// A page, as SQLite counts.
const PAGE_LIMIT: u32 = 512;

fn sum(mut amounts: impl Iterator<Item = Amount>) -> Result<Amount, StatementError> {
    amounts.try_fold(0, Amount::checked_add).ok_or(StatementError::Overflow)
}

/// A statement whose pages are being written down.
struct Draft<'a> {
    store: &'a Store,
    id: i64,
    statement: Statement,
    digest: Digest,
    /// Pages that aren't written down yet, and the number of the first.
    waiting: Vec<Vec<u8>>,
    first: u64,
}

impl<'a> Draft<'a> {
    async fn begin(store: &'a Store, book: BookId, side: Side, day: Day, at: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            store,
            id: store.begin_statement(book, day, side, at).await?,
            statement: Statement {
                book,
                side,
                day,
                lines: 0,
                total: 0,
                digest: [0; 32],
                at,
            },
            digest: Digest::EMPTY,
            waiting: Vec::new(),
            first: 0,
        })
    }

    async fn add(&mut self, page: Vec<u8>, count: usize, total: Amount) -> Result<(), StatementError> {
        let statement = &mut self.statement;
        statement.lines = statement.lines.saturating_add(count as u64);
        statement.total = statement.total.checked_add(total).ok_or(StatementError::Overflow)?;
        self.digest = self.digest.with(&page);
        self.waiting.push(page);
        if self.waiting.len() >= AT_ONCE {
            self.write().await?;
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<(i64, Statement), StoreError> {
        self.write().await?;
        self.statement.digest = self.digest.bytes();
        Ok((self.id, self.statement))
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        if !self.waiting.is_empty() {
            self.store.add_pages(self.id, self.first, &self.waiting).await?;
            self.first = self.first.saturating_add(self.waiting.len() as u64);
            self.waiting.clear();
        }
        Ok(())
    }
}

/// Reads a statement's pages in order, and some of them ahead: whoever takes them doesn't wait for the database, nor for what
/// it takes to decode them.
pub(super) struct Pages<T> {
    read: mpsc::Receiver<Result<Vec<T>, StoreError>>,
}

/// How many pages are read from the database at once.
const READ_AT_ONCE: u32 = 16;

/// How many decoded pages wait to be taken.
const AHEAD: usize = 16;

impl Pages<Line> {
    /// The lines of a side's book.
    pub(super) fn lines(store: &Store, statement: i64) -> Self {
        Self::of(store, statement, line::decode_lines)
    }
}

impl Pages<ChainEntry> {
    /// The chain's entries.
    pub(super) fn entries(store: &Store, statement: i64) -> Self {
        Self::of(store, statement, line::decode_entries)
    }
}

impl<T: Send + 'static> Pages<T> {
    fn of(store: &Store, statement: i64, decode: fn(&[u8]) -> Result<Vec<T>, scale::Error>) -> Self {
        let (send, read) = mpsc::channel(AHEAD);
        tokio::spawn(read_ahead(store.clone(), statement, decode, send));
        Self { read }
    }

    /// The next page; an empty one at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<T>, StoreError> {
        // The end is told: a reader that is gone without a word is none.
        let gone = || StoreError::Corrupt {
            what: "book",
            why: "reading it stopped before its end".to_owned(),
        };
        self.read.recv().await.ok_or_else(gone)?
    }
}

/// Reads until the end, or until nobody takes what is read any more.
async fn read_ahead<T>(
    store: Store,
    statement: i64,
    decode: fn(&[u8]) -> Result<Vec<T>, scale::Error>,
    send: mpsc::Sender<Result<Vec<T>, StoreError>>,
) {
    let mut next = 0u64;
    loop {
        let pages = match store.pages(statement, next, READ_AT_ONCE).await {
            Ok(pages) if !pages.is_empty() => pages,
            end => {
                // Nobody may be there to hear it any more.
                let _ = send.send(end.map(|_| Vec::new())).await;
                return;
            }
        };
        next = next.saturating_add(pages.len() as u64);
        for page in pages {
            let decoded = decode(&page).map_err(|error| StoreError::Corrupt {
                what: "page of a book",
                why: error.to_string(),
            });
            let is_broken = decoded.is_err();
            if send.send(decoded).await.is_err() || is_broken {
                return;
            }
        }
    }
}
