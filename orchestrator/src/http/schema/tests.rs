//! Each type, written as the protocol writes it, is read and written again through its description without a loss.
#![allow(clippy::unwrap_used)]
use protocol::{
    clearing::Balance, ids, registry, settlement as paper, signing, AccountId, InstitutionId, Lei,
    Signature as Bytes64, UserId,
};
use serde::{de::DeserializeOwned, Serialize};

use super::*;
use crate::{peers::bulk, settlement::messages};

mod credit;
mod decisions;
mod disputes;
mod escrow;
mod prepaid;
mod reconciliation;
mod windows;

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
            kind: paper::TransactionKind::CreditTransfer(ids::Member(3)),
            beneficiary: Some("0815".into()),
            others: vec![ids::Member(4)],
            asset: paper::Asset::Native,
            amount: u128::MAX,
            expires_at: 9,
        },
        signature: Bytes64([3; 64]),
    }
}

fn voucher() -> paper::Voucher {
    paper::Voucher {
        sequence: u64::MAX,
        originator: ids::Member(0),
        home: ids::Member(1),
        others: vec![ids::Member(3)],
        user: UserId::of(ids::Member(1), "4711"),
        wallet: AccountId([2; 32]),
        kind: paper::TransactionKind::CreditTransfer(ids::Member(3)),
        asset: paper::Asset::Native,
        amount: 5,
        limit: paper::Limit::PerDay(6),
        settlement: paper::Settlement::Net,
        fees: 7,
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
        relation: paper::Relation::of(&voucher(), &[], 3).unwrap(),
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
        owed: 1,
        cap: 2,
        unsettled: 3,
        last_credit: Some(paper::Source::Deposit(7)),
    });
    agree::<_, SettlementBalance>(&Balance {
        available: 0,
        reserved: 1,
        owed: 0,
        cap: 0,
        unsettled: 0,
        last_credit: Some(paper::Source::Clearing(voucher().id(), ids::Member(1))),
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
    agree::<_, AssistanceRequest>(&messages::AssistanceRequest {
        proposal: messages::Proposal {
            request: request(),
            voucher: voucher(),
            epoch: 2,
            signature: Bytes64([4; 64]),
        },
    });
    agree::<_, RetentionRequest>(&messages::RetentionRequest {
        voucher: voucher(),
        epoch: 2,
        signatures: vec![signed()],
    });
    agree::<_, AttestationRequest>(&messages::AttestationRequest { voucher: voucher() });
    agree::<_, RelationDraft>(&messages::RelationDraft {
        voucher: voucher(),
        relation: paper::Relation::of(&voucher(), &[], 3).unwrap(),
        epoch: 2,
        expires_at: 9,
        notary: signed(),
    });
    agree::<_, RetentionDraft>(&messages::RetentionDraft {
        request: messages::RetentionRequest {
            voucher: voucher(),
            epoch: 2,
            signatures: vec![signed()],
        },
        relation: paper::Relation::of(&voucher(), &[], 3).unwrap(),
        expires_at: 9,
        notary: signed(),
    });
    agree::<_, RetentionVoucher>(&retention_voucher());
    agree::<_, BatchDraft>(&messages::BatchDraft {
        items: vec![messages::BatchItem {
            voucher: voucher().id(),
            relation: paper::Relation::of(&voucher(), &[], 3).unwrap().id(),
        }],
        epoch: 2,
        expires_at: 9,
    });
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.into()).unwrap();
    agree::<_, BulkItem>(&bulk::Item {
        resource: "proposals".into(),
        message: raw(r#"{"a":1}"#),
    });
    agree::<_, BulkAnswer>(&bulk::ItemAnswer {
        status: 200,
        body: raw("null"),
    });
}

#[test]
fn what_peers_answer_is_as_described() {
    use messages::Answer::{Agreed, Refused};
    agree::<_, ConfirmationAnswer>(&Agreed(messages::Confirmation {
        voucher: voucher().id(),
        epoch: 2,
        signed: signed(),
    }));
    agree::<_, AssistanceAnswer>(&Agreed(messages::Assistance {
        voucher: voucher().id(),
        asked_by: ids::Member(1),
        epoch: 2,
        signed: signed(),
    }));
    agree::<_, AttestationAnswer>(&Agreed(attestation()));
    agree::<_, ConsentAnswer>(&Agreed(messages::Consent {
        relation: paper::Relation::of(&voucher(), &[], 3).unwrap().id(),
        relation_signature: signed(),
        retention_signature: signed(),
    }));
    agree::<_, RetentionProgress>(&messages::RetentionProgress::Pending);
    agree::<_, RetentionProgress>(&messages::RetentionProgress::Retained(Box::new(retention_voucher())));
    use messages::RefusalCode::*;
    for code in [
        InstitutionNotActive,
        InsufficientSettlementBalance,
        UnknownUser,
        UserBlocked,
        BadUserSignature,
        AboveUserLimit,
        AboveDailyLimit,
        UserNotEligible,
        InsufficientFunds,
        UnknownBeneficiary,
        BeneficiaryBlocked,
        BadVoucher,
        BadSignature,
        Expired,
        BadRelation,
        NotConfirmed,
        NetDebitCapExceeded,
        RejectedByPeer,
        BlockedByPolicy,
        AbovePolicyLimit,
        OutsideHours,
        AssistantRefused,
    ] {
        agree::<messages::Answer<messages::Confirmation>, ConfirmationAnswer>(&Refused(refusal(code)));
        agree::<_, RetentionProgress>(&messages::RetentionProgress::Refused(refusal(code)));
    }
}
