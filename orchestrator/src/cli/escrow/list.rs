//! `quittance escrow list`: all trades, or all offers.
use clap::{Parser, ValueEnum};

use super::{render, Output};
use crate::{
    cli::render::json,
    http::escrow::{offers::OfferPage, trades::TradePage},
};

const EXAMPLES: &str = "\
Examples:
  quittance escrow list                 this institution's trades, the newest first
  quittance escrow list offers          its own offers, and those that others told it";

/// Shows all trades, or all offers.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Of what.
    #[arg(default_value = "trades")]
    kind: Kind,
    /// How many of the newest to leave out.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    offset: u32,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Trades,
    Offers,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let api = self.output.service.client()?;
        let next = match self.kind {
            Kind::Trades => {
                let page: TradePage = api.get(&format!("/v1/escrow/trades?offset={}", self.offset)).await?;
                if self.output.json {
                    return json(&page);
                }
                println!("{}", render::trades(&page.trades));
                page.next.map(|next| ("trades", next))
            }
            Kind::Offers => {
                let page: OfferPage = api.get(&format!("/v1/escrow/offers?offset={}", self.offset)).await?;
                if self.output.json {
                    return json(&page);
                }
                println!("{}", render::offers(&page.offers));
                page.next.map(|next| ("offers", next))
            }
        };
        if let Some((kind, next)) = next {
            println!("More: quittance escrow list {kind} --offset {next} …");
        }
        Ok(())
    }
}
