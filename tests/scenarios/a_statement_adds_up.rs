//! Opening balance and movements come to the closing balance, at both institutions, and both say the same of what moved
//! between them.
use std::process::Command;

use protocol::{decisions::Decision, settlement::TransactionKind, Member};
use quittance::{
    devnet::{Institution, Network},
    http::statement::{AccountView, StatementView},
};
use serde_json::json;
use time::{format_description::well_known::Iso8601, OffsetDateTime};

use crate::{
    netting::Netting,
    network::{TestNetwork, AMOUNT, DEPOSIT},
};

/// Today, as blocks count it.
fn today() -> String {
    let date = OffsetDateTime::now_utc().date();
    date.format(&Iso8601::DATE).unwrap()
}

/// The institution's statement of today in the native token; it adds up.
async fn statement(institution: &Institution) -> AccountView {
    let path = format!("/v1/statement?date={}", today());
    let statement: StatementView = institution.api().unwrap().get(&path).await.unwrap();
    assert_eq!(statement.member, institution.member);
    assert!(!statement.complete, "today isn't over");
    let [account] = statement.accounts.as_slice() else {
        panic!("one asset: {:?}", statement.accounts);
    };
    assert!(account.adds_up, "{account:?}");
    let available: i128 = account.movements.iter().map(|movement| movement.available).sum();
    let reserved: i128 = account.movements.iter().map(|movement| movement.reserved).sum();
    assert_eq!(account.opening.available + available, account.closing.available);
    assert_eq!(account.opening.reserved + reserved, account.closing.reserved);
    account.clone()
}

/// The sums of the statement's rows as a spreadsheet makes them, and its closing balance.
fn sums_by_csv(network: &Network, institution: &Institution) -> ((i128, i128), (i128, i128)) {
    let output = Command::new(network.options.programs.join("quittance"))
        .args([
            "settlement",
            "statement",
            "--csv",
            "--date",
            &today(),
            "--url",
            &institution.url,
        ])
        .arg("--token-file")
        .arg(institution.directory.join("operator.token"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rows = text.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let columns = rows.next().unwrap();
    let place = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let (kind, available, reserved) = (place("kind"), place("available"), place("reserved"));
    let (mut sum, mut closing) = ((0i128, 0i128), None);
    for row in rows {
        let amounts: (i128, i128) = (row[available].parse().unwrap(), row[reserved].parse().unwrap());
        if row[kind] == "closing" {
            closing = Some(amounts);
        } else {
            sum = (sum.0 + amounts.0, sum.1 + amounts.1);
        }
    }
    (sum, closing.unwrap())
}

fn kinds(account: &AccountView) -> Vec<&str> {
    account
        .movements
        .iter()
        .map(|movement| movement.kind.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_of_both_institutions_add_up_and_agree() {
    let test = TestNetwork::start().await;
    let (originator, home) = (&test.network.originator, &test.network.home);
    let mut vouchers = Vec::new();
    for _ in 0..2 {
        let request = test.network.request(TransactionKind::Purchase, AMOUNT).unwrap();
        let payment = test.network.pay(&request).await.unwrap();
        for institution in [originator, home] {
            assert_eq!(test.finished(institution, &payment).await.state, "cleared");
        }
        vouchers.push(payment.id);
    }
    let body = json!({ "asset": "Native", "amount": (AMOUNT / 2).to_string() });
    let api = originator.api().unwrap();
    api.write(reqwest::Method::POST, "/v1/withdrawals", "half", &body)
        .await
        .unwrap();

    let paid = statement(home).await;
    let (deposit, amount) = (i128::try_from(DEPOSIT).unwrap(), i128::try_from(AMOUNT).unwrap());
    assert_eq!(kinds(&paid), ["deposited", "reserved", "paid", "reserved", "paid"]);
    assert_eq!(
        (paid.opening.available, paid.closing.available),
        (0, deposit - 2 * amount)
    );
    let received = statement(originator).await;
    assert_eq!(kinds(&received), ["received", "received", "withdrawn"]);
    assert_eq!(received.closing.available, amount + amount / 2);

    let of_home = paid.movements.iter().filter(|movement| movement.kind == "paid");
    let of_originator = received.movements.iter().filter(|movement| movement.kind == "received");
    for ((paid, received), voucher) in of_home.zip(of_originator).zip(vouchers) {
        assert_eq!((paid.voucher, received.voucher), (Some(voucher), Some(voucher)));
        assert_eq!(
            (&paid.block, paid.event),
            (&received.block, received.event),
            "one event, told to both"
        );
        assert_eq!((paid.reserved, received.available), (-amount, amount));
        let between: (Option<Member>, Option<Member>) = (paid.counterparty, received.counterparty);
        assert_eq!(between, (Some(originator.member), Some(home.member)));
    }
    for institution in [originator, home] {
        let (sum, closing) = sums_by_csv(&test.network, institution);
        assert_eq!(sum, closing, "{}", institution.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_windows_net_stands_in_the_statements_of_all_its_members() {
    const UNIT: u128 = 10_000_000;
    let test = Netting::start().await;
    let banks = test.banks();
    let [first, second] = [banks[0], banks[1]];
    let there = test.pay(first, second, 3 * UNIT).await;
    let back = test.pay(second, first, UNIT).await;
    test.until(first, &there, &["executed"]).await;
    test.until(second, &back, &["executed"]).await;
    test.network.deposit(second, 5 * UNIT).await.unwrap();
    test.decide(Decision::CloseWindow(0)).await;
    test.window_is(0, "settled").await;
    let net = i128::try_from(2 * UNIT).unwrap();
    for (bank, change) in [(first, net), (second, -net)] {
        test.until(bank, &there, &["cleared"]).await;
        let statement = statement(bank).await;
        let nets: Vec<(i128, Option<u32>)> = statement
            .movements
            .iter()
            .filter(|movement| movement.kind == "window-net")
            .map(|movement| (movement.available, movement.window))
            .collect();
        assert_eq!(nets, [(change, Some(0))], "{}", bank.name);
    }
}
