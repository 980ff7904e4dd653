//! `quittance prepaid history`: a card's movements, or what a merchant took, from the chain alone (S4.5).
use std::io::Write;

use anyhow::Context;
use clap::Parser;
use protocol::prepaid::{CardNumber, MerchantNumber};

use super::{
    onchain::{render, OnChain, Programme},
    statement::merchant,
};
use crate::{
    cli::render::json,
    prepaid::{
        report::{
            csv,
            views::{HolderView, MerchantView},
        },
        statements::StatementError,
    },
};

const EXAMPLES: &str = "\
Examples:
  quittance prepaid history --issuer 2 --card 7                      every movement, and what the card held afterwards
  quittance prepaid history --issuer 2 --merchant 3 --cycle 0 --csv  what the merchant took in its first cycle";

/// Shows every movement of a card, or what a merchant took.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    chain: OnChain,
    #[command(flatten)]
    whose: Whose,
    /// With --merchant: only what was taken in this cycle.
    #[arg(long, value_name = "NUMBER", requires = "merchant")]
    cycle: Option<u32>,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
    /// A row for each line.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// A card's, by its number.
    #[arg(long, value_name = "NUMBER", value_parser = card)]
    card: Option<CardNumber>,
    /// A merchant's, by its number.
    #[arg(long, value_name = "NUMBER", value_parser = merchant)]
    merchant: Option<MerchantNumber>,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Programme { book, .. } = self.chain.read(None).await?;
        let mut out = std::io::stdout();
        if let Some(number) = self.whose.card {
            let view = HolderView::of(&book, number)?.with_context(|| format!("there is no card {}", number.0))?;
            if self.json {
                json(&view)?;
            } else if self.csv {
                out.write_all(csv::holder(&view)?.as_bytes())?;
            } else {
                render::holder(&view);
            }
        }
        if let Some(number) = self.whose.merchant {
            let view = MerchantView::of(&book, number, self.cycle);
            let view = view.ok_or(StatementError::UnknownMerchant(number))?;
            if self.json {
                json(&view)?;
            } else if self.csv {
                out.write_all(csv::merchant(&view)?.as_bytes())?;
            } else {
                render::merchant(&view);
            }
        }
        Ok(())
    }
}

fn card(text: &str) -> Result<CardNumber, std::num::ParseIntError> {
    text.parse().map(CardNumber)
}
