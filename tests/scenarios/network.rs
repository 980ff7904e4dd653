//! A network of its own for each test.
use std::time::{Duration, Instant};

use protocol::{
    clearing::Balance,
    settlement::{Asset, TransactionKind},
    signing::Domain,
};
use quittance::{
    chain::ChainLedger,
    devnet::{Institution, Network, Options, USER_KEY},
    http::payments::PaymentView,
    identity::SigningKey,
    settlement::{
        messages::{PaymentRequest, SignedPaymentRequest},
        ports::Ledger,
    },
};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// What the home bank puts in.
pub const DEPOSIT: u128 = 5_000_000_000_000;
/// What an ordinary payment moves.
pub const AMOUNT: u128 = 1_000_000_000;
/// How long anything may take, in seconds: much longer than it does.
pub const PATIENCE: u64 = 60;

/// How long to wait between two looks.
pub const LOOK: Duration = Duration::from_millis(10);

pub struct TestNetwork {
    pub network: Network,
    pub ledger: ChainLedger,
    _directory: TempDir,
}

impl TestNetwork {
    /// Started, with a deposit by the home bank.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// As [`TestNetwork::start`], with other options.
    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::built(directory.path().to_owned()).unwrap();
        change(&mut options);
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

    /// What honest institutions sign for.
    pub async fn domain(&self) -> Domain {
        Domain {
            genesis: self.ledger.genesis(),
            contract: self.ledger.clearing(),
            epoch: self.ledger.signers(&[]).await.unwrap().epoch,
        }
    }

    /// An ordinary purchase by the network's user, altered before the user signs it.
    pub fn request(&self, alter: impl FnOnce(&mut PaymentRequest)) -> SignedPaymentRequest {
        let ordinary = self.network.request(TransactionKind::Purchase, AMOUNT).unwrap();
        let mut request = ordinary.request;
        alter(&mut request);
        let payload = request.payload(self.ledger.genesis(), self.ledger.clearing());
        let signature = SigningKey::load(USER_KEY).unwrap().sign(&payload);
        SignedPaymentRequest { request, signature }
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

/// Changes an institution's configuration. That counts from its next start on.
pub fn configure(institution: &Institution, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(institution.config()).unwrap();
    std::fs::write(institution.config(), change(text)).unwrap();
}

/// Ends its process at once (SIGKILL) and starts it again, with environment variables on top of this process's.
pub async fn restart(institution: &mut Institution, environment: &[(&str, &str)]) {
    institution.kill().await.unwrap();
    institution.start(environment).unwrap();
    institution.ready().await.unwrap();
}

/// Waits until the process says that it stands at the fail point.
pub async fn reached(institution: &Institution, point: &str) {
    says(institution, &format!("reached fail point {point}")).await;
}

/// Waits until this stands in the process's log.
pub async fn says(institution: &Institution, text: &str) {
    let start = Instant::now();
    while !std::fs::read_to_string(institution.log()).unwrap().contains(text) {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{} never says {text:?}",
            institution.name
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// How many rows an institution's database has of a table, maybe under a condition.
pub async fn count(institution: &Institution, rows: &str) -> i64 {
    let database = format!("sqlite:{}?mode=ro", institution.database().display());
    let mut connection = SqliteConnection::connect(&database).await.unwrap();
    let query = format!("SELECT COUNT(*) FROM {rows}");
    sqlx::query_scalar(&query).fetch_one(&mut connection).await.unwrap()
}

/// Waits until a moment of the clock is over, in milliseconds since 1970.
pub async fn over(moment: u64) {
    while quittance::http::now() <= moment {
        tokio::time::sleep(LOOK).await;
    }
}
