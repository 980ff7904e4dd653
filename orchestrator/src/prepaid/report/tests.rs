//! What a regulator is told of programmes made up.
#![allow(clippy::unwrap_used)]
use protocol::prepaid::{CardLimits, CardNumber, DeclineCode, Float, MerchantNumber, DAY};

use super::{
    coverage, csv,
    patterns::is_just_below,
    views::{HolderView, MerchantView},
    Bound, Coverage, Parameters, Report, Span, Structured, MINUTE,
};
use crate::prepaid::{
    book::{CardEntry, OverCause},
    statements::tests::full,
    world::{holder, payment, subject, World, HOUR, LATER, LIMITS, RULES},
};

fn report(world: &World, span: Span, parameters: Parameters) -> Report {
    let covered = Coverage {
        blocks: 0,
        float: Float::default(),
        has: 0,
        shortfalls: vec![],
    };
    Report::of(&world.book(), subject(), world.here(), span, parameters, covered)
}

fn of(world: &World) -> Report {
    report(world, Span::default(), Parameters::default())
}

#[test]
fn totals_count_what_moved_within_the_span_and_what_stands_at_its_end() {
    let mut world = full();
    world.merchant(4, RULES).unwrap();
    world.switch(4, false).unwrap();
    world.issue(8, 2, LATER).unwrap();
    world.top_up(8, 100, 3).unwrap();
    world.freeze(8, true).unwrap();
    let all = of(&world).totals;
    let pair = |sum: super::Sum| (sum.count, sum.amount);
    assert_eq!((pair(all.active_cards), pair(all.frozen_cards)), ((1, 500), (1, 100)));
    assert_eq!((pair(all.merchants), all.suspended_merchants), ((2, 35), 1));
    assert_eq!((pair(all.top_ups), pair(all.payments)), ((2, 900), (3, 400)));
    assert_eq!(
        (pair(all.voids), pair(all.refunds), pair(all.awards)),
        ((1, 50), (1, 30), (1, 20))
    );
    assert_eq!(
        (pair(all.fundings), pair(all.fees), pair(all.payouts)),
        ((1, 500), (1, 7), (1, 758))
    );
    assert_eq!(pair(all.disputed), (0, 0));

    let later = Span {
        from: Some(Bound::Block(3)),
        to: None,
    };
    let later = report(&world, later, Parameters::default()).totals;
    assert_eq!(
        (pair(later.payments), pair(later.voids), pair(later.top_ups)),
        ((0, 0), (1, 50), (1, 100))
    );
    assert_eq!(pair(later.active_cards), (1, 500), "what stands stands");
}

#[test]
fn a_span_holds_its_first_block_or_time_and_ends_with_its_block_or_before_its_time() {
    let at = |block, time| crate::prepaid::past::At {
        block,
        event: 0,
        hash: [0; 32],
        time,
    };
    let span = |from, to| Span { from, to };
    let blocks = span(Some(Bound::Block(2)), Some(Bound::Block(3)));
    assert_eq!(
        [1, 2, 3, 4].map(|block| blocks.holds(&at(block, 0))),
        [false, true, true, false]
    );
    let times = span(Some(Bound::Time(2)), Some(Bound::Time(3)));
    assert_eq!([1, 2, 3].map(|time| times.holds(&at(0, time))), [false, true, false]);
    assert!(Span::default().holds(&at(0, 0)));
}

/// Card 7 pays 10 every so many milliseconds, so often.
fn paying(count: u64, every: u64) -> World {
    let mut world = World::small();
    for counter in 1..=count {
        world.pay(payment(7, counter, 10));
        world.next(every);
    }
    world
}

#[test]
fn a_card_that_pays_as_often_as_is_said_within_the_time_calls_for_a_look() {
    let parameters = Parameters {
        velocity_payments: 3,
        velocity_within: 2 * MINUTE + 1,
        ..Parameters::default()
    };
    let of = |world| report(&world, Span::default(), parameters).velocity;
    let found = of(paying(5, MINUTE));
    assert_eq!(found.len(), 1, "windows that overlap are one");
    let fast = &found[0];
    assert_eq!(
        (fast.card, fast.holder, fast.payments, fast.amount),
        (CardNumber(7), holder(1), 5, 50)
    );
    assert_eq!((fast.blocks.first, fast.blocks.last), (2, 6));
    assert_eq!(fast.merchants, [MerchantNumber(3)]);
    assert_eq!(of(paying(2, MINUTE)), [], "too few");
    assert_eq!(of(paying(5, MINUTE + 1)), [], "the third comes when the time is over");

    let mut twice = paying(3, MINUTE);
    twice.next(HOUR);
    for counter in 11..=13 {
        twice.pay(payment(7, counter, 10));
    }
    let counts: Vec<u64> = of(twice).iter().map(|fast| fast.payments).collect();
    assert_eq!(counts, [3, 3], "two bursts");
}

#[test]
fn staying_just_below_a_threshold_calls_for_a_look_over_all_cards_of_a_holder() {
    let mut world = World::new();
    world.merchant(3, RULES).unwrap();
    for (card, whose) in [(1, 1), (2, 1), (3, 2)] {
        world.issue(card, whose, LATER).unwrap();
    }
    let parameters = Parameters {
        top_up_threshold: Some(100),
        ..Parameters::default()
    };
    world.top_up(1, 95, 1).unwrap();
    world.top_up(3, 95, 2).unwrap();
    world.next(HOUR);
    world.top_up(2, 90, 3).unwrap();
    world.top_up(2, 89, 4).unwrap();
    world.top_up(2, 100, 5).unwrap();
    world.next(HOUR);
    assert_eq!(report(&world, Span::default(), parameters).structuring, []);
    world.top_up(1, 99, 6).unwrap();
    let found = report(&world, Span::default(), parameters).structuring;
    assert_eq!(found.len(), 1);
    let split = &found[0];
    assert_eq!(
        (split.of, split.holder, split.count, split.amount),
        (Structured::TopUps, holder(1), 3, 284)
    );
    assert_eq!(
        (split.cards.clone(), split.threshold),
        (vec![CardNumber(1), CardNumber(2)], 100)
    );
    assert_eq!((split.blocks.first, split.blocks.last), (1, 3));

    let mut slow = World::small();
    for (counter, later) in [(1, DAY), (2, DAY), (3, DAY)] {
        slow.pay(payment(7, counter, 240));
        slow.next(later);
    }
    let days = |days| Parameters {
        structuring_within: days * DAY,
        ..Parameters::default()
    };
    assert_eq!(report(&slow, Span::default(), days(2)).structuring, []);
    let found = report(&slow, Span::default(), days(3)).structuring;
    assert_eq!(
        (found[0].of, found[0].threshold),
        (Structured::Payments, 250),
        "the programme's limit"
    );
    assert_eq!(found[0].merchants, [MerchantNumber(3)]);
}

#[test]
fn just_below_is_less_by_at_most_the_margin() {
    let below = [89, 90, 99, 100].map(|amount| is_just_below(amount, 100, 10));
    assert_eq!(below, [false, true, true, false]);
    assert!(is_just_below(u128::MAX - 1, u128::MAX, 10));
    assert!(!is_just_below(1, u128::MAX, 10));
    assert!(!is_just_below(0, 0, 10));
}

#[test]
fn cards_over_a_limit_are_named_with_the_cause() {
    let mut world = World::small();
    world.pay(payment(7, 1, 200));
    let cut = CardLimits {
        balance: 500,
        per_day: 150,
        ..LIMITS
    };
    assert_eq!(of(&world).over_limits, []);
    world.set_limits(7, cut).unwrap();
    let found = of(&world).over_limits;
    let figures: Vec<_> = found
        .iter()
        .map(|over| (over.limit_of.as_str(), over.amount, over.limit))
        .collect();
    assert_eq!(figures, [("balance", 600, 500), ("per-day", 200, 150)]);
    assert_eq!(
        (found[0].cause, found[0].since_block),
        (Some(OverCause::CardCut), Some(2))
    );
    world.next(DAY);
    assert_eq!(of(&world).over_limits.len(), 1, "another day");
}

#[test]
fn declines_are_counted_by_code_and_merchant() {
    let mut world = World::small();
    world.pay(payment(7, 1, 9_000));
    world.pay(payment(7, 1, 8_000));
    world.next(HOUR);
    world.pay_all(&[(payment(7, 1, 7), false, true), (payment(7, 1, 9_000), true, true)]);
    let found = of(&world).declines;
    let figures: Vec<_> = found
        .iter()
        .map(|count| {
            (
                count.merchant.0,
                count.code,
                count.declined.count,
                count.declined.amount,
            )
        })
        .collect();
    assert_eq!(
        figures,
        [
            (3, DeclineCode::BadTerminalSignature, 1, 7),
            (3, DeclineCode::AbovePaymentLimit, 3, 26_000)
        ]
    );
    assert_eq!((found[1].blocks.first, found[1].blocks.last), (2, 3));
}

#[test]
fn open_disputes_are_overdue_from_the_time_on_at_which_anyone_may_have_the_default_hold() {
    let mut world = World::small();
    world.pay(payment(7, 1, 100));
    world.pay(payment(7, 2, 100));
    world.dispute(7, 1, 60).unwrap();
    world.dispute(7, 2, 50).unwrap();
    world.answer(7, 1).unwrap();
    world.next(2 * DAY - 1);
    let disputes = of(&world).disputes;
    assert_eq!(disputes.open.iter().filter(|open| open.is_overdue).count(), 0);
    assert_eq!((disputes.opened.count, disputes.opened.amount), (2, 110));
    assert_eq!(
        (disputes.open[0].is_answered, disputes.open[1].is_answered),
        (true, false)
    );
    world.next(1);
    let report = of(&world);
    assert!(report.disputes.open.iter().all(|open| open.is_overdue));
    assert_eq!((report.findings(), report.totals.disputed.amount), (2, 110));
    world.rule(7, 2, None).unwrap();
    let disputes = of(&world).disputes;
    assert_eq!(
        (disputes.open.len(), disputes.defaulted.count, disputes.defaulted.amount),
        (1, 1, 50)
    );
}

#[tokio::test]
async fn the_float_is_covered_after_every_block_or_the_block_is_named() {
    let mut world = full();
    let last = world.block;
    let book = world.book();
    let covered = coverage::check(&world, &book, 1..=last, &|| ()).await.unwrap();
    assert_eq!((covered.blocks, covered.shortfalls.len()), (u64::from(last), 0));
    assert_eq!((covered.float, covered.has), (book.float(), world.kept.has + 1));

    let some = world.past.get_mut(&3).unwrap();
    some.has -= 2;
    let some = world.past.get_mut(&2).unwrap();
    some.float.cards += 1;
    let short = coverage::check(&world, &book, 1..=last, &|| ())
        .await
        .unwrap()
        .shortfalls;
    let blocks: Vec<u32> = short.iter().map(|short| short.block).collect();
    assert_eq!(blocks, [2, 3]);
    assert_eq!(short[0].said.cards, short[0].expected.cards + 1);
    assert_eq!(book.float_changes(&Span::default()), [1, 2, 3, 4, 5]);
}

#[test]
fn a_holder_sees_every_movement_with_what_the_card_held_afterwards() {
    let mut world = full();
    world.pay(payment(7, 8, 9_000));
    world.close_card(7).unwrap();
    world.refund(7, 3, 5).unwrap();
    let view = HolderView::of(&world.book(), CardNumber(7)).unwrap().unwrap();
    let lines: Vec<(CardEntry, i128, u128, u128)> = view
        .movements
        .iter()
        .map(|line| (line.kind, line.amount, line.to_holder, line.balance))
        .collect();
    assert_eq!(lines[0], (CardEntry::TopUp, 800, 0, 800));
    assert_eq!(lines[1], (CardEntry::Payment, -150, 0, 650));
    assert_eq!(lines[lines.len() - 2], (CardEntry::Payout, -500, 500, 0));
    assert_eq!(lines[lines.len() - 1], (CardEntry::Refund, 0, 5, 0));
    assert_eq!(
        (view.declined.len(), view.declined[0].code),
        (1, DeclineCode::AbovePaymentLimit)
    );
    assert!(HolderView::of(&world.book(), CardNumber(8)).unwrap().is_none());
    let text = csv::holder(&view).unwrap();
    assert_eq!(text.lines().count(), 1 + lines.len() + 1);
}

#[test]
fn a_merchant_sees_what_it_took_in_all_cycles_or_in_one() {
    let mut world = full();
    world.pay(payment(7, 8, 20));
    let book = world.book();
    let of = |cycle| MerchantView::of(&book, MerchantNumber(3), cycle).unwrap();
    let counters: Vec<u64> = of(None).payments.iter().map(|line| line.counter).collect();
    assert_eq!(counters, [1, 2, 3, 8]);
    assert_eq!(of(Some(1)).payments.len(), 1);
    let third = &of(Some(0)).payments[2];
    assert_eq!((third.taken, third.returned, third.is_voided), (200, 20, false));
    assert_eq!(third.dispute.unwrap().awarded, Some(20));
    assert!(of(None).payments[1].is_voided);
    assert_eq!(of(None).terminals.len(), 1);
    assert!(MerchantView::of(&book, MerchantNumber(4), None).is_none());
    assert_eq!(csv::merchant(&of(None)).unwrap().lines().count(), 5);
}

#[test]
fn csv_of_a_report_has_a_row_for_each_total_and_each_finding() {
    let mut world = paying(12, MINUTE);
    world.pay(payment(7, 1, 5));
    world.dispute(7, 2, 5).unwrap();
    let report = of(&world);
    let text = csv::report(&report).unwrap();
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let section = |name: &str| rows.iter().filter(|row| row[0] == name).count();
    assert_eq!((section("total"), section("coverage"), section("velocity")), (16, 1, 1));
    assert_eq!((section("decline"), section("disputes"), section("dispute")), (1, 3, 1));
    let fast = rows.iter().find(|row| row[0] == "velocity").unwrap();
    assert_eq!(
        (fast[2].as_str(), fast[5].as_str(), fast[6].as_str()),
        ("7", "12", "120")
    );
    let again: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(again, report);
}
