//! `quittance escrow show`: one trade or offer.
use std::time::Duration;

use anyhow::bail;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use protocol::{AgreementId, OfferId};

use super::{render, Output};
use crate::{
    cli::{
        client::{encode, Api},
        render::json,
    },
    escrow::state::Stage,
    http::escrow::{offers::OfferView, trades::TradeView},
};

const EXAMPLES: &str = "\
Examples:
  quittance escrow show 0xTRADE           a trade with its terms, evidence and history
  quittance escrow show 0xOFFER --json    an offer, for machines
  quittance escrow show 0xTRADE --wait    each step as it happens, until nothing more does

With --wait the exit code is 0 only when the trade is settled: the seller has the price.
It is 1 when the trade ends in another way.";

/// How long one look waits for the next step, in seconds.
const LOOK_SECONDS: u64 = 30;

/// Shows a trade or an offer with everything that is known of it.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The id of a trade or of an offer.
    #[arg(value_name = "TRADE|OFFER")]
    id: AgreementId,
    /// Wait until the trade is final, and show each step.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    output: Output,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let api = self.output.service.client()?;
        match super::find(&api, &super::trade_path(self.id)).await? {
            Some(trade) => self.trade(&api, trade).await,
            None => self.offer(&api).await,
        }
    }

    async fn trade(&self, api: &Api, mut trade: TradeView) -> anyhow::Result<()> {
        if self.wait {
            trade = follow(api, trade).await?;
        }
        if self.output.json {
            json(&trade)?;
        } else {
            println!("{}\n{}", render::trade(&trade), render::history(&trade));
        }
        if self.wait && trade.stage != Stage::Settled.as_str() {
            bail!("the trade ended without being settled: {}", trade.stage);
        }
        Ok(())
    }

    async fn offer(&self, api: &Api) -> anyhow::Result<()> {
        let Some(offer) = super::find::<OfferView>(api, &super::offer_path(OfferId(self.id.0))).await? else {
            bail!("there is neither a trade nor an offer {} here", self.id);
        };
        if self.wait {
            bail!("{} is an offer: it can be shown, but not waited for", offer.id);
        }
        if self.output.json {
            return json(&offer);
        }
        println!("{}", render::offer(&offer));
        Ok(())
    }
}

/// Shows each step until the last. Every phase has a deadline, so there is a last one.
async fn follow(api: &Api, mut trade: TradeView) -> anyhow::Result<TradeView> {
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {msg} ({elapsed})")?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let mut shown = 0;
    loop {
        for step in trade.history.iter().skip(shown) {
            bar.suspend(|| eprintln!("{}", render::step(step)));
        }
        shown = trade.history.len();
        if trade.is_final {
            bar.finish_and_clear();
            return Ok(trade);
        }
        bar.set_message(trade.stage.clone());
        let path = format!(
            "{}?wait_seconds={LOOK_SECONDS}&unless_stage={}",
            super::trade_path(trade.id),
            encode(&trade.stage)
        );
        trade = api.get(&path).await?;
    }
}
