//! Everything that a contract keeps otherwise than its events lead to is named.
use protocol::{
    prepaid::{CardNumber, CardState, MerchantNumber},
    AccountId,
};

use super::*;
use crate::prepaid::{
    statements::tests::full,
    world::{payment, terminal, Kept, World, PAYER},
};

/// Changes something behind the events' back.
type Plant = Box<dyn Fn(&mut Kept)>;

fn world() -> World {
    let mut world = full();
    world.pay(payment(7, 9, 10));
    world
}

async fn found(kept: &Kept) -> Vec<String> {
    let world = world();
    let found = compare(&world.book(), kept, world.block, &|_| ()).await.unwrap();
    found.into_iter().map(|mismatch| mismatch.what).collect()
}

#[tokio::test]
async fn a_contract_that_keeps_its_rules_has_no_findings() {
    let world = world();
    let looked = std::sync::atomic::AtomicU64::new(0);
    let count = |some: u64| {
        looked.fetch_add(some, std::sync::atomic::Ordering::Relaxed);
    };
    let found = compare(&world.book(), &world.kept, world.block, &count).await.unwrap();
    assert_eq!(found, []);
    assert_eq!(
        looked.into_inner(),
        things(&world.book()),
        "the progress comes to its end"
    );
}

#[tokio::test]
async fn whatever_is_kept_otherwise_is_named() {
    let card = CardNumber(7);
    let key = (card, 3);
    let merchant = MerchantNumber(3);
    let plants: [(&str, Plant); 16] = [
        (
            "programme: cycle",
            Box::new(|kept| kept.programme.as_mut().unwrap().cycle += 1),
        ),
        ("float: cards", Box::new(|kept| kept.float.cards += 1)),
        ("float: merchants", Box::new(|kept| kept.float.merchants -= 1)),
        (
            "card 7: balance",
            Box::new(move |kept| kept.cards.get_mut(&card).unwrap().balance += 1),
        ),
        (
            "card 7: state",
            Box::new(move |kept| kept.cards.get_mut(&card).unwrap().state = CardState::Frozen),
        ),
        (
            "card 7: holder",
            Box::new(move |kept| kept.cards.get_mut(&card).unwrap().holder = AccountId([0; 32])),
        ),
        (
            "card 7: counter",
            Box::new(move |kept| kept.cards.get_mut(&card).unwrap().counter = 3),
        ),
        (
            "card 7",
            Box::new(move |kept| assert!(kept.cards.remove(&card).is_some())),
        ),
        (
            "merchant 3: cycle.gross",
            Box::new(move |kept| kept.merchants.get_mut(&merchant).unwrap().cycle.gross += 1),
        ),
        (
            "merchant 3: fee_due",
            Box::new(move |kept| kept.merchants.get_mut(&merchant).unwrap().fee_due = 1),
        ),
        (
            "payment 3 of card 7: returned",
            Box::new(move |kept| kept.payments.get_mut(&key).unwrap().returned = 0),
        ),
        (
            "payment 3 of card 7",
            Box::new(move |kept| assert!(kept.payments.remove(&key).is_some())),
        ),
        (
            "dispute over payment 3 of card 7: awarded",
            Box::new(move |kept| kept.disputes.get_mut(&key).unwrap().awarded = Some(21)),
        ),
        (
            "dispute over payment 9 of card 7",
            Box::new(move |kept| {
                let other = kept.disputes[&key];
                kept.disputes.insert((card, 9), other);
            }),
        ),
        (
            "statement of merchant 3, cycle 0: paid",
            Box::new(move |kept| kept.statements.get_mut(&(merchant, 0)).unwrap().paid += 1),
        ),
        (
            "statement of merchant 3, cycle 1",
            Box::new(move |kept| {
                let other = kept.statements[&(merchant, 0)];
                kept.statements.insert((merchant, 1), other);
            }),
        ),
    ];
    for (what, plant) in plants {
        let mut kept = world().kept;
        plant(&mut kept);
        assert_eq!(found(&kept).await, [what]);
    }
    let mut kept = world().kept;
    kept.terminals.get_mut(&terminal(1)).unwrap().is_revoked = true;
    assert!(found(&kept).await[0].ends_with("is_revoked"));
    let mut kept = world().kept;
    kept.references.remove(&(PAYER, [2; 32]));
    assert!(found(&kept).await[0].starts_with("reference 0x0202"));
}

#[tokio::test]
async fn what_events_say_otherwise_is_among_the_findings() {
    let mut world = world();
    if let Some((_, crate::prepaid::past::Event::PaymentsDecided(lines))) = world.told.last_mut() {
        lines[0].verdict = protocol::prepaid::Verdict::Approved {
            taken: 10,
            balance: 0,
            cycle: 1,
        };
    }
    let found = compare(&world.book(), &world.kept, world.block, &|_| ()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].what, "payment 9 of card 7: balance");
}
