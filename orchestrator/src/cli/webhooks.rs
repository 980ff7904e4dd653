//! `quittance webhooks`: who was told what happened, and telling again.
use clap::{Parser, Subcommand};
use protocol::Timestamp;
use reqwest::Method;
use uuid::Uuid;

use super::{
    client::Service,
    list::{moment, text, Listing},
    render,
};
use crate::http::webhooks::{DeliveryPage, DeliveryView};

const EXAMPLES: &str = "\
Examples:
  quittance webhooks deliveries                       who was told what, the newest first
  quittance webhooks deliveries --state failed        what was given up
  quittance webhooks deliveries --subject 0x7c…e1     what was told of one payment
  quittance webhooks send 17                          tells that once more

Endpoints stand in the configuration: quittance config sample";

/// Shows who was told what happened, and tells again.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the delivery log.
    Deliveries(Deliveries),
    /// Sends a delivery again, also one that was given up.
    Send {
        /// Its number in the log.
        number: i64,
        #[command(flatten)]
        service: Service,
        /// One line of JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Deliveries {
    /// Only those to the endpoint of this name.
    #[arg(long)]
    endpoint: Option<String>,
    /// Only those in this state: pending, delivered or failed.
    #[arg(long)]
    state: Option<String>,
    /// Only those of this kind, such as payment.cleared or window.short.
    #[arg(long)]
    kind: Option<String>,
    /// Only those about this payment (its voucher), window (window/7) or cap.
    #[arg(long)]
    subject: Option<String>,
    /// Only those entered at or after: a day (2026-12-24) or a moment (2026-12-24T18:00:00Z).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// Only those entered before.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Timestamp>,
    #[command(flatten)]
    listing: Listing,
}

/// Runs the command.
///
/// # Errors
/// The service can't be reached, or refuses.
pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Deliveries(deliveries) => deliveries.run().await,
        Command::Send { number, service, json } => {
            let path = format!("/v1/webhooks/deliveries/{number}/send");
            let key = Uuid::now_v7().to_string();
            let answer = service.client()?.write(Method::POST, &path, &key, &()).await?;
            let delivery: DeliveryView = answer.json().await?;
            if json {
                return render::json(&delivery);
            }
            show(&[delivery]);
            Ok(())
        }
    }
}

impl Deliveries {
    async fn run(self) -> anyhow::Result<()> {
        let filters = vec![
            ("endpoint", self.endpoint),
            ("state", self.state),
            ("kind", self.kind),
            ("subject", self.subject),
            ("from", text(self.from)),
            ("to", text(self.to)),
        ];
        let page: Option<DeliveryPage> = self.listing.page("/v1/webhooks/deliveries", filters).await?;
        let Some(page) = page else { return Ok(()) };
        show(&page.deliveries);
        Listing::more(page.next.as_deref());
        Ok(())
    }
}

fn show(deliveries: &[DeliveryView]) {
    let mut table = render::table([
        "number", "endpoint", "kind", "about", "state", "attempts", "latest", "at",
    ]);
    for delivery in deliveries {
        let latest = match (&delivery.problem, delivery.status) {
            (Some(problem), _) => problem.clone(),
            (None, Some(status)) => status.to_string(),
            (None, None) => "–".to_owned(),
        };
        table.add_row([
            delivery.number.to_string(),
            delivery.endpoint.clone(),
            delivery.kind.clone(),
            delivery.subject.clone(),
            delivery.state.clone(),
            delivery.attempts.to_string(),
            latest,
            render::moment(delivery.finished_at.unwrap_or(delivery.created_at)),
        ]);
    }
    println!("{table}");
}
