//! Four banks that settle net, and a notary.
use std::{
    collections::BTreeMap,
    process::Command,
    time::{Duration, Instant},
};

use protocol::{
    decisions::Decision,
    fees::FeeRule,
    settlement::{Asset, Relation, TransactionKind, Voucher},
    windows::Position,
    Amount, Member,
};
use quittance::{
    chain::ChainLedger,
    devnet::{Institution, Network, Options, USER, USER_KEY},
    http::{decisions::DecisionView, payments::PaymentView, windows::WindowView},
    settlement::ports::Ledger,
};
use tempfile::TempDir;

use crate::network::{configure, restart, PATIENCE};

/// How far every bank may go negative.
pub const CAP: Amount = 1_000_000_000_000;
const LOOK: Duration = Duration::from_millis(50);

pub struct Netting {
    pub network: Network,
    _directory: TempDir,
}

impl Netting {
    /// Started: every bank settles net, has a user and a cap. Nobody has deposited anything.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::built(directory.path().to_owned()).unwrap();
        options.others = 2;
        let mut network = Network::start(options, &|_| ()).await.unwrap();
        let banks = [&mut network.originator, &mut network.home]
            .into_iter()
            .chain(&mut network.others);
        for bank in banks {
            configure(bank, |text| text.replace("mode = \"gross\"", "mode = \"net\""));
            restart(bank, &[]).await;
        }
        let netting = Self {
            network,
            _directory: directory,
        };
        for bank in netting.banks() {
            let user = (USER, USER_KEY);
            netting.network.put_user_at(bank, user, CAP, CAP).await.unwrap();
            let cap = Decision::SetCap {
                member: bank.member,
                asset: Asset::Native,
                cap: CAP,
            };
            netting.decide(cap).await;
        }
        netting
    }

    pub fn banks(&self) -> Vec<&Institution> {
        let network = &self.network;
        [&network.originator, &network.home]
            .into_iter()
            .chain(&network.others)
            .collect()
    }

    /// The notary agrees, and it is carried out.
    pub async fn decide(&self, decision: Decision) -> DecisionView {
        self.network.decide(decision).await.unwrap()
    }

    /// A user of `home` pays at `originator`.
    pub async fn pay(&self, originator: &Institution, home: &Institution, amount: Amount) -> PaymentView {
        let network = &self.network;
        let request = network
            .request_at(originator, home, TransactionKind::Purchase, amount)
            .unwrap();
        network.pay_at(originator, &request).await.unwrap()
    }

    /// Waits until this institution has the payment in one of these states.
    pub async fn until(&self, institution: &Institution, payment: &PaymentView, states: &[&str]) {
        let start = Instant::now();
        loop {
            let now = institution.payment(payment.id, 0).await.unwrap();
            if states.contains(&now.state.as_str()) {
                return;
            }
            let patience = Duration::from_secs(PATIENCE);
            assert!(start.elapsed() < patience, "{}: {:?}", institution.name, now.history);
            tokio::time::sleep(LOOK).await;
        }
    }

    pub async fn window(&self, number: u32, verify: bool) -> WindowView {
        let path = format!("/v1/windows/{number}?verify={verify}");
        self.network.notary.api().unwrap().get(&path).await.unwrap()
    }

    /// Waits until the window is in this state.
    pub async fn window_is(&self, number: u32, state: &str) -> WindowView {
        let start = Instant::now();
        loop {
            let window = self.window(number, false).await;
            if window.summary.state == state {
                return window;
            }
            let patience = Duration::from_secs(PATIENCE);
            assert!(
                start.elapsed() < patience,
                "window {number} is {}",
                window.summary.state
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What every bank can spend, as the chain says.
    pub async fn available(&self) -> BTreeMap<Member, Amount> {
        let ledger: ChainLedger = self.network.ledger().await.unwrap();
        let mut available = BTreeMap::new();
        for bank in self.banks() {
            let balance = ledger.balance(bank.member, Asset::Native).await.unwrap();
            available.insert(bank.member, balance.available);
        }
        available
    }

    /// `quittance settlement …`, as an operator of the notary runs it.
    pub fn settlement_command(&self, arguments: &[&str]) -> std::process::Output {
        let notary = &self.network.notary;
        Command::new(self.network.options.programs.join("quittance"))
            .arg("settlement")
            .args(arguments)
            .args(["--url", &notary.url, "--token-file"])
            .arg(notary.directory.join("operator.token"))
            .output()
            .unwrap()
    }
}

/// What these vouchers come to for each member.
pub fn positions(vouchers: &[Voucher], fees: &[FeeRule]) -> BTreeMap<Member, Position> {
    let mut positions: BTreeMap<Member, Position> = BTreeMap::new();
    for voucher in vouchers {
        for owed in Relation::of(voucher, fees, 0).unwrap().obligations {
            positions.entry(owed.debtor).or_default().owes += owed.amount;
            positions.entry(owed.creditor).or_default().owed += owed.amount;
        }
    }
    positions
}
