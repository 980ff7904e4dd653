//! What becomes of a reservation: it is committed, released, or expires.
use protocol::credit::{DebtState, Error};
use protocol::{credit::CreditRequest, RequestId};
use quittance_tests::credit::{
    with_signatures, Side, TwoChains, AMOUNT, BLOCK, DUE_AT, EXPIRES_AT, NODE, PAYER, PAY_BY, STRANGER,
};

use super::{done, is, refused, used};

/// A native payment that is on its way.
fn reserved(chains: &mut TwoChains, number: u8) -> RequestId {
    let request = chains.request(0, number);
    chains.debt.reserve(&request).unwrap()
}

#[track_caller]
fn uses(side: &mut Side, reserved: u128, outstanding: u128) {
    let used = used(side, protocol::settlement::Asset::Native);
    assert_eq!((used.reserved, used.outstanding), (reserved, outstanding));
}

#[test]
fn a_committed_payment_is_owed_until_it_is_due() {
    let mut chains = TwoChains::default();
    let id = reserved(&mut chains, 1);
    done(&mut chains.debt, NODE, "commit", (id, BLOCK));
    let debt = chains.debt.debt(id);
    assert_eq!((debt.state, debt.payout), (DebtState::Owed, Some(BLOCK)));
    assert_eq!(
        (debt.principal_owed(), debt.fee_owed(), debt.due_at),
        (AMOUNT, 0, DUE_AT)
    );
    uses(&mut chains.debt, 0, AMOUNT);
}

#[test]
fn as_long_as_nobody_expired_it_a_reservation_can_be_committed() {
    let mut chains = TwoChains::default();
    let (committed, expired) = (reserved(&mut chains, 1), reserved(&mut chains, 2));
    chains.debt.chain.set_time(EXPIRES_AT);
    done(&mut chains.debt, STRANGER, "expire", expired);
    done(&mut chains.debt, NODE, "commit", (committed, BLOCK));
    is(&mut chains.debt, committed, DebtState::Owed);
    let gone = Error::WrongState(DebtState::Expired);
    refused(&mut chains.debt, NODE, "commit", (expired, BLOCK), 0, gone);
    uses(&mut chains.debt, 0, AMOUNT);
}

#[test]
fn a_late_commit_does_not_cut_the_payers_term_short() {
    let mut chains = TwoChains::default();
    let id = reserved(&mut chains, 1);
    let late_by = 2 * (DUE_AT - EXPIRES_AT);
    chains.debt.chain.set_time(EXPIRES_AT + late_by);
    done(&mut chains.debt, NODE, "commit", (id, BLOCK));
    let due_at = DUE_AT + late_by;
    assert_eq!(chains.debt.debt(id).due_at, due_at);
    let early = Error::TooEarly { not_before: due_at };
    refused(&mut chains.debt, STRANGER, "mark_overdue", id, 0, early);
    chains.debt.chain.set_time(due_at);
    done(&mut chains.debt, STRANGER, "mark_overdue", id);
}

#[test]
fn a_commit_before_the_reservations_end_leaves_the_due_date_as_signed() {
    let mut chains = TwoChains::default();
    let [early, extended] = [1, 2].map(|number| reserved(&mut chains, number));
    done(&mut chains.debt, NODE, "extend", (extended, DUE_AT));
    chains.debt.chain.set_time(EXPIRES_AT);
    for id in [early, extended] {
        done(&mut chains.debt, NODE, "commit", (id, BLOCK));
        assert_eq!(chains.debt.debt(id).due_at, DUE_AT);
    }
}

#[test]
fn a_reservation_expires_at_its_end_and_not_a_millisecond_before() {
    let mut chains = TwoChains::default();
    let id = reserved(&mut chains, 1);
    chains.debt.chain.set_time(EXPIRES_AT - 1);
    let early = Error::TooEarly { not_before: EXPIRES_AT };
    for anyone in [NODE, PAYER, STRANGER] {
        refused(&mut chains.debt, anyone, "expire", id, 0, early);
    }
    chains.debt.chain.set_time(EXPIRES_AT);
    done(&mut chains.debt, PAYER, "expire", id);
    is(&mut chains.debt, id, DebtState::Expired);
    uses(&mut chains.debt, 0, 0);
}

#[test]
fn an_extended_reservation_expires_at_its_new_end() {
    let mut chains = TwoChains::default();
    let id = reserved(&mut chains, 1);
    done(&mut chains.debt, NODE, "extend", (id, EXPIRES_AT + 5));
    chains.debt.chain.set_time(EXPIRES_AT + 4);
    let early = Error::TooEarly {
        not_before: EXPIRES_AT + 5,
    };
    refused(&mut chains.debt, STRANGER, "expire", id, 0, early);
    // Its time may be over: as long as nobody expired it.
    chains.debt.chain.set_time(EXPIRES_AT + 6);
    done(&mut chains.debt, NODE, "extend", (id, EXPIRES_AT + 7));
    refused(
        &mut chains.debt,
        STRANGER,
        "expire",
        id,
        0,
        Error::TooEarly {
            not_before: EXPIRES_AT + 7,
        },
    );
    chains.debt.chain.set_time(EXPIRES_AT + 7);
    done(&mut chains.debt, STRANGER, "expire", id);
}

#[test]
fn a_reservation_is_extended_to_a_later_time_no_later_than_the_debt_would_be_due() {
    let mut chains = TwoChains::default();
    let id = reserved(&mut chains, 1);
    for until in [EXPIRES_AT, EXPIRES_AT - 1, 0] {
        let not_later = Error::NotLater { until: EXPIRES_AT };
        refused(&mut chains.debt, NODE, "extend", (id, until), 0, not_later);
    }
    for until in [DUE_AT + 1, u64::MAX] {
        let beyond = Error::BeyondDue { due_at: DUE_AT };
        refused(&mut chains.debt, NODE, "extend", (id, until), 0, beyond);
    }
    done(&mut chains.debt, NODE, "extend", (id, DUE_AT));
    assert_eq!(chains.debt.debt(id).until, DUE_AT);
    let not_later = Error::NotLater { until: DUE_AT };
    refused(&mut chains.debt, NODE, "extend", (id, DUE_AT), 0, not_later);
}

#[test]
fn a_released_reservation_no_longer_counts() {
    let mut chains = TwoChains::default();
    let id = reserved(&mut chains, 1);
    done(&mut chains.debt, NODE, "release", id);
    is(&mut chains.debt, id, DebtState::Released);
    uses(&mut chains.debt, 0, 0);
}

#[test]
fn a_reservation_is_resolved_once() {
    let mut chains = TwoChains::default();
    let [released, expired, owed, settled] = [1, 2, 3, 4].map(|number| reserved(&mut chains, number));
    done(&mut chains.debt, NODE, "release", released);
    for id in [owed, settled] {
        done(&mut chains.debt, NODE, "commit", (id, BLOCK));
    }
    chains.debt.repay(PAYER, settled, AMOUNT).unwrap();
    chains.debt.chain.set_time(EXPIRES_AT);
    done(&mut chains.debt, STRANGER, "expire", expired);
    for (id, state) in [
        (released, DebtState::Released),
        (expired, DebtState::Expired),
        (owed, DebtState::Owed),
        (settled, DebtState::Settled),
    ] {
        let wrong = Error::WrongState(state);
        refused(&mut chains.debt, NODE, "extend", (id, DUE_AT), 0, wrong);
        refused(&mut chains.debt, NODE, "release", id, 0, wrong);
        refused(&mut chains.debt, STRANGER, "expire", id, 0, wrong);
        refused(&mut chains.debt, NODE, "commit", (id, BLOCK), 0, wrong);
    }
    uses(&mut chains.debt, 0, AMOUNT);
}

#[test]
fn what_was_never_reserved_is_unknown() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    // Paid, but never reserved: the credit node's loss, nobody's debt.
    chains.payout.pay(&request).unwrap();
    let (id, unknown) = (request.id(), Error::UnknownDebt);
    refused(&mut chains.debt, NODE, "extend", (id, DUE_AT), 0, unknown);
    refused(&mut chains.debt, NODE, "release", id, 0, unknown);
    refused(&mut chains.debt, STRANGER, "expire", id, 0, unknown);
    refused(&mut chains.debt, NODE, "commit", (id, BLOCK), 0, unknown);
    refused(&mut chains.debt, PAYER, "repay", (id, 1u128), 1, unknown);
    refused(&mut chains.debt, STRANGER, "mark_overdue", id, 0, unknown);
    let receipt = chains.debt.receipt(quittance_tests::credit::PAYEE, id);
    refused(&mut chains.debt, STRANGER, "confirm_receipt", (id, receipt), 0, unknown);
}

#[test]
fn nothing_is_paid_once_its_reservation_has_expired() {
    let mut chains = TwoChains::default();
    let request = chains.request(0, 1);
    let id = chains.debt.reserve(&request).unwrap();
    chains.debt.chain.set_time(EXPIRES_AT);
    done(&mut chains.debt, STRANGER, "expire", id);
    // Though the payee's chain is behind by all but a millisecond of the time between the two.
    let behind = EXPIRES_AT - PAY_BY;
    chains.payout.chain.set_time(EXPIRES_AT - behind);
    let passed = Error::DeadlinePassed { deadline: PAY_BY };
    refused(&mut chains.payout, NODE, "pay", request, 0, passed);
}

#[test]
fn a_request_without_time_between_paying_and_expiring_is_not_taken() {
    let mut chains = TwoChains::default();
    let request = CreditRequest {
        pay_by: EXPIRES_AT - 1,
        ..chains.request(0, 1)
    };
    let too_close = Error::DeadlinesTooClose {
        grace: quittance_tests::credit::GRACE,
    };
    refused(
        &mut chains.debt,
        NODE,
        "reserve",
        with_signatures(&request),
        0,
        too_close,
    );
    refused(&mut chains.payout, NODE, "pay", request, 0, too_close);
}
