//! Random programmes: what follows from their events is what the protocol's own arithmetic keeps, at every block.
use proptest::{prelude::*, sample::Index};
use protocol::prepaid::{CardLimits, CardNumber, CardPayment, MerchantNumber, PaymentKey, Rules, DAY};

use super::following::ensure_follows;
use crate::prepaid::{
    statements::MerchantStatement,
    world::{payment, programme, subject, terminal, World, HOUR, LATER, START},
};

/// Something that somebody does. Much of it is refused.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Next(u64),
    Pay(Vec<(CardPayment, bool, bool)>),
    Void(Index),
    Refund(Index, u128),
    TopUp(u64, u128, u8),
    Fund(u32, u128, u8),
    Dispute(Index, u128),
    Answer(Index),
    Rule(Index, Option<u128>),
    CloseCycle(u32),
    SetRules(u32, Rules),
    SetLimits(u64, CardLimits),
    SetProgramme(CardLimits, bool),
    Freeze(u64, bool),
    Replace(u64, u8),
    CloseCard(u64),
    Switch(u32, bool),
    Revoke(u8),
}

/// One of those that there are; any, if there is none.
fn one_of<'a>(keys: impl Iterator<Item = &'a PaymentKey>, index: &Index) -> (u64, u64) {
    let keys: Vec<_> = keys.collect();
    let key = (!keys.is_empty()).then(|| keys[index.index(keys.len())]);
    key.map_or((1, 1), |(card, counter)| (card.0, *counter))
}

pub(crate) fn do_it(world: &mut World, act: &Act) {
    let payment = |index| one_of(world.kept.payments.keys(), index);
    let dispute = |index| one_of(world.kept.disputes.keys(), index);
    let _ = match act {
        Act::Next(later) => {
            world.next(*later);
            Ok(())
        }
        Act::Pay(payments) => {
            world.pay_all(payments);
            Ok(())
        }
        Act::Void(index) => {
            let (card, counter) = payment(index);
            world.void(card, counter)
        }
        Act::Refund(index, amount) => {
            let (card, counter) = payment(index);
            world.refund(card, counter, *amount)
        }
        Act::TopUp(card, amount, reference) => world.top_up(*card, *amount, *reference),
        Act::Fund(merchant, amount, reference) => world.fund(*merchant, *amount, *reference),
        Act::Dispute(index, amount) => {
            let (card, counter) = payment(index);
            world.dispute(card, counter, *amount)
        }
        Act::Answer(index) => {
            let (card, counter) = dispute(index);
            world.answer(card, counter)
        }
        Act::Rule(index, awarded) => {
            let (card, counter) = dispute(index);
            world.rule(card, counter, *awarded)
        }
        Act::CloseCycle(merchant) => world.close_cycle(*merchant).map(|_| ()),
        Act::SetRules(merchant, rules) => world.set_rules(*merchant, *rules),
        Act::SetLimits(card, limits) => world.set_limits(*card, *limits),
        Act::SetProgramme(limits, allows_partial) => {
            let changed = protocol::prepaid::Programme {
                limits: *limits,
                allows_partial: *allows_partial,
                ..programme()
            };
            world.set_programme(changed);
            Ok(())
        }
        Act::Freeze(card, freezes) => world.freeze(*card, *freezes),
        Act::Replace(card, key) => world.replace(*card, *key),
        Act::CloseCard(card) => world.close_card(*card),
        Act::Switch(merchant, is_active) => world.switch(*merchant, *is_active),
        Act::Revoke(terminal) => world.revoke(*terminal),
    };
}

fn limits() -> impl Strategy<Value = CardLimits> {
    (100_u128..1_500, 50_u128..400, 100_u128..800).prop_map(|(balance, per_payment, per_day)| CardLimits {
        balance,
        per_payment,
        per_day,
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    (0_u128..50, 0_u32..=1_000_000, 0_u128..300, 0_u32..=1_000_000).prop_map(
        |(flat, parts_per_million, least_payout, reserve_parts_per_million)| Rules {
            flat,
            parts_per_million,
            least_payout,
            reserve_parts_per_million,
        },
    )
}

fn signed() -> impl Strategy<Value = (CardPayment, bool, bool)> {
    let terminals = prop_oneof![6 => Just(None), 1 => (1_u8..=5).prop_map(Some)];
    let whose = (1_u64..=4, 1_u64..60, 3_u32..=4, terminals);
    let what = (0_u128..300, 0_u128..300, prop::bool::weighted(0.7), 0_u64..200);
    let signatures = (prop::bool::weighted(0.95), prop::bool::weighted(0.95));
    (whose, what, signatures).prop_map(
        |((card, counter, merchant, which), (amount, least, is_whole, hours), (by_terminal, by_card))| {
            let payment = CardPayment {
                merchant: MerchantNumber(merchant),
                // The merchant's own, mostly.
                terminal: terminal(which.unwrap_or(if merchant == 3 { 1 } else { 3 })),
                least: if is_whole { amount } else { least },
                expires_at: START + hours * 3 * HOUR,
                ..payment(card, counter, amount)
            };
            (payment, by_terminal, by_card)
        },
    )
}

pub(crate) fn act() -> impl Strategy<Value = Act> {
    let card = || 1_u64..=4;
    let which = any::<Index>;
    let merchant = || 3_u32..=4;
    prop_oneof![
        6 => (0_u64..9).prop_map(|hours| Act::Next(hours * HOUR)),
        1 => (1_u64..4).prop_map(|days| Act::Next(days * DAY)),
        12 => prop::collection::vec(signed(), 1..5).prop_map(Act::Pay),
        2 => which().prop_map(Act::Void),
        4 => (which(), 0_u128..200).prop_map(|(index, amount)| Act::Refund(index, amount)),
        5 => (card(), 0_u128..600, any::<u8>()).prop_map(|(card, amount, reference)| Act::TopUp(card, amount, reference)),
        2 => (merchant(), 0_u128..300, any::<u8>()).prop_map(|(to, amount, reference)| Act::Fund(to, amount, reference)),
        5 => (which(), 0_u128..200).prop_map(|(index, amount)| Act::Dispute(index, amount)),
        2 => which().prop_map(Act::Answer),
        5 => (which(), prop::option::of(0_u128..200)).prop_map(|(index, awarded)| Act::Rule(index, awarded)),
        3 => merchant().prop_map(Act::CloseCycle),
        1 => (merchant(), rules()).prop_map(|(merchant, rules)| Act::SetRules(merchant, rules)),
        1 => (card(), limits()).prop_map(|(card, limits)| Act::SetLimits(card, limits)),
        1 => (limits(), any::<bool>()).prop_map(|(limits, partial)| Act::SetProgramme(limits, partial)),
        1 => (card(), any::<bool>()).prop_map(|(card, freezes)| Act::Freeze(card, freezes)),
        1 => (card(), 1_u8..9).prop_map(|(card, key)| Act::Replace(card, key)),
        1 => card().prop_map(Act::CloseCard),
        1 => (merchant(), prop::bool::weighted(0.7)).prop_map(|(merchant, is_active)| Act::Switch(merchant, is_active)),
        1 => (1_u8..=4).prop_map(Act::Revoke),
    ]
}

pub(crate) fn world() -> World {
    let mut world = World::new();
    for (merchant, first) in [(3, 1), (4, 3)] {
        world.merchant(merchant, crate::prepaid::world::RULES).unwrap();
        world.terminal(merchant, first).unwrap();
        world.terminal(merchant, first + 1).unwrap();
    }
    for (card, holder, days) in [(1, 1, 900), (2, 1, 900), (3, 2, 12)] {
        world.issue(card, holder, LATER - (1_000 - days) * DAY).unwrap();
        world.top_up(card, 700, u8::try_from(card).unwrap() + 250).unwrap();
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_follows_from_a_random_programmes_events_is_what_the_contract_keeps(
        acts in prop::collection::vec(act(), 1..150),
    ) {
        let mut world = world();
        for act in &acts {
            do_it(&mut world, act);
        }
        let book = ensure_follows(&world);
        for (number, merchant) in book.merchants() {
            for cycle in 0..merchant.open_cycle() {
                let statement = MerchantStatement::of(&book, subject(), number, cycle).unwrap();
                prop_assert!(statement.adds_up());
                prop_assert_eq!(&statement.differences, &vec![]);
            }
        }
        let cards = book.cards().map(|(_, card)| card.card.balance).sum::<u128>();
        let unpaid = book.merchants().map(|(_, merchant)| merchant.unpaid).sum::<u128>();
        prop_assert_eq!((cards, unpaid), (book.float().cards, book.float().merchants));
        prop_assert_eq!(cards + unpaid, world.kept.has);
    }

    #[test]
    fn a_cards_movements_always_come_to_what_it_holds(acts in prop::collection::vec(act(), 1..100)) {
        let mut world = world();
        for act in &acts {
            do_it(&mut world, act);
        }
        let book = world.book();
        for number in 1..=3 {
            let view = crate::prepaid::report::views::HolderView::of(&book, CardNumber(number)).unwrap().unwrap();
            let mut balance = 0_i128;
            for line in &view.movements {
                balance += line.amount;
                prop_assert_eq!(u128::try_from(balance).unwrap(), line.balance);
            }
            prop_assert_eq!(u128::try_from(balance).unwrap(), view.card.balance);
        }
    }
}
