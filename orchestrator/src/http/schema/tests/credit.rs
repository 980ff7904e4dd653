//! The same for credit.
use protocol::{credit as paper, settlement, AccountId, RequestId, Signature as Bytes64};

use super::agree;
use crate::{
    credit::{messages, payments::state},
    http::schema::credit::*,
    identity,
};

const PAYER: AccountId = AccountId([1; 32]);
const PAYEE: AccountId = AccountId([2; 32]);
const TOKEN: settlement::Asset = settlement::Asset::Psp22(AccountId([3; 32]));

fn debt(state: paper::DebtState, payout: Option<paper::PayoutBlock>) -> paper::Debt {
    paper::Debt {
        payer: PAYER,
        payee: PAYEE,
        asset: TOKEN,
        amount: u128::MAX,
        late_fee: 4,
        state,
        expires_at: 5,
        until: 6,
        due_at: u64::MAX,
        payout,
        repaid: 7,
        fee_paid: 8,
        is_overdue: true,
        is_received: false,
    }
}

#[test]
fn limits_are_as_described() {
    agree::<_, LimitOrder>(&paper::LimitOrder {
        payee: PAYEE,
        payer: PAYER,
        asset: TOKEN,
        limit: u128::MAX,
        sequence: u64::MAX,
    });
    let used = paper::Used {
        reserved: 1,
        outstanding: u128::MAX,
    };
    agree::<_, CreditLimits>(&paper::Limits {
        payee: paper::PayeeLimit {
            limit: 2,
            sequence: 3,
            used,
        },
        node: paper::NodeLimit {
            limit: 4,
            evidence: [5; 32],
            used,
            overdue: 6,
        },
        is_frozen: true,
    });
}

#[test]
fn debts_and_payouts_are_as_described() {
    use paper::DebtState::{Expired, Owed, Released, Reserved, Settled};
    for state in [Reserved, Released, Expired, Owed, Settled] {
        agree::<_, CreditDebt>(&debt(state, None));
    }
    let block = paper::PayoutBlock {
        number: 7,
        hash: [8; 32],
    };
    agree::<_, CreditDebt>(&debt(Owed, Some(block)));
    agree::<_, CreditPayout>(&paper::Payout {
        payee: PAYEE,
        asset: TOKEN,
        amount: u128::MAX,
        block: u32::MAX,
        paid_at: 9,
    });
}

#[test]
fn wishes_for_higher_limits_are_as_described() {
    agree::<_, RaiseRequest>(&paper::RaiseRequest {
        payer: PAYER,
        asset: TOKEN,
        wanted: u128::MAX,
        evidence: [4; 32],
        sequence: 5,
    });
    let decided = |granted| paper::RaiseDecision {
        granted,
        digest: [6; 32],
    };
    for decision in [None, Some(decided(None)), Some(decided(Some(u128::MAX)))] {
        agree::<_, CreditRaise>(&paper::Raise {
            wanted: 7,
            evidence: [8; 32],
            sequence: 9,
            decision,
        });
    }
}

fn request() -> paper::CreditRequest {
    let leg = |number: u8| paper::Leg {
        genesis: [number; 32],
        contract: AccountId([number; 32]),
        asset: TOKEN,
    };
    paper::CreditRequest {
        nonce: [4; 16],
        payer: PAYER,
        payee: PAYEE,
        debt: leg(5),
        payout: leg(6),
        amount: u128::MAX,
        goods: "a lathe".into(),
        pay_by: 7,
        expires_at: 8,
        due_at: u64::MAX,
        late_fee: 9,
    }
}

#[test]
fn requests_and_what_becomes_of_them_are_as_described() {
    agree::<_, CreditRequest>(&request());
    for signature in [None, Some(Bytes64([1; 64]))] {
        agree::<_, CreditRefusal>(&state::Refusal {
            code: "payee-refused".into(),
            detail: "no".into(),
            signature,
        });
    }
    let name = |text: &str| Some(text.to_owned());
    for country in [None, name("CH")] {
        agree::<_, Person>(&identity::Person {
            account: PAYER,
            fingerprint: [2; 32],
            subject: "CN=Anna".into(),
            common_name: name("Anna"),
            organization: None,
            country,
            issuer: "CN=CA".into(),
            serial: "0x01".into(),
            expires_at: 3,
        });
    }
}

#[test]
fn what_credit_nodes_and_payees_write_to_each_other_is_as_described() {
    agree::<_, ConsentRequest>(&messages::ConsentRequest {
        request: request(),
        payer_signature: Bytes64([1; 64]),
        payer_certificate: "PEM".into(),
    });
    let signature = Bytes64([2; 64]);
    for answer in [
        messages::ConsentAnswer::Pending,
        messages::ConsentAnswer::Accepted {
            signature,
            certificate: "PEM".into(),
        },
        messages::ConsentAnswer::Refused {
            reason: "no".into(),
            signature,
        },
    ] {
        agree::<_, ConsentAnswer>(&answer);
    }
    agree::<_, ArrivalRequest>(&messages::ArrivalRequest { id: RequestId([3; 32]) });
    for answer in [
        messages::ArrivalAnswer::NotSeen,
        messages::ArrivalAnswer::Arrived { signature },
    ] {
        agree::<_, ArrivalAnswer>(&answer);
    }
}

#[test]
fn evidence_of_limits_is_as_described() {
    let mut evidence = crate::credit::score::tests::evidence();
    agree::<_, CreditEvidence>(&evidence);
    evidence.subject.asset = TOKEN;
    evidence.record.committed = u128::MAX;
    evidence.block.time = u64::MAX;
    agree::<_, CreditEvidence>(&evidence);
}
