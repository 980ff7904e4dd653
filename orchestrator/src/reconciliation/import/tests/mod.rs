#![allow(clippy::unwrap_used)]
use std::io::{self, BufReader, Read};

use protocol::{
    reconciliation::{Day, Side},
    settlement::Asset,
    AccountId, TradeId,
};

use super::*;
use crate::reconciliation::{line::Line, schedule};

mod camt;
mod csv;
mod json_lines;

const EURO: Asset = Asset::Psp22(AccountId([0xee; 32]));

pub fn reading() -> Reading {
    Reading {
        layout: Layout {
            delimiter: ';',
            id: "Reference".into(),
            amount: "Amount".into(),
            decimals: 2,
            decimal_point: ',',
            date: "Booked".into(),
            date_format: "%d.%m.%Y".into(),
            time: Some("Time".into()),
            time_format: "%H:%M".into(),
            payer: Some("Customer".into()),
            asset: Some("Currency".into()),
            assets: [("EUR".to_owned(), AssetName(EURO))].into(),
        },
        side: Side::Credit,
        asset: Asset::Native,
        clocks: Clocks::of(b"Europe/Berlin").unwrap(),
        closed_through: Some(day("2026-11-20")),
    }
}

pub fn day(text: &str) -> Day {
    schedule::read(text).unwrap()
}

pub fn at(text: &str) -> protocol::Timestamp {
    let moment: jiff::Timestamp = text.parse().unwrap();
    moment.as_millisecond().try_into().unwrap()
}

/// Everything that comes out of a file.
pub fn all(source: impl Read, format: Format) -> Vec<Item> {
    let mut items = Vec::new();
    let read = read(BufReader::with_capacity(64, source), format, &reading(), &mut |item| {
        items.push(item);
        Ok(())
    });
    assert!(read.is_ok());
    items
}

pub fn lines(source: impl AsRef<[u8]>, format: Format) -> Vec<Line> {
    let line = |item| match item {
        Item::Line(own) => own.line,
        other => panic!("{other:?}"),
    };
    all(source.as_ref(), format).into_iter().map(line).collect()
}

/// The only thing that is wrong with a file: where, and that it says this.
pub fn wrong(source: impl AsRef<[u8]>, format: Format, place: (u64, u64), says: &str) {
    let items = all(source.as_ref(), format);
    let bad: Vec<&BadLine> = items
        .iter()
        .filter_map(|item| match item {
            Item::Bad(bad) => Some(bad),
            _ => None,
        })
        .collect();
    let [bad] = bad.as_slice() else { panic!("{items:?}") };
    assert_eq!((bad.line, bad.column), place, "{bad:?}");
    assert!(bad.problem.contains(says), "{bad:?}");
}

/// A gigabyte of one letter after a beginning: it is made while it is read, and how much was read is counted.
pub struct Endless<'a> {
    begin: &'a [u8],
    left: usize,
    pub read: usize,
}

impl<'a> Endless<'a> {
    pub fn new(begin: &'a str) -> Self {
        Self {
            begin: begin.as_bytes(),
            left: 1 << 30,
            read: 0,
        }
    }
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = if self.begin.is_empty() {
            let some = buffer.len().min(self.left);
            buffer[..some].fill(b'7');
            self.left -= some;
            some
        } else {
            self.begin.read(buffer)?
        };
        self.read += read;
        Ok(read)
    }
}

/// Reads a gigabyte, and holds no more of it at once than a line may have.
pub fn too_long(begin: &str, format: Format, place: (u64, u64)) -> usize {
    let mut source = Endless::new(begin);
    let mut items = Vec::new();
    let buffered = BufReader::with_capacity(1 << 16, &mut source);
    let read = read(buffered, format, &reading(), &mut |item| {
        items.push(item);
        Ok(())
    });
    assert!(read.is_ok());
    let Some(Item::Bad(bad)) = items.last() else {
        panic!("{items:?}")
    };
    assert_eq!((bad.line, bad.column), place, "{bad:?}");
    assert!(bad.problem.contains("longer than 1048576 bytes"), "{bad:?}");
    source.read
}

#[test]
fn a_report_names_the_first_thousand_lines_that_are_wrong_and_counts_the_others() {
    let mut report = Report::new("book.csv".into(), Format::JsonLines, true);
    let file = "{}\n".repeat(MAX_TOLD + 7);
    let read = read(file.as_bytes(), Format::JsonLines, &reading(), &mut |item| {
        report.note(&item);
        Ok(())
    });
    assert!(read.is_ok());
    assert_eq!((report.problems.len(), report.more_problems), (MAX_TOLD, 7));
    assert!(report.summary().contains("and 1006 more"), "{}", report.summary());
    assert!(!report.is_in_order());
}

#[test]
fn what_a_file_comes_to_must_be_an_amount() {
    let line = |amount: u128| format!("{{\"id\":\"a\",\"amount\":\"{amount}\",\"date\":\"2026-11-25\"}}\n");
    let mut report = Report::new("book".into(), Format::JsonLines, true);
    let file = line(u128::MAX) + &line(1);
    let read = read(file.as_bytes(), Format::JsonLines, &reading(), &mut |item| {
        report.note(&item);
        Ok(())
    });
    assert!(read.is_ok());
    assert_eq!(report.problems[0].line, 2);
    assert_eq!(report.total, u128::MAX);
}

#[test]
fn a_layout_that_can_tell_nothing_apart_is_refused() {
    assert_eq!(Layout::default().check(), Ok(()));
    assert_eq!(reading().layout.check(), Ok(()));
    let faults: [fn(&mut Layout); 5] = [
        |layout| layout.delimiter = '"',
        |layout| layout.delimiter = 'ü',
        |layout| layout.decimal_point = '1',
        |layout| layout.decimals = 31,
        |layout| layout.id.clear(),
    ];
    for fault in faults {
        let mut layout = Layout::default();
        fault(&mut layout);
        assert!(layout.check().is_err(), "{layout:?}");
    }
}

pub fn trade(text: &str) -> TradeId {
    TradeId::of(text)
}
