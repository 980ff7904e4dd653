//! What contracts should keep, on disk: laid out as ink! lays it out in their storage, so that it can be compared byte by byte.
//! Next to that, notes of the audit's own, and how far it is: all of that is written together, or not at all.
use std::{path::Path, sync::OnceLock};

use protocol::{AccountId, Key};
use redb::{
    backends::{FileBackend, InMemoryBackend},
    Builder, Database, ReadableTable, Table, TableDefinition, WriteTransaction,
};
use scale::{Decode, Encode};
use serde::{de::DeserializeOwned, Serialize};

/// What contracts should keep: the contract's account, then the contract's own key.
const STATE: Definition = TableDefinition::new("state");
/// What only the audit wants to know: the contract's account, the note's name and a zero, then its key.
const NOTES: Definition = TableDefinition::new("notes");
/// Whose work this is, and how far it is, as JSON.
const WORK: Definition = TableDefinition::new("work");

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type Opened<'a> = Table<'a, &'static [u8], &'static [u8]>;

const WHOSE: &[u8] = b"whose";
const PROGRESS: &[u8] = b"progress";

/// Under this key ink! keeps the contract's own struct.
pub(super) const HEAD: Key = 0;

/// As much of the tables is in memory at most.
const CACHE: usize = 64 << 20;

/// The work file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// It can't be opened, read or written.
    #[error("the work file can't be used: {0}")]
    File(Box<redb::Error>),
    /// It holds something else than was written.
    #[error("the work file is corrupt: {what} can't be read: {why}")]
    Corrupt {
        /// Where.
        what: String,
        /// What doesn't fit.
        why: String,
    },
    /// It was begun by another audit.
    #[error("the work file belongs to another audit: {found}; this one is: {asked}. Take another file, or remove it")]
    OtherWork {
        /// What it was begun for.
        found: String,
        /// What it would be continued for.
        asked: String,
    },
}

impl<E: Into<redb::Error>> From<E> for TablesError {
    fn from(error: E) -> Self {
        Self::File(Box::new(error.into()))
    }
}

/// The tables of all contracts. What is written stays apart until [`Tables::commit`]; without that, it is gone.
pub struct Tables {
    // Ends before the data base is closed, which waits for that.
    writing: OnceLock<WriteTransaction>,
    database: Database,
}

/// One contract's.
pub struct Kept<'a> {
    tables: &'a mut Tables,
    contract: AccountId,
}

impl Tables {
    /// In a file, that of an audit that was interrupted or a new one; in a temporary one, where none is named. `whose`
    /// says what is audited: chain, contracts, tool.
    ///
    /// # Errors
    /// The file can't be used, or was begun for something else.
    pub fn open(path: Option<&Path>, whose: &impl Serialize) -> Result<Self, TablesError> {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE);
        let database = match path {
            Some(path) => builder.create(path)?,
            None => builder.create_with_backend(FileBackend::new(tempfile::tempfile()?)?)?,
        };
        let tables = Self::over(database);
        tables.claim(&json(whose)?)?;
        Ok(tables)
    }

    /// In memory: for tests.
    ///
    /// # Errors
    /// There is no memory.
    pub fn in_memory() -> Result<Self, TablesError> {
        let database = Builder::new().create_with_backend(InMemoryBackend::new())?;
        Ok(Self::over(database))
    }

    const fn over(database: Database) -> Self {
        Self {
            database,
            writing: OnceLock::new(),
        }
    }

    fn claim(&self, asked: &[u8]) -> Result<(), TablesError> {
        let found = self.read(WORK, WHOSE)?;
        match found {
            None => self.write(WORK, WHOSE, asked),
            Some(found) if found == asked => Ok(()),
            Some(found) => Err(TablesError::OtherWork {
                found: String::from_utf8_lossy(&found).into_owned(),
                asked: String::from_utf8_lossy(asked).into_owned(),
            }),
        }
    }

    /// How far the audit was at the last commit.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn progress<T: DeserializeOwned>(&self) -> Result<Option<T>, TablesError> {
        let kept = self.read(WORK, PROGRESS)?;
        let parsed = kept.map(|bytes| serde_json::from_slice(&bytes)).transpose();
        parsed.map_err(|error| corrupt("the progress", error.to_string()))
    }

    /// Keeps everything that was written since the last commit, and how far the audit is by that.
    ///
    /// # Errors
    /// The work file can't be written.
    pub fn commit(&mut self, progress: &impl Serialize) -> Result<(), TablesError> {
        self.write(WORK, PROGRESS, &json(progress)?)?;
        if let Some(writing) = self.writing.take() {
            writing.commit()?;
        }
        Ok(())
    }

    /// One contract's.
    pub fn of(&mut self, contract: AccountId) -> Kept<'_> {
        Kept { tables: self, contract }
    }

    /// The transaction that everything is read and written in.
    fn writing(&self) -> Result<&WriteTransaction, TablesError> {
        if let Some(writing) = self.writing.get() {
            return Ok(writing);
        }
        let begun = self.database.begin_write()?;
        Ok(self.writing.get_or_init(|| begun))
    }

    fn table(&self, table: Definition) -> Result<Opened<'_>, TablesError> {
        Ok(self.writing()?.open_table(table)?)
    }

    fn read(&self, table: Definition, key: &[u8]) -> Result<Option<Vec<u8>>, TablesError> {
        let table = self.table(table)?;
        let found = table.get(key)?;
        Ok(found.map(|value| value.value().to_vec()))
    }

    fn write(&self, table: Definition, key: &[u8], value: &[u8]) -> Result<(), TablesError> {
        self.table(table)?.insert(key, value)?;
        Ok(())
    }

    fn remove(&self, table: Definition, key: &[u8]) -> Result<(), TablesError> {
        self.table(table)?.remove(key)?;
        Ok(())
    }

    /// Every key that begins with `prefix`, without it, and its value, from `from` on, until `look` has enough.
    fn scan(
        &self,
        table: Definition,
        prefix: &[u8],
        from: &[u8],
        mut look: impl FnMut(&[u8], &[u8]) -> Result<bool, TablesError>,
    ) -> Result<(), TablesError> {
        let start = [prefix, from].concat();
        let table = self.table(table)?;
        for pair in table.range::<&[u8]>(start.as_slice()..)? {
            let (key, value) = pair?;
            let Some(rest) = key.value().strip_prefix(prefix) else {
                break;
            };
            if !look(rest, value.value())? {
                break;
            }
        }
        Ok(())
    }

    fn each<K: Decode, V: Decode>(
        &self,
        table: Definition,
        prefix: &[u8],
        look: &mut dyn FnMut(K, V),
    ) -> Result<(), TablesError> {
        self.scan(table, prefix, &[], |key, value| {
            look(read(prefix, key)?, read(prefix, value)?);
            Ok(true)
        })
    }
}

impl Kept<'_> {
    /// A mapping's value: `root` is `KeyComposer::from_str("Clearing::balances")`.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn get<V: Decode>(&self, root: Key, key: &impl Encode) -> Result<Option<V>, TablesError> {
        self.value(STATE, &self.state(root, key))
    }

    /// Keeps a mapping's value.
    ///
    /// # Errors
    /// The work file can't be written.
    pub fn put(&mut self, root: Key, key: &impl Encode, value: &impl Encode) -> Result<(), TablesError> {
        self.tables.write(STATE, &self.state(root, key), &value.encode())
    }

    /// Keeps a mapping's value no more.
    ///
    /// # Errors
    /// The work file can't be written.
    pub fn remove(&mut self, root: Key, key: &impl Encode) -> Result<(), TablesError> {
        self.tables.remove(STATE, &self.state(root, key))
    }

    /// The contract's own struct without its mappings.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn head<V: Decode>(&self) -> Result<Option<V>, TablesError> {
        self.get(HEAD, &())
    }

    /// Keeps the contract's own struct.
    ///
    /// # Errors
    /// The work file can't be written.
    pub fn set_head(&mut self, value: &impl Encode) -> Result<(), TablesError> {
        self.put(HEAD, &(), value)
    }

    /// Every value of a mapping, one after the other, in the order of the keys' bytes.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn each<K: Decode, V: Decode>(&self, root: Key, look: &mut dyn FnMut(K, V)) -> Result<(), TablesError> {
        self.tables.each(STATE, &self.state(root, &()), look)
    }

    /// A note.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn note<V: Decode>(&self, name: &str, key: &impl Encode) -> Result<Option<V>, TablesError> {
        self.value(NOTES, &self.named(name, key))
    }

    /// Keeps a note, under a name without a zero byte. It is never compared with storage.
    ///
    /// # Errors
    /// The work file can't be written.
    pub fn put_note(&mut self, name: &str, key: &impl Encode, value: &impl Encode) -> Result<(), TablesError> {
        self.tables.write(NOTES, &self.named(name, key), &value.encode())
    }

    /// Keeps a note no more.
    ///
    /// # Errors
    /// The work file can't be written.
    pub fn remove_note(&mut self, name: &str, key: &impl Encode) -> Result<(), TablesError> {
        self.tables.remove(NOTES, &self.named(name, key))
    }

    /// Every note of that name, in the order of the keys' bytes.
    ///
    /// # Errors
    /// The work file is broken.
    pub fn each_note<K: Decode, V: Decode>(&self, name: &str, look: &mut dyn FnMut(K, V)) -> Result<(), TablesError> {
        self.tables.each(NOTES, &self.named(name, &()), look)
    }

    /// The bytes under a key of the contract's own.
    pub(super) fn bytes(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TablesError> {
        self.tables.read(STATE, &self.own(key))
    }

    /// Keeps bytes under a key of the contract's own.
    pub(super) fn put_bytes(&mut self, key: &[u8], value: &[u8]) -> Result<(), TablesError> {
        self.tables.write(STATE, &self.own(key), value)
    }

    /// How many keys there are.
    pub(super) fn count(&self) -> Result<u64, TablesError> {
        let mut count = 0u64;
        self.tables.scan(STATE, &self.contract.0, &[], |_, _| {
            count = count.saturating_add(1);
            Ok(true)
        })?;
        Ok(count)
    }

    /// Up to `limit` keys after one.
    pub(super) fn keys_after(&self, after: Option<&[u8]>, limit: usize) -> Result<Vec<Vec<u8>>, TablesError> {
        let mut keys = Vec::new();
        self.tables
            .scan(STATE, &self.contract.0, after.unwrap_or_default(), |key, _| {
                if Some(key) != after {
                    keys.push(key.to_vec());
                }
                Ok(keys.len() < limit)
            })?;
        Ok(keys)
    }

    fn value<V: Decode>(&self, table: Definition, key: &[u8]) -> Result<Option<V>, TablesError> {
        let found = self.tables.read(table, key)?;
        found.map(|bytes| read(key, &bytes)).transpose()
    }

    fn own(&self, key: &[u8]) -> Vec<u8> {
        [&self.contract.0, key].concat()
    }

    fn state(&self, root: Key, key: &impl Encode) -> Vec<u8> {
        self.own(&(root, key).encode())
    }

    fn named(&self, name: &str, key: &impl Encode) -> Vec<u8> {
        [&self.contract.0, name.as_bytes(), &[0], &key.encode()].concat()
    }
}

fn read<T: Decode>(place: &[u8], mut bytes: &[u8]) -> Result<T, TablesError> {
    let value = T::decode(&mut bytes).map_err(|error| error.to_string());
    let value = value.and_then(|value| match bytes.len() {
        0 => Ok(value),
        rest => Err(format!("{rest} bytes are left over")),
    });
    value.map_err(|why| corrupt(&hex::encode(place), why))
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, TablesError> {
    serde_json::to_vec(value).map_err(|error| corrupt("the progress", error.to_string()))
}

fn corrupt(what: &str, why: String) -> TablesError {
    TablesError::Corrupt {
        what: what.to_owned(),
        why,
    }
}

#[cfg(test)]
#[path = "tables_tests.rs"]
mod tests;
