//! When windows are cut off: times of day in UTC, on banking days.
use std::{collections::BTreeSet, str::FromStr};

use protocol::Timestamp;
use time::{Date, Duration, Month, OffsetDateTime, Time, Weekday};

/// How far back a cut-off is looked for: longer than any row of holidays.
const LOOK_BACK_DAYS: u32 = 31;

/// A time or date that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No time of day.
    #[error("{0:?} is no time of day: write it like \"16:00\", in UTC")]
    Time(String),
    /// No date.
    #[error("{0:?} is no date: write it like \"2026-12-25\"")]
    Date(String),
}

/// A time of day in UTC, by the minute: `16:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(Time);

/// A day: `2026-12-25`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl TimeOfDay {
    /// The time of day of a moment; `None` beyond the years that dates have.
    pub fn of(moment: Timestamp) -> Option<Self> {
        moment_in_utc(moment).map(|moment| Self(moment.time()))
    }
}

fn moment_in_utc(moment: Timestamp) -> Option<OffsetDateTime> {
    let nanoseconds = i128::from(moment).checked_mul(1_000_000)?;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()
}

impl Day {
    /// Its first millisecond (UTC); `None` before 1970.
    pub fn begin(self) -> Option<Timestamp> {
        let begin = self.0.midnight().assume_utc().unix_timestamp();
        Timestamp::try_from(begin).ok()?.checked_mul(1_000)
    }
}

impl FromStr for TimeOfDay {
    type Err = CalendarError;
    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let wrong = || CalendarError::Time(text.to_owned());
        let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5).ok_or_else(wrong)?;
        let (hour, minute) = (hour.parse().map_err(|_| wrong())?, minute.parse().map_err(|_| wrong())?);
        Time::from_hms(hour, minute, 0).map(Self).map_err(|_| wrong())
    }
}

impl FromStr for Day {
    type Err = CalendarError;
    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let wrong = || CalendarError::Date(text.to_owned());
        let mut parts = text.splitn(3, '-').filter(|_| text.len() == 10);
        let mut part = || parts.next().ok_or_else(wrong);
        let year = part()?.parse().map_err(|_| wrong())?;
        let month: u8 = part()?.parse().map_err(|_| wrong())?;
        let day = part()?.parse().map_err(|_| wrong())?;
        let month = Month::try_from(month).map_err(|_| wrong())?;
        Date::from_calendar_date(year, month, day)
            .map(Self)
            .map_err(|_| wrong())
    }
}

/// Cut-offs on Mondays to Fridays that are no holidays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    cut_offs: BTreeSet<TimeOfDay>,
    holidays: BTreeSet<Day>,
}

impl Calendar {
    /// Windows are cut off at these times, but on weekends and these days.
    pub fn new(cut_offs: impl IntoIterator<Item = TimeOfDay>, holidays: impl IntoIterator<Item = Day>) -> Self {
        Self {
            cut_offs: cut_offs.into_iter().collect(),
            holidays: holidays.into_iter().collect(),
        }
    }

    /// The latest cut-off at or before `now`; `None` where there was none for a month.
    pub fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        let now = moment_in_utc(now)?;
        let mut date = now.date();
        for _ in 0..LOOK_BACK_DAYS {
            if self.is_banking_day(date) {
                let moments = self
                    .cut_offs
                    .iter()
                    .rev()
                    .map(|time| date.with_time(time.0).assume_utc());
                if let Some(found) = moments.into_iter().find(|moment| *moment <= now) {
                    return Timestamp::try_from(found.unix_timestamp()).ok()?.checked_mul(1_000);
                }
            }
            date = date.checked_sub(Duration::DAY)?;
        }
        None
    }

    /// Whether a moment is on a banking day.
    pub fn has_banking_day(&self, moment: Timestamp) -> bool {
        moment_in_utc(moment).is_some_and(|moment| self.is_banking_day(moment.date()))
    }

    fn is_banking_day(&self, date: Date) -> bool {
        !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) && !self.holidays.contains(&Day(date))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use time::format_description::well_known::Rfc3339;

    use super::*;

    fn at(text: &str) -> Timestamp {
        let moment = OffsetDateTime::parse(text, &Rfc3339).unwrap();
        Timestamp::try_from(moment.unix_timestamp()).unwrap() * 1_000
    }

    fn calendar() -> Calendar {
        let cut_offs = ["16:00", "11:30"].map(|text| text.parse().unwrap());
        Calendar::new(cut_offs, ["2026-12-25".parse().unwrap()])
    }

    #[test]
    fn the_latest_cut_off_is_the_one_just_reached_or_before() {
        let calendar = calendar();
        // A Wednesday.
        let noon = calendar.latest(at("2026-12-23T12:00:00Z"));
        assert_eq!(noon, Some(at("2026-12-23T11:30:00Z")));
        assert_eq!(
            calendar.latest(at("2026-12-23T16:00:00Z")),
            Some(at("2026-12-23T16:00:00Z"))
        );
        let just_before = calendar.latest(at("2026-12-23T16:00:00Z") - 1);
        assert_eq!(just_before, Some(at("2026-12-23T11:30:00Z")));
        assert_eq!(
            calendar.latest(at("2026-12-23T08:00:00Z")),
            Some(at("2026-12-22T16:00:00Z"))
        );
    }

    #[test]
    fn weekends_and_holidays_have_no_cut_offs() {
        // Christmas is a Friday: the last cut-off before Monday is Thursday's.
        for day in ["2026-12-25T18:00:00Z", "2026-12-26T18:00:00Z", "2026-12-28T11:29:59Z"] {
            assert_eq!(calendar().latest(at(day)), Some(at("2026-12-24T16:00:00Z")), "{day}");
        }
    }

    #[test]
    fn without_times_there_is_no_cut_off() {
        assert_eq!(Calendar::default().latest(at("2026-12-23T12:00:00Z")), None);
    }

    #[test]
    fn only_times_and_dates_are_read() {
        for wrong in ["24:00", "9:30", "12:60", "noon", "", "12:3x"] {
            assert_eq!(wrong.parse::<TimeOfDay>(), Err(CalendarError::Time(wrong.into())));
        }
        for wrong in ["2026-02-29", "26-02-28", "2026-13-01", "", "2026/12/25"] {
            assert_eq!(wrong.parse::<Day>(), Err(CalendarError::Date(wrong.into())));
        }
    }
}
