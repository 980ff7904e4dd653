//! Disputes.
use protocol::disputes as contested;

use super::{super::disputes::*, *};
use crate::disputes::messages as said;

#[test]
fn disputes_are_as_described() {
    let open = contested::Dispute {
        claimant: ids::Member(1),
        originator: ids::Member(0),
        sequence: u64::MAX,
        claim: contested::Claim {
            obligation: 1,
            amount: u128::MAX,
            evidence: [1; 32],
        },
        contested: voucher().principal(),
        opened_at: 1,
        rule_by: 2,
        response: None,
        ruling: None,
        awarded: 0,
        is_due: false,
        paid: 0,
    };
    agree::<_, Dispute>(&open);
    agree::<_, Dispute>(&contested::Dispute {
        response: Some(contested::Response {
            member: ids::Member(0),
            evidence: [2; 32],
        }),
        ruling: Some(contested::Ruling::Partial(5)),
        awarded: 5,
        is_due: true,
        paid: 3,
        ..open
    });
}

#[test]
fn documents_are_as_described() {
    for bytes in [&b"a receipt"[..], &[0xff]] {
        agree::<_, EvidenceLetter>(&said::EvidenceLetter {
            voucher: voucher().id(),
            obligation: 0,
            document: said::Document::new(bytes.to_vec()).unwrap(),
        });
    }
}
