//! S0.12 and S0.14: what four banks owe each other for many payments is netted in a window, and nothing moves before
//! everybody can pay.
use protocol::{
    decisions::Decision,
    fees::{FeePayee, FeeRule, Service},
    settlement::{Asset, Voucher},
};

use crate::netting::{positions, Netting};

const PAYMENTS: u128 = 60;
const UNIT: u128 = 10_000_000;
const FEE: FeeRule = FeeRule {
    service: Service::Purchase,
    asset: Asset::Native,
    payee: FeePayee::Originator,
    flat: 5,
    parts_per_million: 2_500,
    at_most: UNIT,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_window_moves_the_nets_of_many_payments_once_everybody_can_pay() {
    let test = Netting::start().await;
    let banks = test.banks();
    test.decide(Decision::SetFees(vec![FEE])).await;

    let mut payments = Vec::new();
    for number in 0..PAYMENTS {
        let place = usize::try_from(number).unwrap();
        let originator = banks[place % 4];
        // Users of the second bank pay most often: it is a net debtor.
        let home = if place % 4 == 1 { banks[place / 4 % 4] } else { banks[1] };
        let home = if home.member == originator.member {
            banks[3]
        } else {
            home
        };
        payments.push((originator, home, test.pay(originator, home, UNIT * (number + 1)).await));
    }
    for (originator, home, payment) in &payments {
        test.until(originator, payment, &["executed"]).await;
        test.until(home, payment, &["retained"]).await;
    }
    assert!(test.available().await.values().all(|available| *available == 0));

    let vouchers: Vec<Voucher> = payments.iter().map(|(_, _, payment)| payment.voucher.clone()).collect();
    let expected = positions(&vouchers, &[FEE]);
    let open = test.window(0, false).await;
    assert_eq!(u128::from(open.summary.vouchers), PAYMENTS);
    for shown in &open.positions {
        let position = expected[&shown.member];
        assert_eq!((shown.owed, shown.owes), (position.owed, position.owes));
    }

    // Everybody pays in what it owes, but the one that owes most.
    let debtors = banks.iter().filter(|bank| expected[&bank.member].net_debit() > 0);
    let short = debtors
        .clone()
        .max_by_key(|bank| expected[&bank.member].net_debit())
        .unwrap();
    for bank in debtors.filter(|bank| bank.member != short.member) {
        test.network
            .deposit(bank, expected[&bank.member].net_debit())
            .await
            .unwrap();
    }
    let before = test.available().await;
    test.decide(Decision::CloseWindow(0)).await;
    let unpaid = test.window_is(0, "cut-off").await;
    let [shortfall] = unpaid.shortfalls.as_slice() else {
        panic!("one member is short: {:?}", unpaid.shortfalls);
    };
    assert_eq!(shortfall.member, short.member);
    assert_eq!(
        (shortfall.available, shortfall.needed),
        (0, expected[&short.member].net_debit())
    );
    assert_eq!(test.available().await, before, "nothing moved");
    let (originator, _, payment) = &payments[0];
    assert_eq!(originator.payment(payment.id, 0).await.unwrap().state, "executed");

    // It pays in: the notary settles the window by itself.
    test.network
        .deposit(short, expected[&short.member].net_debit())
        .await
        .unwrap();
    test.window_is(0, "settled").await;
    for (originator, home, payment) in &payments {
        for institution in [originator, home, &&test.network.notary] {
            test.until(institution, payment, &["cleared"]).await;
        }
    }
    let after = test.available().await;
    for bank in &banks {
        assert_eq!(
            after[&bank.member],
            expected[&bank.member].net_credit(),
            "{}",
            bank.name
        );
    }

    let certificate = test.window(0, true).await.certificate.unwrap();
    assert!(certificate.agrees, "{certificate:?}");
    assert_eq!(u128::from(certificate.recomputed.vouchers), PAYMENTS);
    let sum = |side: fn(&protocol::windows::Position) -> u128| -> u128 {
        certificate
            .recomputed
            .lines
            .iter()
            .map(|line| side(&line.position))
            .sum()
    };
    assert_eq!(
        sum(|position| position.net_debit()),
        sum(|position| position.net_credit())
    );
    assert!(
        sum(|position| position.net_debit()) < sum(|position| position.owes),
        "it nets"
    );
    let shown = test.settlement_command(&["window", "0", "--verify"]);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_notaries_take_out_of_a_window_is_paid_by_itself_later() {
    let test = Netting::start().await;
    let banks = test.banks();
    let [paid, debtor, other] = [banks[0], banks[1], banks[2]];
    // Only the debtor can't pay: the other one owes as much as it has.
    let taken_out = test.pay(paid, debtor, 2 * UNIT).await;
    let stays = test.pay(paid, other, UNIT).await;
    for payment in [&taken_out, &stays] {
        test.until(paid, payment, &["executed"]).await;
    }
    test.network.deposit(other, UNIT).await.unwrap();
    test.decide(Decision::CloseWindow(0)).await;
    let unpaid = test.window_is(0, "cut-off").await;
    assert_eq!(unpaid.shortfalls.first().map(|short| short.member), Some(debtor.member));

    let decision = Decision::TakeOut {
        window: 0,
        vouchers: vec![taken_out.id],
    };
    test.decide(decision).await;
    test.window_is(0, "settled").await;
    test.until(paid, &stays, &["cleared"]).await;
    let certificate = test.window(0, true).await.certificate.unwrap();
    assert!(certificate.agrees, "{certificate:?}");
    assert_eq!(certificate.recomputed.vouchers, 1);
    assert_eq!(test.available().await[&paid.member], UNIT);
    assert_eq!(paid.payment(taken_out.id, 0).await.unwrap().state, "executed");

    test.network.deposit(debtor, 2 * UNIT).await.unwrap();
    for institution in [paid, debtor, &test.network.notary] {
        test.until(institution, &taken_out, &["cleared"]).await;
    }
    let available = test.available().await;
    assert_eq!(available[&paid.member], 3 * UNIT);
    assert_eq!((available[&debtor.member], available[&other.member]), (0, 0));
}
