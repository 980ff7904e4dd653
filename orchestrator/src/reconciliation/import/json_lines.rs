//! JSON lines: an object for each line, such as
//! `{"id":"INV-1","amount":"1250","date":"2026-11-25","time":"2026-11-25T10:30:00+01:00","payer":"4711","asset":"EUR"}`.
//! `time`, `payer` and `asset` may be left out.
use std::io::BufRead;

use serde::Deserialize;

use super::{
    fields,
    source::{self, next_line, Got, Place},
    BadLine, Item, Reading, Sink, Stopped,
};
use crate::{reconciliation::line::Line, store::books::OwnLine};

/// A line as it stands in the file. Amounts are strings: numbers of JSON lose digits.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    amount: String,
    date: String,
    time: Option<String>,
    payer: Option<String>,
    asset: Option<String>,
}

pub(super) fn read(mut source: impl BufRead, reading: &Reading, sink: &mut Sink<'_>) -> Result<(), Stopped> {
    if let Err(bad) = source::begin(&mut source) {
        return sink(Item::Bad(bad));
    }
    let mut place = Place::start();
    let mut bytes = Vec::new();
    loop {
        match next_line(&mut source, &mut bytes) {
            Ok(Got::End) => return Ok(()),
            Ok(Got::TooLong) => sink(Item::Bad(place.bad(source::too_long())))?,
            Ok(Got::Line) if bytes.iter().all(u8::is_ascii_whitespace) => {}
            Ok(Got::Line) => sink(match line(&bytes, place, reading) {
                Ok(line) => Item::Line(line),
                Err(bad) => Item::Bad(bad),
            })?,
            Err(error) => return sink(Item::Bad(place.bad(source::broke_off(&error)))),
        }
        place.line = place.line.saturating_add(1);
    }
}

fn line(bytes: &[u8], place: Place, reading: &Reading) -> Result<OwnLine, BadLine> {
    let text = source::text(bytes, place)?;
    let written: Written = serde_json::from_str(text).map_err(|error| {
        let column = u64::try_from(error.column()).unwrap_or(1).max(1);
        Place { column, ..place }.bad(plain(&error))
    })?;
    // Where a value stands: behind its name.
    let at = |name: &str| {
        let start = text.find(&format!("\"{name}\"")).unwrap_or_default();
        let (before, _) = text.split_at_checked(start).unwrap_or_default();
        place.after(before.as_bytes())
    };
    let day = fields::open_day(&written.date, reading).map_err(|why| at("date").bad(why))?;
    let time = written
        .time
        .as_deref()
        .map(|time| fields::moment(time, reading))
        .transpose();
    let asset = written
        .asset
        .as_deref()
        .map(|name| fields::asset(name, reading))
        .transpose();
    Ok(OwnLine {
        line: Line {
            trade: fields::id(&written.id).map_err(|why| at("id").bad(why))?,
            number: place.line,
            day,
            amount: fields::integer(&written.amount).map_err(|why| at("amount").bad(why))?,
            asset: asset.map_err(|why| at("asset").bad(why))?.unwrap_or(reading.asset),
            payer: written.payer.as_deref().and_then(fields::payer),
            time: time.map_err(|why| at("time").bad(why))?,
        },
        reference: Some(written.id.trim().to_owned()),
        import: None,
    })
}

/// What is wrong, without the place: that is told beside it, by the file's lines.
fn plain(error: &serde_json::Error) -> String {
    let told = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let told = told.strip_suffix(&place).unwrap_or(&told);
    format!("this is no line of a book: {told}")
}
