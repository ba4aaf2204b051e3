//! Dates and times in paths: `.datetime()`, `.date()` and so on, and their comparison.

use std::cmp::Ordering;

use super::exec::{Exec, Stop, fail};
use super::item::Item;
use crate::error::Result;
use crate::sql_err;
use crate::types::datetime::arith;
use crate::types::jsonpath::Method;
use crate::types::{Datum, IoContext, Oid, coerce, compare, info, io_text, oid};

impl Exec<'_> {
    /// Reads a string as a date or time and makes it of the method's type; `None` is `.datetime()`.
    pub(super) fn time_method(
        &self,
        method: Option<Method>,
        precision: Option<u32>,
        item: &Item,
    ) -> Result<Item, Stop> {
        let name = method.map_or("datetime", Method::name);
        let Some(text) = item.str() else {
            fail!(
                INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION,
                "jsonpath item method .{name}() can only be applied to a string"
            );
        };
        let Some((value, ty, offset)) = read(text, self.io) else {
            let error = sql_err!(
                INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION,
                "{name} format is not recognized: \"{text}\""
            );
            return Err(Stop::Path(match method {
                None => error.hint("Use a datetime template argument to specify the input data format."),
                Some(_) => error,
            }));
        };
        let to = match method {
            None => return Ok(Item::Time(value, ty, offset)),
            Some(Method::Date) => oid::DATE,
            Some(Method::Time) => oid::TIME,
            Some(Method::TimeTz) => oid::TIMETZ,
            Some(Method::Timestamp) => oid::TIMESTAMP,
            _ => oid::TIMESTAMPTZ,
        };
        let Some((value, offset)) = self.converted(&value, ty, to, offset)? else {
            fail!(
                INVALID_ARGUMENT_FOR_SQL_JSON_DATETIME_FUNCTION,
                "{name} format is not recognized: \"{text}\""
            );
        };
        let value = match precision {
            Some(precision) => {
                coerce::apply_typmod(value, to, precision.min(6) as i32, false).map_err(Stop::Path)?
            }
            None => value,
        };
        Ok(Item::Time(value, to, offset))
    }

    /// A conversion that needs the session's time zone is for the `_tz` functions only.
    fn check_zone(&self, from: Oid, to: Oid) -> Result<(), Stop> {
        if self.use_zone {
            return Ok(());
        }
        Err(Stop::Hard(
            sql_err!(
                FEATURE_NOT_SUPPORTED,
                "cannot convert value from {} to {} without time zone usage",
                short_name(from),
                short_name(to)
            )
            .hint("Use *_tz() function for time zone support."),
        ))
    }

    /// A date or time as one of another type, with the offset it is shown with; `None` when there is no such conversion.
    fn converted(
        &self,
        value: &Datum,
        from: Oid,
        to: Oid,
        offset: i32,
    ) -> Result<Option<(Datum, i32)>, Stop> {
        let zone = &self.io.time_zone;
        let shown = |value: Datum| {
            let offset = if let Datum::TimestampTz(ts) = value { zone.offset_at(ts) } else { offset };
            Ok(Some((value, offset)))
        };
        if from == to {
            return Ok(Some((value.clone(), offset)));
        }
        match (value, to) {
            (Datum::Timestamp(ts), oid::DATE) => shown(Datum::Date(arith::timestamp_to_date(*ts)?)),
            (Datum::TimestampTz(ts), oid::DATE) => {
                self.check_zone(from, to)?;
                shown(Datum::Date(arith::timestamptz_to_date(*ts, zone)?))
            }
            (Datum::TimeTz(time, _), oid::TIME) => {
                self.check_zone(from, to)?;
                shown(Datum::Time(*time))
            }
            (Datum::Timestamp(ts), oid::TIME) => {
                Ok(arith::timestamp_to_time(*ts)?.map(|t| (Datum::Time(t), offset)))
            }
            (Datum::TimestampTz(ts), oid::TIME) => {
                self.check_zone(from, to)?;
                Ok(arith::timestamptz_to_time(*ts, zone)?.map(|t| (Datum::Time(t), offset)))
            }
            (Datum::Time(time), oid::TIMETZ) => {
                self.check_zone(from, to)?;
                shown(Datum::TimeTz(*time, -zone.offset_at(self.io.now_micros)))
            }
            (Datum::TimestampTz(ts), oid::TIMETZ) => {
                self.check_zone(from, to)?;
                Ok(arith::timestamptz_to_timetz(*ts, zone)?.map(|(t, z)| (Datum::TimeTz(t, z), offset)))
            }
            (Datum::Date(date), oid::TIMESTAMP) => shown(Datum::Timestamp(arith::date_to_timestamp(*date)?)),
            (Datum::TimestampTz(ts), oid::TIMESTAMP) => {
                self.check_zone(from, to)?;
                shown(Datum::Timestamp(arith::timestamptz_to_timestamp(*ts, zone)?))
            }
            (Datum::Date(date), oid::TIMESTAMPTZ) => {
                self.check_zone(from, to)?;
                shown(Datum::TimestampTz(arith::date_to_timestamptz(*date, zone)?))
            }
            (Datum::Timestamp(ts), oid::TIMESTAMPTZ) => {
                self.check_zone(from, to)?;
                shown(Datum::TimestampTz(arith::timestamp_to_timestamptz(*ts, zone)?))
            }
            _ => Ok(None),
        }
    }

    /// The order of two dates or times; `None` when their types have none in common.
    pub(super) fn compare_times(&self, a: &Item, b: &Item) -> Result<Option<Ordering>, Stop> {
        let (Item::Time(x, s, _), Item::Time(y, t, _)) = (a, b) else { return Ok(None) };
        // The wider of both types: dates, then timestamps, then those with a zone; times among themselves.
        let rank = |ty: Oid| match ty {
            oid::DATE => Some(0),
            oid::TIMESTAMP => Some(1),
            oid::TIMESTAMPTZ => Some(2),
            _ => None,
        };
        let to = match (rank(*s), rank(*t)) {
            (Some(i), Some(j)) => {
                if i >= j {
                    *s
                } else {
                    *t
                }
            }
            (None, None) if s == t => *s,
            (None, None) => oid::TIMETZ,
            _ => return Ok(None),
        };
        let (Some((x, _)), Some((y, _))) = (self.converted(x, *s, to, 0)?, self.converted(y, *t, to, 0)?)
        else {
            return Ok(None);
        };
        Ok(Some(compare::compare(&x, &y, to)))
    }
}

/// A type's name in messages about conversions.
fn short_name(ty: Oid) -> &'static str {
    info::built_in(ty).map_or("", |t| &t.name)
}

/// Reads ISO 8601: a date, a time, or both with a blank or `T` between, and an offset behind the time.
fn read(text: &str, io: &IoContext<'_>) -> Option<(Datum, Oid, i32)> {
    let bytes = text.as_bytes();
    let is_date = |b: &[u8]| {
        b.len() == 10
            && b.iter()
                .enumerate()
                .all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() })
    };
    let (date, time) = match bytes.get(..10) {
        Some(date) if is_date(date) => match bytes.get(10) {
            None => (true, None),
            Some(b' ' | b'T') => (true, text.get(11..)),
            Some(_) => return None,
        },
        _ => (false, Some(text)),
    };
    let Some(time) = time else {
        return io_text::parse_text(oid::DATE, -1, text, io).ok().map(|value| (value, oid::DATE, 0));
    };
    let zone_at = time.find(['+', '-']).unwrap_or(time.len());
    let (clock, zone) = (time[..zone_at].trim_end(), &time[zone_at..]);
    let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    let mut parts = clock.splitn(3, ':');
    let seconds = match (parts.next(), parts.next(), parts.next()) {
        (Some(h), Some(m), Some(s)) if digits(h, 2) && digits(m, 2) => s,
        _ => return None,
    };
    let whole = match seconds.split_once('.') {
        Some((whole, fraction)) if (1..=6).contains(&fraction.len()) && digits(fraction, fraction.len()) => {
            whole
        }
        Some(_) => return None,
        None => seconds,
    };
    if !digits(whole, 2) {
        return None;
    }
    let offset = match zone {
        "" => None,
        zone => {
            let body = &zone[1..];
            let (hours, minutes) = body.split_once(':').unwrap_or((body, "00"));
            if !digits(hours, 2) || !digits(minutes, 2) {
                return None;
            }
            let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
            Some(if zone.starts_with('-') { -seconds } else { seconds })
        }
    };
    let ty = match (date, offset) {
        (true, Some(_)) => oid::TIMESTAMPTZ,
        (true, None) => oid::TIMESTAMP,
        (false, Some(_)) => oid::TIMETZ,
        (false, None) => oid::TIME,
    };
    let value = io_text::parse_text(ty, -1, text, io).ok()?;
    Some((value, ty, offset.unwrap_or(0)))
}
