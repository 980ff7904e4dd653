//! Each rule, broken.
use protocol::{credit::Payout, AccountId, RequestId};

use super::world::{payee, payer, World, CREDIT, DUE_AT, EXPIRES_AT, NATIVE, PAY_BY, RESERVED_AT};
use crate::audit::chain::rebuild::stage::{account, call};

type Breach = fn(&mut World);

fn each_is_found(world: fn() -> World, breaches: &[(&str, Breach)]) {
    for (number, (code, breach)) in breaches.iter().enumerate() {
        let mut world = world();
        breach(&mut world);
        let codes = world.stage.codes();
        assert_eq!(
            codes,
            code.split(' ').collect::<Vec<_>>(),
            "number {number}: {:?}",
            world.stage.findings
        );
    }
}

#[test]
fn wrong_signatures_are_found() {
    let breaches: [(&str, Breach); 5] = [
        ("bad-signature", |world| world.reserve_signed(&payee(), &payee())),
        ("bad-signature", |world| world.reserve_signed(&payer(), &payer())),
        ("bad-signature", |world| world.set_limit(9, 2, &payer())),
        ("bad-signature", |world| world.wish(400, 1, &payee())),
        ("bad-signature", |world| {
            world.reserve();
            world.commit(DUE_AT);
            world.confirm_receipt(&payer());
        }),
    ];
    each_is_found(World::with_limits, &breaches);
}

#[test]
fn reservations_against_the_rules_are_found() {
    let breaches: [(&str, Breach); 13] = [
        ("above-limit", |world| {
            world.request.amount = 121;
            world.reserve();
        }),
        ("above-limit above-limit", |world| {
            world.request.amount = 151;
            world.reserve();
        }),
        ("above-limit above-limit", |world| {
            world.reserve();
            world.request.nonce = [2; 16];
            world.reserve();
        }),
        ("wrong-state", |world| {
            world.freeze("Frozen", "freeze");
            world.reserve();
        }),
        ("too-late", |world| {
            world.stage.later(PAY_BY - RESERVED_AT);
            world.reserve();
        }),
        ("bad-terms", |world| {
            world.request.expires_at = PAY_BY + 999;
            world.reserve();
        }),
        ("other-chain", |world| {
            world.request.debt.contract = AccountId([9; 32]);
            world.reserve();
        }),
        ("wrong-digest", |world| {
            let request = world.request.clone();
            let id = RequestId([9; 32]);
            world.stage.tell(super::take, CREDIT, "Reserved", &(id, request), None);
        }),
        ("twice", |world| {
            world.reserve();
            world.release();
            world.reserve();
        }),
        ("wrong-sender", |world| {
            world.sender = account(5);
            world.reserve();
        }),
        ("bad-terms", |world| {
            world.reserve();
            world.extend(DUE_AT + 1);
        }),
        ("too-early", |world| {
            world.reserve();
            world.expire();
        }),
        ("wrong-value", |world| {
            world.reserve();
            world.stage.later(EXPIRES_AT + 1 - RESERVED_AT);
            world.commit(DUE_AT);
        }),
    ];
    each_is_found(World::with_limits, &breaches);
}

#[test]
fn repayments_and_arrears_against_the_rules_are_found() {
    let breaches: [(&str, Breach); 8] = [
        ("wrong-value", |world| world.repay(99, 1)),
        ("zero-amount", |world| world.repay(0, 0)),
        ("wrong-state", |world| world.release()),
        ("too-early", |world| world.mark_overdue(100, 5)),
        ("wrong-state", |world| {
            world.stage.later(DUE_AT - RESERVED_AT);
            world.repay(100, 0);
        }),
        ("wrong-value", |world| {
            world.stage.later(DUE_AT - RESERVED_AT);
            world.mark_overdue(100, 6);
        }),
        ("wrong-sum", |world| {
            let id = world.request.id();
            let asked = call(CREDIT, account(9), "repay", &(id, 100u128));
            world.tell("Repaid", &(id, account(9), 100u128, 0u128), &asked);
        }),
        ("twice", |world| {
            world.confirm_receipt(&payee());
            world.confirm_receipt(&payee());
        }),
    ];
    each_is_found(World::owing, &breaches);
    each_is_found(World::with_limits, &[("unknown", |world| world.commit(DUE_AT))]);

    let mut world = World::owing();
    world.stage.later(DUE_AT - RESERVED_AT);
    world.mark_overdue(100, 5);
    world.request.nonce = [2; 16];
    world.request.amount = 1;
    world.request.late_fee = 0;
    world.request.pay_by += DUE_AT;
    world.request.expires_at += DUE_AT;
    world.request.due_at += DUE_AT;
    world.reserve();
    assert_eq!(world.stage.codes(), ["wrong-state"]);
}

#[test]
fn limits_and_wishes_against_the_rules_are_found() {
    let breaches: [(&str, Breach); 7] = [
        ("stale-number", |world| world.set_limit(9, 1, &payee())),
        ("wrong-state", |world| world.freeze("Unfrozen", "unfreeze")),
        ("other-message", |world| world.freeze("Frozen", "unfreeze")),
        ("bad-terms", |world| world.wish(120, 1, &payer())),
        ("wrong-state", |world| {
            world.wish(400, 1, &payer());
            world.wish(400, 2, &payer());
        }),
        ("wrong-state", |world| world.decide(Some(400))),
        ("bad-terms", |world| {
            world.wish(400, 1, &payer());
            world.decide(Some(120));
        }),
    ];
    each_is_found(World::with_limits, &breaches);
}

fn funded() -> World {
    let mut world = World::new();
    world.fund(NATIVE, 150);
    world
}

#[test]
fn payouts_and_pools_against_the_rules_are_found() {
    let breaches: [(&str, Breach); 6] = [
        ("overspent", |world| world.withdraw(151, account(0))),
        ("wrong-value", |world| world.withdraw(1, account(5))),
        ("zero-amount", |world| world.fund(NATIVE, 0)),
        ("twice overspent", |world| {
            world.pay_out();
            world.pay_out();
        }),
        ("too-late", |world| {
            world.stage.later(PAY_BY - RESERVED_AT);
            world.pay_out();
        }),
        ("wrong-value wrong-value", |world| {
            let request = world.payout_request();
            let payout = Payout {
                payee: account(5),
                asset: NATIVE,
                amount: 100,
                block: 1,
                paid_at: RESERVED_AT + 1,
            };
            world.pay_out_as(request.id(), &request, payout);
        }),
    ];
    each_is_found(funded, &breaches);
}
