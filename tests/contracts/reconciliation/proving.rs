//! Proofs of the contract's storage, as a node makes them and an auditor reads them: by the state's root alone.
use protocol::{
    reconciliation::{
        storage::{book_key, day_key, entry_key},
        Book, DayRecord, EntryRecord,
    },
    AccountId,
};
use quittance::audit::state::{ProofError, State};
use quittance_tests::reconciliation::{entries, trade, Office, AMOUNT, BOOK, DAY_BEFORE, YESTERDAY};

/// More than one node of the trie can hold.
const ENTRIES: usize = 100;

/// A closed day with many entries, one of them corrected.
fn office() -> Office {
    let mut office = Office::default();
    office.record(YESTERDAY, &entries(ENTRIES)).unwrap();
    office.correct(trade(7), AMOUNT - 1).unwrap();
    office.close(YESTERDAY).unwrap();
    office
}

#[test]
fn what_the_contract_keeps_of_a_book_a_day_and_an_entry_is_proven_by_the_states_root() {
    let mut office = office();
    let contract = office.reconciliation;
    let entry = entry_key(BOOK, trade(7));
    let (root, nodes) = office
        .chain
        .proof(contract, &[book_key(BOOK), day_key(BOOK, YESTERDAY), entry.clone()]);

    let state = State::new(root, &nodes);
    let trie = state.contract(&contract).unwrap().trie;
    let storage = state.storage(&trie).unwrap();
    let book: Book = storage.get(&book_key(BOOK), "the book").unwrap().unwrap();
    assert_eq!(book, office.book(BOOK));
    let day: DayRecord = storage.get(&day_key(BOOK, YESTERDAY), "the day").unwrap().unwrap();
    assert_eq!(day, office.day(BOOK, YESTERDAY));
    assert!(day.closed.is_some());
    let record: EntryRecord = storage.get(&entry, "an entry").unwrap().unwrap();
    assert_eq!(record, office.entry(BOOK, trade(7)));
    assert_eq!((record.amount, record.corrections), (AMOUNT - 1, 1));
}

#[test]
fn many_entries_share_one_proof() {
    let mut office = office();
    let contract = office.reconciliation;
    let keys: Vec<Vec<u8>> = entries(ENTRIES)
        .iter()
        .map(|entry| entry_key(BOOK, entry.trade))
        .collect();
    let (root, nodes) = office.chain.proof(contract, &keys);
    let state = State::new(root, &nodes);
    let trie = state.contract(&contract).unwrap().trie;
    let storage = state.storage(&trie).unwrap();
    for (key, entry) in keys.iter().zip(entries(ENTRIES)) {
        let record: EntryRecord = storage.get(key, "an entry").unwrap().unwrap();
        assert_eq!(record, office.entry(BOOK, entry.trade));
    }
}

#[test]
fn that_there_is_no_entry_is_proven_and_what_the_proof_is_not_of_is_not() {
    let mut office = office();
    let contract = office.reconciliation;
    let missing = entry_key(BOOK, trade(4_711));
    let (root, nodes) = office
        .chain
        .proof(contract, &[missing.clone(), day_key(BOOK, DAY_BEFORE)]);
    let state = State::new(root, &nodes);
    let trie = state.contract(&contract).unwrap().trie;
    let storage = state.storage(&trie).unwrap();
    assert_eq!(storage.get::<EntryRecord>(&missing, "an entry"), Ok(None));
    assert_eq!(
        storage.get::<DayRecord>(&day_key(BOOK, DAY_BEFORE), "the day"),
        Ok(None)
    );
    let untold = (0..100u32).map(|number| storage.get::<EntryRecord>(&entry_key(BOOK, trade(number)), "an entry"));
    assert!(untold
        .clone()
        .any(|told| matches!(told, Err(ProofError::Incomplete { .. }))));
    assert!(
        !untold.into_iter().any(|told| told == Ok(None)),
        "an entry that is there is never proven away"
    );
}

#[test]
fn a_proof_of_another_state_or_with_an_altered_node_shows_nothing() {
    let mut office = office();
    let contract = office.reconciliation;
    let key = entry_key(BOOK, trade(7));
    let (before, nodes) = office.chain.proof(contract, &[key.clone()]);
    office.correct(trade(7), AMOUNT + 1).unwrap();
    let (after, _) = office.chain.proof(contract, &[key.clone()]);
    assert_ne!(before, after);
    assert!(State::new(after, &nodes).contract(&contract).is_err());
    assert!(matches!(
        State::new(before, &nodes).contract(&AccountId([1; 32])),
        Err(ProofError::NoContract(_) | ProofError::Incomplete { .. })
    ));
    for altered in 0..nodes.len() {
        let mut nodes = nodes.clone();
        *nodes[altered].last_mut().unwrap() ^= 1;
        let state = State::new(before, &nodes);
        let shown = state.contract(&contract).and_then(|info| {
            let storage = state.storage(&info.trie)?;
            storage.get::<EntryRecord>(&key, "an entry")
        });
        assert!(shown.is_err(), "node {altered}");
    }
}
