//! Tokens are others' contracts. What they do wrong is refused, and no other asset suffers.
use protocol::{
    credit::{DebtState, Error},
    settlement::Asset,
    RequestId,
};
use quittance_tests::{
    contract_chain::selector,
    credit::{Side, TwoChains, AMOUNT, BLOCK, EXPIRES_AT, NODE, PAYEE, PAYER, POOL},
};
use scale::Encode;

use super::{done, is, refused};

/// Requests with this number are in the hostile token.
const HOSTILE: usize = 2;

fn hostile(side: &Side) -> Asset {
    side.money.assets()[HOSTILE]
}

#[test]
fn a_token_that_refuses_or_moves_another_amount_fills_no_pool() {
    for (message, expected) in [
        ("refuse_in", Error::TokenRefused),
        ("keep_fee", Error::TokenShort),
        ("lie", Error::TokenShort),
    ] {
        let mut chains = TwoChains::default();
        let side = &mut chains.payout;
        let token = side.money.hostile;
        side.approve(NODE, hostile(side), AMOUNT);
        side.turn(message, ());
        refused(side, NODE, "fund_token", (token, AMOUNT), 0, expected);
    }
}

#[test]
fn a_token_that_refuses_or_moves_another_amount_repays_nothing() {
    for (message, expected) in [
        ("refuse_in", Error::TokenRefused),
        ("keep_fee", Error::TokenShort),
        ("lie", Error::TokenShort),
    ] {
        let mut chains = TwoChains::default();
        let request = chains.request(HOSTILE, 1);
        let id = chains.owed(&request);
        let side = &mut chains.debt;
        side.approve(PAYER, hostile(side), AMOUNT);
        side.turn(message, ());
        refused(side, PAYER, "repay", (id, AMOUNT), 0, expected);
        side.turn("be_honest", ());
        side.repay(PAYER, id, AMOUNT).unwrap();
        is(side, id, DebtState::Settled);
    }
}

#[test]
fn without_allowance_or_tokens_nothing_is_repaid_or_put_in() {
    let mut chains = TwoChains::default();
    let request = chains.request(1, 1);
    let id = chains.owed(&request);
    let side = &mut chains.debt;
    let (asset, token) = (request.debt.asset, side.money.token);
    for allowance in [0, AMOUNT - 1] {
        side.approve(PAYER, asset, allowance);
        refused(side, PAYER, "repay", (id, AMOUNT), 0, Error::TokenRefused);
        side.approve(NODE, asset, allowance);
        refused(side, NODE, "fund_token", (token, AMOUNT), 0, Error::TokenRefused);
    }
    let beyond = side.balance(NODE, asset) + 1;
    side.approve(NODE, asset, beyond);
    refused(side, NODE, "fund_token", (token, beyond), 0, Error::TokenRefused);
}

#[test]
fn a_payout_that_a_token_refuses_or_traps_on_did_not_happen_and_can_be_made_later() {
    for message in ["refuse_out", "trap_out"] {
        let mut chains = TwoChains::default();
        let request = chains.request(HOSTILE, 1);
        let side = &mut chains.payout;
        let asset = hostile(side);
        side.turn(message, ());
        refused(side, NODE, "pay", &request, 0, Error::TransferFailed);
        refused(side, NODE, "withdraw", (asset, AMOUNT), 0, Error::TransferFailed);
        assert_eq!(side.payout(request.id()), None);

        side.turn("be_honest", ());
        let before = side.balance(PAYEE, asset);
        side.pay(&request).unwrap();
        assert_eq!(side.balance(PAYEE, asset), before + AMOUNT);
    }
}

/// What a token may want to call the credit contract for while it is asked to move tokens.
fn attacks(chains: &TwoChains, reserved: RequestId) -> Vec<Vec<u8>> {
    let input = |message: &str, args: Vec<u8>| [selector(message).as_slice(), &args].concat();
    let native = chains.request(0, 9);
    let bait = chains.request(HOSTILE, 1);
    vec![
        input("pay", bait.encode()),
        input("pay", native.encode()),
        input("withdraw", (Asset::Native, AMOUNT).encode()),
        input("withdraw", (hostile(&chains.payout), AMOUNT).encode()),
        input("expire", reserved.encode()),
        input("commit", (reserved, BLOCK).encode()),
        input("repay", (reserved, AMOUNT).encode()),
    ]
}

#[test]
fn a_token_that_calls_back_while_it_pays_out_fails_the_payout() {
    let mut chains = TwoChains::default();
    let request = chains.request(HOSTILE, 1);
    let reserved = chains.debt.reserve(&request).unwrap();
    for attack in attacks(&chains, reserved) {
        let side = &mut chains.payout;
        let credit = side.credit;
        side.turn("call_back", (credit, attack));
        refused(side, NODE, "pay", &request, 0, Error::TransferFailed);
        let args = (hostile(side), AMOUNT);
        refused(side, NODE, "withdraw", args, 0, Error::TransferFailed);
        assert_eq!(side.pool(Asset::Native), POOL);
    }
}

#[test]
fn a_token_that_calls_back_while_it_is_paid_in_repays_nothing() {
    let mut chains = TwoChains::default();
    let [owed, native] = [(HOSTILE, 1), (0, 2)].map(|(asset, number)| chains.request(asset, number));
    let owed = chains.owed(&owed);
    let reserved = chains.debt.reserve(&native).unwrap();
    let asset = hostile(&chains.debt);
    chains.debt.approve(PAYER, asset, AMOUNT);
    chains.debt.chain.set_time(EXPIRES_AT);
    for attack in attacks(&chains, reserved) {
        let side = &mut chains.debt;
        let credit = side.credit;
        side.turn("call_back", (credit, attack));
        refused(side, PAYER, "repay", (owed, AMOUNT), 0, Error::TokenRefused);
    }
    is(&mut chains.debt, reserved, DebtState::Reserved);
}

#[test]
fn what_is_in_the_pool_in_one_asset_is_not_paid_in_another() {
    let mut chains = TwoChains::default();
    let side = &mut chains.payout;
    let asset = hostile(side);
    done(side, NODE, "withdraw", (asset, POOL));
    let request = chains.request(HOSTILE, 1);
    let short = Error::PoolShort {
        available: 0,
        needed: AMOUNT,
    };
    refused(&mut chains.payout, NODE, "pay", request, 0, short);
}
