//! The payee's limit, the credit node's, and what counts against both (S1.7, S1.8, S1.11).
use protocol::{
    credit::{CreditRequest, DebtState, Error, LimitOrder, Used},
    settlement::Asset,
    signing::Domain,
    AccountId,
};
use quittance_tests::{
    credit::{
        order, TwoChains, AMOUNT, BLOCK, EVIDENCE, EXPIRES_AT, GRACE, LIMIT, NODE, NODE_LIMIT, OTHER_PAYEE,
        OTHER_PAYER, PAYEE, PAYER, STRANGER,
    },
    institutions::{account, key, sign},
};

use super::{done, is, refused, used};

const NATIVE: Asset = Asset::Native;

/// Over the payee's limit, for a payment of `amount`.
fn above_payee(limit: u128, used: u128, amount: u128) -> Error {
    Error::AbovePayeeLimit { limit, used, amount }
}

fn above_node(limit: u128, used: u128, amount: u128) -> Error {
    Error::AboveNodeLimit { limit, used, amount }
}

/// A request of another amount that must be refused.
#[track_caller]
fn reservation_refused(chains: &mut TwoChains, request: &CreditRequest, expected: Error) {
    let signed = quittance_tests::credit::with_signatures(request);
    refused(&mut chains.debt, NODE, "reserve", signed, 0, expected);
}

fn of_amount(chains: &TwoChains, number: u8, amount: u128) -> CreditRequest {
    CreditRequest {
        amount,
        late_fee: 0,
        ..chains.request(0, number)
    }
}

#[test]
fn a_payees_limit_is_what_it_signed_whoever_sends_it() {
    let mut chains = TwoChains::new(GRACE);
    let side = &mut chains.debt;
    side.set_limit(&order(PAYER, PAYEE, NATIVE, LIMIT, 1)).unwrap();
    let limits = side.limits(PAYER, PAYEE, NATIVE);
    assert_eq!((limits.payee.limit, limits.payee.sequence), (LIMIT, 1));
    assert_eq!(limits.payee, side.payee_limit(PAYER, PAYEE, NATIVE));
    // Nobody else's.
    for (payer, payee) in [(PAYEE, PAYER), (OTHER_PAYER, PAYEE), (PAYER, OTHER_PAYEE)] {
        assert_eq!(side.limits(payer, payee, NATIVE).payee.limit, 0);
    }
}

#[test]
fn an_order_takes_the_payees_signature_under_all_of_it_for_this_contract() {
    let mut chains = TwoChains::new(GRACE);
    let here = chains.debt.domain();
    let order = order(PAYER, PAYEE, NATIVE, LIMIT, 1);
    let other_genesis = Domain {
        genesis: [9; 32],
        ..here
    };
    let other_contract = Domain {
        contract: AccountId([9; 32]),
        ..here
    };
    let higher = LimitOrder {
        limit: LIMIT + 1,
        ..order
    };
    let for_another = LimitOrder {
        payer: account(OTHER_PAYER),
        ..order
    };
    let forgeries = [
        sign(&key(PAYER), &order.payload(&here)),
        sign(&key(NODE), &order.payload(&here)),
        sign(&key(PAYEE), &order.payload(&other_genesis)),
        sign(&key(PAYEE), &order.payload(&other_contract)),
        sign(&key(PAYEE), &higher.payload(&here)),
        sign(&key(PAYEE), &for_another.payload(&here)),
    ];
    for forged in forgeries {
        let args = (order, forged);
        refused(&mut chains.debt, PAYEE, "set_limit", args, 0, Error::BadPayeeSignature);
    }
}

#[test]
fn an_account_that_is_no_key_gives_no_limit() {
    let mut chains = TwoChains::new(GRACE);
    // No point of the curve.
    let order = LimitOrder {
        payee: AccountId([255; 32]),
        ..order(PAYER, PAYEE, NATIVE, LIMIT, 1)
    };
    let signature = sign(&key(PAYEE), &order.payload(&chains.debt.domain()));
    let args = (order, signature);
    refused(&mut chains.debt, PAYEE, "set_limit", args, 0, Error::BadPayeeSignature);
}

#[test]
fn an_order_makes_earlier_ones_void() {
    let mut chains = TwoChains::new(GRACE);
    let side = &mut chains.debt;
    let signed = |order: LimitOrder, domain: &Domain| (order, sign(&key(PAYEE), &order.payload(domain)));
    let domain = side.domain();
    let first = signed(order(PAYER, PAYEE, NATIVE, LIMIT, 0), &domain);
    refused(side, PAYEE, "set_limit", first, 0, Error::StaleSequence { latest: 0 });

    side.set_limit(&order(PAYER, PAYEE, NATIVE, LIMIT, 5)).unwrap();
    for sequence in [5, 4] {
        let late = signed(order(PAYER, PAYEE, NATIVE, LIMIT * 2, sequence), &domain);
        refused(side, PAYEE, "set_limit", late, 0, Error::StaleSequence { latest: 5 });
    }
    side.set_limit(&order(PAYER, PAYEE, NATIVE, LIMIT * 2, 6)).unwrap();
    assert_eq!(side.payee_limit(PAYER, PAYEE, NATIVE).limit, LIMIT * 2);

    // Each payer and each asset has a sequence of its own.
    let token = side.money.assets()[1];
    side.set_limit(&order(OTHER_PAYER, PAYEE, NATIVE, LIMIT, 1)).unwrap();
    side.set_limit(&order(PAYER, PAYEE, token, LIMIT, 1)).unwrap();
}

#[test]
fn the_nodes_limit_keeps_what_it_was_computed_from() {
    let mut chains = TwoChains::new(GRACE);
    let side = &mut chains.debt;
    side.set_node_limit(PAYER, NATIVE, NODE_LIMIT).unwrap();
    let kept = side.limits(PAYER, STRANGER, NATIVE).node;
    assert_eq!((kept.limit, kept.evidence), (NODE_LIMIT, EVIDENCE));
    assert_eq!(kept, side.node_limit(PAYER, NATIVE));
}

#[test]
fn without_a_limit_nothing_is_lent() {
    let mut chains = TwoChains::new(GRACE);
    let request = chains.request(0, 1);
    reservation_refused(&mut chains, &request, above_payee(0, 0, AMOUNT));
    let order = order(PAYER, PAYEE, NATIVE, LIMIT, 1);
    chains.debt.set_limit(&order).unwrap();
    reservation_refused(&mut chains, &request, above_node(0, 0, AMOUNT));
}

#[test]
fn a_payment_may_use_up_the_payees_limit_and_not_one_unit_more() {
    let mut chains = TwoChains::default();
    let above = of_amount(&chains, 1, LIMIT + 1);
    reservation_refused(&mut chains, &above, above_payee(LIMIT, 0, LIMIT + 1));
    let all = of_amount(&chains, 2, LIMIT);
    chains.debt.reserve(&all).unwrap();
    let one_more = of_amount(&chains, 3, 1);
    reservation_refused(&mut chains, &one_more, above_payee(LIMIT, LIMIT, 1));
}

#[test]
fn a_payment_may_use_up_the_nodes_limit_and_not_one_unit_more() {
    let mut chains = TwoChains::default();
    let all = of_amount(&chains, 1, LIMIT);
    chains.debt.reserve(&all).unwrap();
    // The node's limit is for all payees together.
    let left = NODE_LIMIT - LIMIT;
    let to_another = |chains: &TwoChains, number, amount| CreditRequest {
        payee: account(OTHER_PAYEE),
        ..of_amount(chains, number, amount)
    };
    let above = to_another(&chains, 2, left + 1);
    reservation_refused(&mut chains, &above, above_node(NODE_LIMIT, LIMIT, left + 1));
    let rest = to_another(&chains, 3, left);
    chains.debt.reserve(&rest).unwrap();
    let one_more = to_another(&chains, 4, 1);
    reservation_refused(&mut chains, &one_more, above_node(NODE_LIMIT, NODE_LIMIT, 1));
    // Another payer has limits of its own.
    let of_another = CreditRequest {
        payer: account(OTHER_PAYER),
        ..chains.request(0, 5)
    };
    chains.debt.reserve(&of_another).unwrap();
}

#[test]
fn where_both_limits_are_short_the_payees_is_named() {
    let mut chains = TwoChains::default();
    let amount = NODE_LIMIT + 1;
    let request = of_amount(&chains, 1, amount);
    reservation_refused(&mut chains, &request, above_payee(LIMIT, 0, amount));
}

#[test]
fn an_amount_beyond_all_limits_does_not_overflow() {
    let mut chains = TwoChains::default();
    let reserved = chains.request(0, 1);
    chains.debt.reserve(&reserved).unwrap();
    let request = of_amount(&chains, 2, u128::MAX);
    reservation_refused(&mut chains, &request, above_payee(LIMIT, AMOUNT, u128::MAX));
    let order = order(PAYER, PAYEE, NATIVE, u128::MAX, 2);
    chains.debt.set_limit(&order).unwrap();
    reservation_refused(&mut chains, &request, above_payee(u128::MAX, AMOUNT, u128::MAX));
    let most = of_amount(&chains, 3, u128::MAX - AMOUNT);
    reservation_refused(&mut chains, &most, above_node(NODE_LIMIT, AMOUNT, u128::MAX - AMOUNT));
    chains.debt.set_node_limit(PAYER, NATIVE, u128::MAX).unwrap();
    chains.debt.reserve(&most).unwrap();
}

#[test]
fn what_is_reserved_and_what_is_owed_both_count_against_both_limits() {
    let mut chains = TwoChains::default();
    let (first, second) = (chains.request(0, 1), chains.request(0, 2));
    chains.owed(&first);
    chains.debt.reserve(&second).unwrap();
    let both = Used {
        reserved: AMOUNT,
        outstanding: AMOUNT,
    };
    assert_eq!(used(&mut chains.debt, NATIVE), both);
    let above = of_amount(&chains, 3, LIMIT - 2 * AMOUNT + 1);
    reservation_refused(&mut chains, &above, above_payee(LIMIT, 2 * AMOUNT, above.amount));
}

#[test]
fn each_asset_has_limits_of_its_own() {
    let mut chains = TwoChains::default();
    let all = of_amount(&chains, 1, LIMIT);
    chains.debt.reserve(&all).unwrap();
    let in_tokens = chains.request(1, 2);
    chains.debt.reserve(&in_tokens).unwrap();
    assert_eq!(used(&mut chains.debt, in_tokens.debt.asset).reserved, AMOUNT);
}

#[test]
fn of_a_hundred_requests_against_a_limit_that_fits_seven_exactly_seven_pass() {
    let mut chains = TwoChains::default();
    let answers: Vec<_> = (0..100u8)
        .map(|number| {
            let request = chains.request(0, number);
            chains.debt.reserve(&request)
        })
        .collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 7);
    let refusals = answers.iter().filter_map(|answer| answer.err());
    assert_eq!(
        refusals
            .filter(|error| *error == above_payee(LIMIT, LIMIT, AMOUNT))
            .count(),
        93
    );
    assert_eq!(used(&mut chains.debt, NATIVE).reserved, LIMIT);
}

#[test]
fn below_what_is_used_only_what_makes_less_of_it_passes() {
    for of_node in [false, true] {
        let mut chains = TwoChains::default();
        let (first, second) = (chains.request(0, 1), chains.request(0, 2));
        let owed = chains.owed(&first);
        let reserved = chains.debt.reserve(&second).unwrap();
        let limit = AMOUNT / 2;
        if of_node {
            chains.debt.set_node_limit(PAYER, NATIVE, limit).unwrap();
        } else {
            chains.debt.set_limit(&order(PAYER, PAYEE, NATIVE, limit, 2)).unwrap();
        }
        let short = |used| {
            if of_node {
                above_node(limit, used, 1)
            } else {
                above_payee(limit, used, 1)
            }
        };
        let new = of_amount(&chains, 3, 1);
        reservation_refused(&mut chains, &new, short(2 * AMOUNT));

        // What is on its way can be committed: it counted before.
        chains.payout.pay(&second).unwrap();
        done(&mut chains.debt, NODE, "commit", (reserved, BLOCK));
        reservation_refused(&mut chains, &new, short(2 * AMOUNT));
        chains.debt.repay(PAYER, owed, AMOUNT).unwrap();
        reservation_refused(&mut chains, &new, short(AMOUNT));
        chains.debt.repay(PAYER, reserved, AMOUNT / 2).unwrap();
        reservation_refused(&mut chains, &new, short(AMOUNT / 2));
        chains.debt.repay(PAYER, reserved, 1).unwrap();
        chains.debt.reserve(&new).unwrap();
    }
}

#[test]
fn of_a_frozen_payer_nothing_new_is_taken_and_all_else_goes_on() {
    let mut chains = TwoChains::default();
    let [owed, reserved, expiring, new] = [1, 2, 3, 4].map(|number| chains.request(0, number));
    let owed = chains.owed(&owed);
    let (committed, expired) = (
        chains.debt.reserve(&reserved).unwrap(),
        chains.debt.reserve(&expiring).unwrap(),
    );
    done(&mut chains.debt, NODE, "freeze", account(PAYER));
    assert!(chains.debt.limits(PAYER, PAYEE, NATIVE).is_frozen);
    reservation_refused(&mut chains, &new, Error::Frozen);
    let in_tokens = chains.request(1, 5);
    reservation_refused(&mut chains, &in_tokens, Error::Frozen);
    let of_another = CreditRequest {
        payer: account(OTHER_PAYER),
        ..chains.request(0, 6)
    };
    chains.debt.reserve(&of_another).unwrap();

    chains.debt.repay(PAYER, owed, AMOUNT).unwrap();
    chains.payout.pay(&reserved).unwrap();
    done(&mut chains.debt, NODE, "commit", (committed, BLOCK));
    chains.debt.chain.set_time(EXPIRES_AT);
    done(&mut chains.debt, STRANGER, "expire", expired);
    is(&mut chains.debt, expired, DebtState::Expired);

    chains.debt.chain.set_time(quittance_tests::contract_chain::START);
    done(&mut chains.debt, NODE, "unfreeze", account(PAYER));
    chains.debt.reserve(&new).unwrap();
}

#[test]
fn a_payer_is_frozen_once_and_thawed_once() {
    let mut chains = TwoChains::default();
    let payer = account(PAYER);
    refused(&mut chains.debt, NODE, "unfreeze", payer, 0, Error::NotFrozen);
    done(&mut chains.debt, NODE, "freeze", payer);
    refused(&mut chains.debt, NODE, "freeze", payer, 0, Error::Frozen);
    done(&mut chains.debt, NODE, "unfreeze", payer);
    refused(&mut chains.debt, NODE, "unfreeze", payer, 0, Error::NotFrozen);
}
