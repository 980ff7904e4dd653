//! Books are opened by both their sides, once.
use protocol::{
    reconciliation::{domain, Book, BookId, Constants, Error, Terms},
    registry::{Change, Roles, Status},
    settlement::Asset,
    AccountId, Member,
};
use quittance_tests::{
    contract_chain::{Chain, GENESIS, START},
    institutions::{account, key, sign},
    reconciliation::{terms, Office, BOOK, CLIENT, CREDIT, DEBIT, EXPIRY, STRANGER},
};

use super::refused;

#[test]
fn a_book_is_what_both_sides_signed_and_is_empty() {
    let mut office = Office::new();
    let terms = Terms {
        asset: Asset::Psp22(AccountId([9; 32])),
        ..terms(7)
    };
    assert_eq!(office.open(&terms), Ok(BOOK));
    let opened = Book {
        terms: terms.clone(),
        open: Vec::new(),
        closed_through: None,
        carried: 0,
    };
    assert_eq!(office.book(BOOK), opened);
    let asked: Result<Vec<Option<Book>>, Error> = office.send(STRANGER, "books", vec![BOOK, BookId(1)]);
    assert_eq!(asked, Ok(vec![Some(opened), None]));
    let found: Option<BookId> = office.send(STRANGER, "book_of", terms.id());
    assert_eq!(found, Some(BOOK));
}

#[test]
fn books_are_numbered_as_they_are_opened_and_the_same_terms_need_another_number() {
    let mut office = Office::default();
    for number in 1..4 {
        assert_eq!(office.open(&terms(number)), Ok(BookId(number)));
    }
    let count: u32 = office.send(STRANGER, "count", ());
    assert_eq!((count, office.count()), (4, 4));
    let again = office.signed_terms(&terms(2));
    refused(&mut office, STRANGER, "open_book", again, Error::BookExists);
}

#[test]
fn the_client_may_be_either_side_or_anybody_else() {
    let mut office = Office::default();
    for (number, client) in (1..).zip([DEBIT, CREDIT, STRANGER, Member(99)]) {
        let terms = Terms {
            client,
            ..terms(number)
        };
        assert_eq!(office.open(&terms), Ok(BookId(number)));
        assert_eq!(office.book(BookId(number)).terms, terms);
    }
}

#[test]
fn one_institution_cannot_be_both_sides() {
    let mut office = Office::new();
    let terms = Terms {
        credit: DEBIT,
        ..terms(0)
    };
    let args = office.signed_terms(&terms);
    refused(&mut office, STRANGER, "open_book", args, Error::BadTerms);
}

#[test]
fn a_book_without_patience_or_zone_is_refused() {
    let mut office = Office::new();
    let terms = terms(0);
    for bad in [
        Terms {
            patience: 0,
            ..terms.clone()
        },
        Terms {
            zone: Vec::new(),
            ..terms.clone()
        },
        Terms {
            zone: vec![b'Z'; 49],
            ..terms.clone()
        },
        Terms {
            zone: "M\u{fc}nchen".into(),
            ..terms
        },
    ] {
        let args = office.signed_terms(&bad);
        refused(&mut office, STRANGER, "open_book", args, Error::BadTerms);
    }
}

#[test]
fn both_sides_must_have_signed_these_terms() {
    let mut office = Office::new();
    let (terms, epoch, expires_at, debit, credit) = office.signed_terms(&terms(0));
    let (.., other) = office.signed_terms(&Terms {
        client: STRANGER,
        ..terms.clone()
    });
    for (debit, credit, culprit) in [
        (credit, credit, DEBIT),
        (debit, debit, CREDIT),
        (debit, other, CREDIT),
        (other, credit, DEBIT),
    ] {
        let args = (&terms, epoch, expires_at, debit, credit);
        refused(&mut office, STRANGER, "open_book", args, Error::BadSignature(culprit));
    }
    let args = (&terms, epoch, expires_at + 1, debit, credit);
    refused(&mut office, STRANGER, "open_book", args, Error::BadSignature(DEBIT));
}

#[test]
fn terms_signed_for_another_contract_or_chain_open_nothing() {
    let mut office = Office::new();
    let terms = terms(0);
    for domain in [
        domain([8; 32], office.reconciliation, office.epoch),
        domain(GENESIS, office.registry, office.epoch),
    ] {
        let payload = terms.payload(&domain, EXPIRY);
        let [debit, credit] = [DEBIT, CREDIT].map(|side| sign(&key(side), &payload));
        let args = (&terms, office.epoch, EXPIRY, debit, credit);
        refused(&mut office, STRANGER, "open_book", args, Error::BadSignature(DEBIT));
    }
}

#[test]
fn signed_terms_are_good_strictly_before_they_expire() {
    let mut office = Office::new();
    let terms = terms(0);
    let expires_at = START + 10;
    let payload = terms.payload(&office.domain(), expires_at);
    let [debit, credit] = [DEBIT, CREDIT].map(|side| sign(&key(side), &payload));
    let args = (&terms, office.epoch, expires_at, debit, credit);
    office.chain.set_time(expires_at);
    let passed = Error::DeadlinePassed { deadline: expires_at };
    refused(&mut office, STRANGER, "open_book", args, passed);
    office.chain.set_time(expires_at - 1);
    let opened: Result<BookId, Error> = office.send(STRANGER, "open_book", args);
    assert_eq!(opened, Ok(BOOK));
}

#[test]
fn terms_signed_with_keys_that_may_have_changed_open_nothing() {
    let mut office = Office::new();
    let args = office.signed_terms(&terms(0));
    office.set_status(STRANGER, Status::Suspended);
    let current = office.epoch;
    refused(&mut office, CLIENT, "open_book", args, Error::StaleEpoch { current });
}

#[test]
fn a_side_that_is_suspended_or_no_participant_or_unknown_opens_nothing() {
    for change in [
        Change::SetStatus {
            member: CREDIT,
            status: Status::Suspended,
        },
        Change::SetRoles {
            member: CREDIT,
            roles: Roles::NOTARY,
        },
    ] {
        let mut office = Office::new();
        office.govern(change);
        let args = office.signed_terms(&terms(0));
        refused(&mut office, STRANGER, "open_book", args, Error::NotActive(CREDIT));
    }
    let mut office = Office::new();
    let nobody = Member(99);
    let args = office.signed_terms(&Terms {
        debit: nobody,
        ..terms(0)
    });
    refused(&mut office, STRANGER, "open_book", args, Error::NotActive(nobody));
}

#[test]
fn a_registry_that_is_none_opens_nothing() {
    let mut office = Office::new();
    for registry in [account(STRANGER), office.reconciliation] {
        let args = (GENESIS, registry);
        office.reconciliation = office.chain.instantiate::<Error>("reconciliation", args).unwrap();
        let args = office.signed_terms(&terms(0));
        refused(&mut office, STRANGER, "open_book", args, Error::RegistryFailed);
    }
}

#[test]
fn anyone_can_ask_what_the_contract_was_made_with() {
    let mut office = Office::new();
    let found: Constants = office.send(STRANGER, "constants", ());
    let expected = Constants {
        genesis: GENESIS,
        registry: office.registry,
    };
    assert_eq!(found, expected);
}

#[test]
fn another_chains_contract_of_the_same_code_is_another_one() {
    let mut chain = Chain::new(&[account(STRANGER)]);
    let registry = AccountId([3; 32]);
    let made: Vec<AccountId> = [GENESIS, [8; 32]]
        .map(|genesis| {
            chain
                .instantiate::<Error>("reconciliation", (genesis, registry))
                .unwrap()
        })
        .into();
    assert_ne!(made[0], made[1]);
}
