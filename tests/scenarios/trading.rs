//! Trades between banks, for every scenario about escrow.
use protocol::Amount;
use quittance::{
    devnet::{Books, Institution, Network, Options},
    escrow::ports::EscrowLedger,
};
use serde_json::{json, Value};
use tempfile::TempDir;

/// For one unit, in the smallest unit of the native token.
pub const PRICE: Amount = 1_000_000_000;
pub const BOND: Amount = 100_000_000;
pub const SELLER_BOND: Amount = 50_000_000;

/// How long each phase of a deal lasts, in seconds.
#[derive(Clone, Copy)]
pub struct Phases {
    pub accept: u64,
    pub reveal: u64,
    pub dispute: u64,
    pub ruling: u64,
}

/// Nothing runs out while a test does something else.
pub const UNHURRIED: Phases = Phases {
    accept: 120,
    reveal: 120,
    dispute: 120,
    ruling: 120,
};

/// Banks that trade. The originator sells, the home bank buys.
pub struct Market {
    pub network: Network,
    _directory: TempDir,
}

impl Market {
    pub async fn start() -> Self {
        Self::with_others(0).await
    }

    pub async fn with_others(others: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::built(directory.path().to_owned()).unwrap();
        options.others = others;
        Self {
            network: Network::start(options, &|_| ()).await.unwrap(),
            _directory: directory,
        }
    }

    /// The seller's offer, that the buyer knows of.
    pub async fn offer(&self, phases: Phases) -> String {
        offer(&self.network, &self.network.originator, &[&self.network.home], phases).await
    }

    /// What buyer, seller and contract hold now.
    pub async fn books(&self) -> Books {
        let chain = self.network.chain().await.unwrap();
        let accounts = [
            self.network.home.account().unwrap(),
            self.network.originator.account().unwrap(),
            self.network.escrow().await.unwrap().escrow(),
        ];
        Books::of(&chain, &accounts).await.unwrap()
    }

    /// Demands that, apart from fees and storage deposits, this much went from buyer to seller, to the unit, and that the
    /// contract holds what it held.
    pub async fn paid(&self, before: &Books, amount: Amount, when: &str) {
        let after = self.books().await;
        let left = before.less_costs(&after).await.unwrap();
        let expected = [left[0].0 - amount, left[1].0 + amount, left[2].0];
        assert_eq!(after.balances, expected, "buyer, seller, contract {when}");
    }
}

/// An offer to sell for native tokens, known to `to` when this returns.
pub async fn offer(network: &Network, seller: &Institution, to: &[&Institution], phases: Phases) -> String {
    offer_in(json!("Native"), network, seller, to, phases).await
}

/// An offer to sell for an asset, known to `to` when this returns.
pub async fn offer_in(
    asset: Value,
    network: &Network,
    seller: &Institution,
    to: &[&Institution],
    phases: Phases,
) -> String {
    let tell: Vec<_> = to.iter().map(|buyer| buyer.member).collect();
    let offer = json!({
        "side": "sell",
        "goods": "kWh",
        "quantity": 1_000,
        "least": 1,
        "asset": asset,
        "unit_price": PRICE.to_string(),
        "unit_bond": BOND.to_string(),
        "unit_seller_bond": SELLER_BOND.to_string(),
        "unit_default_award": (PRICE / 2).to_string(),
        "delivery": "into the grid",
        "arbiter": network.notary.member,
        "phases": {
            "accept": phases.accept * 1_000,
            "reveal": phases.reveal * 1_000,
            "dispute": phases.dispute * 1_000,
            "ruling": phases.ruling * 1_000,
        },
        "expires_at": quittance::http::now() + 3_600_000,
        "tell": tell,
    });
    let id = seller.make_offer(&offer).await.unwrap();
    for buyer in to {
        buyer.has_offer(&id).await.unwrap();
    }
    id
}

/// One of a trade's deadlines, in milliseconds since 1970.
pub fn deadline(trade: &Value, name: &str) -> u64 {
    trade["agreement"]["deadlines"][name].as_u64().unwrap()
}
