//! `quittance escrow list`: all trades, or all offers.
use clap::{Parser, ValueEnum};

use super::render;
use crate::{
    cli::list::Listing,
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
    #[command(flatten)]
    listing: Listing,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Trades,
    Offers,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let next = match self.kind {
            Kind::Trades => {
                let page: Option<TradePage> = self.listing.page("/v1/escrow/trades", vec![]).await?;
                let Some(page) = page else { return Ok(()) };
                println!("{}", render::trades(&page.trades));
                page.next
            }
            Kind::Offers => {
                let page: Option<OfferPage> = self.listing.page("/v1/escrow/offers", vec![]).await?;
                let Some(page) = page else { return Ok(()) };
                println!("{}", render::offers(&page.offers));
                page.next
            }
        };
        Listing::more(next.as_deref());
        Ok(())
    }
}
