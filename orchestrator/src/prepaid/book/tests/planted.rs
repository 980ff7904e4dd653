//! Events that contradict each other: each is named, with where it stands.
use protocol::{
    prepaid::{CardNumber, DeclineCode, MerchantNumber, PaymentLine, Verdict, DAY},
    Amount,
};

use crate::prepaid::{
    book::{Book, Mismatch, Place},
    past::Event,
    world::{holder, payment, programme, terminal, World, HOUR, LATER, LIMITS, PAYER, RULES},
};

/// What happens before a payment.
type Before = fn(&mut World);
/// What is changed in a statement.
type Change = fn(&mut protocol::prepaid::Statement);

/// What was found after an event was altered, or after one was added.
fn found(world: &World) -> Vec<Mismatch> {
    world.book().mismatches().to_vec()
}

fn altered(mut world: World, alter: impl Fn(&mut Event) -> bool) -> Vec<Mismatch> {
    assert_eq!(found(&world), [], "it was well before");
    let hit = world
        .told
        .iter_mut()
        .filter_map(|(at, event)| alter(event).then_some(*at));
    let hits: Vec<_> = hit.collect();
    assert_eq!(hits.len(), 1, "one event is altered");
    let found = found(&world);
    for mismatch in &found {
        assert!(matches!(mismatch.place, Place::Event { block, .. } if block >= hits[0].block));
    }
    found
}

/// What is found when an event is told that no contract would emit.
fn added(world: &World, event: Event) -> Vec<String> {
    let mut book = world.book();
    assert_eq!(book.mismatches(), [], "it was well before");
    let mut at = world.told.last().unwrap().0;
    at.event += 1;
    at.block = world.block;
    at.time = world.now;
    book.take(at, &event).unwrap();
    book.mismatches().iter().map(ToString::to_string).collect()
}

fn line(event: &mut Event) -> Option<&mut PaymentLine> {
    match event {
        Event::PaymentsDecided(lines) => lines.first_mut(),
        _ => None,
    }
}

fn paid() -> World {
    let mut world = World::small();
    world.pay(payment(7, 1, 100));
    world
}

fn expect(found: &[Mismatch], what: &str, there: &str, expected: &str) {
    assert!(
        found
            .iter()
            .any(|one| one.what == what && one.found == there && one.expected == expected),
        "{what} isn't among {found:?}"
    );
}

#[test]
fn a_verdicts_balance_cycle_and_amount_must_follow() {
    let verdict = |taken, balance, cycle| {
        move |event: &mut Event| {
            let line = line(event);
            line.map(|line| line.verdict = Verdict::Approved { taken, balance, cycle })
                .is_some()
        }
    };
    let balance = altered(paid(), verdict(100, 701, 0));
    expect(&balance, "payment 1 of card 7: balance", "701", "700");
    assert_eq!(balance.len(), 1);
    let taken = altered(paid(), verdict(90, 710, 0));
    expect(
        &taken,
        "payment 1 of card 7: verdict",
        "approved with 90",
        "approved with 100",
    );

    let mut later = paid();
    later.close_cycle(3).unwrap();
    later.pay(payment(7, 2, 10));
    let cycle = altered(later, |event| {
        let line = line(event).filter(|line| line.payment.counter == 2);
        line.map(|line| {
            line.verdict = Verdict::Approved {
                taken: 10,
                balance: 690,
                cycle: 0,
            }
        })
        .is_some()
    });
    expect(&cycle, "payment 2 of card 7: cycle", "0", "1");
}

#[test]
fn an_approval_that_a_rule_forbids_is_named_and_so_is_a_decline_without_a_reason() {
    let cases: [(Before, DeclineCode); 7] = [
        (|world| world.freeze(7, true).unwrap(), DeclineCode::CardFrozen),
        (|world| world.close_card(7).unwrap(), DeclineCode::CardClosed),
        (|world| world.switch(3, false).unwrap(), DeclineCode::MerchantSuspended),
        (|world| world.revoke(1).unwrap(), DeclineCode::TerminalRevoked),
        (|world| world.next(1_000 * DAY), DeclineCode::PaymentExpired),
        (
            |world| {
                world.pay(payment(7, 1, 100));
            },
            DeclineCode::CounterUsed,
        ),
        (
            |world| {
                world.pay(payment(7, 2, 250));
                world.pay(payment(7, 3, 240));
            },
            DeclineCode::AboveDayLimit,
        ),
    ];
    for (before, code) in cases {
        let mut world = World::small();
        before(&mut world);
        assert_eq!(world.pay(payment(7, 1, 100)), Verdict::Declined(code));
        let approved = altered(world, |event| {
            let line = line(event).filter(|line| line.verdict == Verdict::Declined(code));
            line.map(|line| {
                line.verdict = Verdict::Approved {
                    taken: 100,
                    balance: 0,
                    cycle: 0,
                }
            })
            .is_some()
        });
        expect(
            &approved,
            "payment 1 of card 7: verdict",
            "approved with 100",
            &format!("declined ({code:?})"),
        );
    }
    let declined = altered(paid(), |event| {
        let line = line(event);
        line.map(|line| line.verdict = Verdict::Declined(DeclineCode::InsufficientFunds))
            .is_some()
    });
    expect(
        &declined,
        "payment 1 of card 7: verdict",
        "declined (InsufficientFunds)",
        "approved with 100",
    );
}

#[test]
fn every_value_of_a_statement_must_follow() {
    let mut world = paid();
    world.next(DAY);
    world.close_cycle(3).unwrap();
    let changes: [(&str, Change); 8] = [
        ("cycle.gross", |told| told.cycle.gross += 1),
        ("cycle.count", |told| told.cycle.count += 1),
        ("cycle.opened_at", |told| told.cycle.opened_at += 1),
        ("fee", |told| told.fee += 1),
        ("paid", |told| told.paid += 1),
        ("reserve", |told| told.reserve += 1),
        ("closing", |told| told.closing -= 1),
        ("rules.flat", |told| told.rules.flat += 1),
    ];
    for (name, change) in changes {
        let found = altered(world.clone(), |event| match event {
            Event::CycleClosed { statement, .. } => {
                change(statement);
                true
            }
            _ => false,
        });
        let names: Vec<&str> = found.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(names, [format!("merchant 3: cycle 0: {name}")]);
    }
}

#[test]
fn what_goes_back_beyond_what_was_taken_is_named() {
    let key = (CardNumber(7), 1);
    let refunded = |amount: Amount| Event::Refunded { key, amount };
    let voided = |amount: Amount| Event::Voided { key, amount };
    assert_eq!(added(&paid(), refunded(100)), [""; 0]);
    let found = added(&paid(), refunded(101));
    assert!(found[0].contains("100 of it was left, and 101 went back"), "{found:?}");
    assert!(added(&paid(), refunded(0))[0].contains("the amount is 0"));
    assert!(added(&paid(), voided(99))[0].contains("99 is there, 100 follows"));

    let mut part = paid();
    part.refund(7, 1, 10).unwrap();
    assert!(added(&part, voided(100))[0].contains("a part of it went back before"));
    let mut disputed = paid();
    disputed.dispute(7, 1, 10).unwrap();
    assert!(added(&disputed, voided(100))[0].contains("it is disputed"));
    assert!(added(&disputed, refunded(1))[0].contains("it is disputed"));
    let mut held = paid();
    held.pay(payment(7, 2, 50));
    held.dispute(7, 2, 50).unwrap();
    held.close_cycle(3).unwrap();
    assert!(added(&held, refunded(100))[0].contains("the merchant had 15 for it"));
    let mut closed = paid();
    closed.fund(3, 1_000, 9).unwrap();
    closed.close_cycle(3).unwrap();
    closed.fund(3, 1_000, 8).unwrap();
    assert!(added(&closed, voided(100))[0].contains("its cycle is closed"));
    let mut twice = paid();
    twice.void(7, 1).unwrap();
    assert!(added(&twice, voided(100))
        .iter()
        .any(|one| one.contains("voided before")));
}

#[test]
fn money_under_a_used_reference_and_top_ups_beyond_a_rule_are_named() {
    let top_up = |amount, reference: u8| Event::ToppedUp {
        card: CardNumber(7),
        amount,
        reference: [reference; 32],
        by: PAYER,
    };
    let world = World::small();
    assert_eq!(added(&world, top_up(100, 2)), [""; 0]);
    let by_other = Event::ToppedUp {
        card: CardNumber(7),
        amount: 100,
        reference: [1; 32],
        by: holder(1),
    };
    assert_eq!(added(&world, by_other), [""; 0], "references are each payer's own");
    assert!(added(&world, top_up(100, 1))[0].contains("reference was used before"));
    assert!(added(&world, top_up(101, 2))[0].contains("it may hold 900 and would hold 901"));
    let mut frozen = world.clone();
    frozen.freeze(7, true).unwrap();
    assert!(added(&frozen, top_up(1, 2))[0].contains("it was frozen"));
    let mut expired = world.clone();
    expired.next(1_000 * DAY);
    assert!(added(&expired, top_up(1, 2))[0].contains("it had expired"));
    let funded = Event::MerchantFunded {
        merchant: MerchantNumber(3),
        amount: 5,
        reference: [1; 32],
        by: PAYER,
    };
    assert!(added(&world, funded)[0].contains("reference was used before"));
}

#[test]
fn what_exists_is_not_made_again_and_what_is_over_stays_over() {
    let world = World::small();
    let issued = Event::CardIssued {
        card: CardNumber(7),
        key: holder(1),
        holder: holder(2),
        limits: LIMITS,
        expires_at: LATER,
    };
    assert!(added(&world, issued)[0].contains("there is a card of that number"));
    let registered = Event::MerchantRegistered {
        merchant: MerchantNumber(3),
        acquirer: protocol::Member(1),
        account: holder(1),
        rules: RULES,
    };
    assert!(added(&world, registered)[0].contains("there is a merchant of that number"));
    let added_again = Event::TerminalAdded {
        merchant: MerchantNumber(3),
        terminal: terminal(1),
    };
    assert!(added(&world, added_again)[0].contains("is or was a terminal's"));
    assert!(added(&world, Event::Unfrozen(CardNumber(7)))[0].contains("it was active"));
    let mut closed = world.clone();
    closed.close_card(7).unwrap();
    let limits = Event::LimitsSet {
        card: CardNumber(7),
        limits: LIMITS,
    };
    assert!(added(&closed, limits)[0].contains("the card was closed"));
    let paid_out = Event::CardClosed {
        card: CardNumber(7),
        holder: holder(2),
        amount: 799,
    };
    let found = added(&world, paid_out);
    assert!(
        found[0].contains("799 is there, 800 follows") && found[1].contains("holder"),
        "{found:?}"
    );
}

#[test]
fn disputes_out_of_time_or_beyond_the_claim_are_named() {
    let key = (CardNumber(7), 1);
    let opened = |amount, rule_by| Event::DisputeOpened {
        key,
        amount,
        evidence: [1; 32],
        rule_by,
    };
    let world = paid();
    let rule_by = world.now + 2 * DAY;
    assert_eq!(added(&world, opened(100, rule_by)), [""; 0]);
    assert!(added(&world, opened(101, rule_by))[0].contains("100 of it was left"));
    assert!(added(&world, opened(100, rule_by + 1))[0].contains("rule_by"));
    let mut late = world.clone();
    late.next(5 * DAY);
    assert!(added(&late, opened(100, late.now + 2 * DAY))[0].contains("time for disputes was over"));

    let decided = |awarded, is_default| Event::DisputeDecided {
        key,
        awarded,
        is_default,
    };
    let mut disputed = world.clone();
    disputed.dispute(7, 1, 60).unwrap();
    disputed.next(HOUR);
    assert_eq!(added(&disputed, decided(60, false)), [""; 0]);
    assert!(added(&disputed, decided(61, false))[0].contains("the holder wanted 60"));
    assert!(added(&disputed, decided(60, true))[0].contains("time was not over"));
    disputed.next(2 * DAY);
    assert!(added(&disputed, decided(60, false))[0].contains("time was over"));
    assert_eq!(added(&disputed, decided(60, true)), [""; 0]);
    assert!(added(&disputed, decided(0, true))[0].contains("0 is there, 60 follows"));
    let answered = |rule_by| Event::DisputeAnswered {
        key,
        answer: [1; 32],
        rule_by,
    };
    assert!(added(&disputed, answered(disputed.now + 2 * DAY))[0].contains("time for it was over"));
    let mut disputed = world.clone();
    disputed.dispute(7, 1, 60).unwrap();
    disputed.next(HOUR);
    assert_eq!(added(&disputed, answered(disputed.now + 2 * DAY)), [""; 0]);
    assert!(added(&disputed, answered(disputed.now))[0].contains("rule_by"));
}

#[test]
fn rules_and_programmes_that_no_contract_takes_are_named() {
    let world = World::small();
    let endless = protocol::prepaid::Programme {
        ruling_period: 0,
        ..programme()
    };
    assert!(added(&world, Event::ProgrammeSet(endless))[0].contains("a period is 0 or too long"));
    let rules = protocol::prepaid::Rules {
        parts_per_million: 1_000_001,
        ..RULES
    };
    let greedy = Event::RulesSet {
        merchant: MerchantNumber(3),
        rules,
    };
    assert!(added(&world, greedy)[0].contains("more than a whole"));
}

#[test]
fn deadlines_are_over_at_their_millisecond() {
    let mut world = World::small();
    world.issue(8, 1, world.now + HOUR).unwrap();
    world.top_up(8, 100, 8).unwrap();
    let soon = protocol::prepaid::CardPayment {
        expires_at: world.now + HOUR,
        ..payment(7, 1, 10)
    };
    world.next(HOUR);
    assert_eq!(world.pay(soon), Verdict::Declined(DeclineCode::PaymentExpired));
    assert_eq!(
        world.pay(payment(8, 1, 10)),
        Verdict::Declined(DeclineCode::CardExpired)
    );
    assert_eq!(found(&world), []);
    world.pay(payment(7, 2, 10));
    let key = (CardNumber(7), 2);
    world.next(5 * DAY - 1);
    let opened = |world: &World| Event::DisputeOpened {
        key,
        amount: 10,
        evidence: [1; 32],
        rule_by: world.now + 2 * DAY,
    };
    assert_eq!(added(&world, opened(&world)), [""; 0]);
    let mut disputed = world.clone();
    disputed.dispute(7, 2, 10).unwrap();
    world.next(1);
    assert!(added(&world, opened(&world))[0].contains("time for disputes was over"));

    disputed.next(2 * DAY - 1);
    let decided = |is_default| Event::DisputeDecided {
        key,
        awarded: 10,
        is_default,
    };
    assert_eq!(added(&disputed, decided(false)), [""; 0]);
    assert!(added(&disputed, decided(true))[0].contains("time was not over"));
    disputed.next(1);
    assert_eq!(added(&disputed, decided(true)), [""; 0]);
    assert!(added(&disputed, decided(false))[0].contains("time was over"));
}

#[test]
fn awards_come_out_of_what_is_held_for_whichever_dispute() {
    let mut world = paid();
    world.pay(payment(7, 2, 100));
    world.close_cycle(3).unwrap();
    world.fund(3, 60, 9).unwrap();
    world.dispute(7, 1, 70).unwrap();
    world.dispute(7, 2, 60).unwrap();
    // 80 are there, 130 are held.
    world.rule(7, 1, Some(70)).unwrap();
    assert!(world.rule(7, 2, Some(60)).is_err());
    let second = Event::DisputeDecided {
        key: (CardNumber(7), 2),
        awarded: 60,
        is_default: false,
    };
    assert!(added(&world, second)[0].contains("the merchant had 10 for it"));
}

#[test]
fn a_cycle_that_is_closed_twice_is_named() {
    let mut world = paid();
    let statement = world.close_cycle(3).unwrap();
    let again = Event::CycleClosed {
        merchant: MerchantNumber(3),
        statement: Box::new(statement),
    };
    let found = added(&world, again);
    assert!(
        found[0].contains("cycle 0 is closed, the open one has the number 1"),
        "{found:?}"
    );
}

#[test]
fn a_mismatch_does_not_hide_what_follows_it() {
    let mut world = paid();
    world.pay(payment(7, 2, 100));
    let mut book = Book::default();
    for (at, event) in &mut world.told {
        if let Some(line) = line(event) {
            let Verdict::Approved { balance, .. } = &mut line.verdict else {
                continue;
            };
            *balance += 1;
        }
        book.take(*at, event).unwrap();
    }
    assert_eq!(book.mismatches().len(), 2);
    assert_eq!(book.card(CardNumber(7)).unwrap().card.balance, 600);
}
