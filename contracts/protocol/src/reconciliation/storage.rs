//! Where the contract keeps what it keeps: what proofs of its storage are looked up by.
//!
//! ink! begins the keys of a mapping with one made of the struct's and the field's name.
use alloc::vec::Vec;
use ink::primitives::{Key, KeyComposer};
use scale::Encode;

use super::{BookId, Day};
use crate::ids::TradeId;

const BOOKS: Key = KeyComposer::from_str("Reconciliation::books");
const ENTRIES: Key = KeyComposer::from_str("Reconciliation::entries");
const DAYS: Key = KeyComposer::from_str("Reconciliation::days");

/// Where the contract keeps a [`super::Book`].
pub fn book_key(book: BookId) -> Vec<u8> {
    (BOOKS, book).encode()
}

/// Where it keeps an [`super::EntryRecord`].
pub fn entry_key(book: BookId, trade: TradeId) -> Vec<u8> {
    (ENTRIES, book, trade).encode()
}

/// Where it keeps a [`super::DayRecord`].
pub fn day_key(book: BookId, day: Day) -> Vec<u8> {
    (DAYS, book, day).encode()
}
