#![allow(clippy::unwrap_used)]
use protocol::{
    reconciliation::{
        self, Cause, Closed, Closing, Correction, Entry, Kind, Side, SignedCorrection, Terms, DAY as LONG,
    },
    registry::{Change, Roles, Status},
    settlement::Asset,
    signing::Domain,
    Amount, Member, PayerId, Signature,
};
use sp_core::Pair as _;

use super::*;
use crate::audit::chain::{
    rebuild::stage::{account, call, key, Stage, GENESIS, REGISTRY},
    Call,
};

const HERE: AccountId = AccountId([50; 32]);
const BOOK: BookId = BookId(0);
const DEBIT: Member = Member(0);
const CREDIT: Member = Member(1);
const CLIENT: Member = Member(2);
const FIRST: Day = Day(0);
const SECOND: Day = Day(1);
const PATIENCE: u64 = LONG;
const LATE: u64 = 100 * LONG;

fn terms() -> Terms {
    Terms {
        client: CLIENT,
        debit: DEBIT,
        credit: CREDIT,
        asset: Asset::Native,
        zone: b"Europe/Berlin".to_vec(),
        patience: PATIENCE,
        number: 0,
    }
}

fn trade(n: u8) -> TradeId {
    TradeId([n; 32])
}

fn entry(n: u8, amount: Amount) -> Entry {
    Entry {
        trade: trade(n),
        payer: PayerId([1; 32]),
        amount,
        time: 5,
    }
}

/// Two institutions and their book.
struct Desk {
    stage: Stage,
    /// Who signs where the credit side should.
    credit: Member,
}

impl Desk {
    /// With a book.
    fn open() -> Self {
        let mut desk = Self::empty();
        desk.open_book(BOOK, &terms());
        desk
    }

    fn empty() -> Self {
        let mut stage = Stage::new();
        for _ in 0..3 {
            stage.register(Roles::PARTICIPANT);
        }
        let new = call(HERE, account(0), "new", &(GENESIS, REGISTRY));
        stage.next().tell(take, HERE, MADE, &(), Some(&new));
        let credit = CREDIT;
        Self { stage, credit }
    }

    fn domain(&self) -> Domain {
        reconciliation::domain(GENESIS, HERE, self.stage.epoch)
    }

    fn sign(&self, payload: &[u8]) -> (Signature, Signature) {
        let by = |member| Signature(key(member).sign(payload).0);
        (by(DEBIT), by(self.credit))
    }

    fn tell(&mut self, event: &str, fields: &impl Encode, call: &Call) {
        self.stage.next().tell(take, HERE, event, fields, Some(call));
    }

    fn open_book(&mut self, book: BookId, terms: &Terms) {
        let (debit, credit) = self.sign(&terms.payload(&self.domain(), LATE));
        let asked = (terms, self.stage.epoch, LATE, debit, credit);
        let call = call(HERE, account(77), "open_book", &asked);
        self.tell("BookOpened", &(book, terms), &call);
    }

    fn record(&mut self, sender: Member, day: Day, entries: &[Entry]) {
        let fields = (BOOK, day, None::<protocol::reconciliation::BatchId>, entries.to_vec());
        let call = call(HERE, account(sender.0), "record", &fields);
        self.tell("Recorded", &fields, &call);
    }

    fn correct(&mut self, number: u32, day: Day, n: u8, before: Option<Amount>, amount: Amount) {
        let correction = Correction {
            book: BOOK,
            trade: trade(n),
            number,
            day,
            causes: vec![Cause {
                kind: Kind::Amount,
                side: Side::Credit,
            }],
            debit: Some(amount),
            credit: before,
            amount,
            payer: PayerId([1; 32]),
            time: 5,
            evidence: [3; 32],
            expires_at: LATE,
        };
        let (debit, credit) = self.sign(&correction.payload(&self.domain()));
        let signed = SignedCorrection {
            correction: correction.clone(),
            epoch: self.stage.epoch,
            debit,
            credit,
        };
        let call = call(HERE, account(77), "correct", &(BOOK, vec![signed]));
        self.tell("Corrected", &(BOOK, before, correction), &call);
    }

    /// A day is closed with these counts, by both sides or by the debit side alone.
    fn close(&mut self, day: Day, (matched, breaks, total): (u32, u32, i128), is_default: bool, payable: Amount) {
        let closing = Closing {
            book: BOOK,
            day,
            matched,
            breaks,
            total,
            debit_book: [4; 32],
            credit_book: [5; 32],
            expires_at: LATE,
        };
        let closed = Closed {
            id: closing.id(),
            payable,
            carried: total.min(0),
            at: self.stage.block.time,
            is_default,
        };
        self.closed(closing, closed);
    }

    fn closed(&mut self, closing: Closing, closed: Closed) {
        let (debit, credit) = self.sign(&closing.payload(&self.domain()));
        let credit = (!closed.is_default).then_some(credit);
        let asked = (closing, self.stage.epoch, Some(debit), credit);
        let call = call(HERE, account(DEBIT.0), "close_day", &asked);
        self.tell("DayClosed", &(BOOK, closing, closed), &call);
    }

    fn codes(&mut self) -> Vec<&str> {
        let Stage {
            block,
            tables,
            findings,
            ..
        } = &mut self.stage;
        sums("contract", HERE, *block, tables, findings).unwrap();
        self.stage.codes()
    }

    fn found(&mut self) -> Vec<String> {
        let found = self.codes().into_iter().map(str::to_owned).collect();
        self.stage.findings.first.clear();
        found
    }
}

#[test]
fn a_book_that_both_sides_signed_for_is_rebuilt() {
    let mut desk = Desk::open();
    desk.record(CLIENT, FIRST, &[entry(1, 100), entry(2, 50)]);
    desk.correct(0, FIRST, 2, Some(50), 0);
    desk.correct(0, FIRST, 3, None, 30);
    desk.stage.later(2 * LONG);
    desk.close(FIRST, (2, 2, 130), false, 130);
    desk.record(CLIENT, SECOND, &[entry(4, 10)]);
    desk.correct(0, SECOND, 1, Some(100), 60);
    desk.stage.later(2 * LONG);
    desk.close(SECOND, (1, 1, -30), true, 0);
    assert_eq!(desk.codes(), Vec::<&str>::new());

    let kept = desk.stage.tables.of(HERE);
    let book = protocol::KeyComposer::from_str("Reconciliation::books");
    let book: Book = kept.get(book, &BOOK).unwrap().unwrap();
    assert_eq!(
        (book.open.len(), book.closed_through, book.carried),
        (0, Some(SECOND), -30)
    );
    let entries = protocol::KeyComposer::from_str("Reconciliation::entries");
    let late: EntryRecord = kept.get(entries, &(BOOK, trade(1))).unwrap().unwrap();
    assert_eq!((late.amount, late.day, late.corrections), (60, FIRST, 1));
    let days = protocol::KeyComposer::from_str("Reconciliation::days");
    let day: DayRecord = kept.get(days, &(BOOK, FIRST)).unwrap().unwrap();
    assert_eq!((day.entries, day.corrections, day.total), (2, 2, 130));
    assert_eq!(day.closed.map(|closed| closed.payable), Some(130));
    assert_eq!(kept.head::<Head>().unwrap().unwrap().count, 1);
    assert_eq!(desk.stage.findings.unseen, 0);
}

#[test]
fn what_another_one_signed_is_found() {
    let mut desk = Desk::empty();
    desk.credit = CLIENT;
    desk.open_book(BOOK, &terms());
    assert_eq!(desk.found(), ["bad-signature"]);
    desk.credit = CREDIT;
    desk.record(DEBIT, FIRST, &[entry(1, 100)]);
    assert_eq!(desk.found(), ["wrong-sender"], "only the client records");
    desk.credit = CLIENT;
    desk.correct(0, FIRST, 1, Some(100), 60);
    desk.stage.later(2 * LONG);
    desk.close(FIRST, (1, 1, 60), false, 60);
    assert_eq!(desk.found(), ["bad-signature"; 2]);
}

#[test]
fn who_is_suspended_or_signed_for_another_epoch_is_found() {
    let mut desk = Desk::open();
    let (member, status) = (CREDIT, Status::Suspended);
    desk.stage.change(Some(member), &Change::SetStatus { member, status });
    desk.stage.epoch -= 1;
    let other = Terms { number: 1, ..terms() };
    desk.open_book(BookId(1), &other);
    assert_eq!(desk.found(), ["stale-epoch", "not-active"]);
}

#[test]
fn what_a_suspended_client_records_is_found() {
    let mut desk = Desk::open();
    let (member, status) = (CLIENT, Status::Suspended);
    desk.stage.change(Some(member), &Change::SetStatus { member, status });
    desk.record(CLIENT, FIRST, &[entry(1, 100)]);
    assert_eq!(desk.found(), ["not-active"]);
}

#[test]
fn books_and_entries_come_once() {
    let mut desk = Desk::open();
    desk.open_book(BookId(2), &terms());
    assert_eq!(
        desk.found(),
        ["wrong-value", "twice"],
        "another number is due, and other terms"
    );
    let mut desk = Desk::open();
    desk.record(CLIENT, FIRST, &[entry(1, 100), entry(1, 100)]);
    assert_eq!(desk.found(), ["twice", "contradiction"]);
    let mut desk = Desk::open();
    desk.record(CLIENT, Day(9), &[entry(1, 0)]);
    assert_eq!(
        desk.found(),
        ["too-early", "zero-amount"],
        "the day is far, the amount nothing"
    );
}

#[test]
fn a_correction_is_good_once_and_only_for_an_open_day() {
    let mut desk = Desk::open();
    desk.record(CLIENT, FIRST, &[entry(1, 100)]);
    desk.correct(0, FIRST, 1, Some(90), 60);
    assert_eq!(desk.found(), ["wrong-value"], "what it was before");
    desk.correct(0, FIRST, 1, Some(60), 50);
    assert_eq!(desk.found(), ["wrong-value", "contradiction"], "it is the second one");
    let mut desk = Desk::open();
    desk.record(CLIENT, FIRST, &[entry(1, 100)]);
    desk.stage.later(2 * LONG);
    desk.correct(0, SECOND, 1, Some(100), 60);
    assert_eq!(desk.found(), ["wrong-state"], "its own day is open");
    let mut desk = Desk::open();
    desk.record(CLIENT, FIRST, &[entry(1, 100)]);
    desk.stage.later(2 * LONG);
    desk.close(FIRST, (1, 0, 100), false, 100);
    assert_eq!(desk.found(), Vec::<String>::new());
    desk.correct(0, FIRST, 1, Some(100), 60);
    assert!(desk.found().contains(&"wrong-state".to_owned()), "the day is closed");
}

#[test]
fn a_closing_of_other_counts_another_total_or_another_sum_is_found() {
    for (counts, payable, found) in [
        ((2, 0, 100), 100, "wrong-value"),
        ((1, 1, 100), 100, "wrong-value"),
        ((1, 0, 100), 99, "wrong-value"),
    ] {
        let mut desk = Desk::open();
        desk.record(CLIENT, FIRST, &[entry(1, 100)]);
        desk.stage.later(2 * LONG);
        desk.close(FIRST, counts, false, payable);
        assert_eq!(desk.found().first().map(String::as_str), Some(found), "{counts:?}");
    }
}

#[test]
fn a_day_that_is_closed_too_early_out_of_order_or_under_another_id_is_found() {
    let mut desk = Desk::open();
    desk.record(CLIENT, FIRST, &[entry(1, 100)]);
    desk.close(FIRST, (1, 0, 100), false, 100);
    assert_eq!(desk.found(), ["too-early"], "it isn't over anywhere");

    let mut desk = Desk::open();
    desk.record(CLIENT, FIRST, &[entry(1, 100)]);
    desk.stage.later(LONG);
    desk.close(FIRST, (1, 0, 100), true, 100);
    assert_eq!(desk.found(), ["too-early"], "the other side has time left");

    let mut desk = Desk::open();
    desk.stage.later(3 * LONG);
    desk.record(CLIENT, FIRST, &[entry(1, 100)]);
    desk.record(CLIENT, SECOND, &[entry(2, 100)]);
    desk.close(SECOND, (1, 0, 100), false, 100);
    assert_eq!(
        desk.found().first().map(String::as_str),
        Some("wrong-state"),
        "an earlier one is open"
    );

    let mut desk = Desk::open();
    desk.record(CLIENT, FIRST, &[entry(1, 100)]);
    desk.stage.later(2 * LONG);
    let closing = Closing {
        book: BOOK,
        day: FIRST,
        matched: 1,
        breaks: 0,
        total: 100,
        debit_book: [4; 32],
        credit_book: [5; 32],
        expires_at: LATE,
    };
    let closed = Closed {
        id: [0; 32],
        payable: 100,
        carried: 0,
        at: desk.stage.block.time,
        is_default: false,
    };
    desk.closed(closing, closed);
    assert_eq!(desk.found(), ["wrong-digest"]);
}

#[test]
fn a_correction_that_nobody_asked_for_is_found() {
    let mut desk = Desk::open();
    desk.record(CLIENT, FIRST, &[entry(1, 100)]);
    let none = call(HERE, account(77), "correct", &(BOOK, Vec::<SignedCorrection>::new()));
    let correction = Correction {
        book: BOOK,
        trade: trade(1),
        number: 0,
        day: FIRST,
        causes: vec![],
        debit: None,
        credit: None,
        amount: 60,
        payer: PayerId([1; 32]),
        time: 5,
        evidence: [3; 32],
        expires_at: LATE,
    };
    desk.tell("Corrected", &(BOOK, Some(100u128), correction), &none);
    assert_eq!(
        desk.found(),
        ["too-many", "other-arguments", "bad-terms"],
        "nor has it a cause"
    );
}

#[test]
fn a_contract_whose_making_cant_be_seen_is_told_once() {
    let mut stage = Stage::new();
    stage.next().tell(take, HERE, MADE, &(), None);
    stage.next().tell(take, HERE, "BookOpened", &(BOOK, terms()), None);
    assert_eq!(stage.codes(), ["never-made"]);
    assert_eq!(stage.findings.unseen, 1);
}
