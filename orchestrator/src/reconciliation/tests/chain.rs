//! A chain with the contract's rules on it.
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use protocol::{
    ids::TradeId,
    reconciliation::{Book, BookId, Closed, Correction, Day, DayRecord, EntryRecord, Error, SignedCorrection, Terms},
    registry::{Roles, Signer, SignerSet, Status},
    AccountId, Amount, Member, Signature, Timestamp,
};

use super::world::{key, CONTRACT, GENESIS};
use crate::{
    identity::verify,
    reconciliation::ports::{Act, Block, Check, Event, Happened, LedgerError, ReconciliationLedger},
};

/// The contract, as far as sides of books have to do with it.
pub struct Chain(Mutex<State>);

#[derive(Clone)]
struct State {
    block: u32,
    time: Timestamp,
    epoch: u32,
    books: Vec<Book>,
    entries: BTreeMap<(BookId, TradeId), EntryRecord>,
    days: BTreeMap<(BookId, Day), DayRecord>,
    happened: Vec<Happened>,
    /// How many of the next acts are carried out without an answer.
    lost: usize,
}

impl Chain {
    /// With one book.
    pub fn new(terms: Terms, time: Timestamp) -> Self {
        let book = Book {
            terms: terms.clone(),
            open: vec![],
            closed_through: None,
            carried: 0,
        };
        let mut state = State {
            block: 1,
            time,
            epoch: 3,
            books: vec![book],
            entries: BTreeMap::new(),
            days: BTreeMap::new(),
            happened: vec![],
            lost: 0,
        };
        let book = BookId(0);
        state.tell(Event::BookOpened { book, terms });
        Self(Mutex::new(state))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The answers to so many acts get lost.
    pub fn lose(&self, answers: usize) {
        self.state().lost = answers;
    }

    /// Keys were changed in the registry.
    pub fn next_epoch(&self) {
        self.state().epoch += 1;
    }

    pub fn pass_time(&self, to: Timestamp) {
        let mut state = self.state();
        state.block += 1;
        state.time = state.time.max(to);
    }

    pub fn entry(&self, trade: TradeId) -> Option<EntryRecord> {
        self.state().entries.get(&(BookId(0), trade)).copied()
    }

    pub fn day(&self, day: Day) -> DayRecord {
        self.state().days.get(&(BookId(0), day)).copied().unwrap_or_default()
    }

    /// The entries of a day, without those that came to nothing.
    pub fn entries_of(&self, day: Day) -> BTreeMap<TradeId, Amount> {
        let state = self.state();
        let of_day = state
            .entries
            .iter()
            .filter(|(_, entry)| entry.day == day && entry.amount > 0);
        of_day.map(|((_, trade), entry)| (*trade, entry.amount)).collect()
    }

    /// The sum of all entries of a day.
    pub fn total(&self, day: Day) -> Amount {
        let state = self.state();
        let of_day = state.entries.values().filter(|entry| entry.day == day);
        of_day.map(|entry| entry.amount).sum()
    }

    /// How many corrections stand there.
    pub fn corrections(&self) -> usize {
        let state = self.state();
        let happened = state.happened.iter();
        happened
            .filter(|one| matches!(one.what, Event::Corrected { .. }))
            .count()
    }

    pub fn act(&self, act: &Act) -> Result<Block, LedgerError> {
        let mut state = self.state();
        let before = state.clone();
        state.block += 1;
        match state.act(act) {
            Ok(()) => {}
            Err(error) => {
                *state = before;
                return Err(LedgerError::Refused(error));
            }
        }
        if state.lost > 0 {
            state.lost -= 1;
            return Err(LedgerError::Unavailable("the answer is lost".into()));
        }
        Ok(block(state.block))
    }
}

impl State {
    fn tell(&mut self, what: Event) {
        let event = u32::try_from(self.happened.len()).unwrap();
        let block = block(self.block);
        self.happened.push(Happened { block, event, what });
    }

    fn act(&mut self, act: &Act) -> Result<(), Error> {
        match act {
            Act::OpenBook { .. } => Err(Error::BookExists),
            Act::Record {
                book,
                day,
                batch,
                entries,
            } => {
                let mut record = self.open_day(*book, *day)?;
                for entry in entries {
                    let kept = EntryRecord {
                        payer: entry.payer,
                        amount: entry.amount,
                        time: entry.time,
                        day: *day,
                        batch: *batch,
                        corrections: 0,
                    };
                    if self.entries.insert((*book, entry.trade), kept).is_some() {
                        return Err(Error::TradeExists(entry.trade));
                    }
                    record.entries += 1;
                    record.total += entry.amount as i128;
                }
                self.days.insert((*book, *day), record);
                self.tell(Event::Recorded {
                    book: *book,
                    day: *day,
                    batch: *batch,
                    entries: entries.clone(),
                });
                Ok(())
            }
            Act::Correct { book, corrections } => corrections.iter().try_for_each(|signed| self.correct(*book, signed)),
            Act::CloseDay {
                closing,
                epoch,
                debit,
                credit,
            } => {
                let (book, day) = (closing.book, closing.day);
                let known = self.books[0].clone();
                if known.open.first() != Some(&day) {
                    return Err(Error::NotOpen);
                }
                if self.time < day.ends_somewhere() {
                    return Err(Error::TooEarly {
                        not_before: day.ends_somewhere(),
                    });
                }
                self.ensure_before(closing.expires_at)?;
                let payload = |epoch| closing.payload(&protocol::reconciliation::domain(GENESIS, CONTRACT, epoch));
                let is_default = debit.is_none() || credit.is_none();
                let patience = day.ends_everywhere() + known.terms.patience;
                if is_default && self.time < patience {
                    return Err(Error::TooEarly { not_before: patience });
                }
                for (member, signature) in [(known.terms.debit, debit), (known.terms.credit, credit)] {
                    if let Some(signature) = signature {
                        self.ensure_signed(member, *epoch, &payload(*epoch), signature)?;
                    }
                }
                let mut record = self.days.get(&(book, day)).copied().unwrap_or_default();
                let DayRecord {
                    entries,
                    corrections,
                    total,
                    ..
                } = record;
                if (closing.matched, closing.breaks, closing.total) != (entries, corrections, total) {
                    return Err(Error::NotAllMatched {
                        entries,
                        corrections,
                        total,
                    });
                }
                let (payable, carried) = DayRecord::settle(total, known.carried)?;
                let closed = Closed {
                    id: closing.id(),
                    payable,
                    carried,
                    at: self.time,
                    is_default,
                };
                record.closed = Some(closed);
                self.days.insert((book, day), record);
                let known = &mut self.books[0];
                known.open.remove(0);
                known.closed_through = Some(day);
                known.carried = carried;
                self.tell(Event::DayClosed {
                    book,
                    closing: *closing,
                    closed,
                });
                Ok(())
            }
        }
    }

    fn correct(&mut self, book: BookId, signed: &SignedCorrection) -> Result<(), Error> {
        let correction: &Correction = &signed.correction;
        correction.check()?;
        self.ensure_before(correction.expires_at)?;
        let terms = self.books[0].terms.clone();
        let payload = correction.payload(&protocol::reconciliation::domain(GENESIS, CONTRACT, signed.epoch));
        self.ensure_signed(terms.debit, signed.epoch, &payload, &signed.debit)?;
        self.ensure_signed(terms.credit, signed.epoch, &payload, &signed.credit)?;
        let (trade, day) = (correction.trade, correction.day);
        let before = self.entries.get(&(book, trade)).copied();
        let corrections = before.map_or(0, |before| before.corrections);
        if correction.number != corrections {
            return Err(Error::StaleCorrection { trade, corrections });
        }
        let own = before.map(|before| before.day);
        if let Some(own) = own.filter(|own| *own != day && !self.books[0].is_closed(*own)) {
            return Err(Error::OtherDay { trade, day: own });
        }
        let mut record = self.open_day(book, day)?;
        let had = before.map_or(0, |before| before.amount);
        record.total += correction.amount as i128 - had as i128;
        record.corrections += 1;
        if own.is_none_or(|own| own == day) {
            match (had, correction.amount) {
                (0, 1..) => record.entries += 1,
                (1.., 0) => record.entries -= 1,
                _ => {}
            }
        }
        let after = EntryRecord {
            payer: correction.payer,
            amount: correction.amount,
            time: correction.time,
            day: own.unwrap_or(day),
            batch: before.and_then(|before| before.batch),
            corrections: corrections + 1,
        };
        self.entries.insert((book, trade), after);
        self.days.insert((book, day), record);
        self.tell(Event::Corrected {
            book,
            before: before.map(|before| before.amount),
            correction: correction.clone(),
        });
        Ok(())
    }

    fn open_day(&mut self, book: BookId, day: Day) -> Result<DayRecord, Error> {
        let known = &mut self.books[0];
        if let Some(through) = known.closed_through.filter(|through| day <= *through) {
            return Err(Error::DayClosed { through });
        }
        if let Err(place) = known.open.binary_search(&day) {
            known.open.insert(place, day);
        }
        Ok(self.days.get(&(book, day)).copied().unwrap_or_default())
    }

    fn ensure_before(&self, deadline: Timestamp) -> Result<(), Error> {
        if self.time < deadline {
            Ok(())
        } else {
            Err(Error::DeadlinePassed { deadline })
        }
    }

    fn ensure_signed(&self, member: Member, epoch: u32, payload: &[u8], signature: &Signature) -> Result<(), Error> {
        if epoch != self.epoch {
            return Err(Error::StaleEpoch { current: self.epoch });
        }
        if verify(&key(member).public(), payload, signature) {
            Ok(())
        } else {
            Err(Error::BadSignature(member))
        }
    }
}

fn block(number: u32) -> Block {
    let mut hash = [0xb0; 32];
    hash[..4].copy_from_slice(&number.to_be_bytes());
    Block { number, hash }
}

#[async_trait]
impl ReconciliationLedger for Chain {
    fn genesis(&self) -> [u8; 32] {
        GENESIS
    }

    fn contract(&self) -> AccountId {
        CONTRACT
    }

    fn head(&self) -> (u32, Timestamp) {
        let state = self.state();
        (state.block, state.time)
    }

    async fn next_block(&self) {
        std::future::pending().await
    }

    async fn make_block(&self, _: &str) -> Result<(), LedgerError> {
        self.state().block += 1;
        Ok(())
    }

    async fn check(&self) -> Check {
        unreachable!("nobody asks for it here")
    }

    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError> {
        let signer = |member: &Member| {
            Some(Signer {
                account: key(*member).account(),
                signing_key: key(*member).public(),
                roles: Roles::PARTICIPANT,
                status: Status::Active,
            })
        };
        Ok(SignerSet {
            epoch: self.state().epoch,
            notary_threshold: 1,
            signers: members.iter().map(signer).collect(),
        })
    }

    async fn books(&self, books: &[BookId]) -> Result<Vec<Option<Book>>, LedgerError> {
        let state = self.state();
        let book = |book: &BookId| state.books.get(book.0 as usize).cloned();
        Ok(books.iter().map(book).collect())
    }

    async fn book_of(&self, _: [u8; 32]) -> Result<Option<BookId>, LedgerError> {
        Ok(Some(BookId(0)))
    }

    async fn entries(&self, book: BookId, trades: &[TradeId]) -> Result<Vec<Option<EntryRecord>>, LedgerError> {
        let state = self.state();
        let entry = |trade: &TradeId| state.entries.get(&(book, *trade)).copied();
        Ok(trades.iter().map(entry).collect())
    }

    async fn days(&self, book: BookId, days: &[Day]) -> Result<Vec<Option<DayRecord>>, LedgerError> {
        let state = self.state();
        Ok(days.iter().map(|day| state.days.get(&(book, *day)).copied()).collect())
    }

    async fn first_block(&self) -> Result<u32, LedgerError> {
        Ok(1)
    }

    async fn events(&self, from: u32, to: u32) -> Result<Vec<Happened>, LedgerError> {
        let state = self.state();
        let happened = state.happened.iter();
        Ok(happened
            .filter(|one| (from..=to).contains(&one.block.number))
            .cloned()
            .collect())
    }

    async fn carry_out(&self, _: &str, act: &Act) -> Result<Block, LedgerError> {
        self.act(act)
    }
}
