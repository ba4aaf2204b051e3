//! The proleptic Gregorian calendar: Julian days, weeks, and timestamps taken apart.

use super::{EPOCH_JULIAN, USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SEC};

/// Names of the months.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Names of the days of the week, Sunday first.
pub const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const MONTH_DAYS: [[i32; 12]; 2] =
    [[31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]];

/// A timestamp taken apart. Year 0 is 1 BC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the field names say it")]
pub struct Civil {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    pub micros: i32,
}

/// Whether `year` (0 is 1 BC) has a 29 February.
pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Number of days in a month from 1 to 12.
pub fn month_days(year: i32, month: i32) -> i32 {
    MONTH_DAYS[usize::from(is_leap(year))][(month.clamp(1, 12) - 1) as usize]
}

/// The Julian day of a date; the month may be any from 1 to 12, the day any number.
#[inline]
pub fn to_julian(year: i32, month: i32, day: i32) -> i64 {
    // March comes first, so that the leap day is the last of the year.
    let (year, month) = match month > 2 {
        true => (i64::from(year) + 4800, i64::from(month) + 1),
        false => (i64::from(year) + 4799, i64::from(month) + 13),
    };
    let century = year / 100;
    year * 365 - 32_167 + year / 4 - century + century / 4 + 7834 * month / 256 + i64::from(day)
}

/// Year, month and day of a Julian day that is not negative.
#[inline]
pub fn from_julian(julian: i64) -> (i32, i32, i32) {
    let mut julian = (julian + 32_044) as u64;
    let quad = julian / 146_097;
    let extra = (julian - quad * 146_097) * 4 + 3;
    julian += 60 + quad * 3 + extra / 146_097;
    let quad = julian / 1461;
    julian -= quad * 1461;
    let year = julian * 4 / 1461;
    let day_of_year = if year != 0 { (julian + 305) % 365 } else { (julian + 306) % 366 } + 123;
    let month = day_of_year * 2141 / 65_536;
    let day = day_of_year - 7834 * month / 256;
    ((year + quad * 4) as i32 - 4800, ((month + 10) % 12 + 1) as i32, day as i32)
}

/// Whether a date is within the calendar: 24 November 4714 BC to 5874897.
pub fn is_valid_julian(year: i32, month: i32) -> bool {
    (year > -4713 || year == -4713 && month >= 11) && (year < 5_874_898 || year == 5_874_898 && month < 6)
}

/// Day of the week of a Julian day, Sunday is 0.
pub fn day_of_week(julian: i64) -> i32 {
    (julian + 1).rem_euclid(7) as i32
}

/// The Monday on or before 4 January: the first day of the ISO year.
fn iso_year_start(year: i32) -> i64 {
    let fourth = to_julian(year, 1, 4);
    fourth - (fourth.rem_euclid(7))
}

/// The ISO year and week (1 to 53) of a date.
pub fn iso_week(year: i32, month: i32, day: i32) -> (i32, i32) {
    let julian = to_julian(year, month, day);
    let year = match julian {
        _ if julian < iso_year_start(year) => year - 1,
        _ if julian >= iso_year_start(year + 1) => year + 1,
        _ => year,
    };
    (year, ((julian - iso_year_start(year)) / 7 + 1) as i32)
}

/// The Julian day of the Monday of an ISO week.
pub fn iso_week_start(year: i32, week: i32) -> i64 {
    iso_year_start(year) + i64::from(week - 1) * 7
}

/// Splits a timestamp into days since 2000-01-01 and microseconds of the day.
#[inline]
pub fn split_day(ts: i64) -> (i64, i64) {
    (ts.div_euclid(USECS_PER_DAY), ts.rem_euclid(USECS_PER_DAY))
}

/// Splits microseconds of a day into hour, minute, second and microseconds.
#[inline]
pub fn split_time(time: i64) -> (i32, i32, i32, i32) {
    let seconds = (time / USECS_PER_SEC) as i32;
    (seconds / 3600, seconds / 60 % 60, seconds % 60, (time % USECS_PER_SEC) as i32)
}

/// Microseconds since midnight.
pub fn join_time(hour: i32, minute: i32, second: i32, micros: i32) -> i64 {
    i64::from(hour) * USECS_PER_HOUR
        + i64::from(minute) * USECS_PER_MINUTE
        + i64::from(second) * USECS_PER_SEC
        + i64::from(micros)
}

impl Civil {
    /// Takes a finite timestamp apart.
    pub fn of(ts: i64) -> Civil {
        let (days, time) = split_day(ts);
        let (year, month, day) = from_julian(days + EPOCH_JULIAN);
        let (hour, minute, second, micros) = split_time(time);
        Civil { year, month, day, hour, minute, second, micros }
    }

    /// The microseconds since 2000-01-01, also a little beyond the type's range: an offset may bring them back.
    pub(super) fn to_local(self) -> Option<i64> {
        if !is_valid_julian(self.year, self.month) {
            return None;
        }
        let days = to_julian(self.year, self.month, self.day) - EPOCH_JULIAN;
        let time = join_time(self.hour, self.minute, self.second, self.micros);
        days.checked_mul(USECS_PER_DAY)?.checked_add(time)
    }

    /// The timestamp, unless it is beyond the type's range.
    pub fn to_timestamp(self) -> Option<i64> {
        self.to_local().filter(|ts| (super::TIMESTAMP_MIN..super::TIMESTAMP_END).contains(ts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn julian_days_round_trip() {
        for julian in (0..3_000_000).step_by(7).chain([0, 1, 2_147_483_493, 2_451_544, 2_451_545]) {
            let (year, month, day) = from_julian(julian);
            assert_eq!(to_julian(year, month, day), julian, "{year}-{month}-{day}");
            assert!((1..=12).contains(&month) && (1..=month_days(year, month)).contains(&day));
        }
        assert_eq!(from_julian(2_451_545), (2000, 1, 1));
        assert_eq!(from_julian(0), (-4713, 11, 24));
    }

    #[test]
    fn iso_weeks() {
        for (date, want) in [
            ((2005, 1, 1), (2004, 53)),
            ((2005, 12, 31), (2005, 52)),
            ((2007, 1, 1), (2007, 1)),
            ((2008, 12, 29), (2009, 1)),
            ((2010, 1, 3), (2009, 53)),
        ] {
            assert_eq!(iso_week(date.0, date.1, date.2), want);
        }
        assert_eq!(day_of_week(2_451_545), 6);
    }
}
