//! `quittance prepaid orders`, `order` and `messages`: what terminals want, and what came of it.
use clap::Parser;
use protocol::text;

use super::{render, Listed, Output};
use crate::http::prepaid::orders::{CardOrderPage, CardOrderView, TerminalMessagePage};

/// Lists what terminals ordered of the institution as the card issuer, the newest first.
#[derive(Debug, Parser)]
pub(super) struct List {
    #[command(flatten)]
    listed: Listed,
}

/// Shows what a terminal ordered of the institution as the card issuer.
#[derive(Debug, Parser)]
pub(super) struct Show {
    /// The order's reference, as the receipt has it.
    #[arg(value_parser = text::from_hex::<32>)]
    reference: [u8; 32],
    #[command(flatten)]
    output: Output,
}

/// Lists what terminals sent to the institution as their merchants' acquirer, the newest first.
#[derive(Debug, Parser)]
pub(super) struct Messages {
    #[command(flatten)]
    listed: Listed,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.listed
            .show("/v1/prepaid/orders", |page: &CardOrderPage| {
                render::orders(&page.orders)
            })
            .await
    }
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = format!("/v1/prepaid/orders/{}", text::to_hex(&self.reference));
        self.output
            .show(&path, |order: &CardOrderView| {
                render::orders(std::slice::from_ref(order))
            })
            .await
    }
}

impl Messages {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.listed
            .show("/v1/prepaid/messages", |page: &TerminalMessagePage| {
                render::messages(&page.messages)
            })
            .await
    }
}
