//! A certificate beside what follows from the events.
use protocol::windows::{Certificate, CertificateLine, Position, Window, WindowState};

use super::{recomputed::voucher, world::World};
use crate::windows::ports::Record;

fn paid(voucher: &protocol::settlement::Voucher) -> (Window, Certificate) {
    let keys = [voucher.originator, voucher.home].map(|member| (member, voucher.asset));
    let line = |(member, asset), owed, owes| CertificateLine {
        member,
        asset,
        position: Position { owed, owes },
        cap: 8,
    };
    let window = Window {
        state: WindowState::Settled,
        settled_in: Some(9),
        vouchers: 1,
        positions: keys.to_vec(),
        ..Window::default()
    };
    let certificate = Certificate {
        window: 0,
        vouchers: 1,
        lines: vec![line(keys[0], voucher.amount, 0), line(keys[1], 0, voucher.amount)],
    };
    (window, certificate)
}

#[tokio::test]
async fn an_honest_certificate_agrees_and_any_other_does_not() {
    let voucher = voucher(1, protocol::Member(1), protocol::Member(2), 10);
    let (window, honest) = paid(&voucher);
    let mut other_amount = honest.clone();
    other_amount.lines[0].position.owed += 1;
    let mut other_count = honest.clone();
    other_count.vouchers = 2;
    let mut other_cap = honest.clone();
    other_cap.lines[1].cap = 9;
    let emitted = [
        (Some(honest.clone()), true),
        (Some(other_amount), false),
        (Some(other_count), false),
        (Some(other_cap), false),
        (None, false),
    ];
    for (certificate, agrees) in emitted {
        let world = World::new().await;
        let retained = Record::Retained {
            batch: 1,
            drawn_at: 1,
            window: 0,
            vouchers: vec![voucher.clone()],
        };
        world.change(|chain| {
            chain.cap = 8;
            chain.records = vec![retained];
            chain.records.extend(certificate.map(Record::Settled));
        });
        let verified = world.windows.verify(0, &window).await.unwrap().unwrap();
        assert_eq!(verified.recomputed, honest);
        assert_eq!(verified.agrees(), agrees, "{:?}", verified.emitted);
    }
}

#[tokio::test]
async fn a_window_that_is_not_paid_has_no_certificate() {
    let world = World::new().await;
    assert_eq!(world.windows.verify(0, &Window::default()).await.unwrap(), None);
}
