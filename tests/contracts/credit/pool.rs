//! The credit node's own money in the contract.
use protocol::{credit::Error, registry::Change, settlement::Asset, AccountId};
use quittance_tests::{
    credit::{TwoChains, AMOUNT, GRACE, NODE, POOL},
    institutions::{account, key},
};
use sp_core::Pair as _;

use super::{done, refused, unanswered};

#[test]
fn what_the_node_puts_in_it_can_take_out() {
    for asset in 0..3 {
        let mut chains = TwoChains::new(GRACE);
        let side = &mut chains.debt;
        let asset = side.money.assets()[asset];
        let before = side.balance(NODE, asset);
        side.fund(asset, AMOUNT).unwrap();
        side.fund(asset, 1).unwrap();
        assert_eq!((side.pool(asset), side.held(asset)), (AMOUNT + 1, AMOUNT + 1));
        assert_eq!(side.balance(NODE, asset), before - AMOUNT - 1);
        let asked: u128 = side.send(NODE, "pool", asset, 0);
        assert_eq!(asked, AMOUNT + 1);

        done(side, NODE, "withdraw", (asset, AMOUNT));
        assert_eq!((side.pool(asset), side.held(asset)), (1, 1));
        assert_eq!(side.balance(NODE, asset), before - 1);
    }
}

#[test]
fn more_than_is_in_the_pool_is_not_taken_out() {
    let mut chains = TwoChains::default();
    let side = &mut chains.payout;
    for asset in side.money.assets() {
        for needed in [POOL + 1, u128::MAX] {
            let short = Error::PoolShort {
                available: POOL,
                needed,
            };
            refused(side, NODE, "withdraw", (asset, needed), 0, short);
        }
    }
    let elsewhere = &mut chains.debt;
    let short = Error::PoolShort {
        available: 0,
        needed: 1,
    };
    refused(elsewhere, NODE, "withdraw", (Asset::Native, 1u128), 0, short);
}

#[test]
fn nothing_is_neither_put_in_nor_taken_out() {
    let mut chains = TwoChains::default();
    let side = &mut chains.payout;
    let token = side.money.token;
    refused(side, NODE, "fund", (), 0, Error::ZeroAmount);
    refused(side, NODE, "fund_token", (token, 0u128), 0, Error::ZeroAmount);
    refused(side, NODE, "withdraw", (Asset::Native, 0u128), 0, Error::ZeroAmount);
}

#[test]
fn native_tokens_go_to_no_message_that_takes_none() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let side = &mut chains.payout;
    let token = side.money.token;
    side.approve(NODE, Asset::Psp22(token), AMOUNT);
    unanswered(side, NODE, "fund_token", (token, AMOUNT), 1);
    unanswered(side, NODE, "withdraw", (Asset::Native, 1u128), 1);
    unanswered(side, NODE, "pay", request, 1);
}

#[test]
fn what_is_taken_out_goes_to_the_account_that_the_registry_has_now() {
    let mut chains = TwoChains::default();
    let side = &mut chains.payout;
    let moved = quittance_tests::credit::STRANGER;
    side.govern(Change::SetKeys {
        member: NODE,
        account: account(moved),
        signing_key: key(NODE).public().0,
        certificate: [9; 32],
    });
    let args = (Asset::Native, AMOUNT);
    refused(side, NODE, "withdraw", args, 0, Error::NotTheNode);
    let before = side.balance(moved, Asset::Native);
    done(side, moved, "withdraw", args);
    assert_eq!(side.balance(moved, Asset::Native), before + AMOUNT);
}

#[test]
fn what_is_no_token_cannot_be_put_in() {
    let mut chains = TwoChains::default();
    let side = &mut chains.payout;
    for nobody in [account(NODE), AccountId([9; 32]), side.registry] {
        refused(side, NODE, "fund_token", (nobody, AMOUNT), 0, Error::TokenRefused);
    }
}
