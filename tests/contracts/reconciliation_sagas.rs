//! A client's, a finance company's and a bank's orchestrator against the contract itself, without a node: every call to the
//! chain, to each other and to the treasury is lost in turn, on its way there or on its way back, and the process with it. Time
//! runs only when told to.
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc, Mutex, Weak,
    },
};

use async_trait::async_trait;
use protocol::{
    reconciliation::{Book, BookId, Day, DayRecord, EntryRecord, DAY},
    registry::SignerSet,
    AccountId, Amount, Member, PayerId, Timestamp, TradeId, VoucherId,
};
use quittance::{
    chain::health::Check,
    identity::SigningKey,
    prepaid::schedule::Schedule,
    reconciliation::{
        books::{BooksError, Payment, Upload},
        import::Format,
        line::Line,
        messages::{
            ClosingProposal, CoSigned, CorrectionProposal, Delivery, PageRequest, SignedStatement, StatementRequest,
        },
        ports::{
            Act, Block, Clock, Happened, LedgerError, Paid, Partners, PaymentOrder, PeerError, ReconciliationLedger,
            Treasury,
        },
        statements::StatementError,
        Accept, BookSettings, OwnBook, Reconciliation, ReconciliationError, Settings,
    },
    store::Store,
    windows::Calendar,
};
use quittance_tests::{
    contract_chain::START,
    reconciliation::{
        ledger::{OfficeChain, OfficeLedger},
        terms, trade, Office, BOOK, CLIENT, CREDIT, DEBIT, TODAY,
    },
};
use tempfile::TempDir;

const HOUR: Timestamp = 3_600_000;
/// More rounds than any day needs, with one failure.
const ROUNDS: usize = 40;
/// What customers paid, in all.
const TOTAL: Amount = 2_100;
/// What the finance company's book says of it: one amount is wrong, one payment is lacking, one is there twice, one under
/// another id, and one that nobody made.
const BOOK_OF_DEBIT: &str = r#"{"id":"payment 1","amount":"100","date":"2027-01-15","payer":"customer 1"}
{"id":"payment 2","amount":"250","date":"2027-01-15","payer":"customer 2"}
{"id":"payment 4","amount":"400","date":"2027-01-15","payer":"customer 4"}
{"id":"payment 4","amount":"400","date":"2027-01-15","payer":"customer 4"}
{"id":"payment 5","amount":"500","date":"2027-01-15","payer":"customer 5"}
{"id":"payment 60","amount":"600","date":"2027-01-15","payer":"customer 6"}
{"id":"payment 99","amount":"77","date":"2027-01-15","payer":"customer 99"}
"#;
/// How many corrections that takes.
const CORRECTIONS: u32 = 5;

/// Which call of the world fails, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// Nothing was done.
    Request,
    /// It was done, and nobody learned of it.
    Answer,
}

struct World {
    chain: Arc<OfficeChain>,
    calls: AtomicUsize,
    lost: Option<(usize, Loss)>,
    banks: Mutex<BTreeMap<Member, Arc<Reconciliation>>>,
    paid: Mutex<BTreeMap<([u8; 32], u32), PaymentOrder>>,
    stores: TempDir,
}

impl World {
    async fn start(lost: Option<(usize, Loss)>) -> Arc<Self> {
        let chain = OfficeChain::start(Office::new);
        let (terms, epoch, expires_at, debit, credit) = chain.run(|office| office.signed_terms(&terms(0)));
        let open = Act::OpenBook {
            terms,
            epoch,
            expires_at,
            debit,
            credit,
        };
        chain.of(DEBIT).carry_out("open", &open).await.unwrap();
        let world = Arc::new(Self {
            chain,
            calls: AtomicUsize::new(0),
            lost,
            banks: Mutex::default(),
            paid: Mutex::default(),
            stores: tempfile::tempdir().unwrap(),
        });
        for member in [CLIENT, DEBIT, CREDIT] {
            world.boot(member).await;
        }
        world
    }

    /// Starts an institution from what its database holds: for the first time, or after a crash.
    async fn boot(self: &Arc<Self>, member: Member) {
        let store = Store::open(&self.stores.path().join(member.to_string())).await.unwrap();
        let port = Arc::new(Port {
            world: Arc::downgrade(self),
            ledger: self.chain.of(member),
            member,
        });
        let book = BookSettings {
            own: if member == DEBIT {
                OwnBook::Imported
            } else {
                OwnBook::Delivered
            },
            accept: Accept::Chain,
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
        let key = SigningKey::load(&format!("//institution{member}")).unwrap();
        let bank = Reconciliation::new(settings, store, key, port.clone(), port.clone(), port.clone(), port);
        self.banks.lock().unwrap().insert(member, bank);
    }

    fn bank(&self, member: Member) -> Arc<Reconciliation> {
        self.banks.lock().unwrap()[&member].clone()
    }

    fn next(&self) -> Option<Loss> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        self.lost.filter(|(lost, _)| *lost == call).map(|(_, loss)| loss)
    }

    /// A round of each institution, a minute later. One whose call was lost crashes and comes back.
    async fn round(self: &Arc<Self>) {
        for member in [CLIENT, CREDIT, DEBIT] {
            let bank = self.bank(member);
            let books = bank.books().round().await.map_err(ReconciliationError::from);
            let gone = match books {
                Ok(()) => bank.round().await,
                failed => failed,
            };
            if let Err(error) = gone {
                assert!(is_passing(&error), "member {member}: {error}");
                self.boot(member).await;
            }
        }
        self.chain.pass_time(60_000);
        self.chain.make_empty_block();
    }

    async fn rounds(self: &Arc<Self>) {
        for _ in 0..ROUNDS {
            self.round().await;
        }
    }

    /// Six customers pay on Friday.
    async fn customers_pay(&self) {
        let payment = |number: u32| Payment {
            trade: trade(number),
            payer: PayerId::of(&format!("customer {number}")),
            amount: 100 * Amount::from(number),
            time: Some(START - HOUR),
            day: None,
            batch: None,
        };
        let payments: Vec<Payment> = (1..=6).map(payment).collect();
        self.bank(CLIENT).books().record(BOOK, &payments).await.unwrap();
    }

    async fn debit_imports_its_book(&self) {
        let path = self.stores.path().join("book.jsonl");
        std::fs::write(&path, BOOK_OF_DEBIT).unwrap();
        let upload = Upload {
            path,
            name: "book.jsonl".into(),
            format: Format::JsonLines,
            by: "an operator".into(),
            is_dry_run: false,
            replaces: None,
        };
        let report = self.bank(DEBIT).import(BOOK, upload).await.unwrap();
        assert!(report.problems.is_empty(), "{report:?}");
    }

    async fn state(&self, member: Member) -> String {
        let standing = self.bank(member).day(BOOK, TODAY).await.unwrap();
        standing.row.state.to_string()
    }

    async fn book_of(&self, member: Member) -> Vec<(TradeId, Amount)> {
        let store = Store::open(&self.stores.path().join(member.to_string())).await.unwrap();
        let lines = store.own_lines(BOOK, TODAY, None, 100).await.unwrap();
        lines.iter().map(|line| (line.trade, line.amount)).collect()
    }

    /// The day is closed and paid, once, and both books are what the chain has.
    async fn is_done(&self) {
        let history = |member| async move { self.bank(member).day(BOOK, TODAY).await.unwrap().history };
        assert_eq!(
            [self.state(DEBIT).await, self.state(CREDIT).await],
            ["paid", "closed"],
            "debit: {:?}\ncredit: {:?}",
            history(DEBIT).await,
            history(CREDIT).await
        );
        let day = self.chain.run(|office| office.day(BOOK, TODAY));
        assert_eq!((day.entries, day.corrections), (6, CORRECTIONS), "each once");
        let closed = day.closed.unwrap();
        assert_eq!((closed.payable, closed.is_default), (TOTAL, false));
        let mut expected: Vec<_> = (1..=6u32)
            .map(|number| (trade(number), 100 * Amount::from(number)))
            .collect();
        expected.sort_unstable();
        for member in [DEBIT, CREDIT] {
            assert_eq!(self.book_of(member).await, expected, "at member {member}");
        }
        let paid: Vec<PaymentOrder> = self.paid.lock().unwrap().values().cloned().collect();
        assert_eq!(paid.len(), 1, "paid once: {paid:?}");
        assert_eq!(
            (paid[0].closing, paid[0].to, paid[0].amount),
            (closed.id, CREDIT, TOTAL)
        );
    }
}

/// Whether it is what losing a call looks like.
fn is_passing(error: &ReconciliationError) -> bool {
    matches!(
        error,
        ReconciliationError::Ledger(LedgerError::Unavailable(_))
            | ReconciliationError::Peer(PeerError::Unreachable { .. })
            | ReconciliationError::Statement(StatementError::Peer(PeerError::Unreachable { .. }))
            | ReconciliationError::Books(
                BooksError::Ledger(LedgerError::Unavailable(_)) | BooksError::Peer(PeerError::Unreachable { .. })
            )
    )
}

/// The world as one institution reaches it.
struct Port {
    world: Weak<World>,
    ledger: Arc<OfficeLedger>,
    member: Member,
}

impl Port {
    fn world(&self) -> Arc<World> {
        self.world.upgrade().expect("the world is there")
    }

    /// Asks another institution.
    async fn ask<T, F: Future<Output = Result<T, ReconciliationError>>>(
        &self,
        to: Member,
        question: impl FnOnce(Arc<Reconciliation>) -> F,
    ) -> Result<T, PeerError> {
        let lost = || PeerError::Unreachable {
            member: to,
            why: "lost".into(),
        };
        let loss = self.world().next();
        if loss == Some(Loss::Request) {
            return Err(lost());
        }
        let answer = question(self.world().bank(to)).await;
        if loss == Some(Loss::Answer) {
            return Err(lost());
        }
        answer.map_err(|error| {
            if is_passing(&error) || matches!(error, ReconciliationError::NotYet(_)) {
                return lost();
            }
            PeerError::Rejected {
                member: to,
                code: error.code(),
                detail: error.to_string(),
            }
        })
    }
}

impl Clock for Port {
    fn now(&self) -> Timestamp {
        self.world().chain.now()
    }
}

#[async_trait]
impl Partners for Port {
    async fn deliver(&self, to: Member, delivery: &Delivery) -> Result<(), PeerError> {
        let ask = |bank: Arc<Reconciliation>| async move { bank.on_delivery(self.member, delivery).await };
        self.ask(to, ask).await
    }

    async fn statement(&self, to: Member, request: &StatementRequest) -> Result<SignedStatement, PeerError> {
        let ask = |bank: Arc<Reconciliation>| async move { bank.on_statement(self.member, request).await };
        self.ask(to, ask).await
    }

    async fn page(&self, to: Member, request: &PageRequest) -> Result<Vec<Line>, PeerError> {
        let ask = |bank: Arc<Reconciliation>| async move { bank.on_page(self.member, request).await };
        self.ask(to, ask).await
    }

    async fn correct(&self, to: Member, proposal: &CorrectionProposal) -> Result<CoSigned, PeerError> {
        let ask = |bank: Arc<Reconciliation>| async move { bank.on_correction(self.member, proposal).await };
        self.ask(to, ask).await
    }

    async fn close(&self, to: Member, proposal: &ClosingProposal) -> Result<CoSigned, PeerError> {
        let ask = |bank: Arc<Reconciliation>| async move { bank.on_closing(self.member, proposal).await };
        self.ask(to, ask).await
    }
}

#[async_trait]
impl Treasury for Port {
    async fn pay(&self, order: &PaymentOrder) -> Result<Paid, PeerError> {
        let world = self.world();
        let lost = || PeerError::Unreachable {
            member: self.member,
            why: "lost".into(),
        };
        let loss = world.next();
        if loss == Some(Loss::Request) {
            return Err(lost());
        }
        let earlier = world
            .paid
            .lock()
            .unwrap()
            .insert((order.closing, order.attempt), order.clone());
        assert!(
            earlier.is_none_or(|earlier| earlier == *order),
            "another order under its name"
        );
        if loss == Some(Loss::Answer) {
            return Err(lost());
        }
        Ok(Paid::Cleared(VoucherId(order.closing)))
    }
}

#[async_trait]
impl ReconciliationLedger for Port {
    fn genesis(&self) -> [u8; 32] {
        self.ledger.genesis()
    }

    fn contract(&self) -> AccountId {
        self.ledger.contract()
    }

    fn head(&self) -> (u32, Timestamp) {
        self.ledger.head()
    }

    async fn next_block(&self) {
        self.ledger.next_block().await;
    }

    async fn make_block(&self, key: &str) -> Result<(), LedgerError> {
        self.ledger.make_block(key).await
    }

    async fn check(&self) -> Check {
        self.ledger.check().await
    }

    async fn signers(&self, members: &[Member]) -> Result<SignerSet, LedgerError> {
        self.ledger.signers(members).await
    }

    async fn books(&self, books: &[BookId]) -> Result<Vec<Option<Book>>, LedgerError> {
        self.ledger.books(books).await
    }

    async fn book_of(&self, terms: [u8; 32]) -> Result<Option<BookId>, LedgerError> {
        self.ledger.book_of(terms).await
    }

    async fn entries(&self, book: BookId, trades: &[TradeId]) -> Result<Vec<Option<EntryRecord>>, LedgerError> {
        self.ledger.entries(book, trades).await
    }

    async fn days(&self, book: BookId, days: &[Day]) -> Result<Vec<Option<DayRecord>>, LedgerError> {
        self.ledger.days(book, days).await
    }

    async fn first_block(&self) -> Result<u32, LedgerError> {
        self.ledger.first_block().await
    }

    async fn events(&self, from: u32, to: u32) -> Result<Vec<Happened>, LedgerError> {
        self.ledger.events(from, to).await
    }

    async fn carry_out(&self, key: &str, act: &Act) -> Result<Block, LedgerError> {
        let lost = || LedgerError::Unavailable("lost".into());
        let loss = self.world().next();
        if loss == Some(Loss::Request) {
            return Err(lost());
        }
        let done = self.ledger.carry_out(key, act).await;
        if loss == Some(Loss::Answer) {
            return Err(lost());
        }
        done
    }
}

/// A day from its first payment to the payment of its total.
async fn a_day(world: Arc<World>) {
    for _ in 0..3 {
        world.round().await;
    }
    world.customers_pay().await;
    for _ in 0..6 {
        world.round().await;
    }
    world.debit_imports_its_book().await;
    // Friday's payments are matched on Monday.
    world.chain.pass_time(3 * DAY);
    world.rounds().await;
    world.is_done().await;
}

#[tokio::test]
async fn a_day_is_corrected_closed_and_paid_once_whatever_call_is_lost() {
    let world = World::start(None).await;
    a_day(world.clone()).await;
    let calls = world.calls.load(Ordering::Relaxed);
    assert!(
        calls >= 8,
        "record, two deliveries, statements, corrections, closing, payment: {calls}"
    );
    for call in 0..calls {
        for loss in [Loss::Request, Loss::Answer] {
            println!("losing call {call} ({loss:?})");
            a_day(World::start(Some((call, loss))).await).await;
        }
    }
}
