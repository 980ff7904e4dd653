//! Each thing that a payment can call for, at the edge of its deadline.
#![allow(clippy::unwrap_used)]
use protocol::{credit::CreditRequest, settlement::Asset, AccountId, Member, RequestId, Signature};

use super::*;
use crate::{credit::tests, identity::Person};

const GRACE: Timestamp = 1_000;
const PAY_BY: Timestamp = 100_000;
const EXPIRES: Timestamp = 110_000;
const DUE: Timestamp = 900_000;

fn request() -> CreditRequest {
    let leg = |number: u8| protocol::credit::Leg {
        genesis: [number; 32],
        contract: AccountId([9; 32]),
        asset: Asset::Native,
    };
    CreditRequest {
        nonce: [1; 16],
        payer: AccountId([3; 32]),
        payee: AccountId([4; 32]),
        debt: leg(1),
        payout: leg(2),
        amount: 100,
        goods: "a lathe".into(),
        pay_by: PAY_BY,
        expires_at: EXPIRES,
        due_at: DUE,
        late_fee: 0,
    }
}

fn payment(stage: Stage) -> PaymentRow {
    PaymentRow {
        id: RequestId([7; 32]),
        payee_institution: Member(1),
        stage,
        request: request(),
        payer_signature: Signature([1; 64]),
        payer_certificate: String::new(),
        payer_person: person(),
        payee_signature: Some(Signature([2; 64])),
        payee_person: Some(person()),
        refusal: None,
        created_at: 0,
    }
}

fn person() -> Person {
    Person {
        account: AccountId([3; 32]),
        fingerprint: [0; 32],
        subject: String::new(),
        common_name: None,
        organization: None,
        country: None,
        issuer: String::new(),
        serial: String::new(),
        expires_at: 0,
    }
}

fn debt(state: DebtState) -> Debt {
    Debt {
        state,
        until: EXPIRES,
        expires_at: EXPIRES,
        due_at: DUE,
        ..tests::owed()
    }
}

/// What a payment at a stage calls for, with a chain that made a block just now.
fn at(stage: Stage, debt: Option<Debt>, payout: Seen, now: Timestamp) -> Step {
    seen(stage, debt, now, payout, None, now)
}

fn seen(
    stage: Stage,
    debt: Option<Debt>,
    debt_time: Timestamp,
    payout: Seen,
    room: Option<u128>,
    now: Timestamp,
) -> Step {
    next(&Look {
        payment: &payment(stage),
        debt: debt.as_ref(),
        debt_time,
        payout,
        room,
        now,
        grace: GRACE,
    })
}

const EARLY: Timestamp = 50_000;
const NOT_YET: Seen = Seen::NotUntil(EARLY);

#[test]
fn the_payee_is_asked_then_the_amount_reserved_then_the_payee_paid_then_the_debt_booked_then_the_receipt_asked_for() {
    let reserved = Some(debt(DebtState::Reserved));
    assert_eq!(at(Stage::Asked, None, NOT_YET, EARLY), Step::Ask);
    assert_eq!(at(Stage::Accepted, None, NOT_YET, EARLY), Step::Reserve);
    assert!(matches!(
        at(Stage::Accepted, reserved, NOT_YET, EARLY),
        Step::Enter(Stage::Reserved, _)
    ));
    assert_eq!(at(Stage::Reserved, reserved, NOT_YET, EARLY), Step::Pay);
    assert!(matches!(
        at(Stage::Reserved, reserved, Seen::Paid, EARLY),
        Step::Enter(Stage::Paid, _)
    ));
    assert_eq!(at(Stage::Paid, reserved, Seen::Paid, EARLY), Step::Commit);
    let owed = Some(debt(DebtState::Owed));
    assert!(matches!(
        at(Stage::Paid, owed, Seen::Paid, EARLY),
        Step::Enter(Stage::Owed, _)
    ));
    assert_eq!(at(Stage::Owed, owed, Seen::Paid, EARLY), Step::AskReceipt);
    let received = owed.map(|debt| Debt {
        is_received: true,
        ..debt
    });
    assert!(matches!(
        at(Stage::Owed, received, Seen::Paid, EARLY),
        Step::Enter(Stage::Confirmed, _)
    ));
    let repaid = Some(debt(DebtState::Settled));
    assert_eq!(
        at(Stage::Owed, repaid, Seen::Paid, EARLY),
        Step::AskReceipt,
        "repaid early"
    );
}

#[test]
fn nothing_is_reserved_or_asked_at_the_end_of_paying_or_after_it() {
    for stage in [Stage::Asked, Stage::Accepted, Stage::Short] {
        let step = seen(stage, None, PAY_BY, NOT_YET, Some(1_000), PAY_BY);
        assert!(matches!(step, Step::Enter(Stage::Lapsed, _)), "{stage}: {step:?}");
    }
    // By the clock alone, only where nothing can be on its way.
    let step = seen(Stage::Asked, None, EARLY, NOT_YET, None, PAY_BY);
    assert!(matches!(step, Step::Enter(Stage::Lapsed, _)));
    for stage in [Stage::Accepted, Stage::Short] {
        let step = seen(stage, None, PAY_BY - 1, NOT_YET, Some(1_000), PAY_BY);
        assert_eq!(step, Step::PassTime(Side::Debt, PAY_BY), "{stage}");
    }
    assert_eq!(at(Stage::Asked, None, NOT_YET, PAY_BY - 1), Step::Ask);
}

#[test]
fn what_was_reserved_before_does_not_lapse_because_a_chain_shows_nothing_of_it() {
    for stage in [Stage::Reserved, Stage::Paid, Stage::Owed] {
        assert_eq!(at(stage, None, Seen::NotUntil(PAY_BY), PAY_BY), Step::Wait, "{stage}");
    }
}

#[test]
fn who_waits_for_a_higher_limit_goes_on_when_it_suffices() {
    let short = |room| seen(Stage::Short, None, EARLY, NOT_YET, room, EARLY);
    assert_eq!(short(None), Step::Wait);
    assert_eq!(short(Some(99)), Step::Wait);
    assert_eq!(short(Some(100)), Step::Reserve);
}

#[test]
fn the_payee_is_paid_only_while_the_reservation_has_its_grace_left() {
    let ends = |until| {
        Some(Debt {
            until,
            ..debt(DebtState::Reserved)
        })
    };
    let step = |until| at(Stage::Reserved, ends(until), NOT_YET, EARLY);
    assert_eq!(step(EARLY + 2 * GRACE), Step::Pay);
    assert_eq!(step(EARLY + 2 * GRACE - 1), Step::Extend(EARLY + 4 * GRACE));
    // It can't end later than the day the debt is due.
    let last = |until, now| {
        let debt = Debt {
            due_at: until,
            ..ends(until).unwrap()
        };
        at(Stage::Reserved, Some(debt), NOT_YET, now)
    };
    assert_eq!(last(EARLY + GRACE, EARLY), Step::Pay);
    assert_eq!(last(EARLY + GRACE - 1, EARLY), Step::Wait);
}

#[test]
fn a_payers_chain_that_was_silent_makes_a_block_before_the_payee_is_paid() {
    let reserved = Some(debt(DebtState::Reserved));
    let silent_since = |time| seen(Stage::Reserved, reserved, time, NOT_YET, None, EARLY);
    assert_eq!(silent_since(EARLY - GRACE), Step::Pay);
    assert_eq!(
        silent_since(EARLY - GRACE - 1),
        Step::PassTime(Side::Debt, EARLY - GRACE)
    );
}

#[test]
fn a_reservation_is_released_only_when_no_block_can_pay_any_more() {
    let reserved = Some(debt(DebtState::Reserved));
    assert_eq!(
        at(Stage::Reserved, reserved, Seen::NotUntil(PAY_BY), PAY_BY),
        Step::Release
    );
    let later = PAY_BY + GRACE;
    assert_eq!(
        at(Stage::Reserved, reserved, Seen::NotUntil(PAY_BY - 1), later),
        Step::PassTime(Side::Payout, PAY_BY)
    );
}

#[test]
fn while_a_payout_may_be_final_later_the_reservation_is_kept_alive() {
    let reserved = Some(debt(DebtState::Reserved));
    let ending = EXPIRES - 2 * GRACE + 1;
    for payout in [Seen::Unknown, Seen::NotUntil(PAY_BY - 1)] {
        let step = at(Stage::Reserved, reserved, payout, ending);
        assert_eq!(step, Step::Extend(ending + 4 * GRACE), "{payout:?}");
    }
    assert_eq!(at(Stage::Reserved, reserved, Seen::Unknown, EARLY), Step::Wait);
    // What is paid is committed, not extended.
    assert_eq!(at(Stage::Paid, reserved, Seen::Paid, ending), Step::Commit);
}

#[test]
fn a_reservation_that_ended_is_a_loss_only_if_the_payee_was_paid() {
    for state in [DebtState::Expired, DebtState::Released] {
        let over = Some(debt(state));
        assert!(matches!(
            at(Stage::Reserved, over, Seen::Paid, PAY_BY),
            Step::Enter(Stage::Lost, _)
        ));
        let step = at(Stage::Reserved, over, Seen::NotUntil(PAY_BY), PAY_BY);
        assert!(matches!(step, Step::Enter(Stage::Lapsed, _)));
        assert_eq!(at(Stage::Reserved, over, Seen::Unknown, PAY_BY), Step::Wait);
        assert_eq!(at(Stage::Reserved, over, NOT_YET, EARLY), Step::Wait);
        assert_eq!(
            at(Stage::Reserved, over, NOT_YET, PAY_BY),
            Step::PassTime(Side::Payout, PAY_BY)
        );
    }
}
