//! Who is there: a finance company and a bank, with one book between them, in one process.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, Weak},
};

use async_trait::async_trait;
use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::{BatchId, BookId, Day, Entry, Terms},
    settlement::Asset,
    AccountId, Amount, Member, Timestamp, VoucherId,
};

use super::chain::Chain;
use crate::{
    identity::SigningKey,
    prepaid::schedule::Schedule,
    reconciliation::{
        breaks::state::BreakState,
        days::state::DayState,
        line::Line,
        messages::{
            ClosingProposal, CoSigned, CorrectionProposal, Delivery, PageRequest, SignedStatement, StatementRequest,
        },
        ports::{Act, Clock, Paid, Partners, PaymentOrder, PeerError, Treasury},
        Accept, BookSettings, OwnBook, Reconciliation, Settings,
    },
    store::{
        books::{LineChange, OwnLine},
        days::{BreakFilter, BreakRow, DayRow},
        Page, Store,
    },
    windows::Calendar,
};

pub const GENESIS: [u8; 32] = [1; 32];
pub const CONTRACT: AccountId = AccountId([9; 32]);
pub const CLIENT: Member = Member(0);
pub const DEBIT: Member = Member(1);
pub const CREDIT: Member = Member(2);
pub const STRANGER: Member = Member(3);
pub const BOOK: BookId = BookId(0);
pub const HOUR: Timestamp = 3_600_000;
/// 2026-11-24, a Tuesday.
pub const TUESDAY: Day = Day(20_781);
pub const WEDNESDAY: Day = Day(20_782);
pub const THURSDAY: Day = Day(20_783);
/// How long one side waits for the other, after a day ended everywhere.
pub const PATIENCE: Timestamp = 24 * HOUR;

pub fn key(member: Member) -> SigningKey {
    static KEYS: OnceLock<Vec<SigningKey>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        (0..4)
            .map(|n| SigningKey::load(&format!("//Side{n}")).unwrap())
            .collect()
    });
    keys[usize::from(member.0)].clone()
}

/// A time of day, in UTC.
pub fn at(day: Day, hour: u64) -> Timestamp {
    u64::from(day.0) * 24 * HOUR + hour * HOUR
}

pub fn trade(n: u8) -> TradeId {
    TradeId([n; 32])
}

pub fn terms() -> Terms {
    Terms {
        client: CLIENT,
        debit: DEBIT,
        credit: CREDIT,
        asset: Asset::Native,
        zone: b"UTC".to_vec(),
        patience: PATIENCE,
        number: 0,
    }
}

/// What a customer paid, at noon.
pub fn entry(n: u8, day: Day, amount: Amount) -> Entry {
    Entry {
        trade: trade(n),
        payer: PayerId([n; 32]),
        amount,
        time: at(day, 12),
    }
}

/// The line that is right for an entry.
pub fn line(entry: &Entry, day: Day) -> Line {
    Line {
        trade: entry.trade,
        number: 1,
        day,
        amount: entry.amount,
        asset: Asset::Native,
        payer: Some(entry.payer),
        time: Some(entry.time),
    }
}

/// A clock that stands still until it is told.
pub struct Hand(Mutex<Timestamp>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The way from one side to the other.
pub struct Way {
    from: Member,
    to: Mutex<Weak<Reconciliation>>,
    is_open: Mutex<bool>,
    asked: Mutex<Vec<&'static str>>,
}

impl Way {
    fn from(from: Member) -> Arc<Self> {
        Arc::new(Self {
            from,
            to: Mutex::default(),
            is_open: Mutex::new(true),
            asked: Mutex::default(),
        })
    }

    pub fn open(&self, is_open: bool) {
        *self.is_open.lock().unwrap() = is_open;
    }

    /// How often the other side was asked for this.
    pub fn asked(&self, what: &str) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|asked| **asked == what)
            .count()
    }

    fn to(&self, member: Member, what: &'static str) -> Result<Arc<Reconciliation>, PeerError> {
        let unreachable = || PeerError::Unreachable {
            member,
            why: "as the test says".into(),
        };
        let is_open = *self.is_open.lock().unwrap();
        let to = self.to.lock().unwrap().upgrade().filter(|_| is_open);
        self.asked.lock().unwrap().push(what);
        to.ok_or_else(unreachable)
    }
}

fn rejected(member: Member) -> impl Fn(crate::reconciliation::ReconciliationError) -> PeerError {
    move |error| PeerError::Rejected {
        member,
        code: error.code(),
        detail: error.to_string(),
    }
}

#[async_trait]
impl Partners for Way {
    async fn deliver(&self, to: Member, delivery: &Delivery) -> Result<(), PeerError> {
        let other = self.to(to, "deliver")?;
        other.on_delivery(self.from, delivery).await.map_err(rejected(to))
    }

    async fn statement(&self, to: Member, request: &StatementRequest) -> Result<SignedStatement, PeerError> {
        let other = self.to(to, "statement")?;
        other.on_statement(self.from, request).await.map_err(rejected(to))
    }

    async fn page(&self, to: Member, request: &PageRequest) -> Result<Vec<Line>, PeerError> {
        let other = self.to(to, "page")?;
        other.on_page(self.from, request).await.map_err(rejected(to))
    }

    async fn correct(&self, to: Member, proposal: &CorrectionProposal) -> Result<CoSigned, PeerError> {
        let other = self.to(to, "correct")?;
        other.on_correction(self.from, proposal).await.map_err(rejected(to))
    }

    async fn close(&self, to: Member, proposal: &ClosingProposal) -> Result<CoSigned, PeerError> {
        let other = self.to(to, "close")?;
        other.on_closing(self.from, proposal).await.map_err(rejected(to))
    }
}

/// Pays at once, unless the test says otherwise.
#[derive(Default)]
pub struct Purse {
    pub paid: Mutex<BTreeMap<([u8; 32], u32), PaymentOrder>>,
    pub fails: Mutex<bool>,
}

impl Purse {
    /// What was paid in all.
    pub fn sum(&self) -> Amount {
        self.paid.lock().unwrap().values().map(|order| order.amount).sum()
    }

    pub fn fail(&self, fails: bool) {
        *self.fails.lock().unwrap() = fails;
    }
}

#[async_trait]
impl Treasury for Purse {
    async fn pay(&self, order: &PaymentOrder) -> Result<Paid, PeerError> {
        if *self.fails.lock().unwrap() {
            return Ok(Paid::Failed("there isn't enough".into()));
        }
        let mut paid = self.paid.lock().unwrap();
        let known = paid.insert((order.closing, order.attempt), order.clone());
        assert!(
            known.is_none_or(|known| known == *order),
            "another order under its name"
        );
        Ok(Paid::Cleared(VoucherId(order.closing)))
    }
}

/// Who accepts corrections at each side.
#[derive(Clone, Copy)]
pub struct Rules {
    pub debit: Accept,
    pub credit: Accept,
}

pub const BY_CHAIN: Rules = Rules {
    debit: Accept::Chain,
    credit: Accept::Chain,
};

pub struct World {
    pub chain: Arc<Chain>,
    pub clock: Arc<Hand>,
    pub purse: Arc<Purse>,
    pub debit: Arc<Reconciliation>,
    pub credit: Arc<Reconciliation>,
    pub to_debit: Arc<Way>,
    pub to_credit: Arc<Way>,
    stores: [Store; 2],
    rules: Rules,
}

impl World {
    /// On Tuesday at 13:00; nothing was paid.
    pub async fn open(rules: Rules) -> Self {
        let start = at(TUESDAY, 13);
        let chain = Arc::new(Chain::new(terms(), start));
        let clock = Arc::new(Hand(Mutex::new(start)));
        let stores = [Store::in_memory().await.unwrap(), Store::in_memory().await.unwrap()];
        let world = Self::with(chain, clock, Arc::default(), stores, rules);
        for side in [&world.debit, &world.credit] {
            side.round().await.unwrap();
        }
        world
    }

    fn with(chain: Arc<Chain>, clock: Arc<Hand>, purse: Arc<Purse>, stores: [Store; 2], rules: Rules) -> Self {
        let (to_debit, to_credit) = (Way::from(CREDIT), Way::from(DEBIT));
        let system = |member: Member, accept: Accept, store: &Store, way: &Arc<Way>| {
            let book = BookSettings {
                own: OwnBook::Imported,
                accept,
                beneficiary: Some("4711".into()),
                ..BookSettings::default()
            };
            let calendar = Calendar::new(["06:00".parse().unwrap()], []);
            let settings = Settings {
                member,
                schedule: Schedule::new(calendar, "UTC".parse().unwrap()),
                grace: HOUR,
                books: BTreeMap::from([(BOOK, book)]),
            };
            Reconciliation::new(
                settings,
                store.clone(),
                key(member),
                chain.clone(),
                way.clone(),
                purse.clone(),
                clock.clone(),
            )
        };
        let debit = system(DEBIT, rules.debit, &stores[0], &to_credit);
        let credit = system(CREDIT, rules.credit, &stores[1], &to_debit);
        *to_debit.to.lock().unwrap() = Arc::downgrade(&debit);
        *to_credit.to.lock().unwrap() = Arc::downgrade(&credit);
        Self {
            chain,
            clock,
            purse,
            debit,
            credit,
            to_debit,
            to_credit,
            stores,
            rules,
        }
    }

    /// Both in new processes.
    pub fn restart(self) -> Self {
        Self::with(self.chain, self.clock, self.purse, self.stores, self.rules)
    }

    /// Clocks and chain show this time.
    pub fn set(&self, time: Timestamp) {
        *self.clock.0.lock().unwrap() = time;
        self.chain.pass_time(time);
    }

    /// The client records on the chain what customers paid.
    pub fn record(&self, day: Day, entries: &[Entry], batch: Option<BatchId>) {
        let act = Act::Record {
            book: BOOK,
            day,
            batch,
            entries: entries.to_vec(),
        };
        self.chain.act(&act).unwrap();
    }

    /// Both sides book lines that are right.
    pub async fn book_both(&self, day: Day, entries: &[Entry]) {
        for entry in entries {
            self.book(DEBIT, line(entry, day)).await;
            self.book(CREDIT, line(entry, day)).await;
        }
    }

    pub fn store(&self, member: Member) -> &Store {
        if member == DEBIT {
            &self.stores[0]
        } else {
            &self.stores[1]
        }
    }

    /// A side books a line.
    pub async fn book(&self, member: Member, line: Line) {
        let of = line.trade;
        let after = OwnLine {
            line,
            reference: None,
            import: None,
        };
        self.change(member, of, vec![], vec![after]).await;
    }

    /// A side puts other lines of a trade into its book, whatever it signed.
    pub async fn alter(&self, member: Member, of: TradeId, change: impl Fn(&mut Line)) {
        let before = self.store(member).own_lines_of(BOOK, of).await.unwrap();
        let mut after = before.clone();
        after.iter_mut().for_each(|own| change(&mut own.line));
        self.change(member, of, before, after).await;
    }

    async fn change(&self, member: Member, of: TradeId, before: Vec<OwnLine>, after: Vec<OwnLine>) {
        let change = LineChange {
            before,
            after,
            reason: "as the test says".into(),
            at: self.clock.now(),
        };
        self.store(member).change_lines(BOOK, of, &change).await.unwrap();
    }

    /// The lines of a side's book of a day.
    pub async fn lines(&self, member: Member, day: Day) -> Vec<Line> {
        self.store(member).own_lines(BOOK, day, None, 1_000).await.unwrap()
    }

    /// Both look and do what is due, so often, each time a second later: the credit side first.
    pub async fn rounds(&self, count: usize) {
        for _ in 0..count {
            let _ = self.credit.round().await;
            let _ = self.debit.round().await;
            let now = self.clock.now() + 1_000;
            *self.clock.0.lock().unwrap() = now;
        }
    }

    pub async fn day(&self, member: Member, day: Day) -> DayRow {
        self.store(member).book_day(BOOK, day).await.unwrap().unwrap()
    }

    pub async fn states(&self, day: Day) -> (DayState, DayState) {
        (self.day(DEBIT, day).await.state, self.day(CREDIT, day).await.state)
    }

    pub async fn history(&self, member: Member, day: Day) -> String {
        let lines = self.store(member).book_day_history(BOOK, day).await.unwrap();
        let lines: Vec<String> = lines
            .iter()
            .map(|line| format!("{}: {}", line.state, line.detail))
            .collect();
        lines.join("\n")
    }

    pub async fn breaks(&self, member: Member) -> Vec<BreakRow> {
        let page = Page::first(100);
        self.store(member)
            .breaks(BOOK, &BreakFilter::default(), &page)
            .await
            .unwrap()
    }

    pub async fn break_state(&self, member: Member, of: TradeId) -> BreakState {
        self.store(member).breaks_of(BOOK, of).await.unwrap()[0].state
    }

    /// The day is closed and paid, and both books are what the chain has.
    pub async fn is_done(&self, day: Day) {
        let (debit, credit) = (self.history(DEBIT, day).await, self.history(CREDIT, day).await);
        assert_eq!(
            self.states(day).await,
            (DayState::Paid, DayState::Closed),
            "debit:\n{debit}\ncredit:\n{credit}"
        );
        let total = self.chain.total(day);
        for member in [DEBIT, CREDIT] {
            let lines = self.lines(member, day).await;
            assert_eq!(lines.iter().map(|line| line.amount).sum::<Amount>(), total, "{lines:?}");
        }
    }
}
