#![allow(clippy::unwrap_used)]
use scale::Encode;

use super::*;
use crate::audit::chain::{
    blocks::check,
    findings::Finding,
    ports::Content,
    world::{World, CONTRACT},
};

const BALANCES: u32 = 5;

/// A contract that keeps balances of 300 members: more than a page.
fn world() -> World {
    let mut world = World::default();
    for member in 0u32..300 {
        let value = u128::from(member).encode();
        world.storage.insert((BALANCES, member).encode(), value);
    }
    world.storage.insert(vec![0; 4], vec![1]);
    world
}

/// Tables that agree with it.
fn tables() -> Tables {
    let mut tables = Tables::in_memory().unwrap();
    for member in 0u32..300 {
        tables.of(CONTRACT).put(BALANCES, &member, &u128::from(member)).unwrap();
    }
    tables.of(CONTRACT).set_head(&1u8).unwrap();
    tables
}

async fn look(world: &mut World, tables: &mut Tables, least: &[(Asset, Amount)]) -> (u64, Vec<Finding>) {
    world.add(Content::default());
    let at = check(&world.blocks[0], None, &mut |flaw| panic!("{flaw}")).unwrap();
    let contracts = World::contracts();
    let subject = Subject {
        archive: &*world,
        at: &at,
        account: CONTRACT,
        contract: &contracts.0[&CONTRACT],
        is_due: false,
    };
    let mut findings = Findings::default();
    let compared = subject.compare(tables, &mut findings, &|_| {}).await.unwrap();
    let compared = compared.expect("it is made");
    let least = least.iter().copied().collect();
    subject.funds(&least, &mut findings).await.unwrap();
    (compared, findings.first)
}

fn only(found: &[Finding]) -> (&str, &str) {
    assert_eq!(found.len(), 1, "{found:?}");
    (&found[0].code, &found[0].detail)
}

#[tokio::test]
async fn what_agrees_is_found_well() {
    let (compared, found) = look(&mut world(), &mut tables(), &[]).await;
    assert_eq!((compared, found), (301, vec![]));
}

#[tokio::test]
async fn another_value_is_found() {
    let mut tables = tables();
    tables.of(CONTRACT).put(BALANCES, &7u32, &8u128).unwrap();
    let (_, found) = look(&mut world(), &mut tables, &[]).await;
    let (code, detail) = only(&found);
    assert_eq!(code, "other-state");
    assert!(
        detail.starts_with("balances 0x07000000: the contract keeps 0x07"),
        "{detail}"
    );
    assert!(detail.contains("lead to 0x08"), "{detail}");
}

#[tokio::test]
async fn a_value_that_no_event_leads_to_is_found() {
    let mut tables = tables();
    tables.of(CONTRACT).remove(BALANCES, &7u32).unwrap();
    let (_, found) = look(&mut world(), &mut tables, &[]).await;
    assert_eq!(only(&found).0, "stray-state");
}

#[tokio::test]
async fn a_value_that_the_contract_lacks_is_found() {
    let mut world = world();
    world.storage.remove(&(BALANCES, 299u32).encode());
    let (compared, found) = look(&mut world, &mut tables(), &[]).await;
    let (code, detail) = only(&found);
    assert_eq!((compared, code), (300, "missing-state"));
    assert!(detail.contains("balances 0x2b010000"), "{detail}");
}

#[tokio::test]
async fn one_value_too_many_and_one_too_few_are_both_found() {
    let mut world = world();
    let value = world.storage.remove(&(BALANCES, 299u32).encode()).unwrap();
    world.storage.insert((BALANCES, 300u32).encode(), value);
    let (_, found) = look(&mut world, &mut tables(), &[]).await;
    let codes: Vec<_> = found.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["stray-state", "missing-state"]);
}

#[tokio::test]
async fn a_contract_must_have_what_it_owes() {
    let mut world = world();
    world.native = 99;
    let token = Asset::Psp22(AccountId([3; 32]));
    let (_, found) = look(&mut world.clone(), &mut tables(), &[(Asset::Native, 99)]).await;
    assert_eq!(found, []);
    let (_, found) = look(&mut world, &mut tables(), &[(Asset::Native, 100), (token, 1)]).await;
    let codes: Vec<_> = found.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["short-of-funds", "short-of-funds"]);
    assert!(
        found[0].detail.contains("owes 100") && found[0].detail.contains("has 99"),
        "{found:?}"
    );
}
