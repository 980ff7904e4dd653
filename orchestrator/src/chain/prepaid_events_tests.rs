//! What the contract's events hold, field by field.
#![allow(clippy::unwrap_used)]
use protocol::{
    prepaid::{
        CardLimits, CardNumber, CardPayment, Cycle, DeclineCode, MerchantNumber, PaymentLine, Programme, Rules,
        Statement, Verdict,
    },
    AccountId, Member,
};
use scale::Encode;

use super::*;

const CARD: CardNumber = CardNumber(7);
const MERCHANT: MerchantNumber = MerchantNumber(3);
const KEY: AccountId = AccountId([4; 32]);
const HOLDER: AccountId = AccountId([5; 32]);
const REFERENCE: [u8; 32] = [6; 32];
const LIMITS: CardLimits = CardLimits {
    balance: 1,
    per_payment: 2,
    per_day: 3,
};
const RULES: Rules = Rules {
    flat: 1,
    parts_per_million: 2,
    least_payout: 3,
    reserve_parts_per_million: 4,
};

fn ensure_read(kind: Kind, data: &[u8], expected: &Event) {
    assert_eq!(event(kind, data).unwrap(), *expected);
    assert!(event(kind, &data[1..]).is_err(), "{kind:?} without its first byte");
}

#[test]
fn events_of_programme_and_merchants_are_read_as_the_contract_lays_them_out() {
    let programme = Programme {
        limits: LIMITS,
        allows_partial: true,
        cycle: 4,
        dispute_period: 5,
        ruling_period: 6,
    };
    let statement = Statement {
        merchant: MERCHANT,
        account: HOLDER,
        cycle: Cycle {
            number: 8,
            gross: 9,
            ..Cycle::default()
        },
        closed_at: 10,
        rules: RULES,
        fee_before: 11,
        fee: 12,
        fee_due: 13,
        net: 14,
        held: 15,
        reserve: 16,
        paid: 17,
        closing: 18,
    };
    for (kind, data, expected) in [
        (Kind::ProgrammeSet, programme.encode(), Event::ProgrammeSet(programme)),
        (
            Kind::MerchantRegistered,
            (MERCHANT, Member(2), HOLDER, RULES).encode(),
            Event::MerchantRegistered {
                merchant: MERCHANT,
                acquirer: Member(2),
                account: HOLDER,
                rules: RULES,
            },
        ),
        (
            Kind::MerchantSwitched,
            (MERCHANT, true).encode(),
            Event::MerchantSwitched {
                merchant: MERCHANT,
                is_active: true,
            },
        ),
        (
            Kind::RulesSet,
            (MERCHANT, RULES).encode(),
            Event::RulesSet {
                merchant: MERCHANT,
                rules: RULES,
            },
        ),
        (
            Kind::TerminalAdded,
            (MERCHANT, KEY).encode(),
            Event::TerminalAdded {
                merchant: MERCHANT,
                terminal: KEY,
            },
        ),
        (
            Kind::TerminalRevoked,
            (MERCHANT, KEY).encode(),
            Event::TerminalRevoked {
                merchant: MERCHANT,
                terminal: KEY,
            },
        ),
        (
            Kind::MerchantFunded,
            (MERCHANT, 9_u128, REFERENCE, HOLDER).encode(),
            Event::MerchantFunded {
                merchant: MERCHANT,
                amount: 9,
                reference: REFERENCE,
                by: HOLDER,
            },
        ),
        (
            Kind::CycleClosed,
            (MERCHANT, statement).encode(),
            Event::CycleClosed {
                merchant: MERCHANT,
                statement: Box::new(statement),
            },
        ),
    ] {
        ensure_read(kind, &data, &expected);
    }
}

#[test]
fn events_of_cards_are_read_as_the_contract_lays_them_out() {
    for (kind, data, expected) in [
        (
            Kind::CardIssued,
            (CARD, KEY, HOLDER, LIMITS, 9_u64).encode(),
            Event::CardIssued {
                card: CARD,
                key: KEY,
                holder: HOLDER,
                limits: LIMITS,
                expires_at: 9,
            },
        ),
        (
            Kind::LimitsSet,
            (CARD, LIMITS).encode(),
            Event::LimitsSet {
                card: CARD,
                limits: LIMITS,
            },
        ),
        (Kind::Frozen, CARD.encode(), Event::Frozen(CARD)),
        (Kind::Unfrozen, CARD.encode(), Event::Unfrozen(CARD)),
        (
            Kind::CardReplaced,
            (CARD, KEY).encode(),
            Event::CardReplaced { card: CARD, key: KEY },
        ),
        (
            Kind::CardClosed,
            (CARD, HOLDER, 9_u128).encode(),
            Event::CardClosed {
                card: CARD,
                holder: HOLDER,
                amount: 9,
            },
        ),
        (
            Kind::ToppedUp,
            (CARD, 9_u128, REFERENCE, HOLDER).encode(),
            Event::ToppedUp {
                card: CARD,
                amount: 9,
                reference: REFERENCE,
                by: HOLDER,
            },
        ),
    ] {
        ensure_read(kind, &data, &expected);
    }
}

#[test]
fn events_of_payments_are_read_as_the_contract_lays_them_out() {
    let payment = CardPayment {
        card: CARD,
        counter: 1,
        merchant: MERCHANT,
        terminal: KEY,
        amount: 9,
        least: 8,
        expires_at: 10,
    };
    let line = |verdict| PaymentLine { payment, verdict };
    let approved = Verdict::Approved {
        taken: 8,
        balance: 0,
        cycle: 2,
    };
    let lines = vec![line(approved), line(Verdict::Declined(DeclineCode::CardFrozen))];
    let key = (CARD, 1);
    for (kind, data, expected) in [
        (
            Kind::PaymentsDecided,
            lines.encode(),
            Event::PaymentsDecided(lines.clone()),
        ),
        (
            Kind::Voided,
            (CARD, 1_u64, 9_u128).encode(),
            Event::Voided { key, amount: 9 },
        ),
        (
            Kind::Refunded,
            (CARD, 1_u64, 9_u128).encode(),
            Event::Refunded { key, amount: 9 },
        ),
        (
            Kind::DisputeOpened,
            (CARD, 1_u64, 9_u128, REFERENCE, 11_u64).encode(),
            Event::DisputeOpened {
                key,
                amount: 9,
                evidence: REFERENCE,
                rule_by: 11,
            },
        ),
        (
            Kind::DisputeAnswered,
            (CARD, 1_u64, REFERENCE, 11_u64).encode(),
            Event::DisputeAnswered {
                key,
                answer: REFERENCE,
                rule_by: 11,
            },
        ),
        (
            Kind::DisputeDecided,
            (CARD, 1_u64, 9_u128, true).encode(),
            Event::DisputeDecided {
                key,
                awarded: 9,
                is_default: true,
            },
        ),
    ] {
        ensure_read(kind, &data, &expected);
    }
}
