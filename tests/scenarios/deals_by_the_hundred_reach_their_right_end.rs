//! Five buyers and five sellers, two hundred deals at once: settled, called off, disputed and ruled, or left alone. Each
//! ends as it should, and every account holds, to the unit, what its deals left it.
use futures::future::{join, join_all};
use protocol::Amount;
use quittance::{
    devnet::{Books, Institution, Network},
    escrow::ports::EscrowLedger,
};
use serde_json::json;

use crate::trading::{offer, Market, Phases, PRICE, SELLER_BOND};

const PAIRS: usize = 5;
const DEALS: usize = 200;
/// The chain's clock is that of the wall: a slow machine needs the time for two hundred deals at once.
const UNHURRIED: Phases = Phases {
    accept: 150,
    reveal: 30,
    dispute: 120,
    ruling: 300,
};
/// For deals that are left alone: whether they are accepted in time or not, they end the same.
const HURRIED: Phases = Phases {
    accept: 80,
    reveal: 25,
    dispute: 15,
    ruling: 120,
};
/// What the arbiter gives the seller.
const AWARD: Amount = PRICE / 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Settled,
    Cancelled,
    Refunded,
    Ruled,
}

impl End {
    fn of(deal: usize) -> Self {
        match deal % 10 {
            0 => Self::Cancelled,
            1 => Self::Refunded,
            2 => Self::Ruled,
            _ => Self::Settled,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::Ruled => "ruled",
        }
    }

    /// What goes from buyer to seller.
    const fn paid(self) -> Amount {
        match self {
            Self::Settled => PRICE,
            Self::Cancelled | Self::Refunded => 0,
            Self::Ruled => AWARD - SELLER_BOND,
        }
    }
}

fn buyers(network: &Network) -> Vec<&Institution> {
    std::iter::once(&network.home)
        .chain(&network.others[..PAIRS - 1])
        .collect()
}

fn sellers(network: &Network) -> Vec<&Institution> {
    std::iter::once(&network.originator)
        .chain(&network.others[PAIRS - 1..])
        .collect()
}

/// What a seller offers.
struct Offers {
    unhurried: String,
    hurried: String,
}

impl Offers {
    async fn of(network: &Network, seller: &Institution, buyers: &[&Institution]) -> Self {
        Self {
            unhurried: offer(network, seller, buyers, UNHURRIED).await,
            hurried: offer(network, seller, buyers, HURRIED).await,
        }
    }
}

fn parties(network: &Network, deal: usize) -> (&Institution, &Institution) {
    (buyers(network)[deal % PAIRS], sellers(network)[deal / PAIRS % PAIRS])
}

/// A deal that is left alone, from its proposal to its lock.
async fn begin(network: &Network, offers: &Offers, deal: usize) -> String {
    let (buyer, _) = parties(network, deal);
    let id = buyer.propose(&offers.hurried, 1, json!({})).await.unwrap();
    let locked = &["locked", "accepted", "refunded"];
    buyer.sees(&id, locked).await.unwrap();
    id
}

/// Any other deal from its proposal to its end.
async fn trade(network: &Network, offers: &Offers, deal: usize) {
    let (buyer, seller) = parties(network, deal);
    let id = buyer.propose(&offers.unhurried, 1, json!({})).await.unwrap();
    match End::of(deal) {
        End::Settled => {
            buyer.sees(&id, &["accepted"]).await.unwrap();
            buyer.act(&id, "confirm", json!({})).await.unwrap();
        }
        End::Cancelled => {
            buyer.sees(&id, &["accepted"]).await.unwrap();
            buyer.act(&id, "cancel", json!({})).await.unwrap();
            seller.sees(&id, &["accepted"]).await.unwrap();
            seller.act(&id, "cancel", json!({})).await.unwrap();
        }
        End::Refunded => {}
        End::Ruled => {
            seller.sees(&id, &["accepted"]).await.unwrap();
            let evidence = json!({ "evidence": format!("delivery note {deal}") });
            seller.act(&id, "confirm", evidence).await.unwrap();
            network.notary.sees(&id, &["disputed"]).await.unwrap();
            let award = json!({ "to_seller": AWARD.to_string() });
            network.notary.act(&id, "rule", award).await.unwrap();
        }
    }
    ends(network, deal, &id).await;
}

async fn ends(network: &Network, deal: usize, id: &str) {
    let (buyer, seller) = parties(network, deal);
    for party in [buyer, seller] {
        let found = party.sees(id, &[End::of(deal).name()]).await.unwrap();
        assert_eq!(found["is_final"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_deals_between_five_buyers_and_five_sellers_reach_their_right_end() {
    let market = Market::with_others(u16::try_from(2 * PAIRS - 2).unwrap()).await;
    let network = &market.network;
    let (buyers, sellers) = (buyers(network), sellers(network));
    let offers = join_all(sellers.iter().map(|seller| Offers::of(network, seller, &buyers))).await;

    let chain = network.chain().await.unwrap();
    let escrow = network.escrow().await.unwrap().escrow();
    let accounts: Vec<_> = buyers
        .iter()
        .chain(&sellers)
        .map(|bank| bank.account().unwrap())
        .chain([escrow])
        .collect();
    let before = Books::of(&chain, &accounts).await.unwrap();
    // Those whose time runs out are locked first: two hundred locks take a slow machine a while.
    let (hurried, others): (Vec<usize>, Vec<usize>) = (0..DEALS).partition(|deal| End::of(*deal) == End::Refunded);
    let begin = |deal: &usize| begin(network, &offers[deal / PAIRS % PAIRS], *deal);
    let ids = join_all(hurried.iter().map(begin)).await;
    let left_alone = hurried.iter().zip(&ids).map(|(deal, id)| ends(network, *deal, id));
    let trade = |deal| trade(network, &offers[deal / PAIRS % PAIRS], deal);
    join(join_all(left_alone), join_all(others.into_iter().map(trade))).await;

    let after = Books::of(&chain, &accounts).await.unwrap();
    let mut expected: Vec<Amount> = before
        .less_costs(&after)
        .await
        .unwrap()
        .into_iter()
        .map(|(left, _)| left)
        .collect();
    for deal in 0..DEALS {
        expected[deal % PAIRS] -= End::of(deal).paid();
        expected[PAIRS + deal / PAIRS % PAIRS] += End::of(deal).paid();
    }
    assert_eq!(after.balances, expected, "buyers, sellers, contract");
}
