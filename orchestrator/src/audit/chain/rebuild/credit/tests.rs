//! Payments on credit that keep to the rules, and what breaks each of them.
#![allow(clippy::unwrap_used)]
mod breaches;
mod world;

use protocol::{
    credit::{DebtState, PayoutBlock, Used},
    registry::Roles,
    KeyComposer,
};
use scale::{Decode, Encode};

use super::*;
use crate::audit::chain::{rebuild::stage::account, tables::Kept};
use world::{payee, payer, World, CREDIT, DUE_AT, EXPIRES_AT, NATIVE, RESERVED_AT, TOKEN, WISHED};

fn kept<V: Decode>(kept: &Kept<'_>, mapping: &str, key: &impl Encode) -> V {
    kept.get(KeyComposer::from_str(mapping), key).unwrap().unwrap()
}

fn used(reserved: Amount, outstanding: Amount) -> Used {
    Used { reserved, outstanding }
}

impl World {
    fn debt(&mut self) -> Debt {
        let id = self.request.id();
        kept(&self.stage.tables.of(CREDIT), "Credit::debts", &id)
    }

    fn lines(&mut self) -> (PayeeLimit, NodeLimit) {
        let tables = self.stage.tables.of(CREDIT);
        let payee_line = (payee().account(), payer().account(), NATIVE);
        let node_line = (payer().account(), NATIVE);
        (
            kept(&tables, "Credit::payee_limits", &payee_line),
            kept(&tables, "Credit::node_limits", &node_line),
        )
    }

    fn pool(&mut self) -> Option<Amount> {
        let sums = sums(
            "credit",
            CREDIT,
            self.stage.block,
            &mut self.stage.tables,
            &mut self.stage.findings,
        );
        sums.unwrap().get(&NATIVE).copied()
    }

    fn is_clean(&self) {
        assert_eq!(self.stage.findings.first, vec![]);
    }
}

#[test]
fn a_payment_on_credit_is_rebuilt_in_every_field() {
    let mut world = World::with_limits();
    let before = world.stage.findings.signatures;
    world.reserve();
    assert_eq!(world.stage.findings.signatures, before + 2);
    let (by_payee, by_node) = world.lines();
    assert_eq!((by_payee.used, by_node.used), (used(100, 0), used(100, 0)));
    world.commit(DUE_AT);
    world.confirm_receipt(&payee());
    world.repay(40, 0);
    let (by_payee, by_node) = world.lines();
    assert_eq!((by_payee.used, by_node.used), (used(0, 60), used(0, 60)));
    assert_eq!((by_payee.limit, by_payee.sequence, by_node.limit), (150, 1, 120));
    world.repay(60, 0);
    assert_eq!(world.pool(), Some(100));
    world.is_clean();

    let expected = Debt {
        state: DebtState::Settled,
        payout: Some(world.payout()),
        repaid: 100,
        is_received: true,
        ..Debt::reserved(&world.request)
    };
    assert_eq!(world.debt(), expected);
    let tables = world.stage.tables.of(CREDIT);
    // Itself, a limit of either kind, the debt, the pool.
    assert_eq!(tables.count().unwrap(), 5);
    let head = tables.head::<Constants>().unwrap().unwrap();
    assert_eq!((head.node, head.grace), (world.node, 1_000));
}

#[test]
fn a_late_commit_moves_the_term_and_a_late_repayment_costs_the_fee() {
    let mut world = World::with_limits();
    world.reserve();
    world.extend(EXPIRES_AT + 5_000);
    assert_eq!(world.debt().until, EXPIRES_AT + 5_000);
    world.stage.later(EXPIRES_AT + 700 - RESERVED_AT);
    world.commit(DUE_AT + 700);
    world.stage.later(DUE_AT - EXPIRES_AT);
    world.repay_overdue(30, 100);
    let (_, by_node) = world.lines();
    assert_eq!((by_node.used, by_node.overdue), (used(0, 70), 70));
    world.repay(70, 2);
    assert_eq!((world.debt().state, world.debt().is_overdue), (DebtState::Owed, true));
    world.repay(0, 3);
    assert_eq!(world.debt().state, DebtState::Settled);
    assert_eq!(world.pool(), Some(105));
    world.is_clean();

    let mut world = World::owing();
    world.stage.later(DUE_AT - RESERVED_AT);
    world.mark_overdue(100, 5);
    assert_eq!(world.pool(), None);
    world.is_clean();
}

#[test]
fn a_reservation_that_comes_to_nothing_counts_no_longer() {
    let mut world = World::with_limits();
    world.reserve();
    world.release();
    assert_eq!(world.debt().state, DebtState::Released);
    world.request.nonce = [2; 16];
    world.reserve();
    world.stage.later(EXPIRES_AT - RESERVED_AT);
    world.expire();
    assert_eq!(world.debt().state, DebtState::Expired);
    let (by_payee, by_node) = world.lines();
    assert_eq!((by_payee.used, by_node.used), (used(0, 0), used(0, 0)));
    world.pool();
    world.is_clean();
}

#[test]
fn a_cut_limit_lets_what_is_owed_be_repaid() {
    let mut world = World::owing();
    world.set_limit(10, 2, &payee());
    world.set_node_limit(10);
    world.repay(50, 0);
    let (by_payee, by_node) = world.lines();
    assert_eq!((by_payee.limit, by_payee.used), (10, used(0, 50)));
    assert_eq!((by_node.limit, by_node.used), (10, used(0, 50)));
    world.pool();
    world.is_clean();
}

#[test]
fn a_wish_that_is_granted_is_the_limit_from_then_on() {
    let mut world = World::with_limits();
    world.wish(WISHED, 1, &payer());
    world.decide(Some(300));
    world.wish(WISHED, 2, &payer());
    world.decide(None);
    world.is_clean();
    let (_, by_node) = world.lines();
    assert_eq!((by_node.limit, by_node.evidence), (300, [4; 32]));
    let raise: Raise = kept(
        &world.stage.tables.of(CREDIT),
        "Credit::raises",
        &(payer().account(), NATIVE),
    );
    let decided = raise.decision.map(|decision| decision.granted);
    assert_eq!((raise.sequence, decided), (2, Some(None)));
}

#[test]
fn a_payer_is_frozen_and_unfrozen() {
    let mut world = World::with_limits();
    world.freeze("Frozen", "freeze");
    world.freeze("Unfrozen", "unfreeze");
    world.reserve();
    world.is_clean();
    let frozen: bool = kept(&world.stage.tables.of(CREDIT), "Credit::frozen", &payer().account());
    assert!(!frozen, "that it was is kept");
}

#[test]
fn the_pool_is_what_came_in_less_what_went_out() {
    let mut world = World::new();
    world.fund(NATIVE, 500);
    world.fund(Asset::Psp22(TOKEN), 7);
    world.withdraw(50, account(0));
    world.pay_out();
    assert_eq!(world.pool(), Some(350));
    world.is_clean();
    let id = world.payout_request().id();
    let tables = world.stage.tables.of(CREDIT);
    let payout: Payout = kept(&tables, "Credit::payouts", &id);
    assert_eq!((payout.amount, payout.paid_at), (100, RESERVED_AT));
    assert_eq!(kept::<Amount>(&tables, "Credit::pools", &Asset::Psp22(TOKEN)), 7);
}

#[test]
fn what_other_contracts_asked_for_is_counted_as_unseen() {
    let mut world = World::with_limits();
    let (id, request) = (world.request.id(), world.request.clone());
    world.stage.tell(take, CREDIT, "Reserved", &(id, request), None);
    let payout = PayoutBlock {
        number: 7,
        hash: [7; 32],
    };
    world.stage.tell(take, CREDIT, "Committed", &(id, payout, DUE_AT), None);
    world.stage.tell(take, CREDIT, "ReceiptConfirmed", &id, None);
    world
        .stage
        .tell(take, CREDIT, "Repaid", &(id, account(9), 100u128, 0u128), None);
    assert_eq!(world.pool(), Some(100));
    world.is_clean();
    assert_eq!(world.stage.findings.unseen, 4);
}

#[test]
fn what_limits_say_is_held_against_the_debts() {
    let mut world = World::owing();
    let (mut by_payee, by_node) = world.lines();
    by_payee.used.outstanding -= 1;
    let line = (payee().account(), payer().account(), NATIVE);
    let limits = KeyComposer::from_str("Credit::payee_limits");
    world.stage.tables.of(CREDIT).put(limits, &line, &by_payee).unwrap();
    world.pool();
    assert_eq!(world.stage.codes(), ["contradiction"]);

    // Nothing at all is kept of the other one.
    let limits = KeyComposer::from_str("Credit::node_limits");
    let node_line = (payer().account(), NATIVE);
    world.stage.tables.of(CREDIT).remove(limits, &node_line).unwrap();
    world.pool();
    assert_eq!(world.stage.codes(), ["contradiction"; 3]);
    assert_eq!(by_node.used, used(0, 100));
}

#[test]
fn pools_and_debts_that_contradict_each_other_are_found() {
    let mut world = World::owing();
    let id = world.request.id();
    let debt = Debt {
        repaid: 101,
        ..world.debt()
    };
    let debts = KeyComposer::from_str("Credit::debts");
    world.stage.tables.of(CREDIT).put(debts, &id, &debt).unwrap();
    world.pool();
    assert_eq!(
        world.stage.codes(),
        ["contradiction", "not-conserved", "contradiction", "contradiction"]
    );
}

#[test]
fn a_commit_names_the_block_in_which_this_chain_paid() {
    let mut world = World::with_limits();
    // Debt and payout in two contracts of one chain.
    let other = AccountId([12; 32]);
    world.request.payout.genesis = world.request.debt.genesis;
    world.request.payout.contract = other;
    world.make(other);
    world.reserve();
    world.commit(DUE_AT);
    assert_eq!(world.stage.codes(), ["unpaid"]);
}

#[test]
fn a_credit_node_has_to_be_one_when_it_acts() {
    let mut world = World::new();
    world.fund(NATIVE, 1);
    let member = world.node;
    let change = protocol::registry::Change::SetRoles {
        member,
        roles: Roles::PARTICIPANT,
    };
    world.stage.change(Some(member), &change);
    world.fund(NATIVE, 1);
    assert_eq!(world.stage.codes(), ["missing-role"]);
}
