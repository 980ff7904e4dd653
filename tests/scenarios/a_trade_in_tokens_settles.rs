//! A trade that is paid in a PSP22 token, by the contract of a crate that others keep: both parties' orchestrators allow
//! the escrow to take what is due, and not a unit stays behind.
use protocol::AccountId;
use quittance::{
    chain::{
        bundle::Bundle,
        calls::Call,
        contracts::{dry_run_instantiate, input, Contract},
        deployment::to_ss58,
        Chain, Follower, Submitter,
    },
    devnet::Network,
    escrow::ports::EscrowLedger,
    identity::SigningKey,
    store::Store,
};
use serde_json::json;
use tempfile::TempDir;

use crate::trading::{offer_in, Market, BOND, PRICE, SELLER_BOND, UNHURRIED};

const OWNER: &str = "//Alice";
const SUPPLY: u128 = 1_000_000 * PRICE;
const FUNDS: u128 = 100 * PRICE;
const SALT: &[u8] = b"a token for a test";

/// What a PSP22 message returns; none of its errors is expected.
type Answer = ();
type Refusal = u8;

struct Token {
    contract: Contract,
    submitter: Submitter,
    _store: TempDir,
}

impl Token {
    /// A new token, all of which is its owner's.
    async fn deploy(network: &Network) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let chain = Chain::connect(&network.url).await.unwrap();
        let follower = Follower::start(chain.clone()).await.unwrap();
        let store = Store::open(&directory.path().join("token.sqlite")).await.unwrap();
        let key = SigningKey::load(OWNER).unwrap();
        let owner = key.account();
        let submitter = Submitter::start(chain.clone(), follower.clone(), store, key)
            .await
            .unwrap();

        let bundle = Bundle::find(&network.options.bundles, "token").unwrap();
        let runtime = chain.runtime().unwrap();
        let upload = Call::upload_code(&runtime, bundle.code().unwrap().to_vec()).unwrap();
        submitter.submit("upload", upload).await.unwrap();
        let arguments = input("new", &SUPPLY);
        let (gas, made) = dry_run_instantiate(&chain, &owner, bundle.code_hash(), &arguments, SALT)
            .await
            .unwrap();
        let (_, address) = made.unwrap();
        let instantiate = Call::instantiate(
            &runtime,
            gas.with_margin(),
            bundle.code_hash(),
            arguments,
            SALT.to_vec(),
        );
        submitter.submit("instantiate", instantiate.unwrap()).await.unwrap();
        Self {
            contract: Contract::new(chain, follower, address, owner),
            submitter,
            _store: directory,
        }
    }

    async fn give(&self, to: AccountId) {
        let arguments = (to, FUNDS, Vec::<u8>::new());
        let call = self
            .contract
            .prepare::<Answer, Refusal>("PSP22::transfer", &arguments, 0)
            .await
            .unwrap();
        self.submitter
            .submit(&format!("give {}", to_ss58(&to)), call)
            .await
            .unwrap();
    }

    async fn balance(&self, of: AccountId) -> u128 {
        self.contract.read("PSP22::balance_of", &of).await.unwrap()
    }

    async fn allowance(&self, owner: AccountId, spender: AccountId) -> u128 {
        self.contract.read("PSP22::allowance", &(owner, spender)).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_in_tokens_settles() {
    let market = Market::start().await;
    let network = &market.network;
    let token = Token::deploy(network).await;
    let (buyer, seller) = (network.home.account().unwrap(), network.originator.account().unwrap());
    let escrow = network.escrow().await.unwrap().escrow();
    token.give(buyer).await;
    token.give(seller).await;

    let asset = json!({ "Psp22": protocol::text::to_hex(&token.contract.address().0) });
    let offer = offer_in(asset, network, &network.originator, &[&network.home], UNHURRIED).await;
    let trades = [
        network.home.propose(&offer, 3, json!({})).await.unwrap(),
        network.home.propose(&offer, 2, json!({})).await.unwrap(),
    ];
    for trade in &trades {
        network.home.sees(trade, &["accepted"]).await.unwrap();
    }
    assert_eq!(token.balance(escrow).await, 5 * (PRICE + BOND + SELLER_BOND));
    for trade in &trades {
        network.home.act(trade, "confirm", json!({})).await.unwrap();
    }
    for trade in &trades {
        for party in [&network.home, &network.originator] {
            party.sees(trade, &["settled"]).await.unwrap();
        }
    }
    assert_eq!(token.balance(buyer).await, FUNDS - 5 * PRICE);
    assert_eq!(token.balance(seller).await, FUNDS + 5 * PRICE);
    assert_eq!(token.balance(escrow).await, 0);
    for party in [buyer, seller] {
        assert_eq!(
            token.allowance(party, escrow).await,
            0,
            "no more was allowed than was due"
        );
    }
}
