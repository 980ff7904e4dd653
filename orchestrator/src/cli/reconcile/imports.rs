//! `quittance reconcile import` and `imports`: files of the institution's own books.
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;

use super::{of_book, render, Listed, Write};
use crate::{
    cli::client::{encode, Refused},
    http::reconciliation::imports::{ImportPage, ImportReport},
    reconciliation::import::Format,
};

/// Imports a file into the institution's own book. All of it is booked, or nothing: what is wrong is told line by line. The same
/// file twice is the same import. How CSV looks, and what names of assets mean, stands in [[reconciliation.books]].
#[derive(Debug, Parser)]
pub(super) struct Import {
    /// The book's number.
    book: u32,
    /// The file.
    file: PathBuf,
    /// How it is written: csv, json_lines or camt053; by the end of its name, if it isn't said.
    #[arg(long)]
    format: Option<Format>,
    /// Only tells what it would bring, and what is wrong with it.
    #[arg(long)]
    dry_run: bool,
    /// The import in whose place it comes.
    #[arg(long, value_name = "IMPORT")]
    replaces: Option<i64>,
    #[command(flatten)]
    write: Write,
}

/// Lists the files that were imported, the newest first.
#[derive(Debug, Parser)]
pub(super) struct List {
    /// The book's number.
    book: u32,
    #[command(flatten)]
    listed: Listed,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let format = match self.format {
            Some(format) => format,
            None => by_name(&self.file)?,
        };
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut path = format!("{}?format={format}", of_book(self.book, "imports"));
        if let Some(name) = name {
            path.push_str(&format!("&name={}", encode(&name)));
        }
        if self.dry_run {
            path.push_str("&dry_run=true");
        }
        if let Some(replaces) = self.replaces {
            path.push_str(&format!("&replaces={replaces}"));
        }
        let api = self.write.output.service.client()?;
        let answer = match api.upload(&path, &self.write.key(), &self.file).await {
            Ok(answer) => answer,
            Err(error) => {
                if let Some(Refused(problem)) = error.downcast_ref() {
                    if !problem.problems.is_empty() {
                        eprintln!("{}", render::problems(&problem.problems));
                    }
                }
                return Err(error);
            }
        };
        let report: ImportReport = answer.json().await?;
        self.write.output.print(&report, render::report)
    }
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.listed
            .show(&of_book(self.book, "imports"), &[], |page: &ImportPage| {
                render::imports(&page.imports)
            })
            .await
    }
}

fn by_name(file: &Path) -> anyhow::Result<Format> {
    let end = file.extension().map(|end| end.to_string_lossy().to_lowercase());
    match end.as_deref() {
        Some("csv" | "txt") => Ok(Format::Csv),
        Some("jsonl" | "ndjson") => Ok(Format::JsonLines),
        Some("xml") => Ok(Format::Camt053),
        _ => None.with_context(|| format!("say how {} is written: --format csv", file.display())),
    }
}
