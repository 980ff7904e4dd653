//! Windows of deferred net settlement.
use protocol::windows as netted;

use super::{super::windows::*, *};

#[test]
fn certificates_and_shortfalls_are_as_described() {
    agree::<_, Certificate>(&netted::Certificate {
        window: 3,
        vouchers: 200,
        lines: vec![netted::CertificateLine {
            member: ids::Member(1),
            asset: paper::Asset::Native,
            position: netted::Position {
                owed: u128::MAX,
                owes: 1,
            },
            cap: 5,
        }],
    });
    agree::<_, Shortfall>(&netted::Shortfall {
        member: ids::Member(1),
        asset: paper::Asset::Native,
        available: 1,
        needed: 2,
    });
}
