//! Files become lines of the institution's own book: all of a file or nothing of it, and each file once.
use std::{
    io::{BufReader, Read},
    path::PathBuf,
};

use protocol::reconciliation::BookId;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{Books, BooksError};
use crate::{
    reconciliation::import::{self, Format, Item, Reading, Report, Stopped},
    store::books::{ImportRow, Imported, NewImport, OwnLine},
};

/// How many lines go to the database at once.
const CHUNK: usize = 1_000;
/// How many chunks may wait: the reader waits for the database.
const WAITING: usize = 4;
/// How much of a file is read at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// A file to be imported, as it stands on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Where it stands.
    pub path: PathBuf,
    /// What people call it.
    pub name: String,
    /// How it is written.
    pub format: Format,
    /// Who imports it.
    pub by: String,
    /// Whether it is only looked at.
    pub is_dry_run: bool,
    /// The import in whose place it comes.
    pub replaces: Option<i64>,
}

impl Books {
    /// Imports a file into the own book. The same file twice is the same import. A dry run reports what is wrong, and changes
    /// nothing.
    ///
    /// # Errors
    /// Something is wrong with the file: the report says what and where. This institution is no side of the book. What is to
    /// be replaced can't be. Nothing is changed.
    pub async fn import(&self, book: BookId, upload: Upload) -> Result<Report, BooksError> {
        let (known, side) = self.own(book).await?;
        let reading = Reading {
            layout: self.settings(book).files,
            side,
            asset: known.terms.asset,
            clocks: Self::clocks(&known)?,
            closed_through: known.closed_through,
        };
        let digest = digest(upload.path.clone()).await?;
        if let Some(import) = self.store.import_of(book, &digest).await? {
            return Ok(again(upload, import));
        }

        let (chunks, mut coming) = mpsc::channel(WAITING);
        let file = upload.clone();
        let reader = tokio::task::spawn_blocking(move || read(&file, &reading, &chunks));
        let mut staging = match upload.is_dry_run {
            true => None,
            false => Some(self.store.stage_import().await?),
        };
        let mut staged = Ok(());
        while let Some(chunk) = coming.recv().await {
            if let Some(staging) = &mut staging {
                staged = staging.add(&chunk).await;
                if staged.is_err() {
                    // The reader hears it at its next chunk.
                    break;
                }
            }
        }
        drop(coming);
        staged?;
        let mut report = reader
            .await
            .map_err(|error| BooksError::Unreadable(error.to_string()))??;
        report.digest = digest;
        let Some(staging) = staging else { return Ok(report) };
        if !report.is_in_order() {
            staging.abandon().await?;
            return Err(BooksError::BadFile(Box::new(report)));
        }
        let days = report.days.keys().next().zip(report.days.keys().next_back());
        let new = NewImport {
            book,
            name: upload.name.clone(),
            format: upload.format,
            digest,
            total: report.total,
            days: days.map(|(first, last)| (*first, *last)),
            by: upload.by.clone(),
            at: self.now(),
            replaces: upload.replaces,
        };
        match staging.commit(&new).await? {
            Imported::Booked(import) => {
                self.changed();
                report.import = Some(import);
                Ok(report)
            }
            Imported::Known(import) => Ok(again(upload, import)),
            cannot => Err(why_not(book, upload.replaces.unwrap_or_default(), &cannot)),
        }
    }
}

fn why_not(book: BookId, import: i64, cannot: &Imported) -> BooksError {
    match *cannot {
        Imported::ReplacedBy(by) => BooksError::AlreadyReplaced { import, by },
        Imported::Final(day) => BooksError::DayFinal { import, day },
        _ => BooksError::UnknownImport { book, import },
    }
}

/// The report of a file that was imported before.
fn again(upload: Upload, import: ImportRow) -> Report {
    let mut report = Report::new(upload.name, upload.format, upload.is_dry_run);
    report.digest = import.digest;
    report.lines = import.lines;
    report.total = import.total;
    report.is_known = true;
    report.import = Some(import);
    report
}

async fn digest(path: PathBuf) -> Result<[u8; 32], BooksError> {
    let hash = move || -> std::io::Result<[u8; 32]> {
        let mut file = std::fs::File::open(path)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(hash.finalize().into());
            }
            hash.update(buffer.get(..read).unwrap_or_default());
        }
    };
    let hashed = tokio::task::spawn_blocking(hash).await;
    hashed
        .map_err(|error| BooksError::Unreadable(error.to_string()))?
        .map_err(|error| BooksError::Unreadable(error.to_string()))
}

/// Reads a file, hands its lines over in chunks as long as nothing is wrong, and reports.
fn read(upload: &Upload, reading: &Reading, chunks: &mpsc::Sender<Vec<OwnLine>>) -> Result<Report, BooksError> {
    let file = std::fs::File::open(&upload.path).map_err(|error| BooksError::Unreadable(error.to_string()))?;
    let source = BufReader::with_capacity(BUFFER, file);
    let mut report = Report::new(upload.name.clone(), upload.format, upload.is_dry_run);
    let mut chunk = Vec::with_capacity(CHUNK);
    let outcome = import::read(source, upload.format, reading, &mut |item| {
        report.note(&item);
        if let (Item::Line(line), true) = (item, report.is_in_order()) {
            chunk.push(line);
            if chunk.len() >= CHUNK {
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
                return chunks.blocking_send(full).map_err(|_| Stopped);
            }
        }
        Ok(())
    });
    let handed_over = match outcome {
        Ok(()) if !chunk.is_empty() => chunks.blocking_send(chunk).is_ok(),
        Ok(()) => true,
        Err(Stopped) => false,
    };
    if handed_over || !report.is_in_order() {
        Ok(report)
    } else {
        Err(BooksError::NotYet("the database doesn't take more lines"))
    }
}
