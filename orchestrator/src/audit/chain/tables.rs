//! What contracts should keep, on disk: laid out as ink! lays it out in their storage, so that it can be compared byte by byte.
//! Next to that, notes of the audit's own.
use protocol::{Key, KeyComposer}; // KeyComposer::from_str is const

// CORE HELPER: implement over redb. The interface below is fixed; other helpers write against it.
//
// pub struct Tables { … }                     // one redb write transaction per portion of blocks
// impl Tables {
//     /// One contract's.
//     pub fn of(&mut self, contract: AccountId) -> Kept<'_>;
// }
//
// pub struct Kept<'a> { … }
// impl Kept<'_> {
//     /// A mapping's value: `root` is `KeyComposer::from_str("Clearing::balances")`.
//     pub fn get<V: Decode>(&self, root: Key, key: &impl Encode) -> Result<Option<V>, TablesError>;
//     pub fn put(&mut self, root: Key, key: &impl Encode, value: &impl Encode) -> Result<(), TablesError>;
//     pub fn remove(&mut self, root: Key, key: &impl Encode) -> Result<(), TablesError>;
//     /// The contract's own struct without its mappings: what ink! keeps under the key 0.
//     pub fn head<V: Decode>(&self) -> Result<Option<V>, TablesError>;
//     pub fn set_head(&mut self, value: &impl Encode) -> Result<(), TablesError>;
//     /// Every value of a mapping, one after the other; stops at the first error. For sums at the end.
//     pub fn each<K: Decode, V: Decode>(&self, root: Key, look: &mut dyn FnMut(K, V)) -> Result<(), TablesError>;
//     /// Notes: the same three, under names of their own, never compared with storage.
//     pub fn note<V: Decode>(&self, name: &str, key: &impl Encode) -> Result<Option<V>, TablesError>;
//     pub fn put_note(&mut self, name: &str, key: &impl Encode, value: &impl Encode) -> Result<(), TablesError>;
//     pub fn remove_note(&mut self, name: &str, key: &impl Encode) -> Result<(), TablesError>;
//     pub fn each_note<K: Decode, V: Decode>(&self, name: &str, look: &mut dyn FnMut(K, V)) -> Result<(), TablesError>;
// }
// A stored value that can't be decoded is TablesError::Corrupt.
