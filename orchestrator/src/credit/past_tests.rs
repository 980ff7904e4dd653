//! Records of payers, from events made up.
#![allow(clippy::unwrap_used)]
use super::*;

const PAYER: AccountId = AccountId([1; 32]);
const OTHER: AccountId = AccountId([2; 32]);
const DUE: Timestamp = 5_000;
/// Longer ago than anything here.
const ALL: Timestamp = 100_000;
const FIRST: RequestId = RequestId([1; 32]);
const SECOND: RequestId = RequestId([2; 32]);

/// A block of the thousandth of its time.
fn at(time: Timestamp) -> When {
    When {
        block: u32::try_from(time / 1_000).unwrap(),
        time,
    }
}

fn reserved(id: RequestId, payer: AccountId, amount: Amount) -> Event {
    Event::Reserved {
        id,
        payer,
        asset: Asset::Native,
        amount,
    }
}

fn committed(id: RequestId) -> Event {
    Event::Committed { id, due_at: DUE }
}

fn repaid(id: RequestId, principal: Amount, late_fee: Amount) -> Event {
    Event::Repaid {
        id,
        principal,
        late_fee,
    }
}

fn past(events: &[(Timestamp, Event)]) -> Past {
    let mut past = Past::default();
    for (time, event) in events {
        past.take(at(*time), *event).unwrap();
    }
    past
}

/// A debt of 100, taken up in the block at 2,000, and more.
fn with(events: &[(Timestamp, Event)]) -> Past {
    let debt = [(1_000, reserved(FIRST, PAYER, 100)), (2_000, committed(FIRST))];
    past(&[&debt, events].concat())
}

fn record(past: &Past, time: Timestamp, window: Timestamp) -> Record {
    past.record(PAYER, Asset::Native, at(time), window)
}

#[test]
fn what_is_repaid_before_its_due_time_is_on_time_and_at_that_time_it_is_late() {
    let on_time = record(&with(&[(DUE - 1, repaid(FIRST, 100, 0))]), DUE, ALL);
    assert_eq!(
        (on_time.repaid_on_time, on_time.repaid_late, on_time.overdue),
        (100, 0, 0)
    );
    let late = record(&with(&[(DUE, repaid(FIRST, 100, 0))]), DUE, ALL);
    assert_eq!((late.repaid_on_time, late.repaid_late, late.overdue), (0, 100, 0));
}

#[test]
fn principal_is_overdue_from_its_due_time_on_whether_or_not_it_was_marked() {
    let past = with(&[
        (3_000, repaid(FIRST, 30, 0)),
        (7_000, Event::FellOverdue { id: FIRST, late_fee: 5 }),
    ]);
    assert_eq!(record(&past, DUE - 1, ALL).overdue, 0);
    let due = record(&past, DUE, ALL);
    assert_eq!((due.overdue, due.fees_unpaid), (70, 0));
    let marked = record(&past, 7_000, ALL);
    assert_eq!((marked.overdue, marked.fees_unpaid), (70, 5));
    // However long ago.
    assert_eq!(record(&past, 90_000, 1).overdue, 70);
}

#[test]
fn a_late_fee_is_owed_until_it_is_paid() {
    let past = with(&[
        (6_000, Event::FellOverdue { id: FIRST, late_fee: 5 }),
        (6_000, repaid(FIRST, 100, 2)),
        (7_000, repaid(FIRST, 0, 3)),
    ]);
    let first = record(&past, 6_500, ALL);
    assert_eq!((first.overdue, first.fees_unpaid, first.repaid_late), (0, 3, 100));
    assert_eq!(record(&past, 7_000, ALL).fees_unpaid, 0);
}

#[test]
fn the_window_ends_with_its_block_and_begins_after_its_start() {
    let past = with(&[(4_000, repaid(FIRST, 100, 0))]);
    let sums = |time, window| {
        let record = record(&past, time, window);
        (record.committed, record.repaid_on_time)
    };
    assert_eq!(sums(9_000, 7_001), (100, 100));
    assert_eq!(sums(9_000, 7_000), (0, 100), "what was exactly so long ago is outside");
    assert_eq!(sums(9_000, 5_000), (0, 0));
    assert_eq!(sums(3_000, ALL), (100, 0), "what came later isn't in it");
    assert_eq!(sums(1_500, ALL), (0, 0));
    assert_eq!(sums(9_000, Timestamp::MAX), (100, 100), "since before 1970");
}

#[test]
fn a_block_at_the_same_time_as_a_later_one_does_not_hold_what_came_in_that() {
    let past = with(&[(4_000, repaid(FIRST, 100, 0))]);
    let before = When { block: 3, time: 4_000 };
    assert_eq!(past.record(PAYER, Asset::Native, before, ALL).repaid_on_time, 0);
}

#[test]
fn payers_and_assets_are_told_apart() {
    let token = Asset::Psp22(AccountId([9; 32]));
    let in_token = Event::Reserved {
        id: RequestId([3; 32]),
        payer: PAYER,
        asset: token,
        amount: 7,
    };
    let past = with(&[
        (3_000, reserved(SECOND, OTHER, 50)),
        (3_000, committed(SECOND)),
        (3_000, in_token),
        (3_000, committed(RequestId([3; 32]))),
    ]);
    let committed = |payer, asset| past.record(payer, asset, at(4_000), ALL).committed;
    assert_eq!(committed(PAYER, Asset::Native), 100);
    assert_eq!(committed(OTHER, Asset::Native), 50);
    assert_eq!(committed(PAYER, token), 7);
    assert_eq!(past.record(OTHER, token, at(4_000), ALL), Record::default());
}

#[test]
fn reservations_say_nothing_and_are_forgotten_when_they_end() {
    let mut past = past(&[(1_000, reserved(FIRST, PAYER, 100))]);
    assert_eq!(record(&past, 90_000, ALL), Record::default());
    past.take(at(2_000), Event::Ended(FIRST)).unwrap();
    assert!(past.debts.is_empty());
}

#[test]
fn a_debt_that_was_never_reserved_is_named() {
    for event in [
        committed(FIRST),
        repaid(FIRST, 1, 0),
        Event::Ended(FIRST),
        Event::FellOverdue { id: FIRST, late_fee: 0 },
    ] {
        assert_eq!(Past::default().take(at(1_000), event), Err(Gap(FIRST)), "{event:?}");
    }
}

#[test]
fn sums_of_the_largest_amounts_stop_there() {
    let past = past(&[
        (1_000, reserved(FIRST, PAYER, Amount::MAX)),
        (1_000, reserved(SECOND, PAYER, Amount::MAX)),
        (2_000, committed(FIRST)),
        (2_000, committed(SECOND)),
    ]);
    let record = record(&past, DUE, ALL);
    assert_eq!((record.committed, record.overdue), (Amount::MAX, Amount::MAX));
}
