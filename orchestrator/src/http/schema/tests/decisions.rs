//! Decisions of the notaries.
use protocol::{
    decisions as decided,
    disputes::Ruling as Ruled,
    fees::{FeePayee as Payee, FeeRule as Rule, Service as Kind},
};

use super::{super::decisions::*, *};
use crate::decisions::messages::{self as said, Draft as Drafted};

fn every_decision() -> Vec<decided::Decision> {
    let rule = |service, payee| Rule {
        service,
        asset: paper::Asset::Native,
        payee,
        flat: u128::MAX,
        parts_per_million: u32::MAX,
        at_most: 1,
    };
    let kinds = [
        Kind::CashWithdrawal,
        Kind::CashDeposit,
        Kind::Purchase,
        Kind::SecuritiesTransfer,
        Kind::CreditTransfer,
        Kind::Refund,
    ];
    let ruling = |ruling| decided::Decision::Rule {
        voucher: voucher().id(),
        obligation: 1,
        ruling,
    };
    vec![
        decided::Decision::SetFees(kinds.map(|kind| rule(kind, Payee::Originator)).to_vec()),
        decided::Decision::SetFees(vec![rule(Kind::Purchase, Payee::Others)]),
        decided::Decision::SetCap {
            member: ids::Member(1),
            asset: paper::Asset::Native,
            cap: u128::MAX,
        },
        decided::Decision::CloseWindow(3),
        decided::Decision::TakeOut {
            window: 3,
            vouchers: vec![voucher().id()],
        },
        ruling(Ruled::Uphold),
        ruling(Ruled::Reverse),
        ruling(Ruled::Partial(5)),
    ]
}

#[test]
fn decisions_are_as_described() {
    for decision in every_decision() {
        agree::<_, Decision>(&decision);
        let draft = Drafted {
            decision,
            number: 4,
            expires_at: 5,
        };
        agree::<_, ApprovalRequest>(&said::ApprovalRequest {
            draft,
            epoch: 6,
            signed: signed(),
        });
    }
    agree::<_, Current>(&protocol::clearing::Current {
        window: 1,
        fees: 2,
        decisions: 3,
    });
    agree::<_, ApprovalAnswer>(&said::ApprovalAnswer::Pending);
    agree::<_, ApprovalAnswer>(&said::ApprovalAnswer::Signed(signed()));
}
