//! Disputes, the arbiter's ruling, and the default for its silence.
use protocol::{
    escrow::{DealState, Error},
    settlement::Asset,
    DealId,
};
use quittance_tests::market::{
    secret, terms, Market, ARBITER, BOND, BUYER, DEADLINES, POT, PRICE, SELLER, SELLER_BOND, STRANGER,
};

use super::{done, ended, purse, refused, Purse};

const EVIDENCE: [u8; 32] = [1; 32];
const ANSWER: [u8; 32] = [2; 32];

/// A deal that the buyer disputes.
fn disputed(market: &mut Market, asset: Asset) -> DealId {
    let id = market.accepted(&terms(asset, 1));
    market.chain.set_time(DEADLINES.reveal_by);
    done(market, BUYER, "dispute", (id, EVIDENCE));
    id
}

#[test]
fn the_arbiter_splits_the_pot_as_it_finds_right() {
    for asset in 0..2 {
        for to_seller in [0, 1, PRICE, POT] {
            let mut market = Market::default();
            let asset = market.assets()[asset];
            let before = purse(&mut market, asset);
            let id = disputed(&mut market, asset);
            market.chain.set_time(DEADLINES.ruling_by - 1);
            done(&mut market, ARBITER, "rule", (id, to_seller));
            let deal = ended(&mut market, id, DealState::Ruled);
            assert_eq!(deal.award, Some(to_seller));
            let after = Purse {
                buyer: before.buyer - PRICE - BOND + (POT - to_seller),
                seller: before.seller - SELLER_BOND + to_seller,
                held: 0,
            };
            assert_eq!(purse(&mut market, asset), after);
            let ruled = Error::WrongState(DealState::Ruled);
            refused(&mut market, ARBITER, "rule", (id, 0u128), 0, ruled);
        }
    }
}

#[test]
fn the_arbiter_cannot_award_more_than_there_is() {
    let mut market = Market::default();
    // Another's money that it could come from.
    market.accepted(&terms(Asset::Native, 2));
    let id = disputed(&mut market, Asset::Native);
    let above = Error::AwardAbovePot { pot: POT };
    for award in [POT + 1, u128::MAX] {
        refused(&mut market, ARBITER, "rule", (id, award), 0, above);
    }
}

#[test]
fn only_the_deals_arbiter_rules() {
    let mut market = Market::default();
    let id = disputed(&mut market, Asset::Native);
    for other in [BUYER, SELLER, STRANGER] {
        refused(&mut market, other, "rule", (id, PRICE), 0, Error::NotYourPart);
    }
}

#[test]
fn nobody_rules_what_nobody_disputes() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    market.chain.set_time(DEADLINES.reveal_by);
    let accepted = Error::WrongState(DealState::Accepted);
    refused(&mut market, ARBITER, "rule", (id, PRICE), 0, accepted);
    market.chain.set_time(DEADLINES.ruling_by);
    refused(&mut market, STRANGER, "rule_by_default", id, 0, accepted);
}

#[test]
fn a_silent_arbiter_is_replaced_by_the_default_exactly_at_the_deadline() {
    for asset in 0..2 {
        let mut market = Market::default();
        let asset = market.assets()[asset];
        let before = purse(&mut market, asset);
        let id = disputed(&mut market, asset);
        let deadline = DEADLINES.ruling_by;
        market.chain.set_time(deadline - 1);
        let early = Error::TooEarly { not_before: deadline };
        refused(&mut market, STRANGER, "rule_by_default", id, 0, early);

        market.chain.set_time(deadline);
        let late = Error::DeadlinePassed { deadline };
        refused(&mut market, ARBITER, "rule", (id, 0u128), 0, late);
        done(&mut market, STRANGER, "rule_by_default", id);
        let deal = ended(&mut market, id, DealState::Ruled);
        assert_eq!(deal.award, Some(deal.terms.default_award));
        let after = Purse {
            buyer: before.buyer - PRICE + SELLER_BOND,
            seller: before.seller + PRICE - SELLER_BOND,
            held: 0,
        };
        assert_eq!(purse(&mut market, asset), after);
    }
}

#[test]
fn a_dispute_opens_from_the_reveals_deadline_and_closes_at_its_own() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    let last = market.accepted(&terms(Asset::Native, 2));
    market.chain.set_time(DEADLINES.reveal_by - 1);
    let early = Error::TooEarly {
        not_before: DEADLINES.reveal_by,
    };
    refused(&mut market, BUYER, "dispute", (id, EVIDENCE), 0, early);
    market.chain.set_time(DEADLINES.dispute_by - 1);
    done(&mut market, BUYER, "dispute", (last, EVIDENCE));
    market.chain.set_time(DEADLINES.dispute_by);
    let late = Error::DeadlinePassed {
        deadline: DEADLINES.dispute_by,
    };
    refused(&mut market, BUYER, "dispute", (id, EVIDENCE), 0, late);
}

#[test]
fn each_party_files_its_evidence_once_and_nobody_else_does() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    market.chain.set_time(DEADLINES.reveal_by);
    for other in [ARBITER, STRANGER] {
        refused(&mut market, other, "dispute", (id, EVIDENCE), 0, Error::NotYourPart);
    }
    done(&mut market, SELLER, "dispute", (id, EVIDENCE));
    refused(&mut market, SELLER, "dispute", (id, ANSWER), 0, Error::EvidenceFiled);
    // The other side answers as long as the arbiter can rule.
    market.chain.set_time(DEADLINES.ruling_by - 1);
    done(&mut market, BUYER, "dispute", (id, ANSWER));
    refused(&mut market, BUYER, "dispute", (id, EVIDENCE), 0, Error::EvidenceFiled);
    let deal = market.deal(id);
    assert_eq!(
        (deal.seller_evidence, deal.buyer_evidence),
        (Some(EVIDENCE), Some(ANSWER))
    );
}

#[test]
fn an_answer_is_too_late_at_the_rulings_deadline() {
    let mut market = Market::default();
    let id = disputed(&mut market, Asset::Native);
    let deadline = DEADLINES.ruling_by;
    market.chain.set_time(deadline);
    let late = Error::DeadlinePassed { deadline };
    refused(&mut market, SELLER, "dispute", (id, ANSWER), 0, late);
}

#[test]
fn a_disputed_deal_is_neither_refunded_nor_claimed() {
    let mut market = Market::default();
    let id = disputed(&mut market, Asset::Native);
    let disputed = Error::WrongState(DealState::Disputed);
    refused(&mut market, BUYER, "reveal", (id, secret(1)), 0, disputed);
    refused(&mut market, SELLER, "claim", (id, secret(1)), 0, disputed);
    market.chain.set_time(DEADLINES.ruling_by);
    refused(&mut market, BUYER, "refund", id, 0, disputed);
}

#[test]
fn a_deal_that_nobody_accepted_cannot_be_disputed() {
    let mut market = Market::default();
    let id = market.lock(&terms(Asset::Native, 1)).unwrap();
    market.chain.set_time(DEADLINES.reveal_by);
    let locked = Error::WrongState(DealState::Locked);
    refused(&mut market, BUYER, "dispute", (id, EVIDENCE), 0, locked);
}
