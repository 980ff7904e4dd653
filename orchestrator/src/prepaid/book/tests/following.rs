//! A programme by hand, step by step.
use protocol::prepaid::{CardLimits, CardNumber, DeclineCode, Float, MerchantNumber, Verdict, DAY};

use crate::prepaid::{
    book::{Book, CardEntry, EntryKind, OverCause},
    past::{Event, Missing},
    world::{holder, payment, World, HOUR, LATER, LIMITS, RULES},
};

const CARD: CardNumber = CardNumber(7);
const MERCHANT: MerchantNumber = MerchantNumber(3);

/// Which events nobody told.
type Skipped = fn(&Event) -> bool;

/// Everything that is kept follows from what was told.
pub(super) fn ensure_follows(world: &World) -> Book {
    let book = world.book();
    let kept = &world.kept;
    assert_eq!(book.mismatches(), []);
    assert_eq!(book.programme(), kept.programme);
    assert_eq!(book.float(), kept.float);
    assert_eq!(
        book.cards()
            .map(|(number, card)| (number, card.card))
            .collect::<Vec<_>>(),
        pairs(&kept.cards)
    );
    assert_eq!(
        book.merchants()
            .map(|(number, merchant)| (number, merchant.state()))
            .collect::<Vec<_>>(),
        pairs(&kept.merchants)
    );
    assert_eq!(book.terminals().collect::<Vec<_>>(), pairs(&kept.terminals));
    assert_eq!(
        book.payments()
            .map(|(key, payment)| (key, payment.record))
            .collect::<Vec<_>>(),
        pairs(&kept.payments)
    );
    assert_eq!(
        book.disputes()
            .map(|(key, dispute)| (key, dispute.dispute))
            .collect::<Vec<_>>(),
        pairs(&kept.disputes)
    );
    let closings = book.merchants().flat_map(|(number, merchant)| {
        let its = (0..).zip(&merchant.closings);
        its.map(move |(cycle, closing)| ((number, cycle), closing.statement))
    });
    assert_eq!(closings.collect::<Vec<_>>(), pairs(&kept.statements));
    assert!(book.references().eq(kept.references.iter().copied()));
    for (block, kept) in &world.past {
        assert_eq!(book.float_after(*block), kept.float, "after block {block}");
    }
    assert_eq!(book.float_after(world.block), kept.float);
    book
}

fn pairs<K: Copy, V: Copy>(map: &std::collections::BTreeMap<K, V>) -> Vec<(K, V)> {
    map.iter().map(|(key, value)| (*key, *value)).collect()
}

#[test]
fn a_day_of_a_programme_follows_from_its_events() {
    let mut world = World::small();
    world.merchant(4, RULES).unwrap();
    world.pay(payment(7, 1, 100));
    world.pay(payment(7, 2, 50));
    world.next(HOUR);
    world.void(7, 2).unwrap();
    world.refund(7, 1, 30).unwrap();
    world.fund(4, 500, 2).unwrap();
    world.dispute(7, 1, 70).unwrap();
    world.next(HOUR);
    world.close_cycle(3).unwrap();
    world.answer(7, 1).unwrap();
    world.rule(7, 1, Some(20)).unwrap();
    world.next(DAY);
    world.close_cycle(3).unwrap();
    world.close_card(7).unwrap();
    let book = ensure_follows(&world);

    let card = book.card(CARD).unwrap();
    let kinds: Vec<CardEntry> = card.movements.iter().map(|one| one.kind).collect();
    use CardEntry::{Award, Payment, Payout, Refund, TopUp, Void};
    assert_eq!(kinds, [TopUp, Payment, Payment, Void, Refund, Award, Payout]);
    let balances: Vec<u128> = card.movements.iter().map(|one| one.balance).collect();
    assert_eq!(balances, [800, 700, 650, 700, 730, 750, 0]);
    let merchant = book.merchant(MERCHANT).unwrap();
    let of = |cycle| {
        merchant
            .entries_of(cycle)
            .iter()
            .map(|entry| entry.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(0),
        [
            EntryKind::Payment,
            EntryKind::Payment,
            EntryKind::Void,
            EntryKind::Refund
        ]
    );
    assert_eq!((of(1), of(2)), (vec![EntryKind::Award], vec![]));
}

#[test]
fn what_comes_back_to_a_closed_card_goes_to_its_holder() {
    let mut world = World::small();
    world.pay(payment(7, 1, 100));
    world.close_card(7).unwrap();
    world.refund(7, 1, 40).unwrap();
    let book = ensure_follows(&world);
    let last = *book.card(CARD).unwrap().movements.last().unwrap();
    assert_eq!(
        (last.kind, last.amount, last.balance, last.to_holder),
        (CardEntry::Refund, 40, 0, true)
    );
    assert_eq!(
        book.float(),
        Float {
            cards: 0,
            merchants: 60
        }
    );
}

#[test]
fn several_payments_of_one_event_are_told_apart_by_their_place() {
    let mut world = World::small();
    world.pay_all(&[
        (payment(7, 1, 100), true, true),
        (payment(7, 1, 100), true, true),
        (payment(7, 2, 100), true, false),
        (payment(7, 3, 9_999), true, true),
        (payment(7, 4, 100), true, true),
    ]);
    let book = ensure_follows(&world);
    let lines: Vec<u32> = book.payments().map(|(_, payment)| payment.line).collect();
    assert_eq!(lines, [0, 4]);
    let declined: Vec<(u32, DeclineCode)> = book.declined().iter().map(|one| (one.line, one.code)).collect();
    assert_eq!(
        declined,
        [
            (1, DeclineCode::CounterUsed),
            (2, DeclineCode::BadCardSignature),
            (3, DeclineCode::AbovePaymentLimit)
        ]
    );
}

#[test]
fn a_card_that_holds_more_than_it_may_is_known_with_its_cause() {
    let mut world = World::small();
    world.pay(payment(7, 1, 200));
    world.next(HOUR);
    let limits = CardLimits { balance: 700, ..LIMITS };
    world.set_limits(7, limits).unwrap();
    assert_eq!(world.book().card(CARD).unwrap().over, None);
    world.next(HOUR);
    world.refund(7, 1, 150).unwrap();
    let since = world.block;
    world.next(HOUR);
    world.set_limits(7, CardLimits { balance: 600, ..LIMITS }).unwrap();
    let over = ensure_follows(&world).card(CARD).unwrap().over.unwrap();
    assert_eq!((over.since.block, over.cause), (since, OverCause::Returned));

    world.set_limits(7, LIMITS).unwrap();
    assert_eq!(world.book().card(CARD).unwrap().over, None);
    let mut programme = world.programme();
    programme.limits.balance = 10;
    world.set_programme(programme);
    let over = world.book().card(CARD).unwrap().over.unwrap();
    assert_eq!(over.cause, OverCause::ProgrammeCut);
}

#[test]
fn whatever_an_event_names_must_have_been_told_of_before() {
    let mut world = World::small();
    world.pay(payment(7, 1, 100));
    world.dispute(7, 1, 50).unwrap();
    world.rule(7, 1, Some(10)).unwrap();
    world.close_cycle(3).unwrap();
    world.pay(payment(7, 2, 100));
    let without = |skipped: Skipped| {
        let mut book = Book::default();
        let its = world.told.iter().filter(|(_, event)| !skipped(event));
        let gap = its.map(|(at, event)| book.take(*at, event)).find_map(Result::err);
        gap.map(|gap| gap.missing)
    };
    assert_eq!(without(|_| false), None);
    let cases: [(Skipped, Missing); 6] = [
        (|event| matches!(event, Event::ProgrammeSet(_)), Missing::Programme),
        (|event| matches!(event, Event::CardIssued { .. }), Missing::Card(CARD)),
        (
            |event| matches!(event, Event::MerchantRegistered { .. }),
            Missing::Merchant(MERCHANT),
        ),
        (
            |event| matches!(event, Event::PaymentsDecided(_)),
            Missing::Payment((CARD, 1)),
        ),
        (
            |event| matches!(event, Event::DisputeOpened { .. }),
            Missing::Dispute((CARD, 1)),
        ),
        (
            |event| matches!(event, Event::CycleClosed { .. }),
            Missing::Cycle {
                merchant: MERCHANT,
                open: 0,
                found: 1,
            },
        ),
    ];
    for (skipped, missing) in cases {
        assert_eq!(without(skipped), Some(missing));
    }
    assert!(matches!(
        without(|event| matches!(event, Event::TerminalAdded { .. })),
        Some(Missing::Terminal(_))
    ));
}

#[test]
fn a_gap_says_where_and_what_to_do() {
    let mut world = World::small();
    world.freeze(7, true).unwrap();
    let (at, event) = world.told.last().unwrap();
    let gap = Book::default().take(*at, event).unwrap_err();
    let text = gap.to_string();
    assert!(
        text.contains("block 2") && text.contains("card 7, and not that it was issued"),
        "{text}"
    );
    assert!(text.contains("ask another node"), "{text}");
}

#[test]
fn a_replaced_card_keeps_its_number_balance_and_counters() {
    let mut world = World::small();
    world.pay(payment(7, 5, 100));
    world.freeze(7, true).unwrap();
    world.replace(7, 9).unwrap();
    assert!(matches!(
        world.pay(payment(7, 5, 100)),
        Verdict::Declined(DeclineCode::CounterUsed)
    ));
    let book = ensure_follows(&world);
    let card = book.card(CARD).unwrap().card;
    assert_eq!((card.balance, card.counter, card.holder), (700, 5, holder(1)));
    assert!(card.expires_at == LATER);
}
