//! Calling a deal off with both signatures.
use protocol::{
    escrow::{cancellation, DealState, Error},
    settlement::Asset,
    signing::Domain,
    AccountId, DealId, Signature,
};
use quittance_tests::{
    contract_chain::START,
    institutions::{key, sign},
    market::{secret, terms, Market, ARBITER, BUYER, DEADLINES, SELLER, STRANGER},
};

use super::{done, ended, purse, refused};

const EXPIRY: u64 = START + 5;

fn cancellation_of(market: &Market, id: DealId) -> (DealId, u64, Signature, Signature) {
    let buyer = market.consent(BUYER, id, EXPIRY);
    let seller = market.consent(SELLER, id, EXPIRY);
    (id, EXPIRY, buyer, seller)
}

#[test]
fn both_together_get_out_of_a_deal_at_any_time_before_the_secret_is_out() {
    for asset in 0..2 {
        for state in [DealState::Locked, DealState::Accepted, DealState::Disputed] {
            let mut market = Market::default();
            let asset = market.assets()[asset];
            let before = purse(&mut market, asset);
            let id = market.lock(&terms(asset, 1)).unwrap();
            if state != DealState::Locked {
                market.accept(id).unwrap();
            }
            if state == DealState::Disputed {
                market.chain.set_time(DEADLINES.reveal_by);
                done(&mut market, BUYER, "dispute", (id, [1u8; 32]));
            }
            let expires_at = DEADLINES.ruling_by;
            let buyer = market.consent(BUYER, id, expires_at);
            let seller = market.consent(SELLER, id, expires_at);
            done(&mut market, STRANGER, "cancel", (id, expires_at, buyer, seller));
            ended(&mut market, id, DealState::Cancelled);
            assert_eq!(purse(&mut market, asset), before);
            let cancelled = Error::WrongState(DealState::Cancelled);
            refused(
                &mut market,
                BUYER,
                "cancel",
                (id, expires_at, buyer, seller),
                0,
                cancelled,
            );
        }
    }
}

#[test]
fn after_the_reveal_the_price_is_the_sellers_whatever_both_signed() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    let cancel = cancellation_of(&market, id);
    done(&mut market, BUYER, "reveal", (id, secret(1)));
    let revealed = Error::WrongState(DealState::Revealed);
    refused(&mut market, BUYER, "cancel", cancel, 0, revealed);
}

#[test]
fn each_side_must_sign() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    let (_, _, buyer, seller) = cancellation_of(&market, id);
    let forged = market.consent(ARBITER, id, EXPIRY);
    for (buyer, seller, expected) in [
        (forged, seller, Error::BadBuyerSignature),
        (buyer, forged, Error::BadSellerSignature),
        (seller, buyer, Error::BadBuyerSignature),
        (buyer, buyer, Error::BadSellerSignature),
        (Signature([0; 64]), seller, Error::BadBuyerSignature),
    ] {
        refused(&mut market, BUYER, "cancel", (id, EXPIRY, buyer, seller), 0, expected);
    }
}

#[test]
fn a_consent_holds_strictly_before_it_expires() {
    let mut market = Market::default();
    let late = market.accepted(&terms(Asset::Native, 1));
    let last = market.accepted(&terms(Asset::Native, 2));
    market.chain.set_time(EXPIRY - 1);
    let cancel = cancellation_of(&market, last);
    done(&mut market, STRANGER, "cancel", cancel);
    market.chain.set_time(EXPIRY);
    let (id, _, buyer, seller) = cancellation_of(&market, late);
    let passed = Error::DeadlinePassed { deadline: EXPIRY };
    refused(&mut market, BUYER, "cancel", (id, EXPIRY, buyer, seller), 0, passed);
    let prolonged = (id, EXPIRY + 1, buyer, seller);
    refused(&mut market, BUYER, "cancel", prolonged, 0, Error::BadBuyerSignature);
}

#[test]
fn a_consent_is_void_for_another_deal_contract_or_chain() {
    let mut market = Market::default();
    let id = market.accepted(&terms(Asset::Native, 1));
    let other = market.accepted(&terms(Asset::Native, 2));
    let here = market.domain();
    let genuine = cancellation(&here, &id, EXPIRY);
    let elsewhere = [
        cancellation(&here, &other, EXPIRY),
        cancellation(
            &Domain {
                genesis: [8; 32],
                ..here
            },
            &id,
            EXPIRY,
        ),
        cancellation(
            &Domain {
                contract: AccountId([8; 32]),
                ..here
            },
            &id,
            EXPIRY,
        ),
    ];
    for payload in elsewhere {
        let wrong = (id, EXPIRY, sign(&key(BUYER), &payload), sign(&key(SELLER), &genuine));
        refused(&mut market, BUYER, "cancel", wrong, 0, Error::BadBuyerSignature);
        let wrong = (id, EXPIRY, sign(&key(BUYER), &genuine), sign(&key(SELLER), &payload));
        refused(&mut market, BUYER, "cancel", wrong, 0, Error::BadSellerSignature);
    }
}
