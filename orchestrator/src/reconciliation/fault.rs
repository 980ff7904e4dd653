//! Why something isn't done as asked with days and breaks of books. Nothing is changed then.
use protocol::{
    ids::TradeId,
    reconciliation::{BookId, Day},
    Member,
};

use super::{
    books::BooksError,
    breaks::state::BreakState,
    days::state::DayState,
    matching::MatchFault,
    ports::{LedgerError, PeerError},
    schedule::{self, UnknownClocks},
    statements::StatementError,
};
use crate::{settlement::ports::refusal_code, store::StoreError};

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ReconciliationError {
    /// The book isn't on the chain, or this institution has nothing to do with it.
    #[error(
        "this institution knows no book {}: see `quittance reconcile books`, and [[reconciliation.books]] in its configuration",
        book(.0)
    )]
    UnknownBook(BookId),
    /// It only records what customers pay there.
    #[error("this institution is no side of book {}: its sides match it", book(.0))]
    NotASide(BookId),
    /// Who asks has nothing to do with it.
    #[error("member {} isn't the other side of book {}", .0, book(.1))]
    NotTheOtherSide(Member, BookId),
    /// Nothing is known of the day here.
    #[error("nothing is known here of {} in book {}: run it first", date(.1), book(.0))]
    UnknownDay(BookId, Day),
    /// No run found this.
    #[error("no run found anything wrong with {} in book {}", .0, book(.1))]
    UnknownBreak(TradeId, BookId),
    /// It is too late, or too early, for this.
    #[error("the break is {state}: {}", advice(.state))]
    WrongBreakState {
        /// How far it is.
        state: BreakState,
    },
    /// It is too late, or too early, for this.
    #[error("the day is {state}: {needed}")]
    WrongDayState {
        /// How far it is.
        state: DayState,
        /// What it should be.
        needed: &'static str,
    },
    /// The book is of another amount than can be proposed.
    #[error("the amount {0} can't be proposed: there is no such payment to correct; leave the amount out")]
    BadAmount(protocol::Amount),
    /// A comment or a reason is empty or too long.
    #[error("write 1 to {limit} characters")]
    BadText {
        /// How many at most.
        limit: usize,
    },
    /// The other side has time left.
    #[error(
        "the other side has until {until} (milliseconds since 1970) to sign: from then on the day can be closed alone"
    )]
    Patience {
        /// In block time.
        until: protocol::Timestamp,
    },
    /// Nobody here is configured to be paid there.
    #[error(
        "nothing says which account at member {0} is paid what days come to: set `beneficiary` in [[reconciliation.books]], \
         as member {0} says"
    )]
    NoBeneficiary(Member),
    /// A signature isn't that of whom it should be.
    #[error("the {what} isn't signed by member {member}, by the key that the registry has")]
    BadSignature {
        /// Whose it should be.
        member: Member,
        /// Under what.
        what: &'static str,
    },
    /// The registry doesn't have the institution.
    #[error("the registry doesn't have member {0} as an active participant")]
    NotActive(Member),
    /// No pages are kept of such a statement.
    #[error("there is no such page: ask for the statement anew")]
    UnknownPage,
    /// The book's zone isn't known on this machine.
    #[error(transparent)]
    Clocks(#[from] UnknownClocks),
    /// A book can't be kept, or read from the chain.
    #[error(transparent)]
    Books(#[from] BooksError),
    /// There is no statement of a book.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A day can't be matched.
    #[error(transparent)]
    Match(#[from] MatchFault),
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

impl ReconciliationError {
    /// A stable code for machines, where a rule refuses.
    pub fn code(&self) -> String {
        match self {
            Self::UnknownBook(_) => "unknown-book",
            Self::NotASide(_) => "not-a-side",
            Self::NotTheOtherSide(..) => "not-the-other-side",
            Self::UnknownDay(..) => "unknown-day",
            Self::UnknownBreak(..) => "unknown-break",
            Self::WrongBreakState { .. } => "wrong-break-state",
            Self::WrongDayState { .. } => "wrong-day-state",
            Self::BadAmount(_) => "bad-amount",
            Self::BadText { .. } => "bad-text",
            Self::Patience { .. } => "patience",
            Self::NoBeneficiary(_) => "no-beneficiary",
            Self::BadSignature { .. } => "bad-signature",
            Self::NotActive(_) => "not-active",
            Self::UnknownPage => "unknown-page",
            Self::Clocks(_) => "unknown-zone",
            Self::Books(error) => return error.code(),
            Self::Statement(_) => "no-statement",
            Self::Match(_) => "not-matched",
            Self::Ledger(LedgerError::Refused(error)) => return refusal_code(error),
            Self::Ledger(_) => "chain-rejected",
            Self::Peer(_) => "peer-failed",
            Self::NotYet(_) => "not-yet",
            Self::Store(_) => "internal",
        }
        .to_owned()
    }
}

const fn book(book: &BookId) -> u32 {
    book.0
}

fn date(day: &Day) -> String {
    schedule::write(*day)
}

const fn advice(state: &BreakState) -> &'static str {
    match state {
        BreakState::Expected => "it may still come, so nothing is corrected yet",
        BreakState::Open => "nothing is proposed yet; propose or accept a correction",
        BreakState::Proposed => "a correction is proposed and waits for the other side",
        BreakState::Signed => "both sides signed, and it is on its way to the chain",
        BreakState::Recorded | BreakState::Booked => "it is corrected on the chain",
        BreakState::Resolved => "the last run didn't find it any more",
    }
}
