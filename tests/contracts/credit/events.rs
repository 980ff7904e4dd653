//! An auditor rebuilds what a contract keeps from its events alone.
use std::collections::BTreeMap;

use protocol::{
    credit::{CreditRequest, Debt, DebtState, NodeLimit, PayeeLimit, Payout, PayoutBlock, Raise, RaiseDecision},
    settlement::Asset,
    AccountId, RequestId,
};
use quittance_tests::{
    contract_chain::{Emitted, EventTopic},
    credit::{
        decoded, order, wish, with_signatures, Side, TwoChains, AMOUNT, BLOCK, DUE_AT, EVIDENCE, EXPIRES_AT, LIMIT,
        NODE, NODE_LIMIT, PAYEE, PAYER, PAY_BY, STRANGER,
    },
    institutions::account,
};
use scale::Encode;

/// What a contract keeps, from its events.
#[derive(Default)]
struct Books {
    payee_limits: BTreeMap<(AccountId, AccountId, Asset), PayeeLimit>,
    node_limits: BTreeMap<(AccountId, Asset), NodeLimit>,
    frozen: BTreeMap<AccountId, bool>,
    raises: BTreeMap<(AccountId, Asset), Raise>,
    debts: BTreeMap<RequestId, Debt>,
    payouts: BTreeMap<RequestId, Payout>,
    pools: BTreeMap<Asset, u128>,
}

impl Books {
    fn read(&mut self, event: &Emitted) {
        let named = |name| event.is(&EventTopic::of("credit", name));
        if named("LimitSet") {
            let (payer, payee, asset, limit, sequence) = decoded::<(AccountId, AccountId, Asset, u128, u64)>(event);
            let kept = self.payee_limits.entry((payee, payer, asset)).or_default();
            (kept.limit, kept.sequence) = (limit, sequence);
        } else if named("NodeLimitSet") {
            let (payer, asset, limit, evidence) = decoded::<(AccountId, Asset, u128, [u8; 32])>(event);
            self.set_node_limit(payer, asset, limit, evidence);
        } else if named("Frozen") {
            self.frozen.insert(decoded(event), true);
        } else if named("Unfrozen") {
            self.frozen.insert(decoded(event), false);
        } else if named("RaiseRequested") {
            let (payer, asset, wanted, evidence, sequence) = decoded::<(AccountId, Asset, u128, [u8; 32], u64)>(event);
            let raise = Raise {
                wanted,
                evidence,
                sequence,
                decision: None,
            };
            self.raises.insert((payer, asset), raise);
        } else if named("RaiseDecided") {
            let (payer, asset, decision) = decoded::<(AccountId, Asset, RaiseDecision)>(event);
            self.raises.get_mut(&(payer, asset)).unwrap().decision = Some(decision);
            if let Some(limit) = decision.granted {
                self.set_node_limit(payer, asset, limit, decision.digest);
            }
        } else if named("Funded") {
            let (asset, amount) = decoded::<(Asset, u128)>(event);
            *self.pools.entry(asset).or_default() += amount;
        } else if named("Withdrawn") {
            let (asset, amount, _) = decoded::<(Asset, u128, AccountId)>(event);
            *self.pools.entry(asset).or_default() -= amount;
        } else if named("PaidOut") {
            let (id, payout) = decoded::<(RequestId, Payout)>(event);
            *self.pools.entry(payout.asset).or_default() -= payout.amount;
            self.payouts.insert(id, payout);
        } else {
            self.read_of_debt(event);
        }
    }

    fn read_of_debt(&mut self, event: &Emitted) {
        let named = |name| event.is(&EventTopic::of("credit", name));
        let id: RequestId = decoded(event);
        if named("Reserved") {
            let (_, request) = decoded::<(RequestId, CreditRequest)>(event);
            self.debts.insert(id, Debt::reserved(&request));
            return self.count(id, |used| used.reserved += request.amount);
        }
        let debt = self.debts.get_mut(&id).unwrap();
        let amount = debt.amount;
        if named("Extended") {
            (_, debt.until) = decoded::<(RequestId, u64)>(event);
        } else if named("Released") || named("Expired") {
            debt.state = if named("Released") {
                DebtState::Released
            } else {
                DebtState::Expired
            };
            self.count(id, |used| used.reserved -= amount);
        } else if named("Committed") {
            let (_, payout, due_at) = decoded::<(RequestId, PayoutBlock, u64)>(event);
            (debt.state, debt.payout, debt.due_at) = (DebtState::Owed, Some(payout), due_at);
            self.count(id, |used| {
                used.reserved -= amount;
                used.outstanding += amount;
            });
        } else if named("ReceiptConfirmed") {
            debt.is_received = true;
        } else if named("FellOverdue") {
            let (_, principal, _) = decoded::<(RequestId, u128, u128)>(event);
            debt.is_overdue = true;
            let key = (debt.payer, debt.asset);
            self.node_limits.get_mut(&key).unwrap().overdue += principal;
        } else if named("Repaid") {
            let (_, _, principal, late_fee) = decoded::<(RequestId, AccountId, u128, u128)>(event);
            debt.repaid += principal;
            debt.fee_paid += late_fee;
            if debt.principal_owed() == 0 && debt.fee_owed() == 0 {
                debt.state = DebtState::Settled;
            }
            let (key, is_overdue) = ((debt.payer, debt.asset), debt.is_overdue);
            if is_overdue {
                self.node_limits.get_mut(&key).unwrap().overdue -= principal;
            }
            *self.pools.entry(key.1).or_default() += principal + late_fee;
            self.count(id, |used| used.outstanding -= principal);
        } else {
            panic!("an event that nobody knows");
        }
    }

    fn set_node_limit(&mut self, payer: AccountId, asset: Asset, limit: u128, evidence: [u8; 32]) {
        let kept = self.node_limits.entry((payer, asset)).or_default();
        (kept.limit, kept.evidence) = (limit, evidence);
    }

    fn count(&mut self, id: RequestId, change: impl Fn(&mut protocol::credit::Used)) {
        let Debt {
            payer, payee, asset, ..
        } = self.debts[&id];
        change(&mut self.payee_limits.get_mut(&(payee, payer, asset)).unwrap().used);
        change(&mut self.node_limits.get_mut(&(payer, asset)).unwrap().used);
    }

    fn are_those_of(&self, side: &mut Side) {
        let native = Asset::Native;
        let (payer, payee) = (account(PAYER), account(PAYEE));
        let limit = self.payee_limits.get(&(payee, payer, native)).copied();
        assert_eq!(limit.unwrap_or_default(), side.payee_limit(PAYER, PAYEE, native));
        let limit = self.node_limits.get(&(payer, native)).copied();
        assert_eq!(limit.unwrap_or_default(), side.node_limit(PAYER, native));
        assert_eq!(self.raises.get(&(payer, native)).copied(), side.raise(PAYER, native));
        assert_eq!(
            self.frozen.get(&payer).copied().unwrap_or_default(),
            side.is_frozen(PAYER)
        );
        assert_eq!(self.pools.get(&native).copied().unwrap_or_default(), side.pool(native));
        for (id, debt) in &self.debts {
            assert_eq!(*debt, side.debt(*id));
        }
        for (id, payout) in &self.payouts {
            assert_eq!(Some(*payout), side.payout(*id));
        }
    }
}

/// Sends what must be done, and reads its events.
#[track_caller]
fn told(books: &mut Books, side: &mut Side, by: protocol::Member, message: &str, args: impl Encode, value: u128) {
    // Whatever it answers beside that it is done.
    let called = side
        .try_send::<Result<(), protocol::credit::Error>>(by, message, args, value)
        .unwrap();
    assert_eq!(called.output, Ok(()));
    assert!(!called.events.is_empty(), "{message} must tell");
    called.events.iter().for_each(|event| books.read(event));
    books.are_those_of(side);
}

#[test]
fn the_whole_state_follows_from_the_events() {
    let mut chains = TwoChains::new(quittance_tests::credit::GRACE);
    let (mut here, mut there) = (Books::default(), Books::default());
    let native = Asset::Native;
    let [paid, released, expired] = [1, 2, 3].map(|number| chains.request(0, number));
    let TwoChains { debt, payout } = &mut chains;
    let payer = account(PAYER);

    let order = order(PAYER, PAYEE, native, LIMIT, 1);
    let signature = quittance_tests::institutions::sign(
        &quittance_tests::institutions::key(PAYEE),
        &order.payload(&debt.domain()),
    );
    told(&mut here, debt, STRANGER, "set_limit", (order, signature), 0);
    told(
        &mut here,
        debt,
        NODE,
        "set_node_limit",
        (payer, native, NODE_LIMIT, EVIDENCE),
        0,
    );
    let wish = wish(PAYER, native, NODE_LIMIT + 1, 1);
    let signature = quittance_tests::institutions::sign(
        &quittance_tests::institutions::key(PAYER),
        &wish.payload(&debt.domain()),
    );
    told(&mut here, debt, STRANGER, "request_raise", (wish, signature), 0);
    let granted = (payer, native, Some(NODE_LIMIT + 1), [6u8; 32]);
    told(&mut here, debt, NODE, "decide_raise", granted, 0);
    told(&mut here, debt, NODE, "freeze", payer, 0);
    told(&mut here, debt, NODE, "unfreeze", payer, 0);

    told(&mut there, payout, NODE, "fund", (), 3 * AMOUNT);
    told(&mut there, payout, NODE, "withdraw", (native, AMOUNT), 0);
    for request in [&paid, &released, &expired] {
        told(&mut here, debt, NODE, "reserve", with_signatures(request), 0);
    }
    told(&mut there, payout, NODE, "pay", &paid, 0);
    told(&mut here, debt, NODE, "extend", (expired.id(), EXPIRES_AT + 1), 0);
    told(&mut here, debt, NODE, "release", released.id(), 0);
    debt.chain.set_time(PAY_BY);
    told(&mut here, debt, NODE, "commit", (paid.id(), BLOCK), 0);
    let receipt = debt.receipt(PAYEE, paid.id());
    told(&mut here, debt, STRANGER, "confirm_receipt", (paid.id(), receipt), 0);
    told(&mut here, debt, PAYER, "repay", (paid.id(), 1u128), 1);
    debt.chain.set_time(EXPIRES_AT + 1);
    told(&mut here, debt, STRANGER, "expire", expired.id(), 0);
    debt.chain.set_time(DUE_AT);
    // Falls overdue, and is repaid but for the late fee.
    told(&mut here, debt, PAYER, "repay", (paid.id(), AMOUNT - 1), AMOUNT - 1);
    told(
        &mut here,
        debt,
        PAYER,
        "repay",
        (paid.id(), paid.late_fee),
        paid.late_fee,
    );
    assert_eq!(here.debts[&paid.id()].state, DebtState::Settled);
    assert_eq!(there.pools[&native], AMOUNT);
}

#[test]
fn a_debt_marked_overdue_is_told_with_what_it_costs() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.owed(&request);
    chains.debt.chain.set_time(DUE_AT);
    let called = chains
        .debt
        .try_send::<Result<(), protocol::credit::Error>>(STRANGER, "mark_overdue", id, 0);
    let events = called.unwrap().events;
    assert_eq!(events.len(), 1);
    assert!(events[0].is(&EventTopic::of("credit", "FellOverdue")));
    let told: (RequestId, u128, u128) = decoded(&events[0]);
    assert_eq!(told, (id, AMOUNT, request.late_fee));
}
