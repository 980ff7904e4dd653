//! A higher limit of the credit node's, on evidence (S1.12).
use protocol::{
    credit::{CreditRequest, Error, RaiseDecision, RaiseRequest},
    settlement::Asset,
    signing::Domain,
    AccountId,
};
use quittance_tests::{
    credit::{order, wish, TwoChains, EVIDENCE, LIMIT, NODE, NODE_LIMIT, OTHER_PAYER, PAYEE, PAYER, STRANGER},
    institutions::{account, key, sign},
};

use super::{done, refused};

const NATIVE: Asset = Asset::Native;
const DIGEST: [u8; 32] = [5; 32];

fn decision(granted: Option<u128>) -> (AccountId, Asset, Option<u128>, [u8; 32]) {
    (account(PAYER), NATIVE, granted, DIGEST)
}

#[test]
fn who_meets_only_the_nodes_limit_can_have_it_raised_and_try_again() {
    let mut chains = TwoChains::default();
    chains
        .debt
        .set_limit(&order(PAYER, PAYEE, NATIVE, 2 * NODE_LIMIT, 2))
        .unwrap();
    let wanted = NODE_LIMIT + 1;
    let request = CreditRequest {
        amount: wanted,
        ..chains.request(0, 1)
    };
    let short = Error::AboveNodeLimit {
        limit: NODE_LIMIT,
        used: 0,
        amount: wanted,
    };
    assert_eq!(chains.debt.reserve(&request), Err(short));
    chains.debt.request_raise(&wish(PAYER, NATIVE, wanted, 1)).unwrap();
    let open = chains.debt.raise(PAYER, NATIVE).unwrap();
    assert_eq!((open.wanted, open.evidence, open.decision), (wanted, EVIDENCE, None));
    assert_eq!(chains.debt.reserve(&request), Err(short));

    done(&mut chains.debt, NODE, "decide_raise", decision(Some(wanted)));
    let kept = chains.debt.node_limit(PAYER, NATIVE);
    assert_eq!((kept.limit, kept.evidence), (wanted, DIGEST));
    let asked: Option<protocol::credit::Raise> = chains.debt.send(STRANGER, "raise", (account(PAYER), NATIVE), 0);
    let decided = RaiseDecision {
        granted: Some(wanted),
        digest: DIGEST,
    };
    assert_eq!(asked.unwrap().decision, Some(decided));
    chains.debt.reserve(&request).unwrap();
}

#[test]
fn a_denied_wish_changes_no_limit_and_another_can_follow() {
    let mut chains = TwoChains::default();
    let before = chains.debt.node_limit(PAYER, NATIVE);
    chains
        .debt
        .request_raise(&wish(PAYER, NATIVE, NODE_LIMIT + 1, 1))
        .unwrap();
    done(&mut chains.debt, NODE, "decide_raise", decision(None));
    assert_eq!(chains.debt.node_limit(PAYER, NATIVE), before);
    chains
        .debt
        .request_raise(&wish(PAYER, NATIVE, NODE_LIMIT + 1, 2))
        .unwrap();
    assert_eq!(chains.debt.raise(PAYER, NATIVE).unwrap().decision, None);
}

#[test]
fn the_node_may_grant_less_or_more_than_was_wished_for_but_no_cut() {
    for granted in [NODE_LIMIT + 1, 5 * NODE_LIMIT] {
        let mut chains = TwoChains::default();
        chains
            .debt
            .request_raise(&wish(PAYER, NATIVE, 2 * NODE_LIMIT, 1))
            .unwrap();
        for cut in [NODE_LIMIT, 0] {
            let no_raise = Error::NotARaise { limit: NODE_LIMIT };
            refused(&mut chains.debt, NODE, "decide_raise", decision(Some(cut)), 0, no_raise);
        }
        done(&mut chains.debt, NODE, "decide_raise", decision(Some(granted)));
        assert_eq!(chains.debt.node_limit(PAYER, NATIVE).limit, granted);
    }
}

#[test]
fn a_wish_for_what_there_is_already_is_none() {
    let mut chains = TwoChains::default();
    let domain = chains.debt.domain();
    for wanted in [NODE_LIMIT, 0] {
        let wish = wish(PAYER, NATIVE, wanted, 1);
        let args = (wish, sign(&key(PAYER), &wish.payload(&domain)));
        let no_raise = Error::NotARaise { limit: NODE_LIMIT };
        refused(&mut chains.debt, STRANGER, "request_raise", args, 0, no_raise);
    }
}

#[test]
fn one_wish_for_each_asset_is_open_at_a_time() {
    let mut chains = TwoChains::default();
    let domain = chains.debt.domain();
    chains
        .debt
        .request_raise(&wish(PAYER, NATIVE, NODE_LIMIT + 1, 1))
        .unwrap();
    let second = wish(PAYER, NATIVE, NODE_LIMIT + 2, 2);
    let args = (second, sign(&key(PAYER), &second.payload(&domain)));
    refused(&mut chains.debt, STRANGER, "request_raise", args, 0, Error::RaiseOpen);
    let token = chains.debt.money.assets()[1];
    chains
        .debt
        .request_raise(&wish(PAYER, token, NODE_LIMIT + 1, 1))
        .unwrap();
    chains
        .debt
        .request_raise(&wish(OTHER_PAYER, NATIVE, NODE_LIMIT + 1, 1))
        .unwrap();
}

#[test]
fn a_wish_cannot_be_handed_in_again() {
    let mut chains = TwoChains::default();
    let domain = chains.debt.domain();
    chains
        .debt
        .request_raise(&wish(PAYER, NATIVE, NODE_LIMIT + 1, 5))
        .unwrap();
    done(&mut chains.debt, NODE, "decide_raise", decision(None));
    for sequence in [5, 4, 0] {
        let again = wish(PAYER, NATIVE, NODE_LIMIT + 1, sequence);
        let args = (again, sign(&key(PAYER), &again.payload(&domain)));
        let stale = Error::StaleSequence { latest: 5 };
        refused(&mut chains.debt, STRANGER, "request_raise", args, 0, stale);
    }
    let first = wish(OTHER_PAYER, NATIVE, NODE_LIMIT + 1, 0);
    let args = (first, sign(&key(OTHER_PAYER), &first.payload(&domain)));
    let stale = Error::StaleSequence { latest: 0 };
    refused(&mut chains.debt, STRANGER, "request_raise", args, 0, stale);
}

#[test]
fn a_wish_takes_the_payers_signature_under_all_of_it_for_this_contract() {
    let mut chains = TwoChains::default();
    let here = chains.debt.domain();
    let genuine = wish(PAYER, NATIVE, NODE_LIMIT + 1, 1);
    let elsewhere = Domain {
        genesis: [9; 32],
        ..here
    };
    let other_contract = Domain {
        contract: AccountId([9; 32]),
        ..here
    };
    let higher = RaiseRequest {
        wanted: LIMIT * 9,
        ..genuine
    };
    let on_other_evidence = RaiseRequest {
        evidence: [9; 32],
        ..genuine
    };
    let forgeries = [
        sign(&key(NODE), &genuine.payload(&here)),
        sign(&key(PAYEE), &genuine.payload(&here)),
        sign(&key(PAYER), &genuine.payload(&elsewhere)),
        sign(&key(PAYER), &genuine.payload(&other_contract)),
        sign(&key(PAYER), &higher.payload(&here)),
        sign(&key(PAYER), &on_other_evidence.payload(&here)),
    ];
    for forged in forgeries {
        let args = (genuine, forged);
        refused(
            &mut chains.debt,
            PAYER,
            "request_raise",
            args,
            0,
            Error::BadPayerSignature,
        );
    }
}

#[test]
fn what_nobody_wished_for_or_was_decided_is_not_decided() {
    let mut chains = TwoChains::default();
    let granted = decision(Some(NODE_LIMIT + 1));
    refused(&mut chains.debt, NODE, "decide_raise", granted, 0, Error::NoRaiseOpen);
    chains
        .debt
        .request_raise(&wish(PAYER, NATIVE, NODE_LIMIT + 1, 1))
        .unwrap();
    done(&mut chains.debt, NODE, "decide_raise", granted);
    let more = decision(Some(NODE_LIMIT + 2));
    refused(&mut chains.debt, NODE, "decide_raise", more, 0, Error::NoRaiseOpen);
    refused(
        &mut chains.debt,
        NODE,
        "decide_raise",
        decision(None),
        0,
        Error::NoRaiseOpen,
    );
}
