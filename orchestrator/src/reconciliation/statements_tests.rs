//! Statements, drawn up, fetched and matched, with a database each.
#![allow(clippy::unwrap_used)]

use std::sync::{
    atomic::{AtomicU64, Ordering},
    Mutex,
};

use async_trait::async_trait;
use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::{domain, BookId, Cause, Day, Entry, Kind, Side, Terms},
    settlement::Asset,
    AccountId, Amount, Member,
};

use super::{
    findings::{Finding, Tolerance},
    line::{decode_lines, Line},
    matching::{match_day, Inputs, MatchFault, Rules},
    messages::{
        ClosingProposal, CoSigned, CorrectionProposal, Delivery, PageRequest, SignedStatement, StatementRequest, PAGE,
    },
    ports::{Block, Event, Happened, Partners, PeerError},
    statements::{draw_up, fetch, snapshot, Other, Signer, StatementError, MOST_LINES},
};
use crate::{
    identity::{verify, SigningKey},
    store::{
        books::{LineChange, OwnLine},
        statements::StatementRow,
        Store,
    },
};

const BOOK: BookId = BookId(0);
const DAY: Day = Day(20_783);
const OTHER: Member = Member(2);
const CONTRACT: AccountId = AccountId([5; 32]);

fn line(number: u64) -> Line {
    Line {
        trade: TradeId::of(&number.to_string()),
        number: 0,
        day: DAY,
        amount: Amount::from(number) + 1_000,
        asset: Asset::Native,
        payer: Some(PayerId([1; 32])),
        time: None,
    }
}

/// A database in which this many lines are booked.
async fn booked(count: u64) -> Store {
    let store = Store::in_memory().await.unwrap();
    book(&store, (0..count).map(line).collect()).await;
    store
}

async fn book(store: &Store, lines: Vec<Line>) {
    change(store, Vec::new(), lines).await;
}

async fn change(store: &Store, before: Vec<Line>, after: Vec<Line>) {
    let own = |lines: Vec<Line>| {
        lines.into_iter().map(|line| OwnLine {
            line,
            reference: None,
            import: None,
        })
    };
    let change = LineChange {
        before: own(before).collect(),
        after: own(after).collect(),
        reason: "a test".to_owned(),
        at: 1,
    };
    store.change_lines(BOOK, TradeId([0; 32]), &change).await.unwrap();
}

/// Records entries like these lines, in the days of these.
async fn record(store: &Store, lines: &[Line]) {
    let terms = Terms {
        client: Member(1),
        debit: Member(1),
        credit: OTHER,
        asset: Asset::Native,
        zone: b"UTC".to_vec(),
        patience: 1,
        number: 0,
    };
    let mut events = vec![Event::BookOpened { book: BOOK, terms }];
    events.extend(lines.iter().map(|line| Event::Recorded {
        book: BOOK,
        day: line.day,
        batch: None,
        entries: vec![Entry {
            trade: line.trade,
            payer: PayerId([1; 32]),
            amount: line.amount,
            time: 1,
        }],
    }));
    let block = Block {
        number: 7,
        hash: [7; 32],
    };
    let events = events
        .into_iter()
        .zip(0..)
        .map(|(what, event)| Happened { block, event, what });
    let events: Vec<_> = events.collect();
    store
        .keep_reconciliation(CONTRACT, Member(1), &events, 7)
        .await
        .unwrap();
}

async fn drawn_up(store: &Store, side: Side, key: &SigningKey) -> StatementRow {
    let signer = Signer {
        key,
        domain: domain([1; 32], CONTRACT, 3),
    };
    draw_up(store, BOOK, side, DAY, signer, 100).await.unwrap()
}

/// The other side: it answers from a database, and lies as told.
struct Lender {
    store: Store,
    key: SigningKey,
    asked: AtomicU64,
    lie: fn(&mut SignedStatement, &SigningKey),
    lie_in_page: fn(u64, &mut Vec<Line>),
    error: Mutex<Option<PeerError>>,
}

impl Lender {
    async fn with(lines: u64) -> Self {
        Self {
            store: booked(lines).await,
            key: SigningKey::generate(),
            asked: AtomicU64::new(0),
            lie: |_, _| {},
            lie_in_page: |_, _| {},
            error: Mutex::new(None),
        }
    }

    async fn fetched(&self, store: &Store) -> Result<StatementRow, StatementError> {
        let request = StatementRequest {
            book: BOOK,
            day: DAY,
            block: 7,
        };
        let other = Other {
            partners: self,
            member: OTHER,
            side: Side::Credit,
            key: &self.key.public(),
            domain: domain([1; 32], CONTRACT, 3),
        };
        fetch(store, other, &request).await
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Signs what a lie made of a statement: it is a lie all the same.
fn sign(signed: &mut SignedStatement, key: &SigningKey) {
    signed.signature = key.sign(&signed.statement.payload(&domain([1; 32], CONTRACT, signed.epoch)));
}

#[async_trait]
impl Partners for Lender {
    async fn deliver(&self, _: Member, _: &Delivery) -> Result<(), PeerError> {
        unreachable!()
    }

    async fn statement(&self, to: Member, _: &StatementRequest) -> Result<SignedStatement, PeerError> {
        assert_eq!(to, OTHER);
        let mut signed = drawn_up(&self.store, Side::Credit, &self.key).await.signed().unwrap();
        (self.lie)(&mut signed, &self.key);
        Ok(signed)
    }

    async fn page(&self, _: Member, request: &PageRequest) -> Result<Vec<Line>, PeerError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(error) = self.error.lock().unwrap().take() {
            return Err(error);
        }
        let page = self
            .store
            .statement_page(request.book, Side::Credit, &request.digest, request.page);
        let mut lines = page
            .await
            .unwrap()
            .map(|page| decode_lines(&page).unwrap())
            .unwrap_or_default();
        (self.lie_in_page)(request.page, &mut lines);
        Ok(lines)
    }

    async fn correct(&self, _: Member, _: &CorrectionProposal) -> Result<CoSigned, PeerError> {
        unreachable!()
    }

    async fn close(&self, _: Member, _: &ClosingProposal) -> Result<CoSigned, PeerError> {
        unreachable!()
    }
}

#[tokio::test]
async fn a_statement_says_in_order_what_the_book_says_and_is_signed() {
    let key = SigningKey::generate();
    for count in [0, 1, PAGE as u64, PAGE as u64 + 1, 1_200] {
        let store = booked(count).await;
        let row = drawn_up(&store, Side::Debit, &key).await;
        let statement = row.statement;
        assert_eq!((statement.lines, statement.side), (count, Side::Debit));
        assert_eq!(
            statement.total,
            (0..count).map(|number| line(number).amount).sum::<u128>()
        );
        let signed = row.signed().unwrap();
        let payload = statement.payload(&domain([1; 32], CONTRACT, signed.epoch));
        assert!(verify(&key.public(), &payload, &signed.signature));

        let pages = store.pages(row.id, 0, 100).await.unwrap();
        assert_eq!(pages.len() as u64, count.div_ceil(PAGE as u64));
        let lines: Vec<Line> = pages.iter().flat_map(|page| decode_lines(page).unwrap()).collect();
        assert!(lines.is_sorted_by_key(|line| line.trade));
        assert_eq!(lines.len() as u64, count);
    }
}

#[tokio::test]
async fn a_book_that_says_the_same_again_is_kept_once_and_one_that_says_something_else_beside_it() {
    let store = booked(600).await;
    let key = SigningKey::generate();
    let first = drawn_up(&store, Side::Debit, &key).await;
    assert_eq!(drawn_up(&store, Side::Debit, &key).await.id, first.id);
    let altered = Line { amount: 1, ..line(7) };
    change(&store, vec![line(7)], vec![altered.clone()]).await;
    let second = drawn_up(&store, Side::Debit, &key).await;
    assert_ne!(second.statement.digest, first.statement.digest);
    change(&store, vec![altered], vec![line(7)]).await;
    assert_eq!(drawn_up(&store, Side::Debit, &key).await.id, first.id);
    let kept = store.statements(BOOK, Side::Debit, DAY).await.unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(store.pages(first.id, 0, 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_other_sides_statement_is_fetched_once_and_kept_as_it_signed_it() {
    let lender = Lender::with(1_200).await;
    let store = Store::in_memory().await.unwrap();
    let row = lender.fetched(&store).await.unwrap();
    assert_eq!(
        (row.statement.lines, row.statement.side, lender.asked()),
        (1_200, Side::Credit, 3)
    );
    let theirs = drawn_up(&lender.store, Side::Credit, &lender.key).await;
    assert_eq!(
        store.pages(row.id, 0, 9).await.unwrap(),
        lender.store.pages(theirs.id, 0, 9).await.unwrap()
    );
    let again = lender.fetched(&store).await.unwrap();
    assert_eq!((again.id, lender.asked()), (row.id, 3), "its pages are there");
    let kept = store
        .statement(BOOK, Side::Credit, DAY, &row.statement.digest)
        .await
        .unwrap();
    assert_eq!(kept, Some(again));
}

#[tokio::test]
async fn a_statement_that_isnt_good_is_refused_and_nothing_of_it_is_kept() {
    type Lie = fn(&mut SignedStatement, &SigningKey);
    let lies: [(Lie, &str); 9] = [
        (|signed, _| signed.statement.total += 1, "it didn't sign it"),
        (|signed, _| signed.signature.0[0] ^= 1, "it didn't sign it"),
        (
            |signed, key| {
                signed.statement.side = Side::Debit;
                sign(signed, key);
            },
            "it is of another book, day or side than was asked for",
        ),
        (
            |signed, key| {
                signed.statement.day = Day(1);
                sign(signed, key);
            },
            "it is of another book, day or side than was asked for",
        ),
        (
            |signed, key| {
                signed.statement.book = BookId(1);
                sign(signed, key);
            },
            "it is of another book, day or side than was asked for",
        ),
        (
            |signed, key| {
                signed.statement.lines = MOST_LINES + 1;
                sign(signed, key);
            },
            "it has more lines than any day",
        ),
        (
            |signed, key| {
                signed.statement.lines += 1;
                sign(signed, key);
            },
            "a page of it has more or fewer lines than it should",
        ),
        (
            |signed, key| {
                signed.statement.lines -= 1;
                sign(signed, key);
            },
            "a page of it has more or fewer lines than it should",
        ),
        (
            |signed, key| {
                signed.statement.total += 1;
                sign(signed, key);
            },
            "its pages come to something else",
        ),
    ];
    for (lie, why) in lies {
        let lender = Lender {
            lie,
            ..Lender::with(600).await
        };
        is_refused(&lender, why).await;
    }
    type LieInPage = fn(u64, &mut Vec<Line>);
    let lies: [(LieInPage, &str); 5] = [
        (|_, lines| lines[3].payer = None, "its pages come to something else"),
        (|_, lines| lines.swap(0, 1), "its lines don't ascend by id and number"),
        (
            |_, lines| lines[1] = lines[0].clone(),
            "its lines don't ascend by id and number",
        ),
        (
            |page, lines| {
                if page == 1 {
                    lines[0].trade = TradeId([0; 32])
                }
            },
            "its lines don't ascend by id and number",
        ),
        (|_, lines| lines[0].amount = Amount::MAX, "its lines come to too much"),
    ];
    for (lie_in_page, why) in lies {
        let lender = Lender {
            lie_in_page,
            ..Lender::with(600).await
        };
        is_refused(&lender, why).await;
    }
}

async fn is_refused(lender: &Lender, why: &str) {
    let store = Store::in_memory().await.unwrap();
    match lender.fetched(&store).await {
        Err(StatementError::Bad { member, why: said }) => assert_eq!((member, said), (OTHER, why)),
        other => panic!("{why}: {other:?}"),
    }
    assert_eq!(store.statements(BOOK, Side::Credit, DAY).await.unwrap(), []);
    assert_eq!(store.pages(1, 0, 9).await.unwrap(), Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn a_signature_of_another_epoch_is_asked_for_again() {
    let lender = Lender {
        lie: |signed, key| {
            signed.epoch = 2;
            sign(signed, key);
        },
        ..Lender::with(1).await
    };
    let store = Store::in_memory().await.unwrap();
    let refused = lender.fetched(&store).await;
    assert!(matches!(
        refused,
        Err(StatementError::StaleEpoch {
            given: 2,
            current: 3,
            ..
        })
    ));
}

#[tokio::test]
async fn what_was_fetched_in_part_is_fetched_again() {
    let lender = Lender::with(600).await;
    *lender.error.lock().unwrap() = Some(PeerError::Unreachable {
        member: OTHER,
        why: "a test".to_owned(),
    });
    let store = Store::in_memory().await.unwrap();
    assert!(matches!(lender.fetched(&store).await, Err(StatementError::Peer(_))));
    assert_eq!(lender.fetched(&store).await.unwrap().statement.lines, 600);
}

#[tokio::test]
async fn three_statements_are_matched_and_what_is_wrong_is_told_as_it_is_found() {
    let lender = Lender::with(1_200).await;
    let store = booked(1_200).await;
    let lines: Vec<Line> = (0..1_200).map(line).collect();
    let (before, after) = (Day(DAY.0 - 1), Day(DAY.0 + 1));
    // Of another day that is closed, of another that is open, and of no day at all.
    let elsewhere = [(2_000, before), (2_001, after)].map(|(number, day)| Line { day, ..line(number) });
    record(&store, &[lines, elsewhere.to_vec()].concat()).await;
    change(&store, vec![line(7)], vec![Line { amount: 1, ..line(7) }]).await;
    book(&store, vec![line(2_000), line(2_001), line(2_002)]).await;

    let key = SigningKey::generate();
    let (debit, credit) = (
        drawn_up(&store, Side::Debit, &key).await,
        lender.fetched(&store).await.unwrap(),
    );
    let chain = snapshot(&store, BOOK, DAY, 100).await.unwrap();
    assert_eq!((chain.statement.lines, chain.signed()), (1_200, None));
    let inputs = Inputs {
        store: &store,
        book: BOOK,
        debit: debit.id,
        credit: credit.id,
        chain: chain.id,
    };
    let rules = Rules {
        day: DAY,
        asset: Asset::Native,
        tolerance: Tolerance::default(),
        expected_since: 100,
        closed_through: Some(before),
    };
    let mut found: Vec<Finding> = Vec::new();
    let mut sink = |finding| {
        found.push(finding);
        Ok(())
    };
    let summary = match_day(inputs, &rules, &mut sink).await.unwrap();
    assert_eq!((summary.entries, summary.matched, summary.breaks), (1_200, 1_199, 3));
    assert_eq!((summary.debit_lines, summary.credit_lines), (1_203, 1_200));
    found.sort_by_key(|finding| finding.causes.clone());
    let told = found
        .iter()
        .map(|finding| (finding.trade, finding.causes.as_slice()))
        .collect::<Vec<_>>();
    let cause = |kind, side| [Cause { kind, side }];
    assert_eq!(
        told,
        [
            (line(2_002).trade, cause(Kind::Missing, Side::Chain).as_slice()),
            (line(7).trade, &cause(Kind::Amount, Side::Debit)),
            (line(2_000).trade, &cause(Kind::WrongDay, Side::Debit)),
        ]
    );
    assert_eq!(found[1].off(Side::Debit), 1 - 1_007);

    // The chain's entries aren't lines: what can't be read is told, not taken for nothing.
    let wrong = Inputs {
        chain: debit.id,
        ..inputs
    };
    let failed = match_day(wrong, &rules, &mut |_| Ok(())).await;
    assert!(matches!(failed, Err(MatchFault::Store(_))), "{failed:?}");
}
