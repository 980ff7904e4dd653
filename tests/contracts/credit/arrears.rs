//! Debts that are not repaid in time.
use protocol::{
    credit::{CreditRequest, DebtState, Error},
    settlement::Asset,
};
use quittance_tests::{
    credit::{with_signatures, TwoChains, AMOUNT, DUE_AT, LATE_FEE, NODE, OTHER_PAYER, PAYER, STRANGER},
    institutions::account,
};

use super::{done, is, refused};

/// A request for after the day that the others are due.
fn later(chains: &TwoChains, asset: usize, number: u8) -> CreditRequest {
    let request = chains.request(asset, number);
    CreditRequest {
        pay_by: request.pay_by + DUE_AT,
        expires_at: request.expires_at + DUE_AT,
        due_at: request.due_at + DUE_AT,
        ..request
    }
}

#[test]
fn a_debt_falls_overdue_at_its_due_date_and_costs_the_late_fee_once() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    chains.debt.chain.set_time(DUE_AT - 1);
    let early = Error::TooEarly { not_before: DUE_AT };
    refused(&mut chains.debt, STRANGER, "mark_overdue", id, 0, early);
    chains.debt.chain.set_time(DUE_AT);
    done(&mut chains.debt, STRANGER, "mark_overdue", id);
    let debt = chains.debt.debt(id);
    assert_eq!((debt.principal_overdue(), debt.fee_owed()), (AMOUNT, LATE_FEE));
    assert_eq!(chains.debt.node_limit(PAYER, Asset::Native).overdue, AMOUNT);
    refused(&mut chains.debt, STRANGER, "mark_overdue", id, 0, Error::AlreadyOverdue);
}

#[test]
fn who_repays_the_day_it_is_due_is_late() {
    let mut chains = TwoChains::default();
    let [early, late, short] = [1, 2, 3].map(|number| chains.request(0, number));
    let [early, late, short] = [early, late, short].map(|request| chains.owed(&request));
    chains.debt.chain.set_time(DUE_AT - 1);
    chains.debt.repay(PAYER, early, AMOUNT).unwrap();
    is(&mut chains.debt, early, DebtState::Settled);

    chains.debt.chain.set_time(DUE_AT);
    chains.debt.repay(PAYER, late, AMOUNT).unwrap();
    assert_eq!(chains.debt.debt(late).fee_owed(), LATE_FEE, "it fell overdue first");
    assert_eq!(
        chains.debt.node_limit(PAYER, Asset::Native).overdue,
        0,
        "and was repaid"
    );
    chains.debt.repay(PAYER, short, 1).unwrap();
    assert_eq!(chains.debt.node_limit(PAYER, Asset::Native).overdue, AMOUNT - 1);
    refused(
        &mut chains.debt,
        STRANGER,
        "mark_overdue",
        short,
        0,
        Error::AlreadyOverdue,
    );
    // All of it in one payment.
    chains.debt.repay(PAYER, short, AMOUNT - 1 + LATE_FEE).unwrap();
    is(&mut chains.debt, short, DebtState::Settled);
}

#[test]
fn a_refused_repayment_makes_nothing_overdue() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    chains.debt.chain.set_time(DUE_AT);
    let above = Error::AboveOwed {
        owed: AMOUNT + LATE_FEE,
    };
    let too_much = AMOUNT + LATE_FEE + 1;
    refused(&mut chains.debt, PAYER, "repay", (id, too_much), too_much, above);
    assert!(!chains.debt.debt(id).is_overdue);
}

#[test]
fn a_debt_without_a_late_fee_is_overdue_all_the_same() {
    let mut chains = TwoChains::default();
    let request = CreditRequest {
        late_fee: 0,
        ..chains.request(0, 1)
    };
    let id = chains.owed(&request);
    chains.debt.chain.set_time(DUE_AT);
    done(&mut chains.debt, STRANGER, "mark_overdue", id);
    assert_eq!(chains.debt.node_limit(PAYER, Asset::Native).overdue, AMOUNT);
    chains.debt.repay(PAYER, id, AMOUNT).unwrap();
    is(&mut chains.debt, id, DebtState::Settled);
}

#[test]
fn who_is_overdue_gets_nothing_new_in_that_asset_until_the_principal_is_repaid() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    chains.set_time(DUE_AT);
    done(&mut chains.debt, STRANGER, "mark_overdue", id);
    let new = later(&chains, 0, 2);
    let overdue = |principal| Error::Overdue { principal };
    refused(
        &mut chains.debt,
        NODE,
        "reserve",
        with_signatures(&new),
        0,
        overdue(AMOUNT),
    );
    chains.debt.repay(PAYER, id, AMOUNT - 1).unwrap();
    refused(&mut chains.debt, NODE, "reserve", with_signatures(&new), 0, overdue(1));

    // Others, and other assets, don't suffer.
    let in_tokens = later(&chains, 1, 3);
    chains.debt.reserve(&in_tokens).unwrap();
    let of_another = CreditRequest {
        payer: account(OTHER_PAYER),
        ..later(&chains, 0, 4)
    };
    chains.debt.reserve(&of_another).unwrap();

    chains.debt.repay(PAYER, id, 1).unwrap();
    chains.debt.reserve(&new).unwrap();
    assert_eq!(chains.debt.debt(id).fee_owed(), LATE_FEE, "the late fee is still owed");
}

#[test]
fn what_is_overdue_of_several_debts_adds_up() {
    let mut chains = TwoChains::default();
    let [first, second] = [1, 2].map(|number| chains.request(0, number));
    let [first, second] = [first, second].map(|request| chains.owed(&request));
    chains.debt.chain.set_time(DUE_AT);
    done(&mut chains.debt, STRANGER, "mark_overdue", first);
    done(&mut chains.debt, STRANGER, "mark_overdue", second);
    assert_eq!(chains.debt.node_limit(PAYER, Asset::Native).overdue, 2 * AMOUNT);
    chains.debt.repay(PAYER, first, AMOUNT).unwrap();
    assert_eq!(chains.debt.node_limit(PAYER, Asset::Native).overdue, AMOUNT);
}

#[test]
fn only_what_is_owed_can_be_overdue() {
    let mut chains = TwoChains::default();
    let [reserved, settled] = [1, 2].map(|number| chains.request(0, number));
    let reserved = chains.debt.reserve(&reserved).unwrap();
    let settled = chains.owed(&settled);
    chains.debt.repay(PAYER, settled, AMOUNT).unwrap();
    chains.debt.chain.set_time(DUE_AT);
    for (id, state) in [(reserved, DebtState::Reserved), (settled, DebtState::Settled)] {
        refused(
            &mut chains.debt,
            STRANGER,
            "mark_overdue",
            id,
            0,
            Error::WrongState(state),
        );
    }
}
