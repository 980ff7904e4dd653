//! Each type, written as the protocol writes it, is read and written again through its description without a loss.
#![allow(clippy::unwrap_used)]
use protocol::{
    clearing::Balance, ids, registry, settlement as paper, signing, AccountId, InstitutionId, Lei,
    Signature as Bytes64, UserId,
};
use serde::{de::DeserializeOwned, Serialize};

use super::*;
use crate::settlement::messages;

mod escrow;

#[track_caller]
fn agree<Real: Serialize + DeserializeOwned, Described: Serialize + DeserializeOwned>(real: &Real) {
    let json = serde_json::to_value(real).unwrap();
    let described: Described = serde_json::from_value(json.clone()).unwrap();
    let again = serde_json::to_value(&described).unwrap();
    assert_eq!(again, json);
    serde_json::from_value::<Real>(again).unwrap();
}

fn request() -> messages::SignedPaymentRequest {
    messages::SignedPaymentRequest {
        request: messages::PaymentRequest {
            nonce: [1; 16],
            originator: ids::Member(0),
            home: ids::Member(1),
            user: "4711".into(),
            wallet: AccountId([2; 32]),
            kind: paper::TransactionKind::Purchase,
            asset: paper::Asset::Native,
            amount: u128::MAX,
            expires_at: 9,
        },
        signature: Bytes64([3; 64]),
    }
}

fn voucher() -> paper::Voucher {
    paper::Voucher {
        nonce: [1; 16],
        originator: ids::Member(0),
        home: ids::Member(1),
        others: vec![ids::Member(3)],
        user: UserId::of(ids::Member(1), "4711"),
        wallet: AccountId([2; 32]),
        kind: paper::TransactionKind::CashDeposit,
        asset: paper::Asset::Native,
        amount: 5,
        limit: paper::Limit::PerDay(6),
        issued_at: 1,
        expires_at: 9,
    }
}

fn signed() -> signing::MemberSignature {
    signing::MemberSignature {
        member: ids::Member(1),
        signature: Bytes64([4; 64]),
    }
}

fn refusal(code: messages::RefusalCode) -> messages::Refusal {
    messages::Refusal {
        voucher: voucher().id(),
        code,
        detail: "no".into(),
        refused_at: 4,
        epoch: 2,
        signed: signed(),
    }
}

fn attestation() -> messages::Attestation {
    messages::Attestation {
        voucher: voucher().id(),
        epoch: 2,
        signed: signed(),
    }
}

fn retention_voucher() -> messages::RetentionVoucher {
    messages::RetentionVoucher {
        voucher: voucher(),
        relation: paper::Relation::of(&voucher(), 3),
        epoch: 2,
        attestations: vec![attestation()],
        relation_signatures: vec![signed()],
        retained_in: 12,
    }
}

#[test]
fn what_clients_send_and_read_is_as_described() {
    agree::<_, SignedPaymentRequest>(&request());
    agree::<_, Voucher>(&voucher());
    agree::<_, Institution>(&registry::Institution {
        member: ids::Member(0),
        id: InstitutionId([5; 32]),
        lei: "5493001KJTIIGC8Y1R12".parse::<Lei>().unwrap(),
        account: AccountId([6; 32]),
        signing_key: [7; 32],
        certificate: [8; 32],
        roles: registry::Roles::NOTARY,
        status: registry::Status::Suspended,
    });
    agree::<_, SettlementBalance>(&Balance {
        available: u128::MAX,
        reserved: 0,
        last_credit: Some(paper::Source::Deposit(7)),
    });
    agree::<_, SettlementBalance>(&Balance {
        available: 0,
        reserved: 1,
        last_credit: Some(paper::Source::Clearing(voucher().id())),
    });
}

#[test]
fn what_peers_send_is_as_described() {
    agree::<_, Proposal>(&messages::Proposal {
        request: request(),
        voucher: voucher(),
        epoch: 2,
        signature: Bytes64([4; 64]),
    });
    agree::<_, RetentionRequest>(&messages::RetentionRequest {
        voucher: voucher(),
        epoch: 2,
        signatures: vec![signed()],
    });
    agree::<_, AttestationRequest>(&messages::AttestationRequest { voucher: voucher() });
    agree::<_, RelationDraft>(&messages::RelationDraft {
        voucher: voucher(),
        relation: paper::Relation::of(&voucher(), 3),
        epoch: 2,
        expires_at: 9,
        notary: signed(),
    });
    agree::<_, RetentionVoucher>(&retention_voucher());
}

#[test]
fn what_peers_answer_is_as_described() {
    use messages::Answer::{Agreed, Refused};
    agree::<_, ConfirmationAnswer>(&Agreed(messages::Confirmation {
        voucher: voucher().id(),
        epoch: 2,
        signed: signed(),
    }));
    agree::<_, AttestationAnswer>(&Agreed(attestation()));
    agree::<_, ConsentAnswer>(&Agreed(messages::Consent {
        relation: paper::Relation::of(&voucher(), 3).id(),
        relation_signature: signed(),
        retention_signature: signed(),
    }));
    agree::<_, RetentionProgress>(&messages::RetentionProgress::Pending);
    agree::<_, RetentionProgress>(&messages::RetentionProgress::Retained(retention_voucher()));
    use messages::RefusalCode::*;
    for code in [
        InstitutionNotActive,
        InsufficientSettlementBalance,
        UnknownUser,
        UserBlocked,
        BadUserSignature,
        AboveUserLimit,
        InsufficientFunds,
        BadVoucher,
        BadSignature,
        Expired,
        BadRelation,
        NotConfirmed,
    ] {
        agree::<messages::Answer<messages::Confirmation>, ConfirmationAnswer>(&Refused(refusal(code)));
        agree::<_, RetentionProgress>(&messages::RetentionProgress::Refused(refusal(code)));
    }
}
