//! Taking a request that payer and payee signed (S1.3, S1.5, S1.6).
use protocol::{
    credit::{receipt, CreditRequest, Debt, DebtState, Error, MAX_GOODS},
    settlement::Asset,
    AccountId, Signature,
};
use quittance_tests::{
    contract_chain::START,
    credit::{
        with_signatures, TwoChains, AMOUNT, BLOCK, DUE_AT, EXPIRES_AT, GRACE, NODE, OTHER_GENESIS, PAYEE, PAYER,
        PAY_BY, STRANGER,
    },
    institutions::{account, key, sign},
};

use super::{done, refused, used};

#[test]
fn a_reservation_counts_against_both_limits_and_keeps_what_will_be_owed() {
    for asset in 0..2 {
        let mut chains = TwoChains::default();
        let request = chains.request(asset, 1);
        let id = chains.debt.reserve(&request).unwrap();
        assert_eq!(id, request.id());
        let debt = chains.debt.debt(id);
        assert_eq!(debt, Debt::reserved(&request));
        assert_eq!((debt.state, debt.until), (DebtState::Reserved, EXPIRES_AT));
        let used = used(&mut chains.debt, request.debt.asset);
        assert_eq!((used.reserved, used.outstanding), (AMOUNT, 0));
    }
}

#[test]
fn a_request_that_breaks_a_rule_is_refused_with_its_own_error() {
    type Fault = (fn(&mut CreditRequest), Error);
    let faults: [Fault; 10] = [
        (|request| request.payee = request.payer, Error::SameParty),
        (|request| request.payout = request.debt, Error::SameLeg),
        (|request| request.amount = 0, Error::ZeroAmount),
        (|request| request.goods = "x".repeat(MAX_GOODS + 1), Error::GoodsTooLong),
        (|request| request.pay_by = EXPIRES_AT, Error::DeadlinesUnordered),
        (|request| request.expires_at = DUE_AT, Error::DeadlinesUnordered),
        (
            |request| request.pay_by = EXPIRES_AT - GRACE + 1,
            Error::DeadlinesTooClose { grace: GRACE },
        ),
        (|request| request.late_fee = AMOUNT + 1, Error::LateFeeAboveAmount),
        (
            |request| {
                request.amount = u128::MAX;
                request.late_fee = u128::MAX;
            },
            Error::Overflow,
        ),
        (
            |request| request.pay_by = START,
            Error::DeadlinePassed { deadline: START },
        ),
    ];
    for (fault, expected) in faults {
        let mut chains = TwoChains::default();
        let mut request = chains.request(0, 1);
        fault(&mut request);
        let signed = with_signatures(&request);
        refused(&mut chains.debt, NODE, "reserve", signed, 0, expected);
    }
}

#[test]
fn a_request_at_the_edge_of_every_rule_is_taken() {
    let mut chains = TwoChains::default();
    let request = CreditRequest {
        goods: "x".repeat(MAX_GOODS),
        pay_by: EXPIRES_AT - GRACE,
        due_at: EXPIRES_AT + 1,
        late_fee: AMOUNT,
        ..chains.request(0, 1)
    };
    chains.debt.reserve(&request).unwrap();
}

#[test]
fn a_request_is_taken_strictly_before_it_must_be_paid() {
    let mut chains = TwoChains::default();
    let (last, late) = (chains.request(0, 1), chains.request(0, 2));
    chains.debt.chain.set_time(PAY_BY - 1);
    chains.debt.reserve(&last).unwrap();
    chains.debt.chain.set_time(PAY_BY);
    let passed = Error::DeadlinePassed { deadline: PAY_BY };
    refused(&mut chains.debt, NODE, "reserve", with_signatures(&late), 0, passed);
}

#[test]
fn a_debt_of_another_chain_contract_or_side_is_not_taken_here() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let mut elsewhere = [request.clone(), request.clone(), request];
    elsewhere[0].debt.genesis = OTHER_GENESIS;
    elsewhere[1].debt.contract = AccountId([9; 32]);
    // The other way round: this is the side that pays.
    let [_, _, turned] = &mut elsewhere;
    std::mem::swap(&mut turned.debt, &mut turned.payout);
    for request in elsewhere {
        refused(
            &mut chains.debt,
            NODE,
            "reserve",
            with_signatures(&request),
            0,
            Error::NotHere,
        );
    }
}

#[test]
fn payer_and_payee_must_both_sign() {
    let mut chains = TwoChains::default();
    let (request, payer, payee) = with_signatures(&chains.request(0, 1));
    let forged = sign(&key(NODE), &request.payload());
    let none = Signature([0; 64]);
    for (payer, payee, expected) in [
        (forged, payee, Error::BadPayerSignature),
        (payer, forged, Error::BadPayeeSignature),
        (payee, payer, Error::BadPayerSignature),
        (payee, payee, Error::BadPayerSignature),
        (payer, payer, Error::BadPayeeSignature),
        (none, payee, Error::BadPayerSignature),
        (payer, none, Error::BadPayeeSignature),
    ] {
        let args = (&request, payer, payee);
        refused(&mut chains.debt, NODE, "reserve", args, 0, expected);
    }
}

#[test]
fn what_was_signed_of_another_request_or_for_another_purpose_counts_for_nothing() {
    let mut chains = TwoChains::default();
    let (request, payer, payee) = with_signatures(&chains.request(0, 1));
    let changes: [fn(&mut CreditRequest); 6] = [
        |request| request.nonce = [9; 16],
        |request| request.amount += 1,
        |request| request.payout.contract = AccountId([9; 32]),
        |request| request.goods.push('!'),
        |request| request.due_at += 1,
        |request| request.late_fee = 0,
    ];
    for change in changes {
        let mut other = request.clone();
        change(&mut other);
        let (_, others_payer, others_payee) = with_signatures(&other);
        let args = (&request, others_payer, payee);
        refused(&mut chains.debt, NODE, "reserve", args, 0, Error::BadPayerSignature);
        let args = (&request, payer, others_payee);
        refused(&mut chains.debt, NODE, "reserve", args, 0, Error::BadPayeeSignature);
    }
    let received = sign(&key(PAYEE), &receipt(&chains.debt.domain(), &request.id()));
    let args = (&request, payer, received);
    refused(&mut chains.debt, NODE, "reserve", args, 0, Error::BadPayeeSignature);
}

#[test]
fn a_request_is_taken_once_whatever_became_of_it() {
    let mut chains = TwoChains::default();
    let numbers = [
        DebtState::Reserved,
        DebtState::Released,
        DebtState::Owed,
        DebtState::Settled,
    ];
    for (number, state) in (1..).zip(numbers) {
        let request = chains.request(0, number);
        let id = match state {
            DebtState::Owed | DebtState::Settled => chains.owed(&request),
            _ => chains.debt.reserve(&request).unwrap(),
        };
        match state {
            DebtState::Released => done(&mut chains.debt, NODE, "release", id),
            DebtState::Settled => chains.debt.repay(PAYER, id, AMOUNT).unwrap(),
            _ => {}
        }
        super::is(&mut chains.debt, id, state);
        let again = with_signatures(&request);
        refused(&mut chains.debt, NODE, "reserve", again, 0, Error::RequestUsed);
    }
    // An expired one's time would be over anyway; that it was used is said first.
    let request = chains.request(0, 9);
    let id = chains.debt.reserve(&request).unwrap();
    chains.debt.chain.set_time(EXPIRES_AT);
    done(&mut chains.debt, STRANGER, "expire", id);
    let again = with_signatures(&request);
    refused(&mut chains.debt, NODE, "reserve", again, 0, Error::RequestUsed);
}

#[test]
fn parties_that_are_no_members_and_have_no_account_can_owe_and_be_paid() {
    let mut chains = TwoChains::default();
    let asset = chains.debt.money.assets()[1];
    let request = CreditRequest {
        payee: account(quittance_tests::credit::POOR),
        ..chains.request(1, 1)
    };
    let id = chains.debt.reserve(&request).unwrap();
    chains.payout.pay(&request).unwrap();
    done(&mut chains.debt, NODE, "commit", (id, BLOCK));
    assert_eq!(chains.debt.node_limit(PAYER, asset).used.outstanding, AMOUNT);
    assert_ne!(asset, Asset::Native);
}
