//! Why the reconciliation contract refuses.
use scale::{Decode, Encode};

use super::Day;
use crate::{Member, Timestamp, TradeId};

/// Why the reconciliation contract refuses. Nothing is changed when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "std", derive(scale_info::TypeInfo, serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", scale_info(capture_docs = "always"))]
pub enum Error {
    /// One institution is both sides, the patience is 0 or too long, or the zone's name is empty, too long or not ASCII.
    BadTerms,
    /// There is a book of these terms: say another number in them.
    BookExists,
    /// No book has this number.
    UnknownBook,
    /// The registry did not answer.
    RegistryFailed,
    /// The registry doesn't have this institution as an active participant.
    NotActive(Member),
    /// The institution's signature doesn't verify.
    BadSignature(Member),
    /// It was signed by keys that may have changed: sign again.
    StaleEpoch {
        /// The registry's epoch now.
        current: u32,
    },
    /// The caller isn't the account of the book's client.
    NotTheClient,
    /// Neither side signed, or the caller isn't the account of the only one that did.
    NotASide,
    /// There is no entry, or more than the 128 that one call takes.
    EntryCount,
    /// There is no correction, or more than the 16 that one call takes.
    CorrectionCount,
    /// The amount is 0.
    ZeroAmount,
    /// The book has an entry under this id, or it was agreed that there is none.
    TradeExists(TradeId),
    /// The day is final: what is late counts on an open day.
    DayClosed {
        /// The last day that is final: all before it are, too.
        through: Day,
    },
    /// The day hasn't begun anywhere on earth.
    DayInFuture,
    /// So many days are open that the oldest has to be closed first.
    TooManyOpenDays,
    /// There are no causes, more than 8, or they don't ascend strictly.
    BadCauses,
    /// The entry was corrected since this correction was signed, or there is no entry that could have been.
    StaleCorrection {
        /// The id that the entry has.
        trade: TradeId,
        /// How often it was corrected.
        corrections: u32,
    },
    /// The entry's own day is open: the correction counts on that.
    OtherDay {
        /// The id that the entry has.
        trade: TradeId,
        /// The entry's own day.
        day: Day,
    },
    /// The correction is one of another book.
    OtherBook(TradeId),
    /// The day isn't open: nothing was recorded for it, or it is closed.
    NotOpen,
    /// An earlier day is open: days are closed in their order.
    EarlierDayOpen {
        /// The oldest day that is open.
        day: Day,
    },
    /// The closing says another number of entries, corrections or total than the chain has.
    NotAllMatched {
        /// How many entries the day has.
        entries: u32,
        /// How many corrections count on it.
        corrections: u32,
        /// What it comes to, in the asset's smallest unit.
        #[cfg_attr(feature = "std", serde(with = "crate::text::amount"))]
        total: i128,
    },
    /// The time for this is over.
    DeadlinePassed {
        /// When it ended, in milliseconds since 1970.
        deadline: Timestamp,
    },
    /// The time for this has not come.
    TooEarly {
        /// When it begins, in milliseconds since 1970.
        not_before: Timestamp,
    },
    /// The sum is beyond what an amount can hold.
    Overflow,
    /// More is asked for than the 128 that one query answers.
    TooManyAsked,
}
