//! What the reconciliation contract must do, said once more and differently: by all that was ever said of each payment, from
//! which everything else is added up anew each time.
use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    reconciliation::{BatchId, Book, BookId, Closed, Closing, Day, DayRecord, Entry, EntryRecord, Terms},
    Amount, Member, PayerId, TradeId,
};
use sp_core::U256;

use super::calls::{Brought, Call, Sent, Signed};

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
/// The most that can also be taken back.
pub const MOST: Amount = (1 << 127) - 1;

#[derive(Clone)]
pub struct Ledger {
    /// The registry's.
    pub epoch: u32,
    /// The institutions that are active.
    pub active: BTreeSet<Member>,
    /// By number.
    pub shelves: Vec<Shelf>,
}

/// A book, and all that was ever said in it.
#[derive(Clone, Debug)]
pub struct Shelf {
    pub terms: Terms,
    pub stories: BTreeMap<TradeId, Story>,
    /// In their order.
    pub closings: Vec<(Day, Closed)>,
}

/// All that was said of a payment.
#[derive(Clone, Debug)]
pub struct Story {
    /// The day that it was first said of.
    pub own: Day,
    pub batch: Option<BatchId>,
    pub said: Vec<Said>,
}

#[derive(Clone, Copy, Debug)]
pub struct Said {
    pub counts_on: Day,
    pub amount: Amount,
    pub payer: PayerId,
    pub time: u64,
    pub is_correction: bool,
}

/// A sum that may be below 0, and larger than any that the contract can hold.
#[derive(Clone, Copy, Default)]
struct Sum {
    more: U256,
    less: U256,
}

impl Sum {
    fn add(&mut self, amount: Amount) {
        self.more += U256::from(amount);
    }

    fn take(&mut self, amount: Amount) {
        self.less += U256::from(amount);
    }

    /// `None` where the contract can't hold it.
    fn value(self) -> Option<i128> {
        if self.more >= self.less {
            let value = Amount::try_from(self.more - self.less).ok()?;
            return i128::try_from(value).ok();
        }
        let value = Amount::try_from(self.less - self.more).ok()?;
        (value <= 1 << 127).then(|| 0i128.wrapping_sub_unsigned(value))
    }
}

impl Story {
    pub fn last(&self) -> &Said {
        self.said.last().unwrap()
    }

    pub fn corrections(&self) -> u32 {
        u32::try_from(self.said.iter().filter(|said| said.is_correction).count()).unwrap()
    }

    pub fn record(&self) -> EntryRecord {
        let last = self.last();
        EntryRecord {
            payer: last.payer,
            amount: last.amount,
            time: last.time,
            day: self.own,
            batch: self.batch,
            corrections: self.corrections(),
        }
    }
}

impl Shelf {
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            stories: BTreeMap::new(),
            closings: Vec::new(),
        }
    }

    pub fn closed_through(&self) -> Option<Day> {
        self.closings.last().map(|(day, _)| *day)
    }

    pub fn is_closed(&self, day: Day) -> bool {
        self.closed_through().is_some_and(|through| day <= through)
    }

    /// The days on which something counts and that aren't closed.
    pub fn open(&self) -> BTreeSet<Day> {
        let said = self.stories.values().flat_map(|story| &story.said);
        said.map(|said| said.counts_on)
            .filter(|day| !self.is_closed(*day))
            .collect()
    }

    pub fn book(&self) -> Book {
        Book {
            terms: self.terms.clone(),
            open: self.open().into_iter().collect(),
            closed_through: self.closed_through(),
            carried: self.due(&self.closed_days()).map_or(0, |due| due.min(0)),
        }
    }

    pub fn day(&self, day: Day) -> Option<DayRecord> {
        let mut record = DayRecord {
            closed: self
                .closings
                .iter()
                .find(|(closed, _)| *closed == day)
                .map(|(_, closed)| *closed),
            ..DayRecord::default()
        };
        let mut counts = false;
        for story in self.stories.values() {
            let here = story.said.iter().filter(|said| said.counts_on == day);
            let Some(last) = here.clone().next_back() else {
                continue;
            };
            counts = true;
            record.corrections += u32::try_from(here.filter(|said| said.is_correction).count()).unwrap();
            record.entries += u32::from(story.own == day && last.amount > 0);
        }
        record.total = self.total(day)?;
        counts.then_some(record)
    }

    /// What a day comes to: what its entries say, and what corrections of others changed.
    fn total(&self, day: Day) -> Option<i128> {
        self.sum([day].as_slice()).value()
    }

    fn sum(&self, days: &[Day]) -> Sum {
        let mut sum = Sum::default();
        for story in self.stories.values() {
            let before = std::iter::once(0).chain(story.said.iter().map(|said| said.amount));
            for (said, before) in story.said.iter().zip(before) {
                if days.contains(&said.counts_on) {
                    sum.add(said.amount);
                    sum.take(before);
                }
            }
        }
        sum
    }

    fn closed_days(&self) -> Vec<Day> {
        self.closings.iter().map(|(day, _)| *day).collect()
    }

    /// What these days came to that wasn't paid.
    fn due(&self, days: &[Day]) -> Option<i128> {
        let mut due = self.sum(days);
        for (_, closed) in &self.closings {
            due.take(closed.payable);
        }
        due.value()
    }

    /// Whether something can count on a day now.
    fn takes(&self, day: Day, now: u64) -> bool {
        let has_begun = now + 14 * HOUR >= u64::from(day.0) * DAY;
        let open = self.open();
        has_begun && !self.is_closed(day) && (open.contains(&day) || open.len() < 64)
    }

    /// Something is said; whether the contract can hold what follows.
    fn say(&mut self, trade: TradeId, own: Day, batch: Option<BatchId>, said: Said) -> bool {
        let story = self.stories.entry(trade).or_insert(Story {
            own,
            batch,
            said: Vec::new(),
        });
        story.said.push(said);
        said.amount <= MOST && self.total(said.counts_on).is_some()
    }
}

impl Ledger {
    pub fn shelf(&self, book: BookId) -> Option<&Shelf> {
        self.shelves.get(book.0 as usize)
    }

    /// Whether a call must be done; then it is.
    pub fn act(&mut self, sent: &Sent) -> bool {
        if sent.value != 0 {
            return false;
        }
        match &sent.call {
            Call::OpenBook {
                terms,
                epoch,
                expires_at,
                debit,
                credit,
            } => {
                let is_agreed = self.both(terms, *epoch, debit, credit);
                let is_new = self.shelves.iter().all(|shelf| shelf.terms != *terms);
                let is_done = is_agreed && is_new && is_sound(terms) && sent.now < *expires_at;
                if is_done {
                    self.shelves.push(Shelf::new(terms.clone()));
                }
                is_done
            }
            Call::Record(book, day, batch, entries) => self.change(*book, |ledger, shelf| {
                let client = shelf.terms.client;
                sent.by == client
                    && ledger.active.contains(&client)
                    && (1..=128).contains(&entries.len())
                    && shelf.takes(*day, sent.now)
                    && entries.iter().all(|entry| record(shelf, *day, *batch, entry))
            }),
            Call::Correct(book, brought) => self.change(*book, |ledger, shelf| {
                (1..=16).contains(&brought.len())
                    && brought
                        .iter()
                        .all(|brought| ledger.correct(*book, shelf, brought, sent.now))
            }),
            Call::CloseDay {
                closing,
                epoch,
                debit,
                credit,
            } => self.change(closing.book, |ledger, shelf| {
                let terms = &shelf.terms;
                let is_default = match (debit, credit) {
                    (Some(debit), Some(credit)) if ledger.both(terms, *epoch, debit, credit) => false,
                    (Some(debit), None) if ledger.alone(terms.debit, *epoch, debit, sent) => true,
                    (None, Some(credit)) if ledger.alone(terms.credit, *epoch, credit, sent) => true,
                    _ => return false,
                };
                let over = (u64::from(closing.day.0) + 1) * DAY;
                let waits_until = if is_default {
                    over + 12 * HOUR + terms.patience
                } else {
                    over - 14 * HOUR
                };
                sent.now >= waits_until && close(shelf, closing, is_default, sent.now)
            }),
        }
    }

    fn change(&mut self, book: BookId, change: impl FnOnce(&Self, &mut Shelf) -> bool) -> bool {
        let Some(mut shelf) = self.shelf(book).cloned() else {
            return false;
        };
        let is_done = change(self, &mut shelf);
        if is_done {
            self.shelves[book.0 as usize] = shelf;
        }
        is_done
    }

    fn correct(&self, book: BookId, shelf: &mut Shelf, brought: &Brought, now: u64) -> bool {
        let correction = &brought.correction;
        let causes = &correction.causes;
        let distinct: BTreeSet<_> = causes.iter().copied().collect();
        let are_in_order = distinct.into_iter().eq(causes.iter().copied());
        let story = shelf.stories.get(&correction.trade);
        let own = story.map(|story| story.own);
        let counts_where_it_must = own.is_none_or(|own| own == correction.day || shelf.is_closed(own));
        let is_right = self.both(&shelf.terms, brought.epoch, &brought.debit, &brought.credit)
            && correction.book == book
            && are_in_order
            && (1..=8).contains(&causes.len())
            && now < correction.expires_at
            && correction.number == story.map_or(0, Story::corrections)
            && counts_where_it_must
            && shelf.takes(correction.day, now);
        let said = Said {
            counts_on: correction.day,
            amount: correction.amount,
            payer: correction.payer,
            time: correction.time,
            is_correction: true,
        };
        is_right && shelf.say(correction.trade, correction.day, None, said)
    }

    fn both(&self, terms: &Terms, epoch: u32, debit: &Signed, credit: &Signed) -> bool {
        let are_active = [terms.debit, terms.credit]
            .iter()
            .all(|side| self.active.contains(side));
        epoch == self.epoch && are_active && debit.is_genuine && credit.is_genuine
    }

    fn alone(&self, side: Member, epoch: u32, signed: &Signed, sent: &Sent) -> bool {
        epoch == self.epoch && self.active.contains(&side) && signed.is_genuine && sent.by == side
    }
}

fn is_sound(terms: &Terms) -> bool {
    let is_named = !terms.zone.is_empty()
        && terms.zone.len() <= 48
        && terms.zone.iter().all(|letter| (b'!'..=b'~').contains(letter));
    terms.debit != terms.credit && terms.patience > 0 && terms.patience <= 3_650 * DAY && is_named
}

fn record(shelf: &mut Shelf, day: Day, batch: Option<BatchId>, entry: &Entry) -> bool {
    let said = Said {
        counts_on: day,
        amount: entry.amount,
        payer: entry.payer,
        time: entry.time,
        is_correction: false,
    };
    entry.amount > 0 && !shelf.stories.contains_key(&entry.trade) && shelf.say(entry.trade, day, batch, said)
}

fn close(shelf: &mut Shelf, closing: &Closing, is_default: bool, now: u64) -> bool {
    if now >= closing.expires_at || shelf.open().first() != Some(&closing.day) {
        return false;
    }
    let record = shelf.day(closing.day);
    let signed = (closing.matched, closing.breaks, closing.total);
    if record.map(|record| (record.entries, record.corrections, record.total)) != Some(signed) {
        return false;
    }
    let mut days = shelf.closed_days();
    days.push(closing.day);
    let Some(due) = shelf.due(&days) else {
        return false;
    };
    let closed = Closed {
        id: closing.id(),
        payable: Amount::try_from(due.max(0)).unwrap(),
        carried: due.min(0),
        at: now,
        is_default,
    };
    shelf.closings.push((closing.day, closed));
    true
}
