//! CSV (RFC 4180), by the map of columns in the configuration. The first line names the columns; others than those of the map
//! are passed over.
use std::io::BufRead;

use csv::{ByteRecord, Reader, ReaderBuilder};

use self::metered::Metered;
use super::{
    fields,
    source::{self, Place},
    BadLine, Item, Layout, Reading, Sink, Stopped,
};
use crate::{reconciliation::line::Line, store::books::OwnLine};

mod metered;

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
        .from_reader(Metered::new(source));
    let (mut record, mut last) = (ByteRecord::new(), ByteRecord::new());
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
            // A quote that is never closed takes the rest of the file into its column.
            Ok(false) if reader.get_ref().ends_in_quotes(last.iter().last()) => {
                return sink(Item::Bad(
                    at(&last, last.len()).bad("a quote isn't closed: is the file complete?"),
                ));
            }
            Ok(false) => return Ok(()),
            Ok(true) => {
                sink(match line(&record, &columns, reading) {
                    Ok(line) => Item::Line(line),
                    Err(bad) => Item::Bad(bad),
                })?;
                std::mem::swap(&mut record, &mut last);
            }
            // Where the next record begins can't be told.
            Err(bad) => return sink(Item::Bad(bad)),
        }
    }
}

/// Reads the next record; whether there was one.
fn next<R: BufRead>(reader: &mut Reader<Metered<R>>, record: &mut ByteRecord) -> Result<bool, BadLine> {
    let start = reader.position().byte();
    reader.get_mut().refill();
    let outcome = reader.read_byte_record(record);
    let line = reader.get_mut().line_at(start);
    let place = Place { line, column: 1 };
    let is_there = outcome.map_err(|error| match error.kind() {
        csv::ErrorKind::Io(_) if reader.get_ref().is_spent() => place.bad(source::too_long()),
        csv::ErrorKind::Io(error) => place.bad(source::broke_off(error)),
        _ => place.bad(error.to_string()),
    })?;
    // The reader's own count passes empty lines over.
    if let Some(mut position) = record.position().cloned() {
        position.set_line(line);
        record.set_position(Some(position));
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
