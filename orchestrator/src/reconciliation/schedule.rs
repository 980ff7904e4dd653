//! When a book's days begin and end, by its clocks, and when they are matched.
use jiff::{
    civil::{Date, Time},
    tz::TimeZone,
};
use protocol::{reconciliation::Day, Timestamp};

use crate::prepaid::schedule::Schedule;

/// Days are counted from it.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// A book's clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clocks(TimeZone);

/// No time zone is called so, as far as this machine knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time zone that this machine knows: update its time zone data")]
pub struct UnknownClocks(String);

/// A text that is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no day: write it like \"2026-12-24\"")]
pub struct BadDay(String);

impl Clocks {
    /// The clocks of the zone that a book's terms name.
    ///
    /// # Errors
    /// There is no such zone here.
    pub fn of(zone: &[u8]) -> Result<Self, UnknownClocks> {
        let name = String::from_utf8_lossy(zone);
        TimeZone::get(&name)
            .map(Self)
            .map_err(|_| UnknownClocks(name.into_owned()))
    }

    /// The day that they show at a moment; `None` beyond the years that dates have.
    pub fn day(&self, at: Timestamp) -> Option<Day> {
        let moment = jiff::Timestamp::from_millisecond(i64::try_from(at).ok()?).ok()?;
        let date = moment.to_zoned(self.0.clone()).date();
        u32::try_from(days_since(date)?).ok().map(Day)
    }

    /// A day's first millisecond; `None` beyond the years that dates have. Where clocks leave midnight out, it is the first
    /// moment after.
    pub fn begin(&self, day: Day) -> Option<Timestamp> {
        let begin = date(day)?.to_zoned(self.0.clone()).ok()?.timestamp();
        Timestamp::try_from(begin.as_millisecond()).ok()
    }

    /// The moment at which they show a time of a day; `None` beyond the years that dates have. Where clocks leave the time out, it
    /// is as much later.
    pub fn moment(&self, day: Day, time: Time) -> Option<Timestamp> {
        let moment = date(day)?.to_datetime(time).to_zoned(self.0.clone()).ok()?.timestamp();
        Timestamp::try_from(moment.as_millisecond()).ok()
    }

    /// The first millisecond after a day.
    pub fn end(&self, day: Day) -> Option<Timestamp> {
        self.begin(Day(day.0.checked_add(1)?))
    }
}

/// Whether a day has been over at a cut-off before `now`: then it is to be matched.
pub fn is_due(schedule: &Schedule, clocks: &Clocks, day: Day, now: Timestamp) -> bool {
    let end = clocks.end(day);
    schedule
        .latest(now)
        .zip(end)
        .is_some_and(|(cut_off, end)| end <= cut_off)
}

/// A day as people write it: `2026-12-24`.
pub fn write(day: Day) -> String {
    date(day).map_or_else(|| day.0.to_string(), |date| date.to_string())
}

/// The day that people write so.
///
/// # Errors
/// It is none, or before 1970.
pub fn read(text: &str) -> Result<Day, BadDay> {
    let wrong = || BadDay(text.to_owned());
    let date: Date = text.parse().map_err(|_| wrong())?;
    // Also takes no `20261224`, nor a time after the date.
    let day = days_since(date).and_then(|days| u32::try_from(days).ok());
    day.map(Day).filter(|day| write(*day) == text).ok_or_else(wrong)
}

fn date(day: Day) -> Option<Date> {
    let span = jiff::Span::new().try_days(i64::from(day.0)).ok()?;
    EPOCH.checked_add(span).ok()
}

fn days_since(date: Date) -> Option<i32> {
    EPOCH.until(date).ok().map(|span| span.get_days())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::windows::Calendar;

    fn at(text: &str) -> Timestamp {
        let moment: jiff::Timestamp = text.parse().unwrap();
        Timestamp::try_from(moment.as_millisecond()).unwrap()
    }

    #[test]
    fn days_are_written_as_dates_and_read_back() {
        assert_eq!(write(Day(0)), "1970-01-01");
        assert_eq!(write(Day(20_783)), "2026-11-26");
        assert_eq!(read("2026-11-26"), Ok(Day(20_783)));
        for wrong in [
            "",
            "26.11.2026",
            "20261126",
            "2026-11-31",
            "1969-12-31",
            "2026-11-26T00:00",
        ] {
            assert_eq!(read(wrong), Err(BadDay(wrong.into())), "{wrong}");
        }
        assert_eq!(write(Day(u32::MAX)), u32::MAX.to_string());
    }

    #[test]
    fn a_day_is_as_long_as_its_clocks_say() {
        let berlin = Clocks::of(b"Europe/Berlin").unwrap();
        // Clocks are put back on 2026-10-25: it has 25 hours.
        let day = read("2026-10-25").unwrap();
        let (begin, end) = (berlin.begin(day).unwrap(), berlin.end(day).unwrap());
        assert_eq!(begin, at("2026-10-24T22:00:00Z"));
        assert_eq!(end - begin, 25 * 3_600_000);
        assert_eq!(berlin.day(begin), Some(day));
        assert_eq!(berlin.day(begin - 1), Some(Day(day.0 - 1)));
        assert_eq!(berlin.day(end - 1), Some(day));
        assert!(Clocks::of(b"Europe/Atlantis")
            .unwrap_err()
            .to_string()
            .contains("Atlantis"));
    }

    #[test]
    fn a_day_is_due_at_the_first_cut_off_on_a_banking_day_after_its_end() {
        let calendar = Calendar::new(["06:00".parse().unwrap()], []);
        let schedule = Schedule::new(calendar, "Europe/Berlin".parse().unwrap());
        let berlin = Clocks::of(b"Europe/Berlin").unwrap();
        // A Wednesday, and a Friday before a weekend.
        let (wednesday, friday) = (read("2026-11-25").unwrap(), read("2026-11-27").unwrap());
        assert!(!is_due(&schedule, &berlin, wednesday, at("2026-11-26T04:59:59Z")));
        assert!(is_due(&schedule, &berlin, wednesday, at("2026-11-26T05:00:00Z")));
        assert!(!is_due(&schedule, &berlin, friday, at("2026-11-29T12:00:00Z")));
        assert!(is_due(&schedule, &berlin, friday, at("2026-11-30T05:00:00Z")));
        assert!(!is_due(
            &Schedule::default(),
            &berlin,
            wednesday,
            at("2026-12-31T05:00:00Z")
        ));
    }

    #[test]
    fn a_day_that_ends_after_the_cut_off_of_its_clocks_waits_for_the_next_one() {
        // At 06:00 in Berlin, 05:00 UTC, it is midnight in New York.
        let calendar = Calendar::new(["06:00".parse().unwrap()], []);
        let schedule = Schedule::new(calendar, "Europe/Berlin".parse().unwrap());
        let new_york = Clocks::of(b"America/New_York").unwrap();
        let tuesday = read("2026-11-24").unwrap();
        assert!(is_due(&schedule, &new_york, tuesday, at("2026-11-25T05:00:00Z")));
        let honolulu = Clocks::of(b"Pacific/Honolulu").unwrap();
        // It ends at 10:00 UTC, after the cut-off of 05:00 UTC.
        assert!(!is_due(&schedule, &honolulu, tuesday, at("2026-11-25T12:00:00Z")));
        assert!(is_due(&schedule, &honolulu, tuesday, at("2026-11-26T05:00:00Z")));
    }
}
