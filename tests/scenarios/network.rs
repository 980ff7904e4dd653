//! A network of its own for each test.
use std::time::{Duration, Instant};

use protocol::{clearing::Balance, settlement::Asset};
use quittance::{
    chain::ChainLedger,
    devnet::{Institution, Network, Options},
    http::payments::PaymentView,
    settlement::ports::Ledger,
};
use tempfile::TempDir;

/// What the home bank puts in.
pub const DEPOSIT: u128 = 5_000_000_000_000;
/// What an ordinary payment moves.
pub const AMOUNT: u128 = 1_000_000_000;
/// How long anything may take, in seconds: much longer than it does.
pub const PATIENCE: u64 = 60;

const LOOK: Duration = Duration::from_millis(10);

pub struct TestNetwork {
    pub network: Network,
    pub ledger: ChainLedger,
    _directory: TempDir,
}

impl TestNetwork {
    /// Started, with a deposit by the home bank.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options::built(directory.path().to_owned()).unwrap();
        let network = Network::start(options, &|_| ()).await.unwrap();
        network.deposit(&network.home, DEPOSIT).await.unwrap();
        let ledger = network.ledger().await.unwrap();
        Self {
            network,
            ledger,
            _directory: directory,
        }
    }

    /// Settlement balances of originator and home bank, from the chain. By a new connection: one that is there already may
    /// learn of a finalized block later than an institution did.
    pub async fn balances(&self) -> (Balance, Balance) {
        let ledger = self.network.ledger().await.unwrap();
        let originator = ledger
            .balance(self.network.originator.member, Asset::Native)
            .await
            .unwrap();
        let home = ledger.balance(self.network.home.member, Asset::Native).await.unwrap();
        (originator, home)
    }

    /// Waits until an institution's payment is final.
    pub async fn finished(&self, institution: &Institution, payment: &PaymentView) -> PaymentView {
        let payment = institution.payment(payment.id, PATIENCE).await.unwrap();
        assert!(
            payment.is_final,
            "{} still has the payment as {}",
            institution.name, payment.state
        );
        payment
    }
}

/// Waits until the process says that it stands at the fail point.
pub async fn reached(institution: &Institution, point: &str) {
    let line = format!("reached fail point {point}");
    let start = Instant::now();
    while !std::fs::read_to_string(institution.log()).unwrap().contains(&line) {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{} never came to {point}",
            institution.name
        );
        tokio::time::sleep(LOOK).await;
    }
}
