//! `quittance status`: how far payments are.
use clap::Parser;
use protocol::VoucherId;

use super::{
    list::{Listing, Payments},
    render,
};
use crate::http::payments::{PaymentPage, PaymentView};

const EXAMPLES: &str = "\
Examples:
  quittance status --url http://127.0.0.1:8080                  all payments, the newest first
  quittance status --state refused --from 2026-12-24 --csv      those refused since that day, for a spreadsheet
  quittance status 0x7c…e1 --url http://127.0.0.1:8080          one, with its documents and history
  quittance status 0x7c…e1 --url http://127.0.0.1:8080 --json   the same for machines";

/// Shows a payment with its documents and history, or a list of all payments.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The payment's voucher id.
    voucher: Option<VoucherId>,
    #[command(flatten)]
    payments: Payments,
    #[command(flatten)]
    listing: Listing,
}

/// Runs the command.
///
/// # Errors
/// The service can't be reached, or knows no such payment.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.voucher {
        Some(voucher) => {
            let path = format!("/v1/payments/{voucher}");
            let Some(payment) = args.listing.one::<PaymentView>(&path).await? else {
                return Ok(());
            };
            let (documents, history) = render::documents_and_history(&payment);
            println!("{}\n{documents}\n{history}", render::payment(&payment));
        }
        None => {
            let page: Option<PaymentPage> = args.listing.page("/v1/payments", args.payments.filters()).await?;
            let Some(page) = page else { return Ok(()) };
            println!("{}", render::payments(&page.payments));
            Listing::more(page.next.as_deref());
        }
    }
    Ok(())
}
