//! The same for prepaid cards.
use protocol::{prepaid as paper, AccountId, Member as Index, Signature as Bytes64};

use super::agree;
use crate::{http::schema::prepaid::*, prepaid::messages};

const NUMBER: paper::CardNumber = paper::CardNumber(4711);

fn limits() -> paper::CardLimits {
    paper::CardLimits {
        balance: u128::MAX,
        per_payment: 1,
        per_day: 2,
    }
}

fn rules() -> paper::Rules {
    paper::Rules {
        flat: 1,
        parts_per_million: 2,
        least_payout: 3,
        reserve_parts_per_million: 4,
    }
}

#[test]
fn programmes_and_cards_are_as_described() {
    agree::<_, CardProgramme>(&paper::Programme {
        limits: limits(),
        allows_partial: true,
        cycle: 1,
        dispute_period: 2,
        ruling_period: u64::MAX,
    });
    agree::<_, CardFloat>(&paper::Float { cards: 1, merchants: 2 });
    for state in [
        paper::CardState::Active,
        paper::CardState::Frozen,
        paper::CardState::Closed,
    ] {
        agree::<_, Card>(&paper::Card {
            key: AccountId([1; 32]),
            holder: AccountId([2; 32]),
            limits: limits(),
            expires_at: 3,
            state,
            balance: 4,
            day: 5,
            paid_that_day: 6,
            counter: u64::MAX,
        });
    }
}

#[test]
fn merchants_terminals_and_statements_are_as_described() {
    let mut merchant = paper::Merchant::new(Index(1), AccountId([3; 32]), rules(), 4);
    merchant.take(500).unwrap();
    agree::<_, Merchant>(&merchant);
    agree::<_, MerchantRules>(&rules());
    let statement = merchant.close_cycle(paper::MerchantNumber(12), 9).unwrap();
    agree::<_, MerchantStatement>(&statement);
    agree::<_, CardTerminal>(&paper::Terminal {
        merchant: paper::MerchantNumber(12),
        is_revoked: true,
    });
}

#[test]
fn payments_and_disputes_are_as_described() {
    agree::<_, CardPaymentRecord>(&paper::PaymentRecord {
        reference: [1; 32],
        merchant: paper::MerchantNumber(12),
        cycle: 2,
        taken: u128::MAX,
        returned: 3,
        is_voided: true,
        paid_at: 4,
    });
    for (answer, awarded) in [(None, None), (Some([5; 32]), Some(6))] {
        agree::<_, CardDispute>(&paper::Dispute {
            amount: 1,
            evidence: [2; 32],
            opened_at: 3,
            rule_by: 4,
            answer,
            awarded,
        });
    }
    agree::<_, CardDisputeOrder>(&paper::DisputeOrder {
        card: NUMBER,
        counter: 1,
        amount: 2,
        evidence: [3; 32],
        expires_at: 4,
    });
}

#[test]
fn what_terminals_and_acquirers_write_is_as_described() {
    agree::<_, TerminalMessage>(&messages::TerminalMessage {
        issuer: Index(3),
        reference: [1; 32],
        terminal: AccountId([2; 32]),
        sent_at: 4,
        sealed: "age".into(),
        signature: Bytes64([5; 64]),
    });
    agree::<_, CardIssuer>(&messages::IssuerFacts {
        issuer: Index(3),
        genesis: [1; 32],
        contract: AccountId([2; 32]),
        recipient: "age1".into(),
        asset: protocol::settlement::Asset::Psp22(AccountId([3; 32])),
    });
    agree::<_, SealedOrder>(&messages::SealedOrder {
        reference: [1; 32],
        terminal: AccountId([2; 32]),
        sealed: "age".into(),
    });
    let (block, block_hash) = (7, [8; 32]);
    let declined = |code| messages::OrderAnswer::Declined {
        code,
        reason: "because".into(),
    };
    for answer in [
        messages::OrderAnswer::Pending,
        messages::OrderAnswer::Approved {
            taken: u128::MAX,
            balance: 1,
            cycle: 2,
            block,
            block_hash,
        },
        messages::OrderAnswer::Returned {
            amount: 1,
            block,
            block_hash,
        },
        declined(messages::Decline::GarbageCiphertext),
        declined(messages::Decline::OtherOrder),
        declined(messages::Decline::Refused),
        declined(messages::Decline::Payment(paper::DeclineCode::InsufficientFunds)),
    ] {
        agree::<_, OrderAnswer>(&answer);
    }
}

#[test]
fn a_holders_question_is_as_described() {
    agree::<_, SignedCardQuery>(&messages::SignedQuery {
        query: paper::CardQuery {
            card: NUMBER,
            asked_at: u64::MAX,
        },
        signature: Bytes64([7; 64]),
    });
}
