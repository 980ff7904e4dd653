#![allow(clippy::unwrap_used)]
use protocol::KeyComposer;

use super::*;

const BALANCES: Key = KeyComposer::from_str("Bank::balances");
const LIMITS: Key = KeyComposer::from_str("Bank::limits");
const BANK: AccountId = AccountId([1; 32]);
const OTHER: AccountId = AccountId([2; 32]);

#[test]
fn each_contract_and_mapping_has_its_own_values() {
    let mut tables = Tables::in_memory().unwrap();
    tables.of(BANK).put(BALANCES, &7u32, &70u128).unwrap();
    tables.of(BANK).put(BALANCES, &8u32, &80u128).unwrap();
    tables.of(BANK).put(LIMITS, &7u32, &1u128).unwrap();
    tables.of(OTHER).put(BALANCES, &7u32, &2u128).unwrap();
    tables.of(BANK).set_head(&(3u8, true)).unwrap();
    tables.of(BANK).put_note("seen", &7u32, &true).unwrap();

    let bank = tables.of(BANK);
    assert_eq!(bank.get(BALANCES, &7u32).unwrap(), Some(70u128));
    assert_eq!(bank.get::<u128>(BALANCES, &9u32).unwrap(), None);
    assert_eq!(bank.head().unwrap(), Some((3u8, true)));
    assert_eq!(bank.note("seen", &7u32).unwrap(), Some(true));
    let mut found = Vec::new();
    bank.each(BALANCES, &mut |key: u32, value: u128| found.push((key, value)))
        .unwrap();
    assert_eq!(found, [(7, 70), (8, 80)]);
    assert_eq!(bank.count().unwrap(), 4);

    tables.of(BANK).remove(BALANCES, &7u32).unwrap();
    tables.of(BANK).remove_note("seen", &7u32).unwrap();
    let bank = tables.of(BANK);
    assert_eq!(bank.get::<u128>(BALANCES, &7u32).unwrap(), None);
    assert_eq!(bank.note::<bool>("seen", &7u32).unwrap(), None);
    assert_eq!(bank.count().unwrap(), 3);
}

#[test]
fn keys_lie_as_ink_lays_them() {
    let mut tables = Tables::in_memory().unwrap();
    let mut bank = tables.of(BANK);
    bank.put(BALANCES, &7u32, &70u128).unwrap();
    bank.set_head(&5u8).unwrap();
    let key = [BALANCES.to_le_bytes(), 7u32.to_le_bytes()].concat();
    assert_eq!(bank.bytes(&key).unwrap(), Some(70u128.encode()));
    assert_eq!(bank.bytes(&[0; 4]).unwrap(), Some(vec![5]));
    assert_eq!(bank.keys_after(None, 10).unwrap(), [vec![0; 4], key.clone()]);
    assert_eq!(bank.keys_after(None, 1).unwrap(), [vec![0; 4]]);
    assert_eq!(bank.keys_after(Some(&[0; 4]), 10).unwrap(), [key]);
}

#[test]
fn a_value_of_another_type_is_told() {
    let mut tables = Tables::in_memory().unwrap();
    tables.of(BANK).put(BALANCES, &7u32, &70u128).unwrap();
    let read = tables.of(BANK).get::<u64>(BALANCES, &7u32);
    assert!(matches!(read, Err(TablesError::Corrupt { .. })));
    let read = tables.of(BANK).each(BALANCES, &mut |_: u64, _: u128| {});
    assert!(matches!(read, Err(TablesError::Corrupt { .. })));
}

#[test]
fn an_interrupted_audit_is_where_it_last_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work");
    let mut tables = Tables::open(Some(&path), &"this chain").unwrap();
    assert_eq!(tables.progress::<u32>().unwrap(), None);
    tables.of(BANK).put(BALANCES, &7u32, &70u128).unwrap();
    tables.commit(&256u32).unwrap();
    tables.of(BANK).put(BALANCES, &7u32, &71u128).unwrap();
    drop(tables);

    let mut tables = Tables::open(Some(&path), &"this chain").unwrap();
    assert_eq!(tables.progress::<u32>().unwrap(), Some(256));
    assert_eq!(tables.of(BANK).get(BALANCES, &7u32).unwrap(), Some(70u128));
}

#[test]
fn the_work_of_another_audit_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work");
    let mut tables = Tables::open(Some(&path), &"this chain").unwrap();
    tables.commit(&1u32).unwrap();
    drop(tables);
    let other = Tables::open(Some(&path), &"that chain").err().unwrap();
    assert!(matches!(other, TablesError::OtherWork { .. }), "{other}");
}

#[test]
fn a_file_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work");
    std::fs::write(&path, b"a letter").unwrap();
    assert!(matches!(
        Tables::open(Some(&path), &"this chain"),
        Err(TablesError::File(_))
    ));
}
