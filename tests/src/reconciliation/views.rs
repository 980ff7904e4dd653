//! What the contract keeps, as it is stored, whatever its messages say.
use protocol::{
    reconciliation::{Book, BookId, Day, DayRecord, EntryRecord},
    AccountId, TradeId,
};

use super::Office;

impl Office {
    pub fn count(&mut self) -> u32 {
        let (.., count): ([u8; 32], AccountId, u32) = self.chain.root(self.reconciliation);
        count
    }

    pub fn book(&mut self, book: BookId) -> Book {
        self.try_book(book).unwrap()
    }

    pub fn try_book(&mut self, book: BookId) -> Option<Book> {
        self.chain.stored(self.reconciliation, self.keys.books, book)
    }

    pub fn book_of(&mut self, terms: [u8; 32]) -> Option<BookId> {
        self.chain.stored(self.reconciliation, self.keys.terms, terms)
    }

    pub fn entry(&mut self, book: BookId, trade: TradeId) -> EntryRecord {
        self.try_entry(book, trade).unwrap()
    }

    pub fn try_entry(&mut self, book: BookId, trade: TradeId) -> Option<EntryRecord> {
        self.chain.stored(self.reconciliation, self.keys.entries, (book, trade))
    }

    pub fn day(&mut self, book: BookId, day: Day) -> DayRecord {
        self.try_day(book, day).unwrap()
    }

    pub fn try_day(&mut self, book: BookId, day: Day) -> Option<DayRecord> {
        self.chain.stored(self.reconciliation, self.keys.days, (book, day))
    }
}
