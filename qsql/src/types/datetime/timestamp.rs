//! `timestamp` and `timestamptz`: microseconds since 2000-01-01.

use super::super::IoContext;
use super::calendar::{Civil, DAYS, day_of_week, split_day};
use super::decode::{self, Decoded};
use super::{
    EPOCH_JULIAN, Fault, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, UNIX_EPOCH_SHIFT, USECS_PER_SEC, iso,
    print,
};
use crate::error::Result;
use crate::sql_err;
use crate::types::io::DateStyle;

/// Digits of a second that are kept at most.
const PRECISION_MAX: i32 = 6;

/// Reads a timestamp, rounded to `typmod`.
///
/// # Errors
/// 22007, 22008, 22009 with PostgreSQL's texts.
#[inline]
pub fn parse(text: &str, typmod: i32, cx: &IoContext<'_>) -> Result<i64> {
    match iso::timestamp(text.as_bytes()) {
        // An offset is read and ignored.
        Some((local, _)) => round_timestamp(local, typmod),
        None => parse_full(text, typmod, cx, false),
    }
}

/// Reads a timestamp with time zone, rounded to `typmod`.
///
/// # Errors
/// As [`parse`].
#[inline]
pub fn parse_tz(text: &str, typmod: i32, cx: &IoContext<'_>) -> Result<i64> {
    match iso::timestamp(text.as_bytes()) {
        Some((local, east)) => {
            let east = east.unwrap_or_else(|| cx.time_zone.offset_at_local(local));
            round_timestamp(local - i64::from(east) * USECS_PER_SEC, typmod)
        }
        None => parse_full(text, typmod, cx, true),
    }
}

fn parse_full(text: &str, typmod: i32, cx: &IoContext<'_>, zoned: bool) -> Result<i64> {
    let type_name = if zoned { "timestamp with time zone" } else { "timestamp" };
    let ts = match decode::timestamp(text, cx).map_err(|fault: Fault| fault.report(text, type_name))? {
        Decoded::Infinity => TIMESTAMP_INFINITY,
        Decoded::NegInfinity => TIMESTAMP_NEG_INFINITY,
        Decoded::Epoch => -UNIX_EPOCH_SHIFT * USECS_PER_SEC,
        Decoded::At(civil, east) => {
            let shift = if zoned { i64::from(east) * USECS_PER_SEC } else { 0 };
            civil
                .to_local()
                .and_then(|local| local.checked_sub(shift))
                .filter(|ts| (super::TIMESTAMP_MIN..super::TIMESTAMP_END).contains(ts))
                .ok_or_else(|| sql_err!(DATETIME_FIELD_OVERFLOW, "timestamp out of range: \"{text}\""))?
        }
    };
    round_timestamp(ts, typmod)
}

/// Rounds to the precision of a modifier, half away from zero.
fn round(micros: i64, typmod: i32) -> i64 {
    let unit = 10i64.pow((PRECISION_MAX - typmod.clamp(0, PRECISION_MAX)) as u32);
    let half = unit / 2;
    if micros >= 0 {
        micros.saturating_add(half) / unit * unit
    } else {
        -((-micros).saturating_add(half) / unit * unit)
    }
}

/// Fits a timestamp to its modifier; -1 leaves it alone.
///
/// # Errors
/// 22008 when it rounds out of range.
#[inline]
pub fn round_timestamp(ts: i64, typmod: i32) -> Result<i64> {
    if !(0..PRECISION_MAX).contains(&typmod) || super::is_infinite_timestamp(ts) {
        return Ok(ts);
    }
    let rounded = round(ts, typmod);
    if super::is_valid_timestamp(rounded) { Ok(rounded) } else { Err(super::timestamp_out_of_range()) }
}

/// Fits a time of day to its modifier; -1 leaves it alone.
#[inline]
pub fn round_time(time: i64, typmod: i32) -> i64 {
    if (0..PRECISION_MAX).contains(&typmod) { round(time, typmod) } else { time }
}

/// Appends `infinity` or `-infinity`; false for a finite timestamp.
#[inline]
fn write_infinite(ts: i64, out: &mut Vec<u8>) -> bool {
    match ts {
        TIMESTAMP_INFINITY => out.extend_from_slice(b"infinity"),
        TIMESTAMP_NEG_INFINITY => out.extend_from_slice(b"-infinity"),
        _ => return false,
    }
    true
}

/// Appends a timestamp in the session's `DateStyle`.
#[inline]
pub fn write(ts: i64, cx: &IoContext<'_>, out: &mut Vec<u8>) {
    if !write_infinite(ts, out) {
        write_local(ts, cx, None, out);
    }
}

/// Appends a timestamp with time zone in the session's `DateStyle` and zone.
#[inline]
pub fn write_tz(ts: i64, cx: &IoContext<'_>, out: &mut Vec<u8>) {
    if write_infinite(ts, out) {
        return;
    }
    let east = cx.time_zone.offset_at(ts);
    let local = ts + i64::from(east) * USECS_PER_SEC;
    write_local(local, cx, Some((ts, east)), out);
}

fn write_local(local: i64, cx: &IoContext<'_>, zoned: Option<(i64, i32)>, out: &mut Vec<u8>) {
    let civil = Civil::of(local);
    let style = cx.date_style;
    if style == DateStyle::Postgres {
        let (days, _) = split_day(local);
        out.extend_from_slice(&DAYS[day_of_week(days + EPOCH_JULIAN) as usize].as_bytes()[..3]);
        out.push(b' ');
        print::month_and_day(&civil, cx.date_order, out);
    } else {
        print::date(&civil, style, cx.date_order, out);
    }
    out.push(b' ');
    print::clock(civil.hour, civil.minute, civil.second, civil.micros, out);
    if style == DateStyle::Postgres {
        out.push(b' ');
        print::year(civil.year, out);
    }
    match zoned {
        Some((_, east)) if style == DateStyle::Iso => print::offset(east, out),
        Some((ts, _)) => {
            out.push(b' ');
            out.extend_from_slice(cx.time_zone.abbreviation_at(ts).as_bytes());
        }
        None => {}
    }
    print::era(civil.year, out);
}
