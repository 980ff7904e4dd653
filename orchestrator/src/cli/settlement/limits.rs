//! `quittance settlement limits`: what users may move, and how far members may go negative.
use clap::{Parser, Subcommand};
use protocol::Member;

use crate::{
    assets::AssetName,
    cli::{
        list::{member, text, Listing},
        render,
    },
    http::limits::{CapPage, UserLimitPage},
};

const EXAMPLES: &str = "\
Examples:
  quittance settlement limits users             what the institution's users may move, and moved today
  quittance settlement limits caps --alarm      who is near its net debit cap
  quittance settlement limits caps --csv        every cap, for a spreadsheet";

/// Shows limits.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    whose: Whose,
}

#[derive(Debug, Subcommand)]
enum Whose {
    /// What users may move.
    Users {
        /// Only those who are blocked.
        #[arg(long)]
        blocked: bool,
        #[command(flatten)]
        listing: Listing,
    },
    /// How far members may go negative.
    Caps {
        /// Of this member only.
        #[arg(long, value_parser = member)]
        member: Option<Member>,
        /// In this asset only: native, or the account of a PSP22 token's contract.
        #[arg(long)]
        asset: Option<AssetName>,
        /// Only those that are near their caps.
        #[arg(long)]
        alarm: bool,
        #[command(flatten)]
        listing: Listing,
    },
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self.whose {
            Whose::Users { blocked, listing } => users(blocked, &listing).await,
            Whose::Caps {
                member,
                asset,
                alarm,
                listing,
            } => {
                let filters = vec![
                    ("member", text(member)),
                    ("asset", text(asset)),
                    ("alarm", text(alarm.then_some(true))),
                ];
                let Some(page) = listing.page::<CapPage>("/v1/limits/caps", filters).await? else {
                    return Ok(());
                };
                let mut table = render::table(["member", "asset", "cap", "used", "headroom", "used"]);
                for cap in &page.caps {
                    let alarm = if cap.alarm { ", near its cap" } else { "" };
                    table.add_row([
                        cap.member.to_string(),
                        AssetName(cap.asset).to_string(),
                        cap.cap.to_string(),
                        cap.used.to_string(),
                        cap.headroom.to_string(),
                        format!("{} %{alarm}", cap.used_percent),
                    ]);
                }
                println!("{table}");
                Listing::more(page.next.as_deref());
                Ok(())
            }
        }
    }
}

async fn users(blocked: bool, listing: &Listing) -> anyhow::Result<()> {
    let filters = vec![("blocked", text(blocked.then_some(true)))];
    let Some(page) = listing.page::<UserLimitPage>("/v1/limits/users", filters).await? else {
        return Ok(());
    };
    let mut table = render::table(["user", "per transaction", "per day", "spent today", "blocked"]);
    for limit in &page.limits {
        table.add_row([
            limit.user.clone(),
            limit.per_transaction.to_string(),
            limit
                .per_day
                .map_or_else(|| "none".to_owned(), |amount| amount.to_string()),
            limit.spent_today.to_string(),
            if limit.blocked { "yes" } else { "no" }.to_owned(),
        ]);
    }
    println!("{table}");
    Listing::more(page.next.as_deref());
    Ok(())
}
