//! Deals that keep to the rules, and what breaks each of them.
#![allow(clippy::unwrap_used)]
mod breaches;

use std::collections::BTreeMap;

use protocol::{escrow::Deadlines, AgreementId, KeyComposer, Member};
use sp_core::Pair as _;

use super::*;
use crate::audit::chain::{
    rebuild::stage::{account, call, key, Stage, GENESIS, LATE, START},
    Call,
};

const ESCROW: AccountId = AccountId([5; 32]);
const TOKEN: AccountId = AccountId([6; 32]);
const SECRET: Secret = Secret([4; 32]);
const ACCEPT_BY: Timestamp = START + 10_000;
const REVEAL_BY: Timestamp = START + 20_000;
const DISPUTE_BY: Timestamp = START + 30_000;
const RULING_BY: Timestamp = START + 40_000;

fn buyer() -> AccountId {
    account(1)
}

fn seller() -> AccountId {
    account(2)
}

fn arbiter() -> AccountId {
    account(3)
}

fn terms() -> Terms {
    Terms {
        agreement: AgreementId([1; 32]),
        seller: seller(),
        buyer_key: key(Member(1)).public().0,
        seller_key: key(Member(2)).public().0,
        arbiter: arbiter(),
        asset: Asset::Native,
        price: 100,
        bond: 10,
        seller_bond: 5,
        default_award: 60,
        deadlines: Deadlines {
            accept_by: ACCEPT_BY,
            reveal_by: REVEAL_BY,
            dispute_by: DISPUTE_BY,
            ruling_by: RULING_BY,
        },
        hashlock: SECRET.hashlock(),
    }
}

fn id() -> DealId {
    DealId::of(buyer(), terms().agreement)
}

fn escrow() -> Stage {
    let mut stage = Stage::new();
    let made = call(ESCROW, account(0), "new", &(GENESIS, 1_000u64));
    stage.tell(take, ESCROW, MADE, &(), Some(&made));
    stage
}

/// An event, and the call that led to it.
fn tell(stage: &mut Stage, event: &str, fields: &impl Encode, mut asked: Call, value: Amount) {
    asked.value = value;
    stage.next().tell(take, ESCROW, event, fields, Some(&asked));
}

fn asked(signer: AccountId, message: &str, arguments: &impl Encode) -> Call {
    call(ESCROW, signer, message, arguments)
}

fn lock(stage: &mut Stage, terms: &Terms, value: Amount) {
    let id = DealId::of(buyer(), terms.agreement);
    tell(
        stage,
        "Locked",
        &(id, buyer(), terms),
        asked(buyer(), "lock", terms),
        value,
    );
}

fn accept(stage: &mut Stage) {
    tell(stage, "Accepted", &id(), asked(seller(), "accept", &id()), 5);
}

fn reveal(stage: &mut Stage, secret: Secret) {
    let fields = (id(), secret);
    tell(stage, "Revealed", &fields, asked(account(9), "reveal", &fields), 0);
}

fn claim(stage: &mut Stage) {
    let fields = (id(), SECRET);
    tell(stage, "Settled", &fields, asked(account(9), "claim", &fields), 0);
}

fn refund(stage: &mut Stage) {
    tell(stage, "Refunded", &id(), asked(account(9), "refund", &id()), 0);
}

fn dispute(stage: &mut Stage, by: AccountId) {
    let call = asked(by, "dispute", &(id(), [8u8; 32]));
    tell(stage, "Disputed", &(id(), by, [8u8; 32]), call, 0);
}

fn rule(stage: &mut Stage, by: AccountId, to_seller: Amount, to_buyer: Amount) {
    let call = asked(by, "rule", &(id(), to_seller));
    tell(stage, "Ruled", &(id(), to_seller, to_buyer, false), call, 0);
}

fn rule_by_default(stage: &mut Stage, to_seller: Amount, to_buyer: Amount) {
    let call = asked(account(9), "rule_by_default", &id());
    tell(stage, "Ruled", &(id(), to_seller, to_buyer, true), call, 0);
}

fn cancel(stage: &mut Stage, expires_at: Timestamp, seller: Member) {
    let domain = Domain {
        genesis: GENESIS,
        contract: ESCROW,
        epoch: 0,
    };
    let payload = cancellation(&domain, &id(), expires_at);
    let signed = |member| Signature(key(member).sign(&payload).0);
    let arguments = (id(), expires_at, signed(Member(1)), signed(seller));
    tell(stage, "Cancelled", &id(), asked(account(9), "cancel", &arguments), 0);
}

/// Locked and accepted, and so many milliseconds later.
fn accepted_deal(later: u64) -> Stage {
    let mut stage = escrow();
    lock(&mut stage, &terms(), 110);
    accept(&mut stage);
    stage.later(later);
    stage
}

fn sums_of(stage: &mut Stage) -> BTreeMap<Asset, Amount> {
    sums("escrow", ESCROW, stage.block, &mut stage.tables, &mut stage.findings).unwrap()
}

fn holds(stage: &mut Stage, amount: Amount) {
    assert_eq!(sums_of(stage), BTreeMap::from([(Asset::Native, amount)]));
}

fn deal(stage: &mut Stage) -> Deal {
    let deals = KeyComposer::from_str("Escrow::deals");
    stage.tables.of(ESCROW).get(deals, &id()).unwrap().unwrap()
}

fn is_clean(stage: &Stage) {
    assert_eq!(stage.findings.first, vec![]);
}

#[test]
fn a_deal_is_rebuilt_in_every_field_from_lock_to_claim() {
    let mut stage = escrow();
    lock(&mut stage, &terms(), 110);
    holds(&mut stage, 110);
    accept(&mut stage);
    holds(&mut stage, 115);
    stage.later(REVEAL_BY - START - 1);
    reveal(&mut stage, SECRET);
    holds(&mut stage, 105);
    stage.later(LATE - START);
    claim(&mut stage);
    holds(&mut stage, 0);
    is_clean(&stage);
    assert_eq!((stage.findings.digests, stage.findings.unseen), (3, 0));

    let expected = Deal {
        buyer: buyer(),
        terms: terms(),
        state: DealState::Settled,
        secret: Some(SECRET),
        buyer_evidence: None,
        seller_evidence: None,
        award: None,
    };
    assert_eq!(deal(&mut stage), expected);
    let kept = stage.tables.of(ESCROW);
    let by_hashlock = kept.get::<DealId>(KeyComposer::from_str("Escrow::hashlocks"), &SECRET.hashlock());
    assert_eq!(by_hashlock.unwrap(), Some(id()));
    assert_eq!(kept.head::<([u8; 32], u64)>().unwrap(), Some((GENESIS, 1_000)));
    assert_eq!(kept.count().unwrap(), 3, "nothing is kept for nothing");
}

#[test]
fn both_ends_get_back_what_they_paid_in() {
    let mut stage = escrow();
    lock(&mut stage, &terms(), 110);
    stage.later(ACCEPT_BY - START);
    refund(&mut stage);
    holds(&mut stage, 0);
    is_clean(&stage);

    let mut stage = accepted_deal(DISPUTE_BY - START);
    refund(&mut stage);
    holds(&mut stage, 0);
    is_clean(&stage);
    assert_eq!(deal(&mut stage).state, DealState::Refunded);
}

#[test]
fn a_dispute_ends_with_a_ruling_or_the_default() {
    let mut stage = accepted_deal(REVEAL_BY - START);
    dispute(&mut stage, buyer());
    stage.later(RULING_BY - REVEAL_BY - 1);
    dispute(&mut stage, seller());
    rule(&mut stage, arbiter(), 115, 0);
    holds(&mut stage, 0);
    is_clean(&stage);
    let ruled = deal(&mut stage);
    assert_eq!((ruled.state, ruled.award), (DealState::Ruled, Some(115)));
    assert_eq!(
        ruled.buyer_evidence.zip(ruled.seller_evidence),
        Some(([8; 32], [8; 32]))
    );

    let mut stage = accepted_deal(REVEAL_BY - START);
    dispute(&mut stage, seller());
    stage.later(RULING_BY - REVEAL_BY);
    rule_by_default(&mut stage, 60, 55);
    holds(&mut stage, 0);
    is_clean(&stage);
}

#[test]
fn a_cancellation_needs_both_signatures() {
    let mut stage = accepted_deal(0);
    let before = stage.findings.signatures;
    cancel(&mut stage, LATE, Member(2));
    holds(&mut stage, 0);
    is_clean(&stage);
    assert_eq!(stage.findings.signatures, before + 2);

    let mut stage = accepted_deal(0);
    cancel(&mut stage, LATE, Member(1));
    assert_eq!(stage.codes(), ["bad-signature"]);
    assert!(stage.findings.first[0].detail.contains("seller"));
}

#[test]
fn what_could_not_be_paid_waits_until_it_is_withdrawn() {
    let mut stage = accepted_deal(0);
    reveal(&mut stage, SECRET);
    let deferred = (id(), buyer(), Asset::Native, 10u128);
    stage.tell(take, ESCROW, "Deferred", &deferred, None);
    holds(&mut stage, 115);
    let fields = (buyer(), Asset::Native, 10u128);
    let call = asked(account(9), "withdraw", &(buyer(), Asset::Native));
    tell(&mut stage, "Withdrawn", &fields, call, 0);
    holds(&mut stage, 105);
    is_clean(&stage);
    let due = KeyComposer::from_str("Escrow::due");
    let waiting = stage.tables.of(ESCROW).get::<Amount>(due, &(buyer(), Asset::Native));
    assert_eq!(waiting.unwrap(), Some(0), "that it waited is kept");

    // Once more, of another amount, or in another transaction.
    stage.tell(take, ESCROW, "Deferred", &deferred, None);
    assert_eq!(stage.codes(), ["not-due"]);
    let call = asked(account(9), "withdraw", &(seller(), Asset::Native));
    tell(&mut stage, "Withdrawn", &(seller(), Asset::Native, 1u128), call, 0);
    assert_eq!(stage.codes(), ["not-due"; 2]);
}

#[test]
fn a_token_is_paid_with_no_native_tokens() {
    let mut stage = escrow();
    let terms = Terms {
        asset: Asset::Psp22(TOKEN),
        ..terms()
    };
    lock(&mut stage, &terms, 0);
    is_clean(&stage);
    assert_eq!(sums_of(&mut stage), BTreeMap::from([(Asset::Psp22(TOKEN), 110)]));
}

#[test]
fn what_other_contracts_asked_for_is_counted_as_unseen() {
    let mut stage = escrow();
    stage.tell(take, ESCROW, "Locked", &(id(), buyer(), terms()), None);
    stage.tell(take, ESCROW, "Accepted", &id(), None);
    stage.tell(take, ESCROW, "Cancelled", &id(), None);
    holds(&mut stage, 0);
    is_clean(&stage);
    assert_eq!(stage.findings.unseen, 3);
}

#[test]
fn what_stands_behind_a_calls_arguments_counts_for_nothing() {
    let mut stage = accepted_deal(0);
    let mut call = asked(account(9), "reveal", &(id(), SECRET));
    call.arguments.push(1);
    tell(&mut stage, "Revealed", &(id(), SECRET), call, 0);
    is_clean(&stage);
}

#[test]
fn a_contract_whose_making_cant_be_seen_is_told_once() {
    let mut stage = Stage::new();
    stage.tell(take, ESCROW, MADE, &(), None);
    lock(&mut stage, &terms(), 110);
    accept(&mut stage);
    assert_eq!(stage.codes(), ["never-made"]);
    assert_eq!(stage.tables.of(ESCROW).count().unwrap(), 0);
}

#[test]
fn a_contract_of_another_chain_is_found() {
    let mut stage = Stage::new();
    let made = call(ESCROW, account(0), "new", &([9u8; 32], 1_000u64));
    stage.tell(take, ESCROW, MADE, &(), Some(&made));
    assert_eq!(stage.codes(), ["other-chain"]);
}
