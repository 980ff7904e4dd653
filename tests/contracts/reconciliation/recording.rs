//! The client records what customers paid (S3.1).
use protocol::{
    reconciliation::{BatchId, DayRecord, EntryRecord, Error, Terms},
    registry::{Change, Roles, Status},
    Member,
};
use quittance_runtime::UNIT;
use quittance_tests::{
    contract_chain::START,
    institutions::{account, key},
    reconciliation::{
        entries, entry, terms, trade, Office, AMOUNT, BOOK, CLIENT, CREDIT, DAY_BEFORE, DEBIT, STRANGER, TODAY,
        YESTERDAY,
    },
};
use sp_core::Pair as _;

use super::refused;

#[test]
fn an_entry_is_kept_as_the_client_wrote_it_on_its_day() {
    let mut office = Office::default();
    let batch = Some(BatchId::of("evening"));
    let entry = entry(1, AMOUNT);
    office.record_batch(YESTERDAY, batch, &[entry]).unwrap();
    let expected = EntryRecord {
        payer: entry.payer,
        amount: AMOUNT,
        time: entry.time,
        day: YESTERDAY,
        batch,
        corrections: 0,
    };
    assert_eq!(office.entry(BOOK, entry.trade), expected);
    assert_eq!(expected.entry(entry.trade), entry);
    let asked = (BOOK, vec![entry.trade, trade(2)]);
    let asked: Result<Vec<Option<EntryRecord>>, Error> = office.send(STRANGER, "entries", asked);
    assert_eq!(asked, Ok(vec![Some(expected), None]));
}

#[test]
fn a_day_counts_and_adds_up_what_is_recorded_on_it() {
    let mut office = Office::default();
    office
        .record(YESTERDAY, &[entry(1, 100), entry(2, 20), entry(3, 3)])
        .unwrap();
    office.record(TODAY, &[entry(4, 7)]).unwrap();
    office.record(YESTERDAY, &[entry(5, 1_000)]).unwrap();
    let expected = DayRecord {
        entries: 4,
        corrections: 0,
        total: 1_123,
        closed: None,
    };
    assert_eq!(office.day(BOOK, YESTERDAY), expected);
    assert_eq!(office.day(BOOK, TODAY).total, 7);
    let asked = (BOOK, vec![TODAY, DAY_BEFORE, YESTERDAY]);
    let asked: Result<Vec<Option<DayRecord>>, Error> = office.send(STRANGER, "days", asked);
    let [today, before, yesterday] = asked.unwrap().try_into().unwrap();
    assert_eq!((today.unwrap().entries, before, yesterday), (1, None, Some(expected)));
}

#[test]
fn days_are_open_from_their_first_entry_on_in_their_order() {
    let mut office = Office::default();
    for (number, day) in (0..).zip([TODAY, DAY_BEFORE, YESTERDAY, TODAY]) {
        office.record(day, &[entry(number, AMOUNT)]).unwrap();
    }
    assert_eq!(office.book(BOOK).open, [DAY_BEFORE, YESTERDAY, TODAY]);
}

#[test]
fn the_same_trade_can_stand_in_two_books() {
    let mut office = Office::default();
    let other = office.open(&terms(1)).unwrap();
    office.record(YESTERDAY, &entries(1)).unwrap();
    let args = (other, TODAY, None::<BatchId>, vec![entry(0, 7)]);
    let recorded: Result<(), Error> = office.send(CLIENT, "record", args);
    assert_eq!(recorded, Ok(()));
    assert_eq!(office.entry(BOOK, trade(0)).amount, AMOUNT);
    assert_eq!(office.entry(other, trade(0)).amount, 7);
    assert_eq!(office.day(BOOK, YESTERDAY).total, 1_000);
    assert_eq!(office.try_day(BOOK, TODAY), None);
}

#[test]
fn only_the_account_of_the_books_client_records() {
    let mut office = Office::default();
    let args = (BOOK, YESTERDAY, None::<BatchId>, entries(1));
    for other in [DEBIT, CREDIT, STRANGER] {
        refused(&mut office, other, "record", &args, Error::NotTheClient);
    }
}

#[test]
fn a_side_that_is_the_client_records() {
    let mut office = Office::default();
    let terms = Terms {
        client: CREDIT,
        ..terms(1)
    };
    let book = office.open(&terms).unwrap();
    let args = (book, YESTERDAY, None::<BatchId>, entries(1));
    refused(&mut office, CLIENT, "record", &args, Error::NotTheClient);
    let recorded: Result<(), Error> = office.send(CREDIT, "record", args);
    assert_eq!(recorded, Ok(()));
}

#[test]
fn a_client_that_is_suspended_or_no_participant_records_nothing() {
    for change in [
        Change::SetStatus {
            member: CLIENT,
            status: Status::Suspended,
        },
        Change::SetStatus {
            member: CLIENT,
            status: Status::Revoked,
        },
        Change::SetRoles {
            member: CLIENT,
            roles: Roles::REGULATOR,
        },
    ] {
        let mut office = Office::default();
        office.govern(change);
        let args = (BOOK, YESTERDAY, None::<BatchId>, entries(1));
        refused(&mut office, CLIENT, "record", args, Error::NotActive(CLIENT));
    }
}

#[test]
fn a_client_with_a_new_account_records_from_that_one() {
    let mut office = Office::default();
    let moved = Member(50);
    office.chain.pay(account(moved), 1_000 * UNIT);
    office.govern(Change::SetKeys {
        member: CLIENT,
        account: account(moved),
        signing_key: key(CLIENT).public().0,
        certificate: [9; 32],
    });
    let args = (BOOK, YESTERDAY, None::<BatchId>, entries(1));
    refused(&mut office, CLIENT, "record", &args, Error::NotTheClient);
    let recorded: Result<(), Error> = office.send(moved, "record", args);
    assert_eq!(recorded, Ok(()));
}

#[test]
fn the_sides_need_not_be_active_for_the_client_to_record() {
    let mut office = Office::default();
    for side in [DEBIT, CREDIT] {
        office.set_status(side, Status::Suspended);
    }
    office.record(YESTERDAY, &entries(1)).unwrap();
}

#[test]
fn when_a_customer_paid_is_what_the_client_says() {
    let mut office = Office::default();
    for (number, time) in (0..).zip([0, START, u64::MAX]) {
        let entry = protocol::reconciliation::Entry {
            time,
            ..entry(number, AMOUNT)
        };
        office.record(YESTERDAY, &[entry]).unwrap();
        assert_eq!(office.entry(BOOK, entry.trade).time, time);
    }
}
