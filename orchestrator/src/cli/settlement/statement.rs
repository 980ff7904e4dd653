//! `quittance settlement statement`: a day of the institution's account.
use clap::Parser;

use crate::{
    assets::AssetName,
    cli::{list::Listing, render},
    http::statement::StatementView,
};

const EXAMPLES: &str = "\
Examples:
  quittance settlement statement --date 2026-12-24
  quittance settlement statement --date 2026-12-24 --csv > statement.csv

The exit code is 1 where opening balance and movements don't come to the closing balance.";

/// Shows a day of the institution's account in the clearing contract.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The day (UTC), by the time of blocks.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: String,
    #[command(flatten)]
    listing: Listing,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let filters = vec![("date", Some(self.date))];
        let Some(statement) = self.listing.page::<StatementView>("/v1/statement", filters).await? else {
            return Ok(());
        };
        let so_far = if statement.complete { "" } else { ", so far" };
        println!("Member {}, {}{so_far}", statement.member, statement.date);
        for account in &statement.accounts {
            let mut table = render::table([
                "what",
                "available",
                "reserved",
                "voucher or window",
                "with",
                "block",
                "event",
            ]);
            let (opening, closing) = (&account.opening, &account.closing);
            table.add_row([
                "opening".to_owned(),
                opening.available.to_string(),
                opening.reserved.to_string(),
            ]);
            for movement in &account.movements {
                let about = match (movement.voucher, movement.window, movement.deposit) {
                    (Some(voucher), _, _) => voucher.to_string(),
                    (None, Some(window), _) => format!("window {window}"),
                    (None, None, Some(deposit)) => format!("deposit {deposit}"),
                    (None, None, None) => String::new(),
                };
                table.add_row([
                    movement.kind.clone(),
                    format!("{:+}", movement.available),
                    format!("{:+}", movement.reserved),
                    about,
                    movement
                        .counterparty
                        .map_or_else(String::new, |member| member.to_string()),
                    movement.block.number.to_string(),
                    movement.event.to_string(),
                ]);
            }
            table.add_row([
                "closing".to_owned(),
                closing.available.to_string(),
                closing.reserved.to_string(),
            ]);
            println!("{}\n{table}", AssetName(account.asset));
        }
        let wrong = statement.accounts.iter().find(|account| !account.adds_up);
        if let Some(account) = wrong {
            anyhow::bail!(
                "opening balance and movements of {} don't come to the closing balance",
                AssetName(account.asset)
            );
        }
        Ok(())
    }
}
