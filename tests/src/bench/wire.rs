//! A node with as little in between as there can be: what was signed beforehand is sent as it is, and what it weighed is
//! what the chain says.
use std::time::{Duration, Instant};

use protocol::AccountId;
use quittance::{
    chain::{
        calls::{Call, Weight},
        subxt::{
            self,
            config::{DefaultExtrinsicParamsBuilder, RpcConfigFor, SubstrateConfig},
            dynamic::Value,
            events::Phase,
            rpcs::{methods::legacy::TransactionStatus, LegacyRpcMethods},
            transactions::Signer,
            utils::{AccountId32, MultiSignature, H256},
        },
        Chain,
    },
    identity::SigningKey,
};
use scale::Decode;
use tokio::time::timeout;

type Rpc = LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>;

/// How long a transaction may take to be finalized: much longer than it does.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(5);

/// A key as subxt wants it.
pub struct Account(pub SigningKey);

impl Signer<SubstrateConfig> for Account {
    fn account_id(&self) -> AccountId32 {
        AccountId32(self.0.account().0)
    }

    fn sign(&self, payload: &[u8]) -> MultiSignature {
        MultiSignature::Sr25519(self.0.sign(payload).0)
    }
}

/// A signed transaction.
pub type Transaction = Vec<u8>;

/// An account with a connection of its own; nobody else sends from it.
pub struct Sender {
    account: Account,
    chain: Chain,
    rpc: Rpc,
    nonce: u64,
}

impl Sender {
    /// Connects. `key` is a development key.
    pub async fn connect(url: &str, key: &str) -> Self {
        let account = Account(SigningKey::load(key).unwrap());
        let chain = Chain::connect(url).await.unwrap();
        let rpc = Rpc::new(chain.rpc_client().unwrap());
        let nonce = rpc.system_account_next_index(&account.account_id()).await.unwrap();
        Self {
            account,
            chain,
            rpc,
            nonce,
        }
    }

    /// Whose it is.
    pub fn account(&self) -> AccountId {
        self.account.0.account()
    }

    /// Its connection.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Signs a call under the next nonce: what is signed has to be sent.
    pub fn sign(&mut self, call: &Call) -> Transaction {
        self.nonce += 1;
        self.sign_for(&self.account, self.nonce - 1, call)
    }

    /// Signs a call for an account that sends through this connection.
    pub fn sign_for(&self, account: &Account, nonce: u64, call: &Call) -> Transaction {
        let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new().nonce(nonce);
        let runtime = self.chain.runtime().unwrap();
        let transactions = runtime.client().transactions();
        let mut signable = transactions.create_signable_offline(call, params.build()).unwrap();
        signable.sign(account).unwrap().into_encoded()
    }

    /// Sends a transaction; returns when the node has taken it.
    pub async fn submit(&self, transaction: &[u8]) {
        self.rpc.author_submit_extrinsic(transaction).await.unwrap();
    }

    /// Sends a transaction and waits until it is finalized, whatever came of it. Returns the block.
    pub async fn finalize(&self, transaction: &[u8]) -> H256 {
        let mut watch = self.rpc.author_submit_and_watch_extrinsic(transaction).await.unwrap();
        loop {
            let status = timeout(PATIENCE, watch.next()).await;
            match status.expect("the node forgot a transaction").unwrap().unwrap() {
                TransactionStatus::Finalized(block) => return block,
                TransactionStatus::Future
                | TransactionStatus::Ready
                | TransactionStatus::Broadcast(_)
                | TransactionStatus::InBlock(_)
                | TransactionStatus::Retracted(_) => {}
                ended => panic!("the node says {ended:?} of a transaction"),
            }
        }
    }

    /// Sends transactions of consecutive nonces, each when the node has taken the one before, and waits until the last one
    /// is finalized: then all are. Returns its block.
    pub async fn finalize_all(&self, transactions: &[Transaction]) -> H256 {
        let (last, others) = transactions.split_last().unwrap();
        for transaction in others {
            self.submit(transaction).await;
        }
        self.finalize(last).await
    }

    /// Waits until an account has so much on the finalized chain.
    pub async fn until_paid(&self, account: &AccountId, balance: u128) {
        let start = Instant::now();
        while self.balance(account).await < balance {
            assert!(start.elapsed() < PATIENCE, "the node forgot a transaction");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What an account has on the finalized chain.
    pub async fn balance(&self, account: &AccountId) -> u128 {
        let head = self.rpc.chain_get_finalized_head().await.unwrap();
        self.chain.native_balance(account, head.0).await.unwrap()
    }

    /// What a transaction in a block weighed, its base weight as an extrinsic included. It must have succeeded.
    pub async fn weight(&self, transaction: &[u8], block: H256) -> Weight {
        let details = self.rpc.chain_get_block(Some(block)).await.unwrap().unwrap();
        let mut extrinsics = details.block.extrinsics.iter();
        let place = extrinsics.position(|extrinsic| extrinsic.0 == transaction).unwrap();
        let phase = Phase::ApplyExtrinsic(u32::try_from(place).unwrap());

        let runtime = self.chain.runtime().unwrap();
        let address = subxt::storage::dynamic::<(), Value>("System", "Events");
        let key = runtime
            .client()
            .storage()
            .entry(address)
            .unwrap()
            .fetch_key(())
            .unwrap();
        let bytes = self.rpc.state_get_storage(&key, Some(block)).await.unwrap().unwrap();
        let events = runtime.client().events().from_bytes(bytes);
        let mut its = events.iter().map(Result::unwrap).filter(|event| event.phase() == phase);
        let success = its.find(|event| event.pallet_name() == "System" && event.event_name() == "ExtrinsicSuccess");
        let success = success.unwrap_or_else(|| panic!("a transaction failed in block {block:?}"));
        Weight::decode(&mut success.field_bytes()).unwrap()
    }

    /// Carries a call out. Returns its block and its weight.
    pub async fn carry_out(&mut self, call: &Call) -> (H256, Weight) {
        let transaction = self.sign(call);
        let block = self.finalize(&transaction).await;
        (block, self.weight(&transaction, block).await)
    }
}
