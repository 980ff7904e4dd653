//! `quittance credit pay`, `payments` and `payment`: payments on credit at the credit node.
use anyhow::{bail, Context};
use clap::Parser;
use protocol::RequestId;

use super::{read, render, Output, Write};
use crate::http::credit::payments::{CreditPaymentPage, CreditPaymentRequest, CreditPaymentView};

/// Hands in a payer's request.
#[derive(Debug, Parser)]
pub(super) struct Pay {
    /// What `quittance credit request` printed; - reads it from standard input.
    file: String,
    /// Wait up to this many seconds, at most 60, for the end.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    #[command(flatten)]
    write: Write,
}

/// Lists payments on credit, the newest first.
#[derive(Debug, Parser)]
pub(super) struct List {
    /// At most how many, 1 to 100.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    output: Output,
}

/// Shows a payment on credit.
#[derive(Debug, Parser)]
pub(super) struct Show {
    /// The request's id.
    request: RequestId,
    /// Wait up to this many seconds, at most 60, for the end.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    #[command(flatten)]
    output: Output,
}

impl Pay {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let request: CreditPaymentRequest = serde_json::from_slice(&read(&self.file)?)
            .with_context(|| format!("{} is no request that `quittance credit request` made", self.file))?;
        let taken: CreditPaymentView = self.write.send("/v1/credit/payments", &request).await?;
        show(&self.write.output, taken.id, self.wait).await
    }
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = format!("/v1/credit/payments?limit={}", self.limit);
        self.output
            .show(&path, |page: &CreditPaymentPage| render::payments(&page.payments))
            .await
    }
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        show(&self.output, self.request, self.wait).await
    }
}

/// With a wait the exit code tells: 0 only if the payee has its money and says so.
async fn show(output: &Output, id: RequestId, wait: u64) -> anyhow::Result<()> {
    let path = format!("/v1/credit/payments/{id}?wait_seconds={wait}");
    let payment: CreditPaymentView = output.service.client()?.get(&path).await?;
    if output.json {
        crate::cli::render::json(&payment)?;
    } else {
        println!("{}", render::payment(&payment));
    }
    match payment.stage.as_str() {
        "confirmed" => Ok(()),
        stage if wait > 0 => bail!("the payment is {stage}, not confirmed"),
        _ => Ok(()),
    }
}
