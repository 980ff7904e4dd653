//! `quittance credit chains`, `pool`, `fund` and `withdraw`: a credit node's money on its chains.
use clap::Parser;
use protocol::Amount;

use super::{render, InAsset, OnChain, Output, Write};
use crate::http::credit::chains::{CreditChainView, PoolAmount};

const FUND_EXAMPLES: &str = "\
Examples:
  quittance credit fund --chain 0x57…8f --amount 1000000
  quittance credit fund --chain 0x57…8f --amount 5000 --asset 0x4a…c1     of a PSP22 token

The money comes from the institution's account on that chain. Payees are paid from the pool,
repayments go there.";

/// Shows the chains that the institution gives credit on, and its pools of native tokens there.
#[derive(Debug, Parser)]
pub(super) struct Chains {
    #[command(flatten)]
    output: Output,
}

/// Shows what payees can be paid from on a chain.
#[derive(Debug, Parser)]
pub(super) struct Pool {
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    asset: InAsset,
    #[command(flatten)]
    output: Output,
}

/// Puts the institution's money into a pool.
#[derive(Debug, Parser)]
#[command(after_help = FUND_EXAMPLES)]
pub(super) struct Fund {
    #[command(flatten)]
    moved: Moved,
}

/// Takes money out of a pool, to the institution's account.
#[derive(Debug, Parser)]
pub(super) struct Withdraw {
    #[command(flatten)]
    moved: Moved,
}

#[derive(Debug, clap::Args)]
struct Moved {
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    asset: InAsset,
    /// How much, in the asset's smallest unit.
    #[arg(long)]
    amount: Amount,
    #[command(flatten)]
    write: Write,
}

impl Chains {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let table = |chains: &Vec<CreditChainView>| render::chains(chains);
        self.output.show("/v1/credit/chains", table).await
    }
}

impl Pool {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.chain.path(&format!("pool?asset={}", self.asset.asset));
        self.output.show(&path, |pool: &PoolAmount| render::pool(pool)).await
    }
}

impl Fund {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.moved.run("pool/fund").await
    }
}

impl Withdraw {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.moved.run("pool/withdraw").await
    }
}

impl Moved {
    async fn run(self, what: &str) -> anyhow::Result<()> {
        let body = PoolAmount {
            asset: self.asset.asset.0,
            amount: self.amount,
        };
        self.write.act(&self.chain.path(what), &body).await
    }
}
