//! `quittance credit consents`, `accept` and `refuse`: what payees of the institution are asked to take.
use clap::Parser;
use protocol::RequestId;

use super::{render, Output, Write};
use crate::http::credit::consents::{ConsentPage, ConsentView, RefuseRequest};

/// Lists what payees of the institution were asked to take, the newest first.
#[derive(Debug, Parser)]
pub(super) struct List {
    /// At most how many, 1 to 100.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    output: Output,
}

/// Takes a payment on credit in the payee's name, which signs.
#[derive(Debug, Parser)]
pub(super) struct Accept {
    /// The request's id.
    request: RequestId,
    #[command(flatten)]
    write: Write,
}

/// Refuses a payment on credit in the payee's name, which signs.
#[derive(Debug, Parser)]
pub(super) struct Refuse {
    /// The request's id.
    request: RequestId,
    /// Why: the payer is told.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    write: Write,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = format!("/v1/credit/consents?limit={}", self.limit);
        self.output
            .show(&path, |page: &ConsentPage| render::consents(&page.consents))
            .await
    }
}

impl Accept {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        decide(&self.write, self.request, "accept", &serde_json::json!({})).await
    }
}

impl Refuse {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = RefuseRequest { reason: self.reason };
        decide(&self.write, self.request, "refuse", &body).await
    }
}

async fn decide(write: &Write, id: RequestId, how: &str, body: &impl serde::Serialize) -> anyhow::Result<()> {
    let decided: ConsentView = write.send(&format!("/v1/credit/consents/{id}/{how}"), body).await?;
    if write.output.json {
        return crate::cli::render::json(&decided);
    }
    println!("{}", render::consents(&[decided]));
    Ok(())
}
