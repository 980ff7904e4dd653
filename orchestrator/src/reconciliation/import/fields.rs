//! What stands in files, as values: each refusal says what to do.
use jiff::{civil::Time, fmt::strtime};
use protocol::{
    ids::{PayerId, TradeId},
    reconciliation::Day,
    settlement::Asset,
    Amount, Timestamp,
};

use super::Reading;
use crate::{assets::AssetName, reconciliation::schedule};

/// The most decimals: with more, no amount fits.
pub const MAX_DECIMALS: u8 = 30;
/// How much of a value is repeated to people.
const SHOWN: usize = 40;

/// What a payment is known by.
pub fn id(text: &str) -> Result<TradeId, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the id is empty: say what the payment is known by".into());
    }
    Ok(TradeId::of(text))
}

/// Who paid, if the line says it.
pub fn payer(text: &str) -> Option<PayerId> {
    let text = text.trim();
    (!text.is_empty()).then(|| PayerId::of(text))
}

/// A decimal number as an amount in the smallest unit. Nothing is rounded.
pub fn decimal(text: &str, point: char, decimals: u8) -> Result<Amount, String> {
    let text = text.trim();
    let wrong = || {
        let example = if decimals == 0 {
            "1200".to_owned()
        } else {
            format!("1200{point}5")
        };
        format!("{:?} is no amount: write it like {example}", shown(text))
    };
    if text.starts_with('-') {
        return Err(format!("{:?} is below 0: a book has what was paid", shown(text)));
    }
    let (whole, part) = text.split_once(point).unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    let ends_in_point = text.ends_with(point);
    if whole.is_empty() || ends_in_point || !is_number(whole) || !is_number(part) {
        return Err(wrong());
    }
    let places = usize::from(decimals);
    let significant = part.trim_end_matches('0');
    if significant.len() > places {
        return Err(format!(
            "{:?} has {} digits behind the point, and amounts of this book have {decimals}",
            shown(text),
            significant.len()
        ));
    }
    let digits = format!("{whole}{significant:0<places$}");
    digits
        .parse()
        .map_err(|_| format!("{:?} is more than an amount can be", shown(text)))
}

/// A number of the smallest unit.
pub fn integer(text: &str) -> Result<Amount, String> {
    let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let amount = is_number.then(|| text.parse().ok()).flatten();
    amount.ok_or_else(|| {
        format!(
            "{:?} is no amount: write it as a string of digits, in the asset's smallest unit",
            shown(text)
        )
    })
}

/// A day, as a format says. What is final takes no more lines.
pub fn day(text: &str, format: &str, reading: &Reading) -> Result<Day, String> {
    let text = text.trim();
    let date = strtime::parse(format, text).and_then(|parsed| parsed.to_date());
    let date = date.map_err(|_| format!("{:?} is no date as in {format:?}", shown(text)))?;
    open_day(&date.to_string(), reading)
}

/// A day as `2026-12-24`. What is final takes no more lines.
pub fn open_day(text: &str, reading: &Reading) -> Result<Day, String> {
    ensure_open(schedule::read(text.trim()).map_err(|error| error.to_string())?, reading)
}

/// The day of a moment, by the book's clocks. What is final takes no more lines.
pub fn day_of(moment: Timestamp, reading: &Reading) -> Result<Day, String> {
    let day = reading.clocks.day(moment);
    ensure_open(day.ok_or("this is beyond the days that dates have")?, reading)
}

fn ensure_open(day: Day, reading: &Reading) -> Result<Day, String> {
    if reading.closed_through.is_some_and(|through| day <= through) {
        return Err(format!(
            "{} is closed: what comes late is booked on a day that is open",
            schedule::write(day)
        ));
    }
    Ok(day)
}

/// A time of a day, as a format says, by the book's clocks; nothing where the line doesn't say.
pub fn time(text: &str, format: &str, day: Day, reading: &Reading) -> Result<Option<Timestamp>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let time: Result<Time, _> = strtime::parse(format, text).and_then(|parsed| parsed.to_time());
    let time = time.map_err(|_| format!("{:?} is no time as in {format:?}", shown(text)))?;
    let moment = reading.clocks.moment(day, time);
    moment
        .map(Some)
        .ok_or_else(|| format!("{:?} is beyond the times that days have", shown(text)))
}

/// A moment as `2026-12-24T18:00:00+01:00`; without the offset, by the book's clocks.
pub fn moment(text: &str, reading: &Reading) -> Result<Timestamp, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "{:?} is no time: write it like \"2026-12-24T18:00:00+01:00\"",
            shown(text)
        )
    };
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Timestamp::try_from(moment.as_millisecond()).map_err(|_| wrong());
    }
    let local: jiff::civil::DateTime = text.parse().map_err(|_| wrong())?;
    let day = schedule::read(&local.date().to_string()).map_err(|_| wrong())?;
    reading.clocks.moment(day, local.time()).ok_or_else(wrong)
}

/// The asset that a name means.
pub fn asset(text: &str, reading: &Reading) -> Result<Asset, String> {
    let text = text.trim();
    if let Some(AssetName(asset)) = reading.layout.assets.get(text) {
        return Ok(*asset);
    }
    text.parse::<AssetName>().map(|name| name.0).map_err(|_| {
        format!(
            "{:?} is no asset that the configuration knows: say in `assets` what it means",
            shown(text)
        )
    })
}

fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
