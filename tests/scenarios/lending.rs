//! A credit node between a payer on one chain and a payee on another: real nodes, real orchestrators.
use std::time::Instant;

use protocol::{
    credit::{Debt, DebtState},
    settlement::Asset,
    text::to_hex,
    AccountId, Amount, RequestId,
};
use quittance::{
    cli::client::Refused,
    credit::ports::CreditLedger,
    devnet::{CreditNode, Network, Options, Wanted, PAYEE, PAYER},
    http::credit::{chains::PoolAmount, payments::CreditPaymentView},
    identity::SigningKey,
};
use tempfile::TempDir;

use crate::network::{LOOK, PATIENCE};

/// What an ordinary payment is.
pub const AMOUNT: Amount = 10_000_000_000;
/// How many of them fit into either limit at first.
pub const FIT: u128 = 20;
/// What is in the pool of the payee's chain at first.
pub const POOL: Amount = 1_000_000_000_000;

pub struct Lending {
    pub network: Network,
    pub node: CreditNode,
    pub directory: TempDir,
}

impl Lending {
    /// Started, the pool filled, both limits set.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options::built(directory.path().to_owned()).unwrap();
        let mut network = Network::start(options, &|_| ()).await.unwrap();
        let node = network.add_credit_node(&|_| ()).await.unwrap();
        node.fund(1, POOL).await.unwrap();
        node.payee_lets_owe(FIT * AMOUNT).await.unwrap();
        node.node_lets_owe(FIT * AMOUNT).await.unwrap();
        Self {
            network,
            node,
            directory,
        }
    }

    /// Hands in an ordinary request.
    pub async fn pay(&self) -> RequestId {
        self.pay_as(Wanted::of(AMOUNT)).await
    }

    pub async fn pay_as(&self, wanted: Wanted) -> RequestId {
        let request = self.node.request(wanted).unwrap();
        self.node.pay(&request).await.unwrap().id
    }

    /// Waits for a payment to come to a stage, also over a restart.
    pub async fn sees(&self, id: RequestId, stage: &str) -> CreditPaymentView {
        let start = Instant::now();
        loop {
            let found = self.node.payment(id, stage).await;
            match found {
                Ok(payment) if payment.stage == stage => return payment,
                Ok(payment) => assert!(!payment.is_final, "{stage}? {payment:?}"),
                Err(error) => assert!(start.elapsed().as_secs() < PATIENCE, "{error:#}"),
            }
            assert!(start.elapsed().as_secs() < 2 * PATIENCE, "never {stage}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the payer's finalized chain holds, read from the node itself.
    pub async fn debt(&self, id: RequestId) -> Option<Debt> {
        let ledger = self.node.sites[0].credit().await.unwrap();
        ledger.debts(&[id]).await.unwrap().remove(0)
    }

    /// What the payee has, by its own chain.
    pub async fn payee_has(&self) -> Amount {
        self.node.payee_balance().await.unwrap()
    }

    pub async fn pool(&self) -> Amount {
        let pool: PoolAmount = self.node.read(1, "pool?asset=native").await.unwrap();
        assert_eq!(pool.asset, Asset::Native);
        pool.amount
    }

    /// The payee was paid this often, no more and no less, each of it is owed, and nothing else is taken of the limits.
    pub async fn paid(&self, times: u128, context: &str) {
        assert_eq!(self.payee_has().await, times * AMOUNT, "the payee's balance, {context}");
        assert_eq!(self.pool().await, POOL - times * AMOUNT, "the pool, {context}");
        let (payer, payee) = (to_hex(&account(PAYER).0), to_hex(&account(PAYEE).0));
        let path = format!("limits?payer={payer}&payee={payee}");
        let limits: protocol::credit::Limits = self.node.read(0, &path).await.unwrap();
        for used in [limits.payee.used, limits.node.used] {
            assert_eq!((used.reserved, used.outstanding), (0, times * AMOUNT), "{context}");
        }
    }

    /// A payment that was paid, booked and confirmed.
    pub async fn confirmed(&self, id: RequestId, context: &str) {
        self.sees(id, "confirmed").await;
        let debt = self.debt(id).await.unwrap();
        assert_eq!((debt.state, debt.is_received), (DebtState::Owed, true), "{context}");
        assert!(debt.payout.is_some(), "{context}");
    }
}

pub fn account(key: &str) -> AccountId {
    SigningKey::load(key).unwrap().account()
}

#[track_caller]
pub fn code_of(refusal: &anyhow::Error) -> &str {
    &refusal.downcast_ref::<Refused>().unwrap().0.code
}
