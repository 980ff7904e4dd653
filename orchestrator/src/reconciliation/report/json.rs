//! A report as JSON: with all proofs, for `quittance audit report`.
use std::io::{self, Write};

use protocol::reconciliation::Side;
use serde::Serialize;

use super::{draw::Form, EntryPage, Head, Totals, FORMAT};
use crate::reconciliation::line::Line;

/// The lists, in the order that they stand in.
const LISTS: [&str; 4] = ["earlier", "entries", "debit", "credit"];

/// Writes one document, part by part.
#[derive(Debug, Default)]
pub struct Json {
    to: Vec<u8>,
    /// The list that is open, of [`LISTS`], and whether there is something in it.
    list: Option<(usize, bool)>,
}

impl Json {
    fn item(&mut self, list: usize, item: &impl Serialize) -> io::Result<()> {
        self.open(list)?;
        if let Some((_, has_items)) = &mut self.list {
            if std::mem::replace(has_items, true) {
                self.to.write_all(b",")?;
            }
        }
        self.to.write_all(b"\n")?;
        serde_json::to_writer(&mut self.to, item)?;
        Ok(())
    }

    /// Closes what is open until this list is.
    fn open(&mut self, list: usize) -> io::Result<()> {
        loop {
            let next = match self.list {
                Some((open, _)) if open >= list => return Ok(()),
                Some((open, _)) => {
                    self.to.write_all(b"]")?;
                    open.saturating_add(1)
                }
                None => 0,
            };
            let name = LISTS.get(next).copied().unwrap_or_default();
            write!(self.to, ",\n\"{name}\":[")?;
            self.list = Some((next, false));
        }
    }
}

impl Form for Json {
    fn head(&mut self, head: &Head) -> io::Result<()> {
        write!(self.to, "{{\"format\":\"{FORMAT}\",\n\"head\":")?;
        serde_json::to_writer(&mut self.to, head)?;
        Ok(())
    }

    fn earlier(&mut self, page: &EntryPage) -> io::Result<()> {
        self.item(0, page)
    }

    fn entries(&mut self, page: &EntryPage) -> io::Result<()> {
        self.item(1, page)
    }

    fn lines(&mut self, side: Side, page: &[Line]) -> io::Result<()> {
        match side {
            Side::Debit => self.item(2, &page),
            Side::Credit => self.item(3, &page),
            Side::Chain => Ok(()),
        }
    }

    fn end(&mut self, totals: &Totals) -> io::Result<()> {
        self.open(3)?;
        self.to.write_all(b"],\n\"totals\":")?;
        serde_json::to_writer(&mut self.to, totals)?;
        self.to.write_all(b"}\n")
    }

    fn take(&mut self) -> io::Result<Vec<u8>> {
        Ok(std::mem::take(&mut self.to))
    }
}
