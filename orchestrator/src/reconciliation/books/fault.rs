//! Why something isn't done as asked with books. Nothing is changed then.
use protocol::{
    reconciliation::{BookId, Day},
    Member, TradeId,
};

use super::super::{
    import::Report,
    ports::{LedgerError, PeerError},
    schedule::{write, UnknownClocks},
};
use crate::{settlement::ports::refusal_code, store::StoreError};

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// The institution takes no part in such a book, or there is none.
    #[error("this institution has no part in book {}: see `quittance reconcile books`", .0.0)]
    UnknownBook(BookId),
    /// Another institution is the book's client.
    #[error("member {client} records what is in book {}, not this institution", book.0)]
    NotTheClient {
        /// Which book.
        book: BookId,
        /// Who does.
        client: Member,
    },
    /// The institution is neither side of the book.
    #[error("this institution is neither side of book {}: it has no lines of it", .0.0)]
    NotASide(BookId),
    /// The institution is neither side in the terms that it should sign.
    #[error("this institution is neither the debit side nor the credit side in these terms: those two sign them")]
    NotInTerms,
    /// Somebody other than the book's client delivers entries, or for another side.
    #[error("member {from} can't deliver entries of book {} to this side", book.0)]
    NotFromClient {
        /// Which book.
        book: BookId,
        /// Who tried.
        from: Member,
    },
    /// None, or more than one request takes.
    #[error("a request takes 1 to {limit} entries, not {found}")]
    EntryCount {
        /// The most.
        limit: usize,
        /// How many there were.
        found: usize,
    },
    /// An entry of nothing.
    #[error("the amount of {0} is 0: an entry is of what a customer paid")]
    ZeroAmount(TradeId),
    /// The time that an entry says is beyond what dates have.
    #[error("the time of {0} is no time that a day has")]
    BadTime(TradeId),
    /// The day hasn't begun by the book's clocks.
    #[error("{} hasn't begun by the book's clocks: entries are recorded when customers paid", write(*.0))]
    DayInFuture(Day),
    /// Another entry was given under the same id before.
    #[error("{0} was recorded before, with another payer, amount, time, day or batch: an id is one entry's")]
    EntryDiffers(TradeId),
    /// There is no such entry.
    #[error("there is no entry {0} that this institution recorded")]
    UnknownEntry(TradeId),
    /// This machine doesn't know the book's time zone.
    #[error(transparent)]
    Clocks(#[from] UnknownClocks),
    /// The file can't be imported as it is.
    #[error("the file isn't imported: {}", .0.summary())]
    BadFile(Box<Report>),
    /// The file can't be read here.
    #[error("the file couldn't be read: {0}")]
    Unreadable(String),
    /// There is no such import.
    #[error("book {} has no import {import}: see `quittance reconcile imports`", book.0)]
    UnknownImport {
        /// Of which book.
        book: BookId,
        /// Which.
        import: i64,
    },
    /// Another import came in its place.
    #[error("import {import} was replaced by import {by}: replace that one")]
    AlreadyReplaced {
        /// Which.
        import: i64,
        /// By which.
        by: i64,
    },
    /// The import has lines of a day that is final.
    #[error("import {import} has lines of {}, which is closed: what is closed isn't changed any more", write(*day))]
    DayFinal {
        /// Which import.
        import: i64,
        /// Which day.
        day: Day,
    },
    /// The chain doesn't do it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The other institution doesn't answer as asked.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It can't be done now, and there is nothing wrong with that.
    #[error("not yet: {0}")]
    NotYet(&'static str),
}

impl BooksError {
    /// A stable code for machines, where a rule refuses.
    pub fn code(&self) -> String {
        match self {
            Self::UnknownBook(_) => "unknown-book",
            Self::NotTheClient { .. } => "not-the-client",
            Self::NotASide(_) => "not-a-side",
            Self::NotInTerms => "not-in-terms",
            Self::NotFromClient { .. } => "not-from-client",
            Self::EntryCount { .. } => "entry-count",
            Self::ZeroAmount(_) => "zero-amount",
            Self::BadTime(_) => "bad-time",
            Self::DayInFuture(_) => "day-in-future",
            Self::EntryDiffers(_) => "entry-differs",
            Self::UnknownEntry(_) => "unknown-entry",
            Self::BadFile(_) => "bad-file",
            Self::UnknownImport { .. } => "unknown-import",
            Self::AlreadyReplaced { .. } => "import-replaced",
            Self::DayFinal { .. } => "day-closed",
            Self::Ledger(LedgerError::Refused(error)) => return refusal_code(error),
            Self::Ledger(_) => "chain-rejected",
            Self::Peer(_) => "peer-failed",
            Self::NotYet(_) => "not-yet",
            Self::Clocks(_) => "unknown-zone",
            Self::Unreadable(_) | Self::Store(_) => "internal",
        }
        .to_owned()
    }
}
