//! `quittance settlement vouchers` and `relations`: what was signed, and who owes whom because of it.
use clap::Parser;

use crate::{
    assets::AssetName,
    cli::{
        list::{Listing, Payments},
        render,
    },
    http::{relations::RelationPage, vouchers::VoucherPage},
};

/// Shows the vouchers of this institution's payments, the newest first.
#[derive(Debug, Parser)]
pub(super) struct Vouchers {
    #[command(flatten)]
    payments: Payments,
    #[command(flatten)]
    listing: Listing,
}

/// Shows who owes whom because of this institution's retained payments, the newest first.
#[derive(Debug, Parser)]
pub(super) struct Relations {
    #[command(flatten)]
    payments: Payments,
    #[command(flatten)]
    listing: Listing,
}

impl Vouchers {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let page: Option<VoucherPage> = self.listing.page("/v1/vouchers", self.payments.filters()).await?;
        let Some(page) = page else { return Ok(()) };
        let mut table = render::table([
            "voucher",
            "kind",
            "originator",
            "home",
            "asset",
            "amount",
            "settled",
            "state",
        ]);
        for view in &page.vouchers {
            let voucher = &view.voucher;
            table.add_row([
                view.id.to_string(),
                format!("{:?}", voucher.kind),
                voucher.originator.to_string(),
                voucher.home.to_string(),
                AssetName(voucher.asset).to_string(),
                voucher.amount.to_string(),
                format!("{:?}", voucher.settlement),
                view.state.clone(),
            ]);
        }
        println!("{table}");
        Listing::more(page.next.as_deref());
        Ok(())
    }
}

impl Relations {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let page: Option<RelationPage> = self.listing.page("/v1/relations", self.payments.filters()).await?;
        let Some(page) = page else { return Ok(()) };
        let mut table = render::table([
            "relation", "what", "debtor", "creditor", "asset", "amount", "window", "paid in",
        ]);
        for relation in &page.relations {
            for (place, owed) in relation.obligations.iter().enumerate() {
                table.add_row([
                    relation.id.to_string(),
                    if place == 0 { "principal" } else { "fee" }.to_owned(),
                    owed.debtor.to_string(),
                    owed.creditor.to_string(),
                    AssetName(owed.asset).to_string(),
                    owed.amount.to_string(),
                    relation
                        .window
                        .map_or_else(|| "–".to_owned(), |window| window.to_string()),
                    relation
                        .cleared_in
                        .map_or_else(|| "–".to_owned(), |block| block.to_string()),
                ]);
            }
        }
        println!("{table}");
        Listing::more(page.next.as_deref());
        Ok(())
    }
}
