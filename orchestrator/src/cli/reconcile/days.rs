//! `quittance reconcile`: days.
use clap::Parser;

use super::{of_book, render_days, Listed, Output, Write};
use crate::http::reconciliation::days::{BookDayDetails, BookDayPage, DryRunView};

/// Lists the days of a book on which something happened, the latest first.
#[derive(Debug, Parser)]
pub(super) struct List {
    /// The book's number.
    book: u32,
    #[command(flatten)]
    listed: Listed,
}

/// A day of a book.
#[derive(Debug, clap::Args)]
struct Day {
    /// The book's number.
    book: u32,
    /// The day, such as 2026-11-25.
    day: String,
}

/// Matches a day now, whether or not its cut-off has come. It then goes on by itself: what is wrong is corrected, and the day is
/// closed and paid.
#[derive(Debug, Parser)]
#[command(after_help = "\
quittance reconcile run 0 2026-11-25 --dry-run   shows what is wrong, and keeps nothing
quittance reconcile run 0 2026-11-25")]
pub(super) struct Run {
    #[command(flatten)]
    day: Day,
    /// Only shows what is wrong; nothing is kept.
    #[arg(long)]
    dry_run: bool,
    /// Waits so many seconds for the run, 0 to 60.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    wait: u64,
    #[command(flatten)]
    write: Write,
}

/// Shows a day: what the last run counted, how it was closed, and everything that happened to it.
#[derive(Debug, Parser)]
pub(super) struct Show {
    #[command(flatten)]
    day: Day,
    #[command(flatten)]
    output: Output,
}

/// Tries now what is tried again by itself: to have a day closed on which the last run found nothing.
#[derive(Debug, Parser)]
pub(super) struct Close {
    #[command(flatten)]
    day: Day,
    /// By this institution's signature only, once the book's patience with the other side is over. What is open then stays as
    /// the chain has it.
    #[arg(long)]
    alone: bool,
    #[command(flatten)]
    write: Write,
}

/// Pays again what a closed day comes to, after a payment that came to nothing.
#[derive(Debug, Parser)]
pub(super) struct Pay {
    #[command(flatten)]
    day: Day,
    #[command(flatten)]
    write: Write,
}

impl Day {
    fn path(&self, what: &str) -> String {
        let day = crate::cli::client::encode(&self.day);
        of_book(self.book, &format!("days/{day}{what}"))
    }
}

impl List {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let table = |page: &BookDayPage| render_days::book_days(&page.days);
        self.listed.show(&of_book(self.book, "days"), &[], table).await
    }
}

impl Run {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        if self.dry_run {
            let found: DryRunView = self.write.send(&self.day.path("/run?dry_run=true"), &()).await?;
            return self.write.output.print(&found, render_days::dry_run);
        }
        let path = self.day.path(&format!("/run?wait_seconds={}", self.wait));
        let day: BookDayDetails = self.write.send(&path, &()).await?;
        self.write.output.print(&day, render_days::book_day)
    }
}

impl Show {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        self.output.show(&self.day.path(""), render_days::book_day).await
    }
}

impl Close {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let path = self.day.path(&format!("/close?alone={}", self.alone));
        let day: BookDayDetails = self.write.send(&path, &()).await?;
        self.write.output.print(&day, render_days::book_day)
    }
}

impl Pay {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let day: BookDayDetails = self.write.send(&self.day.path("/pay"), &()).await?;
        self.write.output.print(&day, render_days::book_day)
    }
}
