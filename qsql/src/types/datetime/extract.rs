//! `extract` and `date_part`.
//!
//! `extract` answers numeric: seconds and epoch with six digits after the point, milliseconds with three.

use super::super::{Interval, Numeric};
use super::calendar::{Civil, day_of_week, iso_week, split_time, to_julian};
use super::interval::infinity_sign;
use super::keywords::{Unit, find_field};
use super::zone::Zone;
use super::*;
use crate::error::Result;

#[cold]
pub(super) fn not_recognized(field: &str, type_name: &str) -> SqlError {
    let field = field.to_ascii_lowercase();
    sql_err!(INVALID_PARAMETER_VALUE, "unit \"{field}\" not recognized for type {type_name}")
}

#[cold]
fn not_supported(field: &str, type_name: &str) -> SqlError {
    let field = field.to_ascii_lowercase();
    sql_err!(FEATURE_NOT_SUPPORTED, "unit \"{field}\" not supported for type {type_name}")
}

/// Finds a field, or says that the type has none of this name.
fn unit_of(field: &str, type_name: &str) -> Result<Unit> {
    find_field(field).ok_or_else(|| not_recognized(field, type_name))
}

fn whole(v: i64) -> Numeric {
    Numeric::from_i64(v)
}

fn micros_at(v: i128, scale: u32) -> Numeric {
    Numeric::from_parts(v, scale)
}

/// What an infinite date or timestamp answers: infinity for what grows without end, NULL for what repeats.
fn of_infinity(unit: Unit, negative: bool) -> Option<Option<Numeric>> {
    match unit {
        Unit::Year
        | Unit::Decade
        | Unit::Century
        | Unit::Millennium
        | Unit::Julian
        | Unit::IsoYear
        | Unit::Epoch => Some(Some(Numeric::infinity(negative))),
        Unit::Time => None,
        _ => Some(None),
    }
}

/// The fields of a date.
fn date_field(unit: Unit, year: i32, month: i32, day: i32) -> Option<i64> {
    let julian = to_julian(year, month, day);
    let counted = |years: i64| {
        let year = i64::from(year);
        // There is no year 0: 1 AD follows 1 BC.
        if year > 0 { (year + years - 1) / years } else { -((years - 1 - (year - 1)) / years) }
    };
    Some(match unit {
        Unit::Day => i64::from(day),
        Unit::Month => i64::from(month),
        Unit::Quarter => i64::from((month - 1) / 3 + 1),
        Unit::Week => i64::from(iso_week(year, month, day).1),
        Unit::Year if year > 0 => i64::from(year),
        Unit::Year => i64::from(year) - 1,
        Unit::Decade if year >= 0 => i64::from(year / 10),
        Unit::Decade => -i64::from((8 - (year - 1)) / 10),
        Unit::Century => counted(100),
        Unit::Millennium => counted(1000),
        Unit::IsoYear => match iso_week(year, month, day).0 {
            iso @ 1.. => i64::from(iso),
            iso => i64::from(iso) - 1,
        },
        Unit::DayOfWeek => i64::from(day_of_week(julian)),
        Unit::IsoDayOfWeek => match day_of_week(julian) {
            0 => 7,
            weekday => i64::from(weekday),
        },
        Unit::DayOfYear => julian - to_julian(year, 1, 1) + 1,
        _ => return None,
    })
}

/// The fields of a time of day.
fn clock_field(unit: Unit, time: i64) -> Option<Numeric> {
    let (hour, minute, _, _) = split_time(time);
    let in_minute = i128::from(time % USECS_PER_MINUTE);
    Some(match unit {
        Unit::Microsecond => whole(in_minute as i64),
        Unit::Millisecond => micros_at(in_minute, 3),
        Unit::Second => micros_at(in_minute, 6),
        Unit::Minute => whole(i64::from(minute)),
        Unit::Hour => whole(i64::from(hour)),
        _ => return None,
    })
}

/// The fields of an offset in seconds east.
fn zone_field(unit: Unit, east: i32) -> Option<Numeric> {
    Some(whole(i64::from(match unit {
        Unit::Zone => east,
        Unit::ZoneHour => east / 3600,
        Unit::ZoneMinute => east / 60 % 60,
        _ => return None,
    })))
}

/// `extract(field from date)`; `None` is NULL.
///
/// # Errors
/// 22023 for an unknown field, 0A000 for one that the type does not have; so for all of these functions.
pub fn date(field: &str, date: i32) -> Result<Option<Numeric>> {
    const TYPE: &str = "date";
    let unit = unit_of(field, TYPE)?;
    let (year, month, day) = if is_infinite_date(date) { (2000, 1, 1) } else { date::to_civil(date) };
    let days = i64::from(date);
    let value = match unit {
        Unit::Julian => days + EPOCH_JULIAN,
        Unit::Epoch => (days + EPOCH_JULIAN - UNIX_EPOCH_JULIAN) * SECS_PER_DAY,
        _ => date_field(unit, year, month, day).ok_or_else(|| not_supported(field, TYPE))?,
    };
    if is_infinite_date(date) {
        return Ok(of_infinity(unit, date < 0).flatten());
    }
    Ok(Some(whole(value)))
}

/// `extract(field from time)`.
pub fn time(field: &str, time: i64) -> Result<Option<Numeric>> {
    const TYPE: &str = "time without time zone";
    let unit = unit_of(field, TYPE)?;
    let value = match unit {
        Unit::Epoch => Some(micros_at(time.into(), 6)),
        _ => clock_field(unit, time),
    };
    value.map(Some).ok_or_else(|| not_supported(field, TYPE))
}

/// `extract(field from timetz)`; the zone is in seconds west.
pub fn timetz(field: &str, time: i64, zone: i32) -> Result<Option<Numeric>> {
    const TYPE: &str = "time with time zone";
    let unit = unit_of(field, TYPE)?;
    let value = match unit {
        Unit::Epoch => Some(micros_at((time + i64::from(zone) * USECS_PER_SEC).into(), 6)),
        _ => clock_field(unit, time).or_else(|| zone_field(unit, -zone)),
    };
    value.map(Some).ok_or_else(|| not_supported(field, TYPE))
}

/// `extract(field from timestamp)`.
pub fn timestamp(field: &str, ts: i64) -> Result<Option<Numeric>> {
    any_timestamp(field, ts, ts, None, "timestamp without time zone")
}

/// `extract(field from timestamptz)`.
pub fn timestamptz(field: &str, ts: i64, zone: &Zone) -> Result<Option<Numeric>> {
    const TYPE: &str = "timestamp with time zone";
    if is_infinite_timestamp(ts) {
        return any_timestamp(field, ts, ts, Some(0), TYPE);
    }
    let east = zone.offset_at(ts);
    any_timestamp(field, ts, ts + i64::from(east) * USECS_PER_SEC, Some(east), TYPE)
}

fn any_timestamp(
    field: &str,
    ts: i64,
    local: i64,
    east: Option<i32>,
    type_name: &str,
) -> Result<Option<Numeric>> {
    let unit = unit_of(field, type_name)?;
    let unsupported = || not_supported(field, type_name);
    if is_infinite_timestamp(ts) {
        return of_infinity(unit, ts < 0).ok_or_else(unsupported);
    }
    let civil = Civil::of(local);
    let (days, time) = calendar::split_day(local);
    if let Some(value) = date_field(unit, civil.year, civil.month, civil.day) {
        return Ok(Some(whole(value)));
    }
    let value = match unit {
        Unit::Julian => {
            let part = Numeric::from_i64(time).div(&Numeric::from_i64(USECS_PER_DAY))?;
            Some(whole(days + EPOCH_JULIAN).add(&part)?)
        }
        Unit::Epoch => Some(micros_at(i128::from(ts) + i128::from(UNIX_EPOCH_SHIFT * USECS_PER_SEC), 6)),
        _ => clock_field(unit, time).or_else(|| zone_field(unit, east?)),
    };
    value.map(Some).ok_or_else(unsupported)
}

/// `extract(field from interval)`.
pub fn interval(field: &str, iv: &Interval) -> Result<Option<Numeric>> {
    const TYPE: &str = "interval";
    let unit = unit_of(field, TYPE)?;
    let (years, months) = (i64::from(iv.months / 12), i64::from(iv.months % 12));
    let in_minute = i128::from(iv.micros % USECS_PER_MINUTE);
    let value = match unit {
        Unit::Microsecond => whole(in_minute as i64),
        Unit::Millisecond => micros_at(in_minute, 3),
        Unit::Second => micros_at(in_minute, 6),
        Unit::Minute => whole(iv.micros / USECS_PER_MINUTE % 60),
        Unit::Hour => whole(iv.micros / USECS_PER_HOUR),
        Unit::Day => whole(i64::from(iv.days)),
        Unit::Week => whole(i64::from(iv.days / 7)),
        Unit::Month => whole(months),
        Unit::Quarter if iv.months >= 0 => whole(months / 3 + 1),
        Unit::Quarter => whole(-(-months / 3 + 1)),
        Unit::Year => whole(years),
        Unit::Decade => whole(years / 10),
        Unit::Century => whole(years / 100),
        Unit::Millennium => whole(years / 1000),
        Unit::Epoch => {
            // A year is 365.25 days here, so quarters of days keep it exact.
            let quarters = 1461 * years + 120 * months + 4 * i64::from(iv.days);
            let seconds = i128::from(quarters) * i128::from(SECS_PER_DAY / 4);
            micros_at(seconds * i128::from(USECS_PER_SEC) + i128::from(iv.micros), 6)
        }
        _ => return Err(not_supported(field, TYPE)),
    };
    match (infinity_sign(iv), unit) {
        (0, _) => Ok(Some(value)),
        (
            sign,
            Unit::Hour
            | Unit::Day
            | Unit::Year
            | Unit::Decade
            | Unit::Century
            | Unit::Millennium
            | Unit::Epoch,
        ) => Ok(Some(Numeric::infinity(sign < 0))),
        _ => Ok(None),
    }
}
