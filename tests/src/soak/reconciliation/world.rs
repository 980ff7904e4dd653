//! The contract under test, and what must hold of it after every call.
use std::{collections::BTreeMap, fmt::Debug};

use protocol::{
    reconciliation::{BookId, Day, DayRecord, Entry, Terms, DAY},
    registry::Status,
    Member, PayerId, TradeId,
};

use super::{
    calls::{Answer, Call, Sent, Signed},
    rules::Ledger,
    scene::Scene,
    steps::{Step, When},
    ALONE, BATCHED, CARRIED, CROWDED, LATE, LOWERED, MADE_UP_FOR, NEVER_WAS, PAID, RAISED, UNCHANGED, WAS_MISSING,
};
use crate::{
    contract_chain::START,
    reconciliation::{terms, told::Told, Office, BOOK, CLIENT, CREDIT, MEMBERS, TODAY},
    soak::{self, ensure, Check, Tally, ROOT_EVERY},
};

/// Has as many days open as can be but one.
const CROWDED_BOOK: BookId = BookId(1);
/// The client is one of its sides.
const BANKS_BOOK: BookId = BookId(2);
/// How many days of that book are open at first.
const MANY: u32 = 63;

pub struct World {
    office: Office,
    /// From the calls.
    ledger: Ledger,
    /// From the events.
    told: Told,
    /// As each sequence of steps finds them.
    first: (Ledger, Told, Vec<(BookId, TradeId)>),
    now: u64,
    /// All that stands in some book, in the order of its coming.
    trades: Vec<(BookId, TradeId)>,
    /// How many ids were given out.
    count: u32,
    /// Days as they were closed.
    closed: BTreeMap<(BookId, Day), DayRecord>,
    tally: Tally,
}

impl soak::World for World {
    type Step = Step;

    fn run(&mut self, steps: &[Step]) -> Check {
        self.start_over();
        for (place, step) in steps.iter().enumerate() {
            self.take(step).map_err(|broken| format!("step {place}, {broken}"))?;
        }
        self.check_everything()
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl World {
    pub fn new() -> Self {
        let office = Office::new();
        let ledger = Ledger {
            epoch: office.epoch,
            active: MEMBERS.into(),
            shelves: Vec::new(),
        };
        let mut world = Self {
            office,
            told: Told::default(),
            first: (ledger.clone(), Told::default(), Vec::new()),
            ledger,
            now: START,
            trades: Vec::new(),
            count: 0,
            closed: BTreeMap::new(),
            tally: Tally::default(),
        };
        for sent in beginnings(&world.office) {
            world.send(&sent).unwrap();
        }
        world.office.commit();
        world.first = (world.ledger.clone(), world.told.clone(), world.trades.clone());
        world.tally = Tally::default();
        world
    }

    fn start_over(&mut self) {
        self.office.roll_back();
        (self.ledger, self.told, self.trades) = self.first.clone();
        self.now = START;
        self.count = 0;
        self.closed.clear();
    }

    fn take(&mut self, step: &Step) -> Check {
        self.pass_time(step);
        self.switch(step);
        let mut scene = Scene {
            office: &self.office,
            ledger: &self.ledger,
            now: self.now,
            trades: &self.trades,
            count: &mut self.count,
        };
        let sent = scene.sent(step);
        self.send(&sent)
            .map_err(|broken| format!("{}: {broken}\nsent: {sent:?}", sent.call.message()))
    }

    fn pass_time(&mut self, step: &Step) {
        let book = BookId(u32::try_from(step.book).unwrap());
        let shelf = self.ledger.shelf(book);
        let oldest = shelf.and_then(|shelf| shelf.open().first().copied());
        let then = match step.when {
            When::Now => self.now,
            When::Later(by) => self.now + by,
            When::Begins(offset) => {
                let next = Day(u32::try_from((self.now + DAY) / DAY).unwrap());
                next.begins_somewhere().saturating_add_signed(offset)
            }
            When::Ends(offset) => oldest.map_or(0, |day| day.ends_somewhere().saturating_add_signed(offset)),
            When::Alone(offset) => shelf.zip(oldest).map_or(0, |(shelf, day)| {
                let patience = day.ends_everywhere() + shelf.terms.patience;
                patience.saturating_add_signed(offset)
            }),
        };
        self.now = self.now.max(then);
        self.office.chain.set_time(self.now);
    }

    fn switch(&mut self, step: &Step) {
        let changes = |(member, is_active): &(Member, bool)| self.ledger.active.contains(member) != *is_active;
        let Some((member, is_active)) = step.switch.filter(changes) else {
            return;
        };
        let status = if is_active { Status::Active } else { Status::Suspended };
        self.office.set_status(member, status);
        self.ledger.epoch += 1;
        if is_active {
            self.ledger.active.insert(member);
        } else {
            self.ledger.active.remove(&member);
        }
    }

    fn send(&mut self, sent: &Sent) -> Check {
        let before = self.ledger.clone();
        let is_done = self.ledger.act(sent);
        let compares_all = !is_done && self.tally.calls().is_multiple_of(ROOT_EVERY);
        let root_before = compares_all.then(|| self.office.chain.state_root());

        let answer = sent.answer(&mut self.office);
        self.tally.count(sent.call.message(), is_done);
        ensure(answer.is_done == is_done, || {
            let did = |is_done| if is_done { "done" } else { "refused" };
            format!("was {}, must be {}", did(answer.is_done), did(is_done))
        })?;
        if let Some(root_before) = root_before {
            self.tally.count_root();
            ensure(self.office.chain.state_root() == root_before, || {
                "was refused and changed the state".to_owned()
            })?;
        }
        self.hear(&answer)?;
        if is_done {
            self.note(sent, &before);
        } else {
            self.note_crowd(sent);
        }
        self.check_touched(sent)
    }

    fn hear(&mut self, answer: &Answer) -> Check {
        answer.events.iter().try_for_each(|event| self.told.read(event))
    }

    /// Keeps in mind what follows from a call that was done.
    fn note(&mut self, sent: &Sent, before: &Ledger) {
        let Some(book) = sent.call.book() else {
            return;
        };
        let shelf_before = before.shelf(book).unwrap();
        for trade in sent.call.trades() {
            if !shelf_before.stories.contains_key(&trade) && !self.trades.contains(&(book, trade)) {
                self.trades.push((book, trade));
            }
        }
        match &sent.call {
            Call::Record(_, _, Some(_), _) => self.tally.note(BATCHED),
            Call::Correct(_, brought) => {
                let correction = &brought[0].correction;
                let story = shelf_before.stories.get(&correction.trade);
                match story.map(|story| story.last().amount) {
                    None if correction.amount > 0 => self.tally.note(WAS_MISSING),
                    _ if correction.amount == 0 => self.tally.note(NEVER_WAS),
                    Some(amount) if amount < correction.amount => self.tally.note(RAISED),
                    Some(amount) if amount > correction.amount => self.tally.note(LOWERED),
                    _ => self.tally.note(UNCHANGED),
                }
                if story.is_some_and(|story| story.own != correction.day) {
                    self.tally.note(LATE);
                }
            }
            Call::CloseDay { closing, .. } => {
                let carried_before = shelf_before.book().carried;
                let shelf = self.ledger.shelf(book).unwrap();
                let record = shelf.day(closing.day).unwrap();
                self.closed.insert((book, closing.day), record);
                let closed = record.closed.unwrap();
                if closed.is_default {
                    self.tally.note(ALONE);
                }
                if closed.payable > 0 {
                    self.tally.note(PAID);
                }
                if closed.carried < 0 {
                    self.tally.note(CARRIED);
                }
                if closed.carried > carried_before {
                    self.tally.note(MADE_UP_FOR);
                }
            }
            _ => {}
        }
    }

    fn note_crowd(&mut self, sent: &Sent) {
        let shelf = sent.call.book().and_then(|book| self.ledger.shelf(book));
        if let (Call::Record(_, day, ..), Some(shelf)) = (&sent.call, shelf) {
            let open = shelf.open();
            if open.len() >= 64 && !open.contains(day) {
                self.tally.note(CROWDED);
            }
        }
    }

    /// What the call was about is kept as both the calls and the events say.
    fn check_touched(&mut self, sent: &Sent) -> Check {
        let Some(book) = sent.call.book() else {
            return self.check_books();
        };
        self.check_book(book)?;
        for day in sent.call.days() {
            self.check_day(book, day)?;
        }
        // The first and the last of many are enough.
        let trades = sent.call.trades();
        let few = trades.iter().take(8).chain(trades.last());
        few.copied().try_for_each(|trade| self.check_entry(book, trade))
    }

    fn check_books(&mut self) -> Check {
        let count = u32::try_from(self.ledger.shelves.len()).unwrap();
        same(
            "how many books there are",
            self.office.count(),
            count,
            u32::try_from(self.told.books.len()).unwrap(),
        )?;
        (0..count).map(BookId).try_for_each(|book| self.check_book(book))
    }

    fn check_book(&mut self, book: BookId) -> Check {
        let stored = self.office.try_book(book);
        let expected = self.ledger.shelf(book).map(super::rules::Shelf::book);
        same("a book", stored, expected, self.told.books.get(&book).cloned())
    }

    fn check_day(&mut self, book: BookId, day: Day) -> Check {
        let stored = self.office.try_day(book, day);
        if let Some(closed) = self.closed.get(&(book, day)) {
            ensure(stored == Some(*closed), || {
                format!("a closed day changed: {closed:?}\nbecame: {stored:?}")
            })?;
        }
        let expected = self.ledger.shelf(book).and_then(|shelf| shelf.day(day));
        same("a day", stored, expected, self.told.days.get(&(book, day)).copied())
    }

    fn check_entry(&mut self, book: BookId, trade: TradeId) -> Check {
        let stored = self.office.try_entry(book, trade);
        let shelf = self.ledger.shelf(book);
        let story = shelf.and_then(|shelf| shelf.stories.get(&trade));
        let told = self.told.entries.get(&(book, trade)).copied();
        same("an entry", stored, story.map(super::rules::Story::record), told)
    }

    /// No call changed what it wasn't about, and all of it adds up.
    fn check_everything(&mut self) -> Check {
        self.check_books()?;
        for (book, trade) in self.trades.clone() {
            self.check_entry(book, trade)?;
        }
        let days: Vec<(BookId, Day)> = self.told.days.keys().copied().collect();
        for (book, day) in &days {
            self.check_day(*book, *day)?;
        }
        let books = self.ledger.shelves.len();
        (0..u32::try_from(books).unwrap())
            .map(BookId)
            .try_for_each(|book| self.check_sums(book, &days))
    }

    /// What is stored, added up: the sum of all days is that of all entries; what was paid and is carried is that of the closed
    /// days; days were closed in their order.
    fn check_sums(&mut self, book: BookId, days: &[(BookId, Day)]) -> Check {
        let mut of_days = 0i128;
        let mut of_closed = 0i128;
        let mut paid = 0i128;
        let mut closed_at = Vec::new();
        for (_, day) in days.iter().filter(|(of, _)| *of == book) {
            let record = self.office.day(book, *day);
            of_days = of_days.wrapping_add(record.total);
            if let Some(closed) = record.closed {
                of_closed = of_closed.wrapping_add(record.total);
                paid = paid.wrapping_add(closed.payable.cast_signed());
                closed_at.push(closed.at);
            }
        }
        let mut of_entries = 0i128;
        let its: Vec<TradeId> = self
            .trades
            .iter()
            .filter(|(of, _)| *of == book)
            .map(|(_, trade)| *trade)
            .collect();
        for trade in its {
            let amount = self.office.entry(book, trade).amount;
            of_entries = of_entries.wrapping_add(amount.cast_signed());
        }
        let carried = self.office.book(book).carried;
        ensure(of_days == of_entries, || {
            format!("all days of {book:?} come to {of_days}, its entries to {of_entries}")
        })?;
        ensure(paid.wrapping_add(carried) == of_closed, || {
            format!("{paid} was paid and {carried} is carried in {book:?}, its closed days come to {of_closed}")
        })?;
        ensure(closed_at.is_sorted(), || {
            format!("the days of {book:?} were closed out of their order: {closed_at:?}")
        })
    }
}

/// As it is stored, as it follows from the calls, and as it follows from the events.
fn same<T: PartialEq + Debug>(what: &str, stored: T, expected: T, told: T) -> Check {
    ensure(stored == expected, || {
        format!("{what} is kept wrong\n{stored:?}\nmust be: {expected:?}")
    })?;
    ensure(told == expected, || {
        format!("{what} is told wrong\n{told:?}\nmust be: {expected:?}")
    })
}

/// What makes something possible right away: three books, one of them with many open days.
fn beginnings(office: &Office) -> Vec<Sent> {
    let all = [
        terms(0),
        Terms {
            patience: 1,
            ..terms(1)
        },
        Terms {
            client: CREDIT,
            ..terms(2)
        },
    ];
    let opened = all.iter().map(|terms| {
        let (terms, epoch, expires_at, debit, credit) = office.signed_terms(terms);
        let [debit, credit] = [debit, credit].map(|signature| Signed {
            signature,
            is_genuine: true,
        });
        Call::OpenBook {
            terms,
            epoch,
            expires_at,
            debit,
            credit,
        }
    });
    let entry = |number: u32| Entry {
        trade: TradeId(sp_io::hashing::sha2_256(&number.to_le_bytes())),
        payer: PayerId([1; 32]),
        amount: 10,
        time: START,
    };
    let recorded = (1..=MANY).map(|back| (CROWDED_BOOK, Day(TODAY.0 - back), entry(back)));
    let others = [(BOOK, 201), (BANKS_BOOK, 202)].map(|(book, number)| (book, TODAY, entry(number)));
    let recorded = recorded
        .chain(others)
        .map(|(book, day, entry)| Call::Record(book, day, None, vec![entry]));
    let sent = |call: Call| Sent {
        by: match call.book() {
            Some(BANKS_BOOK) => CREDIT,
            _ => CLIENT,
        },
        call,
        value: 0,
        now: START,
    };
    opened.chain(recorded).map(sent).collect()
}
