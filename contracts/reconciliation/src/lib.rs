//! Reconciliation: what customers paid, as one bilateral entry each in the book of two institutions; what was wrong with
//! it, as both agreed; and the days, each closed once (S3.1 to S3.5).
//!
//! The contract moves no money. What a day comes to is paid through clearing, under the closing's id.
//!
//! Always: what a day comes to = the sum of its entries + what corrections of closed days that count on it changed. The sum
//! of all days' totals = the sum of all entries of a book. An id is an entry's once. A closed day never changes, and days are
//! closed in their order. What was paid for closed days, and what is carried = the sum of their totals.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
// ink!'s generated dispatch code: exported symbols, unchecked arithmetic on constants
#![allow(unsafe_code, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

mod books;
mod clock;
mod corrections;
mod days;
mod members;

use protocol::reconciliation::Error;

/// What a message that may refuse returns.
pub type Result<T> = core::result::Result<T, Error>;

/// Reconciliation: what customers paid, as one entry each in the book of two institutions; what was wrong with it, as
/// both agreed; and the days, each closed once (S3.1 to S3.5). Amounts are in the asset's smallest unit, times in
/// milliseconds since 1970.
#[ink::contract]
mod reconciliation {
    use ink::{prelude::vec::Vec, storage::Mapping};
    use protocol::{
        reconciliation::{
            BatchId, Book, BookId, Closed, Closing, Constants, Correction, Day, DayRecord, Entry, EntryRecord, Error,
            SignedCorrection, Terms, MAX_LISTED,
        },
        Signature, TradeId,
    };

    use crate::Result;

    #[ink(storage)]
    pub struct Reconciliation {
        /// The chain's genesis hash: part of what institutions sign.
        pub(crate) genesis: [u8; 32],
        /// The registry that knows the institutions.
        pub(crate) registry: AccountId,
        /// How many books there are.
        pub(crate) count: u32,
        /// Every book, for good. No entry here ever shrinks but a book's list of open days: the storage deposit would go to
        /// whoever happened to send the transaction.
        pub(crate) books: Mapping<BookId, Book>,
        /// Which book has these terms.
        pub(crate) terms: Mapping<[u8; 32], BookId>,
        /// Every entry, for good.
        pub(crate) entries: Mapping<(BookId, TradeId), EntryRecord>,
        /// Every day on which something counts, for good.
        pub(crate) days: Mapping<(BookId, Day), DayRecord>,
    }

    /// Two institutions opened a book.
    #[ink(event)]
    pub struct BookOpened {
        /// The book's number.
        #[ink(topic)]
        pub(crate) book: BookId,
        /// The book's terms, as both signed them.
        pub(crate) terms: Terms,
    }

    /// A book's client recorded what customers paid (S3.1).
    #[ink(event)]
    pub struct Recorded {
        /// The book's number.
        #[ink(topic)]
        pub(crate) book: BookId,
        /// The day that the payments are recorded for.
        pub(crate) day: Day,
        /// What the payments may be booked under as one line.
        pub(crate) batch: Option<BatchId>,
        /// The payments, one entry each.
        pub(crate) entries: Vec<Entry>,
    }

    /// Both sides of a book agreed on what was wrong, and on what is right (S3.4).
    #[ink(event)]
    pub struct Corrected {
        /// The book's number.
        #[ink(topic)]
        pub(crate) book: BookId,
        /// What the chain had before, in the asset's smallest unit; nothing if it didn't have the entry.
        pub(crate) before: Option<Balance>,
        /// The correction, as both signed it.
        pub(crate) correction: Correction,
    }

    /// A day of a book was closed (S3.5). Final.
    #[ink(event)]
    pub struct DayClosed {
        /// The book's number.
        #[ink(topic)]
        pub(crate) book: BookId,
        /// The closing, as both sides signed it, or one of them.
        pub(crate) closing: Closing,
        /// How the day was closed, and what is paid for it.
        pub(crate) closed: Closed,
    }

    impl Reconciliation {
        /// Makes a contract in which any two institutions of the registry can open books: it is nobody's. `genesis`:
        /// the chain's genesis hash.
        #[ink(constructor)]
        pub fn new(genesis: [u8; 32], registry: AccountId) -> Self {
            Self {
                genesis,
                registry,
                count: 0,
                books: Mapping::new(),
                terms: Mapping::new(),
                entries: Mapping::new(),
                days: Mapping::new(),
            }
        }

        /// Opens a book, as both its sides signed, strictly before `expires_at`, in milliseconds since 1970; returns
        /// its number. Anyone may send it.
        ///
        /// # Errors
        /// `BadTerms`, `BookExists`, `DeadlinePassed`, `RegistryFailed`, `StaleEpoch`, `NotActive`, `BadSignature`,
        /// `Overflow`.
        #[ink(message)]
        pub fn open_book(
            &mut self,
            terms: Terms,
            epoch: u32,
            expires_at: u64,
            debit: Signature,
            credit: Signature,
        ) -> Result<BookId> {
            self.add_book(terms, epoch, expires_at, &debit, &credit)
        }

        /// Records what customers paid on a day, at most 128 entries, all of them or none (S3.1). `batch`: what they
        /// may be booked under as one line. Sent by the book's client.
        ///
        /// # Errors
        /// `UnknownBook`, `RegistryFailed`, `NotTheClient`, `NotActive`, `EntryCount`, `DayClosed`, `DayInFuture`,
        /// `TooManyOpenDays`, `ZeroAmount`, `TradeExists`, `Overflow`.
        #[ink(message)]
        pub fn record(&mut self, book: BookId, day: Day, batch: Option<BatchId>, entries: Vec<Entry>) -> Result<()> {
            self.add_entries(book, day, batch, entries)
        }

        /// Corrects entries of a book, as both its sides signed, at most 16, all of them or none (S3.4). Anyone may send it.
        ///
        /// # Errors
        /// `UnknownBook`, `CorrectionCount`, `RegistryFailed`, `StaleEpoch`, `OtherBook`, `BadCauses`, `DeadlinePassed`,
        /// `NotActive`, `BadSignature`, `StaleCorrection`, `OtherDay`, `DayClosed`, `DayInFuture`, `TooManyOpenDays`,
        /// `Overflow`.
        #[ink(message)]
        pub fn correct(&mut self, book: BookId, corrections: Vec<SignedCorrection>) -> Result<()> {
            self.carry_out(book, corrections)
        }

        /// Closes the oldest open day of a book, once it is over (S3.5). With both sides' signatures anyone may send
        /// it. With one, once the book's patience with the other is over; that side sends it. Returns how it was
        /// closed.
        ///
        /// # Errors
        /// `UnknownBook`, `NotOpen`, `EarlierDayOpen`, `TooEarly`, `DeadlinePassed`, `RegistryFailed`, `StaleEpoch`,
        /// `NotActive`, `NotASide`, `BadSignature`, `NotAllMatched`, `Overflow`.
        #[ink(message)]
        pub fn close_day(
            &mut self,
            closing: Closing,
            epoch: u32,
            debit: Option<Signature>,
            credit: Option<Signature>,
        ) -> Result<Closed> {
            self.close(&closing, epoch, debit.as_ref(), credit.as_ref())
        }

        /// How many books there are: they are numbered from 0.
        #[ink(message)]
        pub fn count(&self) -> u32 {
            self.count
        }

        /// Books by their numbers, in the order asked for. At most 128.
        ///
        /// # Errors
        /// `TooManyAsked`.
        #[ink(message)]
        pub fn books(&self, books: Vec<BookId>) -> Result<Vec<Option<Book>>> {
            ensure_few(&books)?;
            Ok(books.iter().map(|book| self.books.get(book)).collect())
        }

        /// The number of the book that has these terms, by the terms' id.
        #[ink(message)]
        pub fn book_of(&self, terms: [u8; 32]) -> Option<BookId> {
            self.terms.get(terms)
        }

        /// Entries of a book by the ids of their payments, in the order asked for. At most 128.
        ///
        /// # Errors
        /// `TooManyAsked`.
        #[ink(message)]
        pub fn entries(&self, book: BookId, trades: Vec<TradeId>) -> Result<Vec<Option<EntryRecord>>> {
            ensure_few(&trades)?;
            Ok(trades.iter().map(|trade| self.entries.get((book, *trade))).collect())
        }

        /// Days of a book, counted from 1970, in the order asked for. At most 128.
        ///
        /// # Errors
        /// `TooManyAsked`.
        #[ink(message)]
        pub fn days(&self, book: BookId, days: Vec<Day>) -> Result<Vec<Option<DayRecord>>> {
            ensure_few(&days)?;
            Ok(days.iter().map(|day| self.days.get((book, *day))).collect())
        }

        /// What this contract was made with: genesis hash and registry.
        #[ink(message)]
        pub fn constants(&self) -> Constants {
            Constants {
                genesis: self.genesis,
                registry: self.registry,
            }
        }
    }

    fn ensure_few<T>(asked: &[T]) -> Result<()> {
        if asked.len() > MAX_LISTED {
            Err(Error::TooManyAsked)
        } else {
            Ok(())
        }
    }
}
