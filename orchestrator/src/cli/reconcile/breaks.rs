//! `quittance reconcile`: breaks.
use clap::Parser;
use protocol::Amount;
use serde::Serialize;

use super::{of_book, render_days, Listed, Output, Write};
use crate::http::reconciliation::breaks::{
    AssignRequest, BreakDetails, BreakPage, CommentRequest, ProposeRequest, RejectRequest,
};

/// Lists what runs found wrong in a book, the newest first.
#[derive(Debug, Parser)]
#[command(after_help = "\
quittance reconcile breaks 0 --day 2026-11-25 --unfinished
quittance reconcile breaks 0 --kind missing --side credit --csv")]
pub(super) struct List {
    /// The book's number.
    book: u32,
    /// Found on this day, such as 2026-11-25.
    #[arg(long)]
    day: Option<String>,
    /// How far they are: expected, open, proposed, signed, recorded, booked, resolved.
    #[arg(long)]
    state: Option<String>,
    /// With this wrong: missing, amount, asset, payer, duplicate, wrong_day, altered_id.
    #[arg(long)]
    kind: Option<String>,
    /// With something wrong there: debit, credit, chain.
    #[arg(long)]
    side: Option<String>,
    /// Whom somebody sees to.
    #[arg(long, value_name = "NAME")]
    assigned: Option<String>,
    /// Only those with which something is left to do.
    #[arg(long)]
    unfinished: bool,
    #[command(flatten)]
    listed: Listed,
}

/// A break of a book.
#[derive(Debug, clap::Args)]
struct Break {
    /// The book's number.
    book: u32,
    /// The payment's id, or what the books know it by.
    trade: String,
}

/// Shows a break: which side is off, by how much, since which block, and what came of it.
#[derive(Debug, Parser)]
pub(super) struct Show {
    #[command(flatten)]
    of: Break,
    #[command(flatten)]
    output: Output,
}

/// Says who sees to a break.
#[derive(Debug, Parser)]
pub(super) struct Assign {
    #[command(flatten)]
    of: Break,
    /// Whoever it is; nobody, if it isn't said.
    to: Option<String>,
    #[command(flatten)]
    write: Write,
}

/// Writes something down about a break.
#[derive(Debug, Parser)]
pub(super) struct Comment {
    #[command(flatten)]
    of: Break,
    /// What.
    text: String,
    #[command(flatten)]
    write: Write,
}

/// Proposes a correction to the other side, signed.
#[derive(Debug, Parser)]
pub(super) struct Propose {
    #[command(flatten)]
    of: Break,
    /// What is right, in the asset's smallest unit, 0: there was no such payment. By the chain's entry, if it isn't said.
    #[arg(long)]
    amount: Option<Amount>,
    /// What the other side's people are told.
    #[arg(long)]
    comment: Option<String>,
    #[command(flatten)]
    write: Write,
}

/// Signs the correction that the other side proposed; where it proposed none, proposes what follows from the chain's entry.
#[derive(Debug, Parser)]
pub(super) struct Accept {
    #[command(flatten)]
    of: Break,
    #[command(flatten)]
    write: Write,
}

/// Rejects the correction that the other side proposed; it is told why.
#[derive(Debug, Parser)]
pub(super) struct Reject {
    #[command(flatten)]
    of: Break,
    /// Why.
    reason: String,
    #[command(flatten)]
    write: Write,
}

impl Break {
    fn path(&self, what: &str) -> String {
        let trade = crate::cli::client::encode(&self.trade);
        of_book(self.book, &format!("breaks/{trade}{what}"))
    }

    async fn act(&self, write: &Write, what: &str, body: &impl Serialize) -> anyhow::Result<()> {
        let found: BreakDetails = write.send(&self.path(what), body).await?;
        write.output.print(&found, render_days::one_break)
    }
}

impl List {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let query = [
            ("day", self.day.clone()),
            ("state", self.state.clone()),
            ("kind", self.kind.clone()),
            ("side", self.side.clone()),
            ("assigned", self.assigned.clone()),
            ("unfinished", self.unfinished.then(|| "true".to_owned())),
        ];
        let table = |page: &BreakPage| render_days::breaks(&page.breaks);
        self.listed.show(&of_book(self.book, "breaks"), &query, table).await
    }
}

impl Show {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        self.output.show(&self.of.path(""), render_days::one_break).await
    }
}

impl Assign {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let body = AssignRequest { to: self.to.clone() };
        self.of.act(&self.write, "/assign", &body).await
    }
}

impl Comment {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let text = self.text.clone();
        self.of.act(&self.write, "/comment", &CommentRequest { text }).await
    }
}

impl Propose {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let body = ProposeRequest {
            amount: self.amount,
            comment: self.comment.clone(),
        };
        self.of.act(&self.write, "/propose", &body).await
    }
}

impl Accept {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        self.of.act(&self.write, "/accept", &()).await
    }
}

impl Reject {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let reason = self.reason.clone();
        self.of.act(&self.write, "/reject", &RejectRequest { reason }).await
    }
}
