//! `quittance settlement fees`.
use clap::Parser;

use crate::{
    cli::{
        list::{text, Listing},
        render,
    },
    http::fees::FeeSchedule,
};

const EXAMPLES: &str = "\
Examples:
  quittance settlement fees                  the latest schedule
  quittance settlement fees --version 3      the one that a payment's voucher names";

/// Shows a fee schedule: what the home institution owes the others for each payment of a kind.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The schedule's version; the latest one if it isn't said.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u32>,
    #[command(flatten)]
    listing: Listing,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let filters = vec![("version", text(self.version))];
        let Some(schedule) = self.listing.page::<FeeSchedule>("/v1/fees", filters).await? else {
            return Ok(());
        };
        let mut table = render::table(["payment", "asset", "to", "flat", "per million", "at most"]);
        for rule in &schedule.rules {
            table.add_row([
                format!("{:?}", rule.service),
                format!("{:?}", rule.asset),
                format!("{:?}", rule.payee),
                rule.flat.to_string(),
                rule.parts_per_million.to_string(),
                rule.at_most.to_string(),
            ]);
        }
        println!("Fee schedule {}\n{table}", schedule.version);
        Ok(())
    }
}
