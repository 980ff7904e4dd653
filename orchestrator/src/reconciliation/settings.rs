//! How an institution reconciles: when, and each of its books.
use std::collections::BTreeMap;

use protocol::{reconciliation::BookId, Member, Timestamp};
use serde::{Deserialize, Serialize};

use super::{findings::Tolerance, import};
use crate::prepaid::schedule::Schedule;

/// How an institution reconciles.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This institution's index in the registry.
    pub member: Member,
    /// When days that are over are matched; without a cut-off, on demand only.
    pub schedule: Schedule,
    /// For how long something is expected before it is missing, in milliseconds.
    pub grace: Timestamp,
    /// The books that it has to do with, as client or as a side.
    pub books: BTreeMap<BookId, BookSettings>,
}

/// How it keeps and reconciles one book.
#[derive(Clone, Debug, Default)]
pub struct BookSettings {
    /// Where its own book comes from.
    pub own: OwnBook,
    /// Who accepts corrections.
    pub accept: Accept,
    /// The account at the credit side that is paid what days come to; said at the debit side.
    pub beneficiary: Option<String>,
    /// How exactly books must agree with the chain.
    pub tolerance: Tolerance,
    /// Which of its own payments it records, as the client.
    pub feeds: Vec<Feed>,
    /// How its files look.
    pub files: import::Layout,
}

/// Where a side's own book comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnBook {
    /// What the client delivers is booked as it comes.
    Delivered,
    /// It comes from files; what the client delivers is only noted.
    #[default]
    Imported,
}

/// Who accepts corrections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accept {
    /// What follows from the chain's entry by this side's own matching is proposed and co-signed without a person.
    Chain,
    /// A person.
    #[default]
    ByHand,
}

/// Which of an institution's own payments are recorded in a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// Cleared payments, by their vouchers' ids.
    Settlement,
    /// Committed payments on credit, by their requests' ids.
    Credit,
    /// Approved card payments, by their references.
    Prepaid,
}
