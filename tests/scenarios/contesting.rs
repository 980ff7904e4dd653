//! Banks with a payment that can be contested, for every scenario about disputes.
use std::process::{Command, Output};

use protocol::{
    decisions::Decision,
    disputes::Ruling,
    settlement::{Asset, TransactionKind},
    VoucherId,
};
use quittance::{devnet::Institution, settlement::ports::Ledger};

use crate::network::{TestNetwork, AMOUNT};

/// A user of the home bank pays at the originator; cleared at both.
pub async fn paid(test: &TestNetwork) -> VoucherId {
    settled(test, TransactionKind::Purchase).await
}

/// The originator gives a payment back, all of it.
pub async fn refund(test: &TestNetwork, voucher: VoucherId) {
    settled(test, TransactionKind::Refund(voucher)).await;
}

async fn settled(test: &TestNetwork, kind: TransactionKind) -> VoucherId {
    let request = test.network.request(kind, AMOUNT).unwrap();
    let payment = test.network.pay(&request).await.unwrap();
    for institution in [&test.network.originator, &test.network.home] {
        let done = test.finished(institution, &payment).await;
        assert_eq!(done.state, "cleared", "at {}: {:?}", institution.name, done.refusal);
    }
    payment.id
}

/// The notary rules on the payment's principal.
pub fn ruling(voucher: VoucherId, ruling: Ruling) -> Decision {
    Decision::Rule {
        voucher,
        obligation: 0,
        ruling,
    }
}

/// What originator and home bank can spend.
pub async fn available(test: &TestNetwork) -> [u128; 2] {
    let ledger = test.network.ledger().await.unwrap();
    let mut available = [0; 2];
    for (place, institution) in available.iter_mut().zip([&test.network.originator, &test.network.home]) {
        let balance = ledger.balance(institution.member, Asset::Native).await.unwrap();
        assert_eq!(balance.reserved, 0);
        *place = balance.available;
    }
    available
}

/// `quittance settlement …`, as an operator of an institution runs it.
pub fn settlement_command(test: &TestNetwork, institution: &Institution, arguments: &[&str]) -> Output {
    Command::new(test.network.options.programs.join("quittance"))
        .arg("settlement")
        .args(arguments)
        .args(["--url", &institution.url, "--token-file"])
        .arg(institution.directory.join("operator.token"))
        .output()
        .unwrap()
}
