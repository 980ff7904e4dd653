//! `quittance prepaid`: payments that were taken, and disputes over them.
use anyhow::Context;
use clap::Parser;
use protocol::{prepaid::Dispute, Amount};

use super::{digest, read, render, Output, Write};
use crate::http::prepaid::payments::{CardAnswerRequest, CardDecisionRequest, CardDisputeRequest, CardPaymentView};

/// A payment: its card, and the number that the card gave it.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Payment {
    /// The card's number.
    card: u64,
    /// The number that the card gave the payment.
    counter: u64,
}

/// Shows a payment that was taken, and the dispute over it.
#[derive(Debug, Parser)]
pub(super) struct ShowPayment {
    #[command(flatten)]
    payment: Payment,
    #[command(flatten)]
    output: Output,
}

/// Hands in a holder's objection to a payment. Until it is decided, the amount isn't paid out to the merchant.
#[derive(Debug, Parser)]
pub(super) struct HandIn {
    /// What `quittance card dispute` printed; - reads it from standard input.
    file: String,
    #[command(flatten)]
    write: Write,
}

/// Shows the dispute over a payment.
#[derive(Debug, Parser)]
pub(super) struct Show {
    #[command(flatten)]
    payment: Payment,
    #[command(flatten)]
    output: Output,
}

/// Answers a dispute for the merchant, as its acquirer, before the issuer's time is over.
#[derive(Debug, Parser)]
pub(super) struct Answer {
    #[command(flatten)]
    payment: Payment,
    /// What is answered: a file, or a digest as 0x and 64 hex digits.
    #[arg(long, value_name = "FILE|HEX")]
    evidence: String,
    #[command(flatten)]
    write: Write,
}

/// Decides a dispute, as the card issuer. Final.
#[derive(Debug, Parser)]
pub(super) struct Decide {
    #[command(flatten)]
    payment: Payment,
    /// What goes back to the card, from 0 to what the holder wants, in the asset's smallest unit.
    #[arg(long, value_name = "AMOUNT")]
    award: Amount,
    #[command(flatten)]
    write: Write,
}

/// Has a dispute decided whose time is over: for the merchant if its acquirer answered, for the holder if not. Final.
#[derive(Debug, Parser)]
pub(super) struct Default {
    #[command(flatten)]
    payment: Payment,
    #[command(flatten)]
    write: Write,
}

impl Payment {
    fn path(self, resource: &str, act: &str) -> String {
        format!("{resource}/{}/{}{act}", self.card, self.counter)
    }
}

impl ShowPayment {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.output.path(&self.payment.path("payments", "")).await?;
        self.output
            .show(&path, |payment: &CardPaymentView| render::payment(payment))
            .await
    }
}

impl HandIn {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let paper: CardDisputeRequest = serde_json::from_slice(&read(&self.file)?)
            .with_context(|| format!("{} is no paper that `quittance card dispute` made", self.file))?;
        self.write.act("disputes", &paper).await
    }
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = self.output.path(&self.payment.path("disputes", "")).await?;
        self.output
            .show(&path, |dispute: &Dispute| render::dispute(dispute))
            .await
    }
}

impl Answer {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = CardAnswerRequest {
            answer: digest(&self.evidence)?,
        };
        self.write.act(&self.payment.path("disputes", "/answer"), &body).await
    }
}

impl Decide {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let body = CardDecisionRequest { awarded: self.award };
        self.write.act(&self.payment.path("disputes", "/decide"), &body).await
    }
}

impl Default {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.write.act(&self.payment.path("disputes", "/default"), &()).await
    }
}
