//! Repayments: in full, in parts, by anyone, never more than is owed.
use protocol::{
    credit::{CreditRequest, DebtState, Error},
    settlement::Asset,
};
use quittance_tests::credit::{order, TwoChains, AMOUNT, DUE_AT, LATE_FEE, NODE, PAYEE, PAYER, STRANGER};

use super::{done, is, refused, unanswered, used};

#[test]
fn a_debt_repaid_in_full_is_settled_and_the_nodes_pool_has_it() {
    for asset in 0..2 {
        let mut chains = TwoChains::default();
        let request = chains.request(asset, 1);
        let asset = request.debt.asset;
        let before = chains.debt.balance(PAYER, asset);
        let id = chains.owed(&request);
        chains.debt.repay(PAYER, id, AMOUNT).unwrap();
        is(&mut chains.debt, id, DebtState::Settled);
        assert_eq!(used(&mut chains.debt, asset).outstanding, 0);
        assert_eq!(chains.debt.balance(PAYER, asset), before - AMOUNT);
        assert_eq!((chains.debt.pool(asset), chains.debt.held(asset)), (AMOUNT, AMOUNT));
        // The node can take it.
        let nodes = chains.debt.balance(NODE, asset);
        done(&mut chains.debt, NODE, "withdraw", (asset, AMOUNT));
        assert_eq!(chains.debt.balance(NODE, asset), nodes + AMOUNT);
    }
}

#[test]
fn a_debt_can_be_repaid_in_parts_and_each_makes_room_in_both_limits() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    let mut left = AMOUNT;
    for part in [1, AMOUNT / 2, AMOUNT / 2 - 2, 1] {
        chains.debt.repay(PAYER, id, part).unwrap();
        left -= part;
        assert_eq!(chains.debt.debt(id).principal_owed(), left);
        assert_eq!(used(&mut chains.debt, Asset::Native).outstanding, left);
    }
    is(&mut chains.debt, id, DebtState::Settled);
}

#[test]
fn anyone_can_repay_for_the_payer_with_its_own_money() {
    let mut chains = TwoChains::default();
    let request = chains.request(1, 1);
    let asset = request.debt.asset;
    let id = chains.owed(&request);
    let (payers, strangers) = (chains.debt.balance(PAYER, asset), chains.debt.balance(STRANGER, asset));
    chains.debt.repay(STRANGER, id, AMOUNT).unwrap();
    assert_eq!(chains.debt.balance(PAYER, asset), payers);
    assert_eq!(chains.debt.balance(STRANGER, asset), strangers - AMOUNT);
}

#[test]
fn more_than_is_owed_is_refused() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    let above = Error::AboveOwed { owed: AMOUNT };
    refused(&mut chains.debt, PAYER, "repay", (id, AMOUNT + 1), AMOUNT + 1, above);
    refused(&mut chains.debt, PAYER, "repay", (id, u128::MAX), 0, above);
    chains.debt.repay(PAYER, id, 1).unwrap();
    let above = Error::AboveOwed { owed: AMOUNT - 1 };
    refused(&mut chains.debt, PAYER, "repay", (id, AMOUNT), AMOUNT, above);
    chains.debt.repay(PAYER, id, AMOUNT - 1).unwrap();
    let settled = Error::WrongState(DebtState::Settled);
    refused(&mut chains.debt, PAYER, "repay", (id, 1u128), 1, settled);
}

#[test]
fn nothing_is_no_repayment() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    refused(&mut chains.debt, PAYER, "repay", (id, 0u128), 0, Error::ZeroAmount);
}

#[test]
fn native_tokens_sent_along_are_exactly_what_is_repaid() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    let due = Error::WrongValue { due: AMOUNT };
    for value in [0, AMOUNT - 1, AMOUNT + 1] {
        refused(&mut chains.debt, PAYER, "repay", (id, AMOUNT), value, due);
    }
    let in_tokens = chains.request(1, 2);
    let id = chains.owed(&in_tokens);
    chains.debt.approve(PAYER, in_tokens.debt.asset, AMOUNT);
    let due = Error::WrongValue { due: 0 };
    refused(&mut chains.debt, PAYER, "repay", (id, AMOUNT), 1, due);
}

#[test]
fn a_payer_without_the_money_repays_nothing() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    let poor = quittance_tests::credit::POOR;
    unanswered(&mut chains.debt, poor, "repay", (id, AMOUNT), AMOUNT);
}

#[test]
fn only_what_is_owed_can_be_repaid() {
    let mut chains = TwoChains::default();
    let [reserved, released] = [1, 2].map(|number| chains.request(0, number));
    let id = chains.debt.reserve(&reserved).unwrap();
    let early = Error::WrongState(DebtState::Reserved);
    refused(&mut chains.debt, PAYER, "repay", (id, AMOUNT), AMOUNT, early);
    let id = chains.debt.reserve(&released).unwrap();
    done(&mut chains.debt, NODE, "release", id);
    let gone = Error::WrongState(DebtState::Released);
    refused(&mut chains.debt, PAYER, "repay", (id, AMOUNT), AMOUNT, gone);
}

#[test]
fn an_overdue_debt_is_repaid_principal_first_and_settled_with_its_late_fee() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    chains.debt.chain.set_time(DUE_AT);
    done(&mut chains.debt, STRANGER, "mark_overdue", id);
    let above = Error::AboveOwed {
        owed: AMOUNT + LATE_FEE,
    };
    let too_much = AMOUNT + LATE_FEE + 1;
    refused(&mut chains.debt, PAYER, "repay", (id, too_much), too_much, above);
    let figures = |chains: &mut TwoChains| {
        let debt = chains.debt.debt(id);
        (debt.principal_owed(), debt.fee_owed(), debt.state)
    };
    chains.debt.repay(PAYER, id, AMOUNT - 1).unwrap();
    assert_eq!(figures(&mut chains), (1, LATE_FEE, DebtState::Owed));
    chains.debt.repay(PAYER, id, 2).unwrap();
    assert_eq!(figures(&mut chains), (0, LATE_FEE - 1, DebtState::Owed));
    // A late fee counts against no limit.
    assert_eq!(used(&mut chains.debt, Asset::Native).outstanding, 0);
    assert_eq!(chains.debt.node_limit(PAYER, Asset::Native).overdue, 0);
    chains.debt.repay(PAYER, id, LATE_FEE - 1).unwrap();
    assert_eq!(figures(&mut chains), (0, 0, DebtState::Settled));
    assert_eq!(chains.debt.pool(Asset::Native), AMOUNT + LATE_FEE);
}

#[test]
fn limits_and_standing_hinder_no_repayment() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    let payer = quittance_tests::institutions::account(PAYER);
    done(&mut chains.debt, NODE, "freeze", payer);
    chains.debt.set_node_limit(PAYER, Asset::Native, 0).unwrap();
    let order = order(PAYER, PAYEE, Asset::Native, 0, 2);
    chains.debt.set_limit(&order).unwrap();
    chains.debt.repay(PAYER, id, AMOUNT).unwrap();
    is(&mut chains.debt, id, DebtState::Settled);
}

#[test]
fn the_largest_debt_there_can_be_can_be_repaid() {
    let mut chains = TwoChains::default();
    let token = chains.debt.money.assets()[1];
    chains.debt.set_node_limit(PAYER, token, u128::MAX).unwrap();
    chains
        .debt
        .set_limit(&order(PAYER, PAYEE, token, u128::MAX, 2))
        .unwrap();
    let request = CreditRequest {
        amount: u128::MAX,
        late_fee: 0,
        ..chains.request(1, 1)
    };
    let id = chains.debt.reserve(&request).unwrap();
    done(&mut chains.debt, NODE, "commit", (id, quittance_tests::credit::BLOCK));
    chains.debt.repay(PAYER, id, AMOUNT).unwrap();
    assert_eq!(chains.debt.debt(id).principal_owed(), u128::MAX - AMOUNT);
}
