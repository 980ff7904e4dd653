//! The payee's word that the payout arrived (S1.10).
use protocol::{
    credit::{receipt, DebtState, Error},
    signing::Domain,
    AccountId,
};
use quittance_tests::{
    credit::{TwoChains, AMOUNT, NODE, OTHER_PAYEE, PAYEE, PAYER, STRANGER},
    institutions::{key, sign},
};

use super::{done, refused};

#[test]
fn a_receipt_is_kept_once_whoever_hands_it_in() {
    let mut chains = TwoChains::default();
    let id = {
        let request = chains.request(0, 1);
        chains.owed(&request)
    };
    assert!(!chains.debt.debt(id).is_received);
    let signature = chains.debt.receipt(PAYEE, id);
    done(&mut chains.debt, STRANGER, "confirm_receipt", (id, signature));
    assert!(chains.debt.debt(id).is_received);
    let again = chains.debt.receipt(PAYEE, id);
    refused(
        &mut chains.debt,
        PAYEE,
        "confirm_receipt",
        (id, again),
        0,
        Error::AlreadyReceived,
    );
}

#[test]
fn a_debt_that_is_settled_can_still_be_receipted() {
    let mut chains = TwoChains::default();
    let id = {
        let request = chains.request(0, 1);
        chains.owed(&request)
    };
    chains.debt.repay(PAYER, id, AMOUNT).unwrap();
    let signature = chains.debt.receipt(PAYEE, id);
    done(&mut chains.debt, STRANGER, "confirm_receipt", (id, signature));
}

#[test]
fn only_the_payee_receipts_and_only_this_payment_here() {
    let mut chains = TwoChains::default();
    let [request, other] = [1, 2].map(|number| chains.request(0, number));
    let (id, other) = (chains.owed(&request), chains.owed(&other));
    let here = chains.debt.domain();
    let elsewhere = Domain {
        genesis: [9; 32],
        ..here
    };
    let other_contract = Domain {
        contract: AccountId([9; 32]),
        ..here
    };
    let forgeries = [
        sign(&key(PAYER), &receipt(&here, &id)),
        sign(&key(NODE), &receipt(&here, &id)),
        sign(&key(OTHER_PAYEE), &receipt(&here, &id)),
        sign(&key(PAYEE), &receipt(&here, &other)),
        sign(&key(PAYEE), &receipt(&elsewhere, &id)),
        sign(&key(PAYEE), &receipt(&other_contract, &id)),
        sign(&key(PAYEE), &request.payload()),
    ];
    for forged in forgeries {
        let args = (id, forged);
        refused(
            &mut chains.debt,
            PAYEE,
            "confirm_receipt",
            args,
            0,
            Error::BadPayeeSignature,
        );
    }
}

#[test]
fn what_was_not_committed_cannot_be_receipted() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.debt.reserve(&request).unwrap();
    let signature = chains.debt.receipt(PAYEE, id);
    let early = Error::WrongState(DebtState::Reserved);
    refused(&mut chains.debt, PAYEE, "confirm_receipt", (id, signature), 0, early);
    done(&mut chains.debt, NODE, "release", id);
    let gone = Error::WrongState(DebtState::Released);
    refused(&mut chains.debt, PAYEE, "confirm_receipt", (id, signature), 0, gone);
}
