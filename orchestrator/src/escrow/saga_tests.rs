#![allow(clippy::unwrap_used)]
use protocol::{
    escrow::{Agreement, Deadlines, Party, Secret},
    settlement::Asset,
    AccountId, Hashlock, Member, OfferId, Signature,
};

use super::*;

const GAP: Timestamp = 10;
const SECRET: Secret = Secret([7; 32]);
const DEADLINES: Deadlines = Deadlines {
    accept_by: 100,
    reveal_by: 200,
    dispute_by: 300,
    ruling_by: 400,
};

fn party(number: u8) -> Party {
    Party {
        member: Member(u16::from(number)),
        account: AccountId([number; 32]),
        key: [number; 32],
    }
}

fn agreement() -> Agreement {
    Agreement {
        nonce: [1; 16],
        offer: OfferId([2; 32]),
        buyer: party(1),
        seller: party(2),
        arbiter: party(3),
        goods: "kWh".into(),
        quantity: 1,
        asset: Asset::Native,
        price: 100,
        bond: 10,
        seller_bond: 5,
        default_award: 50,
        delivery: String::new(),
        deadlines: DEADLINES,
    }
}

fn trade(role: Role, stage: Stage) -> TradeRow {
    let agreement = agreement();
    TradeRow {
        id: agreement.id(),
        deal: agreement.deal(),
        role,
        stage,
        agreement,
        buyer_signed: None,
        seller_signed: None,
        confirmed_at: None,
        evidence: None,
        other_evidence: None,
        wants_dispute: false,
        own_cancellation: None,
        other_cancellation: None,
        award: None,
        created_at: 0,
    }
}

fn deal(state: DealState) -> Deal {
    let is_revealed = matches!(state, DealState::Revealed | DealState::Settled);
    Deal {
        buyer: party(1).account,
        terms: agreement().terms(SECRET.hashlock()),
        state,
        secret: is_revealed.then_some(SECRET),
        buyer_evidence: None,
        seller_evidence: None,
        award: None,
    }
}

/// What is done when chain and clock agree on the time.
fn at(now: Timestamp, trade: &TradeRow, deal: Option<&Deal>) -> Step {
    next(&Look {
        trade,
        deal,
        time: now,
        now,
        gap: GAP,
    })
}

#[test]
fn the_buyer_locks_while_the_contract_leaves_the_seller_time() {
    let agreed = trade(Role::Buyer, Stage::Agreed);
    assert_eq!(at(90, &agreed, None), Step::Lock);
    assert_eq!(at(91, &agreed, None), Step::Wait);
    assert!(matches!(at(100, &agreed, None), Step::Enter(Stage::Lapsed, _)));
}

#[test]
fn a_buyer_that_may_have_locked_gives_up_by_the_chains_time_only() {
    let agreed = trade(Role::Buyer, Stage::Agreed);
    let look = Look {
        trade: &agreed,
        deal: None,
        time: 50,
        now: 1_000,
        gap: GAP,
    };
    assert_eq!(next(&look), Step::PassTime(100));
    let seller = trade(Role::Seller, Stage::Agreed);
    assert!(matches!(
        next(&Look { trade: &seller, ..look }),
        Step::Enter(Stage::Lapsed, _)
    ));
}

#[test]
fn the_seller_accepts_what_was_agreed_and_nothing_else() {
    let agreed = trade(Role::Seller, Stage::Agreed);
    let locked = deal(DealState::Locked);
    assert!(matches!(at(50, &agreed, Some(&locked)), Step::Enter(Stage::Locked, _)));
    let seen = trade(Role::Seller, Stage::Locked);
    let accept = Step::Do(Act::Accept {
        asset: Asset::Native,
        bond: 5,
    });
    assert_eq!(at(99, &seen, Some(&locked)), accept);
    assert_eq!(at(100, &seen, Some(&locked)), Step::Wait);

    let mut cheaper = locked.clone();
    cheaper.terms.price = 99;
    assert!(matches!(at(50, &agreed, Some(&cheaper)), Step::Enter(Stage::Lapsed, _)));
    let mut later = locked;
    later.terms.deadlines.ruling_by = 401;
    assert!(matches!(at(50, &agreed, Some(&later)), Step::Enter(Stage::Lapsed, _)));
}

#[test]
fn a_seller_without_the_buyers_signature_accepts_nothing() {
    let proposed = trade(Role::Seller, Stage::Proposed);
    let locked = deal(DealState::Locked);
    assert_eq!(at(50, &proposed, Some(&locked)), Step::Wait);
    assert!(matches!(
        at(100, &proposed, Some(&locked)),
        Step::Enter(Stage::Lapsed, _)
    ));
}

#[test]
fn the_buyer_reveals_once_it_has_the_goods_and_before_the_deadline() {
    let mut accepted = trade(Role::Buyer, Stage::Accepted);
    let bound = deal(DealState::Accepted);
    assert_eq!(at(150, &accepted, Some(&bound)), Step::Wait);
    accepted.confirmed_at = Some(150);
    assert_eq!(at(199, &accepted, Some(&bound)), Step::Reveal);
    assert_eq!(
        at(200, &accepted, Some(&bound)),
        Step::Wait,
        "too late: the secret stays in"
    );
    assert_eq!(at(300, &accepted, Some(&bound)), Step::Do(Act::Refund));
}

#[test]
fn a_buyer_that_asked_to_call_off_does_not_reveal() {
    let mut accepted = trade(Role::Buyer, Stage::Accepted);
    accepted.confirmed_at = Some(150);
    accepted.own_cancellation = Some(cancellation(180));
    assert_eq!(at(179, &accepted, Some(&deal(DealState::Accepted))), Step::Wait);
    assert_eq!(at(180, &accepted, Some(&deal(DealState::Accepted))), Step::Reveal);
}

fn cancellation(expires_at: Timestamp) -> Cancellation {
    Cancellation {
        expires_at,
        signature: Signature([0; 64]),
    }
}

#[test]
fn a_deal_is_called_off_by_both_over_one_expiry() {
    let mut accepted = trade(Role::Seller, Stage::Accepted);
    let bound = deal(DealState::Accepted);
    accepted.own_cancellation = Some(cancellation(180));
    accepted.other_cancellation = Some(cancellation(181));
    assert_eq!(at(150, &accepted, Some(&bound)), Step::Wait);
    accepted.other_cancellation = Some(cancellation(180));
    assert!(matches!(
        at(150, &accepted, Some(&bound)),
        Step::Do(Act::Cancel { expires_at: 180, .. })
    ));
    assert_eq!(at(180, &accepted, Some(&bound)), Step::Wait, "expired");
}

#[test]
fn a_seller_that_delivered_calls_the_arbiter_by_itself() {
    let mut accepted = trade(Role::Seller, Stage::Accepted);
    let bound = deal(DealState::Accepted);
    assert_eq!(at(250, &accepted, Some(&bound)), Step::Wait, "nothing was delivered");
    accepted.confirmed_at = Some(150);
    accepted.evidence = Some("signed".into());
    assert_eq!(at(199, &accepted, Some(&bound)), Step::Wait);
    assert_eq!(at(200, &accepted, Some(&bound)), Step::File(evidence_digest("signed")));
    assert_eq!(at(299, &accepted, Some(&bound)), Step::File(evidence_digest("signed")));
    assert_eq!(at(300, &accepted, Some(&bound)), Step::Wait);
    assert_eq!(at(305, &accepted, Some(&bound)), Step::Do(Act::Refund));
}

#[test]
fn the_seller_claims_a_revealed_price_at_any_time() {
    let revealed = trade(Role::Seller, Stage::Revealed);
    assert_eq!(
        at(1_000_000, &revealed, Some(&deal(DealState::Revealed))),
        Step::Do(Act::Claim(SECRET))
    );
}

#[test]
fn the_arbiter_rules_before_the_deadline_and_the_default_after_it() {
    let disputed = deal(DealState::Disputed);
    let mut arbiter = trade(Role::Arbiter, Stage::Disputed);
    assert_eq!(at(350, &arbiter, Some(&disputed)), Step::Wait);
    arbiter.award = Some(60);
    assert_eq!(at(399, &arbiter, Some(&disputed)), Step::Do(Act::Rule(60)));
    assert_eq!(at(400, &arbiter, Some(&disputed)), Step::Wait);
    let buyer = trade(Role::Buyer, Stage::Disputed);
    assert_eq!(at(399, &buyer, Some(&disputed)), Step::Wait);
    assert_eq!(at(400, &buyer, Some(&disputed)), Step::Do(Act::RuleByDefault));
}

#[test]
fn what_waits_for_a_deadline_has_the_chains_time_pass() {
    let locked = trade(Role::Buyer, Stage::Locked);
    let look = Look {
        trade: &locked,
        deal: Some(&deal(DealState::Locked)),
        time: 99,
        now: 101,
        gap: GAP,
    };
    assert_eq!(next(&look), Step::PassTime(100));
    assert_eq!(next(&Look { time: 100, ..look }), Step::Do(Act::Refund));
}

#[test]
fn a_final_deal_is_only_noted() {
    for state in [
        DealState::Settled,
        DealState::Refunded,
        DealState::Cancelled,
        DealState::Ruled,
    ] {
        for role in [Role::Buyer, Role::Seller] {
            let open = trade(role, Stage::Accepted);
            let step = at(150, &open, Some(&deal(state)));
            assert!(matches!(step, Step::Enter(stage, _) if stage.is_final()));
        }
    }
}

#[test]
fn another_hashlock_is_no_other_agreement() {
    let mut locked = deal(DealState::Locked);
    locked.terms.hashlock = Hashlock([9; 32]);
    let agreed = trade(Role::Seller, Stage::Agreed);
    assert!(matches!(at(50, &agreed, Some(&locked)), Step::Enter(Stage::Locked, _)));
}
