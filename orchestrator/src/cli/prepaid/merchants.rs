//! `quittance prepaid`: merchants, their terminals and their cycles.
use clap::Parser;
use protocol::{
    prepaid::{Merchant, MerchantNumber, Rules, Statement, Terminal},
    text::to_hex,
    AccountId, Amount, Member,
};

use super::{account, render, Listed, Output, Write};
use crate::http::prepaid::{
    cards::TopUpRequest,
    merchants::{CloseCycleRequest, MerchantPage, MerchantRequest, SwitchRequest, TerminalPage, TerminalRequest},
};

/// How a merchant is paid.
#[derive(Clone, Copy, Debug, clap::Args)]
struct RulesArgs {
    /// The issuer's fee for each payment, in the asset's smallest unit.
    #[arg(long, value_name = "AMOUNT", default_value_t = 0)]
    fee_flat: Amount,
    /// And so many millionths of a cycle's sales: 8000 is 0.8 %.
    #[arg(long, value_name = "MILLIONTHS", default_value_t = 0)]
    fee_ppm: u32,
    /// Less is not paid out but carried to the next cycle, in the asset's smallest unit. Unless the merchant's account is
    /// funded already, give at least what the chain wants an account to hold (its existential deposit): it refuses to pay less.
    #[arg(long, value_name = "AMOUNT", default_value_t = 0)]
    least_payout: Amount,
    /// So many millionths of a cycle's sales are kept for refunds until the next cycle is closed.
    #[arg(long, value_name = "MILLIONTHS", default_value_t = 0)]
    reserve_ppm: u32,
}

impl From<RulesArgs> for Rules {
    fn from(args: RulesArgs) -> Self {
        Self {
            flat: args.fee_flat,
            parts_per_million: args.fee_ppm,
            least_payout: args.least_payout,
            reserve_parts_per_million: args.reserve_ppm,
        }
    }
}

/// Registers a merchant.
#[derive(Debug, Parser)]
pub(super) struct Register {
    /// Its number in the programme; never given out before.
    merchant: u32,
    /// The institution that speaks for it, by its index in the registry.
    #[arg(long, value_name = "MEMBER")]
    acquirer: u16,
    /// Where it is paid: its account, SS58 or 0x…
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    account: AccountId,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    write: Write,
}

/// Shows a merchant, with its open cycle.
#[derive(Debug, Parser)]
pub(super) struct Show {
    /// Its number.
    merchant: u32,
    #[command(flatten)]
    output: Output,
}

/// Lists the merchants that the institution registered, the newest first.
#[derive(Debug, Parser)]
pub(super) struct List {
    #[command(flatten)]
    listed: Listed,
}

/// Takes no more payments for a merchant, or does again.
#[derive(Debug, Parser)]
pub(super) struct OnMerchant {
    /// Its number.
    merchant: u32,
    #[command(flatten)]
    write: Write,
}

/// Says how a merchant is paid from its next cycle on; what isn't said is 0.
#[derive(Debug, Parser)]
pub(super) struct SetRules {
    /// Its number.
    merchant: u32,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    write: Write,
}

/// Puts the institution's money in for a merchant's refunds; what isn't needed is paid out to the merchant.
#[derive(Debug, Parser)]
pub(super) struct Fund {
    /// Its number.
    merchant: u32,
    /// How much, in the asset's smallest unit.
    #[arg(long)]
    amount: Amount,
    #[command(flatten)]
    write: Write,
}

/// Closes a merchant's open cycle, and pays the merchant.
#[derive(Debug, Parser)]
pub(super) struct CloseCycle {
    /// Its number.
    merchant: u32,
    /// The cycle's number; the open one's if it isn't said.
    #[arg(long)]
    cycle: Option<u32>,
    #[command(flatten)]
    write: Write,
}

/// Shows what a merchant was told of a closed cycle.
#[derive(Debug, Parser)]
pub(super) struct ShowCycle {
    /// Its number.
    merchant: u32,
    /// The cycle's number.
    cycle: u32,
    #[command(flatten)]
    output: Output,
}

/// Gives a merchant another terminal.
#[derive(Debug, Parser)]
pub(super) struct AddTerminal {
    /// The merchant's number.
    merchant: u32,
    /// The terminal's sr25519 public key, as the terminal shows it: SS58 or 0x…
    #[arg(long, value_name = "KEY", value_parser = account)]
    terminal: AccountId,
    #[command(flatten)]
    write: Write,
}

/// Takes nothing more that a terminal signed, for good.
#[derive(Debug, Parser)]
pub(super) struct OnTerminal {
    /// Its public key, SS58 or 0x…
    #[arg(value_parser = account)]
    terminal: AccountId,
    #[command(flatten)]
    write: Write,
}

/// Shows a terminal.
#[derive(Debug, Parser)]
pub(super) struct ShowTerminal {
    /// Its public key, SS58 or 0x…
    #[arg(value_parser = account)]
    terminal: AccountId,
    #[command(flatten)]
    output: Output,
}

/// Lists the terminals that the institution added, the newest first.
#[derive(Debug, Parser)]
pub(super) struct ListTerminals {
    #[command(flatten)]
    listed: Listed,
}

impl Register {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = MerchantRequest {
            merchant: MerchantNumber(self.merchant),
            acquirer: Member(self.acquirer),
            account: self.account,
            rules: self.rules.into(),
        };
        self.write.act("merchants", &body).await
    }
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.output.path(&format!("merchants/{}", self.merchant)).await?;
        let show = |merchant: &Merchant| render::merchant(self.merchant, merchant);
        self.output.show(&path, show).await
    }
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.listed.output.path("merchants").await?;
        self.listed
            .show(&path, |page: &MerchantPage| render::merchants(&page.merchants))
            .await
    }
}

impl OnMerchant {
    pub(super) async fn run(self, is_active: bool) -> anyhow::Result<()> {
        let what = format!("merchants/{}/switch", self.merchant);
        self.write.act(&what, &SwitchRequest { is_active }).await
    }
}

impl SetRules {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let what = format!("merchants/{}/rules", self.merchant);
        self.write.act(&what, &Rules::from(self.rules)).await
    }
}

impl Fund {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = TopUpRequest {
            amount: self.amount,
            reference: None,
        };
        self.write
            .act(&format!("merchants/{}/fund", self.merchant), &body)
            .await
    }
}

impl CloseCycle {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let cycle = match self.cycle {
            Some(cycle) => cycle,
            None => {
                let output = &self.write.output;
                let path = output.path(&format!("merchants/{}", self.merchant)).await?;
                let merchant: Merchant = output.service.client()?.get(&path).await?;
                merchant.cycle.number
            }
        };
        let what = format!("merchants/{}/close-cycle", self.merchant);
        self.write.act(&what, &CloseCycleRequest { cycle }).await
    }
}

impl ShowCycle {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let what = format!("merchants/{}/cycles/{}", self.merchant, self.cycle);
        let path = self.output.path(&what).await?;
        self.output
            .show(&path, |statement: &Statement| render::statement(statement))
            .await
    }
}

impl AddTerminal {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = TerminalRequest {
            terminal: self.terminal,
        };
        let what = format!("merchants/{}/terminals", self.merchant);
        self.write.act(&what, &body).await
    }
}

impl OnTerminal {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let what = format!("terminals/{}/revoke", to_hex(&self.terminal.0));
        self.write.act(&what, &()).await
    }
}

impl ShowTerminal {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self
            .output
            .path(&format!("terminals/{}", to_hex(&self.terminal.0)))
            .await?;
        let show = |terminal: &Terminal| render::terminal(&self.terminal, terminal);
        self.output.show(&path, show).await
    }
}

impl ListTerminals {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.listed.output.path("terminals").await?;
        self.listed
            .show(&path, |page: &TerminalPage| render::terminals(&page.terminals))
            .await
    }
}
