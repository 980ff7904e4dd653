//! `quittance reconcile record`, `entries` and `entry`: what the institution records as a book's client.
use std::path::PathBuf;

use anyhow::{bail, Context};
use clap::Parser;
use protocol::{reconciliation::MAX_ENTRIES, Amount};
use reqwest::Method;

use super::{moment, of_book, render, Listed, Output, Write};
use crate::{
    cli::client::encode,
    http::reconciliation::entries::{BookEntryPage, BookEntryView, NewEntryView, RecordRequest},
};

/// Records what customers paid, as the book's client. It is recorded on the chain and delivered to both sides after that: see
/// `quittance reconcile entries`.
#[derive(Debug, Parser)]
pub(super) struct Record {
    /// The book's number.
    book: u32,
    /// What the payment is known by: an id as 0x and 64 hex digits, or any other text.
    #[arg(required_unless_present = "file")]
    id: Option<String>,
    /// Who paid, alike.
    #[arg(long, required_unless_present = "file")]
    payer: Option<String>,
    /// How much, in the asset's smallest unit.
    #[arg(long, required_unless_present = "file")]
    amount: Option<Amount>,
    /// When, such as 2026-11-25T10:30:00+01:00; now, if it isn't said.
    #[arg(long)]
    time: Option<String>,
    /// For which day, such as 2026-11-25; that of the time by the book's clocks, if it isn't said.
    #[arg(long)]
    day: Option<String>,
    /// What the payment may be booked under as one line, with others.
    #[arg(long)]
    batch: Option<String>,
    /// Many of them: a file with an object for each line, such as
    /// {"id":"INV-1","payer":"4711","amount":"1250","time":1795600800000}.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["id", "payer", "amount", "time", "day", "batch"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    write: Write,
}

/// Lists what the institution recorded as a book's client, the newest first.
#[derive(Debug, Parser)]
pub(super) struct List {
    /// The book's number.
    book: u32,
    /// Of one day, such as 2026-11-25.
    #[arg(long)]
    day: Option<String>,
    /// How far they are: waiting, recorded or refused.
    #[arg(long)]
    state: Option<String>,
    #[command(flatten)]
    listed: Listed,
}

/// Shows an entry that the institution recorded, and how far it is.
#[derive(Debug, Parser)]
pub(super) struct Show {
    /// The book's number.
    book: u32,
    /// What the payment is known by.
    id: String,
    #[command(flatten)]
    output: Output,
}

impl Record {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let entries = match &self.file {
            Some(file) => read(file)?,
            None => vec![self.one()?],
        };
        let api = self.write.output.service.client()?;
        let (path, key) = (of_book(self.book, "entries"), self.write.key());
        let mut recorded = Vec::with_capacity(entries.len());
        for (number, some) in entries.chunks(MAX_ENTRIES).enumerate() {
            let request = RecordRequest { entries: some.to_vec() };
            let answer = api
                .write(Method::POST, &path, &format!("{key}-{number}"), &request)
                .await?;
            let page: BookEntryPage = answer.json().await?;
            recorded.extend(page.entries);
        }
        let page = BookEntryPage {
            entries: recorded,
            next_cursor: None,
        };
        self.write.output.print(&page, |page| render::entries(&page.entries))
    }

    fn one(&self) -> anyhow::Result<NewEntryView> {
        Ok(NewEntryView {
            id: self.id.clone().context("say what the payment is known by")?,
            payer: self.payer.clone().context("say --payer")?,
            amount: self.amount.context("say --amount")?,
            time: self.time.as_deref().map(moment).transpose()?,
            day: self.day.clone(),
            batch: self.batch.clone(),
        })
    }
}

fn read(file: &PathBuf) -> anyhow::Result<Vec<NewEntryView>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
    let mut entries = Vec::new();
    for (line, text) in (1u64..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let entry = serde_json::from_str(text);
        entries.push(entry.with_context(|| format!("line {line} of {} is no payment", file.display()))?);
    }
    if entries.is_empty() {
        bail!("{} has no payments", file.display());
    }
    Ok(entries)
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let query = [("day", self.day.clone()), ("state", self.state.clone())];
        self.listed
            .show(&of_book(self.book, "entries"), &query, |page: &BookEntryPage| {
                render::entries(&page.entries)
            })
            .await
    }
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = of_book(self.book, &format!("entries/{}", encode(&self.id)));
        self.output
            .show(&path, |entry: &BookEntryView| {
                render::entries(std::slice::from_ref(entry))
            })
            .await
    }
}
