//! What a terminal signed, and what became of it: a file for each order, written before the order is sent.
//!
//! Files and no database: one process writes at a time (the directory is locked), few orders wait, an order is replaced as a
//! whole and never joined with another, and a file that a disk tears costs one order and no other. A person can read, copy
//! and archive them with any tool.
//!
//! `queue/` holds the orders without a final answer, `receipts/` those with one.
//!
//! **Invariant:** an order is in `queue/`, or with its answer in `receipts/`, from before it is sent. Where it is in both, the
//! receipt counts.
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use protocol::{
    prepaid::{MerchantNumber, PaymentKey},
    Amount, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::disk::{self, DiskError};
use crate::prepaid::messages::{OrderAnswer, TerminalOrder};

const QUEUE: &str = "queue";
const RECEIPTS: &str = "receipts";

/// An order that the terminal signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The receipt's: each once, ascending.
    pub number: u64,
    /// What the merchant calls it. The same name again is the same order.
    pub name: Option<String>,
    /// When it was signed, in milliseconds since 1970.
    pub signed_at: Timestamp,
    /// Whether it was taken without asking.
    pub is_offline: bool,
    /// The merchant that it is for.
    pub merchant: MerchantNumber,
    /// What the terminal asks for.
    pub order: TerminalOrder,
    /// What became of it; nothing while that isn't final.
    pub outcome: Option<Outcome>,
}

/// What became of an order, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// The issuer said so.
    Answered {
        /// What. Never pending.
        answer: OrderAnswer,
        /// When the terminal heard it, in milliseconds since 1970.
        at: Timestamp,
    },
    /// It expired, and the merchant gave up asking.
    Dropped {
        /// When, in milliseconds since 1970.
        at: Timestamp,
    },
}

/// An order to be kept.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) name: Option<String>,
    pub(super) signed_at: Timestamp,
    pub(super) is_offline: bool,
    pub(super) merchant: MerchantNumber,
    pub(super) order: TerminalOrder,
}

impl Entry {
    /// The payment that it is about.
    pub const fn payment(&self) -> PaymentKey {
        match &self.order {
            TerminalOrder::Pay { payment } => payment.payment.key(),
            TerminalOrder::Void { order, .. } => (order.card, order.counter),
            TerminalOrder::Refund { order, .. } => (order.card, order.counter),
        }
    }

    /// What is asked for: nothing said in a void.
    pub const fn amount(&self) -> Option<Amount> {
        match &self.order {
            TerminalOrder::Pay { payment } => Some(payment.payment.amount),
            TerminalOrder::Void { .. } => None,
            TerminalOrder::Refund { order, .. } => Some(order.amount),
        }
    }

    /// Accepted strictly before, in milliseconds since 1970.
    pub const fn expires_at(&self) -> Timestamp {
        match &self.order {
            TerminalOrder::Pay { payment } => payment.payment.expires_at,
            TerminalOrder::Void { order, .. } => order.expires_at,
            TerminalOrder::Refund { order, .. } => order.expires_at,
        }
    }

    /// The issuer's final answer.
    pub const fn answer(&self) -> Option<&OrderAnswer> {
        match &self.outcome {
            Some(Outcome::Answered { answer, .. }) => Some(answer),
            _ => None,
        }
    }
}

/// A terminal's orders.
#[derive(Debug)]
pub struct Queue {
    directory: PathBuf,
    waiting: BTreeMap<u64, Entry>,
    damaged: Vec<PathBuf>,
    next: u64,
    /// Which order has which name, once somebody asked.
    names: Option<HashMap<String, u64>>,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Listed {
    /// By their numbers.
    pub entries: BTreeMap<u64, Entry>,
    /// Files that can't be read: not written by this program, or torn by the disk.
    pub damaged: Vec<PathBuf>,
    last: u64,
}

impl Queue {
    /// Opens the queue in a terminal's directory, and tidies up what a crash left.
    ///
    /// # Errors
    /// The directory can't be read or written.
    pub(super) fn open(directory: &Path) -> Result<Self, DiskError> {
        for folder in [QUEUE, RECEIPTS] {
            let folder = directory.join(folder);
            fs::create_dir_all(&folder).map_err(DiskError::write(&folder))?;
        }
        let waiting = list(&directory.join(QUEUE))?;
        let receipts = numbers(&directory.join(RECEIPTS))?;
        let last = receipts.keys().next_back().copied().unwrap_or_default();
        let mut queue = Self {
            directory: directory.to_owned(),
            waiting: BTreeMap::new(),
            damaged: waiting.damaged,
            next: waiting.last.max(last).saturating_add(1),
            names: None,
        };
        for (number, entry) in waiting.entries {
            let receipt = receipts.get(&number).and_then(|path| read(path).ok());
            if receipt.is_some_and(|receipt| receipt.outcome.is_some()) {
                // The process ended before it was taken from the queue.
                queue.forget(number);
            } else {
                queue.waiting.insert(number, entry);
            }
        }
        Ok(queue)
    }

    /// Keeps an order: from now on it is sent until it is answered.
    pub(super) fn keep(&mut self, draft: Draft) -> Result<&Entry, DiskError> {
        let entry = Entry {
            number: self.next,
            name: draft.name,
            signed_at: draft.signed_at,
            is_offline: draft.is_offline,
            merchant: draft.merchant,
            order: draft.order,
            outcome: None,
        };
        write(&self.directory.join(QUEUE), &entry)?;
        self.next = self.next.saturating_add(1);
        if let (Some(names), Some(name)) = (&mut self.names, &entry.name) {
            names.insert(name.clone(), entry.number);
        }
        Ok(self.waiting.entry(entry.number).or_insert(entry))
    }

    /// Keeps what became of a waiting order.
    pub(super) fn finish(&mut self, number: u64, outcome: Outcome) -> Result<Option<Entry>, DiskError> {
        let Some(waiting) = self.waiting.get(&number) else {
            return Ok(None);
        };
        let finished = Entry {
            outcome: Some(outcome),
            ..waiting.clone()
        };
        write(&self.directory.join(RECEIPTS), &finished)?;
        self.waiting.remove(&number);
        self.forget(number);
        Ok(Some(finished))
    }

    /// Takes an answered order from the folder. If that fails, the next opening does it.
    fn forget(&self, number: u64) {
        let path = path(&self.directory.join(QUEUE), number);
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), "an answered order stays in the queue for now: {error}");
        }
    }

    /// The order of this name, whatever became of it.
    pub(super) fn named(&mut self, name: &str) -> Result<Option<Entry>, DiskError> {
        if self.names.is_none() {
            let receipts = self.receipts()?.entries;
            let all = receipts.values().chain(self.waiting.values());
            let names = all.filter_map(|entry| Some((entry.name.clone()?, entry.number)));
            self.names = Some(names.collect());
        }
        let number = self.names.as_ref().and_then(|names| names.get(name));
        let Some(number) = number else {
            return Ok(None);
        };
        if let Some(waiting) = self.waiting.get(number) {
            return Ok(Some(waiting.clone()));
        }
        read(&path(&self.directory.join(RECEIPTS), *number)).map(Some)
    }

    /// Orders without a final answer, by their numbers.
    pub const fn waiting(&self) -> &BTreeMap<u64, Entry> {
        &self.waiting
    }

    /// Waiting orders that can't be read.
    pub fn damaged(&self) -> &[PathBuf] {
        &self.damaged
    }

    /// All orders with a final answer.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn receipts(&self) -> Result<Listed, DiskError> {
        receipts(&self.directory)
    }
}

/// Orders without a final answer, of a terminal that may be in use.
///
/// # Errors
/// The folder can't be read.
pub fn waiting(directory: &Path) -> Result<Listed, DiskError> {
    let mut waiting = list(&directory.join(QUEUE))?;
    let receipts = receipts(directory)?.entries;
    waiting.entries.retain(|number, _| !receipts.contains_key(number));
    Ok(waiting)
}

/// All orders with a final answer, of a terminal that may be in use.
///
/// # Errors
/// The folder can't be read.
pub fn receipts(directory: &Path) -> Result<Listed, DiskError> {
    let mut receipts = list(&directory.join(RECEIPTS))?;
    receipts.entries.retain(|_, entry| entry.outcome.is_some());
    Ok(receipts)
}

fn list(folder: &Path) -> Result<Listed, DiskError> {
    let mut listed = Listed::default();
    for (number, path) in numbers(folder)? {
        listed.last = number;
        match read(&path) {
            Ok(entry) if entry.number == number => {
                listed.entries.insert(number, entry);
            }
            // Answered while this looked.
            Err(DiskError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            _ => listed.damaged.push(path),
        }
    }
    Ok(listed)
}

/// The files in a folder, by their numbers. Drafts that a crash left have other names.
fn numbers(folder: &Path) -> Result<BTreeMap<u64, PathBuf>, DiskError> {
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        files => files.map_err(DiskError::read(folder))?,
    };
    let mut numbers = BTreeMap::new();
    for file in files {
        let path = file.map_err(DiskError::read(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(number) = name.and_then(|name| name.strip_suffix(".json")?.parse().ok()) {
            numbers.insert(number, path);
        }
    }
    Ok(numbers)
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.json"))
}

fn read(path: &Path) -> Result<Entry, DiskError> {
    let text = fs::read_to_string(path).map_err(DiskError::read(path))?;
    serde_json::from_str(&text).map_err(DiskError::json(path))
}

fn write(folder: &Path, entry: &Entry) -> Result<(), DiskError> {
    let path = path(folder, entry.number);
    let text = serde_json::to_string_pretty(entry).map_err(DiskError::json(&path))?;
    disk::replace(&path, text.as_bytes())
}

#[cfg(test)]
#[path = "queue_tests.rs"]
pub(super) mod tests;
