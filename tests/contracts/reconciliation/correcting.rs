//! What was wrong, and is right now, as both sides signed it (S3.4).
use protocol::{
    reconciliation::{BatchId, Correction, DayRecord, EntryRecord, Error, Kind, Side, SignedCorrection},
    registry::Status,
    Member, PayerId,
};
use quittance_tests::{
    contract_chain::START,
    reconciliation::{
        cause, entries, entry, trade, Office, AMOUNT, BOOK, CLIENT, CREDIT, DEBIT, STRANGER, TODAY, TOMORROW, YESTERDAY,
    },
};

use super::refused;

/// Three entries of yesterday.
fn office() -> Office {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(3)).unwrap();
    office
}

fn correct(office: &mut Office, corrections: Vec<Correction>) -> Result<(), Error> {
    let signed: Vec<SignedCorrection> = corrections
        .into_iter()
        .map(|correction| office.signed(correction))
        .collect();
    office.send(STRANGER, "correct", (BOOK, signed))
}

#[track_caller]
fn stands(record: DayRecord, entries: u32, corrections: u32, total: i128) {
    assert_eq!(
        (record.entries, record.corrections, record.total),
        (entries, corrections, total)
    );
}

#[test]
fn an_entry_becomes_what_both_sides_signed_and_its_day_with_it() {
    let mut office = Office::default();
    let batch = Some(BatchId::of("evening"));
    office.record_batch(YESTERDAY, batch, &entries(3)).unwrap();
    let correction = Correction {
        payer: PayerId([8; 32]),
        time: 5,
        ..office.correction(trade(1), AMOUNT - 1)
    };
    correct(&mut office, vec![correction]).unwrap();
    let expected = EntryRecord {
        payer: PayerId([8; 32]),
        amount: AMOUNT - 1,
        time: 5,
        day: YESTERDAY,
        batch,
        corrections: 1,
    };
    assert_eq!(office.entry(BOOK, trade(1)), expected);
    stands(office.day(BOOK, YESTERDAY), 3, 1, 2_999);
}

#[test]
fn an_entry_can_be_corrected_again_and_each_correction_is_good_once() {
    let mut office = office();
    let first = office.correction(trade(1), 5);
    let first = office.signed(first);
    let args = (BOOK, vec![first]);
    let done: Result<(), Error> = office.send(STRANGER, "correct", &args);
    assert_eq!(done, Ok(()));
    let stale = Error::StaleCorrection {
        trade: trade(1),
        corrections: 1,
    };
    refused(&mut office, STRANGER, "correct", args, stale);
    office.correct(trade(1), 6).unwrap();
    assert_eq!(office.entry(BOOK, trade(1)).corrections, 2);
    stands(office.day(BOOK, YESTERDAY), 3, 2, 2_006);
}

#[test]
fn what_both_agree_never_was_comes_to_nothing_and_stays_known() {
    let mut office = office();
    office.correct(trade(1), 0).unwrap();
    stands(office.day(BOOK, YESTERDAY), 2, 1, 2_000);
    let args = (BOOK, YESTERDAY, None::<BatchId>, vec![entry(1, AMOUNT)]);
    refused(&mut office, CLIENT, "record", args, Error::TradeExists(trade(1)));
    office.correct(trade(1), 0).unwrap();
    stands(office.day(BOOK, YESTERDAY), 2, 2, 2_000);
    office.correct(trade(1), 70).unwrap();
    stands(office.day(BOOK, YESTERDAY), 3, 3, 2_070);
}

#[test]
fn an_entry_that_the_chain_lacked_is_on_the_day_that_both_say() {
    let mut office = office();
    let missing = Correction {
        day: YESTERDAY,
        causes: vec![cause(Kind::Missing, Side::Chain)],
        ..office.correction(trade(7), 70)
    };
    correct(&mut office, vec![missing.clone()]).unwrap();
    let expected = EntryRecord {
        payer: missing.payer,
        amount: 70,
        time: missing.time,
        day: YESTERDAY,
        batch: None,
        corrections: 1,
    };
    assert_eq!(office.entry(BOOK, trade(7)), expected);
    stands(office.day(BOOK, YESTERDAY), 4, 1, 3_070);
}

#[test]
fn that_there_never_was_such_a_payment_is_kept_too() {
    let mut office = office();
    let never = Correction {
        day: YESTERDAY,
        ..office.correction(trade(7), 0)
    };
    correct(&mut office, vec![never]).unwrap();
    stands(office.day(BOOK, YESTERDAY), 3, 1, 3_000);
    let args = (BOOK, TODAY, None::<BatchId>, vec![entry(7, AMOUNT)]);
    refused(&mut office, CLIENT, "record", args, Error::TradeExists(trade(7)));
}

#[test]
fn a_correction_may_open_a_day_on_which_nothing_stood() {
    let mut office = office();
    let late = office.correction(trade(7), 70);
    correct(&mut office, vec![late]).unwrap();
    assert_eq!(office.book(BOOK).open, [YESTERDAY, TODAY]);
    stands(office.day(BOOK, TODAY), 1, 1, 70);
}

#[test]
fn while_an_entrys_own_day_is_open_the_correction_counts_on_that() {
    let mut office = office();
    let elsewhere = Correction {
        day: TODAY,
        ..office.correction(trade(1), 5)
    };
    let args = (BOOK, vec![office.signed(elsewhere)]);
    let other = Error::OtherDay {
        trade: trade(1),
        day: YESTERDAY,
    };
    refused(&mut office, STRANGER, "correct", args, other);
}

#[test]
fn a_late_correction_counts_on_an_open_day_and_leaves_the_closed_one_as_it_is() {
    let mut office = office();
    let closed = office.close(YESTERDAY).unwrap();
    let before = office.day(BOOK, YESTERDAY);
    let late = Correction {
        day: YESTERDAY,
        ..office.correction(trade(1), 400)
    };
    let args = (BOOK, vec![office.signed(late)]);
    let final_day = Error::DayClosed { through: YESTERDAY };
    refused(&mut office, STRANGER, "correct", args, final_day);

    office.record(TODAY, &[entry(8, 50)]).unwrap();
    office.correct(trade(1), 400).unwrap();
    assert_eq!(office.day(BOOK, YESTERDAY), before);
    assert_eq!(before.closed, Some(closed));
    // The entry stays one of its own day.
    stands(office.day(BOOK, TODAY), 1, 1, 50 - 600);
    assert_eq!(office.entry(BOOK, trade(1)).day, YESTERDAY);
    office.correct(trade(1), 0).unwrap();
    stands(office.day(BOOK, TODAY), 1, 2, 50 - 1_000);
    office.correct(trade(1), 1_100).unwrap();
    stands(office.day(BOOK, TODAY), 1, 3, 50 + 100);
}

#[test]
fn a_correction_that_changes_the_books_only_leaves_the_entry_as_it_was_but_counts() {
    let mut office = office();
    let before = office.entry(BOOK, trade(1));
    office.correct(trade(1), AMOUNT).unwrap();
    let after = EntryRecord {
        corrections: 1,
        ..before
    };
    assert_eq!(office.entry(BOOK, trade(1)), after);
    stands(office.day(BOOK, YESTERDAY), 3, 1, 3_000);
}

#[test]
fn a_correction_cannot_count_on_a_day_that_has_not_begun() {
    let mut office = office();
    let early = Correction {
        day: TOMORROW,
        ..office.correction(trade(7), 70)
    };
    let signed = office.signed(early);
    let args = (BOOK, vec![signed]);
    refused(&mut office, STRANGER, "correct", &args, Error::DayInFuture);
    office.chain.set_time(TOMORROW.begins_somewhere());
    let done: Result<(), Error> = office.send(STRANGER, "correct", args);
    assert_eq!(done, Ok(()));
}

#[test]
fn both_sides_must_have_signed_this_correction() {
    let mut office = office();
    let correction = office.correction(trade(1), 5);
    for (debit, credit, culprit) in [
        (CREDIT, CREDIT, DEBIT),
        (DEBIT, DEBIT, CREDIT),
        (CREDIT, DEBIT, DEBIT),
        (CLIENT, CREDIT, DEBIT),
        (DEBIT, STRANGER, CREDIT),
    ] {
        let signed = office.signed_by(correction.clone(), debit, credit);
        let args = (BOOK, vec![signed]);
        refused(&mut office, STRANGER, "correct", args, Error::BadSignature(culprit));
    }
    let faults: [fn(&mut Correction); 10] = [
        |it| it.trade = trade(2),
        |it| it.causes[0].side = Side::Debit,
        |it| it.debit = None,
        |it| it.credit = Some(1),
        |it| it.amount += 1,
        |it| it.payer = PayerId([1; 32]),
        |it| it.time += 1,
        |it| it.evidence = [1; 32],
        |it| it.expires_at += 1,
        |it| it.causes.push(cause(Kind::Payer, Side::Credit)),
    ];
    for fault in faults {
        let mut signed = office.signed(correction.clone());
        fault(&mut signed.correction);
        let args = (BOOK, vec![signed]);
        refused(&mut office, STRANGER, "correct", args, Error::BadSignature(DEBIT));
    }
}

#[test]
fn a_side_that_is_suspended_corrects_nothing() {
    for side in [DEBIT, CREDIT] {
        let mut office = office();
        office.set_status(side, Status::Suspended);
        let correction = office.correction(trade(1), 5);
        let args = (BOOK, vec![office.signed(correction)]);
        refused(&mut office, STRANGER, "correct", args, Error::NotActive(side));
    }
}

#[test]
fn a_correction_is_good_strictly_before_it_expires() {
    let mut office = office();
    let correction = Correction {
        expires_at: START + 10,
        ..office.correction(trade(1), 5)
    };
    let args = (BOOK, vec![office.signed(correction)]);
    office.chain.set_time(START + 10);
    let passed = Error::DeadlinePassed { deadline: START + 10 };
    refused(&mut office, STRANGER, "correct", &args, passed);
    office.chain.set_time(START + 9);
    let done: Result<(), Error> = office.send(STRANGER, "correct", args);
    assert_eq!(done, Ok(()));
}

#[test]
fn anyone_may_send_what_both_signed() {
    let mut office = office();
    for (number, by) in (0..).zip([CLIENT, DEBIT, STRANGER]) {
        let correction = office.correction(trade(number), 5);
        let args = (BOOK, vec![office.signed(correction)]);
        let done: Result<(), Error> = office.send(Member(by.0), "correct", args);
        assert_eq!(done, Ok(()));
    }
}
