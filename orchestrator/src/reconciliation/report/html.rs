//! A report as one page of HTML that a person reads and prints: no scripts, nothing from elsewhere.
use std::{
    fmt::{self, Display},
    io::{self, Write},
};

use protocol::{
    reconciliation::{Day, Kind, Side},
    text::to_hex,
    Amount,
};

use super::{
    csv::{booked, moment},
    draw::Form,
    Booked, Corrected, EntryLine, EntryPage, Head, Said, Totals,
};
use crate::{
    assets::AssetName,
    chain::deployment::to_ss58,
    reconciliation::{line::Line, schedule},
};

const STYLE: &str = include_str!("report.css");

/// Writes one page.
#[derive(Debug, Default)]
pub struct Html {
    to: Vec<u8>,
    day: Option<Day>,
    /// The table that is open.
    table: Option<&'static str>,
}

impl Html {
    fn fact(&mut self, name: &str, value: &dyn Display) -> io::Result<()> {
        writeln!(self.to, "<dt>{}</dt><dd>{}</dd>", Escaped(&name), Escaped(value))
    }

    fn table(&mut self, title: &'static str) -> io::Result<()> {
        if self.table == Some(title) {
            return Ok(());
        }
        self.close_table()?;
        self.table = Some(title);
        writeln!(
            self.to,
            "<h2>{title}</h2>\n<table>\n<thead><tr><th>Trade</th><th>Payer</th><th>Paid</th><th class=\"n\">Chain</th>\
             <th class=\"n\">Debit side</th><th class=\"n\">Credit side</th><th>Status</th><th>Block and event</th></tr></thead>\n\
             <tbody>"
        )
    }

    fn close_table(&mut self) -> io::Result<()> {
        if self.table.take().is_some() {
            writeln!(self.to, "</tbody>\n</table>")?;
        }
        Ok(())
    }

    fn row(&mut self, line: &EntryLine) -> io::Result<()> {
        let entry = &line.entry;
        let status = line.status.word();
        writeln!(
            self.to,
            "<tr class=\"{status}\"><td class=\"id\">{}</td><td class=\"id\">{}</td><td>{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td>{status}</td><td class=\"id\" title=\"{}\">{} / {}</td></tr>",
            entry.entry.trade,
            entry.entry.payer,
            moment(entry.entry.time),
            grouped(entry.entry.amount),
            said(&line.debit),
            said(&line.credit),
            to_hex(&entry.block_hash),
            entry.block,
            entry.event,
        )?;
        for corrected in &line.corrections {
            let text = self.correction(corrected);
            writeln!(
                self.to,
                "<tr class=\"detail\"><td colspan=\"8\">{}</td></tr>",
                Escaped(&text)
            )?;
        }
        Ok(())
    }

    fn correction(&self, corrected: &Corrected) -> String {
        let Corrected { correction, before, at } = corrected;
        let causes: Vec<String> = correction
            .causes
            .iter()
            .map(|cause| cause_text(cause.kind, cause.side))
            .collect();
        let amount = |amount: Option<Amount>| amount.map_or_else(|| "nothing".to_owned(), grouped);
        let mut text = format!(
            "Correction {} of this entry, in block {}, event {}: {}. The debit side had {}, the credit side {}, the chain {}; \
             right is {}.",
            u64::from(correction.number).saturating_add(1),
            at.block,
            at.event,
            causes.join(", "),
            amount(correction.debit),
            amount(correction.credit),
            amount(*before),
            grouped(correction.amount),
        );
        if self.day.is_some_and(|day| correction.day > day) {
            let day = schedule::write(correction.day);
            text.push_str(&format!(" It was made after this day was closed, and counts on {day}."));
        }
        text
    }
}

impl Form for Html {
    fn head(&mut self, head: &Head) -> io::Result<()> {
        self.day = Some(head.day);
        let Head {
            terms, record, closed, ..
        } = head;
        writeln!(
            self.to,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>Reconciliation of book {book}, {date}</title>\n<style>\n{STYLE}</style>\n\
             </head>\n<body>\n<h1>Reconciliation of {date}</h1>\n<p>Book {book}: what member {debit} owes member {credit} for \
             what customers paid, as member {client} recorded it.</p>\n<dl>",
            book = head.book.0,
            date = Escaped(&head.date),
            debit = terms.debit,
            credit = terms.credit,
            client = terms.client,
        )?;
        self.fact("Asset", &AssetName(terms.asset))?;
        self.fact("Days begin in", &String::from_utf8_lossy(&terms.zone))?;
        self.fact("Entries that agree", &record.entries)?;
        self.fact("Corrections", &record.corrections)?;
        self.fact("Total", &grouped_signed(record.total))?;
        self.fact("Payable", &grouped(closed.payable))?;
        if closed.carried != 0 {
            self.fact("Left for the next day", &grouped_signed(closed.carried))?;
        }
        let by = if closed.is_default {
            "one side alone, because the other didn't sign in time"
        } else {
            "both sides"
        };
        self.fact("Closed", &format!("{}, by {by}", moment(closed.at)))?;
        let paid = match (closed.payable, head.paid_by) {
            (0, _) => "nothing was to be paid".to_owned(),
            (_, Some(voucher)) => format!("through clearing, by voucher {voucher}"),
            (_, None) => "not yet, as far as it is known here".to_owned(),
        };
        self.fact("Paid", &paid)?;
        writeln!(self.to, "</dl>\n<h2>Evidence</h2>\n<dl class=\"id\">")?;
        self.fact("Closing", &to_hex(&closed.id))?;
        let at = &head.closed_in;
        let place = format!("block {}, event {}, {}", at.block, at.event, to_hex(&at.block_hash));
        self.fact("Told of in", &place)?;
        self.fact("As of", &format!("block {}, {}", head.at.block, to_hex(&head.at.hash)))?;
        self.fact("Contract", &to_ss58(&head.contract))?;
        self.fact("Chain's genesis", &to_hex(&head.genesis))?;
        self.fact("Debit side's book", &to_hex(&head.closing.debit_book))?;
        self.fact("Credit side's book", &to_hex(&head.closing.credit_book))?;
        writeln!(
            self.to,
            "</dl>\n<p class=\"note\">Amounts are in the asset's smallest unit. The same report as JSON proves each line: \
             <code>quittance audit report FILE --url ws://…</code> checks it against the chain and believes nobody else.</p>\n\
             <label class=\"screen\"><input type=\"checkbox\" id=\"only\"> Show only what was corrected</label>"
        )
    }

    fn earlier(&mut self, page: &EntryPage) -> io::Result<()> {
        self.table("Entries of earlier days, corrected on this day")?;
        page.entries.iter().try_for_each(|line| self.row(line))
    }

    fn entries(&mut self, page: &EntryPage) -> io::Result<()> {
        self.table("Entries")?;
        page.entries.iter().try_for_each(|line| self.row(line))
    }

    fn lines(&mut self, _: Side, _: &[Line]) -> io::Result<()> {
        self.close_table()
    }

    fn end(&mut self, totals: &Totals) -> io::Result<()> {
        self.close_table()?;
        writeln!(self.to, "<h2>Sums</h2>\n<dl>")?;
        let sum = |count: u64, amount: Amount| format!("{} in {count}", grouped(amount));
        self.fact("Entries of the day", &sum(totals.entries, totals.amount))?;
        self.fact("Corrections of earlier days", &grouped_signed(totals.earlier))?;
        self.fact("Later corrections", &grouped_signed(totals.later))?;
        self.fact("Debit side's book", &sum(totals.debit_lines, totals.debit))?;
        self.fact("Credit side's book", &sum(totals.credit_lines, totals.credit))?;
        writeln!(self.to, "</dl>\n</body>\n</html>")
    }

    fn take(&mut self) -> io::Result<Vec<u8>> {
        Ok(std::mem::take(&mut self.to))
    }
}

fn said(said: &Said) -> String {
    match (said.booked, said.amount) {
        (Booked::Line, Some(amount)) => grouped(amount),
        (Booked::Lines, Some(amount)) => format!("{} in several", grouped(amount)),
        (other, _) => booked(other).to_owned(),
    }
}

/// What was wrong, in words.
fn cause_text(kind: Kind, side: Side) -> String {
    let at = match side {
        Side::Debit => "at the debit side",
        Side::Credit => "at the credit side",
        Side::Chain => "on the chain",
    };
    let what = match kind {
        Kind::Missing => "missing",
        Kind::Amount => "another amount",
        Kind::Asset => "another asset",
        Kind::Payer => "another payer",
        Kind::Duplicate => "booked more than once",
        Kind::WrongDay => "booked on another day",
        Kind::AlteredId => "booked under another id",
    };
    format!("{what} {at}")
}

/// Digits in threes: `1 234 567`, with spaces that don't break.
fn grouped(amount: Amount) -> String {
    let digits = amount.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

fn grouped_signed(amount: i128) -> String {
    let sign = if amount < 0 { "\u{2212}" } else { "" };
    format!("{sign}{}", grouped(amount.unsigned_abs()))
}

/// Text in which nothing is taken for markup.
struct Escaped<'a, T: ?Sized>(&'a T);

impl<T: Display + ?Sized> Display for Escaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.to_string().chars() {
            match character {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_markup_is_text() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(12), "12");
        assert_eq!(grouped_signed(-1_000), "\u{2212}1\u{202f}000");
        assert_eq!(
            Escaped("<a href=\"x\">&'").to_string(),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"
        );
    }
}
