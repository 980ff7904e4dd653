//! Certificates worked out from events.
use std::collections::BTreeMap;

use protocol::{
    fees::{FeePayee, FeeRule, Service},
    settlement::{Asset, Limit, Settlement, TransactionKind, Voucher},
    windows::Position,
    AccountId, Amount, Member, UserId,
};

use crate::windows::{
    certificate::{recompute, RecomputeError},
    ports::Record,
};

const A: Member = Member(0);
const B: Member = Member(1);
const C: Member = Member(2);
const WINDOW: u32 = 3;

/// A user of `home` pays at `originator`.
pub fn voucher(sequence: u64, originator: Member, home: Member, amount: Amount) -> Voucher {
    Voucher {
        sequence,
        originator,
        home,
        others: vec![],
        user: UserId::of(home, "4711"),
        wallet: AccountId([9; 32]),
        kind: TransactionKind::Purchase,
        asset: Asset::Native,
        amount,
        limit: Limit::PerTransaction(amount),
        settlement: Settlement::Net,
        fees: 0,
        issued_at: 1,
        expires_at: 2,
    }
}

fn retained(batch: u32, window: u32, vouchers: &[Voucher]) -> Record {
    Record::Retained {
        batch,
        drawn_at: 5,
        window,
        vouchers: vouchers.to_vec(),
    }
}

fn schedules() -> BTreeMap<u32, Vec<FeeRule>> {
    let fee = FeeRule {
        service: Service::Purchase,
        asset: Asset::Native,
        payee: FeePayee::Originator,
        flat: 2,
        parts_per_million: 0,
        at_most: 2,
    };
    [(0, vec![]), (1, vec![fee])].into()
}

fn lines(records: &[Record]) -> Vec<(Member, Position)> {
    let certificate = recompute(WINDOW, records, &schedules(), &BTreeMap::new()).unwrap();
    let lines = certificate.lines.iter();
    lines.map(|line| (line.member, line.position)).collect()
}

fn position(owed: Amount, owes: Amount) -> Position {
    Position { owed, owes }
}

#[test]
fn positions_add_up_over_batches_in_the_order_of_their_first_obligation() {
    let records = [
        retained(1, WINDOW, &[voucher(1, C, B, 10)]),
        retained(2, WINDOW, &[voucher(2, A, B, 5), voucher(3, B, C, 4)]),
    ];
    // The first batch touches B and C, ascending; the second adds A.
    assert_eq!(
        lines(&records),
        [(B, position(4, 15)), (C, position(10, 4)), (A, position(5, 0))]
    );
}

#[test]
fn a_batch_of_several_events_is_one_batch() {
    let records = [
        retained(1, WINDOW, &[voucher(1, C, B, 10)]),
        retained(1, WINDOW, &[voucher(2, A, B, 5)]),
    ];
    let members: Vec<Member> = lines(&records).into_iter().map(|(member, _)| member).collect();
    assert_eq!(members, [A, B, C]);
}

#[test]
fn what_is_gross_or_in_another_window_does_not_count() {
    let gross = Voucher {
        settlement: Settlement::Gross,
        ..voucher(1, A, B, 7)
    };
    let records = [
        retained(1, WINDOW - 1, &[voucher(2, A, B, 9)]),
        retained(2, WINDOW, &[gross]),
        retained(3, WINDOW, &[voucher(3, A, B, 1)]),
        retained(4, WINDOW + 1, &[voucher(4, A, B, 9)]),
    ];
    assert_eq!(lines(&records), [(A, position(1, 0)), (B, position(0, 1))]);
    let certificate = recompute(WINDOW, &records, &schedules(), &BTreeMap::new()).unwrap();
    assert_eq!(certificate.vouchers, 1);
}

#[test]
fn fees_count_by_the_schedule_that_the_voucher_names() {
    let with_fee = Voucher {
        fees: 1,
        ..voucher(1, A, B, 10)
    };
    let unknown = Voucher {
        fees: 2,
        ..with_fee.clone()
    };
    assert_eq!(
        lines(&[retained(1, WINDOW, &[with_fee])]),
        [(A, position(12, 0)), (B, position(0, 12))]
    );
    let records = [retained(1, WINDOW, std::slice::from_ref(&unknown))];
    let error = recompute(WINDOW, &records, &schedules(), &BTreeMap::new()).unwrap_err();
    assert_eq!(error, RecomputeError::UnknownFees(unknown.id(), 2));
}

#[test]
fn what_was_taken_out_does_not_count_and_keeps_its_place() {
    let out = voucher(1, C, B, 10);
    let records = [
        retained(1, WINDOW, &[out.clone(), voucher(2, A, B, 5)]),
        Record::TakenOut {
            window: WINDOW,
            vouchers: vec![out.id()],
        },
    ];
    assert_eq!(
        lines(&records),
        [(A, position(5, 0)), (B, position(0, 5)), (C, position(0, 0))]
    );
    let twice = [&records[..], &records[1..]].concat();
    let error = recompute(WINDOW, &twice, &schedules(), &BTreeMap::new()).unwrap_err();
    assert_eq!(error, RecomputeError::NotInWindow(out.id()));
}

#[test]
fn caps_stand_in_the_lines() {
    let caps = [((A, Asset::Native), 7)].into();
    let records = [retained(1, WINDOW, &[voucher(1, A, B, 10)])];
    let certificate = recompute(WINDOW, &records, &schedules(), &caps).unwrap();
    let caps: Vec<Amount> = certificate.lines.iter().map(|line| line.cap).collect();
    assert_eq!(caps, [7, 0]);
}

#[test]
fn sums_beyond_what_amounts_hold_are_an_error() {
    let records = [retained(
        1,
        WINDOW,
        &[voucher(1, A, B, Amount::MAX), voucher(2, A, B, 1)],
    )];
    let error = recompute(WINDOW, &records, &schedules(), &BTreeMap::new()).unwrap_err();
    assert_eq!(error, RecomputeError::Overflow(WINDOW));
}
