//! `quittance reconcile lines` and `line`: what the institution has in its own book.
use clap::Parser;

use super::{of_book, render, Listed, Output};
use crate::{
    cli::client::encode,
    http::reconciliation::lines::{BookLinePage, TradeLinesView},
};

/// Lists what the institution booked on a day.
#[derive(Debug, Parser)]
pub(super) struct List {
    /// The book's number.
    book: u32,
    /// The day, such as 2026-11-25.
    #[arg(long)]
    day: String,
    #[command(flatten)]
    listed: Listed,
}

/// Shows what the institution's book and the chain have of a payment, and what corrections changed.
#[derive(Debug, Parser)]
pub(super) struct Show {
    /// The book's number.
    book: u32,
    /// What the payment is known by.
    id: String,
    #[command(flatten)]
    output: Output,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let query = [("day", Some(self.day.clone()))];
        self.listed
            .show(&of_book(self.book, "lines"), &query, |page: &BookLinePage| {
                render::lines(&page.lines)
            })
            .await
    }
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = of_book(self.book, &format!("lines/{}", encode(&self.id)));
        self.output
            .show(&path, |found: &TradeLinesView| render::trade(found))
            .await
    }
}
