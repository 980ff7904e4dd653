//! Windows are closed again and again while payments come in: each payment is in exactly one.
use protocol::decisions::Decision;

use crate::netting::Netting;

const PAYMENTS: usize = 24;
const AMOUNT: u128 = 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn every_payment_is_settled_in_one_window_whenever_windows_are_closed() {
    let test = Netting::start().await;
    let banks = test.banks();
    for bank in &banks {
        test.network.deposit(bank, AMOUNT * PAYMENTS as u128).await.unwrap();
    }
    let before: u128 = test.available().await.values().sum();
    let mut payments = Vec::new();
    let mut closed = 0;
    for number in 0..PAYMENTS {
        let (originator, home) = (banks[number % 4], banks[(number + 1) % 4]);
        payments.push((originator, home, test.pay(originator, home, AMOUNT).await));
        if number % 6 == 5 {
            // Some of those before are retained, others are on their way.
            test.decide(Decision::CloseWindow(closed)).await;
            closed += 1;
        }
    }
    for (originator, _, payment) in &payments {
        test.until(originator, payment, &["executed", "cleared"]).await;
    }
    test.decide(Decision::CloseWindow(closed)).await;
    for (originator, home, payment) in &payments {
        for institution in [originator, home, &&test.network.notary] {
            test.until(institution, payment, &["cleared"]).await;
        }
    }
    let mut vouchers = Vec::new();
    for number in 0..=closed {
        let window = test.window_is(number, "settled").await;
        vouchers.push(usize::try_from(window.summary.vouchers).unwrap());
        let certificate = test.window(number, true).await.certificate.unwrap();
        assert!(certificate.agrees, "window {number}: {certificate:?}");
    }
    assert_eq!(vouchers.iter().sum::<usize>(), PAYMENTS, "each in one window");
    let used = vouchers.iter().filter(|count| **count > 0).count();
    assert!(used > 1, "windows were closed in between: {vouchers:?}");
    let after = test.available().await;
    assert_eq!(after.values().sum::<u128>(), before);
    assert!(
        after.values().all(|available| *available == AMOUNT * PAYMENTS as u128),
        "a ring owes nothing"
    );
}
