//! `quittance status`: how far payments are.
use clap::Parser;
use protocol::VoucherId;

use super::{client::Service, render};
use crate::http::payments::{PaymentPage, PaymentView};

const EXAMPLES: &str = "\
Examples:
  quittance status --url http://127.0.0.1:8080                  all payments, the newest first
  quittance status 0x7c…e1 --url http://127.0.0.1:8080          one, with its documents and history
  quittance status 0x7c…e1 --url http://127.0.0.1:8080 --json   the same for machines";

/// Shows a payment with its documents and history, or a list of all payments.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The payment's voucher id.
    voucher: Option<VoucherId>,
    #[command(flatten)]
    service: Service,
    /// Of the list: how many of the newest to leave out.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, conflicts_with = "voucher")]
    offset: u32,
    /// One line of JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The service can't be reached, or knows no such payment.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.service.client()?;
    match args.voucher {
        Some(voucher) => {
            let payment: PaymentView = api.get(&format!("/v1/payments/{voucher}")).await?;
            if args.json {
                return render::json(&payment);
            }
            let (documents, history) = render::documents_and_history(&payment);
            println!("{}\n{documents}\n{history}", render::payment(&payment));
        }
        None => {
            let page: PaymentPage = api.get(&format!("/v1/payments?offset={}", args.offset)).await?;
            if args.json {
                return render::json(&page);
            }
            println!("{}", render::payments(&page.payments));
            if let Some(next) = page.next {
                println!("More: quittance status --offset {next} …");
            }
        }
    }
    Ok(())
}
