//! Locking and accepting: E1 and E2.
use protocol::{
    escrow::{Deadlines, DealState, Error, Terms, MAX_DEALS},
    settlement::Asset,
    AgreementId, DealId,
};
use quittance_tests::{
    contract_chain::START,
    institutions::account,
    market::{terms, Market, ARBITER, BOND, BUYER, DEADLINES, GAP, POT, PRICE, SELLER, SELLER_BOND, STRANGER},
};

use super::{done, purse, refused, unanswered, Purse};

const STAKE: u128 = PRICE + BOND;

/// What makes something unacceptable, and why it is refused.
type Fault<T> = (fn(&mut T), Error);

/// A lock with the money due that must be refused.
#[track_caller]
fn lock_refused(market: &mut Market, terms: &Terms, expected: Error) {
    let value = terms.price.saturating_add(terms.bond);
    // A native balance can't be beyond all money; the check of the terms comes first anyway.
    refused(market, BUYER, "lock", terms, value.min(STAKE), expected);
}

#[test]
fn a_lock_takes_price_and_bond_and_keeps_the_terms() {
    for asset in 0..2 {
        let mut market = Market::default();
        let asset = market.assets()[asset];
        let before = purse(&mut market, asset);
        let terms = terms(asset, 1);
        let id = market.lock(&terms).unwrap();
        assert_eq!(id, DealId::of(account(BUYER), terms.agreement));
        let deal = market.deal(id);
        assert_eq!(
            (deal.buyer, &deal.terms, deal.state),
            (account(BUYER), &terms, DealState::Locked)
        );
        let under: Option<DealId> = market.send(STRANGER, "deal_under", terms.hashlock, 0);
        assert_eq!(under, Some(id));

        market.accept(id).unwrap();
        assert_eq!(market.deal(id).state, DealState::Accepted);
        let after = Purse {
            buyer: before.buyer - STAKE,
            seller: before.seller - SELLER_BOND,
            held: POT,
        };
        assert_eq!(purse(&mut market, asset), after);
    }
}

#[test]
fn a_seller_may_be_asked_for_no_bond() {
    let mut market = Market::default();
    let terms = Terms {
        seller_bond: 0,
        ..terms(Asset::Native, 1)
    };
    let id = market.accepted(&terms);
    assert_eq!(market.held(Asset::Native), STAKE);
    assert_eq!(market.deal(id).held(), Ok(STAKE));
}

#[test]
fn the_same_agreement_makes_one_deal() {
    let mut market = Market::default();
    let first = terms(Asset::Native, 1);
    market.lock(&first).unwrap();
    lock_refused(&mut market, &first, Error::DealExists);
    let under_another_hashlock = Terms {
        agreement: first.agreement,
        ..terms(Asset::Native, 2)
    };
    lock_refused(&mut market, &under_another_hashlock, Error::DealExists);
}

#[test]
fn a_hashlock_is_used_once_whoever_uses_it() {
    let mut market = Market::default();
    let first = terms(Asset::Native, 1);
    let id = market.lock(&first).unwrap();
    let again = Terms {
        agreement: AgreementId([2; 32]),
        ..first
    };
    lock_refused(&mut market, &again, Error::HashlockUsed);
    refused(&mut market, STRANGER, "lock", &again, STAKE, Error::HashlockUsed);

    market.chain.set_time(DEADLINES.accept_by);
    done(&mut market, STRANGER, "refund", id);
    let later = Terms {
        deadlines: shifted(DEADLINES.accept_by - START),
        ..again
    };
    lock_refused(&mut market, &later, Error::HashlockUsed);
}

#[test]
fn another_buyer_can_make_its_own_deal_of_an_agreement_with_the_same_id() {
    let mut market = Market::default();
    let first = terms(Asset::Native, 1);
    let id = market.lock(&first).unwrap();
    let others = Terms {
        agreement: first.agreement,
        ..terms(Asset::Native, 2)
    };
    let other: Result<DealId, Error> = market.send(STRANGER, "lock", &others, STAKE);
    assert_ne!(other.unwrap(), id);
}

#[test]
fn parties_and_amounts_must_make_sense() {
    let mut market = Market::default();
    let good = terms(Asset::Native, 1);
    let faults: [Fault<Terms>; 9] = [
        (|terms| terms.seller = account(BUYER), Error::SameParty),
        (|terms| terms.arbiter = account(BUYER), Error::ArbiterIsParty),
        (|terms| terms.arbiter = account(SELLER), Error::ArbiterIsParty),
        (|terms| terms.price = 0, Error::ZeroPrice),
        (|terms| terms.bond = 0, Error::ZeroBond),
        (|terms| terms.bond = PRICE + 1, Error::BondAbovePrice),
        (|terms| terms.seller_bond = PRICE + 1, Error::BondAbovePrice),
        (|terms| terms.default_award = POT + 1, Error::AwardAbovePot { pot: POT }),
        (|terms| terms.price = u128::MAX, Error::Overflow),
    ];
    for (break_one, expected) in faults {
        let mut terms = good.clone();
        break_one(&mut terms);
        lock_refused(&mut market, &terms, expected);
    }
    let at_the_limits = Terms {
        bond: PRICE,
        seller_bond: PRICE,
        default_award: 3 * PRICE,
        ..good
    };
    market.lock(&at_the_limits).unwrap();
}

#[test]
fn deadlines_must_lie_ahead_ascend_and_leave_time() {
    let mut market = Market::default();
    let passed = |deadline| Error::DeadlinePassed { deadline };
    let too_close = Error::DeadlinesTooClose { gap: GAP };
    let unordered = Error::DeadlinesUnordered;
    let faults: [Fault<Deadlines>; 9] = [
        (|ends| ends.accept_by = START - 1, passed(START - 1)),
        (|ends| ends.accept_by = START, passed(START)),
        (|ends| ends.accept_by = START + GAP - 1, too_close),
        (|ends| ends.reveal_by = ends.accept_by - 1, unordered),
        (|ends| ends.reveal_by = ends.accept_by + GAP - 1, too_close),
        (|ends| ends.dispute_by = ends.reveal_by - 1, unordered),
        (|ends| ends.dispute_by = ends.reveal_by + GAP - 1, too_close),
        (|ends| ends.ruling_by = ends.dispute_by - 1, unordered),
        (|ends| ends.ruling_by = ends.dispute_by, too_close),
    ];
    for (break_one, expected) in faults {
        let mut terms = terms(Asset::Native, 1);
        break_one(&mut terms.deadlines);
        lock_refused(&mut market, &terms, expected);
    }
    let shortest = Terms {
        deadlines: Deadlines {
            accept_by: START + GAP,
            reveal_by: START + 2 * GAP,
            dispute_by: START + 3 * GAP,
            ruling_by: START + 4 * GAP,
        },
        ..terms(Asset::Native, 1)
    };
    market.lock(&shortest).unwrap();
    let gap: u64 = market.send(STRANGER, "gap", (), 0);
    assert_eq!(gap, GAP);
}

#[test]
fn a_lock_brings_exactly_what_is_due() {
    let mut market = Market::default();
    let [native, token, _] = market.assets();
    for value in [0, STAKE - 1, STAKE + 1] {
        let due = Error::WrongValue { due: STAKE };
        refused(&mut market, BUYER, "lock", terms(native, 1), value, due);
    }
    market.approve(BUYER, token, STAKE);
    refused(
        &mut market,
        BUYER,
        "lock",
        terms(token, 1),
        1,
        Error::WrongValue { due: 0 },
    );
}

#[test]
fn the_seller_brings_exactly_its_bond() {
    let mut market = Market::default();
    let [native, token, _] = market.assets();
    let id = market.lock(&terms(native, 1)).unwrap();
    for value in [0, SELLER_BOND - 1, SELLER_BOND + 1] {
        let due = Error::WrongValue { due: SELLER_BOND };
        refused(&mut market, SELLER, "accept", id, value, due);
    }
    let id = market.lock(&terms(token, 2)).unwrap();
    market.approve(SELLER, token, SELLER_BOND);
    let due = Error::WrongValue { due: 0 };
    refused(&mut market, SELLER, "accept", id, SELLER_BOND, due);
}

#[test]
fn only_the_seller_accepts_and_only_once() {
    let mut market = Market::default();
    let id = market.lock(&terms(Asset::Native, 1)).unwrap();
    for other in [BUYER, ARBITER, STRANGER] {
        refused(&mut market, other, "accept", id, SELLER_BOND, Error::NotYourPart);
    }
    market.accept(id).unwrap();
    let already = Error::WrongState(DealState::Accepted);
    refused(&mut market, SELLER, "accept", id, SELLER_BOND, already);
}

#[test]
fn the_seller_accepts_strictly_before_the_deadline() {
    let mut market = Market::default();
    let late = market.lock(&terms(Asset::Native, 1)).unwrap();
    let last = market.lock(&terms(Asset::Native, 2)).unwrap();
    let deadline = DEADLINES.accept_by;
    market.chain.set_time(deadline - 1);
    market.accept(last).unwrap();
    market.chain.set_time(deadline);
    let passed = Error::DeadlinePassed { deadline };
    refused(&mut market, SELLER, "accept", late, SELLER_BOND, passed);
}

#[test]
fn a_deal_that_nobody_made_is_unknown_to_every_message() {
    let mut market = Market::default();
    let id = DealId([9; 32]);
    let nothing = [0u8; 32];
    refused(&mut market, SELLER, "accept", id, 0, Error::UnknownDeal);
    refused(&mut market, BUYER, "reveal", (id, nothing), 0, Error::UnknownDeal);
    refused(&mut market, SELLER, "claim", (id, nothing), 0, Error::UnknownDeal);
    refused(&mut market, BUYER, "refund", id, 0, Error::UnknownDeal);
    let cancel = (id, START + 1, [0u8; 64], [0u8; 64]);
    refused(&mut market, BUYER, "cancel", cancel, 0, Error::UnknownDeal);
    refused(&mut market, BUYER, "dispute", (id, nothing), 0, Error::UnknownDeal);
    refused(&mut market, ARBITER, "rule", (id, 0u128), 0, Error::UnknownDeal);
    refused(&mut market, BUYER, "rule_by_default", id, 0, Error::UnknownDeal);
}

#[test]
fn money_sent_along_with_a_message_that_wants_none_is_refused() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    market.chain.set_time(DEADLINES.dispute_by);
    unanswered(&mut market, STRANGER, "refund", id, 1);
}

#[test]
fn deals_are_read_many_at_a_time_within_a_bound() {
    let mut market = Market::default();
    let id = market.lock(&terms(Asset::Native, 1)).unwrap();
    let unknown = DealId([9; 32]);
    let read: Result<Vec<Option<protocol::escrow::Deal>>, Error> = market.send(STRANGER, "deals", vec![unknown, id], 0);
    assert_eq!(read.unwrap(), [None, Some(market.deal(id))]);
    let too_many = vec![id; MAX_DEALS + 1];
    refused(&mut market, STRANGER, "deals", too_many, 0, Error::TooManyDeals);
}

fn shifted(by: u64) -> Deadlines {
    Deadlines {
        accept_by: DEADLINES.accept_by + by,
        reveal_by: DEADLINES.reveal_by + by,
        dispute_by: DEADLINES.dispute_by + by,
        ruling_by: DEADLINES.ruling_by + by,
    }
}
