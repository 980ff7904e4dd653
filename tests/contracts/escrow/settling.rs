//! Revealing and claiming: E3 and E4.
use protocol::{
    escrow::{DealState, Error, Terms},
    settlement::Asset,
    Hashlock,
};
use quittance_runtime::UNIT;
use quittance_tests::{
    contract_chain::Fault,
    institutions::account,
    market::{secret, terms, Market, BOND, BUYER, DEADLINES, POOR, PRICE, SELLER, SELLER_BOND, STRANGER},
};

use super::{done, ended, purse, refused, unanswered, Purse};

#[test]
fn the_secret_gives_the_buyer_its_bond_and_the_seller_the_price() {
    for asset in 0..2 {
        let mut market = Market::default();
        let asset = market.assets()[asset];
        let before = purse(&mut market, asset);
        let id = market.accepted(&terms(asset, 1));

        done(&mut market, BUYER, "reveal", (id, secret(1)));
        let deal = market.deal(id);
        assert_eq!((deal.state, deal.secret), (DealState::Revealed, Some(secret(1))));
        let after_reveal = Purse {
            buyer: before.buyer - PRICE,
            seller: before.seller - SELLER_BOND,
            held: PRICE + SELLER_BOND,
        };
        assert_eq!(purse(&mut market, asset), after_reveal);

        done(&mut market, SELLER, "claim", (id, secret(1)));
        ended(&mut market, id, DealState::Settled);
        let after_claim = Purse {
            buyer: before.buyer - PRICE,
            seller: before.seller + PRICE,
            held: 0,
        };
        assert_eq!(purse(&mut market, asset), after_claim);
    }
}

#[test]
fn a_stranger_that_claims_or_reveals_pays_the_parties_not_itself() {
    let mut market = Market::default();
    let before = purse(&mut market, Asset::Native);
    let strangers = market.balance(STRANGER, Asset::Native);
    let id = market.accepted(&terms(Asset::Native, 1));
    let secret = secret(1);
    done(&mut market, STRANGER, "reveal", (id, secret));
    done(&mut market, STRANGER, "claim", (id, secret));
    let after = Purse {
        buyer: before.buyer - PRICE,
        seller: before.seller + PRICE,
        held: 0,
    };
    assert_eq!(purse(&mut market, Asset::Native), after);
    assert_eq!(market.balance(STRANGER, Asset::Native), strangers);
}

#[test]
fn a_seller_that_was_handed_the_secret_claims_without_a_reveal() {
    let mut market = Market::default();
    let before = purse(&mut market, Asset::Native);
    let id = market.accepted(&terms(Asset::Native, 1));
    market.chain.set_time(DEADLINES.reveal_by - 1);
    done(&mut market, SELLER, "claim", (id, secret(1)));
    let deal = ended(&mut market, id, DealState::Settled);
    assert_eq!(deal.secret, Some(secret(1)));
    let after = Purse {
        buyer: before.buyer - PRICE,
        seller: before.seller + PRICE,
        held: 0,
    };
    assert_eq!(purse(&mut market, Asset::Native), after, "the buyer has its bond too");
}

#[test]
fn a_wrong_secret_opens_nothing() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    for message in ["reveal", "claim"] {
        refused(&mut market, SELLER, message, (id, secret(2)), 0, Error::WrongSecret);
    }
    done(&mut market, BUYER, "reveal", (id, secret(1)));
    refused(&mut market, SELLER, "claim", (id, secret(2)), 0, Error::WrongSecret);
}

#[test]
fn a_secret_is_32_bytes() {
    let mut market = Market::default();
    // The preimage that a hashlock of 33 bytes has: no secret of this contract opens it.
    let long = [1u8; 33];
    let mut terms = terms(Asset::Native, 1);
    terms.hashlock = Hashlock(sp_io::hashing::sha2_256(&long));
    let id = market.accepted(&terms);
    for message in ["reveal", "claim"] {
        let short = [1u8; 31];
        assert_eq!(unanswered(&mut market, BUYER, message, (id, short), 0), Fault::Input);
        refused(&mut market, BUYER, message, (id, long), 0, Error::WrongSecret);
    }
}

#[test]
fn a_secret_counts_strictly_before_the_reveals_deadline() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    let last = market.accepted(&terms(Asset::Native, 2));
    let deadline = DEADLINES.reveal_by;
    market.chain.set_time(deadline - 1);
    done(&mut market, BUYER, "reveal", (last, secret(2)));
    for late in [deadline, DEADLINES.dispute_by, DEADLINES.ruling_by] {
        market.chain.set_time(late);
        for message in ["reveal", "claim"] {
            let passed = Error::DeadlinePassed { deadline };
            refused(&mut market, BUYER, message, (id, secret(1)), 0, passed);
        }
    }
}

#[test]
fn a_seller_that_was_away_claims_long_after_the_reveal() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    done(&mut market, BUYER, "reveal", (id, secret(1)));
    market.chain.set_time(DEADLINES.ruling_by * 2);
    let revealed = Error::WrongState(DealState::Revealed);
    refused(&mut market, BUYER, "refund", id, 0, revealed);
    refused(&mut market, BUYER, "dispute", (id, [1u8; 32]), 0, revealed);
    refused(&mut market, BUYER, "rule_by_default", id, 0, revealed);
    done(&mut market, STRANGER, "claim", (id, secret(1)));
    ended(&mut market, id, DealState::Settled);
}

#[test]
fn nothing_is_revealed_or_claimed_before_the_seller_is_bound() {
    let mut market = Market::default();
    let id = market.lock(&terms(Asset::Native, 1)).unwrap();
    for message in ["reveal", "claim"] {
        let locked = Error::WrongState(DealState::Locked);
        refused(&mut market, BUYER, message, (id, secret(1)), 0, locked);
    }
}

#[test]
fn a_bond_is_given_back_once_and_a_price_paid_once() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    // Another's money that a second payout could come from.
    market.accepted(&terms(Asset::Native, 2));
    done(&mut market, BUYER, "reveal", (id, secret(1)));
    let revealed = Error::WrongState(DealState::Revealed);
    refused(&mut market, BUYER, "reveal", (id, secret(1)), 0, revealed);

    done(&mut market, SELLER, "claim", (id, secret(1)));
    let settled = Error::WrongState(DealState::Settled);
    for message in ["reveal", "claim"] {
        refused(&mut market, SELLER, message, (id, secret(1)), 0, settled);
    }
    market.chain.set_time(DEADLINES.ruling_by);
    refused(&mut market, BUYER, "refund", id, 0, settled);
    refused(&mut market, BUYER, "rule_by_default", id, 0, settled);
    refused(&mut market, BUYER, "dispute", (id, [1u8; 32]), 0, settled);
}

#[test]
fn a_payout_that_no_account_can_be_made_of_waits_instead_of_holding_up_the_other() {
    let mut market = Market::default();
    let before = purse(&mut market, Asset::Native);
    let tiny = Terms {
        seller: account(POOR),
        price: UNIT / 10_000,
        bond: UNIT / 10_000,
        seller_bond: 0,
        default_award: 0,
        ..terms(Asset::Native, 1)
    };
    let id = market.lock(&tiny).unwrap();
    done(&mut market, POOR, "accept", id);
    done(&mut market, STRANGER, "claim", (id, secret(1)));
    ended(&mut market, id, DealState::Settled);
    assert_eq!(market.balance(BUYER, Asset::Native), before.buyer - tiny.price);
    assert_eq!(market.due(POOR, Asset::Native), tiny.price);
    assert_eq!(market.held(Asset::Native), tiny.price);
    let withdraw = (account(POOR), Asset::Native);
    refused(&mut market, STRANGER, "withdraw", withdraw, 0, Error::TransferFailed);

    // A deal later there is enough for an account.
    let more = Terms {
        seller: account(POOR),
        seller_bond: 0,
        default_award: 0,
        price: PRICE,
        bond: BOND,
        ..terms(Asset::Native, 2)
    };
    let id = market.lock(&more).unwrap();
    done(&mut market, POOR, "accept", id);
    done(&mut market, STRANGER, "claim", (id, secret(2)));
    done(&mut market, STRANGER, "withdraw", withdraw);
    assert_eq!(market.balance(POOR, Asset::Native), PRICE + tiny.price);
    assert_eq!(market.held(Asset::Native), 0);
    refused(&mut market, STRANGER, "withdraw", withdraw, 0, Error::NothingDue);
}
