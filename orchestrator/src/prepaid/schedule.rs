//! When merchants' cycles are closed: times of day where the issuer is, on its banking days.
use std::str::FromStr;

use jiff::tz::TimeZone;
use protocol::Timestamp;

use crate::windows::Calendar;

/// A time zone by its name, such as `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// No time zone is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time zone: write it like \"Europe/Berlin\", or \"UTC\"")]
pub struct UnknownZone(String);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;
    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        TimeZone::get(text).map(Self).map_err(|_| UnknownZone(text.to_owned()))
    }
}

/// Cut-offs on banking days, by the clocks of a time zone.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    calendar: Calendar,
    zone: Zone,
}

impl Schedule {
    /// The calendar's times and days are those of the zone.
    pub const fn new(calendar: Calendar, zone: Zone) -> Self {
        Self { calendar, zone }
    }

    /// The latest cut-off at or before `now`; `None` where there was none for a month.
    pub fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        // The calendar reckons in UTC: it is given the zone's clock as if that was UTC.
        let shown = moved(now, &self.zone.0, &TimeZone::UTC)?;
        let cut_off = self.calendar.latest(shown)?;
        let moment = moved(cut_off, &TimeZone::UTC, &self.zone.0)?;
        // When clocks are put forward, a time that they leave out comes an hour later.
        (moment <= now).then_some(moment)
    }
}

/// The moment at which the clocks of the zone `to` show what those of `from` do.
fn moved(moment: Timestamp, from: &TimeZone, to: &TimeZone) -> Option<Timestamp> {
    let moment = jiff::Timestamp::from_millisecond(i64::try_from(moment).ok()?).ok()?;
    let shown = moment.to_zoned(from.clone()).datetime();
    let moved = shown.to_zoned(to.clone()).ok()?.timestamp();
    Timestamp::try_from(moved.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> Timestamp {
        let moment: jiff::Timestamp = text.parse().unwrap();
        Timestamp::try_from(moment.as_millisecond()).unwrap()
    }

    fn schedule(zone: &str, cut_offs: &[&str]) -> Schedule {
        let cut_offs = cut_offs.iter().map(|text| text.parse().unwrap());
        Schedule::new(
            Calendar::new(cut_offs, ["2026-12-25".parse().unwrap()]),
            zone.parse().unwrap(),
        )
    }

    #[test]
    fn in_utc_it_is_the_calendar_itself() {
        let schedule = schedule("UTC", &["22:00"]);
        assert_eq!(
            schedule.latest(at("2026-12-23T22:00:00Z")),
            Some(at("2026-12-23T22:00:00Z"))
        );
        assert_eq!(
            schedule.latest(at("2026-12-23T21:59:59Z")),
            Some(at("2026-12-22T22:00:00Z"))
        );
        // Christmas is a Friday.
        assert_eq!(
            schedule.latest(at("2026-12-27T23:00:00Z")),
            Some(at("2026-12-24T22:00:00Z"))
        );
        assert_eq!(Schedule::default().latest(at("2026-12-23T22:00:00Z")), None);
    }

    #[test]
    fn cut_offs_follow_the_clocks_of_the_zone_in_summer_and_in_winter() {
        let schedule = schedule("Europe/Berlin", &["22:00"]);
        assert_eq!(
            schedule.latest(at("2026-12-23T21:00:00Z")),
            Some(at("2026-12-23T21:00:00Z"))
        );
        assert_eq!(
            schedule.latest(at("2026-07-01T20:00:00Z")),
            Some(at("2026-07-01T20:00:00Z"))
        );
        assert_eq!(
            schedule.latest(at("2026-07-01T19:59:00Z")),
            Some(at("2026-06-30T20:00:00Z"))
        );
    }

    #[test]
    fn a_banking_day_is_one_where_the_issuer_is() {
        // Monday morning in Auckland is Sunday in UTC.
        let schedule = schedule("Pacific/Auckland", &["08:00"]);
        let monday = at("2026-08-16T20:00:00Z");
        assert_eq!(schedule.latest(monday), Some(monday));
        assert_eq!(schedule.latest(monday - 1), Some(at("2026-08-13T20:00:00Z")));
    }

    #[test]
    fn a_cut_off_that_clocks_leave_out_or_show_twice_comes_once_and_never_too_early() {
        // Clocks change on Sundays: one that is a banking day doesn't exist, so this zone changes on a Friday.
        let schedule = schedule("Asia/Amman", &["00:30"]);
        // 2022-02-25, a Friday: from 00:00 to 01:00.
        let before = schedule.latest(at("2022-02-24T22:10:00Z"));
        assert!(
            before.is_none() || before <= Some(at("2022-02-24T22:10:00Z")),
            "{before:?}"
        );
        assert_eq!(
            schedule.latest(at("2022-02-24T22:30:00Z")),
            Some(at("2022-02-24T22:30:00Z"))
        );
    }

    #[test]
    fn zones_that_nobody_knows_are_named() {
        let error = "Europe/Atlantis".parse::<Zone>().unwrap_err().to_string();
        assert!(error.contains("Atlantis"), "{error}");
    }
}
