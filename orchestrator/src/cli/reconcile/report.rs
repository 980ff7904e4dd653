//! `quittance reconcile report`: a closed day's report (S3.3 to S3.5).
use clap::Parser;
use protocol::reconciliation::Day;

use crate::{cli::client::Service, reconciliation::schedule};

const EXAMPLES: &str = "\
Examples:
  quittance reconcile report 0 2026-11-25 --url http://127.0.0.1:8080 --html > 2026-11-25.html
  quittance reconcile report 0 2026-11-25 --csv > 2026-11-25.csv
  quittance reconcile report 0 2026-11-25 --json > 2026-11-25.json
  quittance audit report 2026-11-25.json --url ws://127.0.0.1:9944 --deployment deployment.json

The JSON has a proof of each entry, the lines of both books as their sides signed for them, and where the chain tells of each
entry, correction and of the closing: whoever has it can check it without believing anybody but the chain.

A report is of a closed day, as of the latest finalized block: what was corrected after the closing is told, and that it was.";

/// Writes the report of a closed day.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    service: Service,
    /// The book's number.
    book: u32,
    /// The day, by the book's clocks, such as 2026-11-25.
    #[arg(value_parser = schedule::read)]
    day: Day,
    #[command(flatten)]
    shape: Shape,
}

/// How it looks.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Shape {
    /// With all proofs, for `quittance audit report`.
    #[arg(long)]
    json: bool,
    /// A row for each entry.
    #[arg(long)]
    csv: bool,
    /// A page to read and print.
    #[arg(long)]
    html: bool,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = format!(
            "/v1/reconciliation/books/{}/days/{}/report",
            self.book,
            schedule::write(self.day)
        );
        let accept = match self.shape {
            Shape { csv: true, .. } => "text/csv",
            Shape { html: true, .. } => "text/html",
            Shape { .. } => "application/json",
        };
        self.service
            .client()?
            .download(&path, accept, &mut std::io::stdout())
            .await
    }
}
