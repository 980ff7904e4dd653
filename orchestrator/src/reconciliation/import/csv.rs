//! CSV (RFC 4180), by the map of columns in the configuration. The first line names the columns; others than those of the map
//! are passed over.
use std::io::{self, BufRead, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{
    fields,
    source::{self, Place},
    BadLine, Item, Layout, Reading, Sink, Stopped, MAX_LINE,
};
use crate::{reconciliation::line::Line, store::books::OwnLine};

/// Where the columns of a layout stand, from 0.
struct Columns {
    /// How many there are.
    count: usize,
    id: usize,
    amount: usize,
    date: usize,
    time: Option<usize>,
    payer: Option<usize>,
    asset: Option<usize>,
}

pub(super) fn read(mut source: impl BufRead, reading: &Reading, sink: &mut Sink<'_>) -> Result<(), Stopped> {
    if let Err(bad) = source::begin(&mut source) {
        return sink(Item::Bad(bad));
    }
    let delimiter = u8::try_from(reading.layout.delimiter).unwrap_or(b',');
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(Lines::new(source));
    let mut record = ByteRecord::new();
    let columns = match next(&mut reader, &mut record) {
        Ok(true) => Columns::find(&record, &reading.layout),
        Ok(false) => Err(Place::start().bad("the file is empty: the first line names the columns")),
        Err(bad) => Err(bad),
    };
    let columns = match columns {
        Ok(columns) => columns,
        Err(bad) => return sink(Item::Bad(bad)),
    };
    loop {
        match next(&mut reader, &mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => sink(match line(&record, &columns, reading) {
                Ok(line) => Item::Line(line),
                Err(bad) => Item::Bad(bad),
            })?,
            // Where the next record begins can't be told.
            Err(bad) => return sink(Item::Bad(bad)),
        }
    }
}

/// Hands a file on line by line, as the reader asks: it asks for a line only when it is done with the one before. So it is
/// known on which line a record begins, whatever blank lines are before it.
struct Lines<R> {
    source: R,
    /// The line that is handed on, and how much of it was.
    line: Vec<u8>,
    handed: usize,
    /// How many lines were read.
    count: u64,
    /// Whether the next line begins a record.
    begins: bool,
    /// On which line the latest record begins.
    start: u64,
    /// How many bytes the record may still have.
    left: usize,
    /// How many quotes it has.
    quotes: usize,
    /// Whether the file is over, and whether its last line ends.
    is_over: bool,
    ends: bool,
}

impl<R: BufRead> Lines<R> {
    const fn new(source: R) -> Self {
        Self {
            source,
            line: Vec::new(),
            handed: 0,
            count: 0,
            begins: true,
            start: 1,
            left: MAX_LINE,
            quotes: 0,
            is_over: false,
            ends: true,
        }
    }

    /// A record begins with the next line.
    const fn begin(&mut self) {
        self.begins = true;
        self.left = MAX_LINE;
        self.quotes = 0;
    }

    /// Fetches the next line; the next that isn't blank, where a record begins.
    fn fetch(&mut self) -> io::Result<()> {
        loop {
            self.line.clear();
            self.handed = 0;
            let most = u64::try_from(self.left).unwrap_or(u64::MAX).saturating_add(1);
            if self.source.by_ref().take(most).read_until(b'\n', &mut self.line)? == 0 {
                self.is_over = true;
                return Ok(());
            }
            self.left = self
                .left
                .checked_sub(self.line.len())
                .ok_or_else(|| io::Error::other(source::too_long()))?;
            self.count = self.count.saturating_add(1);
            self.ends = self.line.ends_with(b"\n");
            if self.line.ends_with(b"\r\n") {
                self.line.truncate(self.line.len().saturating_sub(2));
                self.line.push(b'\n');
            }
            if self.begins && self.line.iter().all(|byte| *byte == b'\n') {
                continue;
            }
            if self.begins {
                self.begins = false;
                self.start = self.count;
            }
            let quotes = self.line.iter().filter(|byte| **byte == b'"').count();
            self.quotes = self.quotes.saturating_add(quotes);
            return Ok(());
        }
    }
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.handed >= self.line.len() {
            self.fetch()?;
        }
        let mut rest = self.line.get(self.handed..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.handed = self.handed.saturating_add(read);
        Ok(read)
    }
}

/// Reads the next record; whether there was one.
fn next<R: BufRead>(reader: &mut Reader<Lines<R>>, record: &mut ByteRecord) -> Result<bool, BadLine> {
    reader.get_mut().begin();
    let read = reader.read_byte_record(record);
    let lines = reader.get_ref();
    let start = Place {
        line: if lines.begins {
            lines.count.saturating_add(1)
        } else {
            lines.start
        },
        column: 1,
    };
    let is_there = read.map_err(|error| match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::Other => start.bad(error.to_string()),
        csv::ErrorKind::Io(error) => start.bad(source::broke_off(&error)),
        other => start.bad(format!("{other:?}")),
    })?;
    let mut position = csv::Position::new();
    position.set_line(start.line);
    record.set_position(Some(position));
    // A quote that is never closed takes the rest of the file into its column.
    let last = record.len().checked_sub(1).and_then(|last| record.get(last));
    let swallowed = last.is_some_and(|last| last.contains(&b'\n')) || !lines.ends;
    if is_there && lines.is_over && lines.quotes % 2 == 1 && swallowed {
        return Err(at(record, record.len()).bad("a quote isn't closed: is the file complete?"));
    }
    Ok(is_there)
}

/// A record's column, from 1.
fn at(record: &ByteRecord, column: usize) -> Place {
    Place {
        line: record.position().map_or(1, csv::Position::line),
        column: u64::try_from(column).unwrap_or(1).max(1),
    }
}

impl Columns {
    fn find(header: &ByteRecord, layout: &Layout) -> Result<Self, BadLine> {
        let mut names = Vec::with_capacity(header.len());
        for (column, name) in header.iter().enumerate() {
            let place = at(header, column.saturating_add(1));
            names.push(std::str::from_utf8(name).map_err(|_| place.bad(not_utf8()))?.trim());
        }
        let find = |wanted: &str| {
            let mut found = (0..)
                .zip(&names)
                .filter(|(_, name)| **name == wanted)
                .map(|(column, _)| column);
            let first: usize = found.next().ok_or_else(|| {
                at(header, 1).bad(format!(
                    "there is no column {wanted:?}: the configuration names it, and the file has {}",
                    names.join(", ")
                ))
            })?;
            match found.next() {
                None => Ok(first),
                Some(second) => Err(at(header, second.saturating_add(1)).bad(format!(
                    "column {wanted:?} is there twice, as column {} before: which one is meant can't be told",
                    first.saturating_add(1)
                ))),
            }
        };
        let find_optional = |wanted: &Option<String>| wanted.as_deref().map(find).transpose();
        Ok(Self {
            count: names.len(),
            id: find(&layout.id)?,
            amount: find(&layout.amount)?,
            date: find(&layout.date)?,
            time: find_optional(&layout.time)?,
            payer: find_optional(&layout.payer)?,
            asset: find_optional(&layout.asset)?,
        })
    }
}

fn line(record: &ByteRecord, columns: &Columns, reading: &Reading) -> Result<OwnLine, BadLine> {
    if record.len() != columns.count {
        let column = record.len().min(columns.count);
        return Err(at(record, column).bad(format!(
            "the line has {} columns, and the first line names {}: is the file complete, and is {:?} what stands between columns?",
            record.len(),
            columns.count,
            reading.layout.delimiter
        )));
    }
    for (column, field) in record.iter().enumerate() {
        if std::str::from_utf8(field).is_err() {
            return Err(at(record, column.saturating_add(1)).bad(not_utf8()));
        }
    }
    let layout = &reading.layout;
    let text = |column: usize| {
        let field = record.get(column).unwrap_or_default();
        (
            std::str::from_utf8(field).unwrap_or_default(),
            at(record, column.saturating_add(1)),
        )
    };
    let (id, id_at) = text(columns.id);
    let (amount, amount_at) = text(columns.amount);
    let (date, date_at) = text(columns.date);
    let day = fields::day(date, &layout.date_format, reading).map_err(|why| date_at.bad(why))?;
    let time = columns.time.map(|column| {
        let (time, at) = text(column);
        fields::time(time, &layout.time_format, day, reading).map_err(|why| at.bad(why))
    });
    let asset = columns.asset.map(|column| {
        let (asset, at) = text(column);
        fields::asset(asset, reading).map_err(|why| at.bad(why))
    });
    Ok(OwnLine {
        line: Line {
            trade: fields::id(id).map_err(|why| id_at.bad(why))?,
            number: at(record, 1).line,
            day,
            amount: fields::decimal(amount, layout.decimal_point, layout.decimals).map_err(|why| amount_at.bad(why))?,
            asset: asset.transpose()?.unwrap_or(reading.asset),
            payer: columns.payer.and_then(|column| fields::payer(text(column).0)),
            time: time.transpose()?.flatten(),
        },
        reference: Some(id.trim().to_owned()),
        import: None,
    })
}

fn not_utf8() -> &'static str {
    "this isn't UTF-8: save the file as UTF-8"
}
