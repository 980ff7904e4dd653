//! Paying the payee on its own chain (S1.9).
use protocol::{
    credit::{CreditRequest, Error, MAX_GOODS},
    settlement::Asset,
    AccountId,
};
use quittance_runtime::{EXISTENTIAL_DEPOSIT, UNIT};
use quittance_tests::{
    contract_chain::GENESIS,
    contract_chain::START,
    credit::{TwoChains, AMOUNT, EXPIRES_AT, GRACE, NODE, OTHER_GENESIS, PAYEE, PAYER, PAY_BY, POOL, POOR},
    institutions::account,
};

use super::refused;

#[test]
fn the_payee_gets_the_amount_from_the_pool() {
    for asset in 0..3 {
        let mut chains = TwoChains::default();
        let request = chains.request(asset, 1);
        let asset = request.payout.asset;
        let before = chains.payout.balance(PAYEE, asset);
        chains.debt.reserve(&request).unwrap();
        chains.payout.pay(&request).unwrap();
        assert_eq!(chains.payout.balance(PAYEE, asset), before + AMOUNT);
        assert_eq!(chains.payout.pool(asset), POOL - AMOUNT);
        assert_eq!(chains.payout.held(asset), POOL - AMOUNT);
        let payout = chains.payout.payout(request.id()).unwrap();
        assert_eq!(
            (payout.payee, payout.asset, payout.amount),
            (request.payee, asset, AMOUNT)
        );
        assert_eq!((payout.block, payout.paid_at), (1, START));
    }
}

#[test]
fn a_request_is_paid_once() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    chains.payout.pay(&request).unwrap();
    refused(&mut chains.payout, NODE, "pay", &request, 0, Error::RequestUsed);
    chains.payout.chain.set_time(PAY_BY);
    refused(&mut chains.payout, NODE, "pay", &request, 0, Error::RequestUsed);
}

#[test]
fn a_request_is_paid_strictly_before_its_deadline_by_the_payees_chain_alone() {
    let mut chains = TwoChains::default();
    let [last, late] = [1, 2].map(|number| chains.request(0, number));
    // The payer's chain doesn't matter.
    chains.debt.chain.set_time(PAY_BY + 1);
    chains.payout.chain.set_time(PAY_BY - 1);
    chains.payout.pay(&last).unwrap();
    chains.debt.chain.set_time(START);
    chains.payout.chain.set_time(PAY_BY);
    let passed = Error::DeadlinePassed { deadline: PAY_BY };
    refused(&mut chains.payout, NODE, "pay", &late, 0, passed);
}

#[test]
fn a_payout_of_another_chain_contract_or_side_is_not_made_here() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    refused(&mut chains.debt, NODE, "pay", &request, 0, Error::NotHere);
    let changes: [fn(&mut CreditRequest); 3] = [
        |request| request.payout.genesis = GENESIS,
        |request| request.payout.contract = AccountId([9; 32]),
        |request| std::mem::swap(&mut request.debt, &mut request.payout),
    ];
    for change in changes {
        let mut elsewhere = request.clone();
        change(&mut elsewhere);
        refused(&mut chains.payout, NODE, "pay", elsewhere, 0, Error::NotHere);
    }
    assert_eq!(request.payout.genesis, OTHER_GENESIS);
}

#[test]
fn what_could_not_be_reserved_is_not_paid() {
    type Fault = (fn(&mut CreditRequest), Error);
    let faults: [Fault; 7] = [
        (|request| request.payee = request.payer, Error::SameParty),
        (|request| request.debt = request.payout, Error::SameLeg),
        (|request| request.amount = 0, Error::ZeroAmount),
        (|request| request.goods = "x".repeat(MAX_GOODS + 1), Error::GoodsTooLong),
        (|request| request.due_at = EXPIRES_AT, Error::DeadlinesUnordered),
        (
            |request| request.pay_by = EXPIRES_AT - GRACE + 1,
            Error::DeadlinesTooClose { grace: GRACE },
        ),
        (|request| request.late_fee = AMOUNT + 1, Error::LateFeeAboveAmount),
    ];
    for (fault, expected) in faults {
        let mut chains = TwoChains::default();
        let mut request = chains.request(0, 1);
        fault(&mut request);
        refused(&mut chains.payout, NODE, "pay", request, 0, expected);
    }
}

#[test]
fn more_than_is_in_the_pool_is_not_paid() {
    let mut chains = TwoChains::default();
    let available = POOL;
    let beyond = CreditRequest {
        amount: POOL + 1,
        ..chains.request(0, 1)
    };
    let needed = POOL + 1;
    let short = Error::PoolShort { available, needed };
    refused(&mut chains.payout, NODE, "pay", beyond, 0, short);
    let all = CreditRequest {
        amount: POOL,
        ..chains.request(0, 2)
    };
    chains.payout.pay(&all).unwrap();
    let short = Error::PoolShort {
        available: 0,
        needed: AMOUNT,
    };
    let next = chains.request(0, 3);
    refused(&mut chains.payout, NODE, "pay", &next, 0, short);
    // What is in the pool in another asset is no help, and not touched.
    let in_tokens = chains.request(1, 4);
    chains.payout.pay(&in_tokens).unwrap();
    chains.payout.fund(Asset::Native, AMOUNT).unwrap();
    chains.payout.pay(&next).unwrap();
}

#[test]
fn a_payee_that_cannot_be_paid_can_be_paid_later() {
    let mut chains = TwoChains::default();
    let tiny = CreditRequest {
        payee: account(POOR),
        amount: EXISTENTIAL_DEPOSIT - 1,
        late_fee: 0,
        ..chains.request(0, 1)
    };
    refused(&mut chains.payout, NODE, "pay", &tiny, 0, Error::TransferFailed);
    chains.payout.chain.pay(account(POOR), UNIT);
    chains.payout.pay(&tiny).unwrap();
    assert_eq!(chains.payout.balance(POOR, Asset::Native), UNIT + tiny.amount);
}

#[test]
fn repayments_pay_the_next_payee_on_the_same_chain() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    chains.debt.repay(PAYER, id, AMOUNT).unwrap();
    // The other way round: a payer of the other chain pays a payee here.
    let back = CreditRequest {
        debt: chains.payout.leg(0),
        payout: chains.debt.leg(0),
        ..chains.request(0, 2)
    };
    chains.debt.pay(&back).unwrap();
    assert_eq!(chains.debt.pool(Asset::Native), 0);
    assert_eq!(chains.debt.held(Asset::Native), 0);
}
