//! All that can be observed of the escrow contract between two calls, but for the deals that nobody touched.
use protocol::{escrow::Deal, settlement::Asset, DealId, Member};

use crate::market::{Market, MEMBERS};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// By asset, as in [`Market::assets`].
    pub purses: [Purse; 3],
    /// The deal that the call is about.
    pub deal: Option<Deal>,
}

/// Everybody's money in one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    /// The escrow contract's.
    pub held: u128,
    /// By member: what it has.
    pub balances: [u128; MEMBERS.len()],
    /// By member: what the escrow contract couldn't pay it yet.
    pub due: [u128; MEMBERS.len()],
}

impl View {
    pub fn of(market: &mut Market, deal: Option<DealId>) -> Self {
        Self {
            purses: market.assets().map(|asset| Purse::of(market, asset)),
            deal: deal.and_then(|id| market.try_deal(id)),
        }
    }
}

impl Purse {
    fn of(market: &mut Market, asset: Asset) -> Self {
        Self {
            held: market.held(asset),
            balances: MEMBERS.map(|member| market.balance(member, asset)),
            due: MEMBERS.map(|member| market.due(member, asset)),
        }
    }

    pub fn balance(&self, member: Member) -> u128 {
        self.balances[usize::from(member.0)]
    }

    /// All that waits to be paid out.
    pub fn owed(&self) -> u128 {
        self.due.iter().sum()
    }
}
