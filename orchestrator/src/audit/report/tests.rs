//! Reports that are as they should be, and reports that somebody altered.
#![allow(clippy::unwrap_used)]
use protocol::{
    reconciliation::{Day, Side},
    AccountId, Member,
};

use super::{check, Contracts, Outcome};
use crate::reconciliation::report::{
    world::{World, CONTRACT, HEAD},
    EntryLine, Report, Status,
};

const KNOWN: Contracts = Contracts {
    reconciliation: CONTRACT,
    clearing: Some(AccountId([2; 32])),
};

async fn audit(world: &World, report: &Report) -> Outcome {
    check(report, world, Some(&KNOWN)).await.unwrap()
}

#[tokio::test]
async fn an_honest_report_is_proven_in_full() {
    let world = World::new().await;
    let report = world.report().await.unwrap();
    let outcome = audit(&world, &report).await;
    assert_eq!(outcome.flaws, vec![]);
    assert!(
        outcome.is_well() && outcome.unverified.is_empty(),
        "{:?}",
        outcome.unverified
    );
    assert_eq!((outcome.proven, outcome.code_hash), (1_201, Some([6; 32])));
    assert!(outcome.is_paid);
    // Each entry that wasn't corrected, each correction, the closing.
    assert_eq!(outcome.events, 1_197 + 4 + 1);
    let (debit, credit) = (outcome.books.debit.unwrap(), outcome.books.credit.unwrap());
    assert_eq!((debit.booked, debit.rounded), (1_199, 0));
    assert_eq!((credit.booked, credit.rounded), (1_199, 0));
    assert!(credit.lines < debit.lines, "batches are booked as one line");
}

fn first(report: &mut Report) -> &mut EntryLine {
    let lines = report.entries.iter_mut().flat_map(|page| &mut page.entries);
    lines.into_iter().find(|line| line.status == Status::Matched).unwrap()
}

fn corrected(report: &mut Report) -> &mut EntryLine {
    let lines = report.entries.iter_mut().flat_map(|page| &mut page.entries);
    lines.into_iter().find(|line| line.status == Status::Corrected).unwrap()
}

type Alteration = fn(&mut Report);

#[tokio::test]
async fn whatever_is_altered_is_found() {
    let alterations: [(&str, &str, Alteration); 32] = [
        ("another make", "unknown-format", |report| report.format.push('0')),
        ("another chain", "other-chain", |report| report.head.genesis[0] ^= 1),
        ("another contract", "other-contract", |report| {
            report.head.contract = AccountId([1; 32])
        }),
        ("another date", "wrong-date", |report| {
            report.head.date = "2026-11-24".into()
        }),
        ("another day", "other-day-record", |report| {
            report.head.day = Day(report.head.day.0 + 1)
        }),
        ("another header", "bad-header", |report| report.head.at.header[40] ^= 1),
        ("a block that isn't on the chain", "block-not-final", |report| {
            report.head.at.header[40] ^= 1;
            report.head.at.hash = sp_crypto_hashing::blake2_256(&report.head.at.header);
        }),
        ("other terms", "other-terms", |report| {
            report.head.terms.credit = Member(9)
        }),
        ("another day's total", "other-day-record", |report| {
            report.head.record.total += 1
        }),
        ("another payable", "other-closing", |report| {
            report.head.closed.payable += 1
        }),
        ("another closing", "other-closing", |report| {
            report.head.closing.expires_at += 1
        }),
        ("another place of the closing", "no-such-event", |report| {
            report.head.closed_in.event += 1
        }),
        ("no proof of the day", "unproven", |report| report.head.at.proof.clear()),
        ("no proof of a page", "unproven", |report| {
            report.entries[1].proof.clear()
        }),
        ("an altered node", "unproven", |report| {
            for node in &mut report.entries[0].proof {
                *node.last_mut().unwrap() ^= 1;
            }
        }),
        ("another amount", "other-entry", |report| {
            first(report).entry.entry.amount += 1
        }),
        ("another payer", "other-entry", |report| {
            first(report).entry.entry.payer.0[0] ^= 1
        }),
        ("another time", "other-entry", |report| {
            first(report).entry.entry.time += 1
        }),
        ("an entry that isn't there", "no-such-entry", |report| {
            first(report).entry.entry.trade.0[31] ^= 1
        }),
        ("an entry left out", "entries-incomplete", |report| {
            report.entries[0].entries.pop();
        }),
        ("an entry twice", "out-of-order", |report| {
            let again = report.entries[0].entries[0].clone();
            report.entries[0].entries.insert(0, again);
        }),
        ("another event", "no-such-event", |report| {
            first(report).entry.event += 1
        }),
        ("another block", "no-such-event", |report| {
            first(report).entry.block += 1
        }),
        ("another block hash", "no-such-event", |report| {
            first(report).entry.block_hash[0] ^= 1
        }),
        ("a block after the report's", "no-such-event", |report| {
            first(report).entry.block = HEAD + 1
        }),
        ("another status", "wrong-status", |report| {
            first(report).status = Status::Corrected
        }),
        ("a correction left out", "corrections-incomplete", |report| {
            corrected(report).corrections.clear()
        }),
        ("another correction", "no-such-event", |report| {
            corrected(report).corrections[0].correction.evidence = [9; 32];
        }),
        ("another amount before a correction", "no-such-event", |report| {
            corrected(report).corrections[0].before = Some(3);
        }),
        ("another word of the debit side", "book-differs", |report| {
            first(report).debit.amount = Some(1)
        }),
        ("a line of the credit side's book", "book-altered", |report| {
            report.credit[0][0].amount += 1
        }),
        ("the sums", "wrong-totals", |report| report.totals.amount += 1),
    ];
    let world = World::new().await;
    let honest = world.report().await.unwrap();
    for (what, code, alter) in alterations {
        let mut report = honest.clone();
        alter(&mut report);
        let outcome = audit(&world, &report).await;
        let codes: Vec<&str> = outcome.flaws.iter().map(|flaw| flaw.code).collect();
        assert!(codes.contains(&code), "{what}: expected {code}, found {codes:?}");
        assert!(!outcome.is_well());
    }
}

#[tokio::test]
async fn a_payment_that_was_not_made_or_of_another_amount_is_found() {
    let mut world = World::new().await;
    let report = world.report().await.unwrap();
    let mut paid = world.discharge.take().unwrap();
    let outcome = audit(&world, &report).await;
    assert_eq!((outcome.flaws[0].code, outcome.is_paid), ("not-paid", false));
    paid.clearing_voucher.discharged[0].amount -= 1;
    world.discharge = Some(paid);
    let outcome = audit(&world, &report).await;
    assert_eq!((outcome.flaws[0].code, outcome.is_paid), ("wrong-payment", false));
}

#[tokio::test]
async fn what_an_auditor_takes_the_reports_word_for_is_told() {
    let world = World::new().await;
    let mut report = world.report().await.unwrap();
    let outcome = check(&report, &world, None).await.unwrap();
    assert!(outcome.is_well() && !outcome.is_paid);
    let told = outcome.unverified.join("; ");
    assert!(told.contains("--contract") && told.contains("--deployment"), "{told}");
    report.head.paid_by = None;
    let outcome = audit(&world, &report).await;
    assert!(
        outcome.unverified[0].contains("names no voucher"),
        "{:?}",
        outcome.unverified
    );
}

#[tokio::test]
async fn an_earlier_days_correction_left_out_is_missed_in_the_total() {
    let world = World::new().await;
    let mut report = world.report().await.unwrap();
    report.earlier.clear();
    let outcome = audit(&world, &report).await;
    assert!(
        outcome.flaws.iter().any(|flaw| flaw.code == "wrong-total"),
        "{:?}",
        outcome.flaws
    );
}

#[tokio::test]
async fn books_that_both_sides_signed_but_that_disagree_with_the_chain_are_found() {
    let world = World::new().await;
    let mut report = world.report().await.unwrap();
    let (signed, mut lines) = (report.head.debit.unwrap(), report.debit.concat());
    lines.pop();
    let mut other = World::new().await;
    other.keep_book(Side::Debit, lines);
    let (statement, pages) = other.statements.remove(&Side::Debit).unwrap();
    assert_ne!(statement.statement.digest, signed.statement.digest);
    report.debit = pages;
    report.head.debit = Some(statement);
    report.head.closing.debit_book = statement.statement.digest;
    let outcome = audit(&world, &report).await;
    let codes: Vec<&str> = outcome.flaws.iter().map(|flaw| flaw.code).collect();
    assert!(
        codes.contains(&"book-disagrees") && codes.contains(&"other-closing"),
        "{codes:?}"
    );
}

#[tokio::test]
async fn what_the_auditors_node_has_forgotten_is_told_and_what_is_proven_stays_proven() {
    let mut world = World::new().await;
    world.forgotten_below = 15;
    let report = world.report().await.unwrap();
    let outcome = audit(&world, &report).await;
    assert_eq!((outcome.flaws, outcome.proven), (vec![], 1_201));
    assert!(outcome.unverified[0].contains("archive"), "{:?}", outcome.unverified);
}

#[tokio::test]
async fn a_book_that_the_report_lacks_is_told() {
    let world = World::knowing(&[Side::Debit]).await;
    let report = world.report().await.unwrap();
    let outcome = audit(&world, &report).await;
    assert!(outcome.is_well() && outcome.books.credit.is_none());
    assert!(
        outcome.unverified[0].contains("credit side's book"),
        "{:?}",
        outcome.unverified
    );
}
