//! Days: matched, closed in their order, paid once.
use std::time::Duration;

use protocol::{
    reconciliation::{BatchId, Day, Entry, Side},
    TradeId,
};

use super::world::{
    at, entry, line, trade, World, BOOK, BY_CHAIN, CREDIT, DEBIT, HOUR, PATIENCE, STRANGER, THURSDAY, TUESDAY,
    WEDNESDAY,
};
use crate::{
    reconciliation::{
        books::Upload,
        breaks::state::BreakState,
        days::state::DayState,
        import::Format,
        messages::{PageRequest, StatementRequest},
        ReconciliationError,
    },
    store::days::DayRow,
};

async fn with_payments(day: Day) -> World {
    let world = World::open(BY_CHAIN).await;
    let entries = [entry(1, day, 100), entry(2, day, 250)];
    world.record(day, &entries, None);
    world.book_both(day, &entries).await;
    world
}

#[tokio::test]
async fn a_day_without_breaks_is_matched_closed_and_paid_once() {
    let world = with_payments(TUESDAY).await;
    world.set(at(WEDNESDAY, 6));
    world.rounds(6).await;
    world.is_done(TUESDAY).await;
    assert_eq!(world.purse.sum(), 350);
    world.rounds(6).await;
    assert_eq!(world.purse.sum(), 350);
    let kept = world.day(CREDIT, TUESDAY).await;
    let summary = kept.summary.unwrap();
    assert_eq!((summary.matched, summary.breaks, kept.runs), (2, 0, 1));
    let order = world.purse.paid.lock().unwrap().values().next().cloned().unwrap();
    assert_eq!((order.to, order.beneficiary.as_str()), (CREDIT, "4711"));
    assert_eq!(order.closing, world.chain.day(TUESDAY).closed.unwrap().id);
}

#[tokio::test]
async fn a_day_isnt_matched_before_its_cut_off() {
    let world = with_payments(TUESDAY).await;
    world.set(at(WEDNESDAY, 6) - 5_000);
    world.rounds(3).await;
    assert_eq!(world.states(TUESDAY).await, (DayState::Open, DayState::Open));
    assert_eq!(world.to_debit.asked("statement"), 0);
}

#[tokio::test]
async fn a_person_has_a_day_matched_before_and_sees_what_a_run_would_find() {
    let world = with_payments(TUESDAY).await;
    let more = entry(3, TUESDAY, 40);
    world.record(TUESDAY, &[more], None);
    world.set(at(WEDNESDAY, 1));
    let dry = world.credit.dry_run(BOOK, TUESDAY).await.unwrap();
    assert_eq!((dry.summary.matched, dry.summary.breaks), (2, 1));
    assert_eq!(dry.findings[0].trade, trade(3));
    assert!(world.breaks(CREDIT).await.is_empty(), "nothing is kept");
    world.credit.want(BOOK, TUESDAY, "chief", Duration::ZERO).await.unwrap();
    world.rounds(1).await;
    assert_eq!(world.breaks(CREDIT).await.len(), 1);
}

#[tokio::test]
async fn days_that_were_missed_are_caught_up_once_each_and_closed_in_their_order() {
    let world = with_payments(TUESDAY).await;
    let later = entry(3, WEDNESDAY, 70);
    world.set(at(WEDNESDAY, 12));
    world.record(WEDNESDAY, &[later], None);
    world.book_both(WEDNESDAY, &[later]).await;
    // Both were down on Thursday and Friday at 06:00.
    world.set(at(THURSDAY, 0) + 36 * HOUR);
    let world = world.restart();
    world.rounds(8).await;
    for day in [TUESDAY, WEDNESDAY] {
        world.is_done(day).await;
        assert_eq!(world.day(CREDIT, day).await.runs, 1);
    }
    assert_eq!(world.purse.sum(), 420);
    let (first, second) = (world.chain.day(TUESDAY), world.chain.day(WEDNESDAY));
    assert!(first.closed.unwrap().at <= second.closed.unwrap().at);
}

#[tokio::test]
async fn a_side_that_cant_be_reached_holds_the_day_up_until_it_is_back() {
    let world = with_payments(TUESDAY).await;
    world.to_debit.open(false);
    world.set(at(WEDNESDAY, 6));
    world.rounds(4).await;
    let waiting = world.day(CREDIT, TUESDAY).await;
    assert_eq!(waiting.state, DayState::Due);
    assert!(waiting.failure.unwrap().contains("can't be reached"));
    assert_eq!(
        world.history(CREDIT, TUESDAY).await.matches("can't be reached").count(),
        1
    );
    world.to_debit.open(true);
    world.rounds(6).await;
    world.is_done(TUESDAY).await;
}

#[tokio::test]
async fn a_side_that_alters_a_booked_line_after_the_match_is_named_and_nothing_is_signed_until_they_agree() {
    let world = with_payments(TUESDAY).await;
    world.set(at(WEDNESDAY, 6));
    // The bank has matched; the finance company's book is altered before the closing is signed.
    world.to_debit.open(true);
    world.credit.want(BOOK, TUESDAY, "chief", Duration::ZERO).await.unwrap();
    world.debit.round().await.unwrap();
    let matched = world.credit.dry_run(BOOK, TUESDAY).await.unwrap();
    assert_eq!(matched.summary.breaks, 0);
    let row = DayRow {
        state: DayState::Clean,
        ran_at: Some(at(WEDNESDAY, 6)),
        summary: Some(matched.summary),
        debit_statement: Some(matched.debit),
        credit_statement: Some(matched.credit),
        is_wanted: false,
        kept_run: 1,
        runs: 1,
        ..world.day(CREDIT, TUESDAY).await
    };
    assert!(world.store(CREDIT).save_book_day(&row, None, 0).await.unwrap());
    world.alter(DEBIT, trade(2), |line| line.amount = 200).await;

    world.credit.round().await.unwrap();
    let history = world.history(CREDIT, TUESDAY).await;
    assert!(
        history.contains("member 1 altered its book after it signed"),
        "{history}"
    );
    assert!(world.chain.day(TUESDAY).closed.is_none());
    assert_eq!(world.breaks(CREDIT).await[0].finding.off(Side::Debit), -50);
    let kept = world
        .store(CREDIT)
        .statements(BOOK, Side::Debit, TUESDAY)
        .await
        .unwrap();
    assert_eq!(kept.len(), 2, "both signed statements are kept");

    world.rounds(14).await;
    world.is_done(TUESDAY).await;
    assert_eq!(world.purse.sum(), 350);
}

#[tokio::test]
async fn what_is_recorded_after_the_match_is_matched_before_the_day_is_closed() {
    let world = with_payments(TUESDAY).await;
    world.set(at(WEDNESDAY, 6));
    world.to_credit.open(false);
    world.debit.round().await.unwrap_err();
    let late = entry(3, TUESDAY, 5);
    world.record(TUESDAY, &[late], None);
    world.book_both(TUESDAY, &[late]).await;
    world.to_credit.open(true);
    world.rounds(8).await;
    world.is_done(TUESDAY).await;
    assert_eq!(world.purse.sum(), 355);
}

#[tokio::test]
async fn a_line_may_stand_for_a_whole_batch() {
    let world = World::open(BY_CHAIN).await;
    let entries = [entry(1, TUESDAY, 100), entry(2, TUESDAY, 250)];
    let batch = BatchId([77; 32]);
    world.record(TUESDAY, &entries, Some(batch));
    for entry in &entries {
        world.book(DEBIT, line(entry, TUESDAY)).await;
    }
    let together = Entry {
        trade: TradeId(batch.0),
        amount: 340,
        ..entries[0]
    };
    let mut whole = line(&together, TUESDAY);
    whole.payer = None;
    world.book(CREDIT, whole).await;
    world.set(at(WEDNESDAY, 6));
    world.rounds(12).await;
    world.is_done(TUESDAY).await;
    assert_eq!(
        world.lines(CREDIT, TUESDAY).await.len(),
        1,
        "still one line, with the right sum"
    );
    assert_eq!(world.purse.sum(), 350);
}

#[tokio::test]
async fn a_payment_that_came_to_nothing_is_tried_again_when_a_person_says_so() {
    let world = with_payments(TUESDAY).await;
    world.purse.fail(true);
    world.set(at(WEDNESDAY, 6));
    world.rounds(8).await;
    let day = world.day(DEBIT, TUESDAY).await;
    assert_eq!((day.state, day.attempt), (DayState::Closed, 1));
    assert_eq!(day.failure.as_deref(), Some("there isn't enough"));
    world.purse.fail(false);
    world.rounds(4).await;
    assert_eq!(world.purse.sum(), 0, "nobody said so");
    world.debit.pay(BOOK, TUESDAY).await.unwrap();
    world.rounds(2).await;
    world.is_done(TUESDAY).await;
    assert_eq!((world.purse.sum(), world.day(DEBIT, TUESDAY).await.attempt), (350, 2));
    let twice = world.debit.pay(BOOK, TUESDAY).await.unwrap();
    assert_eq!(twice.row.state, DayState::Paid);
    let error = world.credit.pay(BOOK, TUESDAY).await.unwrap_err();
    assert!(matches!(error, ReconciliationError::WrongDayState { .. }), "{error}");
}

#[tokio::test]
async fn one_side_closes_alone_only_once_the_books_patience_is_over() {
    let world = with_payments(TUESDAY).await;
    world.to_debit.open(false);
    world.to_credit.open(false);
    world.set(at(WEDNESDAY, 6));
    world.rounds(2).await;
    let early = world.credit.close(BOOK, TUESDAY, true, "chief").await.unwrap_err();
    assert!(matches!(early, ReconciliationError::Patience { .. }), "{early}");
    let other = world.credit.close(BOOK, TUESDAY, false, "chief").await.unwrap_err();
    assert!(matches!(other, ReconciliationError::WrongDayState { .. }), "{other}");
    world.set(TUESDAY.ends_everywhere() + PATIENCE);
    let closed = world.credit.close(BOOK, TUESDAY, true, "chief").await.unwrap();
    assert!(world.chain.day(TUESDAY).closed.unwrap().is_default);
    drop(closed);
    world.rounds(3).await;
    assert_eq!(world.purse.sum(), 350, "the debit side pays it all the same");
}

#[tokio::test]
async fn only_the_other_side_is_answered() {
    let world = with_payments(TUESDAY).await;
    let request = StatementRequest {
        book: BOOK,
        day: TUESDAY,
        block: 1,
    };
    for member in [STRANGER, CREDIT] {
        let error = world.credit.on_statement(member, &request).await.unwrap_err();
        assert!(matches!(error, ReconciliationError::NotTheOtherSide(..)), "{error}");
    }
    let page = PageRequest {
        book: BOOK,
        digest: [1; 32],
        page: 0,
    };
    let error = world.credit.on_page(DEBIT, &page).await.unwrap_err();
    assert!(matches!(error, ReconciliationError::UnknownPage), "{error}");
}

#[tokio::test]
async fn a_side_that_hasnt_booked_what_the_chain_has_says_so_and_is_matched_again_when_it_has() {
    let world = with_payments(TUESDAY).await;
    let missing = entry(3, TUESDAY, 5);
    world.record(TUESDAY, &[missing], None);
    world.book(CREDIT, line(&missing, TUESDAY)).await;
    world.set(at(WEDNESDAY, 6));
    // Nobody accepts anything: the bank can't ask.
    world.to_debit.open(false);
    world.rounds(1).await;
    assert_eq!(world.break_state(DEBIT, trade(3)).await, BreakState::Open);
    let file = tempfile::NamedTempFile::new().unwrap();
    let right = line(&missing, TUESDAY);
    let text = format!(
        "{{\"id\":\"{}\",\"amount\":\"5\",\"date\":\"2026-11-24\"}}\n",
        right.trade
    );
    std::fs::write(file.path(), text).unwrap();
    let upload = Upload {
        path: file.path().to_path_buf(),
        name: "late.jsonl".into(),
        format: Format::JsonLines,
        by: "ann".into(),
        is_dry_run: false,
        replaces: None,
    };
    world.debit.import(BOOK, upload).await.unwrap();
    world.debit.round().await.unwrap();
    assert_eq!(world.break_state(DEBIT, trade(3)).await, BreakState::Resolved);
    assert_eq!(world.day(DEBIT, TUESDAY).await.state, DayState::Clean);
}

#[tokio::test]
async fn what_only_one_side_booked_on_a_day_of_which_nobody_else_knows_is_found_by_both() {
    let world = World::open(BY_CHAIN).await;
    world.book(DEBIT, line(&entry(1, TUESDAY, 100), TUESDAY)).await;
    world.set(at(WEDNESDAY, 6));
    world.rounds(12).await;
    for member in [DEBIT, CREDIT] {
        assert_eq!(world.break_state(member, trade(1)).await, BreakState::Booked);
    }
    world.is_done(TUESDAY).await;
    assert_eq!((world.purse.sum(), world.chain.entry(trade(1)).unwrap().amount), (0, 0));
}

#[tokio::test]
async fn what_may_still_come_is_no_break_and_is_looked_for_again() {
    let world = World::open(BY_CHAIN).await;
    let (mut late, booked) = (entry(1, TUESDAY, 100), entry(2, TUESDAY, 30));
    late.time = at(WEDNESDAY, 6) - HOUR / 2;
    world.record(TUESDAY, &[late, booked], None);
    world.book_both(TUESDAY, &[booked]).await;
    world.book(DEBIT, line(&late, TUESDAY)).await;
    world.set(at(WEDNESDAY, 6));
    world.rounds(2).await;
    assert_eq!(world.break_state(CREDIT, trade(1)).await, BreakState::Expected);
    assert_eq!(world.day(CREDIT, TUESDAY).await.state, DayState::Matched);
    assert_eq!(world.chain.corrections(), 0);
    world.book(CREDIT, line(&late, TUESDAY)).await;
    world.set(at(WEDNESDAY, 8));
    world.rounds(6).await;
    world.is_done(TUESDAY).await;
    assert_eq!(world.break_state(CREDIT, trade(1)).await, BreakState::Resolved);
    assert_eq!(world.chain.corrections(), 0);
}

#[tokio::test]
async fn a_day_that_a_later_one_passed_is_matched_to_its_end() {
    let world = World::open(BY_CHAIN).await;
    let (invented, later) = (entry(1, TUESDAY, 100), entry(2, WEDNESDAY, 70));
    world.book(DEBIT, line(&invented, TUESDAY)).await;
    world.record(WEDNESDAY, &[later], None);
    world.book_both(WEDNESDAY, &[later]).await;
    world.set(at(THURSDAY, 6));
    world.rounds(12).await;
    world.is_done(WEDNESDAY).await;
    assert!(world.chain.day(TUESDAY).closed.is_none(), "it was passed");
    assert_eq!(world.states(TUESDAY).await, (DayState::Clean, DayState::Clean));
    assert_eq!(world.break_state(CREDIT, trade(1)).await, BreakState::Booked);
    assert!(world.lines(DEBIT, TUESDAY).await.is_empty());
}
