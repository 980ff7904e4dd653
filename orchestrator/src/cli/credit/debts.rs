//! `quittance credit debt`, `payout`, `release`, `expire`, `overdue` and `repay`: what payers owe.
use clap::Parser;
use protocol::{credit::Payout, Amount, RequestId};

use super::{render, OnChain, Output, Write};
use crate::http::credit::debts::{DebtView, RepayRequest};

/// Shows a debt, on the chain where it is owed.
#[derive(Debug, Parser)]
pub(super) struct Show {
    /// The request that it came from.
    request: RequestId,
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    output: Output,
}

/// Shows what a payee was paid, on the chain where it was paid.
#[derive(Debug, Parser)]
pub(super) struct ShowPayout {
    /// The request that it was paid for.
    request: RequestId,
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    output: Output,
}

/// Has the chain see what became of a debt.
#[derive(Debug, Parser)]
pub(super) struct OnDebt {
    /// The request that it came from.
    request: RequestId,
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    write: Write,
}

/// Repays a debt, or a part of it, with the institution's money.
#[derive(Debug, Parser)]
pub(super) struct Repay {
    #[command(flatten)]
    debt: OnDebt,
    /// How much, in the asset's smallest unit: principal first, then the late fee.
    #[arg(long)]
    amount: Amount,
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.chain.path(&format!("debts/{}", self.request));
        self.output.show(&path, |debt: &DebtView| render::debt(debt)).await
    }
}

impl ShowPayout {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.chain.path(&format!("payouts/{}", self.request));
        self.output.show(&path, |payout: &Payout| render::payout(payout)).await
    }
}

impl OnDebt {
    pub(super) async fn run(self, what: &str) -> anyhow::Result<()> {
        self.write.act(&self.path(what), &serde_json::json!({})).await
    }

    fn path(&self, what: &str) -> String {
        self.chain.path(&format!("debts/{}/{what}", self.request))
    }
}

impl Repay {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = RepayRequest { amount: self.amount };
        self.debt.write.act(&self.debt.path("repay"), &body).await
    }
}
