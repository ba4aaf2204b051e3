//! Pieces of date and time output that several types share.

use super::super::int::{write_2, write_padded, write_u64};
use super::calendar::{Civil, MONTHS};
use crate::types::io::{DateOrder, DateStyle};

/// The year as printed: 1 BC is 1.
fn printed_year(year: i32) -> u64 {
    let year = i64::from(year);
    if year > 0 { year as u64 } else { (1 - year) as u64 }
}

/// Appends ` BC` where it belongs.
pub(super) fn era(year: i32, out: &mut Vec<u8>) {
    if year <= 0 {
        out.extend_from_slice(b" BC");
    }
}

/// Appends year, month and day in the given style, without the era. In the Postgres style of dates the parts are numbers.
#[inline]
pub(super) fn date(civil: &Civil, style: DateStyle, order: DateOrder, out: &mut Vec<u8>) {
    let (month, day) = (civil.month as u32, civil.day as u32);
    let year = printed_year(civil.year);
    if style == DateStyle::Iso {
        return iso_date(year, month, day, out);
    }
    let (separator, day_first) = match style {
        DateStyle::German => (b'.', true),
        DateStyle::Sql => (b'/', order == DateOrder::Dmy),
        _ => (b'-', order == DateOrder::Dmy),
    };
    let (first, second) = if day_first { (day, month) } else { (month, day) };
    write_2(first, out);
    out.push(separator);
    write_2(second, out);
    out.push(separator);
    write_padded(year, 4, out);
}

#[inline]
fn iso_date(year: u64, month: u32, day: u32, out: &mut Vec<u8>) {
    if year < 10_000 {
        write_2(year as u32 / 100, out);
        write_2(year as u32 % 100, out);
    } else {
        write_u64(year, out);
    }
    out.push(b'-');
    write_2(month, out);
    out.push(b'-');
    write_2(day, out);
}

/// Appends `Mon dd` or `dd Mon`, as Postgres-style timestamps have it.
pub(super) fn month_and_day(civil: &Civil, order: DateOrder, out: &mut Vec<u8>) {
    let month = &MONTHS[(civil.month - 1).clamp(0, 11) as usize].as_bytes()[..3];
    if order == DateOrder::Dmy {
        write_2(civil.day as u32, out);
        out.push(b' ');
        out.extend_from_slice(month);
    } else {
        out.extend_from_slice(month);
        out.push(b' ');
        write_2(civil.day as u32, out);
    }
}

/// Appends the year with four digits at least.
pub(super) fn year(year: i32, out: &mut Vec<u8>) {
    write_padded(printed_year(year), 4, out);
}

/// Appends `hh:mm:ss[.ffffff]` without trailing zeros.
#[inline]
pub(super) fn clock(hour: i32, minute: i32, second: i32, micros: i32, out: &mut Vec<u8>) {
    write_2(hour as u32, out);
    out.push(b':');
    write_2(minute as u32, out);
    out.push(b':');
    write_2(second as u32, out);
    fraction(micros.unsigned_abs(), out);
}

/// Appends `.ffffff` without trailing zeros; nothing for 0.
#[inline]
pub(super) fn fraction(micros: u32, out: &mut Vec<u8>) {
    if micros == 0 {
        return;
    }
    out.push(b'.');
    write_padded(u64::from(micros), 6, out);
    while out.last() == Some(&b'0') {
        out.pop();
    }
}

/// Appends an offset: `+hh`, `+hh:mm`, `+hh:mm:ss`.
pub(super) fn offset(seconds_east: i32, out: &mut Vec<u8>) {
    out.push(if seconds_east >= 0 { b'+' } else { b'-' });
    let seconds = seconds_east.unsigned_abs();
    write_padded(u64::from(seconds / 3600), 2, out);
    let (minute, second) = (seconds / 60 % 60, seconds % 60);
    if minute != 0 || second != 0 {
        out.push(b':');
        write_2(minute, out);
    }
    if second != 0 {
        out.push(b':');
        write_2(second, out);
    }
}
